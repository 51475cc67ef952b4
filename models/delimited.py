"""Delimited text to columns: delimiter, line ends, comments, and the header wherever it stands."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from configs.errors import TableError, counted
from models.encodings import decode_text
from models.raw_table import WANTED, Form, RawTable, empty_cells
from models.table_layout import SNIFFED_ROWS, find_layout, is_number

DELIMITERS = ("\t", ",", ";", "|", " ")
_COMMENT = "#"
_Rows = tuple[tuple[pa.Array, ...], npt.NDArray[np.int64], tuple[str, ...]]
_REMEDY = "Check that the path names the right file and that it opens as a table."
_FILL_UP = "Put names that hold the delimiter in double quotes, and fill up rows that are too short."


class _Record(NamedTuple):
    """Cells of a record, the line that it ends on, and where in the text."""

    line: int
    end: int
    cells: list[str]


def read_delimited(content: bytes, file: str) -> RawTable:
    """Read delimited text.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.

    Raises
    ------
    TableError
        For bytes that are no text, no header, and rows of unequal length.
    """
    decoded = decode_text(content, file)
    delimiter = _delimiter(decoded.text, file)
    try:
        head = _head(decoded.text, delimiter)
    except csv.Error as error:
        raise TableError(wanted=WANTED, found=f"{error}", where=file, remedy=_REMEDY) from error
    if not head:
        raise TableError(wanted=WANTED, found="no line with cells", where=file, remedy=_REMEDY)
    layout = find_layout([record.cells for record in head], file)
    header, below = head[layout.header], head[layout.header + 1 :]
    names, width = _width(header.cells, below)
    parser = _Body(file, decoded.text[header.end :], delimiter, width, header.line)
    columns, rows, done = parser.read() if below else (_no_rows(width), np.empty(0, dtype=np.int64), ())
    names, said = _fit_header(names, columns, parser)
    notes = (*decoded.notes, *((layout.note,) if layout.note else ()), *said, *done)
    above = tuple(tuple((record.cells + [""] * width)[:width]) for record in head[: layout.header])
    form = Form(decoded.encoding, delimiter, header.line, above, layout.label_column)
    return RawTable(file, tuple(names), columns, rows, notes, form)


def _width(names: list[str], below: Sequence[_Record]) -> tuple[list[str], int]:
    """Return the header without empty names at its end that no row has, and the number of cells in a row."""
    if not below:
        return names, len(names)
    usual = Counter(len(record.cells) for record in below).most_common(1)[0][0]
    while len(names) > usual and not names[-1].strip():
        names = names[:-1]
    return names, max(len(names), usual)


def _fit_header(names: list[str], columns: Sequence[pa.Array], body: "_Body") -> tuple[list[str], tuple[str, ...]]:
    """Name the columns where rows have more cells than the header."""
    further = len(columns) - len(names)
    if not further or all(empty_cells(column).all() for column in columns[len(names) :]):
        return names + [""] * further, ()
    if further > 1:
        raise body.ragged(len(names))
    note = f"The header of {body.file} is one name short, as R writes it; its first column was taken for the ids."
    return ["", *names], (note,)


def _records(text: str, delimiter: str) -> Iterator[_Record]:
    """Yield the records that hold anything; Python's reader knows every line end."""
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter)
    for cells in reader:
        if len(cells) > 1 or (cells and cells[0].strip()):
            yield _Record(reader.line_num, stream.tell(), cells)


def _head(text: str, delimiter: str) -> list[_Record]:
    """Return the first records without the comments above the header; a header may begin with the sign itself."""
    head = list(islice(_records(_start(text), delimiter), SNIFFED_ROWS))
    if len(head) < SNIFFED_ROWS:  # cells of many lines
        head = list(islice(_records(text, delimiter), SNIFFED_ROWS))
    comments = next((at for at, record in enumerate(head) if not record.cells[0].startswith(_COMMENT)), len(head))
    below = Counter(len(record.cells) for record in head[comments:])
    is_header = comments and below and len(head[comments - 1].cells) == below.most_common(1)[0][0] > 1
    return [one for one in head[comments - bool(is_header) :] if len(one.cells) > 1 or one.cells[0][:1] != _COMMENT]


def _start(text: str) -> str:
    """Return the first lines of a text, since a reader takes a copy of all that it is given."""
    end, mark = 0, "\n" if "\n" in text else "\r"
    for _ in range(4 * SNIFFED_ROWS):
        end = text.find(mark, end) + 1
        if not end:
            return text
    return text[:end]


