"""Run all benchmarks, or those named, and write one page: `python -m tests.benchmarks [NAME ...]`."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.bench_autoencoder import span_against_dense
from tests.benchmarks.bench_correlation import correlation
from tests.benchmarks.bench_files import files
from tests.benchmarks.bench_growth import growth
from tests.benchmarks.bench_pipeline import pipeline
from tests.benchmarks.tables import Table, machine, rendered

PAGE = Path(__file__).with_name("RESULTS.md")
BENCHMARKS: dict[str, Callable[[], Table]] = {
    "correlation": correlation,
    "autoencoder": span_against_dense,
    "files": files,
    "growth": growth,
    "pipeline": pipeline,
}


def main(names: list[str]) -> None:
    """Run the benchmarks; the page is written when all were named."""
    started = dt.datetime.now(dt.UTC).date().isoformat()
    parts = []
    for name in names or BENCHMARKS:
        parts.append(rendered(BENCHMARKS[name]()))
        sys.stdout.write(parts[-1] + "\n")
        sys.stdout.flush()
    if not names:
        about = f"Written by `make bench` on {started}. Trust ratios within one run: machines are noisy."
        PAGE.write_text("\n".join(["# Benchmarks", "", about, "", *machine(), "", *parts]), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
