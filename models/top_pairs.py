"""For each gene its strongest metabolites and for each metabolite its strongest genes, whatever passes a test.

Ranked by strength, which is comparable between pairs with different numbers of samples; equal ones by row of the
table, the smaller first. The results depend neither on blocks nor on threads.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from configs.study import CorrelationMethod
from models.all_pairs import ROUNDING, AllPairs, Unit, all_pairs
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import FloatArray, IntArray
from models.levels import RHO_DECIMALS
from models.measures import Measure, measure_of

BINS = 4
"""Parts that a block is divided in to bound its strongest pairs, as a multiple of the partners that are kept."""
SLACK = 4
"""Partners that are held at most, as a multiple of those that are kept."""


class Leaders(NamedTuple):
    """Strongest partners, column by column.

    Attributes
    ----------
    owner, partner : ndarray, shape=(n_pairs,), dtype=int64
        Rows of the table whose partners these are, and of the other table.
    n_samples : ndarray, shape=(n_pairs,), dtype=int64
    rho, strength : ndarray, shape=(n_pairs,), dtype=float64
    """

    owner: IntArray
    partner: IntArray
    n_samples: IntArray
    rho: FloatArray
    strength: FloatArray

    def first(self, k: int) -> "Leaders":
        """Return the `k` strongest of each owner, sorted by owner and rank."""
        order = np.lexsort((self.partner, -self.strength, self.owner))
        owner = self.owner[order]
        kept = order[np.arange(len(owner)) - np.searchsorted(owner, owner) < k]
        return Leaders._make(column[kept] for column in self)


NOBODY = Leaders(*(np.empty(0, np.int64),) * 3, *(np.empty(0, np.float64),) * 2)


class _Podium:
    """The `k` strongest partners of each owner among the pairs offered so far.

    Attributes
    ----------
    least : ndarray, shape=(n_owners,), dtype=float64
        Pairs of less strength need not be offered.
    """

    def __init__(self, owners: int, k: int) -> None:
        self.k, self.least = k, np.zeros(owners)
        self._parts: list[Leaders] = []
        self._held = 0

    def offer(self, leaders: Leaders) -> None:
        """Take note of pairs, each offered once."""
        self._parts.append(leaders)
        self._held += len(leaders.owner)
        if self._held > SLACK * self.k * len(self.least):
            kept = self.leaders().first(self.k)
            self._parts, self._held = [kept], len(kept.owner)
            last = np.flatnonzero(np.bincount(kept.owner, minlength=len(self.least)) == self.k)
            self.least[last] = kept.strength[np.searchsorted(kept.owner, last, side="right") - 1]

    def leaders(self) -> Leaders:
        """Return the pairs that are held, unsorted."""
        return joined_leaders(self._parts)


def joined_leaders(parts: list[Leaders]) -> Leaders:
    """Put pairs together."""
    return Leaders._make(np.concatenate(columns) for columns in zip(NOBODY, *parts, strict=True))


def top_pairs(
    genes: FloatArray,
    metabolites: FloatArray,
    *,
    per_gene: int,
    per_metabolite: int,
    method: CorrelationMethod = "spearman",
    workers: Workers = ONE_WORKER,
) -> pd.DataFrame:
    """List the strongest metabolites of each gene and the strongest genes of each metabolite.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. Pairs as in `models.correlation.passing_pairs`.
    per_gene, per_metabolite : int
        Partners that are listed; 0 lists none.
    method : str
        'spearman', 'pearson' or 'bicor'.
    workers : Workers
        Threads, device and size of blocks.

    Returns
    -------
    DataFrame
        side ('gene' or 'metabolite': whose partners these are), rank (from 1), gene and metabolite (rows of the two
        tables), n_samples, rho (signed) and p; sorted by side, owner and rank.
    """
    measure = measure_of(method)
    work = all_pairs(measure, measure.groups(genes), metabolites, workers)
    of_genes, of_metabolites = strongest_partners(work, per_gene, per_metabolite, n_metabolites=len(metabolites))
    sides = [_side(measure, "gene", of_genes), _side(measure, "metabolite", of_metabolites)]
    return pd.concat(sides, ignore_index=True)


def strongest_partners(
    work: AllPairs, per_gene: int, per_metabolite: int, *, n_metabolites: int
) -> tuple[Leaders, Leaders]:
    """Find the strongest partners of each gene and of each metabolite, sorted by owner and rank."""

    def find(units: Iterator[Unit], arithmetic: Arithmetic) -> tuple[Leaders, Leaders]:
        of_metabolites, finished = _Podium(n_metabolites, per_metabolite), []
        for unit in units:
            index = unit[0].index
            of_genes = _Podium(len(index), per_gene)
            for part, rows, rho in work.blocks(unit, arithmetic):
                size = np.abs(rho, out=arithmetic.memory("absolute", rho.shape, rho.dtype))
                np.fmax(size, -1.0, out=size)
                block = _Block(work.measure, part.n_samples, rho, size)
                of_genes.offer(block.candidates(of_genes, np.arange(len(index)), part.index[rows], axis=1))
                of_metabolites.offer(block.candidates(of_metabolites, part.index[rows], index, axis=0))
            best = of_genes.leaders().first(per_gene)
            finished.append(best._replace(owner=index[best.owner]))
        return joined_leaders(finished), of_metabolites.leaders()

    found = work.workers.share(find, work.units)
    genes, metabolites = (joined_leaders([part[side] for part in found]) for side in (0, 1))
    return genes.first(per_gene), metabolites.first(per_metabolite)


class _Block(NamedTuple):
    """One block of correlations, shape=(n_metabolites, n_genes); `size` is absolute, and -1 where undefined."""

    measure: Measure
    n_samples: int
    rho: FloatArray
    size: FloatArray

    def candidates(self, podium: _Podium, owners: IntArray, partners: IntArray, *, axis: int) -> Leaders:
        """Return the pairs that may be among an owner's strongest; owners lie along `axis` of the block."""
        if podium.k == 0:
            return NOBODY
        least = self.measure.correlation(podium.least[owners], self.n_samples) - ROUNDING
        bound = np.maximum(np.maximum(least, _kth_bound(self.size, podium.k, axis)), 0.0)
        flat = np.flatnonzero(self.size >= (bound[:, None] if axis == 0 else bound))
        place = np.divmod(flat, self.size.shape[1])
        rho = np.round(self.rho[place], RHO_DECIMALS)
        n_samples = np.full(len(rho), self.n_samples, dtype=np.int64)
        strength = self.measure.strength(rho, self.n_samples)
        return Leaders(owners[place[axis]], partners[place[1 - axis]], n_samples, rho, strength)


