"""Lines of a search table: decoded, comments apart from rows, and files of another kind known by how they begin."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from configs.errors import TableError
from models.compressed import decompressed
from models.hits import COLUMNS, NUMBERS

Row = tuple[int, str]
"""Line number from 1, and the line."""

RERUN = (
    "Give a BLAST or DIAMOND table of outfmt 6, 7 or 10, or what HMMER writes with --tblout or --domtblout; "
    "where the columns are not the twelve standard ones, name them: {path: FILE, columns: [qseqid, sseqid, ...]}."
)
_BLAST_TABLE = "Search again with -outfmt 6 or 7."
_HMMER_TABLE = "Search again with --tblout or --domtblout; what HMMER prints by default is for reading."

_DIAMOND_ARCHIVE = b"\x6b\xe3\x3e\x6d\x47\x53\x0e\x3c"

_TEXT = (
    (r">", "a FASTA file", "Name known proteins under references, and those of the genes under homology.proteins."),
    (r"HMMER\d", "a file of profiles", "Name it under profiles, not under tables."),
    (r"# STOCKHOLM", "an alignment", "Make a profile of it with hmmbuild and name that under profiles."),
    (r"<\?xml|<!DOCTYPE|<BlastOutput|<BlastXML", "an XML report (outfmt 5, 14 or 16)", _BLAST_TABLE),
    (r"[{\[]\s*$|\{\"", "a JSON report (outfmt 12, 13 or 15)", _BLAST_TABLE),
    (
        r"Seq-annot|Blast4-archive",
        "an ASN.1 report (outfmt 8 or 11)",
        f"{_BLAST_TABLE} blast_formatter turns 11 into 6.",
    ),
    (r"[A-Z]*BLAST[A-Z]* \d", "a report for reading (outfmt 0 to 4)", _BLAST_TABLE),
    (r"@(HD|SQ|PG|RG|CO)\t", "a SAM file", _BLAST_TABLE),
    (r"# [a-z]*hmm[a-z]* ::", "a HMMER report for reading", _HMMER_TABLE),
    (r"# (Sequence|Domain|hit) scores", "a HMMER table of --pfamtblout", _HMMER_TABLE),
    (r"#target name .*\bmdl\b", "a table of cmsearch or cmscan", "These search for RNA; use hmmsearch for proteins."),
)
"""How the first line of a text file of another kind begins, what the file is, and what to do."""


@dataclass(frozen=True, slots=True)
class SearchLines:
    """Lines of one file.

    Attributes
    ----------
    name : str
        Name of the file, for messages.
    comments : tuple of (int, str)
        Lines that begin with ``#``.
    rows : tuple of (int, str)
        The other lines, without empty ones.
    """

    name: str
    comments: tuple[Row, ...]
    rows: tuple[Row, ...]

    @property
    def heading(self) -> str:
        """All comments."""
        return "\n".join(text for _, text in self.comments)


def read_lines(content: bytes, name: str) -> SearchLines:
    """Decode a file, plain or gzip, and part its lines; Windows line ends and byte order marks are taken off.

    Raises
    ------
    TableError
        A truncated gzip, a binary file, a text file that is known to be no search table.
    """
    comments: list[Row] = []
    rows: list[Row] = []
    for number, line in _numbered(_decode(content, name)):
        if line.startswith("#"):
            comments.append((number, line))
        elif line.strip():
            rows.append((number, line))
    lines = SearchLines(name, tuple(comments), tuple(rows))
    known = _known_kind(lines)
    if known is not None:
        raise known
    return lines


def other_kind(lines: SearchLines) -> TableError:
    """Return the error for a file whose kind is not known, with its first line."""
    number, text = (lines.rows or lines.comments)[0]
    return _error(f"a file of another kind, with the line {text[:60]!r}", f"{lines.name}, line {number}", RERUN)


def _numbered(text: str) -> Iterator[Row]:
    return ((number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), start=1))


def _decode(content: bytes, name: str) -> str:
    content = decompressed(content, name)
    if content[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}:  # what PowerShell writes with ">"
        return content.decode("utf-16", errors="replace")
    if content.startswith(_DIAMOND_ARCHIVE):
        found, remedy = "a DIAMOND archive (outfmt 100)", "Turn it into a table: diamond view --daa FILE --outfmt 6."
        raise _error(found, name, remedy)
    if b"\x00" in content:
        found = "a binary file"
        raise _error(found, name, RERUN)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # descriptions may come from any century
        return content.decode("latin-1")


def _known_kind(lines: SearchLines) -> TableError | None:
    first = min((*lines.rows[:1], *lines.comments[:1]), default=None)
    if first is None:
        return None
    number, text = first
    if text.count("\t") >= 3 and not text.startswith("@"):  # a table, whatever its first id looks like
        return None
    for pattern, found, remedy in _TEXT:
        if re.match(pattern, text):
            return _error(found, f"{lines.name}, line {number}", remedy)
    return None


def _error(found: str, where: str, remedy: str) -> TableError:
    wanted = "a search table of BLAST, DIAMOND or HMMER"
    return TableError(wanted=wanted, found=found, where=where, remedy=remedy)


def no_hits() -> pd.DataFrame:
    """Return a table of hits without rows."""
    return pd.DataFrame({column: pd.Series(dtype="float64" if column in NUMBERS else "str") for column in COLUMNS})
