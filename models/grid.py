"""Ids and numbers as they lie in a file, with what an error message needs to point at a cell."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from models.numbers import Numbers, parse_numbers
from models.raw_table import RawTable


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Ids and numbers of a table.

    Attributes
    ----------
    file : str
        File name for messages.
    rows, positions : ndarray, dtype=int64
        Number of each row and column in the file, both from 1.
    row_ids, column_ids : tuple of str
        Ids.
    columns : tuple of pyarrow.Array
        Cells as written.
    numbers : Numbers
        Cells as numbers.
    """

    file: str
    rows: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    row_ids: tuple[str, ...]
    column_ids: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    numbers: Numbers

    def place(self, row: int, column: int) -> str:
        """Name a cell for a message."""
        return f"{self.file}, row {self.rows[row]}, column {self.column_ids[column]!r}"

    def cell(self, row: int, column: int) -> str:
        """Return a cell as written."""
        return str(self.columns[column][row].as_py())

    def keep(
        self, *, rows: npt.NDArray[np.bool_] | None = None, columns: npt.NDArray[np.bool_] | None = None
    ) -> "Grid":
        """Return the grid with the rows and columns of the masks."""
        rows = np.ones(len(self.row_ids), dtype=bool) if rows is None else rows
        columns = np.ones(len(self.column_ids), dtype=bool) if columns is None else columns
        if rows.all() and columns.all():
            return self
        cells = np.ix_(rows, columns)
        numbers = self.numbers
        arrays = [array for array, kept in zip(self.columns, columns, strict=True) if kept]
        return replace(
            self,
            rows=self.rows[rows],
            positions=self.positions[columns],
            row_ids=those(self.row_ids, rows),
            column_ids=those(self.column_ids, columns),
            columns=tuple(arrays if rows.all() else (array.filter(pa.array(rows)) for array in arrays)),
            numbers=Numbers(numbers.cells[cells], numbers.is_text[cells], numbers.has_comma[cells]),
        )

    def without_numbers(self) -> npt.NDArray[np.bool_]:
        """Mask of the columns that hold text and no number; text such as '1,5' may be meant as a number."""
        numbers = self.numbers
        has_text = (numbers.is_text & ~numbers.has_comma).any(axis=0)
        is_number = ~np.isnan(numbers.cells) | numbers.has_comma
        return np.asarray(has_text & ~is_number.any(axis=0))


def grid_of(raw: RawTable, id_column: int, columns: Sequence[int], names: Sequence[str]) -> Grid:
    """Return the grid of some columns of a table, which is where their numbers are read.

    Parameters
    ----------
    raw : RawTable
        Table.
    id_column : int
        Position of the ids of the rows.
    columns : sequence of int
        Positions of the columns.
    names : sequence of str
        Their ids.
    """
    arrays = tuple(raw.columns[index] for index in columns)
    positions = np.asarray(columns, dtype=np.int64) + 1
    return Grid(raw.file, raw.rows, positions, tuple(raw.text(id_column)), tuple(names), arrays, parse_numbers(arrays))


def those(ids: Sequence[str], mask: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the ids of a mask."""
    return tuple(compress(ids, mask))
