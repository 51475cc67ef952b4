"""Evidence tables of single stages, aligned to every gene of the study."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.ranking import Fusion
from configs.ranking_tables import BAIT_PARTS, TARGET_EVIDENCES
from models.arrays import Float64Array
from models.fusion import filled_part
from models.importance import autoencoder_value, mean_rank, measures_by_fold
from models.ranking import TargetEvidence


@dataclass(frozen=True, slots=True, eq=False)
class EvidenceFrames:
    """The tables that evidence comes in; None where the study has no such evidence.

    Attributes
    ----------
    correlation : DataFrame
        Contract `evidence`, every target.
    best : DataFrame
        Contract `target_correlation`.
    importance : DataFrame
        Contract `importance`, every fold.
    homology, bait : DataFrame or None
        Contract `evidence`.
    bait_parts : DataFrame or None
        Contract `bait_parts`.
    """

    correlation: pd.DataFrame
    best: pd.DataFrame
    importance: pd.DataFrame
    homology: pd.DataFrame | None = None
    bait: pd.DataFrame | None = None
    bait_parts: pd.DataFrame | None = None


class EvidenceTables:
    """All evidence of a study, by gene of the raw gene layer (dropped genes too, without evidence).

    Parameters
    ----------
    gene_ids : sequence of str, length n_genes
    frames : EvidenceFrames
    """

    def __init__(self, gene_ids: Sequence[str], frames: EvidenceFrames) -> None:
        self.gene_ids = list(gene_ids)
        self._index = pd.Index(np.asarray(self.gene_ids, dtype=object), dtype=object)
        self._places = _Places(self._index)
        self._frames = frames
        genes, self._folds, measures = measures_by_fold(frames.importance)
        self._learnt = {name: self._places.spread(genes, values) for name, values in measures.items()}
        self._global = _global_evidence(self._learnt)

    @property
    def targets(self) -> list[str]:
        """Return the targets in the order of the study."""
        return [str(target) for target in self._frames.correlation["target"].unique()]

    def of_target(self, target: str) -> TargetEvidence:
        """Return raw values and what is ranked, by evidence, for one target."""
        frames = self._frames
        found = self.columns(frames.correlation, target, ("value", "strength"))
        values = {"correlation": found["value"], **self._global}
        strengths = {"correlation": found["strength"], **self._global}
        for name, table in (("homology", frames.homology), ("bait", frames.bait)):
            if _has(table, target):
                rows = self.columns(table, target, ("value", "strength"))
                values[name], strengths[name] = rows["value"], rows["strength"]
        return TargetEvidence(
            target=target,
            values=values,
            strengths=strengths,
            bait_parts=self.columns(frames.bait_parts, target, BAIT_PARTS) if _has(frames.bait_parts, target) else {},
            direction=np.sign(np.nan_to_num(values["correlation"])).astype(np.int64),
            best_metabolite=self._texts(frames.correlation, target, "detail"),
            shape=self._texts(frames.best, target, "shape"),
            family=self._texts(frames.homology, target, "detail"),
        )

    def learnt_without(self, folds: Collection[str]) -> dict[str, Float64Array]:
        """Return the evidence on genes in general from some folds; from all where none of these is there."""
        chosen = [number for number, fold in enumerate(self._folds) if fold in folds] or list(range(len(self._folds)))
        return _global_evidence({name: values[chosen] for name, values in self._learnt.items()})

    def rows(self, genes: pd.Series | pd.Index) -> npt.NDArray[np.intp]:
        """Return the places of genes among all genes of the study."""
        return self._places.of(genes)

    def columns(self, table: pd.DataFrame, target: str, names: Sequence[str]) -> dict[str, Float64Array]:
        """Return number columns of one target's rows, a value a gene of the study."""
        rows = table[table["target"] == target]
        return {name: self._places.spread(rows["gene_id"], _numbers(rows[name])) for name in names}

    def spread(self, genes: pd.Series | pd.Index, values: Float64Array) -> Float64Array:
        """Return `values`, shape=(..., len(genes)), as shape=(..., n_genes); NaN for genes that are not there."""
        return self._places.spread(genes, values)

    def _texts(self, table: pd.DataFrame | None, target: str, name: str) -> list[str | None]:
        spread = np.full(len(self.gene_ids), None, dtype=object)
        if table is not None:
            rows = table[table["target"] == target]
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

    def spread(self, genes: pd.Index | pd.Series, values: Float64Array) -> Float64Array:
        """Return `values`, shape=(..., len(genes)), as shape=(..., n_genes); NaN for genes that are not there."""
        result = np.full((*values.shape[:-1], len(self._index)), np.nan)
        result[..., self.of(genes)] = values
        return result


def _has(table: pd.DataFrame | None, target: str) -> TypeGuard[pd.DataFrame]:
    return table is not None and bool((table["target"] == target).any())


def _global_evidence(learnt: Mapping[str, Float64Array]) -> dict[str, Float64Array]:
    """Return autoencoder and graph evidence; graph is left out where no fold has one."""
    found = {"autoencoder": autoencoder_value(learnt["reconstruction"], learnt["gradient"])}
    if not np.isnan(learnt["graph"]).all():
        found["graph"] = mean_rank(learnt["graph"])
    return found


def _numbers(column: pd.Series) -> Float64Array:
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
    fusion : str
        One that adds. Of robust rank aggregation, which does not, the parts are what each evidence would score alone,
        times its weight.

    Returns
    -------
    DataFrame
        Column `gene_id` and one column an evidence; a row adds up to the score.
    """
    parts = {
        name: weight * filled_part(_numbers(ranking[f"{name}_rank01"]), fusion, specific=name in TARGET_EVIDENCES)
        for name, weight in weights.items()
    }
    return pd.DataFrame({"gene_id": ranking["gene_id"].to_numpy(), **parts})
