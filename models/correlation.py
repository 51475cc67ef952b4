"""Which genes and metabolites correlate: the pairs that pass a false discovery rate, and each gene's best partner.

Nothing here holds the whole matrix of genes x metabolites; see `models.spearman` for how blocks of it are made.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.spearman import (
    RHO_DECIMALS,
    BoolArray,
    FloatArray,
    IntArray,
    RankedGenes,
    RhoBlock,
    correlation_blocks,
    critical_rho,
    rank_genes,
    spearman_p,
    strength,
)

P_BINS = 4096
"""Intervals of p in which pairs are counted."""
SMALLEST_BIN_P = 1e-150
"""All smaller p share one interval."""
ROUNDING = 1e-11
"""Above what rounding moves a correlation."""
PAIR_DTYPES = {"gene": "int64", "metabolite": "int64", "n_samples": "int64", "rho": "float64", "p": "float64"}


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """Gene-metabolite pairs that pass a false discovery rate.

    Attributes
    ----------
    frame : DataFrame
        Columns gene and metabolite (rows of the two tables), n_samples, rho, p (two-sided) and q (Benjamini-Hochberg
        over all pairs tested); sorted by p, gene, metabolite.
    n_pairs : int
        Pairs tested.
    n_passing : int
        Pairs with q at most alpha; more than the rows of `frame` where only the strongest are listed.
    smallest_p : float
        NaN where no pair could be tested.
    """

    frame: pd.DataFrame
    n_pairs: int
    n_passing: int
    smallest_p: float


@dataclass(frozen=True, slots=True, eq=False)
class _Census:
    """How many pairs lie in each interval of p, the smallest p last.

    Interval 0 holds p above alpha and stays empty, interval k >= 1 holds ``edges[k] < p <= edges[k - 1]``.
    """

    edges: FloatArray
    counts: IntArray
    n_pairs: int
    smallest_p: float

    @property
    def cumulative(self) -> IntArray:
        """Pairs in each interval and all stronger ones."""
        return self.counts[::-1].cumsum()[::-1]

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Bound ``p n_pairs / rank`` in each interval: no pair is below the first, its last one not above the second.

        The margin of 1e-6 is for rounding at the edges; empty intervals get infinity.
        """
        per_rank = np.divide(self.n_pairs, self.cumulative, out=np.zeros(len(self.counts)), where=self.counts > 0)
        lower = np.where(self.counts > 0, self.edges * per_rank * (1 - 1e-6), np.inf)
        upper = np.where(self.counts > 0, np.roll(self.edges, 1) * per_rank * (1 + 1e-6), np.inf)
        return lower, upper


@dataclass(frozen=True, slots=True, eq=False)
class _Pass:
    """Everything that both passes over the blocks need."""

    groups: tuple[RankedGenes, ...]
    metabolites: FloatArray
    alpha: float
    block: int

    def blocks(self) -> Iterator[RhoBlock]:
        return correlation_blocks(self.groups, self.metabolites, block=self.block, metabolite_block=self.block)


def passing_pairs(
    genes: FloatArray, metabolites: FloatArray, *, alpha: float, max_listed: int, block: int = 2048
) -> PairTable:
    """Test every gene against every metabolite and list the pairs that pass Benjamini-Hochberg.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. Pairs with fewer than 4 common samples, or where one side is constant on them, are
        not tested.
    alpha : float
        False discovery rate, in (0, 1).
    max_listed : int
        Strongest passing pairs that are listed.
    block : int
        Genes and metabolites in a block.

    Returns
    -------
    PairTable
        q is exact, as `scipy.stats.false_discovery_control` gives it over all pairs tested.

    Notes
    -----
    Two passes over the blocks bound the memory by `max_listed`. The first counts pairs in narrow intervals of p. The
    counts bound ``p n / rank`` in each interval, so they tell which intervals can hold the listed pairs, the smallest
    value behind them (on which their q may depend) and the last passing pair; the second pass fetches those alone.
    q says what it says only for independent samples: replicates make it too small.
    """
    work = _Pass(rank_genes(genes), metabolites, alpha, block)
    census = _count(work)
    pairs, interval = _fetch(work, _intervals(census, alpha, max_listed))
    rank = _ranks(interval, census)
    values = pairs["p"].to_numpy() * census.n_pairs / rank
    pairs["q"] = np.minimum(np.minimum.accumulate(values[::-1])[::-1], 1.0)
    whole = census.cumulative[census.bounds()[1] <= alpha]
    n_passing = int(max(whole.max(initial=0), rank[values <= alpha].max(initial=0)))
    frame = pairs[pairs["q"] <= alpha].head(max_listed).reset_index(drop=True)
    return PairTable(frame, census.n_pairs, n_passing, census.smallest_p)


def _count(work: _Pass) -> _Census:
    """First pass: count all pairs tested, and by interval those with p at most alpha."""
    counts, n_pairs, smallest = np.zeros(P_BINS + 1, dtype=np.int64), 0, float("nan")
    for part in work.blocks():
        for n, rows in part.runs():
            size = np.abs(part.rho[rows])
            n_pairs += size.size - int(np.isnan(size).sum())
            thresholds = _thresholds(n, work.alpha)
            reached = np.round(size[size >= thresholds[0] - ROUNDING], RHO_DECIMALS)
            counts += np.bincount(np.searchsorted(thresholds, reached, side="right"), minlength=P_BINS + 1)
            largest = np.round(np.fmax.reduce(size, axis=None), RHO_DECIMALS)
            smallest = float(np.fmin(smallest, spearman_p(largest, n)))
    counts[0] = 0
    return _Census(_edges(work.alpha), counts, n_pairs, smallest)


