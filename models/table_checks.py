"""What ids and numbers of a table must be like, and what is said where they are not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from configs.errors import TableError, counted, first_of
from configs.study import Unit
from models.grid import Grid, those
from models.numbers import Comma, meaning_of_commas, parse_numbers

_READ_AS: dict[Comma, str] = {"decimal": "decimal commas", "thousands": "commas between thousands"}
_AMBIGUOUS: dict[Comma, str] = {
    "unclear": "which may be decimals or thousands, as no other number tells",
    "mixed": "beside numbers that are written in another way",
}


def check_ids(ids: Sequence[str], places: npt.NDArray[np.int64], where: str, kind: str) -> None:
    """Raise TableError for ids that are empty or repeat."""
    if not all(map(str.strip, ids)):
        empty = [str(place) for one, place in zip(ids, places, strict=True) if not one.strip()]
        raise TableError(
            wanted=f"a {kind} id for each",
            found=f"{len(empty)} without one: {', '.join(empty[:5])}",
            where=where,
            remedy="Name or remove them; the header is row 1, the first column is column 1.",
        )
    if len(set(ids)) < len(ids):
        repeated = [one for one, count in Counter(ids).items() if count > 1]
        raise TableError(
            wanted=f"each {kind} id once",
            found=f"{len(repeated)} duplicated {kind} ids: {first_of(repeated)}",
            where=where,
            remedy="Rename, merge or remove the duplicates; which of them is right cannot be known.",
        )


def read_commas(grid: Grid) -> tuple[Grid, tuple[str, ...]]:
    """Read numbers with commas, where all numbers of the table agree on what a comma means.

    Raises
    ------
    TableError
        Where they do not, or where it cannot be told.
    """
    commas = grid.numbers.has_comma
    if not commas.any():
        return grid, ()
    meaning = meaning_of_commas(grid.columns)
    row, column = np.argwhere(commas)[0]
    cell, count = repr(grid.cell(row, column)), int(commas.sum())
    if meaning is not None and meaning in _READ_AS:
        note = f"{grid.file}: {counted(count, 'number')} with {_READ_AS[meaning]}, such as {cell}, were read as such."
        return replace(grid, numbers=parse_numbers(grid.columns, comma=meaning)), (note,)
    why = _AMBIGUOUS[meaning or "mixed"]
    raise TableError(
        wanted="numbers with a decimal point, or decimal commas throughout",
        found=f"{counted(count, 'number')} with a comma, the first being {cell}, {why}",
        where=grid.place(row, column),
        remedy="Export the table with decimal points and without thousands separators.",
    )


def check_numbers(grid: Grid, name: str, unit: Unit, *, has_sheet: bool) -> None:
    """Raise TableError for text, infinite numbers, and negative ones unless they are logarithms."""
    numbers = grid.numbers
    if numbers.is_text.any():
        raise _text_found(grid, has_sheet=has_sheet)
    with np.errstate(over="ignore"):
        infinite = np.isinf(numbers.cells.astype(np.float32))
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        found, where = repr(grid.cell(row, column)), grid.place(row, column)
        remedy = "Correct the cell, or leave it empty if the value is missing."
        raise TableError(wanted="finite numbers below 3.4e38", found=found, where=where, remedy=remedy)
    negative = numbers.cells < 0
    if unit != "log2" and negative.any():
        row, column = np.argwhere(negative)[0]
        others = int(negative.sum()) - 1
        more = f" and {others} more below 0" if others else ""
        raise TableError(
            wanted=f"values of at least 0, as the unit is {unit}",
            found=f"{grid.cell(row, column)}{more}",
            where=grid.place(row, column),
            remedy=f"If the values are logarithms, write `unit: log2` under layers.{name}; else correct them.",
        )


def _text_found(grid: Grid, *, has_sheet: bool) -> TableError:
    row, column = np.argwhere(grid.numbers.is_text)[0]
    cell, where = repr(grid.cell(row, column)), grid.place(row, column)
    remedy = "Correct the cell, or leave it empty if the value is missing."
    if not has_sheet:
        remedy += " A column that is no sample is left out once a sample sheet names the samples."
    return TableError(wanted="a number", found=f"the text {cell}", where=where, remedy=remedy)


def check_samples(values: npt.NDArray[np.float64], samples: Sequence[str], file: str) -> None:
    """Raise TableError for samples without any value."""
    empty = np.asarray(np.isnan(values).all(axis=0))
    if empty.any():
        raise TableError(
            wanted="at least one value in every sample",
            found=f"{empty.sum()} samples without any value: {first_of(those(samples, empty))}",
            where=file,
            remedy="Remove these samples from the table or from the sample sheet.",
        )
