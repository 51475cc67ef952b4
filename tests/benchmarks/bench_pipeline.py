"""The whole pipeline at full size, cold, again, and with another weight."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.tables import Table

GENES, METABOLITES = 132_129, 6_980
SETTINGS = ("autoencoder.preset=stated", "validation.repeats=1")
RUNS = {
    "cold": (),
    "again, nothing changed": (),
    "again, one weight changed": ("ranking.weights.correlation=0.5",),
    "then with the folds dealt 3 times": ("validation.repeats=3",),
}


def command_line(*words: str) -> list[str]:
    """Return the words of a `cairn` command."""
    return [sys.executable, "-m", "flows.cli", *words]


def _resident(process: psutil.Process) -> int:
    """Return the memory of a process and of all that it started; 0 for one that has ended."""
    total = 0
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def watched_run(command: list[str], environment: dict[str, str], log: Path) -> tuple[float, float]:
    """Run a command; returns seconds and the most memory of all its processes together, GiB."""
    started, peak = time.perf_counter(), 0
    with log.open("ab") as sink:
        process = subprocess.Popen(command, env=environment, stdout=sink, stderr=sink)  # noqa: S603 - our own command
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _resident(watched))
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError(log.read_text("utf-8"))
    return time.perf_counter() - started, peak / 2**30


def pipeline() -> Table:
    """Simulate a study at full size and run it three times; all on the CPU."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "NO_COLOR": "1"}
        sizes = (f"genes={GENES}", f"metabolites={METABOLITES}")
        simulate = command_line(
            "simulate", str(folder / "study"), *(word for size in sizes for word in ("--set", size))
        )
        watched_run(simulate, environment, folder / "log")
        rows = []
        for name, further in RUNS.items():
            words = [word for setting in (*SETTINGS, *further) for word in ("--set", setting)]
            run = command_line("run", str(folder / "study" / "study.yaml"), "--out", str(folder / "run"), *words)
            seconds, gib = watched_run(run, environment, folder / "log")
            rows.append((name, f"{seconds:.0f}", f"{gib:.2f}"))
    return Table(
        "The whole pipeline",
        f"`cairn run` on {GENES:,} genes and {METABOLITES:,} metabolites (5% missing) in 21 samples, two targets with "
        f"three baits each, {', '.join(SETTINGS)}, 5 folds of each repeat and the final fit. Memory is that of all "
        "processes together, Prefect's embedded server among them.",
        ("run", "seconds", "GiB"),
        tuple(rows),
    )
