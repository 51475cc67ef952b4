"""Evidence tables of single stages, aligned to every gene of the study."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.ranking import Fusion, RankingConfig
from configs.tables import TARGET_EVIDENCES
from models.fusion import fuse, normalised_weights, rank01, transform
from models.importance import autoencoder_value, mean_rank, measures_by_fold
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
        self._index = pd.Index(np.asarray(self.gene_ids, dtype=object), dtype=object)
        self._places = _Places(self._index)
        self._correlation = correlation
        self._refits = refits
        self._by_target = {"homology": homology, "bait": bait}
        genes, self._folds, measures = measures_by_fold(importance)
        self._learnt = {name: self._places.spread(genes, values) for name, values in measures.items()}
        self._global = _global_evidence(self._learnt)

    @property
    def targets(self) -> list[str]:
        """Return the targets in the order of the study."""
        return [str(target) for target in self._correlation["target"].unique()]

    def of_target(self, target: str) -> TargetEvidence:
        """Return raw values and what is ranked, by evidence, for one target."""
        found = self._columns(self._correlation, target, ("value", "strength", "p"))
        values = {"correlation": found["value"], **self._global}
        strengths = {"correlation": found["strength"], **self._global}
        family: list[str | None] = [None] * len(self.gene_ids)
        for name, table in self._by_target.items():
            if table is None or not (table["target"] == target).any():
                continue
            rows = self._columns(table, target, ("value", "strength"))
            values[name], strengths[name] = rows["value"], rows["strength"]
            if name == "homology":
                family = self._texts(table, target, "detail")
        direction = np.sign(np.nan_to_num(values["correlation"])).astype(np.int64)
        return TargetEvidence(
            target=target,
            values=values,
            strengths=strengths,
            p=found["p"],
            direction=direction,
            best_metabolite=self._texts(self._correlation, target, "detail"),
            family=family,
        )

    def refit_scores(self, target: str, evidence: TargetEvidence, config: RankingConfig) -> Array:
        """Return the fused score without each fold, shape=(n_folds, n_genes)."""
        refits = self._columns(self._refits, target, self._folds)
        scores = []
        for number, fold in enumerate(self._folds):
            learnt = _global_evidence({name: values[[number]] for name, values in self._learnt.items()})
            scores.append(fused_score({**evidence.strengths, **learnt, "correlation": refits[fold]}, config))
        return np.stack(scores)

    def _columns(self, table: pd.DataFrame, target: str, names: Sequence[str]) -> dict[str, Array]:
        """Return number columns of one target's rows, a value a gene of the study."""
        rows = table[table["target"] == target]
        return {name: self._places.spread(rows["gene_id"], _numbers(rows[name])) for name in names}

    def _texts(self, table: pd.DataFrame, target: str, name: str) -> list[str | None]:
        rows = table[table["target"] == target]
        spread = np.full(len(self.gene_ids), None, dtype=object)
        spread[self._places.of(rows["gene_id"])] = _texts(rows[name])
        return list(spread)


class _Places:
    """Where the genes of evidence tables stand in the list of all genes."""

    def __init__(self, index: pd.Index) -> None:
        self._index = index
        self._latest: tuple[pd.Index, npt.NDArray[np.intp]] | None = None

    def of(self, genes: pd.Index | pd.Series) -> npt.NDArray[np.intp]:
        """Return the place of each gene; the tables of a study mostly have the same genes, which is seen at once."""
        names = pd.Index(genes)
        if self._latest is None or not names.equals(self._latest[0]):
            self._latest = names, self._index.get_indexer(names.to_numpy(dtype=object))
        return self._latest[1]

    def spread(self, genes: pd.Index | pd.Series, values: Array) -> Array:
        """Return `values`, shape=(..., len(genes)), as shape=(..., n_genes); NaN for genes that are not there."""
        result = np.full((*values.shape[:-1], len(self._index)), np.nan)
        result[..., self.of(genes)] = values
        return result


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


def _global_evidence(learnt: Mapping[str, Array]) -> dict[str, Array]:
    """Return autoencoder and graph evidence; graph is left out where no fold has one."""
    found = {"autoencoder": autoencoder_value(learnt["reconstruction"], learnt["gradient"])}
    if not np.isnan(learnt["graph"]).all():
        found["graph"] = mean_rank(learnt["graph"])
    return found


def _numbers(column: pd.Series) -> Array:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(column: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in column.to_numpy(dtype=object)]


def contributions(ranking: pd.DataFrame, weights: Mapping[str, float], fusion: Fusion) -> pd.DataFrame:
    """Return what each evidence adds to the score of every gene of one target.

    Parameters
    ----------
    ranking : DataFrame
        All rows of one target, contract `ranking`.
    weights : mapping of str to float
        Weights over the evidence that is present, summing to 1.
    fusion : {'log_tail', 'linear', 'reciprocal', 'rra'}

    Returns
    -------
    DataFrame
        Column `gene_id` and one column an evidence; a row adds up to the score if the fusion is additive
        (`models.fusion.additive`).
    """
    parts: dict[str, Array] = {}
    for name, weight in weights.items():
        part = weight * transform(_numbers(ranking[f"{name}_rank01"]), fusion, specific=name in TARGET_EVIDENCES)
        parts[name] = np.where(np.isnan(part), np.nanmean(part), part)
    return pd.DataFrame({"gene_id": ranking["gene_id"].to_numpy(), **parts})
