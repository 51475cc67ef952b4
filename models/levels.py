"""How many pairs have which rank correlation, and the exact false discovery rate that follows.

Rank correlations take few values: integers over lengths that depend on ties alone. All pairs tested are counted value
by value, so one pass gives the Benjamini-Hochberg q of each value, exactly.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import FloatArray, IntArray
from models.measures import Measure

RHO_DECIMALS = 12
"""Correlations are rounded to this, so that equal ones stay equal whatever lengths they are divided by."""
DENSE_LIMIT = 2**24
"""Counters held at a time before they are brought to their correlations."""


@dataclass(frozen=True, slots=True, eq=False)
class FalseDiscoveries:
    """Benjamini-Hochberg over all pairs tested.

    Attributes
    ----------
    n_pairs : int
        Pairs tested.
    n_passing : int
        Pairs with q at most alpha.
    smallest_p : float
        NaN where no pair could be tested.
    largest_passing_p : float
        -1 where no pair passes.
    p, q : ndarray, shape=(n_levels,), dtype=float64
        The p-values that pairs at or below alpha have, ascending, and the q of each.
    """

    n_pairs: int
    n_passing: int
    smallest_p: float
    largest_passing_p: float
    p: FloatArray
    q: FloatArray

    @classmethod
    def of_levels(cls, p: FloatArray, counts: IntArray, *, n_pairs: int, smallest_p: float, alpha: float) -> Self:
        """Compute q from how many pairs have which p; p above alpha may be left out."""
        order = np.argsort(p, kind="stable")
        level, first = np.unique(p[order], return_index=True)
        rank = np.cumsum(np.add.reduceat(counts[order], first)) if len(level) else np.empty(0, np.int64)
        q = np.minimum(np.minimum.accumulate((level * n_pairs / rank)[::-1])[::-1], 1.0)
        passing = int(np.count_nonzero(q <= alpha))
        n_passing, largest = (int(rank[passing - 1]), float(level[passing - 1])) if passing else (0, -1.0)
        return cls(n_pairs, n_passing, smallest_p, largest, level, q)

    def q_of(self, p: FloatArray) -> FloatArray:
        """Look up the q of p-values that are among the levels."""
        return self.q[np.searchsorted(self.p, p)]


class LevelCounts:
    """Counts of pairs by number of samples and absolute correlation.

    Attributes
    ----------
    n_pairs : int
        Pairs tested, counted or not.
    largest : dict of int to float
        By number of samples, the largest absolute correlation that was seen.
    """

    def __init__(self) -> None:
        self.n_pairs = 0
        self._dense: dict[tuple[int, float], IntArray] = {}
        self._sparse: dict[int, list[tuple[FloatArray, IntArray]]] = {}
        self.largest: dict[int, float] = {}

    def add_integers(self, n: int, square: float, least: int, counts: IntArray) -> None:
        """Count numerators: `counts` of ``least, least + 1, ...``, all over the length ``sqrt(square)``."""
        held = self._dense.get((n, square))
        if held is None or len(held) < least + len(counts):
            grown = np.zeros(least + len(counts), dtype=np.int64)
            if held is not None:
                grown[: len(held)] = held
            held = self._dense[n, square] = grown
        held[least : least + len(counts)] += counts
        if sum(map(len, self._dense.values())) > DENSE_LIMIT:
            self._to_correlations()

    def level_of_strongest(self, n: int, square: float, size: int) -> int:
        """Return the numerator that the `size` strongest pairs counted under a length reach, 0 where fewer are."""
        cumulative = self._dense.get((n, square), np.empty(0, np.int64))[::-1].cumsum()
        return int(len(cumulative) - 1 - np.searchsorted(cumulative, size)) if len(cumulative) else 0

    def add(self, n: int, rho: FloatArray, counts: IntArray) -> None:
        """Count distinct absolute correlations."""
        parts = self._sparse.setdefault(n, [])
        parts.append((rho, counts))
        if len(parts) > 1 and sum(len(part[0]) for part in parts[1:]) > max(DENSE_LIMIT // 16, len(parts[0][0])):
            self._sparse[n] = [_summed(parts)]

    def saw(self, n: int, largest: float) -> None:
        """Take note of an absolute correlation that is not counted."""
        self.largest[n] = max(largest, self.largest.get(n, 0.0))

    def include(self, other: "LevelCounts") -> None:
        """Add the counts of another thread."""
        self.n_pairs += other.n_pairs
        for n, (rho, counts) in other.levels().items():
            self.add(n, rho, counts)
        for n, largest in other.largest.items():
            self.saw(n, largest)

    def levels(self) -> dict[int, tuple[FloatArray, IntArray]]:
        """Return by number of samples the distinct absolute correlations and how many pairs have each."""
        self._to_correlations()
        return {n: _summed(parts) for n, parts in self._sparse.items()}

    def false_discoveries(self, measure: Measure, alpha: float) -> FalseDiscoveries:
        """Turn the counts into p and q."""
        levels = self.levels()
        for n, (rho, _) in levels.items():
            self.saw(n, float(rho.max(initial=0)))
        smallest = [float(measure.p(rho, n)) for n, rho in self.largest.items()]
        return FalseDiscoveries.of_levels(
            np.concatenate([measure.p(rho, n) for n, (rho, _) in levels.items()] or [np.empty(0)]),
            np.concatenate([counts for _, counts in levels.values()] or [np.empty(0, np.int64)]),
            n_pairs=self.n_pairs,
            smallest_p=min(smallest, default=float("nan")),
            alpha=alpha,
        )

    def _to_correlations(self) -> None:
        dense, self._dense = self._dense, {}
        for (n, square), counts in dense.items():
            seen = np.flatnonzero(counts)
            self.add(n, np.round(seen / np.sqrt(square), RHO_DECIMALS), counts[seen])


def _summed(parts: list[tuple[FloatArray, IntArray]]) -> tuple[FloatArray, IntArray]:
    rho, place = np.unique(np.concatenate([part[0] for part in parts]), return_inverse=True)
    counts = np.zeros(len(rho), dtype=np.int64)
    np.add.at(counts, place, np.concatenate([part[1] for part in parts]))
    return rho, counts
