"""Co-expression with genes that are already known to belong to a pathway."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from configs.errors import UserError
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import BoolArray, FloatArray, IntArray

ROUNDING = 1e-6
"""Correlations, computed in float32, that differ by less count as equal."""
COUNTED = 255
"""Partners in a block, as many as an 8-bit counter holds: several times faster than a wider one."""


def bait_evidence(
    expression: FloatArray, bait_index: npt.ArrayLike, *, decay: float = 50.0, workers: Workers = ONE_WORKER
) -> npt.NDArray[np.float64]:
    """Score each gene by its mutual rank with the baits.

    ``mean over baits of exp(-(MR - 1) / decay)``, where the mutual rank MR is the geometric mean of the gene's rank
    among the bait's partners and the bait's rank among the gene's partners, both by Pearson correlation with the
    largest first and without the gene itself (Obayashi & Kinoshita 2009, doi 10.1093/dnares/dsp016).

    Parameters
    ----------
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared log2 expression; a missing value counts as the gene's mean.
    bait_index : array_like, shape=(n_baits,), dtype=int
        Rows of the baits. A constant bait is left out.
    decay : float
        Mutual rank at which the evidence has fallen to 1/e, at least 1.
    workers : Workers
        Threads and size of blocks; the matrix of genes x genes is never held.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        In [0, 1]. A bait is scored by the other baits alone, and is NaN where it is the only one. A constant gene is
        NaN.

    Raises
    ------
    UserError
        If every bait is constant, or there is none.
    """
    unit = _unit_rows(expression)
    varied: BoolArray = (unit != 0).any(axis=1)
    baits = np.unique(np.asarray(bait_index, dtype=np.int64))
    usable = baits[varied[baits]]
    if not len(usable):
        raise UserError(
            wanted="at least one bait whose expression differs between samples",
            found=f"{len(baits)} baits, all with the same expression in every sample" if len(baits) else "no bait",
            where="baits",
            remedy="Name baits that are expressed, or leave the baits of this target out.",
        )
    closeness = unit @ unit[usable].T
    rank_of_gene = _ranks_among_partners(closeness, usable, varied)
    rank_of_bait = 1 + _count_larger(unit, closeness, varied, workers)
    evidence = np.exp(-(np.sqrt(rank_of_gene * rank_of_bait) - 1) / decay)
    evidence[usable, np.arange(len(usable))] = np.nan
    others = len(usable) - np.isin(np.arange(len(unit)), usable)
    total = np.nansum(evidence, axis=1)
    scored = varied & (others > 0)
    mean: npt.NDArray[np.float64] = np.divide(total, others, out=np.full(len(unit), np.nan), where=scored)
    return mean


def _unit_rows(expression: FloatArray) -> npt.NDArray[np.float32]:
    """Centre each row and scale it to unit length; a constant row is all zero."""
    known = ~np.isnan(expression)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, expression, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count
    centred = np.where(known, expression - mean, 0.0)
    length = np.sqrt(np.square(centred).sum(axis=1, keepdims=True))
    # What is left of a constant row is rounding of its mean.
    varied = length > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    unit: FloatArray = np.divide(centred, length, out=np.zeros_like(centred), where=varied)
    return unit.astype(np.float32)


def _ranks_among_partners(closeness: FloatArray, baits: IntArray, varied: BoolArray) -> FloatArray:
    """Rank the genes by closeness to each bait, 1 the closest, shape=(n_genes, n_baits)."""
    ranks = np.empty(closeness.shape)
    for column, bait in enumerate(baits):
        partners = closeness[varied, column].copy()
        partners[np.count_nonzero(varied[:bait])] = -2.0
        ascending = np.sort(partners)
        larger = len(ascending) - np.searchsorted(ascending, closeness[:, column] + np.float32(ROUNDING), side="right")
        ranks[:, column] = 1 + larger
    return ranks


def _count_larger(
    unit: npt.NDArray[np.float32], closeness: FloatArray, varied: BoolArray, workers: Workers
) -> FloatArray:
    """Count for each gene and bait the other genes that the gene is closer to, shape=(n_genes, n_baits)."""
    genes = np.flatnonzero(varied)
    rows = unit[genes]
    counts = np.zeros(closeness.shape)

    def count(starts: Iterator[int], arithmetic: Arithmetic) -> None:
        above = np.empty((COUNTED, workers.block), dtype=np.bool_)
        for start in starts:
            own = slice(start, start + workers.block)
            limits = np.ascontiguousarray(closeness[genes[own]].T) + np.float32(ROUNDING)
            larger = np.zeros(limits.shape, dtype=np.int64)
            for first in range(0, len(genes), COUNTED):
                arithmetic.multiply(rows[first : first + COUNTED], rows[own])
                partners = arithmetic.product()
                np.fill_diagonal(partners[max(start - first, 0) :, max(first - start, 0) :], -2.0)
                larger += _count_above(partners, limits, above[: len(partners), : limits.shape[1]])
            counts[genes[own]] = larger.T

    workers.share(count, range(0, len(genes), workers.block))
    return counts


def _count_above(values: FloatArray, limits: FloatArray, above: BoolArray) -> IntArray:
    """Count the values in each column above each of the column's limits, shape=(n_limits, n_columns)."""
    count = np.empty(limits.shape, dtype=np.int64)
    for row, limit in zip(count, limits, strict=True):
        np.greater(values, limit, out=above)
        row[:] = np.add.reduce(above.view(np.uint8), axis=0, dtype=np.uint8)
    return count
