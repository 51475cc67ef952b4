"""Rank correlations of all pairs in one pass: exact counts of every level, and the strongest pairs.

Genes and metabolites are sorted by the squared length of their ranks, which ties shorten, so that nearly every block
has one length: there the integer numerators are counted as they are. Blocks with several lengths are counted by
correlation.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.all_pairs import ROUNDING
from models.arithmetic import Arithmetic, Workers
from models.arrays import FloatArray, IntArray
from models.levels import RHO_DECIMALS, FalseDiscoveries, LevelCounts
from models.measures import GeneGroup, Part, RankedBlock, Spearman
from models.strongest import Found, Strongest

LEVEL_SAMPLES = 128
"""Up to this number of samples the levels, at most ``(n^3 - n) / 3``, are few enough to be counted one by one."""
SHORTEST_RUN = 64
"""Features of one length that are worth blocks of their own."""
SAMPLED_FROM, SAMPLED = 64, 2
"""Blocks of genes from which on some are counted first, and how many."""
GUESS_MARGIN = 1.25
"""Factor by which the guess from a sample is raised, so that it is rarely too low."""
SPARSE, WORTH_A_CHECK = 0.01, 0.3
"""A further limit costs a comparison of all pairs: none where few reach the last, or where it would spare little."""

SPEARMAN = Spearman()
_Unit = tuple[GeneGroup, list[tuple[Part, slice]]]


def strongest_by_rank(
    genes: FloatArray, metabolites: FloatArray, *, alpha: float, max_listed: int, workers: Workers
) -> tuple[FalseDiscoveries, Strongest]:
    """Count all pairs by level of Spearman's rho and keep the strongest; parameters as `correlation.passing_pairs`."""
    units = [
        (some, cut)
        for group in SPEARMAN.groups(genes)
        for cut in [_cut(SPEARMAN.parts(group, metabolites), workers.block)]
        for some in _by_length(group, workers.block)
    ]
    total = _share(units, _likely_limits(units, alpha, workers), max_listed, workers)
    if not total.certain():
        total = _share(units, _Limits(alpha, (), alpha), max_listed, workers)
    return total.counts.false_discoveries(SPEARMAN, alpha), total.strongest


class _Limits(NamedTuple):
    """Values of p that spare most pairs from being counted level by level.

    A pair passes only if ``p <= alpha rank / n_pairs``, and its rank is at most the number C(l) of pairs with p at most
    l, for any l that p is at most. So if no passing pair has a p above l, none has one above ``alpha C(l) / n_pairs``.
    `checked` descends from alpha, each value meant to be at least this bound from the value before it, and `counted`,
    up to which pairs are counted level by level, is meant to be at least the bound from the last. They are guessed,
    and the pass itself counts whether they hold.
    """

    alpha: float
    checked: tuple[float, ...]
    counted: float


