"""Speed and memory of all-pairs Spearman with exact false discovery rates, beside SciPy and a bare matrix product.

Run from the root: ``python -m tests.benchmarks.bench_correlation [genes] [metabolites]``. Every measurement runs in a
process of its own, on the same simulated study, so that its peak memory is its own.
"""

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import psutil
from scipy import stats
from threadpoolctl import threadpool_limits

from configs.simulation import SimulationConfig
from models.arithmetic import FloatArray, Workers
from models.correlation import passing_pairs
from models.simulation import simulate
from models.spearman import doubled_ranks

SCIPY_COLUMNS = (2_000, 500)
"""Genes and metabolites for SciPy, which correlates every column with every other one and holds the matrix."""
REPEATS = 3
Way = Callable[[FloatArray, FloatArray], Callable[[], int]]
"""Prepares two tables, and returns the work that is measured, which returns the pairs it computed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to correlate: the fastest of `REPEATS` runs.

    Attributes
    ----------
    name : str
    pairs : int
        Pairs that were really computed.
    seconds : float
    extra_mib : float
        Peak memory of the process above what it held with the tables read, MiB.
    """

    name: str
    pairs: int
    seconds: float
    extra_mib: float

    @property
    def ns_per_pair(self) -> float:
        """Return nanoseconds a pair."""
        return self.seconds / self.pairs * 1e9


def measure(genes: int = 132_129, metabolites: int = 6_980, *, threads: int = 2, alpha: float = 0.05) -> list[Measured]:
    """Measure SciPy, the bare product and Cairn, without and with 5% of the metabolite values missing.

    Parameters
    ----------
    genes, metabolites : int
        Size of the simulated study of 21 samples.
    threads : int
        Threads of the bare product and of Cairn.
    alpha : float
        False discovery rate.
    """
    pairs = partial(_pairs, workers=Workers(threads), alpha=alpha)
    ways: list[tuple[str, float, Way]] = [
        ("scipy.stats.spearmanr", 0.0, _scipy),
        ("bare float32 product", 0.0, partial(_product, threads=threads)),
        ("passing_pairs", 0.0, pairs),
        ("passing_pairs, 5% missing", 0.05, pairs),
    ]
    if _has_cuda():
        ways.append(
            ("passing_pairs, CUDA", 0.0, partial(_pairs, workers=Workers(device="cuda", block=8192), alpha=alpha))
        )
    context = multiprocessing.get_context("spawn")
    measured = []
    for name, missing, way in ways:
        with context.Pool(1) as pool:
            measured.append(pool.apply(_measured, (name, way, genes, metabolites, missing)))
    return measured


def _measured(name: str, way: Way, genes: int, metabolites: int, missing: float) -> Measured:
    tables = _tables(genes, metabolites, missing)
    way(tables[0][:200], tables[1][:200])()  # imports and thread pools
    work, times = way(*tables), []
    with _PeakMemory() as peak:
        for _ in range(REPEATS):
            start = time.perf_counter()
            pairs = work()
            times.append(time.perf_counter() - start)
    return Measured(name, pairs, min(times), peak.extra_mib)


class _PeakMemory:
    """Looks at the memory of this process every few milliseconds."""

    def __enter__(self) -> "_PeakMemory":
        self._process, self._done = psutil.Process(), threading.Event()
        self._before = self._largest = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def extra_mib(self) -> float:
        """Return the peak above what was held at the start, MiB."""
        return (self._largest - self._before) / 2**20

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self._largest = max(self._largest, self._process.memory_info().rss)


def _tables(genes: int, metabolites: int, missing: float) -> tuple[FloatArray, FloatArray]:
    """Simulate a study and repeat its features with fresh noise up to the size wanted, which is quicker."""
    config = SimulationConfig(genes=min(genes, 20_000), metabolites=min(metabolites, 1_000), missing_share=0)
    study = simulate(config)
    rng = np.random.default_rng(1)
    made = []
    for frame, size in ((study.expression, genes), (study.metabolites, metabolites)):
        values = np.log2(frame.iloc[:, 1:].to_numpy() + 1)
        rows = np.resize(values, (size, values.shape[1]))
        rows[len(values) :] += rng.normal(scale=0.3, size=rows[len(values) :].shape)
        made.append(rows.astype(np.float32))
    made[1][rng.random(made[1].shape) < missing] = np.nan
    return made[0], made[1]


def _scipy(genes: FloatArray, metabolites: FloatArray) -> Callable[[], int]:
    columns = np.vstack([genes[: SCIPY_COLUMNS[0]], metabolites[: SCIPY_COLUMNS[1]]])

    def work() -> int:
        stats.spearmanr(columns, axis=1)
        return len(columns) * (len(columns) - 1) // 2

    return work


def _product(genes: FloatArray, metabolites: FloatArray, *, threads: int) -> Callable[[], int]:
    left, right = (_unit(table) for table in (metabolites, genes))
    block = Workers().block

    def multiply(first: int) -> None:
        out = np.empty((block, block), dtype=np.float32)
        for start in range(first * block, len(right), threads * block):
            some = right[start : start + block].T
            for row in range(0, len(left), block):
                rows = left[row : row + block]
                np.matmul(rows, some, out=out[: len(rows), : some.shape[1]])

    def work() -> int:
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
            list(pool.map(multiply, range(threads)))
        return len(left) * len(right)

    return work


def _pairs(genes: FloatArray, metabolites: FloatArray, *, workers: Workers, alpha: float) -> Callable[[], int]:
    return lambda: passing_pairs(genes, metabolites, alpha=alpha, max_listed=100_000, workers=workers).n_pairs


def _unit(table: FloatArray) -> FloatArray:
    ranks = doubled_ranks(table).astype(np.float32)
    unit: FloatArray = ranks / np.linalg.norm(ranks, axis=1, keepdims=True)
    return unit


def _has_cuda() -> bool:
    import torch  # noqa: PLC0415  (only the benchmark of a GPU needs it)

    return bool(torch.cuda.is_available())


def main() -> None:
    """Print what was measured."""
    measured = measure(*map(int, sys.argv[1:3]))
    scipy, bare = measured[0], measured[1]
    for way in measured:
        sys.stdout.write(
            f"{way.name:28} {way.pairs:>13,} pairs {way.seconds:8.2f} s {way.ns_per_pair:8.2f} ns/pair "
            f"{scipy.ns_per_pair / way.ns_per_pair:7.1f} x SciPy {way.ns_per_pair / bare.ns_per_pair:6.2f} x product "
            f"{way.extra_mib:6.0f} MiB\n"
        )


if __name__ == "__main__":
    main()
