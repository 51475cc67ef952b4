"""Tables of a study to layers: orientation, ids and numbers, each checked and every decision said aloud."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from configs.errors import SampleError, TableError, first_of
from configs.study import DEFAULT_ROLES, LayerConfig, Role, Unit
from models.formats import RawTable, read_table
from models.layer import Layer
from models.numbers import Numbers, parse_numbers

_KINDS: dict[Role, str] = {"genes": "gene", "metabolites": "metabolite", "features": "feature"}
_DESCRIPTIONS = ("description", "annotation", "product", "function")


@dataclass(frozen=True, slots=True)
class Reading:
    """A layer and what was decided while it was read.

    Attributes
    ----------
    layer : Layer
        The table as given, features down and samples across.
    notes : tuple of str
        Plain sentences.
    """

    layer: Layer
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Ids and numbers as they lie in the file, with what an error message needs to point at a cell."""

    file: str
    rows: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    row_ids: tuple[str, ...]
    column_ids: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    numbers: Numbers

    def place(self, row: int, column: int) -> str:
        return f"{self.file}, row {self.rows[row]}, column {self.column_ids[column]!r}"

    def cell(self, row: int, column: int) -> str:
        return str(self.columns[column][row].as_py())

    def keep(
        self, *, rows: npt.NDArray[np.bool_] | None = None, columns: npt.NDArray[np.bool_] | None = None
    ) -> "_Grid":
        """Return the grid with the rows and columns of the masks."""
        rows = np.ones(len(self.row_ids), dtype=bool) if rows is None else rows
        columns = np.ones(len(self.column_ids), dtype=bool) if columns is None else columns
        cells = np.ix_(rows, columns)
        numbers = self.numbers
        arrays = [array for array, kept in zip(self.columns, columns, strict=True) if kept]
        return replace(
            self,
            rows=self.rows[rows],
            positions=self.positions[columns],
            row_ids=_where(self.row_ids, rows),
            column_ids=_where(self.column_ids, columns),
            columns=tuple(arrays if rows.all() else (array.filter(pa.array(rows)) for array in arrays)),
            numbers=Numbers(numbers.cells[cells], numbers.is_text[cells], numbers.has_comma[cells]),
        )

    def without_numbers(self) -> npt.NDArray[np.bool_]:
        """Mask of the columns that hold text and no number; text such as '1,5' may be meant as a number."""
        numbers = self.numbers
        has_text = (numbers.is_text & ~numbers.has_comma).any(axis=0)
        return np.asarray(has_text & np.isnan(numbers.cells).all(axis=0))