def _likely_limits(units: list[_Unit], alpha: float, workers: Workers) -> _Limits:
    """Guess limits from some of the genes."""
    limits = _Limits(alpha, (), alpha)
    if len(units) < SAMPLED_FROM:
        return limits
    sample = units[:: -(-len(units) // SAMPLED)]
    while True:
        further = _Limits(alpha, (*limits.checked, limits.counted), 0.0)
        share = _share(sample, further, 1, workers).shares()[-1]
        if share < SPARSE or alpha * share * GUESS_MARGIN > limits.counted * WORTH_A_CHECK:
            return limits
        limits = further._replace(counted=alpha * share * GUESS_MARGIN)


def _share(units: list[_Unit], limits: _Limits, max_listed: int, workers: Workers) -> "_Tally":
    def work(drawn: Iterator[_Unit], arithmetic: Arithmetic) -> _Tally:
        tally = _Tally(limits, max_listed, arithmetic)
        for some, cut in drawn:
            tally.count(SPEARMAN.block(some), cut)
        return tally

    first, *others = workers.share(work, units)
    for tally in others:
        first.include(tally)
    return first


class _Tally:
    """What one thread has counted and kept."""

    def __init__(self, limits: _Limits, max_listed: int, arithmetic: Arithmetic) -> None:
        self.counts = LevelCounts()
        self.strongest = Strongest(max_listed, measure=SPEARMAN, cut=limits.counted)
        self.reached = np.zeros(len(limits.checked), dtype=np.int64)
        self._limits, self._max_listed, self._arithmetic = limits, max_listed, arithmetic
        self._floors: dict[tuple[int, float], int] = {}

    def include(self, other: "_Tally") -> None:
        """Add what another thread has counted and kept."""
        self.counts.include(other.counts)
        self.strongest.include(other.strongest)
        self.reached += other.reached

    def shares(self) -> FloatArray:
        """Return the share of pairs with p at most each checked limit."""
        return self.reached / max(self.counts.n_pairs, 1)

    def certain(self) -> bool:
        """Say whether no pair with p above what was counted can pass."""
        below = np.array([*self._limits.checked, self._limits.counted])[1:]
        return bool((self._limits.alpha * self.shares() <= below).all())

    def count(self, genes: RankedBlock, metabolites: list[tuple[Part, slice]]) -> None:
        """Count the pairs of some genes with all metabolites, cut into blocks."""
        self._floors.clear()
        for part, rows in metabolites:
            genes.multiply(part, rows, self._arithmetic)
            squares = genes.squares(part, rows)
            if squares.size == 1:
                self._count_integers(genes, part, rows, float(squares.item()))
            else:
                self._count_correlations(genes, part, rows, squares)

    def _count_integers(self, genes: RankedBlock, part: Part, rows: slice, square: float) -> None:
        n, length = part.n_samples, np.sqrt(square)
        self.counts.n_pairs += (rows.stop - rows.start) * len(genes.index)
        for place, limit in enumerate(self._limits.checked):
            self.reached[place] += self._arithmetic.count(_least_level(n, square, limit))
        least = _least_level(n, square, self._limits.counted)
        counts = self._arithmetic.level_counts(least)
        if not len(counts):
            self.counts.saw(n, float(np.round(self._arithmetic.largest() / length, RHO_DECIMALS)))
            return
        self.counts.add_integers(n, square, least, counts)
        if (n, square) not in self._floors:
            self._floors[n, square] = self.counts.level_of_strongest(n, square, self._max_listed)
        cut = max(self._floors[n, square], _least_level(n, square, self.strongest.cut))
        if least + len(counts) > cut:
            places, numerators = self._arithmetic.reaching(cut)
            signed = np.round(numerators.astype(np.float64) / length, RHO_DECIMALS)
            self._offer(genes, part, rows, places, signed)

    def _count_correlations(self, genes: RankedBlock, part: Part, rows: slice, squares: FloatArray) -> None:
        n = part.n_samples
        lengths = np.sqrt(np.where(squares > 0, squares, np.nan))
        signed = np.divide(self._arithmetic.product(), lengths, dtype=np.float64)
        size = np.abs(signed)
        self.counts.n_pairs += size.size - int(np.count_nonzero(np.isnan(size)))
        largest = np.fmax.reduce(size, axis=None)
        if not np.isnan(largest):
            self.counts.saw(n, float(np.round(largest, RHO_DECIMALS)))
        for place, limit in enumerate(self._limits.checked):
            self.reached[place] += np.count_nonzero(size >= _critical(n, limit) - ROUNDING)
        places = np.flatnonzero(size >= _critical(n, self._limits.counted) - ROUNDING)
        rho = np.round(signed.ravel()[places], RHO_DECIMALS)
        self.counts.add(n, *np.unique(np.abs(rho), return_counts=True))
        strong = np.abs(rho) >= _critical(n, self.strongest.cut) - ROUNDING
        self._offer(genes, part, rows, places[strong], rho[strong])

    def _offer(self, genes: RankedBlock, part: Part, rows: slice, places: IntArray, rho: FloatArray) -> None:
        """Offer pairs at places of the flat block."""
        metabolite, gene = np.divmod(places, len(genes.index))
        self.strongest.offer(Found(genes.index[gene], part.index[rows][metabolite], part.n_samples, rho))


def runs(squares: FloatArray, block: int) -> list[slice]:
    """Cut ascending squared lengths into blocks: many features of one length alone, few together with others."""
    starts = np.flatnonzero(np.diff(squares, prepend=-1.0))
    stops = np.append(starts[1:], len(squares))
    long = stops - starts >= SHORTEST_RUN
    borders = np.unique(np.concatenate([starts[long], stops[long], [0, len(squares)]])).tolist()
    return [
        slice(first, min(first + block, stop))
        for start, stop in pairwise(borders)
        for first in range(start, stop, block)
    ]


def _cut(parts: list[Part], block: int) -> list[tuple[Part, slice]]:
    return [(part, rows) for part in parts for rows in runs(part.squares, block)]


def _by_length(group: GeneGroup, block: int) -> Iterator[GeneGroup]:
    squares = np.square(group.values, dtype=np.float64).sum(axis=1)
    order = np.argsort(squares, kind="stable")
    for part in runs(squares[order], block):
        yield group.taken(order[part])


@lru_cache(maxsize=4096)
def _critical(n: int, p: float) -> float:
    return float(SPEARMAN.critical(p, n))


@lru_cache(maxsize=4096)
def _least_level(n: int, square: float, p: float) -> int:
    """Return a numerator that all with a p-value of at most `p` reach."""
    return max(0, int(_critical(n, p) * np.sqrt(square)) - 1)
