"""How far the rank of a gene depends on single replicate groups."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Float64Array, IntArray
from models.ranking import top_membership


@dataclass(frozen=True, slots=True, eq=False)
class RankStability:
    """What leaving out one replicate group at a time does to the ranking.

    Attributes
    ----------
    top_share : ndarray, shape=(n_genes,), dtype=float64
        Share of refits in which the gene is in the top 1%, at least 25 genes.
    low, high : ndarray, shape=(n_genes,), dtype=int64
        Best and worst rank over the refits, from 1.
    """

    top_share: Float64Array
    low: IntArray
    high: IntArray


def rank_stability(scores: Float64Array) -> RankStability:
    """Summarise refits.

    Parameters
    ----------
    scores : ndarray, shape=(n_refits, n_genes), dtype=float64
        Fused score of each refit, larger is better; a gene with NaN comes last.

    Returns
    -------
    RankStability
        Ties take the order of the table, as in the ranking of all samples.
    """
    places = np.arange(1, scores.shape[1] + 1)
    low, high = np.full(scores.shape[1], len(places)), np.ones(scores.shape[1], dtype=np.int64)
    ranks = np.empty(scores.shape[1], dtype=np.int64)
    for score in scores:
        ranks[np.argsort(-score, kind="stable")] = places
        np.minimum(low, ranks, out=low)
        np.maximum(high, ranks, out=high)
    return RankStability(top_membership(scores), low, high)
