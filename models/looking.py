"""A first look at a table: what it seems to be from its content alone, for a study file to be written from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from configs.errors import TableError
from configs.study import LayerConfig, Unit
from models.annotated_data import is_hdf5, read_annotated_data
from models.formats import read_table
from models.table_checks import read_commas
from models.table_parts import Part, find_part

_FAR = 10
"""Times as many columns as rows, or the other way round, tell features from samples."""
_MILLION = 1e6
LOGARITHMS_BELOW = 40.0
"""Measured values whose largest is below this, and that are no whole numbers, are taken for logarithms."""


@dataclass(frozen=True, slots=True)
class TableLook:
    """What a table seems to be; every field is a guess from its content.

    Attributes
    ----------
    file : str
        File name.
    tool : str or None
        Program that wrote it, such as 'RSEM genes.results'; None where it is not known.
    encoding : str
        Encoding of a text file, '' for a workbook, Parquet or HDF5.
    delimiter : str
        Character between the cells, '' where there is none.
    decimal : str
        '.' or ','.
    header_row : int
        Row of the header, the first line being row 1.
    id_column : str
        Header of the column that holds ids, as written.
    annotation_columns : tuple of str
        Columns that are neither ids nor values, as written.
    value_columns : tuple of str
        Columns of values, as written.
    sample_names : tuple of str
        Names of the value columns without what the program adds, such as ' Peak area'. Where samples lie in rows,
        the ids of the rows.
    samples_in_rows : bool or None
        None where it cannot be told from this table alone.
    share_zero, share_missing : float
        Share of the values that are 0 and of those that are empty, in [0, 1].
    smallest, largest : float
        Range of the values; NaN where there is none.
    whole_numbers : bool
        Whether every value is a whole number.
    value_choices : tuple of str
        What `layers.NAME.value` may name; empty where there is one kind of values alone.
    suggested_unit : str
        Unit that the values seem to have.
    notes : tuple of str
        What was done to read it, as plain sentences.
    """

    file: str
    tool: str | None
    encoding: str
    delimiter: str
    decimal: str
    header_row: int
    id_column: str
    annotation_columns: tuple[str, ...]
    value_columns: tuple[str, ...]
    sample_names: tuple[str, ...]
    samples_in_rows: bool | None
    share_zero: float
    share_missing: float
    smallest: float
    largest: float
    whole_numbers: bool
    value_choices: tuple[str, ...]
    suggested_unit: Unit
    notes: tuple[str, ...]


def look_at_table(content: bytes, file: str, *, sheet: str | None = None) -> TableLook:
    """Say what a table seems to be.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.
    sheet : str, optional
        Worksheet of a workbook; the first by default.

    Returns
    -------
    TableLook
        Guesses, each of which a user should check.

    Raises
    ------
    TableError
        Where the file is empty, damaged or no table.
    """
    raw = (
        read_annotated_data(content, file, value=None, modality=sheet)
        if is_hdf5(content)
        else read_table(content, file, sheet=sheet)
    )
    part = find_part(raw, "NAME", LayerConfig(path=file), None, frozenset())
    textual = part.grid.without_numbers()
    if textual.all():
        raise TableError(
            wanted="columns of numbers",
            found="text alone",
            where=file,
            remedy="Give the table of values, not its annotation or the sample sheet.",
        )
    grid, commas = read_commas(part.grid.keep(columns=~textual))
    used = {part.id_column, *(int(place) - 1 for place in grid.positions)}
    turned = False if raw.form.samples_in_rows else _samples_in_rows(part, grid.numbers.cells.shape)
    cells, header = grid.numbers.cells, part.header
    zero, missing, smallest, largest, is_whole = _spread(cells)
    return TableLook(
        file=file,
        tool=part.tool.tool if part.tool is not None else None,
        encoding=raw.form.encoding,
        delimiter=raw.form.delimiter,
        decimal="," if commas and "decimal" in commas[0] else ".",
        header_row=raw.form.header_row,
        id_column=header[part.id_column],
        annotation_columns=tuple(name for index, name in enumerate(header) if index not in used),
        value_columns=tuple(header[int(place) - 1] for place in grid.positions),
        sample_names=grid.row_ids if turned else tuple(name or file.partition(".")[0] for name in grid.column_ids),
        samples_in_rows=turned,
        share_zero=zero,
        share_missing=missing,
        smallest=smallest,
        largest=largest,
        whole_numbers=is_whole,
        value_choices=tuple(part.tool.kinds) if part.tool is not None and len(part.tool.kinds) > 1 else (),
        suggested_unit=_unit(cells) if part.tool is None else part.tool.choose(None, None, "")[1].unit,
        notes=(*part.notes, *commas),
    )


def _samples_in_rows(part: Part, shape: tuple[int, ...]) -> bool | None:
    """Tell what lies in rows from the shape, where nothing else does: there are far more features than samples."""
    if part.turned is not None:
        return part.turned
    rows, columns = shape
    return True if columns > _FAR * rows else False if rows > _FAR * columns else None


def _spread(cells: npt.NDArray[np.float64]) -> tuple[float, float, float, float, bool]:
    """Return the shares of zeros and of missing values, the smallest and largest, and whether all are whole numbers."""
    measured = cells[~np.isnan(cells)]
    if not measured.size:
        return 0.0, 1.0, float("nan"), float("nan"), False
    is_whole = bool((measured == np.floor(measured)).all())
    shares = float((measured == 0).sum() / cells.size), float(1 - measured.size / cells.size)
    return *shares, float(measured.min()), float(measured.max()), is_whole


def _unit(cells: npt.NDArray[np.float64]) -> Unit:
    """Suggest a unit from the values of a table whose program is not known."""
    measured = cells[~np.isnan(cells)]
    if not measured.size:
        return "intensity"
    is_whole = bool((measured == np.floor(measured)).all())
    if measured.min() < 0 or (measured.max() < LOGARITHMS_BELOW and not is_whole):
        return "log2"
    if is_whole:
        return "counts"
    return "tpm" if np.allclose(np.nansum(cells, axis=0), _MILLION, rtol=0.01) else "fpkm"
