"""A table as its file holds it, without any meaning given to it."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.errors import TableError, first_of, nearest

WANTED = "a CSV, TSV, XLSX or Parquet table"
"""What a file should have been, for messages."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a table was written.

    Attributes
    ----------
    encoding, delimiter : str
        Of a text file; '' for other kinds.
    header_row : int
        Row of the header, the first line being row 1.
    above : tuple of tuple of str
        Rows above the header, one cell a column.
    label_column : int or None
        Column up to which columns describe features, where sample information stands above the samples.
    samples_in_rows : bool or None
        Where the format itself says so; None elsewhere.
    """

    encoding: str = ""
    delimiter: str = ""
    header_row: int = 1
    above: tuple[tuple[str, ...], ...] = ()
    label_column: int | None = None
    samples_in_rows: bool | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table as its file holds it, without any meaning given to it.

    Attributes
    ----------
    file : str
        File name for messages.
    header : tuple of str
        Names of the columns as written, duplicates and empty ones included.
    columns : tuple of pyarrow.Array
        One array a column: large_string, integer or floating. Text files and workbooks have text alone.
    rows : ndarray, shape=(n_rows,), dtype=int64
        Number of each row in the file, the first line being row 1.
    notes : tuple of str
        What was done to read it, as plain sentences.
    form : Form
        How it was written.
    """

    file: str
    header: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    rows: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()
    form: Form = Form()

    def text(self, column: int) -> list[str]:
        """Return the cells of `column` as text, '' where there is none."""
        return [cell or "" for cell in pc.cast(self.columns[column], pa.large_string()).to_pylist()]

    def index(self, name: str, key: str) -> int:
        """Return the position of the column `name`, asked for by `key`; raises TableError where it is absent."""
        if name in self.header:
            return self.header.index(name)
        raise TableError(
            wanted=f"the column {name!r} that {key} names",
            found=f"the columns {first_of(self.header)}",
            where=self.file,
            remedy=f"The nearest names are {nearest(name, self.header)}.",
        )

    def without_rows(self, left_out: npt.NDArray[np.bool_]) -> "RawTable":
        """Return the table without the rows of the mask."""
        if not left_out.any():
            return self
        kept = pa.array(~left_out)
        return replace(self, columns=tuple(one.filter(kept) for one in self.columns), rows=self.rows[~left_out])

    def with_columns(self, kept: list[int]) -> "RawTable":
        """Return the table with the columns at `kept` alone."""
        if kept == list(range(len(self.header))):
            return self
        label = self.form.label_column
        form = replace(
            self.form,
            above=tuple(tuple(row[index] for index in kept) for row in self.form.above),
            label_column=None if label is None else sum(index <= label for index in kept) - 1,
        )
        header, columns = tuple(self.header[index] for index in kept), tuple(self.columns[index] for index in kept)
        return replace(self, header=header, columns=columns, form=form)


def empty_cells(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Return a mask of the cells of a column that hold nothing, shape=(n_rows,)."""
    if pa.types.is_large_string(column.type):
        return np.asarray(pc.fill_null(pc.equal(column, ""), True))
    return np.asarray(pc.is_null(column))


def without_blanks(table: RawTable) -> RawTable:
    """Leave out rows without any cell, and columns without a name and without any cell."""
    empty = [not name.strip() and bool(empty_cells(table.columns[i]).all()) for i, name in enumerate(table.header)]
    table = table.with_columns([index for index, is_empty in enumerate(empty) if not is_empty])
    blank = np.ones(len(table.rows), dtype=bool)
    for column in table.columns:
        blank &= empty_cells(column)
        if not blank.any():
            break
    return table.without_rows(blank)
