"""The sample sheet: replicate groups, labels, batch and time, and which samples a study can use."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import reduce
from itertools import combinations

import pandas as pd

from configs.errors import SampleError, first_of, nearest
from configs.study import SamplesConfig
from models.formats import read_table

MIN_SHARED_SAMPLES = 6
"""Fewest samples that all layers and the sample sheet share."""

_RESERVED = ("sample_id", "group", "batch", "time", "series")
_DEFAULTS = SamplesConfig()
_SEPARATOR = "|"
_PARTS = {"group_by": "replicate group for every sample", "series_by": "time series for every sample with a time"}
_REPLICATE = r"(?:(?:rep|replicate)[._\- ]?(?:\d+|[a-h])|[rb]?\d+|[a-h])"
_SEPARATED = re.compile(rf"^(.+?)[._\- ]+{_REPLICATE}$", re.IGNORECASE)
# Not after a lone t, d, h or w, which counts time rather than replicates.
_ATTACHED = re.compile(r"^(.*?[^\d._\- ])(?<![._\-][tdhw])\d+$", re.IGNORECASE)
_TIME = r"^\s*([+-]?\d+(?:\.\d+)?)\s*[A-Za-z]*\s*$"

Sheet = tuple[pd.DataFrame, tuple[str, ...]]


def read_sample_sheet(content: bytes, file: str, *, config: SamplesConfig) -> Sheet:
    """Read the sample sheet.

    Parameters
    ----------
    content : bytes
        Bytes of a CSV, TSV, XLSX or Parquet file with one row a sample.
    file : str
        File name for messages.
    config : SamplesConfig
        Columns of sample id, replicate group, labels, batch, time and time series.

    Returns
    -------
    frame : DataFrame
        Contract `samples`: sample_id, group, batch, time (a number, whatever unit the sheet has), series (null where
        `samples.series_by` is empty) and one text column a label.
    notes : tuple of str
        What was decided, as plain sentences.

    Raises
    ------
    SampleError
        For a column that is named and absent, empty or repeated sample ids, a label of one class, or time series
        without times.
    TableError
        Where the file is no table.
    """
    sheet, read_notes = read_sheet_cells(content, file, config=config)
    frame = pd.DataFrame({"sample_id": sheet[config.sample_column]})
    frame["group"], group_notes = _groups(sheet, file, config)
    frame["batch"] = _optional(sheet, file, config.batch_column, _DEFAULTS.batch_column)
    frame["time"], time_notes = _times(_optional(sheet, file, config.time_column, _DEFAULTS.time_column), config)
    frame["series"], series_notes = _series(sheet, frame, file, config)
    labels, label_notes = _labels(sheet, file, config)
    notes = (*read_notes, *group_notes, *time_notes, *series_notes, *label_notes)
    return pd.concat([frame, sheet[labels]], axis=1), notes


def read_sheet_cells(content: bytes, file: str, *, config: SamplesConfig) -> Sheet:
    """Read a sample sheet as it is written.

    Parameters
    ----------
    content : bytes
        Bytes of a CSV, TSV, XLSX or Parquet file with one row a sample.
    file : str
        File name for messages.
    config : SamplesConfig
        Column of the sample id.

    Returns
    -------
    frame : DataFrame
        One text column a column of the file; empty cells are missing.
    notes : tuple of str
        What was done to read it.

    Raises
    ------
    SampleError
        For column names that repeat, and for sample ids that are absent, empty or repeated.
    TableError
        Where the file is no table.
    """
    table = read_table(content, file)
    repeated = [name for name, count in Counter(table.header).items() if name and count > 1]
    if repeated:
        found, remedy = f"the repeated columns {first_of(repeated)}", "Rename or remove the columns that repeat."
        raise SampleError(wanted="each column name once", found=found, where=file, remedy=remedy)
    columns = {name: pd.Series(table.text(index), dtype="str") for index, name in enumerate(table.header) if name}
    sheet = pd.DataFrame(columns).replace({"": None})
    _check_sample_ids(sheet, file, config)
    return sheet, table.notes


def samples_from_names(names: Sequence[str]) -> Sheet:
    """Derive a sample sheet from sample names such as leaf_north_1 or T0.rep2.

    The replicate at the end of a name is taken off, and what is left names the group. Where the groups have equally
    many parts (separated by `_`, `-` or `.`), every part with at least two values that repeat becomes a label.

    Parameters
    ----------
    names : sequence of str
        Sample ids.

    Returns
    -------
    frame : DataFrame
        Contract `samples`, without batch, time and series; labels are label_1, label_2 ...
    notes : tuple of str
        What was derived, as plain sentences.
    """
    groups = _groups_of_names(names)
    frame = pd.DataFrame({"sample_id": pd.Series(list(names), dtype="str"), "group": pd.Series(groups, dtype="str")})
    frame["batch"] = pd.Series([None] * len(frame), dtype="str")
    frame["time"] = pd.Series([float("nan")] * len(frame), dtype="float64")
    frame["series"] = frame["batch"]
    if groups == list(names):
        note = (
            "The sample names tell no replicates apart, so each sample is a group of its own and there are no labels."
        )
        return frame, (note,)
    parts = [re.split(r"[_\-.]+", group) for group in groups]
    columns = list(zip(*parts, strict=True)) if len({len(part) for part in parts}) == 1 else []
    labels = [pd.Series(column, dtype="str") for column in columns if 2 <= len(set(column)) <= len(names) / 2]
    listed = _distinct(groups)
    notes = [f"{len(listed)} replicate groups were derived from the sample names, such as {first_of(listed, 2)}."]
    for number, label in enumerate(labels, start=1):
        frame[f"label_{number}"] = label
        notes.append(f"label_{number} was derived from the sample names: {first_of(_distinct(label))}.")
    return frame, tuple(notes)


def check_samples(layers: Mapping[str, Sequence[str]], sheet: pd.DataFrame) -> tuple[str, ...]:
    """Return the samples that all layers and the sheet share, ordered by id: the order of tables changes nothing.

    Parameters
    ----------
    layers : mapping of str to sequence of str
        Sample ids of each layer.
    sheet : DataFrame
        Contract `samples`.

    Raises
    ------
    SampleError
        Where two layers share no sample, or all of them fewer than `MIN_SHARED_SAMPLES`.
    """
    for first, second in combinations(layers, 2):
        if not set(layers[first]) & set(layers[second]):
            raise SampleError(
                wanted=f"samples that the layers {first} and {second} share",
                found=f"none: {first} has {first_of(layers[first])}, {second} has {first_of(layers[second])}",
                where="layers",
                remedy="Name each sample alike in all tables.",
            )
    usable = usable_samples(layers, sheet)
    shared = tuple(sorted(set(sheet["sample_id"]).intersection(*usable.values())))
    if len(shared) < MIN_SHARED_SAMPLES:
        counts = ", ".join(f"{name} has {len(ids)}" for name, ids in usable.items())
        raise SampleError(
            wanted=f"at least {MIN_SHARED_SAMPLES} samples that all layers and the sample sheet share",
            found=f"{len(shared)} ({first_of(shared)}), where the sheet has {len(sheet)} samples, of which {counts}",
            where="samples",
            remedy="Add samples, or name each sample alike in all tables.",
        )
    return shared


def usable_samples(layers: Mapping[str, Sequence[str]], sheet: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the samples of the sheet that each layer has, in the sheet's order."""
    known = {name: set(ids) for name, ids in layers.items()}
    return {name: tuple(one for one in sheet["sample_id"] if one in known[name]) for name in layers}


