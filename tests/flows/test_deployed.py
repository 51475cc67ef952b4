"""What deployments start, without a deployment: the form and the file give the run that the command line gives."""

import re
from pathlib import Path

import fsspec
import pytest
import yaml
from prefect.settings import PREFECT_HOME, temporary_settings

from configs.errors import UserError
from configs.form import StudyForm
from configs.study import StudyConfig
from flows.deployed import discover_file, discover_form
from flows.discover import Discovered
from tasks.allowed import SETTING, ForbiddenPathError

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch, simulated: Path, store: Path) -> None:
    monkeypatch.setenv(SETTING, f"{simulated}:{store}:memory://deployed")


def form_of(study: StudyConfig, folder: Path, store: Path) -> StudyForm:
    """Return the form that describes a simulated study."""
    widths = [{"layer": layer, "widths": widths} for layer, widths in study.autoencoder.widths.items()]
    tables = {
        name: study.layers[layer].model_dump(include={"path", "unit", "zeros"})
        for name, layer in (("expression", "transcriptome"), ("metabolites", "metabolome"))
    }
    return StudyForm.model_validate(
        {
            "name": study.study,
            "folder": str(folder),
            **tables,
            "samples": {"path": study.samples.path, "labels": study.samples.labels or ()},
            "targets": [{"name": name, "metabolites": ids} for name, ids in study.targets.items()],
            "baits": [{"target": name, "genes": genes} for name, genes in study.named_baits().items()],
            "families": [{"name": name, **family.model_dump()} for name, family in study.families.items()],
            "sequences": study.homology.model_dump(exclude_none=True),
            "autoencoder": {**study.autoencoder.model_dump(), "widths": widths},
            **{name: getattr(study, name).model_dump() for name in ("graph", "validation", "explain", "ranking")},
            "store": {"url": str(store)},
            "seed": study.seed,
        }
    )


@pytest.mark.usefixtures("allowed")
def test_a_form_runs_to_the_same_ranking(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path
) -> None:
    done = Discovered.model_validate(discover_form(form_of(tiny_study, simulated, store)))
    assert {timing.state for timing in done.content.timings} <= {"Cached"}
    assert done.content.ranked == first.content.ranked
    folder = Path(done.run_folder)
    assert folder.parent == simulated / "runs" / tiny_study.study
    assert re.fullmatch(r"\d{8}T\d{6}Z", folder.name)
    assert (folder / "report.html").is_file()


@pytest.mark.usefixtures("allowed")
def test_a_study_at_a_url_is_fetched_run_and_taken_back(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    filesystem = fsspec.filesystem("memory")
    for path in simulated.glob("*.*"):
        filesystem.put_file(str(path), f"/deployed/{path.name}")
    document = tiny_study.model_copy(update={"store": tiny_study.store.model_copy(update={"url": str(store)})})
    filesystem.pipe_file("/deployed/own.yaml", yaml.safe_dump(document.model_dump(mode="json")).encode())
    with temporary_settings({PREFECT_HOME: tmp_path}):
        done = Discovered.model_validate(
            discover_file("memory://deployed/own.yaml", ("seed=1",), "memory://deployed/runs/one")
        )
    assert done.run_folder == "memory://deployed/runs/one"
    assert (
        filesystem.cat_file("/deployed/runs/one/ranking.parquet")
        == (Path(first.run_folder) / "ranking.parquet").read_bytes()
    )
    assert not list(tmp_path.rglob("runs/*/*"))
    assert [path.name for path in tmp_path.rglob("expression.tsv")] == ["expression.tsv"]


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"annotation": "/etc/passwd"}, "a file of the study"),
        ({"annotation": "../../etc/passwd"}, "a file of the study"),
        ({"samples": {"path": "/etc/passwd"}}, "a file of the study"),
        ({"expression": {"path": "file:///etc/passwd"}}, "a file of the study"),
        ({"sequences": {"proteins": "/etc/passwd"}}, "a file of the study"),
        ({"families": [{"name": "CHS", "tables": ["/etc/passwd"]}]}, "a file of the study"),
        ({"store": {"url": "/elsewhere"}}, "store.url"),
        ({"store": {"url": "memory://deployed-evil"}}, "store.url"),
        ({"folder": "/etc"}, "folder"),
    ],
)
def test_no_field_of_the_form_reaches_outside(
    change: dict[str, object], key: str, tiny_study: StudyConfig, simulated: Path, store: Path
) -> None:
    form = form_of(tiny_study, simulated, store)
    changed = StudyForm.model_validate({**form.model_dump(), "baits": [], "families": [], **change})
    with pytest.raises(ForbiddenPathError, match=f"{key}: wanted a place in .*{SETTING}"):
        discover_form.fn(changed)
    with pytest.raises(ForbiddenPathError, match="out: wanted a place in"):
        discover_form.fn(form, out="/elsewhere")


def test_a_study_file_outside_is_not_even_read(simulated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "/nowhere")
    with pytest.raises(ForbiddenPathError, match="study_file: wanted a place in '/nowhere'"):
        discover_file.fn(str(simulated / "study.yaml"))
    monkeypatch.delenv(SETTING)
    with pytest.raises(ForbiddenPathError, match="previous: wanted a place in"):
        discover_file.fn(str(simulated / "study.yaml"), previous="/etc")
    with pytest.raises(UserError, match="nearest: 'ranking'"):
        discover_file.fn(str(simulated / "study.yaml"), ("rankin.fusion=rra",))
