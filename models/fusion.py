"""Fusing several evidences into one score per gene.

Each evidence is first turned into ranks in [0, 1), so that no unit and no outlier of one evidence outweighs another,
and the ranks are then added with weights.
"""

import math
from collections.abc import Collection, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from configs.errors import UserError, first_of

FloatArray = npt.NDArray[np.float64]
Fusion = Literal["log_tail", "linear"]


def rank01(values: npt.ArrayLike) -> FloatArray:
    """Rank values into [0, 1): the share of genes that are strictly below.

    Parameters
    ----------
    values : array_like, shape=(n_genes,), dtype=float
        Larger is stronger; NaN where a gene has no value.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        ``(rank - 1) / n`` over the `n` values that are not NaN. Ties share the lowest rank, so that the many genes
        without a hit all get 0. NaN stays NaN.
    """
    given = np.asarray(values, dtype=np.float64)
    ranks = np.full(given.shape, np.nan)
    known = ~np.isnan(given)
    if known.any():
        ranks[known] = (rankdata(given[known], method="min") - 1) / np.count_nonzero(known)
    return ranks


def transform(rank: FloatArray, fusion: Fusion) -> FloatArray:
    """Turn ranks into what is added: ``-ln(1 - r)`` for `log_tail`, ``r`` for `linear`.

    Parameters
    ----------
    rank : ndarray, shape=(n_genes,), dtype=float64
        Ranks in [0, 1); NaN stays NaN.
    fusion : {'log_tail', 'linear'}
        With `linear`, evidences that know nothing about a pathway push its best gene far down a long list;
        `log_tail` spreads the top of each evidence and keeps it on top.
    """
    return -np.log1p(-rank) if fusion == "log_tail" else rank


def normalised_weights(weights: Mapping[str, float], present: Collection[str]) -> dict[str, float]:
    """Scale the weights of the evidences that are present to sum to 1.

    Parameters
    ----------
    weights : mapping of str to float
        Weight by evidence, at least 0; an evidence without a weight weighs 0.
    present : collection of str
        Evidences that the study has.

    Returns
    -------
    dict of str to float
        Weight of each evidence in `present`, sorted by name.

    Raises
    ------
    UserError
        If every evidence that is present weighs 0.
    """
    chosen = {name: float(weights.get(name, 0.0)) for name in sorted(present)}
    total = math.fsum(chosen.values())
    if not total > 0:
        raise UserError(
            wanted="at least one evidence with a weight above zero",
            found=f"evidence {first_of(chosen)} only, each with weight 0" if chosen else "no evidence at all",
            where="ranking.weights",
            remedy="Give a weight above zero to an evidence that this study has.",
        )
    return {name: weight / total for name, weight in chosen.items()}


def fuse(ranks: Mapping[str, FloatArray], weights: Mapping[str, float], fusion: Fusion) -> FloatArray:
    """Add the transformed ranks of all evidences, ``score = sum of w_e f(r_e)``.

    Parameters
    ----------
    ranks : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        Ranks in [0, 1) by evidence, as `rank01` gives them; NaN where a gene lacks the evidence. An evidence that
        every gene lacks counts as absent.
    weights : mapping of str to float
        Weight by evidence; renormalised over the evidences present.
    fusion : {'log_tail', 'linear'}
        See `transform`.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        Scores. A gene that lacks one evidence gets the mean of ``f`` over the genes that have it, because no
        information is not zero evidence. A gene that lacks every evidence of weight above zero gets NaN.

    Raises
    ------
    UserError
        If every evidence that is present weighs 0.

    Notes
    -----
    With the weights 0.4, 0.3, 0.2 and 0.1 for correlation, autoencoder, graph and homology and with `linear`, the
    score is ``0.4 r_correlation + 0.3 r_autoencoder + 0.2 r_graph + 0.1 r_homology``. Evidences are added in the
    order of their names, so the order of the mapping does not reach the result, not even by rounding.
    """
    known = {name: ~np.isnan(rank) for name, rank in ranks.items()}
    shares = normalised_weights(weights, [name for name, has in known.items() if has.any()])
    counted = {name: share for name, share in shares.items() if share > 0}
    score = np.zeros(len(next(iter(ranks.values()))))
    for name, share in counted.items():
        part = transform(ranks[name], fusion)
        score += share * np.where(known[name], part, part[known[name]].mean())
    score[~np.logical_or.reduce([known[name] for name in counted])] = np.nan
    return score
