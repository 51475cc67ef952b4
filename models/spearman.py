"""Spearman correlations in blocks, their p-values and their strength.

The matrix genes x metabolites is never held: ranks are standardised once, and each block of correlations is one
matrix product of standardised ranks. Missing values are left out pair by pair.

Pairs with missing values need no loop over pairs either. On the samples S that a pair has in common, the centred
rank of gene x in sample i is ``1/2 sum over j in S of sign(x_i - x_j)``, so the numerator of Spearman's rho is an
inner product of the gene's signs over all sample pairs with weights that depend on the metabolite alone, and all
pairs come from one matrix product again.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, stdtr
from scipy.stats import rankdata

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

MIN_SAMPLES = 4
"""Samples that a pair must have in common to be tested."""
EXACT_BELOW = 10
"""Below this number of samples p comes from all permutations, from here on from Student's t."""
RHO_DECIMALS = 12
"""Correlations are rounded to this, so that equal ones stay equal whatever order the products were added in."""


def standardised_ranks(values: FloatArray, dtype: npt.DTypeLike = np.float64) -> FloatArray:
    """Rank each row, centre it and scale it to unit length, so that Spearman's rho is an inner product.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values without NaN.
    dtype : float32 or float64
        Of the result.

    Returns
    -------
    ndarray, shape=(n_features, n_samples)
        Average ranks, standardised; a constant row is all zero.
    """
    ranks = rankdata(values, axis=1) - (values.shape[1] + 1) / 2
    return _unit_rows(ranks).astype(dtype, copy=False)


@lru_cache(maxsize=16)
def exact_null(n: int) -> tuple[FloatArray, FloatArray]:
    """Tabulate the permutation distribution of ``|rho|`` for `n` samples without ties, over all n! orders.

    Returns
    -------
    levels, tail : ndarray, dtype=float64
        The values that ``|rho|`` can take, ascending, and the probability of each value or a larger one.
    """
    orders = np.fromiter(chain.from_iterable(permutations(range(n))), dtype=np.int8).reshape(-1, n)
    squares = ((orders - np.arange(n)) ** 2).sum(axis=1, dtype=np.int64)
    # Twice the numerator of |rho| = |1 - 6 D / (n (n^2 - 1))| is whole, so equal levels are equal exactly.
    numerators, counts = np.unique(np.abs(n * (n**2 - 1) - 6 * squares), return_counts=True)
    tail = counts[::-1].cumsum()[::-1] / math.factorial(n)
    return numerators / (n * (n**2 - 1)), tail


def spearman_p(rho: npt.ArrayLike, n: int) -> FloatArray:
    """Two-sided p-value of Spearman's rho.

    Parameters
    ----------
    rho : array_like, dtype=float
        Correlations in [-1, 1]; NaN stays NaN.
    n : int
        Number of samples, at least 4.

    Returns
    -------
    ndarray, dtype=float64
        From 10 samples on, Student's t with n - 2 degrees of freedom, ``t = rho sqrt((n - 2) / (1 - rho^2))``, as
        `scipy.stats.spearmanr` has it. Below, the share of all n! orders with a ``|rho|`` as large.

    Notes
    -----
    With 6 samples the t approximation gives p = 0 for ``|rho|`` = 1, which 2 of the 720 orders reach: it would declare
    0.3% of all null pairs significant at any level. The table of orders knows no ties; with ties it approximates.
    """
    size = np.abs(np.asarray(rho, dtype=np.float64))
    if n >= EXACT_BELOW:
        with np.errstate(divide="ignore"):
            statistic = size * np.sqrt((n - 2) / ((1 + size) * np.maximum(1 - size, 0)))
        both_tails: FloatArray = np.minimum(2 * stdtr(n - 2, -statistic), 1.0)
        return both_tails
    levels, tail = exact_null(n)
    p = tail[np.minimum(np.searchsorted(levels, size - 1e-9), len(levels) - 1)]
    return np.where(np.isnan(size), np.nan, p)


def critical_rho(p: FloatArray, n: int) -> FloatArray:
    """Return the smallest ``|rho|`` whose `spearman_p` is at most `p`; a value above 1 where none is."""
    if n >= EXACT_BELOW:
        # p = I_(1 - rho^2)((n - 2) / 2, 1 / 2), the tail of Student's t as a beta distribution.
        return np.sqrt(1 - betaincinv((n - 2) / 2, 0.5, p))
    levels, tail = exact_null(n)
    largest_failing = len(tail) - np.searchsorted(tail[::-1], p, side="right") - 1
    return np.where(largest_failing < 0, 0.0, levels[np.maximum(largest_failing, 0)] + 2e-9)


