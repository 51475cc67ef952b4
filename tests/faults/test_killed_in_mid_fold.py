"""kill -9 of a whole run in mid training."""

import os
import signal

from tests.faults.runs import Runs


def test_the_next_run_goes_on_from_the_checkpoint_and_leaves_nothing_running(runs: Runs) -> None:
    process = runs.start("killed", "execution.parallel_folds=1")
    runs.wait_for(lambda: bool(runs.records("train-layer")) and bool(runs.checkpoints()), process, "killed")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(runs.records("train-layer"))
    assert "Running" in runs.flow_states()
    runs.run("again", "execution.parallel_folds=1")
    assert "goes on from epoch" in runs.log("again").read_text("utf-8")
    assert set(runs.flow_states()) == {"Completed", "Crashed"}
    assert len(runs.records("train-layer")) == 8
    assert kept >= 1
    assert not runs.out("killed").exists()
    assert runs.checkpoints() == []
    assert runs.locks() == []