def read_text_table(content: bytes, name: str, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a CSV, TSV, XLSX or Parquet file, gzipped or not, as text.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    name : str
        File name for messages.
    sheet : str, optional
        Worksheet of a workbook; the first by default.

    Returns
    -------
    DataFrame
        One text column a column of the file, named as written there (names may repeat); empty cells are NaN and
        all others as they stand, 'NA' included.

    Raises
    ------
    TableError
        Where the file is empty, damaged or no table.
    """
    return _frame(read_table(content, name, sheet=sheet))


def _frame(raw: RawTable) -> pd.DataFrame:
    texts = {index: [cell or None for cell in raw.text(index)] for index in range(len(raw.header))}
    frame = pd.DataFrame(texts, dtype="str")
    frame.columns = pd.Index(raw.header)
    return frame


def read_layer(
    content: bytes, file: str, *, name: str, config: LayerConfig, unit: Unit, known_samples: frozenset[str]
) -> Reading:
    """Read one omics table.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.
    name : str
        Name of the layer.
    config : LayerConfig
        Sheet, id column, orientation and the meaning of zeros.
    unit : Unit
        Unit of the values; all but log2 forbid negative ones.
    known_samples : frozenset of str
        Samples of the sample sheet. Other samples are left out; when it is empty, every sample is taken and the
        orientation `auto` means features in rows.

    Returns
    -------
    Reading
        Values are parsed in double precision and stored as float32.

    Raises
    ------
    TableError
        For ids that are empty or repeat, text, decimal commas, negative or infinite values, or a sample without values.
    SampleError
        Where the table holds no sample of the sample sheet.
    """
    raw = read_table(content, file, sheet=config.sheet)
    grid = _grid(raw, 0 if config.id_column is None else raw.index(config.id_column, f"layers.{name}.id_column"))
    turned, notes = _orientation(grid, name, config, known_samples)
    grid, left_out = _choose_rows(grid, known_samples) if turned else _choose_columns(grid, known_samples)
    kind = _KINDS[config.role or DEFAULT_ROLES.get(name, "features")]
    kinds = ("sample", kind) if turned else (kind, "sample")
    _check_ids(grid.row_ids, grid.rows, f"{file}, rows", kinds[0])
    _check_ids(grid.column_ids, grid.positions, f"{file}, columns", kinds[1])
    _check_numbers(grid, name, unit, has_sheet=bool(known_samples))
    features, samples = (grid.column_ids, grid.row_ids) if turned else (grid.row_ids, grid.column_ids)
    values = grid.numbers.cells.T if turned else grid.numbers.cells
    if config.zeros == "missing":
        values = np.where(values == 0, np.nan, values)
    _check_samples(values, samples, file)
    layer = Layer(name, np.ascontiguousarray(values, dtype=np.float32), features, samples)
    return Reading(layer, (*raw.notes, *notes, *left_out))


def read_annotation(content: bytes, name: str) -> pd.DataFrame:
    """Read gene descriptions.

    Parameters
    ----------
    content : bytes
        Bytes of a table whose first column holds gene ids.
    name : str
        File name for messages.

    Returns
    -------
    DataFrame
        Contract `annotation`. The description is the column named description, annotation, product or function, else
        all further text columns joined by '; '. Descriptions of a repeated gene are joined likewise.
    """
    raw = read_table(content, name)
    described = [i for i, title in enumerate(raw.header) if i and title.strip().lower() in _DESCRIPTIONS]
    chosen = described[:1] or _text_columns(raw)
    cells = zip(*(raw.text(index) for index in chosen), strict=True) if chosen else [()] * len(raw.rows)
    genes = raw.text(0)
    joined = pd.Series([_joined(row) for row in cells], index=pd.Index(genes, dtype="str"), dtype="str")
    if joined.index.has_duplicates:
        joined = joined.groupby(level=0, sort=False).agg(_joined)
    joined = joined[joined.index != ""]
    return pd.DataFrame({"gene_id": joined.index, "description": joined.where(joined != "").to_numpy()}, dtype="str")


def _text_columns(raw: RawTable) -> list[int]:
    numbers = parse_numbers(raw.columns[1:])
    return (np.flatnonzero(numbers.is_text.any(axis=0)) + 1).tolist()


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _where(ids: Sequence[str], mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(compress(ids, mask))


def _member(ids: Sequence[str], known: frozenset[str]) -> npt.NDArray[np.bool_]:
    return np.fromiter((one in known for one in ids), dtype=bool, count=len(ids))


def _grid(raw: RawTable, id_column: int) -> _Grid:
    others = [index for index in range(len(raw.header)) if index != id_column]
    columns = tuple(raw.columns[index] for index in others)
    names = tuple(raw.header[index] for index in others)
    positions = np.asarray(others, dtype=np.int64) + 1
    return _Grid(raw.file, raw.rows, positions, tuple(raw.text(id_column)), names, columns, parse_numbers(columns))


def _orientation(grid: _Grid, name: str, config: LayerConfig, known: frozenset[str]) -> tuple[bool, tuple[str, ...]]:
    """Return whether samples lie in rows, and how that was found."""
    across, down = len(known & set(grid.column_ids)), len(known & set(grid.row_ids))
    turned = config.orientation == "samples_in_rows"
    if config.orientation != "auto":
        if known and not (down if turned else across):
            raise _no_samples(grid, known, "rows" if turned else "columns")
        return turned, ()
    if not known:
        note = f"There is no sample sheet, so {grid.file} was taken to have features in rows"
        return False, (f"{note}; `layers.{name}.orientation: samples_in_rows` turns it.",)
    if not across and not down:
        raise _no_samples(grid, known, "rows or columns")
    if down > across:
        return True, (f"{grid.file} has samples in rows ({down} of the {len(known)} known samples); it was turned.",)
    return False, (f"{grid.file} has samples in columns ({across} of the {len(known)} known samples).",)


def _no_samples(grid: _Grid, known: frozenset[str], axis: str) -> SampleError:
    found = f"columns named {first_of(grid.column_ids, 3)} and rows named {first_of(grid.row_ids, 3)}"
    return SampleError(
        wanted=f"samples of the sample sheet ({first_of(sorted(known), 3)}) in {axis}",
        found=found,
        where=grid.file,
        remedy="Write the sample ids in the table and in the sample sheet alike.",
    )


def _choose_columns(grid: _Grid, known: frozenset[str]) -> tuple[_Grid, tuple[str, ...]]:
    """Leave out the columns that are no samples."""
    textual = grid.without_numbers()
    kept = _member(grid.column_ids, known) if known else ~textual
    notes = [
        f"{grid.file}: left out the {kind} columns {first_of(_where(grid.column_ids, mask))}{reason}."
        for kind, reason, mask in (
            ("text", "", ~kept & textual),
            ("number", ", which are not in the sample sheet", ~kept & ~textual),
        )
        if mask.any()
    ]
    if not kept.any():
        raise TableError(
            wanted="columns of numbers, one a sample",
            found=f"text alone in the columns {first_of(grid.column_ids)}",
            where=grid.file,
            remedy="Give the table of values, not its annotation.",
        )
    return grid.keep(columns=kept), tuple(notes)


def _choose_rows(grid: _Grid, known: frozenset[str]) -> tuple[_Grid, tuple[str, ...]]:
    """Leave out the rows that are no samples, and the columns of text."""
    notes = []
    rows = _member(grid.row_ids, known) if known else np.ones(len(grid.row_ids), dtype=bool)
    if not rows.all():
        names = first_of(_where(grid.row_ids, ~rows))
        notes.append(f"{grid.file}: left out the rows {names}, which are not in the sample sheet.")
    textual = grid.without_numbers()
    if textual.any():
        notes.append(f"{grid.file}: left out the text columns {first_of(_where(grid.column_ids, textual))}.")
    if textual.all():
        raise TableError(
            wanted="columns of numbers, one a feature",
            found=f"text alone in the columns {first_of(grid.column_ids)}",
            where=grid.file,
            remedy="Give the table of values, not the sample sheet.",
        )
    return grid.keep(rows=rows, columns=~textual), tuple(notes)


def _check_ids(ids: Sequence[str], places: npt.NDArray[np.int64], where: str, kind: str) -> None:
    empty = [str(place) for one, place in zip(ids, places, strict=True) if not one.strip()]
    if empty:
        raise TableError(
            wanted=f"a {kind} id for each",
            found=f"{len(empty)} without one: {', '.join(empty[:5])}",
            where=where,
            remedy="Name or remove them; the header is row 1, the first column is column 1.",
        )
    repeated = [one for one, count in Counter(ids).items() if count > 1]
    if repeated:
        raise TableError(
            wanted=f"each {kind} id once",
            found=f"{len(repeated)} duplicated {kind} ids: {first_of(repeated)}",
            where=where,
            remedy="Rename, merge or remove the duplicates; which of them is right cannot be known.",
        )


def _check_numbers(grid: _Grid, name: str, unit: Unit, *, has_sheet: bool) -> None:
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


def _text_found(grid: _Grid, *, has_sheet: bool) -> TableError:
    """Point at the first text in the number columns; decimal commas have their own advice."""
    numbers = grid.numbers
    commas = int(numbers.has_comma.sum())
    row, column = np.argwhere(numbers.has_comma if commas else numbers.is_text)[0]
    cell, where = repr(grid.cell(row, column)), grid.place(row, column)
    if commas:
        remedy = "Export the table with decimal points and without thousands separators."
        found = f"{commas} numbers with a decimal comma or thousands separator, the first being {cell}"
        return TableError(wanted="numbers with a decimal point", found=found, where=where, remedy=remedy)
    remedy = "Correct the cell, or leave it empty if the value is missing."
    if not has_sheet:
        remedy += " A column that is no sample is left out once a sample sheet names the samples."
    return TableError(wanted="a number", found=f"the text {cell}", where=where, remedy=remedy)


def _check_samples(values: npt.NDArray[np.float64], samples: Sequence[str], file: str) -> None:
    empty = np.asarray(np.isnan(values).all(axis=0))
    if empty.any():
        raise TableError(
            wanted="at least one value in every sample",
            found=f"{empty.sum()} samples without any value: {first_of(_where(samples, empty))}",
            where=file,
            remedy="Remove these samples from the table or from the sample sheet.",
        )
