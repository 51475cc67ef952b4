"""kill -9 of a worker with the fold that it trains: the server notices, and the fold is trained by another worker."""

import subprocess
from pathlib import Path

import psutil
from prefect.client.schemas.objects import StateType

from tests.server.runs import descendants, lines_of, start, wait_for, wait_until_completed
from tests.server.servers import cairn, start_server, start_worker
from tests.server.studies import write_study

SECONDS = 540.0
LONG = {
    "widths": {"transcriptome": [24], "metabolome": [8]},
    "latent": 6,
    "checkpoint_seconds": 0,
    "max_epochs": 600,
    "patience": 600,
}


def test_a_killed_worker_leaves_no_run_running_and_its_fold_goes_on_from_the_checkpoint(tmp_path: Path) -> None:
    study = write_study(tmp_path / "studies" / "study", autoencoder=LONG, execution={"folds": "deployment"})
    checkpoints = study.parent / ".cairn" / "checkpoints"
    more = {"CAIRN_ALLOWED_ROOTS": str(tmp_path / "studies")}
    with start_server(tmp_path / "server", more=more) as server, server.client() as client:
        cairn(server, "deploy", "--gpus", "1")
        with start_worker(server, "cairn-cpu", "cpu"):
            run = start(client, "discover-file/discover-file", {"study_file": str(study)})
            with start_worker(server, "cairn-gpu", "killed") as worker:
                wait_for("a checkpoint", SECONDS, lambda: any(checkpoints.glob("*.json")))
                kill(worker)
            with start_worker(server, "cairn-gpu", "other"):
                wait_until_completed(client, run.id, SECONDS)
        folds = [one for one in descendants(client, run.id) if "-fold-" in one.name]
        states = sorted(one.state_type.value for one in folds if one.state_type)
        assert states == ["COMPLETED"] * 4 + ["CRASHED"]
        [crashed] = [one for one in folds if one.state_type is StateType.CRASHED]
        assert crashed.state is not None
        assert "No heartbeat" in (crashed.state.message or "")
        assert any("goes on from epoch" in line for line in lines_of(client, folds))


def kill(worker: subprocess.Popen[bytes]) -> None:
    """Kill the worker first, so that it cannot tell the server of the end of its run."""
    leader = psutil.Process(worker.pid)
    for one in (leader, *leader.children(recursive=True)):
        one.kill()
