"""New samples merged into the tables of a study.

Samples are united and features are joined by their ids. A sample that the study has already must come with the same
values and then adds nothing, so merging twice is merging once; the order of arrivals changes no value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import SampleError, TableError, counted, first_of
from models.layer import Layer

SHEET = "samples"
"""What the sample sheet is called among the tables of an arrival."""


@dataclass(frozen=True, slots=True, eq=False)
class SampleTables:
    """Tables of a study or of an arrival.

    Attributes
    ----------
    layers : mapping of str to Layer
        Layers by name.
    sheet : DataFrame or None
        Sample sheet as text, as it was written; None in a study without one.
    sample_column : str
        Column of the sample id.
    """

    layers: Mapping[str, Layer]
    sheet: pd.DataFrame | None = None
    sample_column: str = "sample_id"

    def sheet_ids(self) -> tuple[str, ...]:
        """Return the sample ids of the sheet; none where there is no sheet."""
        return () if self.sheet is None else tuple(self.sheet[self.sample_column])

    def samples_by_table(self) -> dict[str, tuple[str, ...]]:
        """Return the sample ids of every table, the sheet among them."""
        ids = {name: layer.sample_ids for name, layer in self.layers.items()}
        return ids if self.sheet is None else {**ids, SHEET: self.sheet_ids()}


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """A study with the samples of an arrival.

    Attributes
    ----------
    tables : SampleTables
        Layers with features and samples ordered by id, and the sheet with rows ordered by sample id.
    new : mapping of str to tuple of str
        By table, the samples that it did not have; empty where the arrival brought nothing new.
    notes : tuple of str
        Features that one part lacks, cells of the sheet that were filled in.
    """

    tables: SampleTables
    new: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableFile:
    """Where a table came from."""

    name: str
    sha256: str


def merge_tables(study: SampleTables, arrival: SampleTables, *, name: str) -> Merged:
    """Merge an arrival into a study.

    Parameters
    ----------
    study : SampleTables
        What is there.
    arrival : SampleTables
        What came; layers that it lacks stay as they are.
    name : str
        Name of the arrival for messages.

    Raises
    ------
    SampleError
        For a sample that is there with other values, or a new one without values or without a row of the sheet.
    TableError
        For a layer that shares no feature with that of the study.
    """
    _check_complete(study, arrival, name)
    layers = dict(study.layers)
    notes: list[str] = []
    for layer, came in arrival.layers.items():
        layers[layer], said = merge_layers(layers[layer], came, name=name)
        notes += said
    sheet, said = _merge_sheets(study, arrival, name)
    tables = SampleTables({key: layer.ordered() for key, layer in layers.items()}, sheet, study.sample_column)
    before = study.samples_by_table()
    brought = {
        table: tuple(sorted(set(ids) - set(before.get(table, ())))) for table, ids in arrival.samples_by_table().items()
    }
    return Merged(tables, {table: ids for table, ids in brought.items() if ids}, (*notes, *said))


def merge_layers(study: Layer, arrival: Layer, *, name: str) -> tuple[Layer, tuple[str, ...]]:
    """Join two layers by feature id: what one of them lacks is missing for its samples, and is told.

    Parameters
    ----------
    study, arrival : Layer
        What is there, and what came.
    name : str
        Name of the arrival for messages.

    Returns
    -------
    layer : Layer
        All samples and all features, the study's first.
    notes : tuple of str
        Features that one part lacks.

    Raises
    ------
    SampleError
        For a sample that both have with different values; missing counts as a value here.
    TableError
        Where they share no feature.
    """
    where = f"{name}, layer {study.name}"
    known = set(study.feature_ids)
    added = tuple(feature for feature in arrival.feature_ids if feature not in known)
    if len(added) == len(arrival.feature_ids):
        raise TableError(
            wanted=f"features of the study, such as {first_of(study.feature_ids, 3)}",
            found=f"none of them among {first_of(arrival.feature_ids, 3)}",
            where=where,
            remedy="Write the feature ids as in the study's own table.",
        )
    features = (*study.feature_ids, *added)
    old, new = (_values(layer, features) for layer in (study, arrival))
    _check_same(study, arrival, old, new, where)
    fresh = tuple(sample for sample in arrival.sample_ids if sample not in set(study.sample_ids))
    columns = [arrival.sample_ids.index(sample) for sample in fresh]
    values = np.ascontiguousarray(np.hstack([old, new[:, columns]]))
    merged = Layer(study.name, values, features, (*study.sample_ids, *fresh))
    return merged, _feature_notes(study, arrival, added, where) if fresh else ()


def source_rows(samples: Mapping[str, Iterable[str]], files: Mapping[str, TableFile], version: int) -> pd.DataFrame:
    """Return which file brought which sample.

    Parameters
    ----------
    samples : mapping of str to iterable of str
        By table, the samples that it brought.
    files : mapping of str to TableFile
        By table, its file.
    version : int
        Version of the study that has them first.

    Returns
    -------
    DataFrame
        Contract `sample_sources`.
    """
    rows = [
        (sample, version, files[table].name, files[table].sha256) for table, ids in samples.items() for sample in ids
    ]
    frame = pd.DataFrame(rows, columns=["sample_id", "version", "file", "sha256"])
    frame = frame.astype({"sample_id": "str", "version": "int64", "file": "str", "sha256": "str"})
    return frame.sort_values(["version", "sample_id", "file"], ignore_index=True)


def _values(layer: Layer, features: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the values of `features`, missing where the layer has no such feature."""
    place = {feature: row for row, feature in enumerate(layer.feature_ids)}
    rows = np.array([place.get(feature, -1) for feature in features], dtype=np.int64)
    values: npt.NDArray[np.float32] = layer.values[rows]
    values[rows < 0] = np.nan
    return values


