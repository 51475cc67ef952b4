"""A run that is killed in mid training: the same command goes on where it stood."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.flow, pytest.mark.slow]

SLOW = (
    "autoencoder.max_epochs=150",
    "autoencoder.patience=150",
    "autoencoder.widths.transcriptome=[24]",
    "autoencoder.widths.metabolome=[8]",
    "autoencoder.checkpoint_seconds=0",
    "graph.max_epochs=5",
    "validation.folds=3",
    "validation.repeats=1",
    "validation.permutations=19",
    "execution.parallel_folds=1",
)


def command(study: Path, out: Path) -> list[str]:
    settings = [word for setting in SLOW for word in ("--set", setting)]
    words = ["-m", "flows.cli", "run", str(study), "--out", str(out), "--only", "train", *settings]
    return [sys.executable, *words]


def finished_folds(folder: Path) -> list[Path]:
    return list((folder / ".cairn" / "results").glob("fold-*"))


def test_finished_folds_are_not_trained_again(
    simulated: Path, command_environment: dict[str, str], tmp_path: Path
) -> None:
    study, out = simulated / "study.yaml", tmp_path / "run"
    log = tmp_path / "killed.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own command line
            command(study, out), env=command_environment, stdout=sink, stderr=sink, start_new_session=True
        )
        deadline = time.monotonic() + 240
        while not finished_folds(simulated) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None, log.read_text("utf-8")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    done_before = len(finished_folds(simulated))
    assert done_before >= 1
    assert not out.exists()

    again = subprocess.run(  # noqa: S603 - our own command line
        command(study, out), env=command_environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert again.returncode == 0, again.stderr
    steps = json.loads((out / "manifest.json").read_text("utf-8"))["steps"]
    states = [step["state"] for step in steps if step["name"].startswith("fold-")]
    assert states.count("Cached") == done_before
    assert states.count("Completed") == 4 - done_before
    assert not list((simulated / ".cairn" / "checkpoints").iterdir())
