"""Everything in a file that can be read as text, whatever it is packed in."""

import base64
import binascii
import gzip
import html
import io
import re
import zipfile
from collections.abc import Collection, Iterator
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from models.pdf_texts import inflated, pdf_texts

_DEEPEST = 8
_DATA_URI = re.compile(r"(?<=;base64,)[A-Za-z0-9+/=\s]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_EXCEL_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_JSON_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")
_TAG = re.compile(r"<[^<>]*>")
# Where cells stand, not what they hold: A1 is the name of many a sample, too.
_CELL_ADDRESS = re.compile(
    r'\b(?:r|ref|sqref|topLeftCell|activeCell)="[^"]*"|!\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?'
)
_PNG = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IDAT", b"fdAT", b"PLTE", b"tRNS")


def texts_of(content: bytes, *, depth: int = 0) -> Iterator[str]:
    """Yield all text of a file.

    Parameters
    ----------
    content : bytes
        A file of any kind. Known are ZIP (and so XLSX), gzip, PNG, PDF, Parquet, and text of any kind, in which
        escapes of HTML, XML, JSON, URLs and Excel are undone and base64 is unpacked.

    Yields
    ------
    str
        The text as it stands and as it is meant; some of it more than once. Pixels are no text.

    Raises
    ------
    ValueError
        The file is packed in itself too often.
    """
    if depth > _DEEPEST:
        message = f"a file is packed in more than {_DEEPEST} layers"
        raise ValueError(message)
    if content.startswith(b"PK\x03\x04"):
        yield from _zip_texts(content, depth)
    elif content.startswith(b"\x1f\x8b"):
        yield from texts_of(gzip.decompress(content), depth=depth + 1)
    elif content.startswith(_PNG):
        yield from _png_texts(content, depth)
    elif content.startswith(b"%PDF"):
        texts, packed = pdf_texts(content)
        yield from texts
        for stream in packed:
            yield from texts_of(stream, depth=depth + 1)
    elif content.startswith(b"PAR1"):
        yield from _parquet_texts(content)
    else:
        yield from _plain_texts(_as_text(content), depth)


def _as_text(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _plain_texts(text: str, depth: int) -> Iterator[str]:
    """Yield a text, what its escapes mean, and what is packed in it, which would make words by chance."""
    for pattern in (_DATA_URI, _BASE64) if ";base64," in text else (_BASE64,):
        packed = {run: _from_base64("".join(run.split())) for run in pattern.findall(text)}
        unpacked = {run: content for run, content in packed.items() if content is not None}
        for content in unpacked.values():
            yield from texts_of(content, depth=depth + 1)
        if unpacked:
            text = _without(pattern, unpacked, text)
    yield from _meanings(text)


def _without(pattern: re.Pattern[str], unpacked: Collection[str], text: str) -> str:
    return pattern.sub(lambda match: " " if match.group() in unpacked else match.group(), text)


def _meanings(text: str) -> Iterator[str]:
    """Yield a text as it stands, without escapes, and without the tags that may divide a word."""
    yield text
    meant = html.unescape(text) if "&" in text else text
    meant = _JSON_ESCAPE.sub(_letter, meant) if "\\u" in meant else meant
    meant = _EXCEL_ESCAPE.sub(_letter, meant) if "_x" in meant else meant
    if meant != text:
        yield meant
    if "%" in meant:
        yield unquote(meant)
    if "</" in text:
        yield html.unescape(_TAG.sub("", text))


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape.group(1), 16))


def _from_base64(packed: str) -> bytes | None:
    """Return what base64 holds, where that is a known kind of file or text; long words of other kinds hold neither."""
    try:
        unpacked = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return None
    if unpacked.startswith((b"PK\x03\x04", b"\x1f\x8b\x08", _PNG, b"%PDF", b"PAR1", b"\xff\xfe", b"\xfe\xff")):
        return unpacked
    try:
        unpacked.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return unpacked if _readable(unpacked) else None


def _zip_texts(content: bytes, depth: int) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        yield packed.comment.decode("latin-1")
        members = packed.infolist()
        is_workbook = any(member.filename.startswith("xl/") for member in members)
        for member in members:
            yield member.filename
            yield member.comment.decode("latin-1")
            inside = packed.read(member)
            if is_workbook and member.filename.endswith((".xml", ".rels")):
                yield from _plain_texts(_CELL_ADDRESS.sub("", _as_text(inside)), depth + 1)
            else:
                yield from texts_of(inside, depth=depth + 1)


def _png_texts(content: bytes, depth: int) -> Iterator[str]:
    """Yield the text of all chunks, unpacked where it is packed; pixels are none."""
    place = len(_PNG)
    while place + 8 <= len(content):
        size, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        data = content[place + 8 : place + 8 + size]
        if kind not in _PIXELS:
            parts = [part for part in data.split(b"\0") if part] + list(_inflated_after_nulls(data))
            for text in filter(None, map(_readable, parts)):
                yield from _plain_texts(text, depth + 1)
        place += size + 12


def _inflated_after_nulls(data: bytes) -> Iterator[bytes]:
    """Yield what is deflated after some null byte, as the texts of zTXt and iTXt and the profile of iCCP are."""
    for null in (match.start() for match in re.finditer(rb"\x00", data)):
        if found := inflated(data[null + 1 :]):
            yield found


def _readable(content: bytes) -> str | None:
    """Return bytes as text, in UTF-8 or else Latin-1, or None where they are no text: random bytes make words, too."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    odd = sum(not letter.isprintable() for letter in set(text) - set("\t\r\n\f"))
    return text if not odd else None


def _parquet_texts(content: bytes) -> Iterator[str]:
    """Yield metadata, headers, and each different text of a Parquet file."""
    file = pq.ParquetFile(pa.BufferReader(content))
    yield str(file.metadata.created_by)
    for key, value in (file.metadata.metadata or {}).items():
        if key != b"ARROW:schema":  # headers and types once more, packed
            yield from _plain_texts(f"{_as_text(key)} {_as_text(value)}", 1)
    for field in file.schema_arrow:
        yield from _plain_texts(f"{field.name} {field.metadata or ''}", 1)
    for batch in file.iter_batches():
        for column in batch.columns:
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                yield from _plain_texts("\n".join(filter(None, column.unique().to_pylist())), 1)
            elif pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
                yield from (text for cell in column.to_pylist() if cell for text in texts_of(cell, depth=1))
            elif pa.types.is_dictionary(column.type):
                yield from _plain_texts("\n".join(map(str, column.dictionary.to_pylist())), 1)
