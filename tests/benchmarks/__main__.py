"""Run all benchmarks, or those named, and write them into one page: `python -m tests.benchmarks [NAME ...]`."""

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.bench_autoencoder import span_against_dense
from tests.benchmarks.bench_classification import arabidopsis, breast
from tests.benchmarks.bench_correlation import correlation
from tests.benchmarks.bench_families import families
from tests.benchmarks.bench_files import files
from tests.benchmarks.bench_growth import growth
from tests.benchmarks.bench_homology import homology
from tests.benchmarks.bench_null import null
from tests.benchmarks.bench_pipeline import pipeline
from tests.benchmarks.bench_target_evidence import target_evidence
from tests.benchmarks.tables import Table, machine, rendered

PAGE = Path(__file__).with_name("RESULTS.md")
BENCHMARKS: dict[str, Callable[[], Table]] = {
    "correlation": correlation,
    "autoencoder": span_against_dense,
    "files": files,
    "breast": breast,
    "arabidopsis": arabidopsis,
    "growth": growth,
    "pipeline": pipeline,
    "target": target_evidence,
    "null": null,
    "homology": homology,
    "families": families,
}


def main(names: list[str]) -> None:
    """Run the benchmarks and write their tables into the page, each with the day; others stay as they are."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    sections = _sections()
    for name in names or BENCHMARKS:
        text = rendered(BENCHMARKS[name]())
        title, _, rest = text.partition("\n")
        sections[title] = f"\nMeasured on {today} by `python -m tests.benchmarks {name}`.\n{rest}"
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    head = [
        "# Benchmarks",
        "",
        "Made by `make bench`. Trust ratios within one table: machines are noisy.",
        "",
        *machine(),
        "",
    ]
    PAGE.write_text("\n".join([*head, *(f"{title}\n\n{body.strip()}\n" for title, body in sections.items())]), "utf-8")


def _sections() -> dict[str, str]:
    """Return the body of each section of the page by its title."""
    if not PAGE.is_file():
        return {}
    parts = PAGE.read_text("utf-8").split("\n## ")[1:]
    return {f"## {title}": body + "\n" for title, _, body in (part.rstrip().partition("\n") for part in parts)}


if __name__ == "__main__":
    main(sys.argv[1:])
