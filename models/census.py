"""The strongest pairs of a correlation that takes any value, with exact false discovery rates, in two passes.

The first pass counts pairs in narrow intervals of p. The counts bound ``p n / rank`` in each interval, so they tell
which intervals can hold the listed pairs, the smallest value behind them (on which their q may depend) and the last
passing pair; the second pass fetches those alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.all_pairs import AllPairs, Unit
from models.arithmetic import Arithmetic
from models.arrays import BoolArray, FloatArray, IntArray
from models.levels import RHO_DECIMALS, FalseDiscoveries
from models.strongest import Found, Pairs, joined, tested

P_BINS = 4096
"""Intervals of p in which pairs are counted."""
SMALLEST_BIN_P = 1e-150
"""All smaller p share one interval."""
ROUNDING = 1e-11
"""Above what rounding moves a correlation."""


class Intervals(NamedTuple):
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

    def needed(self, alpha: float, max_listed: int) -> BoolArray:
        """Say which intervals the second pass must fetch."""
        lower, upper = self.bounds()
        interval = np.arange(len(lower))
        can_pass = lower <= alpha
        last_passing = interval[can_pass].min(initial=len(lower))
        last_listed = interval[self.cumulative >= max_listed].max(initial=0)
        listed = interval >= max(last_passing, last_listed)
        behind = ~listed & (self.counts > 0)
        holds_minimum = can_pass & (lower <= upper[behind].min(initial=np.inf))
        surely_passing = interval[upper <= alpha].min(initial=len(lower))
        holds_last = can_pass & (upper > alpha) & (interval < surely_passing)
        found: BoolArray = listed | behind & (holds_minimum | holds_last)
        return found


def strongest_by_interval(work: AllPairs, *, alpha: float, max_listed: int) -> tuple[FalseDiscoveries, Pairs]:
    """Find the strongest pairs, sorted by p, gene and metabolite, and what passes; the levels are those of the pairs.

    Parameters
    ----------
    work : AllPairs
    alpha : float
        False discovery rate, in (0, 1).
    max_listed : int
        Passing pairs that are wanted at least, as far as there are so many.
    """
    census = _Census(work, alpha)
    intervals = census.counted()
    pairs, interval = census.fetched(intervals, intervals.needed(alpha, max_listed))
    stronger = intervals.cumulative[interval] - intervals.counts[interval]
    rank = stronger + np.arange(len(interval)) - np.searchsorted(-interval, -interval) + 1
    values = pairs.p * intervals.n_pairs / rank
    q = np.minimum(np.minimum.accumulate(values[::-1])[::-1], 1.0)
    whole = intervals.cumulative[intervals.bounds()[1] <= alpha]
    n_passing = int(max(whole.max(initial=0), rank[values <= alpha].max(initial=0)))
    largest = float(pairs.p[q <= alpha].max(initial=-1.0))
    found = FalseDiscoveries(intervals.n_pairs, n_passing, intervals.smallest_p, largest, pairs.p, q)
    return found, pairs


def passing_by_interval(work: AllPairs, *, alpha: float) -> FalseDiscoveries:
    """Return p and q of every passing pair: 8 bytes a pair are held, several times over while they are sorted."""
    census = _Census(work, alpha)
    intervals = census.counted()
    p = census.fetched_p(intervals, int(np.argmax(intervals.needed(alpha, intervals.n_pairs))))
    return FalseDiscoveries.of_levels(
        p,
        np.ones(len(p), dtype=np.int64),
        n_pairs=intervals.n_pairs,
        smallest_p=intervals.smallest_p,
        alpha=alpha,
    )


class _Census:
    """Both passes over the pairs."""

    def __init__(self, work: AllPairs, alpha: float) -> None:
        self._work, self._alpha = work, alpha
        self._edges = np.append(np.geomspace(alpha, SMALLEST_BIN_P, P_BINS), 0.0)
        self._known: dict[int, FloatArray] = {}

    def counted(self) -> Intervals:
        """First pass: count all pairs tested, and by interval those with p at most alpha."""
        counted = self._work.workers.share(self._count, self._work.units)
        counts: IntArray = np.sum([part[0] for part in counted], axis=0)
        counts[0] = 0
        smallest = np.fmin.reduce([part[2] for part in counted])
        return Intervals(self._edges, counts, sum(part[1] for part in counted), float(smallest))

    def fetched(self, intervals: Intervals, needed: BoolArray) -> tuple[Pairs, IntArray]:
        """Second pass: return the pairs of the needed intervals by p, gene and metabolite, and the interval of each."""
        if not needed.any():
            return joined([]), np.empty(0, dtype=np.int64)
        reach = self._reach(intervals, int(needed.argmax()))

        def fetch(units: Iterator[Unit], arithmetic: Arithmetic) -> list[tuple[Pairs, IntArray]]:
            found = (part for unit in units for part in self._work.reaching(unit, arithmetic, reach))
            return [self._within(part, needed) for part in found]

        parts = [part for drawn in self._work.workers.share(fetch, self._work.units) for part in drawn]
        pairs, interval = joined([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
        order = pairs.by_p()
        return pairs.taken(order), interval[order]

    def fetched_p(self, intervals: Intervals, last: int) -> FloatArray:
        """Second pass: return the p-values of an interval and of all stronger ones."""
        needed = np.arange(len(intervals.counts)) >= max(last, 1)
        reach = self._reach(intervals, max(last, 1))

        def fetch(units: Iterator[Unit], arithmetic: Arithmetic) -> list[FloatArray]:
            found = (part for unit in units for part in self._work.reaching(unit, arithmetic, reach))
            return [self._within(part, needed)[0].p for part in found]

        parts = [part for drawn in self._work.workers.share(fetch, self._work.units) for part in drawn]
        return np.concatenate(parts or [np.empty(0)])

    def _count(self, units: Iterator[Unit], arithmetic: Arithmetic) -> tuple[IntArray, int, float]:
        counts, n_pairs, smallest = np.zeros(P_BINS + 1, dtype=np.int64), 0, float("nan")
        for unit in units:
            for part, _, rho in self._work.blocks(unit, arithmetic):
                size = np.abs(rho)
                n_pairs += size.size - int(np.count_nonzero(np.isnan(size)))
                thresholds = self._thresholds(part.n_samples)
                reached = np.round(size[size >= thresholds[0] - ROUNDING], RHO_DECIMALS)
                counts += np.bincount(np.searchsorted(thresholds, reached, side="right"), minlength=P_BINS + 1)
                largest = np.round(np.fmax.reduce(size, axis=None), RHO_DECIMALS)
                smallest = float(np.fmin(smallest, self._work.measure.p(largest, part.n_samples)))
        return counts, n_pairs, smallest

    def _within(self, found: Found, needed: BoolArray) -> tuple[Pairs, IntArray]:
        interval = np.searchsorted(self._thresholds(found.n_samples), np.abs(found.rho), side="right")
        keep = np.flatnonzero(needed[interval])
        kept = Found(found.gene[keep], found.metabolite[keep], found.n_samples, found.rho[keep])
        return tested([kept], self._work.measure), interval[keep]

    def _reach(self, intervals: Intervals, weakest: int) -> float:
        """Return the largest p of an interval and all stronger ones."""
        return float(intervals.edges[max(weakest - 1, 0)])

    def _thresholds(self, n: int) -> FloatArray:
        """Return the absolute correlation at which each interval but the first begins, ascending."""
        if n not in self._known:
            self._known[n] = self._work.measure.critical(self._edges[:-1], n)
        return self._known[n]
