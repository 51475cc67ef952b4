"""How far the rank of a gene depends on single replicate groups."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.arrays import Float64Array, FloatArray
from models.ranking import top_membership

WITHOUT = "without "
"""Begins the column of a replicate group, so that a group may be called `target` or `gene_id`."""


@dataclass(frozen=True, slots=True, eq=False)
class RankStability:
    """What leaving out one replicate group at a time does to the ranking.

    Attributes
    ----------
    top_share : ndarray, shape=(n_genes,), dtype=float64
        Share of refits in which the gene is in the top 1%, at least 25 genes; NaN without any refit.
    low, high : ndarray, shape=(n_genes,), dtype=float64
        Best and worst rank over the refits, from 1; NaN without any refit.
    """

    top_share: Float64Array
    low: Float64Array
    high: Float64Array


def rank_stability(scores: Float64Array) -> RankStability:
    """Summarise refits.

    Parameters
    ----------
    scores : ndarray, shape=(n_refits, n_genes), dtype=float64
        Fused score of each refit, larger is better; a gene with NaN comes last. There are none where no replicate
        group can be spared.

    Returns
    -------
    RankStability
        Ties take the order of the table, as in the ranking of all samples.
    """
    low, high = (np.full(scores.shape[1], np.nan) for _ in range(2))
    if not len(scores):
        return RankStability(low.copy(), low, high)
    places, ranks = np.arange(1.0, scores.shape[1] + 1), np.empty(scores.shape[1])
    for score in scores:
        ranks[np.argsort(-score, kind="stable")] = places
        np.fmin(low, ranks, out=low)
        np.fmax(high, ranks, out=high)
    return RankStability(top_membership(scores), low, high)


def refit_columns(refits: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return values by replicate group as columns of the contract `refits`, whatever a group is called."""
    return {f"{WITHOUT}{group}": values for group, values in refits.items()}


def refits_from(table: pd.DataFrame) -> dict[str, Float64Array]:
    """Undo `refit_columns`."""
    names = [str(name) for name in table.columns if str(name).startswith(WITHOUT)]
    return {name.removeprefix(WITHOUT): table[name].to_numpy(np.float64) for name in names}
