"""P-values from permuting whole replicate groups, and their false discovery rates.

Replicates of one group resemble each other, so tests that take samples as independent find far too much. Here whole
groups change places, which keeps that resemblance under the null.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control

from configs.study import CorrelationMethod
from models.all_pairs import AllPairs, Unit, all_pairs
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import FloatArray, IntArray
from models.measures import measure_of
from models.spearman import doubled_ranks

STRATA = 10
"""Strata of genes by how much their replicates resemble each other."""
ROUNDING = 1e-9
"""Added to each null correlation, above what rounding moves it: a null equal to the observed one counts as such."""
ROWS = 4096
"""Permuted metabolites that are correlated in one go."""


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
    draws: IntArray,
    *,
    method: CorrelationMethod = "spearman",
    workers: Workers = ONE_WORKER,
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
    draws : ndarray, shape=(n_permutations, n_samples), dtype=int64
        As `group_permutations` draws them.
    method : str
        'spearman', 'pearson' or 'bicor', as for `observed`.
    workers : Workers
        Threads, device and size of blocks.

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
    stratum = expression_strata(genes, groups, np.isnan(observed))
    tally = _Tally(observed, stratum)
    measure = measure_of(method)
    prepared = measure.groups(genes)
    step = max(1, ROWS // max(1, len(metabolites)))
    for start in range(0, len(draws), step):
        drawn = draws[start : start + step]
        permuted = metabolites[:, drawn].transpose(1, 0, 2).reshape(-1, metabolites.shape[1])
        work = all_pairs(measure, prepared, permuted, workers)
        for counted in workers.share(
            partial(_count_null, work, tally, metabolites=len(metabolites), draws=len(drawn)), work.units
        ):
            tally.include(counted)
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
    ranks = doubled_ranks(values).astype(np.float64)
    size = np.maximum((~np.isnan(values)) @ member, 1)
    between = (np.square(ranks @ member) / size).sum(axis=1)
    total = np.square(ranks).sum(axis=1)
    share: FloatArray = np.divide(between, total, out=np.full(len(values), np.nan), where=total > 0)
    return share


def expression_strata(genes: FloatArray, groups: Sequence[str], absent: npt.NDArray[np.bool_]) -> IntArray:
    """Put genes of like expression together: those whose replicates resemble each other equally.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
        Values; NaN where missing.
    groups : sequence of str, length n_samples
        Replicate group of each sample.
    absent : ndarray, shape=(n_genes,), dtype=bool
        Genes without evidence on the target.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=int64
        Stratum, 0 to 9, by deciles of `between_share`; a constant gene is in the last. All 0 where no group has two
        samples; -1 where `absent`.

    Notes
    -----
    Mean expression does not split further, because it changes nothing: in simulated counts of means 0.2 to 1,000 in 7
    groups of 3, with intraclass correlations of 0, 0.5 and 0.9, each tenth of the genes by mean expression had 0.046 to
    0.053 of its null genes below p = 0.05 (Pearson's r: 0.044 to 0.055), and the same when the strata were split in
    three by mean expression. How alike replicates are does matter: it decides how often a correlation is large.
    """
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


def _count_null(
    work: AllPairs, tally: "_Tally", units: Iterator[Unit], arithmetic: Arithmetic, *, metabolites: int, draws: int
) -> "_Tally":
    """Correlate genes with all draws of the metabolites, and count the strongest null correlation of each draw."""
    counted = tally.empty()
    for unit in units:
        null = np.full((draws, len(unit[0].index)), np.nan)
        for part, rows, rho in work.blocks(unit, arithmetic):
            draw, largest = _largest_by_draw(rho, part.index[rows] // metabolites)
            null[draw] = np.fmax(null[draw], work.measure.strength(largest + ROUNDING, part.n_samples))
        counted.add(null, unit[0].index)
    return counted


def _largest_by_draw(rho: FloatArray, draw: IntArray) -> tuple[IntArray, FloatArray]:
    """Return the permutations among rows of correlations and the largest absolute one of each, gene by gene."""
    order = np.argsort(draw, kind="stable")
    draws, first = np.unique(draw[order], return_index=True)
    return draws, np.fmax.reduceat(np.abs(rho[order]), first, axis=0)


class _Tally:
    """Counts, stratum by stratum, how many null strengths reach each observed one."""

    def __init__(self, observed: FloatArray, stratum: IntArray) -> None:
        self._observed, self._stratum = observed, stratum
        self._members = [np.flatnonzero(stratum == number) for number in range(STRATA)]
        self._ordered = [np.sort(observed[index]) for index in self._members]
        self.reached = [np.zeros(len(index) + 1, dtype=np.int64) for index in self._members]

    def add(self, null: FloatArray, genes: IntArray) -> None:
        """Count null strengths, shape=(n_permutations, n_genes), of some genes; NaN where a gene has none."""
        stratum = self._stratum[genes]
        for number, (ordered, reached) in enumerate(zip(self._ordered, self.reached, strict=True)):
            values = null[:, stratum == number]
            place = np.searchsorted(ordered, values[~np.isnan(values)], side="right")
            np.add(reached, np.bincount(place, minlength=len(reached)), out=reached)

    def empty(self) -> "_Tally":
        """Return a tally of the same genes without counts, for one thread."""
        return _Tally(self._observed, self._stratum)

    def include(self, other: "_Tally") -> None:
        """Add the counts of another tally."""
        for reached, more in zip(self.reached, other.reached, strict=True):
            np.add(reached, more, out=reached)

    def p(self) -> FloatArray:
        """Return ``(1 + count) / (1 + total)`` for each gene."""
        p = np.full(len(self._observed), np.nan)
        for index, ordered, reached in zip(self._members, self._ordered, self.reached, strict=True):
            place = np.searchsorted(ordered, self._observed[index], side="left")
            p[index] = (1 + reached[::-1].cumsum()[::-1][place + 1]) / (1 + reached.sum())
        return p
