"""The ranking table of a target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.ranking_tables import BAIT_PARTS, EVIDENCES
from configs.tables import CONTRACTS
from models.arrays import Float64Array, IntArray
from models.fusion import rank01
from models.significance import q_values

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
    bait_parts : dict of str to ndarray, shape=(n_genes,), dtype=float64
        Measures of closeness to the baits; empty without baits.
    direction : ndarray, shape=(n_genes,), dtype=int64
        Sign of the strongest correlation, 0 where there is none.
    best_metabolite, shape, family : list of str or None, length n_genes
        Metabolite of the strongest correlation and its shape over time, and gene family.
    """

    target: str
    values: Mapping[str, Float64Array]
    strengths: Mapping[str, Float64Array]
    bait_parts: Mapping[str, Float64Array]
    direction: IntArray
    best_metabolite: Sequence[str | None]
    shape: Sequence[str | None]
    family: Sequence[str | None]

    def ranks(self) -> dict[str, Float64Array]:
        """Return the rank in [0, 1) of every gene, by evidence."""
        return {name: rank01(values) for name, values in self.strengths.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """The score of every gene, and how far it can be trusted; all of shape=(n_genes,), NaN where unknown.

    Attributes
    ----------
    score : ndarray, dtype=float64
        Fused score, larger is better.
    p : ndarray, dtype=float64
        Permutation p-value.
    rra_p : ndarray, dtype=float64
        p of robust rank aggregation.
    stability, weight_stability : ndarray, dtype=float64
        Share of leave-one-group-out refits, and of perturbed weights, in which the gene is in the top.
    rank_low, rank_high : ndarray, dtype=float64
        Best and worst rank over the refits.
    """

    score: Float64Array
    p: Float64Array
    rra_p: Float64Array
    stability: Float64Array
    rank_low: Float64Array
    rank_high: Float64Array
    weight_stability: Float64Array


def rank_target(
    gene_ids: Sequence[str],
    evidence: TargetEvidence,
    judgement: Judgement,
    *,
    descriptions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Assemble the ranking of one target.

    Parameters
    ----------
    gene_ids : sequence of str, length n_genes
    evidence : TargetEvidence
    judgement : Judgement
    descriptions : mapping of str to str, optional
        Description by gene id.

    Returns
    -------
    DataFrame
        Table of the contract `ranking`: every gene once, by score descending and by gene id where scores are equal;
        genes without any evidence are last and have no score, p or q. Evidences that the study lacks are columns
        without values.
    """
    scored = ~np.isnan(judgement.score)
    absent = np.full(len(gene_ids), np.nan)
    p = np.where(scored, judgement.p, np.nan)
    ranks, described = evidence.ranks(), descriptions or {}
    columns = {
        "target": _text([evidence.target] * len(gene_ids)),
        "gene_id": _text(gene_ids),
        "score": judgement.score,
        "p": p,
        "q": q_values(p),
        "stability": np.where(scored, judgement.stability, np.nan),
        "rank_low": _whole(np.where(scored, judgement.rank_low, np.nan)),
        "rank_high": _whole(np.where(scored, judgement.rank_high, np.nan)),
        "weight_stability": np.where(scored, judgement.weight_stability, np.nan),
        "rra_p": judgement.rra_p,
        **{name: evidence.values.get(name, absent) for name in EVIDENCES},
        **{f"{name}_rank01": ranks.get(name, absent) for name in EVIDENCES},
        **{f"bait_{name}": evidence.bait_parts.get(name, absent) for name in BAIT_PARTS},
        "direction": pd.Series(evidence.direction, dtype="Int64").replace(0, pd.NA),
        "best_metabolite": _text(evidence.best_metabolite),
        "shape": _text(evidence.shape),
        "family": _text(evidence.family),
        "description": _text([described.get(gene) for gene in gene_ids]),
    }
    return _ordered(pd.DataFrame(columns))


def top_membership(scores: Float64Array) -> Float64Array:
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
    share: Float64Array = members.mean(axis=0)
    return share


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Sort, number and arrange the columns as the contract says."""
    table = table.sort_values(["score", "gene_id"], ascending=[False, True], na_position="last", ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1, dtype=np.int64)
    return table[[column.name for column in CONTRACTS["ranking"].columns]]


def _whole(values: Float64Array) -> pd.Series:
    return pd.Series(values).astype("Int64")


def _text(values: Sequence[str | None]) -> pd.Series:
    return pd.Series(list(values), dtype="str")
