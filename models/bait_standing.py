"""Where left-out baits stand among all genes, and how sure that is with the baits there are."""

import math
from dataclasses import dataclass

import numpy as np

from models.arrays import Float64Array, IntArray
from models.ranking import TOP_SHARE

RESAMPLES = 2_000
"""Resamples of the baits behind an interval."""
FIRST = 100
"""Genes from the top that recall is counted in."""
NORMAL_QUANTILE = 1.96
"""Two-sided 95%."""
ROUNDING = 1e-12
"""Scores that differ by less, relative to them, tie: sums in another order must not part equal genes."""

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """How well one method finds left-out baits.

    Attributes
    ----------
    n_baits : int
    auc : float
        Mean over the baits of ``1 - (place - 1) / (n_genes - 1)``: the share of genes that a bait is ahead of.
    auc_interval : tuple of float
        95% percentile bootstrap over the baits.
    recall_100 : float
        Share of the baits in the first 100.
    top_1_percent : float
        Share of the baits in the first 1% of the genes, at least one gene.
    top_interval : tuple of float
        95% percentile bootstrap over the baits.
    median_rank : float
    """

    n_baits: int
    auc: float
    auc_interval: Interval
    recall_100: float
    top_1_percent: float
    top_interval: Interval
    median_rank: float

    @property
    def above_chance(self) -> bool:
        """Whether the baits are further up than as many random genes get, and the interval of the AUC says so too.

        A bootstrap of three baits knows no more than their smallest and largest, so it alone would call a quarter of
        useless evidences useful or harmful.
        """
        return self.auc_interval[0] > 0.5 and self.auc > chance_limit(self.n_baits)

    @property
    def below_chance(self) -> bool:
        """Whether the baits are further down than as many random genes get."""
        return self.auc_interval[1] < 0.5 and self.auc < 1 - chance_limit(self.n_baits)


def mean_place(scores: Float64Array, gene: int) -> float:
    """Return the place of one gene among all, by counting those ahead of it.

    Parameters
    ----------
    scores : ndarray, shape=(n_genes,), dtype=float64
        Larger is better; genes with NaN are last.
    gene : int

    Returns
    -------
    float
        From 1; genes that tie share the mean of their places.
    """
    own = scores[gene]
    if np.isnan(own):
        tied = np.count_nonzero(np.isnan(scores))
        return len(scores) - (tied - 1) / 2
    room = ROUNDING * abs(own)
    ahead = np.count_nonzero(scores > own + room)
    tied = np.count_nonzero(scores >= own - room) - ahead
    return ahead + (tied + 1) / 2


def auc_of(places: Float64Array, n_genes: int) -> Float64Array:
    """Return the share of other genes that each bait is ahead of, in [0, 1]; half for those that tie with it."""
    auc: Float64Array = 1 - (places - 1) / (n_genes - 1)
    return auc


def chance_limit(n_baits: int, *, errors: float = NORMAL_QUANTILE) -> float:
    """Return the mean AUC of `n_baits` random genes plus `errors` standard errors; 2.5% of cases exceed the default.

    The AUC of a random gene is uniform, with variance 1/12; the mean is taken as normal, which is slightly strict.
    """
    return 0.5 + errors / math.sqrt(12 * n_baits)


def standing_of(places: Float64Array, n_genes: int, *, seed: int) -> Standing:
    """Summarise the places of the left-out baits by one method.

    Parameters
    ----------
    places : ndarray, shape=(n_baits,), dtype=float64
        As `mean_place` gives them.
    n_genes : int
        At least 2.
    seed : int
        Of the resampled baits; the same for all methods, so that their intervals move together.
    """
    size = len(places)
    resamples: IntArray = np.random.default_rng(seed).integers(size, size=(RESAMPLES, size))
    auc = auc_of(places, n_genes)
    top = (places <= max(1, round(TOP_SHARE * n_genes))).astype(np.float64)
    return Standing(
        n_baits=size,
        auc=float(auc.mean()),
        auc_interval=_interval(auc[resamples]),
        recall_100=float((places <= FIRST).mean()),
        top_1_percent=float(top.mean()),
        top_interval=_interval(top[resamples]),
        median_rank=float(np.median(places)),
    )


def _interval(resampled: Float64Array) -> Interval:
    low, high = np.percentile(resampled.mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
