"""Bytes of a table file to columns: delimited text, XLSX and Parquet, each also gzipped, known by content."""

import csv
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import islice
from xml.etree.ElementTree import ParseError

import numpy as np
import numpy.typing as npt
import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from configs.errors import TableError, first_of, nearest
from models.compressed import decompressed, is_gzip

DELIMITERS = ("\t", ",", ";")
SNIFFED_RECORDS = 20
_WANTED = "a CSV, TSV, XLSX or Parquet table"
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_REMEDY = "Check that the path names the right file and that it opens as a table."


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
    """

    file: str
    header: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    rows: npt.NDArray[np.int64]
    notes: tuple[str, ...] = ()

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


def read_table(content: bytes, file: str, *, sheet: str | None = None) -> RawTable:
    """Read the bytes of a CSV, TSV, XLSX or Parquet file, gzipped or not.

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
    RawTable
        Rows and columns that are wholly empty are left out.

    Raises
    ------
    TableError
        Where the file is empty, damaged, no table, or has rows of unequal length.
    """
    content = decompressed(content, file) if is_gzip(content) else content
    if not content.strip():
        raise TableError(wanted=_WANTED, found="an empty file", where=file, remedy="Give a file that holds a table.")
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, file)
    elif content.startswith(b"PK\x03\x04"):
        table = _read_workbook(content, file, sheet)
    else:
        table = _read_text(content, file)
    return _check_shape(_without_blanks(table))


def _check_shape(table: RawTable) -> RawTable:
    if len(table.header) < 2:
        raise TableError(
            wanted="a table of at least two columns, separated by tabs, commas or semicolons",
            found="one column",
            where=table.file,
            remedy=_REMEDY,
        )
    if not len(table.rows):
        remedy = "Give a table with one header row and at least one row below it."
        raise TableError(wanted=_WANTED, found="a header without rows", where=table.file, remedy=remedy)
    return table


def _empty(column: pa.Array) -> npt.NDArray[np.bool_]:
    if pa.types.is_large_string(column.type):
        return np.asarray(pc.fill_null(pc.equal(column, ""), True))
    return np.asarray(pc.is_null(column))


def _without_blanks(table: RawTable) -> RawTable:
    """Leave out rows without any cell, and columns without a name and without any cell."""
    kept = [i for i, name in enumerate(table.header) if name.strip() or not _empty(table.columns[i]).all()]
    columns = [table.columns[i] for i in kept]
    blank = np.ones(len(table.rows), dtype=bool)
    for column in columns:
        blank &= _empty(column)
        if not blank.any():
            break
    if blank.any():
        columns = [column.filter(pa.array(~blank)) for column in columns]
    return RawTable(table.file, tuple(table.header[i] for i in kept), tuple(columns), table.rows[~blank], table.notes)


# --- delimited text ---------------------------------------------------------------------------------------------


def _decoded(content: bytes, file: str) -> tuple[str, tuple[str, ...]]:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ["utf-16"] if is_utf16 else ["utf-8-sig", "cp1252"]:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _CONTROL.search(text, 0, 1 << 16):
            break
        note = f"{file} is not UTF-8; it was read as Windows-1252."
        return text, (note,) if encoding == "cp1252" else ()
    raise TableError(wanted=_WANTED, found="bytes that are no text", where=file, remedy=_REMEDY)


def _records(text: str, delimiter: str, *, in_body: bool = False) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the last line, the end position and the cells of each record; empty lines and leading comments go."""
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter)
    for record in reader:
        is_comment = len(record) == 1 and record[0].startswith("#")
        in_body = in_body or (any(record) and not is_comment)
        if in_body and record:
            yield reader.line_num, stream.tell(), record


