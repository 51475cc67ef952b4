"""A person at the Prefect UI: a study from the form, in a real browser, with no YAML anywhere."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prefect.client.orchestration import SyncPrefectClient

from tests.server.runs import new_run, runs_of, wait_until_completed
from tests.server.servers import Server
from tests.server.studies import write_study

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.slow

DISCOVER = "discover-form/discover"
RUN_SECONDS = 400.0
PAGE_SECONDS = 90.0
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture
def page(tmp_path: Path) -> Iterator["Page"]:
    """Return a page of a headless Chromium; what it showed at the end is kept as a picture when the test fails."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - collection must not need a browser's driver

    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=OPTIONS) as browser:
        shown = browser.new_page(viewport={"width": 1300, "height": 1000})
        shown.set_default_timeout(PAGE_SECONDS * 1000)
        picture = tmp_path / "page.png"
        try:
            yield shown
        finally:
            shown.screenshot(path=picture)
            print(f"\nthe page at the end: {picture}")  # noqa: T201 - pytest shows it for a failed test only


@pytest.fixture
def study(studies: Path, request: pytest.FixtureRequest) -> Path:
    """Return the folder of a study of its own, of which only the tables matter here."""
    return write_study(studies / str(request.node.name)).parent


def open_form(page: "Page", server: Server, client: SyncPrefectClient) -> None:
    deployment = client.read_deployment_by_name(DISCOVER)
    page.goto(f"{server.ui}/deployments/deployment/{deployment.id}/run")
    page.get_by_text("Expression table", exact=True).wait_for()


def field(page: "Page", *labels: str, kind: str = "textarea") -> "Locator":
    """Return the input that stands below a label, which itself stands below a section's label."""
    place = "//h3[normalize-space(.)='Parameters']"
    for label in labels:
        place = f"({place}/following::label[normalize-space(.)='{label}'])[1]"
    return page.locator(f"xpath=({place}/following::{kind})[1]")


def fill_in(page: "Page", folder: Path) -> None:
    """Name the study, its folder and its tables, and choose the quick look and less of it."""
    field(page, "Name").fill("grown")
    field(page, "Folder").fill(str(folder))
    field(page, "Expression table", "File").fill("expression.tsv")
    field(page, "Metabolite table", "File").fill("metabolites.tsv")
    field(page, "Sample sheet (Optional)", "File (Optional)").fill("samples.tsv")
    choose(page, field(page, "Preset (Optional)", kind="fieldset"), "quick look")
    autoencoder, validation = "Autoencoder (advanced) (Optional)", "Validation (advanced) (Optional)"
    field(page, autoencoder, "Max Epochs (Optional)", kind="input").fill("8")
    field(page, validation, "Folds (Optional)", kind="input").fill("3")


def choose(page: "Page", select: "Locator", option: str) -> None:
    """Open a list of choices from the keyboard, since a click may close it again while the page still moves."""
    select.locator("button").first.focus()
    page.keyboard.press("ArrowDown")
    page.locator(".p-select-option").get_by_text(option, exact=True).click()


def submit(page: "Page") -> None:
    page.get_by_role("button", name="Submit", exact=True).click()


def test_a_study_from_the_form_is_seen_to_finish(
    lab: Server, client: SyncPrefectClient, page: "Page", study: Path
) -> None:
    known = {run.id for run in runs_of(client, DISCOVER)}
    open_form(page, lab, client)
    fill_in(page, study)
    submit(page)
    started = new_run(client, DISCOVER, known, PAGE_SECONDS)
    page.goto(f"{lab.ui}/runs/flow-run/{started}")
    page.get_by_text("discover-form-grown").first.wait_for()
    ended = wait_until_completed(client, started, RUN_SECONDS)
    page.reload()
    page.locator("[class*=state]").get_by_text("Completed", exact=True).first.wait_for()
    assert ended.parameters["study"]["preset"] == "quick look"
    assert [file.parent for file in study.glob("runs/grown/*/ranking.parquet")]


def test_a_wrong_value_is_refused_and_starts_nothing(
    lab: Server, client: SyncPrefectClient, page: "Page", study: Path
) -> None:
    known = {run.id for run in runs_of(client, DISCOVER)}
    open_form(page, lab, client)
    fill_in(page, study)
    field(page, "Validation (advanced) (Optional)", "Folds (Optional)", kind="input").fill("0")
    submit(page)
    page.get_by_text(re.compile("0 is less than the minimum of 2")).first.wait_for()
    assert {run.id for run in runs_of(client, DISCOVER)} == known
