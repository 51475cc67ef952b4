"""`cairn run` as processes that a test can disturb, and what they leave."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.server.servers import stop_tree

SECONDS = 420.0
QUICK = (
    "autoencoder.widths.transcriptome=[24]",
    "autoencoder.widths.metabolome=[8]",
    "autoencoder.latent=6",
    "autoencoder.checkpoint_seconds=0",
    "autoencoder.max_epochs=150",
    "autoencoder.patience=150",
    "graph.max_epochs=5",
    "validation.folds=3",
    "validation.repeats=1",
    "validation.permutations=19",
    "ranking.permutations=20",
)


class Runs:
    """Runs of one study."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what still runs."""
        for process in self._started:
            stop_tree(process, at_once=True)

    def start(self, out: str, *settings: str, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a run that writes to `<out>` and logs to `<out>.log`, both beside the study."""
        words = [word for setting in (*QUICK, *settings) for word in ("--set", setting)]
        stages = ("--only", "train", "--only", "rank")
        command = [sys.executable, "-m", "flows.cli", "run", str(self.folder / "study.yaml"), *stages]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CAIRN_"))}
        environment = {
            **kept,
            "PREFECT_HOME": str(self.home),
            "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
            "NO_COLOR": "1",
            "COLUMNS": "200",
            **(more or {}),
        }
        with self.log(out).open("wb") as sink:
            process = subprocess.Popen(  # noqa: S603 - our own command line
                [*command, "--out", str(self.out(out)), *words],
                env=environment,
                stdout=sink,
                stderr=sink,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def finish(self, process: subprocess.Popen[bytes], out: str) -> None:
        """Wait for a run that has to succeed."""
        assert process.wait(SECONDS) == 0, self.log(out).read_text("utf-8")[-4000:]

    def run(self, out: str, *settings: str, more: Mapping[str, str] | None = None) -> None:
        """Run to the end."""
        self.finish(self.start(out, *settings, more=more), out)

    def wait_for(self, what: Callable[[], bool], process: subprocess.Popen[bytes], out: str) -> None:
        """Wait until something is so in a run that goes on."""
        deadline = time.monotonic() + SECONDS
        while not what() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.poll() is None, self.log(out).read_text("utf-8")[-4000:]
        assert what()

    def out(self, name: str) -> Path:
        """Return a run folder."""
        return self.folder.parent / name

    def log(self, name: str) -> Path:
        """Return the output of a run."""
        return self.folder.parent / f"{name}.log"

    def records(self, stage: str) -> list[Path]:
        """Return the result records of a stage."""
        return list((self.folder / ".cairn" / "results").glob(f"{stage}-*"))

    def checkpoints(self) -> list[Path]:
        """Return the checkpoints of trainings under way."""
        return list((self.folder / ".cairn" / "checkpoints").glob("*.json"))

    def locks(self) -> list[Path]:
        """Return lock files."""
        return list((self.folder / ".cairn" / "results" / "locks").glob("*"))

    def states(self, out: str, prefix: str = "") -> list[str]:
        """Return how the steps ended whose name begins with `prefix`."""
        steps = json.loads((self.out(out) / "manifest.json").read_text("utf-8"))["steps"]
        return [step["state"] for step in steps if step["name"].startswith(prefix)]

    def flow_states(self) -> list[str]:
        """Return the states of all flow runs in Prefect's database."""
        with sqlite3.connect(f"file:{self.home / 'prefect.db'}?mode=ro", uri=True) as database:
            return sorted(name for (name,) in database.execute("select state_name from flow_run"))

    def ranking(self, out: str) -> bytes:
        """Return the ranking, byte for byte."""
        return (self.out(out) / "ranking.parquet").read_bytes()
