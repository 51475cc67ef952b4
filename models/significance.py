"""P-values from permuting whole replicate groups, and their false discovery rates.

Replicates of one group resemble each other, so tests that take samples as independent find far too much. Here whole
groups change places, which keeps that resemblance under the null.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from models.spearman import FloatArray, IntArray, RankedGenes, correlation_blocks, rank_genes, strength

STRATA = 10
"""Strata of genes by how much their replicates resemble each other."""
ROUNDING = 4e-6
"""Added to each null correlation, which is computed in float32: a null equal to the observed one counts as such."""
ROWS = 2048
"""Permuted metabolites that are correlated in one go."""
CHUNK = 64
"""Permutations whose null strengths are held at a time."""


def group_permutations(groups: Sequence[str], *, count: int, seed: int) -> IntArray:
    """Draw permutations of the samples that move whole replicate groups.

    Parameters
    ----------
    groups : sequence of str, length n_samples
        Replicate group of each sample.
    count : int
        Permutations to draw.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, shape=(count, n_samples), dtype=int64
        Row k says which sample is moved to each place.

    Notes
    -----
    The places are laid out group by group and filled with the members of the groups in permuted order, the members of
    each group shuffled. With groups of equal size exactly whole groups change places; with unequal sizes the blocks
    are laid end to end, so a large group may straddle the places of two small ones; where every sample is its own
    group this is a plain permutation. Draws are with replacement and those that leave all groups in place count too:
    with few groups they bound how small p can get.
    """
    rng = np.random.default_rng(seed)
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    places = np.argsort(codes, kind="stable")
    n_groups = int(codes.max()) + 1
    drawn = np.empty((count, len(codes)), dtype=np.int64)
    for row in drawn:
        position = rng.permutation(n_groups)[codes]
        row[places] = np.lexsort((rng.random(len(codes)), position))
    return drawn


def permutation_p(
    observed: FloatArray,
    genes: FloatArray,
    metabolites: FloatArray,
    groups: Sequence[str],
    *,
    permutations: int,
    seed: int,
    block: int = 2048,
) -> FloatArray:
    """Compute p-values of each gene's strongest correlation by permuting whole replicate groups of the metabolites.

    Parameters
    ----------
    observed : ndarray, shape=(n_genes,), dtype=float64
        Strength of the best partner, as `models.correlation.best_partner` gives it; NaN where there is none.
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. The metabolites of one target.
    groups : sequence of str, length n_samples
        Replicate group of each sample.
    permutations : int
        Permutations to draw.
    seed : int
        Seed of the draw.
    block : int
        Genes in a block.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        ``p = (1 + number of null strengths >= observed) / (1 + number of null strengths)``, the null strengths pooled
        over all permutations and over the genes of like replicate structure: genes are put in 10 strata by the share
        of the variance of their ranks that lies between groups, one stratum where no group has two samples. NaN where
        `observed` is NaN.

    Notes
    -----
    This is also the p-value of the fused score. Under the null the evidences other than correlation stay as they
    are, and a gene's null correlation is turned into a rank by the map from strength to rank of the observed study.
    That map is monotone, so with the rest of the score fixed, a null score reaches the observed one exactly where the
    null strength reaches the observed strength.
    """
    stratum = _strata(genes, groups, np.isnan(observed))
    tally = _Tally(observed, stratum)
    drawn = group_permutations(groups, count=permutations, seed=seed)
    ranked = rank_genes(genes, np.float32)
    step = min(CHUNK, max(1, ROWS // max(1, len(metabolites))))
    for start in range(0, permutations, step):
        tally.add(_null_strengths(ranked, metabolites, drawn[start : start + step], genes=len(genes), block=block))
    return tally.p()


def q_values(p: FloatArray) -> FloatArray:
    """Turn p-values into Benjamini-Hochberg false discovery rates.

    Parameters
    ----------
    p : ndarray, shape=(n,), dtype=float64
        In [0, 1]; NaN stays NaN and does not count.
    """
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = false_discovery_control(p[known], method="bh")
    return q


def between_share(values: FloatArray, groups: Sequence[str]) -> FloatArray:
    """Return the share of the variance of each row's ranks that lies between groups, 0 to 1; NaN for constant rows.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; a missing one counts as the middle rank.
    groups : sequence of str, length n_samples
        Replicate group of each sample.
    """
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    member = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    share = np.full(len(values), np.nan)
    for part in rank_genes(values):
        inside = member[part.columns]
        size = np.maximum(inside.sum(axis=0), 1)
        share[part.index] = (np.square(part.ranks @ inside) / size).sum(axis=1)
    return share


def _strata(genes: FloatArray, groups: Sequence[str], absent: npt.NDArray[np.bool_]) -> IntArray:
    """Assign each gene to a stratum, -1 for genes without an observed strength."""
    stratum = np.zeros(len(genes), dtype=np.int64)
    if len(set(groups)) < len(groups):
        share = between_share(genes, groups)
        share[absent] = np.nan
        known = share[~np.isnan(share)]
        if len(known):
            cuts = np.quantile(known, np.arange(1, STRATA) / STRATA)
            stratum = np.searchsorted(cuts, share, side="right").astype(np.int64)
    stratum[absent] = -1
    return stratum


def _null_strengths(
    ranked: tuple[RankedGenes, ...], metabolites: FloatArray, drawn: IntArray, *, genes: int, block: int
) -> FloatArray:
    """Return each gene's strongest null correlation, shape=(n_permutations, n_genes)."""
    permuted = metabolites[:, drawn].transpose(1, 0, 2).reshape(-1, metabolites.shape[1])
    null = np.full((len(drawn), genes), np.nan)
    for part in correlation_blocks(ranked, permuted, block=block, metabolite_block=max(1, len(permuted))):
        for n, rows in part.runs():
            draw, largest = _largest_by_draw(part.rho[rows], part.metabolites[rows] // len(metabolites))
            at = np.ix_(draw, part.genes)
            null[at] = np.fmax(null[at], strength(largest + ROUNDING, n))
    return null


def _largest_by_draw(rho: FloatArray, draw: IntArray) -> tuple[IntArray, FloatArray]:
    """Return the permutations among rows of correlations and the largest absolute one of each, gene by gene."""
    draws, first, size = np.unique(draw, return_index=True, return_counts=True)
    if (size == size[0]).all():
        stacked = rho.reshape(len(draws), size[0], -1)
        return draws, np.fmax(np.fmax.reduce(stacked, axis=1), -np.fmin.reduce(stacked, axis=1))
    return draws, np.fmax(np.fmax.reduceat(rho, first, axis=0), -np.fmin.reduceat(rho, first, axis=0))


class _Tally:
    """Counts, stratum by stratum, how many null strengths reach each observed one."""

    def __init__(self, observed: FloatArray, stratum: IntArray) -> None:
        self._size = len(observed)
        members = [np.flatnonzero(stratum == number) for number in range(STRATA)]
        self._members = [index[np.argsort(observed[index], kind="stable")] for index in members]
        self._observed = [observed[index] for index in self._members]
        self._reached = [np.zeros(len(index) + 1, dtype=np.int64) for index in self._members]

    def add(self, null: FloatArray) -> None:
        """Count null strengths, shape=(n_permutations, n_genes), NaN where a gene has none."""
        for number, (index, observed) in enumerate(zip(self._members, self._observed, strict=True)):
            values = null[:, index]
            place = np.searchsorted(observed, values[~np.isnan(values)], side="right")
            self._reached[number] += np.bincount(place, minlength=len(observed) + 1)

    def p(self) -> FloatArray:
        """Return ``(1 + count) / (1 + total)`` for each gene."""
        p = np.full(self._size, np.nan)
        for index, reached in zip(self._members, self._reached, strict=True):
            p[index] = (1 + reached[::-1].cumsum()[::-1][1:]) / (1 + reached.sum())
        return p