def strength(rho: FloatArray, n: npt.ArrayLike) -> FloatArray:
    """Express ``|rho|`` in standard errors, comparable between pairs with different numbers of samples.

    ``|atanh(rho)| sqrt((n - 3) / 1.06)``, the variance of Spearman's rho after Fisher's transformation by Fieller,
    Hartley & Pearson (1957), doi 10.1093/biomet/44.3-4.470. `rho` is clipped to 1 - 1e-7; NaN stays NaN. At equal `n`
    the order is that of ``|rho|``.
    """
    size = np.minimum(np.abs(np.asarray(rho, dtype=np.float64)), 1 - 1e-7)
    return np.arctanh(size) * np.sqrt((np.asarray(n) - 3) / 1.06)


@dataclass(frozen=True, slots=True, eq=False)
class RankedGenes:
    """Genes that have values in the same samples.

    Attributes
    ----------
    index : ndarray, shape=(n_genes,), dtype=int64
        Rows of the table of all genes.
    columns : ndarray, shape=(n_samples,), dtype=int64
        Samples with values, at least 4.
    ranks : ndarray, shape=(n_genes, n_samples)
        Standardised ranks on these samples; no gene is constant.
    """

    index: IntArray
    columns: IntArray
    ranks: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RhoBlock:
    """One block of correlations.

    Attributes
    ----------
    genes : ndarray, shape=(n_genes,), dtype=int64
    metabolites : ndarray, shape=(n_metabolites,), dtype=int64
        Rows of the two tables.
    n_samples : ndarray, shape=(n_metabolites,), dtype=int64
        Samples behind each row of `rho`, ascending.
    rho : ndarray, shape=(n_metabolites, n_genes)
        Correlations; NaN where the gene is constant on the common samples.
    """

    genes: IntArray
    metabolites: IntArray
    n_samples: IntArray
    rho: FloatArray

    def runs(self) -> Iterator[tuple[int, slice]]:
        """Yield each number of samples with the rows that have it."""
        starts = np.flatnonzero(np.diff(self.n_samples, prepend=-1))
        for start, stop in zip(starts, [*starts[1:], len(self.n_samples)], strict=True):
            yield int(self.n_samples[start]), slice(int(start), int(stop))


def rank_genes(genes: FloatArray, dtype: npt.DTypeLike = np.float64) -> tuple[RankedGenes, ...]:
    """Group genes by the samples they have values in, and rank each group once.

    Genes with values in fewer than 4 samples, and constant ones, are in no group.
    """
    missing = np.isnan(genes)
    if not missing.any():
        patterns, member = np.zeros((1, genes.shape[1]), dtype=np.bool_), np.zeros(len(genes), dtype=np.int64)
    else:
        packed, member = np.unique(np.packbits(missing, axis=1), axis=0, return_inverse=True)
        patterns = np.unpackbits(packed, axis=1, count=genes.shape[1]).astype(np.bool_)
    order = np.argsort(member, kind="stable")
    parts = np.split(order, np.searchsorted(member[order], np.arange(1, len(patterns))))
    groups = []
    for pattern, index in zip(patterns, parts, strict=True):
        columns = np.flatnonzero(~pattern)
        if len(columns) >= MIN_SAMPLES:
            ranks = standardised_ranks(genes[np.ix_(index, columns)], dtype)
            varied = ranks.any(axis=1)
            groups.append(RankedGenes(index[varied], columns, ranks[varied]))
    return tuple(groups)


def correlation_blocks(
    groups: tuple[RankedGenes, ...], metabolites: FloatArray, *, block: int, metabolite_block: int
) -> Iterator[RhoBlock]:
    """Correlate ranked genes with metabolites, block by block, on the samples that each pair has in common.

    Parameters
    ----------
    groups : tuple of RankedGenes
        As `rank_genes` gives them.
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing.
    block, metabolite_block : int
        Genes and metabolites in a block at most.

    Yields
    ------
    RhoBlock
        Each pair that can be tested is in exactly one block: the metabolite is not constant on the gene's samples,
        and at least 4 samples are common.
    """
    for group in groups:
        for start in range(0, len(metabolites), metabolite_block):
            rows = np.arange(start, min(start + metabolite_block, len(metabolites)))
            values = metabolites[np.ix_(rows, group.columns)]
            whole = ~np.isnan(values).any(axis=1)
            yield from _complete_blocks(group, values[whole], rows[whole], block)
            yield from _incomplete_blocks(group, values[~whole], rows[~whole], block)


