"""A finished run ranked again from its artifacts: the inputs may be gone."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from configs.errors import StudyFileError
from configs.form import RankingChoice
from configs.study import StudyConfig
from flows.discover import Discovered
from flows.rerank import rank_again, rerank
from tasks.allowed import SETTING, ForbiddenPathError
from tasks.finished import home_of, read_finished
from tasks.places import CONTENT

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture(scope="module")
def run_folder(first: Discovered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the session's run whose input files are nowhere to be found."""
    place = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(first.run_folder, place)
    return place


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch, run_folder: Path, store: Path) -> None:
    monkeypatch.setenv(SETTING, f"{run_folder.parent}:{store}")


@pytest.mark.usefixtures("allowed")
def test_equal_weights_give_the_same_bytes(run_folder: Path, first: Discovered, tiny_study: StudyConfig) -> None:
    weights = RankingChoice(weights=tiny_study.ranking.weights)  # type: ignore[arg-type]
    done = Discovered.model_validate(rerank(str(run_folder), weights))
    new = Path(done.run_folder)
    assert new.parent == run_folder.parent
    assert new != run_folder
    assert (new / "ranking.parquet").read_bytes() == (run_folder / "ranking.parquet").read_bytes()
    assert {timing.name for timing in done.content.timings} <= {
        *("rank", "choose-controls", "correlation-evidence", "bait-evidence", "score-controls", "cards"),
        *("draw-ranking", "report"),
    }
    assert sorted(done.content.notes) == sorted(first.content.notes)
    files, before = ({path.relative_to(place) for path in place.rglob("*.*")} for place in (new, run_folder))
    assert files == before
    manifests = [json.loads((place / "manifest.json").read_text("utf-8")) for place in (new, run_folder)]
    assert manifests[0]["inputs"] == manifests[1]["inputs"]


@pytest.mark.usefixtures("allowed")
def test_another_direction_asks_the_targets_again_and_other_weights_do_not(run_folder: Path) -> None:
    out = run_folder.parent / "other"
    settings = ("ranking.weights.correlation=1", "ranking.direction=negative", "ranking.permutations=30")
    done = Discovered.model_validate(rerank(str(run_folder), None, settings, str(out)))
    assert Path(done.run_folder) == out
    assert {"permute-groups-capsaicinoids", "gene-graph"} <= {timing.name for timing in done.content.timings}
    ranking = pd.read_csv(out / "ranking.csv")
    assert not ranking.equals(pd.read_csv(run_folder / "ranking.csv"))
    finished = read_finished(str(out))
    assert finished.study.ranking.direction == "negative"
    said = [note for note in finished.content.notes if "baits; each is scored" in note]
    assert len(said) == len(set(said)) == 2


def test_what_cannot_be_ranked_again_says_so(run_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"no content\.json in it"):
        rank_again.fn(str(tmp_path))
    with pytest.raises(StudyFileError, match=r"wanted settings of the ranking.*found seed=2"):
        rank_again.fn(str(run_folder), None, ("seed=2",))
    with pytest.raises(StudyFileError, match="greater than or equal to 20"):
        rank_again.fn(str(run_folder), None, ("ranking.permutations=1",))
    finished = json.loads((run_folder / CONTENT).read_text("utf-8"))
    (tmp_path / CONTENT).write_text(json.dumps({**finished, "store": str(tmp_path / "gone")}), "utf-8")
    with pytest.raises(StudyFileError, match=r"objects that a ranking is made from, found .* gone, such as"):
        rank_again.fn(str(tmp_path))
    finished["content"]["ranked"] = None
    (tmp_path / CONTENT).write_text(json.dumps(finished), "utf-8")
    with pytest.raises(StudyFileError, match="found one that ended before it"):
        rank_again.fn(str(tmp_path))
    (tmp_path / CONTENT).write_text("{}", "utf-8")
    with pytest.raises(StudyFileError, match="found 4 of its entries missing or wrong"):
        rank_again.fn(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [CONTENT]


def test_a_run_folder_cannot_name_a_store_outside(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path))
    copied = tmp_path / "run"
    copied.mkdir()
    shutil.copy(run_folder / CONTENT, copied / CONTENT)
    with pytest.raises(ForbiddenPathError, match="store of the run: wanted"):
        rerank.fn(str(copied))
    with pytest.raises(ForbiddenPathError, match="run_folder: wanted"):
        rerank.fn(str(run_folder))
    with pytest.raises(ForbiddenPathError, match="out: wanted"):
        rerank.fn(str(copied), None, (), "../../elsewhere")


@pytest.mark.parametrize(
    ("place", "home"),
    [
        ("/data/pepper/runs/pepper/20260101T000000Z", "/data/pepper"),
        ("s3://lab/pepper/runs/pepper/one/", "s3://lab/pepper"),
        ("/data/elsewhere/run", "/data/elsewhere"),
        ("/runs/a/b", "/runs/a"),
    ],
)
def test_the_study_of_a_run_is_where_it_lies_by_default(place: str, home: str) -> None:
    assert home_of(place) == home
