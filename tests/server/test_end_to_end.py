"""A lab's server: a study started on one pool trains its folds on the other, and new samples start the next run."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType

from tests.server.runs import descendants, new_run, runs_of, start, wait_until_completed
from tests.server.servers import Server, cairn
from tests.server.studies import FOLDS, write_study

pytestmark = pytest.mark.slow

SECONDS = 400.0
DISCOVER, WATCH = "discover-file/discover-file", "watch/watch"


@dataclass(frozen=True, slots=True)
class Done:
    """A study that was run from its deployment: study file, run folder, and the parent's flow run."""

    study: Path
    folder: Path
    run: FlowRun


@pytest.fixture(scope="module")
def done(lab: Server, studies: Path) -> Iterator[Done]:
    """Run the study from its deployment, its folds on the GPU pool."""
    study = write_study(studies / "grown", execution={"folds": "deployment", "parallel_folds": 4})
    folder = study.parent / "runs" / "simulated" / "first"
    with lab.client() as client:
        started = start(client, DISCOVER, {"study_file": str(study), "out": str(folder)})
        yield Done(study, folder, wait_until_completed(client, started.id, SECONDS))


def folds_of(client: SyncPrefectClient, run: FlowRun) -> list[FlowRun]:
    return [one for one in descendants(client, run.id) if "-fold-" in one.name]


def content_hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_ranking_is_that_of_an_inline_run(lab: Server, done: Done, tmp_path: Path) -> None:
    inline, store = tmp_path / "inline", tmp_path / "store"
    settings = ["--set", "execution.folds=inline", "--set", f"store.url={store}"]
    cairn(lab, "run", str(done.study), "--out", str(inline), *settings)
    steps = json.loads((inline / "manifest.json").read_text("utf-8"))["steps"]
    assert {step["state"] for step in steps if step["name"].startswith("fold-")} == {"Completed"}
    assert content_hash(done.folder / "ranking.parquet") == content_hash(inline / "ranking.parquet")


def test_each_fold_is_a_run_of_its_own_on_the_gpu_pool(client: SyncPrefectClient, done: Done) -> None:
    folds = folds_of(client, done.run)
    assert sorted(run.name.partition("-fold-")[2] for run in folds) == sorted(FOLDS)
    assert {run.work_pool_name for run in folds} == {"cairn-gpu"}
    assert {run.state_type for run in folds} == {StateType.COMPLETED}
    assert {run.deployment_id for run in folds} == {client.read_deployment_by_name("train-fold/train-fold").id}
    assert done.run.work_pool_name == "cairn-cpu"


def test_new_samples_start_the_next_run(client: SyncPrefectClient, done: Done) -> None:
    known = {run.id for run in runs_of(client, DISCOVER)}
    inbox = arrive(done.study.parent)
    config = {"study_file": str(done.study), "inbox": str(inbox)}
    look = start(client, WATCH, {"config": config})
    wait_until_completed(client, look.id, SECONDS)
    rerun = wait_until_completed(client, new_run(client, DISCOVER, known, 60), SECONDS)

    assert rerun.created_by is not None
    assert rerun.created_by.type == "AUTOMATION"
    folder = Path(rerun.parameters["out"])
    samples = pd.read_csv(folder / "tables" / "samples.csv")["sample_id"]
    assert {"new_1", "new_2", "new_3"} <= set(samples)
    assert (folder / "ranking.parquet").is_file()
    assert content_hash(folder / "ranking.parquet") != content_hash(done.folder / "ranking.parquet")
    assert len(pd.read_csv(folder / "tables" / "changes.csv"))
    page = (folder / "report.html").read_text("utf-8")
    assert "What changed since the last version" in page
    assert all(name in page for name in ("new_1", "new_2", "new_3"))
    steps = json.loads((folder / "manifest.json").read_text("utf-8"))["steps"]
    kept = {step["name"] for step in steps if step["state"] == "Cached"}
    assert any("famil" in name or "homology" in name for name in kept), steps
    assert not any(name.startswith("fold-") for name in kept)


def arrive(folder: Path) -> Path:
    """Lay three new samples, near those of the first group, into the inbox of a study; returns the inbox."""
    arrival = folder / "inbox" / "batch_2"
    arrival.mkdir(parents=True)
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t")
    old = list(sheet["sample_id"][:3])
    names = dict(zip(old, ("new_1", "new_2", "new_3"), strict=True))
    new = sheet[:3].assign(sample_id=list(names.values()), group="group_new")
    new.to_csv(arrival / "samples.tsv", sep="\t", index=False)
    for source, layer in (("expression.tsv", "transcriptome.tsv"), ("metabolites.tsv", "metabolome.tsv")):
        table = pd.read_csv(folder / source, sep="\t", index_col=0)[old].rename(columns=names)
        (table * 1.25).to_csv(arrival / layer, sep="\t")
    (arrival / ".done").touch()
    return arrival.parent
