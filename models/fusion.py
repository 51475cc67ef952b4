"""Fusing several evidences into one score per gene.

Each evidence is first turned into ranks in [0, 1), so that no unit and no outlier of one evidence outweighs another.
The ranks are then added with weights, after a transformation that the fusion names, or aggregated by robust rank
aggregation.
"""

import math
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from configs.errors import UserError, first_of
from configs.ranking import Fusion
from configs.ranking_tables import TARGET_EVIDENCES
from models.arrays import Float64Array
from models.rank_aggregation import rank_aggregation_p

RECIPROCAL_OFFSET = 60
"""Places added before the reciprocal is taken, so that no single first place decides (Cormack 2009)."""

SCORE_WORDS: dict[Fusion, str] = {
    "log_tail": "For each evidence on the target (correlation, homology, known genes), -ln of the share of genes that "
    "have it as strong or stronger; for autoencoder and graph, which never see the target, the share of genes that "
    "have it weaker. The score is the sum of these, each times its weight.",
    "linear": "For each evidence, the share of genes that have it weaker. The score is the sum of these, each times "
    "its weight.",
    "reciprocal": f"For each evidence, 1 / ({RECIPROCAL_OFFSET} + place of the gene), the place being 1 for the best. "
    "The score is the sum of these, each times its weight.",
    "rra": "The score is -log10 of p by robust rank aggregation: how unlikely it is that a gene stands as high in "
    "several evidences at once if they had nothing to do with each other. Every evidence counts the same.",
}
"""What the score of a fusion is, to someone who knows genes rather than formulas."""


def rank01(values: npt.ArrayLike) -> Float64Array:
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


def additive(fusion: Fusion) -> bool:
    """Say whether the score of a fusion is a weighted sum, so that each evidence adds a part of its own."""
    return fusion != "rra"


def transform(rank: Float64Array, fusion: Fusion, *, specific: bool, n_genes: int | None = None) -> Float64Array:
    """Turn the ranks of one evidence into what a fusion adds.

    Parameters
    ----------
    rank : ndarray, shape=(n_genes,), dtype=float64
        Ranks in [0, 1) of all genes, as `rank01` gives them; NaN stays NaN.
    fusion : {'log_tail', 'linear', 'reciprocal', 'rra'}
        - `log_tail`: ``-ln(1 - r)`` for evidence on the target, which spreads the top and keeps it on top, and ``r``
          for evidence on genes in general. The latter knows nothing about a pathway: as a prior that is linear it
          shifts genes by one unit at most and cannot push the target's best gene far down a long list.
        - `linear`: ``r``.
        - `reciprocal`: ``1 / (60 + place)`` with the place ``n (1 - r)``, 1 at the best, among the `n` genes that
          have the evidence. Genes that tie share the last of their places.
        - `rra`: ``-log10(1 - r)``, the score of a gene that has this evidence alone. These do not add up.
    specific : bool
        Whether the evidence is one on the target (`configs.tables.TARGET_EVIDENCES`); matters to `log_tail` only.
    n_genes : int, optional
        Genes that have the evidence, where `rank` is not that of all of them; matters to `reciprocal` only.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        Rises with the rank.

    References
    ----------
    Reciprocal: Cormack, Clarke and Buettcher 2009, doi:10.1145/1571941.1572114.
    """
    if fusion == "rra":
        return -np.log10(1 - rank)
    if fusion == "reciprocal":
        place = (np.count_nonzero(~np.isnan(rank)) if n_genes is None else n_genes) * (1 - rank)
        reciprocal: Float64Array = 1 / (RECIPROCAL_OFFSET + place)
        return reciprocal
    return -np.log1p(-rank) if fusion == "log_tail" and specific else rank


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


def fuse(ranks: Mapping[str, Float64Array], weights: Mapping[str, float], fusion: Fusion) -> Float64Array:
    """Fuse the ranks of all evidences into one score.

    Parameters
    ----------
    ranks : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        Ranks in [0, 1) by evidence, as `rank01` gives them; NaN where a gene lacks the evidence. An evidence that
        every gene lacks counts as absent.
    weights : mapping of str to float
        Weight by evidence; renormalised over the evidences present.
    fusion : {'log_tail', 'linear', 'reciprocal', 'rra'}
        The first three add: ``score = sum of w_e f_e(r_e)``, with `f` as `transform` says. `rra` is ``-log10(p)`` of
        robust rank aggregation; it knows no weights, but evidence of weight 0 takes no part.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        Scores. No information is not zero evidence: a gene that lacks one evidence gets the mean of ``f`` over the
        genes that have it, and with `rra` is judged by the evidence that it has. A gene that lacks every evidence of
        weight above zero gets NaN.

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
    counted = shares_above_zero(ranks, weights)
    if not additive(fusion):
        return aggregated_score(np.stack([ranks[name] for name in counted]))
    parts = np.stack([filled_part(ranks[name], fusion, specific=name in TARGET_EVIDENCES) for name in counted])
    score = np.zeros(parts.shape[1])
    for share, part in zip(counted.values(), parts, strict=True):
        score += share * part
    score[np.all([np.isnan(ranks[name]) for name in counted], axis=0)] = np.nan
    return score


def shares_above_zero(ranks: Mapping[str, Float64Array], weights: Mapping[str, float]) -> dict[str, float]:
    """Return the normalised weights above zero of the evidences that at least one gene has, sorted by name."""
    present = [name for name, rank in ranks.items() if not np.isnan(rank).all()]
    return {name: share for name, share in normalised_weights(weights, present).items() if share > 0}


def filled_part(rank: Float64Array, fusion: Fusion, *, specific: bool) -> Float64Array:
    """Return `transform` of the ranks, with the mean over the genes that have the evidence where one lacks it."""
    part = transform(rank, fusion, specific=specific)
    unknown = np.isnan(part)
    return np.where(unknown, part[~unknown].mean(), part) if unknown.any() else part


def aggregated_score(ranks: Float64Array) -> Float64Array:
    """Return ``-log10(p)`` of robust rank aggregation over the rows of `ranks`, shape=(n_evidences, n_genes)."""
    score: Float64Array = -np.log10(rank_aggregation_p(1 - ranks))
    return score + 0.0  # -log10(1) is -0.0, which would be written out so
