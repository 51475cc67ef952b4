"""The strongest correlation of a gene with a target in each permutation of whole replicate groups."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from configs.ranking import Direction
from configs.study import CorrelationMethod
from models.all_pairs import ROUNDING, all_pairs
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import Float32Array, FloatArray, IntArray
from models.blocks import blocks
from models.measures import GeneGroup, Measure, measure_of, sample_patterns

ROWS = 2**14
"""Permuted rows that are correlated in one go."""
SHARES = 4
"""Blocks of permutations for each thread at least, so that none waits long for another."""


def correlation_null(
    genes: FloatArray,
    metabolites: FloatArray,
    draws: IntArray,
    *,
    method: CorrelationMethod = "spearman",
    direction: Direction = "both",
    workers: Workers = ONE_WORKER,
) -> Float32Array:
    """Find each gene's strongest correlation with permuted metabolites.

    Parameters
    ----------
    genes : ndarray, shape=(n_null, n_samples)
        Values of the genes that the null is drawn for; NaN where missing.
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing, also in all metabolites where they lack samples that the genes have. The
        metabolites of one target.
    draws : ndarray, shape=(n_draws, n_samples), dtype=int64
        As `models.significance.group_permutations` draws them: metabolite sample ``draws[k, j]`` meets gene sample j.
    method : str
        'spearman', 'pearson' or 'bicor'.
    direction : str
        'both' takes the largest ``|rho|``, 'positive' the largest rho, 'negative' the largest -rho.
    workers : Workers
        Threads, device and size of blocks; the result is the same whoever does it.

    Returns
    -------
    ndarray, shape=(n_draws, n_null), dtype=float32
        `models.measures.Measure.strength` of that correlation, negative where all correlations run against
        `direction`; NaN where no metabolite can be tested. It is the strength of a correlation 1e-9 larger, more than
        rounding moves it, rounded up to float32: a null strength that equals an observed one in float64 reaches it.

    Notes
    -----
    Permuting the metabolites and permuting the genes the other way pair the same samples. Whichever side is moved has
    to be prepared anew for each permutation, and for each set of samples that the other side has values in; the side
    with less work is moved.
    """
    counts = [len(sample_patterns(~np.isnan(values))[0]) for values in (genes, metabolites)]
    genes_move = counts[1] * len(genes) < counts[0] * len(metabolites)
    null = np.full((len(draws), len(genes)), np.nan, dtype=np.float32)
    if not len(genes) or not len(metabolites):
        return null
    pairing = (
        _MovedGenes(genes, metabolites, np.argsort(draws, axis=1), measure_of(method), direction)
        if genes_move
        else _MovedMetabolites(metabolites, genes, draws, measure_of(method), direction)
    )
    fair = -(-len(draws) // (SHARES * workers.threads))
    step = max(1, min(fair, ROWS // len(pairing.moved)))
    workers.share(partial(_fill, null, pairing, workers), blocks(len(draws), step))
    return null


def largest_by_draw(rho: FloatArray, draw: IntArray) -> tuple[IntArray, FloatArray]:
    """Return the permutations among rows of correlations and the largest correlation of each, gene by gene."""
    if (draw[1:] < draw[:-1]).any():
        order = np.argsort(draw, kind="stable")
        draw, rho = draw[order], rho[order]
    draws, first = np.unique(draw, return_index=True)
    # Row by row NumPy's `reduceat` takes ten times as long as `reduce`.
    return draws, np.stack([np.fmax.reduce(part, axis=0) for part in np.split(rho, first[1:])])


class _Pairing:
    """One side that stays and one that is permuted."""

    def __init__(
        self, moved: FloatArray, fixed: FloatArray, orders: IntArray, measure: Measure, direction: Direction
    ) -> None:
        self.moved, self.orders, self.measure, self.direction = moved, orders, measure, direction
        self.groups: list[GeneGroup] = measure.groups(fixed)

    def permuted(self, drawn: slice) -> FloatArray:
        """Return the moved side in some permutations, one below the other."""
        orders = self.orders[drawn]
        return self.moved[:, orders].transpose(1, 0, 2).reshape(-1, orders.shape[1])

    def strength(self, rho: FloatArray, n_samples: int) -> FloatArray:
        """Return the strength of correlations a little larger, with the sign of those."""
        larger = rho + ROUNDING
        signed: FloatArray = np.copysign(self.measure.strength(larger, n_samples), larger)
        return signed

    def directed(self, rho: FloatArray) -> FloatArray:
        """Turn correlations, in place, so that the largest is the strongest."""
        if self.direction == "both":
            return np.abs(rho, out=rho)
        return np.negative(rho, out=rho) if self.direction == "negative" else rho

    def include(self, null: FloatArray, rho: FloatArray, rows: IntArray, fixed: IntArray, n_samples: int) -> None:
        """Raise null strengths, shape=(n_drawn, n_genes), to those of directed correlations of moved and fixed rows."""
        raise NotImplementedError


class _MovedGenes(_Pairing):
    def include(self, null: FloatArray, rho: FloatArray, rows: IntArray, fixed: IntArray, n_samples: int) -> None:
        del fixed
        flat = null.ravel()  # a view: `null` is contiguous
        flat[rows] = np.fmax(flat[rows], self.strength(np.fmax.reduce(rho, axis=1), n_samples))


class _MovedMetabolites(_Pairing):
    def include(self, null: FloatArray, rho: FloatArray, rows: IntArray, fixed: IntArray, n_samples: int) -> None:
        draw, largest = largest_by_draw(rho, rows // len(self.moved))
        place = np.ix_(draw, fixed)
        null[place] = np.fmax(null[place], self.strength(largest, n_samples))


def _fill(
    null: Float32Array, pairing: _Pairing, workers: Workers, drawn: Iterator[slice], arithmetic: Arithmetic
) -> None:
    """Write the null strengths of some permutations; each thread has its own."""
    for some in drawn:
        found = np.full(null[some].shape, np.nan)
        work = all_pairs(pairing.measure, pairing.groups, pairing.permuted(some), workers)
        for unit in work.units:
            for part, rows, rho in work.blocks(unit, arithmetic):
                pairing.include(found, pairing.directed(rho), part.index[rows], unit[0].index, part.n_samples)
        null[some] = _rounded_up(found)


def _rounded_up(values: FloatArray) -> Float32Array:
    """Return the next float32 that is not below each value."""
    nearest = values.astype(np.float32)
    return np.where(nearest < values, np.nextafter(nearest, np.float32(np.inf)), nearest)
