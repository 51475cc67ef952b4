"""The ranking table of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.ranking import Fusion
from configs.tables import CONTRACTS, EVIDENCES
from models.fusion import fuse, rank01
from models.significance import q_values

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

TOP_SHARE = 0.01
TOP_LEAST = 25
"""The top of a ranking: 1% of the genes, but at least 25."""


@dataclass(frozen=True, slots=True, eq=False)
class TargetEvidence:
    """All evidence on one target, gene by gene.

    Attributes
    ----------
    target : str
    values : dict of str to ndarray, shape=(n_genes,), dtype=float64
        By evidence, the number as it is shown; NaN where a gene has none.
    strengths : dict of str to ndarray, shape=(n_genes,), dtype=float64
        By evidence, what is ranked, larger is stronger; NaN where a gene has none.
    p : ndarray, shape=(n_genes,), dtype=float64
        Permutation p-value; NaN where there is none.
    direction : ndarray, shape=(n_genes,), dtype=int64
        Sign of the strongest correlation, 0 where there is none.
    best_metabolite, family : list of str or None, length n_genes
        Metabolite of the strongest correlation, and gene family.
    """

    target: str
    values: Mapping[str, FloatArray]
    strengths: Mapping[str, FloatArray]
    p: FloatArray
    direction: IntArray
    best_metabolite: Sequence[str | None]
    family: Sequence[str | None]


def rank_target(
    gene_ids: Sequence[str],
    evidence: TargetEvidence,
    *,
    weights: Mapping[str, float],
    fusion: Fusion,
    stability: FloatArray | None = None,
    descriptions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Assemble the ranking of one target.

    Parameters
    ----------
    gene_ids : sequence of str, length n_genes
    evidence : TargetEvidence
    weights : mapping of str to float
        Weight by evidence; renormalised over the evidences present.
    fusion : {'log_tail', 'linear', 'reciprocal', 'rra'}
        See `models.fusion.transform`.
    stability : ndarray, shape=(n_genes,), dtype=float64, optional
        Share of refits in which a gene is in the top, as `top_membership` gives it.
    descriptions : mapping of str to str, optional
        Description by gene id.

    Returns
    -------
    DataFrame
        Table of the contract `ranking`: every gene once, by score descending and by gene id where scores are equal;
        genes without any evidence are last and have no score, p or q. Evidences that the study lacks are columns
        without values.

    Raises
    ------
    UserError
        If every evidence that is present weighs 0.
    """
    size = len(gene_ids)
    ranks = {name: rank01(values) for name, values in evidence.strengths.items()}
    score = fuse(ranks, weights, fusion)
    p = np.where(np.isnan(score), np.nan, evidence.p)
    absent = np.full(size, np.nan)
    described = descriptions or {}
    columns = {
        "target": _text([evidence.target] * size),
        "gene_id": _text(gene_ids),
        "score": score,
        "p": p,
        "q": q_values(p),
        "stability": absent if stability is None else np.where(np.isnan(score), np.nan, stability),
        **{name: evidence.values.get(name, absent) for name in EVIDENCES},
        **{f"{name}_rank01": ranks.get(name, absent) for name in EVIDENCES},
        "direction": pd.Series(evidence.direction, dtype="Int64").replace(0, pd.NA),
        "best_metabolite": _text(evidence.best_metabolite),
        "family": _text(evidence.family),
        "description": _text([described.get(gene) for gene in gene_ids]),
    }
    return _ordered(pd.DataFrame(columns))


def top_membership(scores: FloatArray) -> FloatArray:
    """Return the share of refits in which each gene is in the top of the ranking.

    Parameters
    ----------
    scores : ndarray, shape=(n_refits, n_genes), dtype=float64
        Fused scores, larger is better; a gene with NaN is not in the top.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        In [0, 1]. The top is 1% of the genes, but at least 25. Where scores tie at its edge, the genes that come first
        in the table are taken.
    """
    size = max(TOP_LEAST, round(TOP_SHARE * scores.shape[1]))
    members = np.zeros(scores.shape, dtype=np.bool_)
    for row, score in zip(members, scores, strict=True):
        top = np.argsort(-score, kind="stable")[:size]
        row[top] = ~np.isnan(score[top])
    share: FloatArray = members.mean(axis=0)
    return share


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Sort, number and arrange the columns as the contract says."""
    table = table.sort_values(["score", "gene_id"], ascending=[False, True], na_position="last", ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1, dtype=np.int64)
    return table[[column.name for column in CONTRACTS["ranking"].columns]]


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype="str")
