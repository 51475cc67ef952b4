"""The strongest of a stream of gene-metabolite pairs, in bounded memory."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray
from models.measures import Measure

SLACK = 4
"""Pairs that are held at most, as a multiple of those that are kept."""


class Found(NamedTuple):
    """Pairs of one block: rows of the two tables, the samples behind all of them, and correlations, rounded."""

    gene: IntArray
    metabolite: IntArray
    n_samples: int
    rho: FloatArray


class Pairs(NamedTuple):
    """Gene-metabolite pairs, column by column: rows of the two tables, common samples, correlation and p."""

    gene: IntArray
    metabolite: IntArray
    n_samples: IntArray
    rho: FloatArray
    p: FloatArray

    def taken(self, rows: IntArray) -> "Pairs":
        """Return some of the pairs."""
        return Pairs._make(column[rows] for column in self)

    def by_p(self) -> IntArray:
        """Return the order by p, gene, metabolite."""
        return np.lexsort((self.metabolite, self.gene, self.p))


NO_PAIRS = Pairs(*(np.empty(0, np.int64),) * 3, *(np.empty(0, np.float64),) * 2)


def joined(parts: Iterable[Pairs]) -> Pairs:
    """Put pairs together."""
    return Pairs._make(np.concatenate(columns) for columns in zip(NO_PAIRS, *parts, strict=True))


def tested(found: Iterable[Found], measure: Measure) -> Pairs:
    """Put pairs together and compute their p-values."""
    by_size: dict[int, list[Found]] = {}
    for part in found:
        by_size.setdefault(part.n_samples, []).append(part)
    return joined(_tested(n, parts, measure) for n, parts in by_size.items())


def _tested(n: int, parts: list[Found], measure: Measure) -> Pairs:
    gene, metabolite, rho = (np.concatenate([part[column] for part in parts]) for column in (0, 1, 3))
    # Equal correlations are many, and a p-value takes longer than finding them.
    level, member = np.unique(np.abs(rho), return_inverse=True)
    return Pairs(gene, metabolite, np.full(len(rho), n, dtype=np.int64), rho, measure.p(level, n)[member])


class Strongest:
    """The first `size` pairs by p, gene and metabolite among those offered, whatever the order they come in.

    Attributes
    ----------
    cut : float
        A pair with a larger p need not be offered.
    """

    def __init__(self, size: int, *, measure: Measure, cut: float) -> None:
        self.cut = cut
        self._size, self._measure = size, measure
        self._kept = NO_PAIRS
        self._waiting: list[Found] = []
        self._held = 0

    def offer(self, found: Found) -> None:
        """Take note of pairs, each offered once."""
        if len(found.rho):
            self._waiting.append(found)
            self._held += len(found.rho)
            if self._held > SLACK * self._size:
                self._shorten()

    def include(self, other: "Strongest") -> None:
        """Take note of the pairs of another thread."""
        self._kept = joined([self._kept, other.pairs()])
        self._shorten()

    def pairs(self) -> Pairs:
        """Return the strongest pairs offered."""
        self._shorten()
        return self._kept

    def _shorten(self) -> None:
        pairs = joined([self._kept, tested(self._waiting, self._measure)])
        self._waiting = []
        if len(pairs.p) > self._size:
            edge = float(np.partition(pairs.p, self._size - 1)[self._size - 1])
            certain, tied = np.flatnonzero(pairs.p < edge), np.flatnonzero(pairs.p == edge)
            order = np.lexsort((pairs.metabolite[tied], pairs.gene[tied]))[: self._size - len(certain)]
            pairs = pairs.taken(np.concatenate([certain, tied[order]]))
            self.cut = min(self.cut, edge)
        self._kept, self._held = pairs, len(pairs.p)