def _delimiter(text: str) -> str:
    """Find the delimiter that gives records of one length, and of these the one with the most columns."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        try:
            widths = [len(record) for *_, record in islice(_records(text, delimiter), SNIFFED_RECORDS)]
        except csv.Error:
            return False, 0
        if not widths:
            return False, 0
        header, body = widths[0], set(widths[1:])
        return header > 1 and len(body) <= 1 and body <= {header, header + 1}, header

    return max(DELIMITERS, key=fitness)


def _read_text(content: bytes, file: str) -> RawTable:
    text, notes = _decoded(content, file)
    delimiter = _delimiter(text)
    try:
        start = list(islice(_records(text, delimiter), 2))
    except csv.Error as error:
        raise TableError(wanted=_WANTED, found=f"{error}", where=file, remedy=_REMEDY) from error
    if not start:
        raise TableError(wanted=_WANTED, found="no line with cells", where=file, remedy=_REMEDY)
    (line, end, header), *first = start
    if first and len(first[0][2]) == len(header) + 1:
        header = ["", *header]
        notes += (f"The header of {file} is one name short, as R writes it; its first column was taken for the ids.",)
    while first and not header[-1] and len(header) > len(first[0][2]):
        header = header[:-1]
    body = text[end:]
    columns = _parse_body(body, delimiter, len(header), (file, line)) if first else _no_rows(len(header))
    count = len(columns[0])
    return RawTable(file, tuple(header), columns, _row_numbers(body, delimiter, count, line), notes)


def _parse_body(body: str, delimiter: str, width: int, place: tuple[str, int]) -> tuple[pa.Array, ...]:
    content = body.encode()
    names = [str(index) for index in range(width)]
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(content),
            # One block: a row of a table with 100,000 columns is longer than the usual block.
            read_options=pa_csv.ReadOptions(column_names=names, block_size=len(content) + 1),
            parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise _ragged(body, delimiter, width, place) from error
    return _arrays(table)


def _ragged(body: str, delimiter: str, width: int, place: tuple[str, int]) -> TableError:
    file, header_line = place
    wanted = f"{width} cells in every row, as in the header"
    remedy = "Put names that hold the delimiter in double quotes, and fill up rows that are too short."
    try:
        for line, _, record in _records(body, delimiter, in_body=True):
            if len(record) != width:
                where = f"{file}, row {header_line + line}"
                return TableError(wanted=wanted, found=f"{len(record)} cells", where=where, remedy=remedy)
    except csv.Error as error:
        return TableError(wanted=wanted, found=f"{error}", where=file, remedy=remedy)
    return TableError(wanted=wanted, found="a double quote that is never closed", where=file, remedy=remedy)


def _row_numbers(body: str, delimiter: str, count: int, header_line: int) -> npt.NDArray[np.int64]:
    stripped = body.rstrip("\r\n")
    lines = stripped.count("\n" if "\n" in stripped else "\r") + bool(stripped)
    if lines == count:
        return np.arange(count, dtype=np.int64) + header_line + 1
    ends = [line for line, *_ in _records(body, delimiter, in_body=True)]
    return np.asarray(ends, dtype=np.int64) + header_line


def _no_rows(width: int) -> tuple[pa.Array, ...]:
    return (pa.array([], pa.large_string()),) * width


def _arrays(table: pa.Table) -> tuple[pa.Array, ...]:
    return tuple(
        pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type) for column in table.columns
    )


# --- workbooks --------------------------------------------------------------------------------------------------


def _read_workbook(content: bytes, file: str, sheet: str | None) -> RawTable:
    cells = _sheet_cells(content, file, sheet)
    numbered = [(number, row) for number, row in enumerate(cells, start=1) if any(cell is not None for cell in row)]
    if not numbered:
        raise TableError(wanted=_WANTED, found="an empty worksheet", where=file, remedy="Name the sheet that holds it.")
    width = max(len(row) for _, row in numbered)
    texts = [[_cell_text(cell) for cell in row] + [""] * (width - len(row)) for _, row in numbered]
    columns = tuple(pa.array(column, pa.large_string()) for column in zip(*texts[1:], strict=True)) or _no_rows(width)
    dates = sum(isinstance(cell, date | time) for _, row in numbered for cell in row)
    note = f"{file} holds {dates} dates; a spreadsheet turns names such as SEPT1 into dates."
    rows = np.asarray([number for number, _ in numbered[1:]], dtype=np.int64)
    return RawTable(file, tuple(texts[0]), columns, rows, (note,) if dates else ())


def _sheet_cells(content: bytes, file: str, sheet: str | None) -> list[tuple[object, ...]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            is_workbook = "xl/workbook.xml" in archive.namelist()
        if not is_workbook:
            remedy = "Unpack it, or save the table as XLSX, CSV or TSV."
            raise TableError(wanted=_WANTED, found="a zip archive of another kind", where=file, remedy=remedy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles and validations that do not bear on the cells
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            worksheet = _worksheet(workbook, file, sheet)
            worksheet.reset_dimensions()
            return list(worksheet.iter_rows(values_only=True))
    except (zipfile.BadZipFile, KeyError, ValueError, zlib.error, ParseError) as error:
        remedy = "Open it in a spreadsheet program and save it again as XLSX, or export it as CSV."
        raise TableError(
            wanted="a whole XLSX file", found=f"a damaged one ({error})", where=file, remedy=remedy
        ) from error


def _worksheet(workbook: openpyxl.Workbook, file: str, sheet: str | None) -> openpyxl.worksheet.worksheet.Worksheet:
    names = [worksheet.title for worksheet in workbook.worksheets]
    if sheet is None:
        return workbook.worksheets[0]
    if sheet not in names:
        remedy = f"The nearest names are {nearest(sheet, names)}."
        raise TableError(
            wanted=f"the sheet {sheet!r}", found=f"the sheets {first_of(names)}", where=file, remedy=remedy
        )
    return workbook[sheet]


def _cell_text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    return cell.isoformat() if isinstance(cell, date | time) else str(cell)


# --- Parquet ----------------------------------------------------------------------------------------------------


def _read_parquet(content: bytes, file: str) -> RawTable:
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        remedy = "Write or copy the file again."
        raise TableError(
            wanted="a whole Parquet file", found=f"a damaged one ({error})", where=file, remedy=remedy
        ) from error
    index = _pandas_index(table.schema)
    names = [*index, *(name for name in table.column_names if name not in index)] if index else table.column_names
    table = table.select(names) if index else table
    columns = tuple(_plain(column, name, file) for column, name in zip(_arrays(table), names, strict=True))
    header = tuple("" if re.fullmatch(r"__index_level_\d+__", name) else name for name in names)
    return RawTable(file, header, columns, np.arange(table.num_rows, dtype=np.int64) + 2)


def _pandas_index(schema: pa.Schema) -> Sequence[str]:
    """Names of the columns that pandas wrote from a frame's index; it puts them last."""
    entries = (schema.pandas_metadata or {}).get("index_columns", [])
    return [entry for entry in entries if isinstance(entry, str) and entry in schema.names]


def _plain(column: pa.Array, name: str, file: str) -> pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_nested(kind):
        remedy = "Give a table with one number or text a cell."
        raise TableError(
            wanted="plain cells", found=f"cells of type {kind}", where=f"{file}, column {name!r}", remedy=remedy
        )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return pc.cast(column, kind)
    return pc.cast(column, pa.float64() if pa.types.is_decimal(kind) else pa.large_string())
