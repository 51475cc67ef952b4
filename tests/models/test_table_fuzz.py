"""Damaged tables are read or refused in plain words: no traceback, no hang, and no row that is dropped in silence."""

import csv
import gzip
import io
import re

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import UserError
from configs.study import LayerConfig
from models.looking import look_at_table
from models.reading import Reading, read_layer

SAMPLES = ("s1", "s2", "s3", "s4")
HEADERS = (
    ("id", *SAMPLES),
    ("", *SAMPLES),
    ("Geneid", "Chr", "Start", "End", "Strand", "Length", *(f"/data/{one}.bam" for one in SAMPLES)),
    ("row ID", "row m/z", "row retention time", *(f"{one}.mzML Peak area" for one in SAMPLES)),
    ("gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"),
    ("tracking_id", "condition", "replicate", "raw_frags", "FPKM", "status"),
    ("Protein IDs", "Majority protein IDs", "Fasta headers", *(f"LFQ intensity {one}" for one in SAMPLES), "Reverse"),
    ("mz", "mzmin", "mzmax", "rt", "rtmin", "rtmax", "npeaks", "KO", *SAMPLES),
)
JUNK = (
    "",
    "# comment",
    "Table S1. Values",
    "\t\t\t",
    ",,,",
    "NA",
    "'",
    '"',
    '"open',
    "x" * 300,
    "a;b;c",
    "\x00",
    "ß,1,2",
)
NUMBERS = st.sampled_from(("0", "1", "2.5", "NA", "", "1e3", "12"))
ODD = st.sampled_from(("1,5", "1,234", "-1", "inf", "OK", "x", "1.234,5", "'7", '"8', "+"))
ROWS = st.lists(st.lists(NUMBERS, min_size=11, max_size=11), min_size=2, max_size=8)


def given_back(content: bytes, known: frozenset[str], **config: str) -> Reading | None:
    """Read a table; None where it is refused in words that say what, where and what to do."""
    refusals = []
    reading = None
    try:
        look_at_table(content, "t.csv")
    except UserError as error:
        refusals.append(error)
    try:
        reading = read_layer(
            content, "t.csv", name="x", config=LayerConfig(path="t.csv", **config), unit="log2", known_samples=known
        )
    except UserError as error:
        refusals.append(error)
    for error in refusals:
        assert all((error.where, error.wanted, error.found, error.remedy))
    return reading


def told(notes: tuple[str, ...], pattern: str) -> int:
    """Sum what the notes say was left out."""
    return sum(int(match[1].replace(",", "")) for note in notes for match in re.finditer(pattern, note))


def table(header: tuple[str, ...], rows: list[list[str]], delimiter: str, ending: str) -> str:
    sink = io.StringIO(newline="")
    body = [[f"g{number}", *row[: len(header) - 1]] for number, row in enumerate(rows)]
    csv.writer(sink, delimiter=delimiter, lineterminator=ending).writerows([header, *body])
    return sink.getvalue()


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, frozenset[str]]:
    """Return a table that went through a few hands, and the ids of the rows that came through whole."""
    header, rows = draw(st.sampled_from(HEADERS)), draw(ROWS)
    if draw(st.integers(0, 3)) == 0:
        rows[0][draw(st.integers(0, 10))] = draw(ODD)
    ending, delimiter = draw(st.sampled_from(("\n", "\r\n", "\r"))), draw(st.sampled_from("\t,;| "))
    written = table(header, rows, delimiter, ending).split(ending)
    lines = list(written)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        change = draw(st.sampled_from(("junk", "drop", "twice", "short", "swap", "long")))
        lines[at : at + 1] = {
            "junk": [draw(st.sampled_from(JUNK)), lines[at]],
            "drop": [],
            "twice": [lines[at], lines[at]],
            "short": [lines[at][: draw(st.integers(0, 20))]],
            "swap": [lines[at].replace(",", ";").replace("\t", ",")],
            "long": [lines[at] + draw(st.sampled_from(("\t", ",", ";1", ",2\t")))],
        }[change]
        lines = lines or [""]
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-32")))
    content = ending.join(lines).encode(encoding, errors="replace")
    whole = frozenset(line.split(delimiter)[0] for line in set(lines) & set(written[1:]) if line)
    if draw(st.integers(0, 3)) == 0:
        at, junk = draw(st.integers(0, len(content))), draw(st.binary(max_size=6))
        content, whole = content[:at] + junk + content[at + len(junk) * draw(st.integers(0, 1)) :], frozenset()
    if draw(st.integers(0, 3)) == 0:
        content, whole = content[: draw(st.integers(0, len(content)))], frozenset()
    return (gzip.compress(content) if draw(st.integers(0, 5)) == 0 else content), whole


