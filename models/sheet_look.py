"""A first look at a sample sheet: which columns seem to name samples, replicate groups, labels, batch and time."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from configs.errors import SampleError, counted, first_of
from models.sample_matching import count_resembling
from models.samples import label_names, samples_from_names, times_of

_REPLICATE = re.compile(r"(?:reps?|replicates?)(?:[-_ .]?(?:no|nr|num(?:ber)?))?", re.IGNORECASE)
_BATCH = re.compile(r"(?:attribute[-_ ])?(?:batch|plate|block|lane|sequencing[-_ ]run|extraction)(?:[-_ ]\w+)?", re.I)
_TIME = re.compile(
    r"(?:attribute[-_ ])?(?:time(?:[-_ ]?(?:point|index|h|hours|days))?|hours?|hrs?|h|days?|minutes?|mins?|weeks?|hpi"
    r"|dpi|da[apf])(?:[-_ ]*[(\[]?(?:h|hours|d|days|min|minutes)[)\]]?)?",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"(?:bio(?:logical)?[-_ ]?)?(?:group|plant|animal|individual|donor|subject|pool)(?:[-_ ]?id)?", re.I
)
_MAX_COLUMNS = 3
_FEW_VALUES = 5
"""Numbers of a design column that take at most so many values may stand for classes."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess and why it was made."""

    columns: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class SheetLook:
    """What the columns of a sample sheet seem to be; no column means that none fits.

    Attributes
    ----------
    sample : Guess
        The column that names the samples.
    group, labels, batch, time, series : Guess
        As in the section `samples` of a study file.
    """

    sample: Guess
    group: Guess
    labels: Guess
    batch: Guess
    time: Guess
    series: Guess


def sample_column(sheet: pd.DataFrame, names: Mapping[str, Sequence[str]], file: str) -> Guess:
    """Find the column that names most samples of the tables.

    Parameters
    ----------
    sheet : DataFrame
        Text columns.
    names : mapping of str to sequence of str
        Names in each table that may be samples.
    file : str
        File name for messages.

    Raises
    ------
    SampleError
        No column names a sample of any table.
    """
    counts = {}
    for column in sheet.columns:
        cells = [cell for cell in sheet[column].dropna() if cell]
        counts[str(column)] = sum(count_resembling(cells, known) for known in names.values())
    best = max(counts, key=lambda column: (counts[column], column == "sample_id"))
    if not counts[best]:
        listed = "; ".join(f"{table} has {first_of(known, 3)}" for table, known in names.items())
        raise SampleError(
            wanted="a column whose cells name the samples of the tables",
            found=f"none among {first_of(sheet.columns)}, where {listed}",
            where=file,
            remedy="Add a column with the sample names as the tables write them.",
        )
    return Guess((best,), "its cells fit the sample names of the tables best")


def rows_of_tables(sheet: pd.DataFrame, column: str, files: Sequence[str], file: str) -> tuple[pd.DataFrame, str]:
    """Keep the rows of a sheet that names samples of several tables alike, if the file names tell which.

    Returns
    -------
    rows : DataFrame
        Rows that name each sample once.
    why : str
        What was done; '' where the sheet names each sample once anyway.

    Raises
    ------
    SampleError
        Samples repeat, and nothing tells which rows belong to the tables.
    """
    if not sheet[column].dropna().duplicated().any():
        return sheet, ""
    told = []
    for other in sheet.columns.drop(column):
        for value in sheet[other].dropna().unique():
            rows = sheet[sheet[other] == value]
            if all(str(value).casefold() in one.casefold() for one in files) and not rows[column].duplicated().any():
                told.append((str(other), str(value), rows))
    if len(told) != 1:
        repeated = list(dict.fromkeys(sheet.loc[sheet[column].duplicated(), column]))
        raise SampleError(
            wanted="each sample once",
            found=f"{counted(len(repeated), 'sample')} more than once: {first_of(repeated)}",
            where=f"{file}, column {column!r}",
            remedy="Keep the rows that belong to these tables, one a sample.",
        )
    (other, value, rows) = told[0]
    why = (
        f"{file} names each sample more than once. The rows with {value!r} in the column {other!r} were kept "
        f"({len(rows)} of {len(sheet)}), since the names of the tables say {value!r}."
    )
    return rows.reset_index(drop=True), why


