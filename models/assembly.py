"""Evidence tables of single stages, aligned to every gene of the study."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.study import RankingConfig
from models.fusion import Fusion, fuse, normalised_weights, rank01, transform
from models.importance import autoencoder_evidence, graph_evidence
from models.ranking import TargetEvidence, rank_target, top_membership

Array = npt.NDArray[np.float64]


class EvidenceTables:
    """All evidence of a study, by gene of the raw gene layer (dropped genes too, without evidence).

    Parameters
    ----------
    gene_ids : sequence of str, length n_genes
    correlation : DataFrame
        Contract `evidence`, every target.
    importance : DataFrame
        Contract `importance`, every fold.
    refits : DataFrame
        Contract `refits`.
    homology, bait : DataFrame or None
        Contract `evidence`; None where the study has none.
    """

    def __init__(
        self,
        gene_ids: Sequence[str],
        *,
        correlation: pd.DataFrame,
        importance: pd.DataFrame,
        refits: pd.DataFrame,
        homology: pd.DataFrame | None,
        bait: pd.DataFrame | None,
    ) -> None:
        self.gene_ids = list(gene_ids)
        self._index = pd.Index(self.gene_ids)
        self._correlation = correlation
        self._refits = refits
        self._by_target = {"homology": homology, "bait": bait}
        self._global = _global_evidence(importance, self._index)
        self._by_fold = {
            str(fold): _global_evidence(rows, self._index) for fold, rows in importance.groupby("fold", sort=True)
        }

    @property
    def targets(self) -> list[str]:
        """Return the targets in the order of the study."""
        return [str(target) for target in self._correlation["target"].unique()]

    def of_target(self, target: str) -> TargetEvidence:
        """Return raw values and what is ranked, by evidence, for one target."""
        correlation = self._rows(self._correlation, target)
        values = {"correlation": _numbers(correlation["value"]), **self._global}
        strengths = {"correlation": _numbers(correlation["strength"]), **self._global}
        family: list[str | None] = [None] * len(self.gene_ids)
        for name, table in self._by_target.items():
            if table is None or target not in set(table["target"]):
                continue
            rows = self._rows(table, target)
            values[name], strengths[name] = _numbers(rows["value"]), _numbers(rows["strength"])
            if name == "homology":
                family = _texts(rows["detail"])
        direction = np.sign(np.nan_to_num(values["correlation"])).astype(np.int64)
        return TargetEvidence(
            target=target,
            values=values,
            strengths=strengths,
            p=_numbers(correlation["p"]),
            direction=direction,
            best_metabolite=_texts(correlation["detail"]),
            family=family,
        )

    def refit_scores(self, target: str, evidence: TargetEvidence, config: RankingConfig) -> Array:
        """Return the fused score without each fold, shape=(n_folds, n_genes)."""
        refits = self._rows(self._refits, target)
        scores = []
        for fold, learnt in self._by_fold.items():
            strengths = {**evidence.strengths, **learnt, "correlation": _numbers(refits[fold])}
            scores.append(fused_score(strengths, config))
        return np.stack(scores)

    def _rows(self, table: pd.DataFrame, target: str) -> pd.DataFrame:
        return table[table["target"] == target].set_index("gene_id").reindex(self._index)


def weights_of(strengths: Mapping[str, Array], config: RankingConfig) -> dict[str, float]:
    """Return the weights over the evidence that is present, summing to 1."""
    return normalised_weights(config.weights.model_dump(), list(strengths))


def fused_score(strengths: Mapping[str, Array], config: RankingConfig) -> Array:
    """Return the fused score of every gene, shape=(n_genes,)."""
    ranks = {name: rank01(values) for name, values in strengths.items()}
    return fuse(ranks, weights_of(strengths, config), config.fusion)


def rank_study(
    tables: EvidenceTables, descriptions: Mapping[str, str], config: RankingConfig
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Rank every gene for every target; returns the contract `ranking` and the weights used by target."""
    blocks, weights = [], {}
    for target in tables.targets:
        evidence = tables.of_target(target)
        weights[target] = weights_of(evidence.strengths, config)
        blocks.append(
            rank_target(
                tables.gene_ids,
                evidence,
                weights=config.weights.model_dump(),
                fusion=config.fusion,
                stability=top_membership(tables.refit_scores(target, evidence, config)),
                descriptions=descriptions,
            )
        )
    return pd.concat(blocks, ignore_index=True), weights


def _global_evidence(importance: pd.DataFrame, index: pd.Index) -> dict[str, Array]:
    """Return autoencoder and graph evidence; graph is left out where no fold has one."""
    found = {"autoencoder": autoencoder_evidence(importance)}
    if importance["graph"].notna().any():
        found["graph"] = graph_evidence(importance)
    return {name: _numbers(table.set_index("gene_id")["value"].reindex(index)) for name, table in found.items()}


def _numbers(column: pd.Series) -> Array:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column]


def contributions(ranking: pd.DataFrame, weights: Mapping[str, float], fusion: Fusion) -> pd.DataFrame:
    """Return what each evidence adds to the score of every gene of one target.

    Parameters
    ----------
    ranking : DataFrame
        All rows of one target, contract `ranking`.
    weights : mapping of str to float
        Weights over the evidence that is present, summing to 1.
    fusion : {'log_tail', 'linear'}

    Returns
    -------
    DataFrame
        Column `gene_id` and one column an evidence; a row adds up to the score.
    """
    parts: dict[str, Array] = {}
    for name, weight in weights.items():
        part = weight * transform(_numbers(ranking[f"{name}_rank01"]), fusion)
        parts[name] = np.where(np.isnan(part), np.nanmean(part), part)
    return pd.DataFrame({"gene_id": ranking["gene_id"].to_numpy(), **parts})