def sample_notes(layers: Mapping[str, Sequence[str]], sheet: pd.DataFrame) -> tuple[str, ...]:
    """Name the samples of the sheet that no layer has, and count those that only some layers have."""
    usable = [set(ids) for ids in usable_samples(layers, sheet).values()]
    listed = list(sheet["sample_id"])
    absent = [sample for sample in listed if not any(sample in ids for ids in usable)]
    partial = [sample for sample in listed if sample not in absent and not all(sample in ids for ids in usable)]
    notes = [f"{len(absent)} samples of the sheet are in no layer: {first_of(absent)}."] if absent else []
    if partial:
        notes.append(f"{len(partial)} samples are in some layers only and serve those alone: {first_of(partial)}.")
    return tuple(notes)


def times_of(cells: pd.Series) -> pd.Series:
    """Read times, with or without a unit such as 12h; NaN for what is none."""
    return cells.str.extract(_TIME, expand=False).astype("float64")


def label_names(sheet: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return the columns that can be labels: of text, with at least two values that repeat."""
    return [name for name in columns if _repeats(sheet[name])]


def _require(sheet: pd.DataFrame, file: str, name: str, key: str) -> pd.Series:
    if name in sheet.columns:
        return sheet[name]
    columns = [str(column) for column in sheet.columns]
    raise SampleError(
        wanted=f"the column {name!r} that samples.{key} names",
        found=f"the columns {first_of(columns, 10)}",
        where=file,
        remedy=f"Name another column there; the nearest are: {nearest(name, columns)}.",
    )


def _optional(sheet: pd.DataFrame, file: str, name: str, default: str) -> pd.Series:
    """Return a column that may be absent only where its name is the default."""
    if name == default and name not in sheet.columns:
        return pd.Series([None] * len(sheet), dtype="str")
    return _require(sheet, file, name, f"{default}_column")


def _check_sample_ids(sheet: pd.DataFrame, file: str, config: SamplesConfig) -> None:
    ids = _require(sheet, file, config.sample_column, "sample_column")
    if ids.isna().any():
        found = f"{ids.isna().sum()} rows without one"
        raise SampleError(wanted="a sample id in every row", found=found, where=file, remedy="Name or remove them.")
    repeated = _distinct(ids[ids.duplicated()])
    if repeated:
        found = f"{len(repeated)} duplicated sample ids: {first_of(repeated)}"
        remedy = "Remove the rows that are wrong, or rename the samples here and in all tables."
        raise SampleError(wanted="each sample id once", found=found, where=file, remedy=remedy)


def _groups(sheet: pd.DataFrame, file: str, config: SamplesConfig) -> tuple[pd.Series, tuple[str, ...]]:
    if config.group_by == _DEFAULTS.group_by and "group" not in sheet.columns:
        note = (
            f"{file} has no column 'group', so each sample is a group of its own and replicates will not be kept "
            "together; `samples.group_by` names the columns that tell replicate groups apart."
        )
        return sheet[config.sample_column], (note,)
    group = _joined(sheet, file, config.group_by, "group_by", config)
    return group, (f"{group.nunique()} replicate groups come from {' and '.join(config.group_by)}.",)


def _series(
    sheet: pd.DataFrame, frame: pd.DataFrame, file: str, config: SamplesConfig
) -> tuple[pd.Series, tuple[str, ...]]:
    """Name the time series of each sample that has a time."""
    timed = frame["time"].notna()
    if not config.series_by:
        return pd.Series([None] * len(sheet), dtype="str"), _series_notes(frame[timed], file, config)
    series = _joined(sheet[timed], file, config.series_by, "series_by", config).reindex(sheet.index)
    if not timed.any():
        column = config.time_column
        raise SampleError(
            wanted="times of the samples, since samples.series_by names time series",
            found=f"no number in the column {column!r}" if column in sheet.columns else f"no column {column!r}",
            where=file,
            remedy="Name the column of the times in samples.time_column, or remove samples.series_by.",
        )
    return series, (f"{series.nunique()} time series come from {' and '.join(config.series_by)}.",)


def _series_notes(timed: pd.DataFrame, file: str, config: SamplesConfig) -> tuple[str, ...]:
    """Warn where one time series takes the mean over groups that are hardly one."""
    replicated = timed.duplicated(["time", "group"]).any()
    several = timed.drop_duplicates(["time", "group"])["time"].duplicated().any()
    if timed["time"].nunique() < 2 or not replicated or not several:
        return ()
    note = (
        f"{file} has several replicate groups at one time ({config.time_column}), which one time series "
        "takes the mean of; `samples.series_by` names the columns that tell time series apart."
    )
    return (note,)


def _joined(rows: pd.DataFrame, file: str, names: Sequence[str], key: str, config: SamplesConfig) -> pd.Series:
    """Join the columns that together name what a sample is part of; every row needs all of them."""
    parts = [_require(rows, file, name, key) for name in names]
    for part in parts:
        if part.isna().any():
            raise SampleError(
                wanted=f"a {_PARTS[key]}",
                found=f"none for {first_of(rows.loc[part.isna(), config.sample_column])}",
                where=f"{file}, column {part.name!r}",
                remedy=f"Fill in the cells, or name other columns in samples.{key}.",
            )
    return reduce(lambda left, right: left + _SEPARATOR + right, parts)


def _times(cells: pd.Series, config: SamplesConfig) -> tuple[pd.Series, tuple[str, ...]]:
    """Read times, with or without a unit such as 12h."""
    numbers = times_of(cells)
    if numbers.isna().equals(cells.isna()):
        return numbers, ()
    unread = _distinct(cells[numbers.isna() & cells.notna()])
    note = f"The column {config.time_column!r} holds {first_of(unread, 3)}, which are no numbers; times were left out."
    return pd.Series([float("nan")] * len(cells), dtype="float64"), (note,)


def _labels(sheet: pd.DataFrame, file: str, config: SamplesConfig) -> tuple[list[str], tuple[str, ...]]:
    if config.labels is None:
        return _found_labels(sheet, config)
    for name in config.labels:
        classes = _distinct(_require(sheet, file, name, "labels").dropna())
        where = f"{file}, column {name!r}"
        if name in _RESERVED:
            remedy = "Copy the column under another name and name that one."
            raise SampleError(wanted="a label under a free name", found=f"{name!r}", where=where, remedy=remedy)
        if len(classes) < 2:
            remedy = "Remove it from samples.labels, or fill in the other classes."
            found = f"the one class {classes[0]!r}" if classes else "empty cells alone"
            raise SampleError(wanted="a label of at least two classes", found=found, where=where, remedy=remedy)
    return list(config.labels), ()


def _found_labels(sheet: pd.DataFrame, config: SamplesConfig) -> tuple[list[str], tuple[str, ...]]:
    """Take every text column whose values repeat; a lone group column has one group a class, so it is no label."""
    alone = config.group_by if len(config.group_by) == 1 else ()
    used = {*_RESERVED, config.sample_column, config.batch_column, config.time_column, *alone}
    further = [str(name) for name in sheet.columns if name not in used]
    labels = label_names(sheet, further)
    others = [name for name in further if name not in labels]
    notes = [f"The labels are {first_of(labels, 20)}."] if labels else ["No column of the sample sheet can be a label."]
    if others:
        notes.append(f"No labels, as they hold numbers, one value or too many: {first_of(others, 20)}.")
    return labels, tuple(notes)


def _repeats(column: pd.Series) -> bool:
    numeric = pd.to_numeric(column.dropna(), errors="coerce").notna().all()
    return not numeric and 2 <= column.nunique() <= len(column) / 2


def _groups_of_names(names: Sequence[str]) -> list[str]:
    """Take the replicate off each name, where that leaves at least two groups and one of at least two samples."""
    for pattern in (_SEPARATED, _ATTACHED):
        matches = [pattern.match(name) for name in names]
        groups = [match.group(1) for match in matches if match]
        if len(groups) == len(names) and 2 <= len(set(groups)) < len(names):
            return groups
    return list(names)


def _distinct(values: Sequence[str] | pd.Series) -> list[str]:

    return list(dict.fromkeys(values))
