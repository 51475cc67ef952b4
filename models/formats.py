"""Bytes of a table file to columns: delimited text, XLSX, Parquet and AnnData, also gzipped, known by content."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from configs.errors import TableError
from models.compressed import decompressed, is_gzip
from models.delimited import as_arrays, read_delimited
from models.raw_table import WANTED, RawTable, without_blanks
from models.spreadsheets import read_workbook

_REMEDY = "Check that the path names the right file and that it opens as a table."
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "a workbook of an old kind (.xls)", "Save it as XLSX, or export it as CSV."),
    (b"%PDF-", "a PDF file", "Give the table itself; copying it out of a PDF loses cells."),
    (b"RDX2\n", "R data", "Write it in R with write.table(x, 'table.tsv', sep = '\\t', col.names = NA)."),
    (b"RDX3\n", "R data", "Write it in R with write.table(x, 'table.tsv', sep = '\\t', col.names = NA)."),
    (b"X\n\x00", "R data", "Write it in R with write.table(x, 'table.tsv', sep = '\\t', col.names = NA)."),
    (b"\x80\x04", "a pickle of Python", "Write it with to_csv or to_parquet."),
    (b"\x93NUMPY", "an array of NumPy", "Write it with its ids as CSV or Parquet."),
    (b"SQLite format 3", "a database", "Export the table as CSV."),
    (b"<!doctype html", "a web page", "Download the file itself; the server sent a page instead."),
    (b"<html", "a web page", "Download the file itself; the server sent a page instead."),
    (b"<?xml", "an XML file", "Give the table of peak areas or counts, not raw data."),
    (b'{"', "JSON", "Give a table with one row a feature or sample."),
    (b">", "a FASTA file", "Give a table of values; sequences belong in homology.proteins."),
    (b"%%matrixmarket", "a sparse matrix", "Give it with its ids as .h5ad, CSV or Parquet."),
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
        raise TableError(wanted=WANTED, found="an empty file", where=file, remedy="Give a file that holds a table.")
    if content.startswith(b"PAR1"):
        table = _read_parquet(content, file)
    elif content.startswith(b"PK\x03\x04"):
        table = read_workbook(content, file, sheet)
    else:
        _check_kind(content, file)
        table = read_delimited(content, file)
    return _check_shape(without_blanks(table))


def _check_kind(content: bytes, file: str) -> None:
    """Name files that people give by mistake; what is told by them would be the odd line of a table elsewhere."""
    start = content[:64].lstrip()
    for magic, kind, remedy in _FOREIGN:
        if start.startswith(magic) or start.lower().startswith(magic):
            raise TableError(wanted=WANTED, found=kind, where=file, remedy=remedy)


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
        raise TableError(wanted=WANTED, found="a header without rows", where=table.file, remedy=remedy)
    return table


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
    columns = tuple(_plain(column, name, file) for column, name in zip(as_arrays(table), names, strict=True))
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
