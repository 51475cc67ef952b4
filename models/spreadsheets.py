"""XLSX workbooks to columns: the header wherever it stands, merged cells, and formulas that were never computed."""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, time
from typing import NamedTuple
from xml.etree.ElementTree import ParseError

import numpy as np
import openpyxl
import pyarrow as pa

from configs.errors import TableError, counted, first_of, nearest
from models.raw_table import WANTED, Form, RawTable
from models.table_layout import SNIFFED_ROWS, find_layout

_SAVE_AGAIN = "Open it in a spreadsheet program and save it again as XLSX, or export it as CSV."
# What zipfile and openpyxl raise where a byte is wrong, an encrypted member (RuntimeError) among them.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    EOFError,
    OSError,
    ArithmeticError,
    LookupError,
    RuntimeError,
    AttributeError,
    TypeError,
    ValueError,
)


class _Cells(NamedTuple):
    """Cells of a worksheet by row, what was found in reading them, and the other sheets of the workbook."""

    rows: list[tuple[object, ...]]
    notes: tuple[str, ...]
    others: tuple[str, ...]


def read_workbook(content: bytes, file: str, sheet: str | None) -> RawTable:
    """Read one worksheet of an XLSX file.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.
    sheet : str or None
        Worksheet; the first one for None.

    Raises
    ------
    TableError
        For a file that is damaged, a sheet that is absent or empty, and formulas without their results.
    """
    cells, notes, others = _sheet_cells(content, file, sheet)
    numbered = [(number, row) for number, row in enumerate(cells, start=1) if any(cell is not None for cell in row)]
    if not numbered:
        remedy = "Name the sheet that holds it"
        remedy += f" in the study file: {first_of(others)}." if others else "."
        raise TableError(wanted=WANTED, found="an empty worksheet", where=file, remedy=remedy)
    width = max(len(row) for _, row in numbered)
    texts = [[_cell_text(cell) for cell in row] + [""] * (width - len(row)) for _, row in numbered]
    layout = find_layout(texts[:SNIFFED_ROWS], file)
    body = texts[layout.header + 1 :]
    columns = tuple(pa.array(column, pa.large_string()) for column in zip(*body, strict=True))
    dates = sum(isinstance(cell, date | time) for _, row in numbered for cell in row)
    said = [*notes, *([layout.note] if layout.note else [])]
    if dates:
        said.append(f"{file} holds {dates} dates; a spreadsheet turns names such as SEPT1 into dates.")
    if others and sheet is None:
        said.append(f"{file} has further worksheets ({first_of(others)}); the first was read.")
    rows = np.asarray([number for number, _ in numbered[layout.header + 1 :]], dtype=np.int64)
    above = tuple(tuple(row) for row in texts[: layout.header])
    form = Form(header_row=numbered[layout.header][0], above=above, label_column=layout.label_column)
    empty = (pa.array([], pa.large_string()),) * width
    return RawTable(file, tuple(texts[layout.header]), columns or empty, rows, tuple(said), form)


def _sheet_cells(content: bytes, file: str, sheet: str | None) -> _Cells:
    try:
        parts = _parts(content, file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles and validations that do not bear on the cells
            # Merged cells are unknown to the reader that streams, and the other one takes long and much memory.
            is_merged = any(b"<mergeCell " in part for part in parts)
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=not is_merged, data_only=True)
            worksheet = _worksheet(workbook, file, sheet)
            if not is_merged:
                worksheet.reset_dimensions()
            rows = list(worksheet.iter_rows(values_only=True))
            if any(b"<f>" in part or b"<f " in part for part in parts):
                _check_formulas(content, worksheet.title, rows, file)
            rows, notes = _unmerged(rows, worksheet.merged_cells.ranges, file) if is_merged else (rows, ())
            others = tuple(one.title for one in workbook.worksheets if one.title != worksheet.title)
            return _Cells(rows, notes, others)
    except _DAMAGE as error:
        raise TableError(
            wanted="a whole XLSX file", found=f"a damaged one ({error})", where=file, remedy=_SAVE_AGAIN
        ) from error


def _parts(content: bytes, file: str) -> list[bytes]:
    """Return the XML of the worksheets."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" not in names:
            kind = "an OpenDocument spreadsheet" if "content.xml" in names else "a zip archive of another kind"
            remedy = "Unpack it, or save the table as XLSX, CSV or TSV."
            raise TableError(wanted=WANTED, found=kind, where=file, remedy=remedy)
        return [archive.read(name) for name in names if name.startswith("xl/worksheets/") and name.endswith(".xml")]


def _worksheet(workbook: openpyxl.Workbook, file: str, sheet: str | None) -> openpyxl.worksheet.worksheet.Worksheet:
    names = [worksheet.title for worksheet in workbook.worksheets]
    if not names:
        raise TableError(wanted="a worksheet with cells", found="none", where=file, remedy=_SAVE_AGAIN)
    if sheet is None:
        return workbook.worksheets[0]
    if sheet not in names:
        remedy = f"The nearest names are {nearest(sheet, names)}."
        raise TableError(
            wanted=f"the sheet {sheet!r}", found=f"the sheets {first_of(names)}", where=file, remedy=remedy
        )
    return workbook[sheet]


def _check_formulas(content: bytes, title: str, rows: Sequence[tuple[object, ...]], file: str) -> None:
    """Refuse formulas whose results the file lacks: they would be read as missing values."""
    workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    worksheet = workbook[title]
    worksheet.reset_dimensions()
    for number, (formulas, values) in enumerate(zip(worksheet.iter_rows(), rows, strict=False), start=1):
        for cell, value in zip(formulas, values, strict=False):
            if value is None and cell.data_type == "f":
                raise TableError(
                    wanted="the results of all formulas",
                    found=f"the formula {cell.value!r} without a result",
                    where=f"{file}, row {number}",
                    remedy="Open it in a spreadsheet program and save it again, which computes its formulas.",
                )


def _unmerged(
    rows: list[tuple[object, ...]], ranges: Iterable[openpyxl.worksheet.cell_range.CellRange], file: str
) -> tuple[list[tuple[object, ...]], tuple[str, ...]]:
    """Repeat the text of cells that are merged down their rows; a number stands in the first of its cells alone."""
    cells = [list(row) for row in rows]
    texts = numbers = 0
    for merged in ranges:
        top, left = merged.min_row - 1, merged.min_col - 1
        value = cells[top][left] if top < len(cells) and left < len(cells[top]) else None
        is_text = isinstance(value, str)
        numbers += isinstance(value, int | float)
        texts += is_text and merged.min_col == merged.max_col
        for row in cells[top + 1 : merged.max_row] if is_text and merged.min_col == merged.max_col else ():
            row[left] = value
    notes = []
    if texts:
        notes.append(f"{file}: the text of {counted(texts, 'merged cell')} was repeated in every row that it spans.")
    if numbers:
        found = f"{counted(numbers, 'number')} in merged cells"
        remedy = "Undo the merging and write the number into each cell that it is meant for."
        raise TableError(wanted="one cell for each number", found=found, where=file, remedy=remedy)
    return [tuple(row) for row in cells], tuple(notes)


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)