def _kth_bound(size: FloatArray, k: int, axis: int) -> FloatArray:
    """Return for each owner along `axis` a value that at least `k` of its pairs reach: a k-th largest of maxima."""
    length = size.shape[1 - axis]
    bins = min(BINS * k, length)
    if length < k:
        return np.full(size.shape[axis], -1.0)
    rest = length // bins
    if axis == 0:
        largest = size[:, : rest * bins].reshape(len(size), rest, bins).max(axis=1)
    else:
        largest = size[: rest * bins].reshape(rest, bins, -1).max(axis=0)
    kth: FloatArray = np.partition(largest, bins - k, axis=1 - axis).take(bins - k, axis=1 - axis) - ROUNDING
    return kth


def _side(measure: Measure, side: str, leaders: Leaders) -> pd.DataFrame:
    rank = np.arange(len(leaders.owner)) - np.searchsorted(leaders.owner, leaders.owner) + 1
    p = np.empty(len(rank))
    for n in np.unique(leaders.n_samples):
        rows = leaders.n_samples == n
        p[rows] = measure.p(leaders.rho[rows], int(n))
    pair = {"gene": leaders.owner, "metabolite": leaders.partner}
    if side == "metabolite":
        pair = {"gene": leaders.partner, "metabolite": leaders.owner}
    return pd.DataFrame(
        {"side": side, "rank": rank, **pair, "n_samples": leaders.n_samples, "rho": leaders.rho, "p": p}
    ).astype({"side": "str"})