def _intervals(census: _Census, alpha: float, max_listed: int) -> BoolArray:
    """Say which intervals the second pass must fetch."""
    lower, upper = census.bounds()
    interval = np.arange(len(lower))
    can_pass = lower <= alpha
    last_passing = interval[can_pass].min(initial=len(lower))
    last_listed = interval[census.cumulative >= max_listed].max(initial=0)
    listed = interval >= max(last_passing, last_listed)
    behind = ~listed & (census.counts > 0)
    holds_minimum = can_pass & (lower <= upper[behind].min(initial=np.inf))
    surely_passing = interval[upper <= alpha].min(initial=len(lower))
    holds_last = can_pass & (upper > alpha) & (interval < surely_passing)
    needed: BoolArray = listed | behind & (holds_minimum | holds_last)
    return needed


def _fetch(work: _Pass, needed: BoolArray) -> tuple[pd.DataFrame, IntArray]:
    """Second pass: list the pairs of the needed intervals by p, gene and metabolite, with the interval of each."""
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in (*PAIR_DTYPES, "interval")}
    if needed.any():
        for part in work.blocks():
            for n, rows in part.runs():
                found = _pairs_of_run(part, rows, n, needed, _thresholds(n, work.alpha))
                for name, values in found.items():
                    columns[name].append(values)
    joined = {name: np.concatenate(parts) if parts else np.empty(0) for name, parts in columns.items()}
    order = np.lexsort((joined["metabolite"], joined["gene"], joined["p"]))
    frame = pd.DataFrame({name: joined[name][order].astype(dtype) for name, dtype in PAIR_DTYPES.items()})
    return frame, joined["interval"][order].astype(np.int64)


def _pairs_of_run(
    part: RhoBlock, rows: slice, n: int, needed: BoolArray, thresholds: FloatArray
) -> dict[str, npt.NDArray[Any]]:
    reach = thresholds[max(int(needed.argmax()) - 1, 0)] - ROUNDING
    metabolite, gene = np.nonzero(np.abs(part.rho[rows]) >= reach)
    rho = np.round(part.rho[rows][metabolite, gene].astype(np.float64), RHO_DECIMALS)
    interval = np.searchsorted(thresholds, np.abs(rho), side="right")
    keep = needed[interval]
    return {
        "gene": part.genes[gene[keep]],
        "metabolite": part.metabolites[rows][metabolite[keep]],
        "n_samples": np.full(np.count_nonzero(keep), n),
        "rho": rho[keep],
        "p": spearman_p(rho[keep], n),
        "interval": interval[keep],
    }


def _ranks(interval: IntArray, census: _Census) -> IntArray:
    """Return the rank among all pairs tested of pairs that are sorted by p, given the interval of each."""
    stronger = census.cumulative[interval] - census.counts[interval]
    return stronger + np.arange(len(interval)) - np.searchsorted(-interval, -interval) + 1


def _edges(alpha: float) -> FloatArray:
    """Return the lower edge of p in each interval, descending."""
    return np.append(np.geomspace(alpha, SMALLEST_BIN_P, P_BINS), 0.0)


@lru_cache(maxsize=256)
def _thresholds(n: int, alpha: float) -> FloatArray:
    """Return the absolute rho at which each interval but the first begins, ascending."""
    return critical_rho(_edges(alpha)[:-1], n)


@dataclass(frozen=True, slots=True, eq=False)
class BestPartner:
    """For each gene the metabolite with the largest strength.

    Attributes
    ----------
    rho, strength : ndarray, shape=(n_genes,), dtype=float64
        Correlation with it and its `strength`; NaN where no metabolite can be tested.
    n_samples, index : ndarray, shape=(n_genes,), dtype=int64
        Common samples (0 where none) and row of the metabolite (-1 where none).
    """

    rho: FloatArray
    n_samples: IntArray
    index: IntArray
    strength: FloatArray


def best_partner(genes: FloatArray, metabolites: FloatArray, *, block: int = 2048) -> BestPartner:
    """Find for each gene the metabolite that it correlates with most strongly.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. The metabolites of one target.
    block : int
        Genes and metabolites in a block.
    """
    size = len(genes)
    best = BestPartner(np.full(size, np.nan), np.zeros(size, np.int64), np.full(size, -1), np.full(size, -np.inf))
    for part in correlation_blocks(rank_genes(genes), metabolites, block=block, metabolite_block=block):
        for n, rows in part.runs():
            rho = np.round(part.rho[rows], RHO_DECIMALS)
            chosen = np.nan_to_num(np.abs(rho), nan=-1.0).argmax(axis=0)
            top = rho[chosen, np.arange(len(chosen))]
            reached = strength(top, n)
            better = reached > best.strength[part.genes]
            at = part.genes[better]
            best.rho[at], best.n_samples[at], best.strength[at] = top[better], n, reached[better]
            best.index[at] = part.metabolites[rows][chosen[better]]
    best.strength[best.index < 0] = np.nan
    return best
