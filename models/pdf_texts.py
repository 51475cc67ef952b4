"""What a PDF says: its strings, in the letters of their fonts."""

import re
import zlib
from collections.abc import Iterator, Mapping

_OBJECT = re.compile(rb"(\d+) 0 obj\b(.*?)endobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)endstream", re.DOTALL)
_FONT = re.compile(rb"/(F\d+) (\d+) 0 R")
_LETTERS = re.compile(rb"/ToUnicode (\d+) 0 R")
_ONE_LETTER = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>")
_SPAN = re.compile(rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:\[([^\]]*)\]|<([0-9A-Fa-f]+)>)")
_TEXT_OBJECT = re.compile(rb"\bBT\b(.*?)\bET\b", re.DOTALL)
_STRING = re.compile(rb"\(((?:\\.|[^\\()])*)\)|<([0-9A-Fa-f\s]+)>", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d+)\s+[\d.]+\s+Tf|" + _STRING.pattern, re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_NAME = re.compile(r"/[^\s/<>\[\](){}%]+")
_FILES = (b"\x89PNG", b"PK\x03\x04", b"\x1f\x8b", b"%PDF")
_NO_TEXT = bytes(byte for byte in range(256) if not 32 <= byte < 127 and byte not in b"\t\r\n")
_TEXT_SHARE = 0.7
_LITTLE_ENDIAN = b"\xff\xfe"

Letters = Mapping[int, str]
"""Letters by the codes of a font."""


def pdf_texts(content: bytes) -> tuple[list[str], list[bytes]]:
    """Return all text of a PDF, and the files that are packed in it.

    Parameters
    ----------
    content : bytes
        PDF whose streams are deflated or plain.

    Returns
    -------
    texts : list of str
        What stands outside the streams, and what they say inflated, without its own names such as /A1; every string;
        and the strings of each text object together, in the letters of their fonts: kerning, ligatures and letters of
        other scripts divide words. Fonts and pixels are no text.
    packed : list of bytes
        Streams that are files of a known kind.
    """
    fonts = _fonts(content)
    outside = _STREAM.sub(b"", content)
    texts, packed = [_NAME.sub(" ", outside.decode("latin-1")), *_strings(outside, fonts)], []
    for stream in _STREAM.findall(content):
        part = inflated(stream) or stream
        if part.startswith(_FILES):
            packed.append(part)
        elif _is_mostly_text(part):
            texts += [_NAME.sub(" ", part.decode("latin-1")), *_strings(part, fonts)]
    return texts, packed


def inflated(data: bytes) -> bytes | None:
    """Return deflated bytes as they were, or None where they are not deflated."""
    try:
        return zlib.decompressobj().decompress(data)
    except zlib.error:
        return None


def _is_mostly_text(content: bytes) -> bool:
    """Say whether a stream draws a page or is text; less than half of a font or a picture is printable."""
    return len(content.translate(None, _NO_TEXT)) > _TEXT_SHARE * len(content)


def _fonts(content: bytes) -> dict[bytes, Letters]:
    """Return the letters of each font that says what they are, by the font's name in the pages."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts = {}
    for name, number in _FONT.findall(content):
        found = _LETTERS.search(objects.get(int(number), b""))
        stream = _STREAM.search(objects.get(int(found.group(1)), b"")) if found else None
        if stream:
            fonts[name] = _letters(inflated(stream.group(1)) or stream.group(1))
    return fonts


def _letters(table: bytes) -> Letters:
    """Read a table from codes to letters (ToUnicode CMap)."""
    letters: dict[int, str] = {}
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        letters |= {int(code, 16): _utf16(text) for code, text in _ONE_LETTER.findall(part)}
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", table, re.DOTALL):
        for first, last, listed, start in _SPAN.findall(part):
            codes = range(int(first, 16), min(int(last, 16), int(first, 16) + 0xFFFF) + 1)
            if listed:
                letters |= dict(zip(codes, map(_utf16, re.findall(rb"<([0-9A-Fa-f]+)>", listed)), strict=False))
            elif int(start, 16) + len(codes) <= 0x10FFFF:
                letters |= {code: chr(int(start, 16) + code - codes[0]) for code in codes}
    return letters


def _utf16(digits: bytes) -> str:
    return bytes.fromhex(digits.decode("ascii")).decode("utf-16-be", "replace")


def _strings(part: bytes, fonts: Mapping[bytes, Letters]) -> Iterator[str]:
    """Yield every string by bytes and by pairs of them, and the strings of each text object together."""
    for shown in _TEXT_OBJECT.findall(part):
        found = _SHOWN.findall(shown)
        yield "".join(_by_bytes(_raw(written, digits)) for _, written, digits in found)
        yield "".join(_by_font(found, fonts))
    for written, digits in _STRING.findall(part):
        raw = _raw(written, digits)
        yield _by_bytes(raw)
        yield raw.decode("utf-16" if raw.startswith(_LITTLE_ENDIAN) else "utf-16-be", "replace")


def _by_font(found: list[tuple[bytes, bytes, bytes]], fonts: Mapping[bytes, Letters]) -> Iterator[str]:
    letters: Letters = {}
    for font, written, digits in found:
        letters = fonts.get(font, {}) if font else letters
        raw = _raw(written, digits)
        codes = (int.from_bytes(raw[place : place + 2]) for place in range(0, len(raw) - 1, 2))
        yield "".join(letters.get(code, chr(code)) for code in codes)


def _by_bytes(raw: bytes) -> str:
    return raw.replace(b"\x00", b"").decode("latin-1")


def _raw(written: bytes, digits: bytes) -> bytes:
    """Return a string's bytes: in brackets with escapes, or in hexadecimal digits."""
    if not digits:
        return _ESCAPE.sub(_byte, written)
    packed = re.sub(rb"\s", b"", digits)
    return bytes.fromhex((packed + b"0" * (len(packed) % 2)).decode("ascii"))


def _byte(escape: re.Match[bytes]) -> bytes:
    code = escape.group(1)
    if code.isdigit():
        return bytes([int(code, 8) % 256])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b""}.get(code, code)