def _complete_blocks(group: RankedGenes, values: FloatArray, rows: IntArray, block: int) -> Iterator[RhoBlock]:
    """Correlate metabolites that have a value in every sample of the genes."""
    ranks = standardised_ranks(values, group.ranks.dtype)
    varied = ranks.any(axis=1)
    ranks, rows = ranks[varied], rows[varied]
    if len(rows):
        n_samples = np.full(len(rows), len(group.columns))
        for start in range(0, len(group.index), block):
            part = slice(start, start + block)
            yield RhoBlock(group.index[part], rows, n_samples, ranks @ group.ranks[part].T)


def _incomplete_blocks(group: RankedGenes, values: FloatArray, rows: IntArray, block: int) -> Iterator[RhoBlock]:
    """Correlate metabolites that lack some samples of the genes, through signs over sample pairs."""
    order = np.argsort((~np.isnan(values)).sum(axis=1), kind="stable")
    values, rows = values[order], rows[order]
    ranks = _ranks_of_known(values)
    usable = ranks.any(axis=1) & ((~np.isnan(values)).sum(axis=1) >= MIN_SAMPLES)
    ranks, rows, known = ranks[usable], rows[usable], ~np.isnan(values[usable])
    if not len(rows):
        return
    first, second = np.triu_indices(len(group.columns), 1)
    dtype = group.ranks.dtype
    weights = (ranks[:, first] * known[:, second] - ranks[:, second] * known[:, first]).astype(dtype) / 2
    for start in range(0, len(group.index), block):
        part = slice(start, start + block)
        genes = group.ranks[part]
        signs = np.sign(genes[:, first] - genes[:, second])
        rho = weights @ signs.T
        rho *= _inverse_lengths(genes, known).T
        yield RhoBlock(group.index[part], rows, known.sum(axis=1), rho)


def _ranks_of_known(values: FloatArray) -> FloatArray:
    """Return standardised ranks over the values that are not NaN, 0 where NaN."""
    ranks = np.zeros(values.shape)
    for sample in range(values.shape[1]):
        differences = values[:, [sample]] - values
        ranks[:, sample] = np.nansum(np.sign(differences), axis=1) / 2
    return _unit_rows(ranks)


def _unit_rows(ranks: FloatArray) -> FloatArray:
    length = np.sqrt(np.square(ranks).sum(axis=1, keepdims=True))
    unit: FloatArray = np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
    return unit


def _inverse_lengths(genes: FloatArray, known: BoolArray) -> FloatArray:
    """Return one over the length of each gene's centred ranks on each row's known samples; NaN where it is constant.

    The squared length is ``(s^3 - s) / 12`` on s samples, less ``(t^3 - t) / 12`` for each run of t tied values.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
        Ranks of the genes.
    known : ndarray, shape=(n_rows, n_samples), dtype=bool
        Samples of each row.

    Returns
    -------
    ndarray, shape=(n_genes, n_rows), or (1, n_rows) where no gene has ties
    """
    patterns, row = np.unique(known, axis=0, return_inverse=True)
    samples = patterns.sum(axis=1, dtype=np.float64)
    squares = ((samples**3 - samples) / 12)[None, :]
    tied = np.flatnonzero((np.diff(np.sort(genes, axis=1), axis=1) == 0).any(axis=1))
    if len(tied):
        squares = np.repeat(squares, len(genes), axis=0)
        step = max(1, 2**22 // (genes.shape[1] * len(patterns)))
        for start in range(0, len(tied), step):
            part = tied[start : start + step]
            squares[part] -= _tie_terms(genes[part], patterns)
    squares[squares < 0.25] = np.nan
    inverse: FloatArray = np.reciprocal(np.sqrt(squares)).astype(genes.dtype)[:, row]
    return inverse


def _tie_terms(genes: FloatArray, patterns: BoolArray) -> FloatArray:
    """Sum ``(t^3 - t) / 12`` over each gene's runs of ties on each pattern, shape=(n_genes, n_patterns)."""
    equal = genes[:, :, None] == genes[:, None, :]
    opens = ~np.tril(equal, -1).any(axis=2) & (equal.sum(axis=2) > 1)
    gene, sample = np.nonzero(opens)
    size = equal[gene, sample].astype(np.float64) @ patterns.T.astype(np.float64)
    terms: FloatArray = np.add.reduceat((size**3 - size) / 12, np.searchsorted(gene, np.arange(len(genes))), axis=0)
    return terms
