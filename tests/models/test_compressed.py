"""Files that may be gzip."""

import bz2
import gzip
import io
import lzma
import zipfile

import pytest

from configs.errors import TableError
from models.compressed import decompressed, text_lines

TEXT = "".join(f"line {number}\n" for number in range(20_000))


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        gzip.compress(TEXT.encode()),
        # bgzip writes one member after the other
        gzip.compress(TEXT[:5_000].encode()) + gzip.compress(TEXT[5_000:].encode()),
    ],
)
def test_plain_and_gzip_hold_the_same(content: bytes):
    assert decompressed(content, "f") == TEXT.encode()
    assert "".join(text_lines(content, "f")) == TEXT


def test_lines_end_as_they_may_and_bytes_of_any_encoding_are_told_apart():
    content = "\ufeffä\r\nb\rc\n".encode() + b"\xe4\n\xf6"
    assert list(text_lines(content, "f")) == ["ä\n", "b\n", "c\n", "\\xe4\n", "\\xf6"]


def test_a_truncated_gzip_gives_its_lines_and_then_an_error():
    lines = text_lines(gzip.compress(TEXT.encode())[:-2_000], "f.gz")
    assert next(lines) == "line 0\n"
    with pytest.raises(TableError, match=r"f.gz: wanted a whole gzip file, found one that ends too early") as error:
        list(lines)
    assert "Copy or download the file again." in str(error.value)
    with pytest.raises(TableError, match="whole gzip file"):
        decompressed(gzip.compress(TEXT.encode())[:-2_000], "f.gz")


def test_a_damaged_gzip_is_an_error():
    content = bytearray(gzip.compress(TEXT.encode()))
    content[len(content) // 2 : len(content) // 2 + 50] = bytes(50)
    with pytest.raises(TableError, match="whole gzip file"):
        list(text_lines(bytes(content), "f.gz"))


def _zip() -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a.txt", "text")
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"), [(_zip(), "zip"), (bz2.compress(b"text"), "bzip2"), (lzma.compress(b"text"), "xz")]
)
def test_other_archives_are_named(content: bytes, kind: str):
    with pytest.raises(TableError, match=f"f: wanted a plain or gzip file, found a file packed with {kind}. Unpack it"):
        decompressed(content, "f")
