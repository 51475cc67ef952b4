"""Bytes of a text file to text: byte order marks, UTF-8, UTF-16, and the older encodings of spreadsheets."""

import codecs
import re
from dataclasses import dataclass

from configs.errors import TableError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_USUAL = "cp1252"
_OLDER = (_USUAL, "cp1250", "cp1251", "mac_roman", "shift_jis", "euc_jp", "gb18030", "big5", "cp949", "euc_kr")
_NAMES = {_USUAL: "Windows-1252", "cp1250": "Windows-1250", "cp1251": "Windows-1251"}
_CHAOS = 0.1
"""Windows-1252 is taken unless another encoding is less chaotic by more than this share."""
_SNIFFED = 1 << 16
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text of a file, the encoding it was in, and what to say of it."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode_text(content: bytes, file: str) -> Decoded:
    """Decode a text file.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.

    Returns
    -------
    Decoded
        Text without a byte order mark. What is not Unicode is said in the notes.

    Raises
    ------
    TableError
        For bytes that are no text, and for a text that ends within a character.
    """
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    encoding = marked or _unmarked_utf16(content) or "utf-8"
    try:
        decoded = Decoded(content.decode(encoding), encoding)
    except UnicodeDecodeError as error:
        if marked or error.reason == "unexpected end of data":
            raise _damaged(file, encoding) from error
        decoded = _older(content, file)
    if _CONTROL.search(decoded.text, 0, _SNIFFED):
        raise _no_text(file)
    return decoded


def _unmarked_utf16(content: bytes) -> str | None:
    """Know UTF-16 without a mark by its zero bytes, which stand in every second place of western text."""
    head = content[:4096]
    for encoding, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if zeros.count(0) > len(zeros) / 2 and not others.count(0):
            return encoding
    return None


def _older(content: bytes, file: str) -> Decoded:
    # Only lines with such bytes tell encodings apart, and they are few in a large table.
    lines = b"\n".join(line for line in re.split(rb"[\r\n]+", content[: 1 << 24]) if not line.isascii())[:_SNIFFED]
    encoding = _guess(lines or content[-_SNIFFED:])
    try:
        text = content.decode(encoding) if encoding else ""
    except UnicodeDecodeError:
        text = ""
    if not encoding or not text:
        raise _no_text(file)
    note = f"{file} is not UTF-8; it was read as {_NAMES.get(encoding, encoding)}."
    if encoding != _USUAL:
        note += " If names look wrong, save it as UTF-8."
    return Decoded(text, encoding, (note,))


def _guess(lines: bytes) -> str | None:
    from charset_normalizer import from_bytes  # noqa: PLC0415 - few files need it

    matches = from_bytes(lines, cp_isolation=list(_OLDER), enable_fallback=False)
    best = matches.best()
    usual = [one for one in matches if _USUAL in one.could_be_from_charset]
    if usual and best is not None and usual[0].chaos <= best.chaos + _CHAOS:
        return _USUAL
    return best.encoding if best is not None else None


def _no_text(file: str) -> TableError:
    return TableError(
        wanted="a CSV, TSV, XLSX or Parquet table",
        found="bytes that are no text",
        where=file,
        remedy="Check that the path names the right file and that it opens as a table.",
    )


def _damaged(file: str, encoding: str) -> TableError:
    return TableError(
        wanted="a whole text file",
        found=f"one that is {encoding} and breaks off or is damaged within a character",
        where=file,
        remedy="Copy or export the file again.",
    )
