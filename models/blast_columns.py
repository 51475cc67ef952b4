"""Columns of BLAST's and DIAMOND's tables: which they are, by the user, the file itself, or the standard."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from configs.errors import TableError, first_of
from models.search_lines import SearchLines

STANDARD = (
    *("qseqid", "sseqid", "pident", "length", "mismatch", "gapopen"),
    *("qstart", "qend", "sstart", "send", "evalue", "bitscore"),
)
"""The twelve columns of outfmt 6, in order."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    "query": ("query acc.ver", "query id", "query acc.", "qseqid", "qaccver", "qacc", "query"),
    "subject": ("subject acc.ver", "subject id", "subject acc.", "sseqid", "saccver", "sacc", "subject", "target"),
    "evalue": ("evalue", "e-value", "expected value"),
    "bit_score": ("bit score", "bitscore", "bits"),
    "query_start": ("q. start", "qstart", "start of alignment in query"),
    "query_end": ("q. end", "qend", "end of alignment in query"),
    "subject_start": ("s. start", "sstart", "tstart", "start of alignment in subject"),
    "subject_end": ("s. end", "send", "tend", "end of alignment in subject"),
    "query_length": ("query length", "qlen"),
    "subject_length": ("subject length", "slen", "tlen"),
    "domain_evalue": (),
    "domain_score": (),
}
"""Names that BLAST+, DIAMOND and MMseqs2 give to the columns that are read, in lower case, the best first."""

REQUIRED = ("query", "subject", "evalue", "bit_score")
_KNOWN = frozenset(synonym for synonyms in SYNONYMS.values() for synonym in synonyms)

SEPARATORS = {"\t": "tab", ",": "comma", ";": "semicolon"}
"""Separators that are found out; any other has to be named."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table, and what parts them where that was said.

    Attributes
    ----------
    names : tuple of str
        In order, in lower case.
    separator : str or None
        A single character.
    """

    names: tuple[str, ...]
    separator: str | None = None

    @property
    def positions(self) -> dict[str, int]:
        """Where each column of the table of hits stands."""
        found = {}
        for column, synonyms in SYNONYMS.items():
            position = next((self.names.index(synonym) for synonym in synonyms if synonym in self.names), None)
            if position is not None:
                found[column] = position
        return found


def read_columns(words: Sequence[str], name: str) -> Columns:
    """Return the columns that the words after ``-outfmt`` name; raises TableError if they cannot be used."""
    words = [word.strip() for word in words]
    separators = [word.removeprefix("delim=") for word in words if word.startswith("delim=")]
    if words and words[0] in {"6", "7", "10"}:
        separators += [","] if words[0] == "10" and not separators else []
        words = words[1:]
    named = [word.lower() for word in words if not word.startswith("delim=")]
    names = tuple(name for word in named for name in (STANDARD if word == "std" else (word,)))
    columns = Columns(names, separators[0] if separators else None)
    if columns.separator is not None and len(columns.separator) != 1:
        raise TableError(
            wanted="a single character after delim=",
            found=repr(columns.separator),
            where=f"the columns of {name}",
            remedy="Leave delim= out for tabs.",
        )
    check_columns(columns, f"the columns of {name}", "Name the columns as the search was asked for them.")
    return columns


def separator(row: str) -> str | None:
    """Return what parts a row of the standard columns, or None."""
    return next((mark for mark in SEPARATORS if mark == "\t" in row or row.count(mark) >= len(STANDARD) - 1), None)


def own_columns(lines: SearchLines) -> Columns | None:
    """Return the columns of the ``# Fields:`` lines or of a row of column names, or None."""
    fields = [text.removeprefix("# Fields:") for _, text in lines.comments if text.startswith("# Fields:")]
    found = [Columns(tuple(name.strip().lower() for name in line.split(", "))) for line in dict.fromkeys(fields)]
    if not found:
        candidates = [text.lstrip("# ") for _, text in (*lines.comments[:5], *lines.rows[:1])]
        found = [_header_columns(text) for text in candidates if is_header(text)][:1]
    if len({(len(columns.names), *columns.positions.items()) for columns in found}) > 1:
        raise TableError(
            wanted="the same columns throughout",
            found=f"{len(found)} different '# Fields:' lines",
            where=lines.name,
            remedy="Give the tables of different searches as files of their own.",
        )
    return found[0] if found else None


def is_header(text: str) -> bool:
    """Tell whether a line is a row of column names."""
    return len(_KNOWN.intersection(_header_columns(text).names)) >= len(REQUIRED)


def _header_columns(text: str) -> Columns:
    mark = max(SEPARATORS, key=text.count)
    return Columns(tuple(name.strip().lower() for name in text.split(mark)), mark)


def check_columns(columns: Columns, where: str, remedy: str) -> None:
    """Raise TableError where a column is absent that has to be there, or a column that is read is named twice."""
    counts = Counter(name for name in columns.names if name in _KNOWN)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise TableError(
            wanted="each column once",
            found=f"{first_of(repeated)} more than once in {', '.join(columns.names)}",
            where=where,
            remedy=remedy,
        )
    for column in REQUIRED:
        if column not in columns.positions:
            raise TableError(
                wanted=f"a column for {column.replace('_', ' ')} ({' or '.join(SYNONYMS[column])})",
                found=f"the columns {', '.join(columns.names)}",
                where=where,
                remedy=remedy,
            )
