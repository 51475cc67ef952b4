"""Score every evidence and every fusion on studies with known truth, and write the page: `make scoreboard`."""

import datetime as dt
import multiprocessing
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch

from tests.benchmarks.scoreboard_bars import Bar, bars
from tests.benchmarks.scoreboard_methods import (
    BAIT_WEIGHT,
    BAIT_WEIGHTS,
    CALIBRATED,
    DEFAULT,
    FUSIONS,
    HARMONIC,
    OF_ALL,
    POSITIVE,
    Board,
)
from tests.benchmarks.scoreboard_metrics import RESAMPLES, Interval, Performance, gain
from tests.benchmarks.scoreboard_planted import DESIGNS, planted_board
from tests.benchmarks.scoreboard_real import (
    ecoli_enzymes,
    ecoli_links,
    ecoli_subsystems,
    falcarindiol,
    glucosinolates,
    nci60_enzymes,
    nci60_links,
    own_transcripts,
)
from tests.benchmarks.tables import Table, machine, rendered
from tests.conftest import DATA

PAGE = Path(__file__).with_name("SCOREBOARD.md")
WORKERS = 2
STUDIES: dict[str, tuple[tuple[Callable[[], Board], ...], ...]] = {
    "arabidopsis_wallomics": tuple(
        (partial(glucosinolates, organ), partial(own_transcripts, organ)) for organ in ("rosettes", "stems")
    ),
    "tomato_falcarindiol": ((falcarindiol,),),
    "ecoli_growth29": ((ecoli_links, ecoli_subsystems, ecoli_enzymes),),
    "nci60_intlim20": ((nci60_links, nci60_enzymes),),
}
ABOUT = (
    "Each table has every evidence alone, then every fusion. AUC is the share of pairs of a true and another gene in "
    "which the true one is ahead; recall@100 and top 1% are shares of the true genes. Known genes (baits) that are not "
    "asked after do not compete. In brackets is the 95% interval of a bootstrap over true genes, or over targets where "
    f"each has several ({RESAMPLES:,} resamples, the same for all rankings of a study). Networks are trained with the "
    "preset `compact` in 5 folds over whole replicate groups."
)
HEADER = ("ranking", "AUC", "recall@100", "top 1%", "median rank")
TRIED = (
    *(f"{fusion}, default weights" for fusion in FUSIONS if fusion != "log_tail"),
    OF_ALL,
    HARMONIC,
    POSITIVE,
    CALIBRATED,
)


def main() -> None:
    """Run all studies, two at a time, and write the page."""
    started = time.monotonic()
    boards = {}
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        for found in pool.map(_run, _jobs()):
            for board in found:
                boards[board.title] = board
                sys.stdout.write(f"{time.monotonic() - started:6.0f} s  {board.title}\n")
                sys.stdout.flush()
    PAGE.write_text(page(boards, time.monotonic() - started), "utf-8")


def page(boards: Mapping[str, Board], seconds: float) -> str:
    """Return the page."""
    tables = [_bar_table(bars(boards)), *map(_table, boards.values()), _tried(boards), _bait_weights(boards)]
    return "\n".join([*_head(seconds), *map(rendered, tables)])


def _jobs() -> list[tuple[Callable[[], Board], ...]]:
    """Return the studies that are there; those of one job share what the networks learn."""
    planted = [(partial(planted_board, design),) for design in DESIGNS]
    return [*planted, *(job for name, jobs in STUDIES.items() if (DATA / name).is_dir() for job in jobs)]


def _run(job: tuple[Callable[[], Board], ...]) -> list[Board]:
    return [study() for study in job]


def _head(seconds: float) -> list[str]:
    absent = [name for name in STUDIES if not (DATA / name).is_dir()]
    left_out = [f"Left out, since the data set is not beside the project: {', '.join(absent)}.", ""] if absent else []
    today = dt.datetime.now(dt.UTC).date().isoformat()
    return [
        "# Scoreboard",
        "",
        f"Made on {today} by `make scoreboard` (`python -m tests.benchmarks.scoreboard`) in {seconds / 60:.0f} min.",
        "",
        *machine(),
        "",
        ABOUT,
        "",
        *left_out,
    ]


def _bar_table(found: list[Bar]) -> Table:
    rows = tuple(
        (bar.demand, bar.measured, bar.rival, "reached" if bar.reached else "**not reached**") for bar in found
    )
    return Table("Bars", "What the ranking has to reach.", ("demand", "measured", "beside it", ""), rows)


def _table(board: Board) -> Table:
    tried = {BAIT_WEIGHT.format(weight) for weight in BAIT_WEIGHTS}
    rows = tuple(_row(name, found) for name, found in board.performances.items() if name not in tried)
    return Table(board.title, board.about, HEADER, rows)


def _row(name: str, found: Performance) -> tuple[str, ...]:
    shares = (_with_interval(found.auc), f"{found.recall:.3f}", _with_interval(found.top))
    return (f"**{name}**" if name == DEFAULT else name, *shares, f"{found.median_rank:,.0f}")


def _with_interval(found: Interval, sign: str = "") -> str:
    low, high = format(found.low, f"{sign}.3f"), format(found.high, f"{sign}.3f")
    return f"{format(found.value, f'{sign}.3f')} [{low}, {high}]"


def _tried(boards: Mapping[str, Board]) -> Table:
    """Hold the other fusions against the default one, study by study."""
    rows = []
    for name in TRIED:
        for board in boards.values():
            if name not in board.standings:
                continue
            found = gain(board.standings[name], board.standings[DEFAULT], board.units)
            cells = [_with_interval(found[key], "+") for key in ("auc", "recall", "top")]
            rows.append((name, board.title, *cells, _verdict(list(found.values()))))
    return Table(
        "Tried instead of the default fusion",
        "Difference to log_tail with default weights, with the 95% interval of a paired bootstrap. "
        "Lost: an interval is below 0 and none above; won: the other way round.",
        ("fusion", "study", "AUC", "recall@100", "top 1%", "verdict"),
        tuple(rows),
    )


def _bait_weights(boards: Mapping[str, Board]) -> Table:
    """Show what the weight of the bait evidence does, in all studies that have baits."""
    rows = []
    for board in boards.values():
        if BAIT_WEIGHT.format(BAIT_WEIGHTS[0]) in board.performances:
            names = (*(BAIT_WEIGHT.format(weight) for weight in BAIT_WEIGHTS), "bait")
            found = [board.performances[name] for name in names]
            rows.append((board.title, *(f"{one.recall:.3f}, {one.top.value:.3f}" for one in found)))
    return Table(
        "Weight of the bait evidence",
        "recall@100 and share in the top 1% by the weight of the baits, the other weights as by default; the last "
        "column is the bait evidence alone.",
        ("study", *(f"{weight:g}" for weight in BAIT_WEIGHTS), "bait alone"),
        tuple(rows),
    )


def _verdict(gains: list[Interval]) -> str:
    worse, better = any(one.high < 0 for one in gains), any(one.low > 0 for one in gains)
    if worse and better:
        return "mixed"
    return "lost" if worse else "won" if better else "no difference shown"


if __name__ == "__main__":
    main()