@given(mutated(), st.sampled_from((frozenset(), frozenset(SAMPLES), frozenset({"g0", "g1"}))))
@settings(max_examples=80, deadline=5000)
def test_a_damaged_table_never_ends_in_a_traceback_or_a_hang(damaged, known):
    content, whole = damaged
    read = given_back(content, known)
    if read is None:
        return
    layer = read.layer
    assert layer.values.shape == (len(layer.feature_ids), len(layer.sample_ids))
    told_of = " ".join(read.notes)
    lost = {one for one in whole - {*layer.feature_ids, *layer.sample_ids} if f"'{one}'" not in told_of}
    assert not lost or "was taken for the header" in told_of or "left out the rows" in told_of


@given(
    st.lists(st.lists(st.integers(1, 999), min_size=4, max_size=4), min_size=3, max_size=9),
    st.lists(st.sampled_from(("Title of it", "# made by hand", "", "Note, 2 parts")), max_size=4),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(("# note", "", "   ", "{d}{d}{d}{d}"))), max_size=4),
    st.sampled_from("\t,;|"),
    st.sampled_from(("\n", "\r\n", "\r")),
    st.sampled_from(("utf-8", "utf-8-sig", "utf-16")),
)
@settings(deadline=5000)
def test_no_row_is_dropped_in_silence(rows, above, between, delimiter, ending, encoding):
    body = [delimiter.join((f"g{number}", *map(str, row))) for number, row in enumerate(rows)]
    lines = [*above, delimiter.join(("id", *SAMPLES)), *body]
    for at, junk in between:
        lines.insert(len(above) + 1 + min(at, len(rows)), junk.format(d=delimiter))
    content = (ending.join(lines) + ending).encode(encoding)
    read = given_back(content, frozenset(SAMPLES))
    if read is None:  # a title with as many cells as the header
        assert any(delimiter in title for title in above)
        return
    assert read.layer.feature_ids == tuple(f"g{number}" for number in range(len(rows)))
    assert read.layer.values.tolist() == [[float(cell) for cell in row] for row in rows]
    assert told(read.notes, r"left out ([\d,]+) comment") == sum(line == "# note" for _, line in between)
    titles = sum(bool(title) and not title.startswith("#") for title in above)
    assert told(read.notes, r"has ([\d,]+) rows? above") == titles


@given(st.integers(0, 8), st.integers(0, 4), st.sampled_from("\t,;"))
def test_a_cell_that_is_lost_is_found(row, column, delimiter):
    lines = [[f"g{number}", *(str(number + place) for place in range(1, 5))] for number in range(9)]
    del lines[row][column]
    content = "\n".join(delimiter.join(line) for line in [["id", *SAMPLES], *lines]).encode()
    assert given_back(content, frozenset()) is None


@given(
    st.lists(st.floats(0, 1e6, width=32).filter(lambda x: x == 0 or x > 1e-3), min_size=2, max_size=30),
    st.sampled_from("\t;"),
)
def test_decimal_commas_give_the_numbers_of_decimal_points_or_are_refused(numbers, delimiter):
    cells = [f"{number:.4f}" for number in numbers]
    rows = [f"g{index}{delimiter}{cell}" for index, cell in enumerate(cells)]
    content = "\n".join([f"id{delimiter}s1", *rows])
    expected = given_back(content.encode(), frozenset({"s1"}))
    found = given_back(content.replace(".", ",").encode(), frozenset({"s1"}))
    assert expected is not None
    assert found is not None  # four digits behind a comma are no thousands
    assert found.layer.values.tolist() == expected.layer.values.tolist()
    assert told(found.notes, r"([\d,]+) numbers? with decimal commas") == len(numbers)


@given(st.binary(max_size=400))
@settings(max_examples=30, deadline=5000)
def test_any_bytes_at_all(content):
    assert given_back(content, frozenset()) is None or content.count(b"\n") + content.count(b"\r") > 0
    for magic in (b"PK\x03\x04", b"PAR1", b"\x1f\x8b", b"\x89HDF\r\n\x1a\n"):
        assert given_back(magic + content, frozenset()) is None


@given(st.integers(0, 10**6), st.binary(min_size=1, max_size=8), st.booleans())
@settings(max_examples=30, deadline=5000)
def test_a_damaged_workbook(place, junk, cut):
    book = openpyxl.Workbook()
    for row in (["id", "s1"], ["g1", 1], ["g2", 2.5]):
        book.active.append(row)
    sink = io.BytesIO()
    book.save(sink)
    content = sink.getvalue()
    at = place % len(content)
    damaged = content[:at] if cut else content[:at] + junk + content[at + len(junk) :]
    read = given_back(damaged, frozenset())
    assert read is None or read.layer.values.shape[1] == 1