def _check_same(
    study: Layer,
    arrival: Layer,
    old: npt.NDArray[np.float32],
    new: npt.NDArray[np.float32],
    where: str,
) -> None:
    known = {sample: column for column, sample in enumerate(study.sample_ids)}
    differing = [
        sample
        for column, sample in enumerate(arrival.sample_ids)
        if sample in known and not np.array_equal(old[:, known[sample]], new[:, column], equal_nan=True)
    ]
    if differing:
        raise SampleError(
            wanted="new samples, or values equal to those that the study has",
            found=f"other values for {counted(len(differing), 'sample')} of the study: {first_of(differing)}",
            where=where,
            remedy="Give new samples ids of their own; values of a study are never replaced, so corrected ones need "
            "a study of their own.",
        )


def _feature_notes(study: Layer, arrival: Layer, added: Sequence[str], where: str) -> tuple[str, ...]:
    came = set(arrival.feature_ids)
    lacking = [feature for feature in study.feature_ids if feature not in came]
    notes = []
    if lacking:
        count = counted(len(lacking), "feature")
        notes.append(f"{where}: {count} of the study not in it, missing for its samples: {first_of(lacking)}.")
    if added:
        count = counted(len(added), "feature")
        notes.append(f"{where}: {count} new to the study, missing for its earlier samples: {first_of(added)}.")
    return tuple(notes)


def _check_complete(study: SampleTables, arrival: SampleTables, name: str) -> None:
    """Refuse new samples that only the sheet names, or that the sheet does not name."""
    if study.sheet is None:
        return
    known, named = set(study.sheet_ids()), set(arrival.sheet_ids())
    measured = {sample for layer in arrival.layers.values() for sample in layer.sample_ids}
    if empty := sorted(named - known - measured):
        raise SampleError(
            wanted="values of every new sample in at least one layer",
            found=f"none for {first_of(empty)}",
            where=name,
            remedy="Remove them from samples.tsv, or name each sample alike in all files.",
        )
    if unnamed := sorted(measured - known - named):
        raise SampleError(
            wanted="a row of samples.tsv for every new sample",
            found=f"none for {first_of(unnamed)}",
            where=name,
            remedy="Add the rows.",
        )


def _merge_sheets(study: SampleTables, arrival: SampleTables, name: str) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Unite the rows; a cell that is empty on one side takes the value of the other."""
    if study.sheet is None:
        return None, ()
    old = study.sheet.set_index(study.sample_column)
    if arrival.sheet is None:
        return _as_sheet(old, study.sample_column), ()
    new = arrival.sheet.set_index(study.sample_column)
    both = old.index.intersection(new.index)
    columns = old.columns.intersection(new.columns)
    before, after = old.loc[both, columns], new.loc[both, columns]
    differs = (before.notna() & after.notna() & (before != after)).any(axis=1)
    if differs.any():
        raise SampleError(
            wanted="new samples, or rows equal to those that the study has",
            found=f"other cells for {counted(int(differs.sum()), 'sample')} of the study: "
            f"{first_of(differs.index[differs])}",
            where=f"{name}, sample sheet",
            remedy="Give new samples ids of their own, or write the rows as in the study's sample sheet.",
        )
    notes = []
    if absent := [str(column) for column in old.columns if column not in new.columns]:
        notes.append(f"{name}: the sample sheet lacks the columns {first_of(absent)}, which are empty for its samples.")
    if further := [str(column) for column in new.columns if column not in old.columns]:
        notes.append(f"{name}: the columns {first_of(further)} are new, and empty for the earlier samples.")
    return _as_sheet(old.combine_first(new)[[*old.columns, *further]], study.sample_column), tuple(notes)


def _as_sheet(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    return rows.sort_index().rename_axis(column).reset_index()
