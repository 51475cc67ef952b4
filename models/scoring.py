"""Scoring a ranking against genes that are known to be true."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import UserError, first_of
from configs.study import EVERYTHING
from configs.tables import CONTRACTS

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """How well a ranking finds the truth.

    Attributes
    ----------
    table : DataFrame
        Table of the contract `scores`, one row a target.
    notes : tuple of str
        What was left out and why, as sentences.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]


def score_ranking(
    ranking: pd.DataFrame, truth: pd.DataFrame, *, members: Mapping[str, Sequence[str]], where: str = "the truth table"
) -> Scores:
    """Score each target of a ranking by the ranks of its truth genes.

    Parameters
    ----------
    ranking : DataFrame
        Table of the contract `ranking`; target, rank and gene_id are read.
    truth : DataFrame
        Text columns gene_id and target, or gene_id and metabolite_id. A row belongs to the target that it names;
        without a target, to each target that holds its metabolite or has the metabolite's name. The target `all` takes
        every row.
    members : mapping of str to sequence of str
        Metabolites of each target.
    where : str
        Name of the truth table, for messages.

    Returns
    -------
    Scores
        AUC (Mann-Whitney: the share of pairs of a truth gene and another gene in which the truth gene is ahead),
        recall in the first 25 and 100, enrichment in the first 1% (times chance), and median rank.

    Raises
    ------
    UserError
        If the table has no gene_id, or no truth gene belongs to a target of the ranking.
    """
    _require_genes(truth, where)
    notes = _unknown_genes(ranking, truth)
    rows: list[dict[str, object]] = []
    used = pd.Series(False, index=truth.index)
    for target, block in ranking.groupby("target", sort=False):
        belongs = _belongs(truth, str(target), members.get(str(target), ()))
        used |= belongs
        genes = truth.loc[belongs, "gene_id"].dropna()
        ranks = np.sort(block.loc[block["gene_id"].isin(set(genes)), "rank"].to_numpy(dtype=np.int64))
        if 0 < len(ranks) < len(block):
            rows.append({"target": str(target), **_measures(ranks, len(block))})
        else:
            reason = "no truth gene" if not len(ranks) else "truth genes only"
            notes.append(f"Target {str(target)!r} has {reason} and is left out.")
    if not rows:
        raise _nothing_to_score(ranking, truth, where)
    if not used.all():
        notes.append(f"{int((~used).sum())} of {len(truth)} truth rows belong to no target of the ranking.")
    table = pd.DataFrame(rows, columns=[column.name for column in CONTRACTS["scores"].columns])
    return Scores(table.astype({"target": "str"}), tuple(notes))


def _belongs(truth: pd.DataFrame, target: str, metabolites: Sequence[str]) -> pd.Series:
    """Say which rows of the truth table belong to a target."""
    if target == EVERYTHING:
        return pd.Series(True, index=truth.index)
    absent = pd.Series(pd.NA, index=truth.index, dtype="str")
    named = truth.get("target", absent)
    metabolite = truth.get("metabolite_id", absent)
    return (named == target) | (named.isna() & metabolite.isin({target, *metabolites}))


def _measures(ranks: IntArray, n_genes: int) -> dict[str, float]:
    """Measure the ranks of truth genes, ascending from 1, among `n_genes`; some genes are not truth genes."""
    n_true = len(ranks)
    n_other = n_genes - n_true
    others_ahead = ranks - np.arange(1, n_true + 1)
    top = max(1, round(0.01 * n_genes))
    return {
        "n_true": n_true,
        "n_genes": n_genes,
        "auc": float(1 - others_ahead.sum() / (n_true * n_other)),
        "recall_25": float((ranks <= 25).mean()),
        "recall_100": float((ranks <= 100).mean()),
        "enrichment_top_1_percent": float((ranks <= top).mean() * n_genes / top),
        "median_rank": float(np.median(ranks)),
    }


def _require_genes(truth: pd.DataFrame, where: str) -> None:
    if "gene_id" not in truth:
        raise UserError(
            wanted="a column gene_id, and a column target or metabolite_id",
            found=f"the columns {first_of(map(str, truth.columns))}",
            where=where,
            remedy="Name the columns of the truth table so.",
        )


def _unknown_genes(ranking: pd.DataFrame, truth: pd.DataFrame) -> list[str]:
    """Note the truth genes that the ranking does not hold."""
    genes = list(dict.fromkeys(truth["gene_id"].dropna()))
    known = set(ranking["gene_id"])
    unknown = [gene for gene in genes if gene not in known]
    return (
        [f"{len(unknown)} of {len(genes)} truth genes are not in the ranking: {first_of(unknown)}."] if unknown else []
    )


def _nothing_to_score(ranking: pd.DataFrame, truth: pd.DataFrame, where: str) -> UserError:
    return UserError(
        wanted=f"truth genes of the targets {first_of(map(str, ranking['target'].unique()))}",
        found=f"{len(truth)} rows, none of a gene in the ranking that belongs to one of them",
        where=where,
        remedy="Use the gene ids of the expression table, and the targets or metabolite ids of the study file.",
    )
