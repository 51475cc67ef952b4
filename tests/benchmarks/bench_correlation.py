"""All-pairs Spearman with exact false discovery rates, beside SciPy and a bare matrix product."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from scipy import stats
from threadpoolctl import threadpool_limits

from configs.simulation import SimulationConfig
from models.arithmetic import Workers
from models.arrays import FloatArray
from models.correlation import passing_pairs
from models.simulation import simulate
from models.spearman import doubled_ranks
from tests.benchmarks.measuring import Measured, measured
from tests.benchmarks.tables import Table

GENES, METABOLITES = 132_129, 6_980
SCIPY_COLUMNS = (2_000, 500)
"""Genes and metabolites for SciPy, which correlates every column with every other one and holds the matrix."""
THREADS, ALPHA, LISTED, REPEATS, PLAIN_BLOCK = 2, 0.05, 100_000, 3, 2048
CPU, CUDA = Workers(THREADS), Workers(device="cuda", block=8192)


def planted(missing_share: float) -> tuple[FloatArray, FloatArray]:
    """Return log2 expression, with the ties that zeros make, and log2 intensities of a planted study."""
    study = simulate(SimulationConfig(genes=GENES, metabolites=METABOLITES, missing_share=missing_share))
    genes, metabolites = (
        np.log2(frame.iloc[:, 1:].to_numpy() + 1).astype(np.float32) for frame in (study.expression, study.metabolites)
    )
    return genes, metabolites


def random_tables(n_genes: int, n_metabolites: int, n_samples: int) -> tuple[FloatArray, FloatArray]:
    """Return tables of noise."""
    rng = np.random.default_rng(1)
    genes, metabolites = (rng.standard_normal((size, n_samples), dtype=np.float32) for size in (n_genes, n_metabolites))
    return genes, metabolites


def by_scipy() -> Callable[[], object]:
    """Return SciPy's matrix form on some of the columns; it returns the pairs computed."""
    genes, metabolites = planted(0)
    columns = np.vstack([genes[: SCIPY_COLUMNS[0]], metabolites[: SCIPY_COLUMNS[1]]])

    def run() -> int:
        stats.spearmanr(columns, axis=1)
        return len(columns) * (len(columns) - 1) // 2

    return run


def by_plain_product() -> Callable[[], object]:
    """Return the product of standardised ranks as it is usually written: a fresh result for each block."""
    tables = planted(0)

    def run() -> int:
        right, left = (_unit(table) for table in tables)
        with threadpool_limits(THREADS, user_api="blas"):
            for start in range(0, len(right), PLAIN_BLOCK):
                some = right[start : start + PLAIN_BLOCK].T
                for row in range(0, len(left), PLAIN_BLOCK):
                    left[row : row + PLAIN_BLOCK] @ some
        return len(left) * len(right)

    return run


def by_bare_product() -> Callable[[], object]:
    """Return the product alone: blocks that fit the cache, into memory that is used again, a thread for each half."""
    tables = planted(0)
    block = CPU.block

    def multiply(left: FloatArray, right: FloatArray, first: int) -> None:
        out = np.empty((block, block), dtype=np.float32)
        for start in range(first * block, len(right), THREADS * block):
            some = right[start : start + block].T
            for row in range(0, len(left), block):
                rows = left[row : row + block]
                np.matmul(rows, some, out=out[: len(rows), : some.shape[1]])

    def run() -> int:
        right, left = (_unit(table) for table in tables)
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda first: multiply(left, right, first), range(THREADS)))
        return len(left) * len(right)

    return run


def _unit(table: FloatArray) -> FloatArray:
    """Rank each row, and scale the ranks to length 1."""
    ranks = doubled_ranks(table).astype(np.float32)
    unit: FloatArray = ranks / np.maximum(np.linalg.norm(ranks, axis=1, keepdims=True), 1)
    return unit


def by_cairn(missing_share: float, device: str) -> Callable[[], object]:
    """Return Cairn's pairs with exact q; it returns the pairs tested."""
    tables = planted(missing_share)
    workers = CUDA if device == "cuda" else CPU
    passing_pairs(tables[0][:200], tables[1][:200], alpha=ALPHA, max_listed=LISTED, workers=workers)
    return lambda: passing_pairs(*tables, alpha=ALPHA, max_listed=LISTED, workers=workers).n_pairs


def pairs_of_noise(n_features: int, n_samples: int) -> Callable[[], object]:
    """Return Cairn's pairs of `n_features` genes with 1,000 metabolites, all of them noise."""
    tables = random_tables(n_features, 1_000, n_samples)
    return lambda: passing_pairs(*tables, alpha=ALPHA, max_listed=LISTED, workers=CPU).n_pairs


def _ways() -> Iterator[tuple[str, Measured]]:
    yield "scipy.stats.spearmanr, {} + {} columns".format(*SCIPY_COLUMNS), measured(by_scipy, repeats=REPEATS)
    yield f"plain float32 product, blocks of {PLAIN_BLOCK:,}, no test", measured(by_plain_product, repeats=REPEATS)
    yield f"bare float32 product, blocks of {CPU.block}, no test", measured(by_bare_product, repeats=REPEATS)
    for share, name in ((0.0, "Cairn"), (0.05, "Cairn, 5% of the metabolome missing")):
        yield name, measured(by_cairn, repeats=REPEATS, missing_share=share, device="cpu")
    if torch.cuda.is_available():
        yield "Cairn, CUDA", measured(by_cairn, repeats=REPEATS, missing_share=0.0, device="cuda")


def correlation() -> Table:
    """Compare the ways to correlate all pairs."""
    ways = {name: (int(str(one.result)), one) for name, one in _ways()}
    each = {name: one.seconds / pairs * 1e9 for name, (pairs, one) in ways.items()}
    scipy, plain, bare = list(each.values())[:3]
    rows = tuple(
        (
            name,
            f"{pairs:,}",
            f"{one.seconds:.2f}",
            f"{each[name]:.2f}",
            f"{scipy / each[name]:.1f}",
            f"{each[name] / plain:.1f}",
            f"{each[name] / bare:.1f}",
            f"{one.mib:,.0f}",
        )
        for name, (pairs, one) in ways.items()
    )
    return Table(
        "Correlation",
        f"Spearman's rho of all pairs of {GENES:,} genes and {METABOLITES:,} metabolites in 21 samples of a planted "
        f"study, ranking included; Cairn adds exact p, Benjamini-Hochberg over all pairs and the {LISTED:,} strongest. "
        f"Two threads, the fastest of {REPEATS} runs.",
        ("way", "pairs", "seconds", "ns a pair", "x SciPy's rate", "x plain product", "x bare product", "MiB"),
        rows,
    )
