"""Names in place of pseudonyms, in files of every kind that can be written again."""

import csv
import html
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.parquet as pq

from models.pseudonyms import PATTERN
from models.workbook import safe_text

_SHEETS = ("xl/worksheets/", "xl/sharedStrings.xml")
"""Parts of a workbook that hold cells; names of sheets stay, since not every name can be one."""


@dataclass(frozen=True, slots=True)
class Restored:
    """A file with the names back in.

    Attributes
    ----------
    content : bytes
    known, unknown : frozenset of str
        Pseudonyms in the file that the key knows, and those that it does not.
    """

    content: bytes
    known: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()


class _Names:
    """Names by pseudonym, and which of them were met."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self.known: set[str] = set()
        self.unknown: set[str] = set()

    def in_text(self, text: str, write: Callable[[str], str] = str) -> str:
        """Return a text with the names in it, each written as `write` says."""
        return PATTERN.sub(lambda match: self._name(match.group(), write), text)

    def _name(self, pseudonym: str, write: Callable[[str], str]) -> str:
        name = self._names.get(pseudonym)
        (self.unknown if name is None else self.known).add(pseudonym)
        return pseudonym if name is None else write(name)


def restore(content: bytes, file: str, names: Mapping[str, str]) -> Restored:
    """Put the names back into a file.

    Parameters
    ----------
    content : bytes
        A file of text in UTF-8, a CSV, TSV, JSON, HTML, SVG, Parquet or XLSX file. Any other stays as it is: what is
        drawn in a PNG or PDF cannot be written again.
    file : str
        Its name; the ending says what it is.
    names : mapping of str to str
        Names by pseudonym.

    Raises
    ------
    UnicodeDecodeError
        A text is not in UTF-8.
    zipfile.BadZipFile, pyarrow.ArrowInvalid
        A file is not what its ending says.
    """
    writer = _WRITERS.get(PurePath(file).suffix.lower())
    if writer is None:
        return Restored(content)
    met = _Names(names)
    return Restored(writer(content, met), frozenset(met.known), frozenset(met.unknown))


def _text(content: bytes, names: _Names) -> bytes:
    return names.in_text(content.decode("utf-8")).encode("utf-8")


def _markup(content: bytes, names: _Names) -> bytes:
    return names.in_text(content.decode("utf-8"), html.escape).encode("utf-8")


def _json(content: bytes, names: _Names) -> bytes:
    return names.in_text(content.decode("utf-8"), lambda name: json.dumps(name, ensure_ascii=False)[1:-1]).encode()


def _separated(delimiter: str) -> Callable[[bytes, _Names], bytes]:
    def write(content: bytes, names: _Names) -> bytes:
        rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
        target = io.StringIO(newline="")
        writer = csv.writer(target, delimiter=delimiter, lineterminator="\n")
        writer.writerows([names.in_text(cell) for cell in row] for row in rows)
        return target.getvalue().encode("utf-8")

    return write


def _parquet(content: bytes, names: _Names) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    columns = [
        pa.chunked_array([_texts(chunk, names) for chunk in column.chunks], column.type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
        else column
        for column in table.columns
    ]
    headers = [names.in_text(field.name) for field in table.schema]
    fields = [field.with_name(header) for field, header in zip(table.schema, headers, strict=True)]
    sink = io.BytesIO()
    pq.write_table(pa.table(columns, schema=pa.schema(fields, metadata=table.schema.metadata)), sink)
    return sink.getvalue()


def _texts(chunk: pa.Array, names: _Names) -> pa.Array:
    """Return the texts of a column, each different one looked up once."""
    coded = chunk.dictionary_encode()
    words = [None if word is None else names.in_text(word) for word in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, chunk.type)).cast(chunk.type)


def _workbook(content: bytes, names: _Names) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            inside = source.read(member)
            if member.filename.startswith(_SHEETS) and member.filename.endswith(".xml"):
                inside = names.in_text(inside.decode("utf-8"), _cell_text).encode("utf-8")
            target.writestr(member, inside)
    return sink.getvalue()


def _cell_text(name: str) -> str:
    return escape(safe_text(name), {'"': "&quot;"})


_WRITERS: dict[str, Callable[[bytes, _Names], bytes]] = {
    ".csv": _separated(","),
    ".tsv": _separated("\t"),
    ".txt": _text,
    ".md": _text,
    ".json": _json,
    ".html": _markup,
    ".svg": _markup,
    ".parquet": _parquet,
    ".xlsx": _workbook,
}