def look_at_sheet(sheet: pd.DataFrame, sample: Guess) -> SheetLook:
    """Say what the columns of a sample sheet seem to be.

    Parameters
    ----------
    sheet : DataFrame
        Text columns, one row a sample.
    sample : Guess
        The column of the samples.
    """
    own = sample.columns[0]
    others = [str(column) for column in sheet.columns if column != own]
    group = _group(sheet, own, others)
    time = _time(sheet, others)
    batch = _batch(sheet, others)
    used = (own, *time.columns, *batch.columns)
    return SheetLook(
        sample=sample,
        group=group,
        labels=_labels(sheet, [one for one in others if one not in used], group),
        batch=batch,
        time=time,
        series=_series(group, time),
    )


def _group(sheet: pd.DataFrame, own: str, others: Sequence[str]) -> Guess:
    named = [one for one in others if one == "group" or _GROUP.fullmatch(one)]
    usable = [one for one in named if sheet[one].notna().all() and 2 <= sheet[one].nunique() < len(sheet)]
    if usable:
        return Guess((usable[0],), "a column of this name tells replicate groups")
    derived = samples_from_names(list(sheet[own]))[0]["group"]
    design = [one for one in others if not _REPLICATE.fullmatch(one) and not _BATCH.fullmatch(one)]
    design = [one for one in design if sheet[one].notna().all() and 2 <= sheet[one].nunique() <= len(sheet) / 2]
    if derived.nunique() < len(sheet):
        for size in range(1, _MAX_COLUMNS + 1):
            for columns in combinations(design, size):
                if _same_parts(sheet, columns, derived):
                    why = f"together they give the {derived.nunique()} groups that the sample names show without the "
                    return Guess(columns, f"{why}number of the replicate")
    why = (
        "no column tells replicates of one plant, animal or culture apart, so each sample is a group of its own; name "
        f"the columns that do, if there are any{': ' + first_of(design) + ' may' if design else ''}"
    )
    return Guess((own,), why)


def _same_parts(sheet: pd.DataFrame, columns: Sequence[str], groups: pd.Series) -> bool:
    """Say whether columns together divide the samples as the groups do."""
    joint = sheet[list(columns)].agg("|".join, axis=1)
    pairs = pd.DataFrame({"joint": joint.to_numpy(), "group": groups.to_numpy()}).drop_duplicates()
    return len(pairs) == joint.nunique() == groups.nunique()


def _labels(sheet: pd.DataFrame, others: Sequence[str], group: Guess) -> Guess:
    alone = group.columns if len(group.columns) == 1 else ()
    free = [one for one in others if one not in {*alone, "group", "batch", "time", "series"}]
    words = label_names(sheet, free)
    numbers = [one for one in free if one in group.columns and one not in words]
    numbers = [one for one in numbers if 2 <= sheet[one].nunique() <= _FEW_VALUES]
    left = [one for one in others if one not in {*words, *numbers}]
    why = "columns whose values repeat" if words or numbers else "no column has values that repeat"
    if numbers:
        why += f"; {first_of(numbers)} holds few numbers, taken for classes"
    return Guess((*words, *numbers), f"{why}; not taken: {first_of(left)}" if left else why)


def _time(sheet: pd.DataFrame, others: Sequence[str]) -> Guess:
    for one in others:
        times = times_of(sheet[one])
        is_whole = times.isna().equals(sheet[one].isna())
        if _TIME.fullmatch(one) and is_whole and len(times.dropna().unique()) >= 2:
            return Guess(
                (one,), "a column of this name that holds numbers; times serve correlation along a time course"
            )
    return Guess((), "no column is named after a time and holds numbers")


def _batch(sheet: pd.DataFrame, others: Sequence[str]) -> Guess:
    for one in others:
        if _BATCH.fullmatch(one) and 2 <= sheet[one].nunique() <= len(sheet) / 2:
            return Guess((one,), "a column of this name with values that repeat")
    return Guess((), "no column is named after a batch and has values that repeat")


def _series(group: Guess, time: Guess) -> Guess:
    rest = tuple(one for one in group.columns if one not in time.columns)
    if not time.columns or len(rest) == len(group.columns) or not rest:
        return Guess((), "all samples are one time series" if time.columns else "there is no time")
    return Guess(rest, "what tells groups of one time apart tells time series apart")