def _delimiter(text: str, file: str) -> str:
    """Find the delimiter that gives rows as long as their header, the fewest rows above it, and the most columns."""

    def fitness(delimiter: str) -> tuple[bool, bool, bool, int, int]:
        try:
            rows = [record.cells for record in _head(text, delimiter)]
        except csv.Error:
            rows = []
        if not rows:
            return False, False, False, 0, 0
        above = find_layout(rows, file).header
        width, below = len(rows[above]), Counter(len(row) for row in rows[above + 1 :])
        usual, count = below.most_common(1)[0] if below else (width, 0)
        is_regular = width > 1 and set(below) <= {width, width + 1} and len(below) <= 1
        return is_regular, usual > 1 and 2 * count > below.total(), delimiter != " ", -above, width

    return max(DELIMITERS, key=fitness)


class _Body(NamedTuple):
    """Text below the header."""

    file: str
    text: str
    delimiter: str
    width: int
    header_line: int

    def read(self) -> _Rows:
        """Return the columns, the row number of each row, and what was done."""
        comments: list[str] = []

        def judge(row: pa_csv.InvalidRow) -> str:
            if row.text.startswith(_COMMENT):
                comments.append(row.text)
                return "skip"
            return "error" if row.text.strip() else "skip"

        content = self.text.encode()
        names = [str(index) for index in range(self.width)]
        try:
            table = pa_csv.read_csv(
                pa.BufferReader(content),
                # One block: a row of a table with 100,000 columns is longer than the usual block.
                read_options=pa_csv.ReadOptions(column_names=names, block_size=len(content) + 1),
                parse_options=pa_csv.ParseOptions(
                    delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=judge
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as error:
            filled = self._filled_up()
            if filled is None:
                raise self.ragged(self.width) from error
            return filled
        said = (f"{self.file}: left out {counted(len(comments), 'comment line')} between the rows.",)
        return as_arrays(table), self._row_numbers(table.num_rows), said if comments else ()

    def _filled_up(self) -> _Rows | None:
        """Fill up rows that lost the empty cells at their ends, if these are cells of text columns alone.

        A short row of a table of numbers may have lost any of its cells, so that its values would move.
        """
        try:
            records = [one for one in _records(self.text, self.delimiter) if not _is_comment(one, self.width)]
        except csv.Error:
            return None
        shortest = min((len(record.cells) for record in records), default=self.width)
        lacking = range(shortest, self.width)
        cells = [record.cells + [""] * (self.width - len(record.cells)) for record in records]
        texts = {at for row in cells for at in lacking if at < len(row) and row[at] and not is_number(row[at])}
        if any(len(row) > self.width for row in cells) or texts != set(lacking) or not lacking:
            return None
        short = sum(len(record.cells) < self.width for record in records)
        note = f"{self.file}: {counted(short, 'row')} ended before the last columns of text and were filled up."
        columns = tuple(pa.array(column, pa.large_string()) for column in zip(*cells, strict=True))
        return columns, np.array([record.line for record in records], dtype=np.int64) + self.header_line, (note,)

    def ragged(self, width: int) -> TableError:
        """Return the error for the first row that is not `width` cells long."""
        wanted = f"{width} cells in every row, as in the header"
        try:
            for record in _records(self.text, self.delimiter):
                if len(record.cells) != width and not _is_comment(record, width):
                    where = f"{self.file}, row {self.header_line + record.line}"
                    return TableError(wanted=wanted, found=f"{len(record.cells)} cells", where=where, remedy=_FILL_UP)
        except csv.Error as error:
            return TableError(wanted=wanted, found=f"{error}", where=self.file, remedy=_FILL_UP)
        found = "a double quote that is never closed, or stands within a cell"
        return TableError(wanted=wanted, found=found, where=self.file, remedy=_FILL_UP)

    def _row_numbers(self, count: int) -> npt.NDArray[np.int64]:
        stripped = self.text.rstrip("\r\n")
        lines = stripped.count("\n" if "\n" in stripped else "\r") + bool(stripped)
        if lines == count:
            return np.arange(count, dtype=np.int64) + self.header_line + 1
        try:
            records = list(_records(self.text, self.delimiter))
        except csv.Error as error:
            raise self.ragged(self.width) from error
        ends = [record.line for record in records if not _is_comment(record, self.width)]
        if len(ends) != count:
            raise self.ragged(self.width)
        return np.asarray(ends, dtype=np.int64) + self.header_line


def _is_comment(record: _Record, width: int) -> bool:
    return len(record.cells) != width and record.cells[0].startswith(_COMMENT)


def _no_rows(width: int) -> tuple[pa.Array, ...]:
    return (pa.array([], pa.large_string()),) * width


def as_arrays(table: pa.Table) -> tuple[pa.Array, ...]:
    """Return the columns of a pyarrow table, each in one piece."""
    return tuple(
        pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type) for column in table.columns
    )
