"""What every task on targets reads: genes, metabolites and times of the shared samples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.arrays import BoolArray, Float32Array, FloatArray
from models.layer import Layer
from models.time_shapes import ShapedRows, TimeCourse
from tasks.records import PairedLayers
from tasks.store import Store


@dataclass(frozen=True, slots=True, eq=False)
class TargetValues:
    """The prepared layers over the samples that every layer has."""

    genes: Layer
    metabolites: Layer
    sheet: pd.DataFrame
    course: TimeCourse

    def members(self, ids: Sequence[str]) -> Float32Array:
        """Return the values of metabolites, shape=(len(ids), n_shared)."""
        return self.metabolites.values[self.metabolites.positions_of(ids)]

    def spread(self, rows: ShapedRows, sample_ids: Sequence[str]) -> Float32Array:
        """Return shaped rows over other samples, NaN for those that are not shared."""
        place = {sample: number for number, sample in enumerate(sample_ids)}
        spread = np.full((len(rows.values), len(sample_ids)), np.nan, dtype=np.float32)
        spread[:, [place[sample] for sample in self.genes.sample_ids]] = rows.values
        return spread


def target_values(layers: PairedLayers, store: Store) -> TargetValues:
    """Read the layers of a study."""
    genes = store.get_layer(layers.genes, "genes").restricted_to(layers.shared)
    metabolites = store.get_layer(layers.metabolites, "metabolites").restricted_to(layers.shared)
    sheet = store.get_table(layers.sheet)
    return TargetValues(genes, metabolites, sheet, TimeCourse.of_samples(sheet, layers.shared))


def groups_without(groups: Sequence[str], *, fewest: int) -> dict[str, BoolArray]:
    """Return by replicate group which samples stay without it; none of fewer than `fewest` samples are left."""
    names = np.array(groups, dtype=object)
    kept = {str(group): names != group for group in dict.fromkeys(groups)}
    return {group: keep for group, keep in kept.items() if keep.sum() >= fewest}


def evidence_table(
    target: str, gene_ids: Sequence[str], value: FloatArray, strength: FloatArray, detail: Sequence[str | None]
) -> pd.DataFrame:
    """Return the rows of one target of the contract `evidence`."""
    return pd.DataFrame(
        {
            "target": pd.Series([target] * len(gene_ids), dtype="str"),
            "gene_id": pd.Series(list(gene_ids), dtype="str"),
            "value": value.astype(np.float64),
            "strength": strength.astype(np.float64),
            "p": np.nan,
            "detail": pd.Series(list(detail), dtype="str"),
        }
    )
