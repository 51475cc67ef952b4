"""Files that may be gzip, whole or line by line."""

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from configs.errors import TableError

_GZIP = b"\x1f\x8b"
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"7z\xbc\xaf": "7z",
}


def is_gzip(content: bytes) -> bool:
    """Say whether a file begins as gzip does."""
    return content.startswith(_GZIP)


def decompressed(content: bytes, name: str) -> bytes:
    """Return the content of a file, unpacked if it is gzip.

    Parameters
    ----------
    content : bytes
        The file, gzip (also of several members, as bgzip writes) or plain.
    name : str
        Name of the file, for messages.

    Raises
    ------
    TableError
        A gzip that is truncated or damaged, or an archive of another kind.
    """
    with _stream(content, name) as stream:
        return stream.read()


def text_lines(content: bytes, name: str) -> Iterator[str]:
    r"""Iterate over the lines of a text file, gzip or plain, of which only a block is unpacked at a time.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain; UTF-8, bytes of other encodings come out as ``\xe9``.
    name : str
        Name of the file, for messages.

    Yields
    ------
    str
        One line, whatever its ending was written as, with a newline at its end.

    Raises
    ------
    TableError
        A gzip that is truncated or damaged, or an archive of another kind.
    """
    with _stream(content, name) as stream:
        yield from io.TextIOWrapper(stream, encoding="utf-8-sig", errors="backslashreplace")


@contextmanager
def _stream(content: bytes, name: str) -> Iterator[io.BytesIO | gzip.GzipFile]:
    """Open the content; what gzip finds wrong in it on reading is said in our words."""
    for magic, kind in _ARCHIVES.items():
        if content.startswith(magic):
            raise TableError(
                wanted="a plain or gzip file",
                found=f"a file packed with {kind}",
                where=name,
                remedy="Unpack it, or pack it with gzip.",
            )
    raw = io.BytesIO(content)
    try:
        yield gzip.GzipFile(fileobj=raw) if is_gzip(content) else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(
            wanted="a whole gzip file",
            found=f"one that ends too early or is damaged ({error})",
            where=name,
            remedy="Copy or download the file again.",
        ) from error
