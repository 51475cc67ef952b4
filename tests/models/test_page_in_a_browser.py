"""The page as a person meets it: from disk, with no network, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from models.card_records import Card
from models.plotted import plotted_genes
from models.report import LatentMaps, ReportContent, TargetReport, render_report
from tests.models.test_interactive import WEIGHTS, block

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

N_GENES = 60


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Return a headless Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - collection must not need a browser's driver

    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=program, args=options) as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a page with cards, plots and maps."""
    genes = block(N_GENES).assign(score=np.linspace(3, 1, N_GENES), stability=np.linspace(0, 1, N_GENES))
    records = [{str(key): value for key, value in row.items()} for row in genes.to_dict("records")]
    target = TargetReport(
        "flavonols",
        records,
        N_GENES,
        WEIGHTS,
        cards=[_card(record) for record in records[:40]],
        plotted=plotted_genes(genes),
    )
    samples = pd.DataFrame(
        {"sample_id": list("abcd"), "group": list("xxyy"), "tissue": ["leaf", "leaf", "root", "root"]}
    )
    embedding = samples[["sample_id"]].assign(method="PCA", space="all layers", x=[0.0, 1.0, 2.0, 3.0], y=1.0)
    page = ReportContent("study", [target], maps=LatentMaps(embedding, samples, "tissue"))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_report(page), "utf-8")
    return path


def _card(record: dict[str, Any]) -> Card:
    samples = [
        {"group": group, "sample_id": group, "expression": value, "metabolite_id": "m", "abundance": value}
        for group, value in (("x", 1.0), ("y", 2.0))
    ]
    return Card(str(record["gene_id"]), int(record["rank"]), "an enzyme", samples=samples)


@pytest.fixture
def page(browser: "Browser", file: Path) -> Iterator["Page"]:
    """Open the page without a network; what its console complains of fails the test."""
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 800})
    shown, complaints = context.new_page(), []
    shown.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.on(
        "request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(("file:", "data:")) else None
    )
    shown.goto(file.as_uri())
    yield shown
    context.close()
    assert complaints == []


def ids(page: "Page") -> list[str]:
    return page.locator("#ranking-1 tbody tr:visible th.name").all_inner_texts()


def test_the_ranking_is_sorted_searched_and_filtered(page: "Page") -> None:
    assert ids(page)[:2] == ["<g0>", "<g1>"]
    head = page.locator("#ranking-1 thead th").filter(has_text="Stability").first
    head.get_by_role("button").press("Enter")
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert ids(page)[0] == f"<g{N_GENES - 1}>"
    page.get_by_label("Show rows with").fill("<g7>")
    assert ids(page) == ["<g7>"]
    page.get_by_label("Show rows with").fill("")
    page.get_by_label("and where").select_option(label="Rank")
    page.get_by_label("bound").fill("3")
    assert sorted(ids(page)) == ["<g0>", "<g1>", "<g2>"]
    assert page.get_by_role("status").first.inner_text() == "3 shown"


def test_a_gene_leads_to_its_card(page: "Page") -> None:
    card = page.locator("#card-1-3")
    assert card.get_attribute("open") is None
    page.locator("#ranking-1").get_by_role("link", name="<g2>", exact=True).click()
    assert card.get_attribute("open") is not None
    assert card.get_by_text("Number 3 of 60 genes").is_visible()
    assert card.get_by_role("img").count() == 2
    card.get_by_role("link").click()
    assert page.evaluate("location.hash") == "#target-1"


def test_plots_are_drawn_when_they_come_into_view_and_lead_to_cards(page: "Page") -> None:
    page.locator("#map-0").scroll_into_view_if_needed()
    page.locator("#map-0 .bk-Figure").wait_for()
    place = page.locator("#plot-1-evidence")
    place.scroll_into_view_if_needed()
    place.locator(".bk-Figure").wait_for()
    page.wait_for_function("Bokeh.documents.length >= 2")
    page.evaluate("location.hash = '#card-1-5'")
    page.wait_for_function("document.getElementById('card-1-5').open")


def test_one_button_opens_and_closes_all_cards_of_a_target(page: "Page") -> None:
    page.get_by_role("button", name="Open all cards").click()
    assert page.locator("details.gene[open]").count() == 40
    page.get_by_role("button", name="Close all cards").click()
    assert page.locator("details.gene[open]").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: "Browser", file: Path, scheme: Any) -> None:
    """Contrast of body and quiet text by WCAG 2.2, at least 4.5 (AA)."""
    context = browser.new_context(offline=True, color_scheme=scheme)
    shown = context.new_page()
    shown.goto(file.as_uri())
    ground, *texts = shown.evaluate(
        "[getComputedStyle(document.body).backgroundColor, ...['body', '.quiet', 'a', 'caption'].map("
        "(one) => getComputedStyle(document.querySelector(one)).color)]"
    )
    context.close()
    assert min(contrast(text, ground) for text in texts) >= 4.5


def contrast(one: str, other: str) -> float:
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    channels = np.array([float(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_it_prints_the_cards_that_are_open(page: "Page", tmp_path: Path) -> None:
    page.locator("details.gene").nth(2).locator("summary").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.gene:visible").count() == 1
    assert page.locator("details:not(.gene):not([open])").count() == 0
    assert page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")
