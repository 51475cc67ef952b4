"""Rows of HMMER's tables: columns aligned with blanks, names that may hold blanks, a description of any words."""

import math
import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from configs.errors import TableError
from models.hits import COLUMNS, NUMBERS, Hits
from models.search_lines import RERUN, Row, SearchLines, no_hits

PROGRAMS = ("hmmsearch", "hmmscan", "phmmer", "jackhmmer", "nhmmer", "nhmmscan")
"""Programs whose tables are read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns of one kind of HMMER table stand.

    Attributes
    ----------
    name : str
        Kind of the table.
    width : int
        Fields before the description.
    leading : int
        Fields before the first that is a number in every row and follows all names.
    text : tuple of int
        Fields that are no numbers.
    strand : int or None
        Field that is '+' or '-'.
    positions : dict of str to int
        Field of each column of the table of hits, as hmmsearch means them: coordinates on the profile are the query's.
    """

    name: Literal["tblout", "domtblout", "nhmmer_tblout"]
    width: int
    leading: int
    text: tuple[int, ...]
    positions: dict[str, int]
    strand: int | None = None

    def wrong_field(self, fields: Sequence[str]) -> int | None:
        """Return the first field that does not hold what it should, or None."""
        return next((index for index, field in enumerate(fields[: self.width]) if not self._holds(index, field)), None)

    def _holds(self, index: int, field: str) -> bool:
        if index == self.strand:
            return field in {"+", "-"}
        return index in self.text or _is_number(field)

    def fits(self, fields: Sequence[str]) -> bool:
        """Tell whether a row that was cut at blanks has this layout."""
        return len(fields) >= self.width and self.wrong_field(fields) is None


TBLOUT = Layout("tblout", 18, 4, (0, 1, 2, 3), {"subject": 0, "query": 2, "evalue": 4, "bit_score": 5})
DOMTBLOUT = Layout(
    "domtblout",
    22,
    6,
    (0, 1, 3, 4),
    {
        "subject": 0,
        "subject_length": 2,
        "query": 3,
        "query_length": 5,
        "evalue": 6,
        "bit_score": 7,
        "domain_evalue": 12,
        "domain_score": 13,
        "query_start": 15,
        "query_end": 16,
        "subject_start": 17,
        "subject_end": 18,
    },
)
NHMMER_TBLOUT = Layout(
    "nhmmer_tblout",
    15,
    4,
    (0, 1, 2, 3),
    {
        "subject": 0,
        "query": 2,
        "query_start": 4,
        "query_end": 5,
        "subject_start": 6,
        "subject_end": 7,
        "subject_length": 10,
        "evalue": 12,
        "bit_score": 13,
    },
    strand=11,
)
LAYOUTS = (DOMTBLOUT, NHMMER_TBLOUT, TBLOUT)


def is_hmmer(lines: SearchLines) -> bool:
    """Tell whether a file is a table of HMMER, by its comments, or by its first rows where they are gone."""
    if any(mark in lines.heading for mark in ("# target name", "--- full sequence ---", "# Program:")):
        return True
    parts = [text.split("\t", 1)[0].split() for _, text in lines.rows[:5]]  # a description may hold tabs
    return bool(parts) and all(any(layout.fits(fields) for layout in LAYOUTS) for fields in parts)


def read_hmmer(lines: SearchLines) -> Hits:
    """Return the hits of a HMMER table.

    Parameters
    ----------
    lines : SearchLines
        Lines of the file; of HMMER 3.0, which names no program, as well.

    Raises
    ------
    TableError
        Tables of two kinds in one file, a program whose columns mean something else, too few columns, a number that is
        none, names with blanks that nothing tells apart.
    """
    profile_side = _profile_side(lines)
    layout = _layout(lines)
    nucleotides = f"{lines.name} was written by nhmmer, which compares nucleotides: its positions are no residues."
    notes = (nucleotides,) if layout is NHMMER_TBLOUT else ()
    if not lines.rows:
        return Hits(no_hits(), layout.name, lines.name, profile_side, notes)
    frame = _parse_rows(lines, layout)
    return Hits(
        exchange_coordinates(frame) if profile_side == "subject" else frame,
        layout.name,
        lines.name,
        profile_side,
        notes,
    )


def exchange_coordinates(frame: pd.DataFrame) -> pd.DataFrame:
    """Exchange the coordinates of query and subject: HMMER writes those on the profile first."""
    pairs = [(f"query_{end}", f"subject_{end}") for end in ("start", "end")]
    names = {old: new for a, b in pairs for old, new in ((a, b), (b, a))}
    return frame.rename(columns=names)[list(COLUMNS)]


def _profile_side(lines: SearchLines) -> Literal["query", "subject"] | None:
    programs = {text.split(":", 1)[1].strip().lower() for _, text in lines.comments if text.startswith("# Program:")}
    foreign = sorted(programs.difference(PROGRAMS))
    if foreign:
        raise TableError(
            wanted=f"a table of {', '.join(PROGRAMS)}", found=f"one of {foreign[0]}", where=lines.name, remedy=RERUN
        )
    scans = {program.endswith("scan") for program in programs}  # the mode is wrong in tables of hmmscan 3.1b2
    if len(scans) > 1:
        raise TableError(
            wanted="one search",
            found="rows of hmmsearch and of hmmscan in one file",
            where=lines.name,
            remedy="Give the two as files of their own; their columns mean different things.",
        )
    return None if not scans else "subject" if scans.pop() else "query"


def _layout(lines: SearchLines) -> Layout:
    headings = [text for _, text in lines.comments if "target name" in text]
    found = {_layout_of(text).name: _layout_of(text) for text in headings}
    if len(found) > 1:
        raise TableError(
            wanted="one kind of table",
            found=f"rows of {' and of '.join(found)} in one file",
            where=lines.name,
            remedy="Give the two as files of their own.",
        )
    if found:
        return found.popitem()[1]
    first = lines.rows[0][1].split() if lines.rows else []
    return next((layout for layout in LAYOUTS if layout.fits(first)), TBLOUT)


def _layout_of(heading: str) -> Layout:
    return NHMMER_TBLOUT if "hmmfrom" in heading else DOMTBLOUT if "tlen" in heading else TBLOUT


def _parse_rows(lines: SearchLines, layout: Layout) -> pd.DataFrame:
    """Return the table of hits, coordinates as hmmsearch means them.

    A comment line of dashes stands above each table; its dashes end where the columns end, which tells names with
    blanks apart.
    """
    rulers = [(number, text) for number, text in lines.comments if re.fullmatch(r"#[ -]*-{5}[ -]*", text)]
    starts = [number for number, _ in rulers]
    ends = [[], *([match.end() for match in re.finditer("-+", f" {text[1:]}")] for _, text in rulers)]
    parsed = [_fields(row, layout, ends[bisect(starts, row[0])], lines.name) for row in lines.rows]
    columns: dict[str, pd.Series] = {}
    for column in COLUMNS:
        position = layout.positions.get(column)
        values = [math.nan] * len(parsed) if position is None else [fields[position] for fields in parsed]
        columns[column] = pd.Series(values, dtype="str" if column in {"query", "subject"} else None)
    return pd.DataFrame(columns).astype(dict.fromkeys(NUMBERS, "float64"))


def _fields(row: Row, layout: Layout, ends: Sequence[int], name: str) -> list[str]:
    number, text = row
    by_ruler = _fields_by_ruler(text, layout, ends)  # first, for a blank in a name may shift one number on another
    if by_ruler is not None and layout.fits(by_ruler):
        return by_ruler
    fields = text.split(None, layout.width)
    if layout.fits(fields):
        return fields
    where = f"{name}, line {number}"
    if len(fields) < layout.width:
        raise TableError(
            wanted=f"{layout.width} columns or more, separated by blanks, of a HMMER {layout.name}",
            found=str(len(fields)),
            where=where,
            remedy="The line may be cut short; write the table again.",
        )
    wrong = layout.wrong_field(fields)
    column = next((key for key, position in layout.positions.items() if position == wrong), None)
    raise TableError(
        wanted=("a strand" if wrong == layout.strand else "a number")
        + f" in column {(wrong or 0) + 1}"
        + (f" ({column.replace('_', ' ')})" if column else ""),
        found=repr(fields[wrong or 0]),
        where=where,
        remedy="Names with blanks cannot be told apart: take them out of the sequence and profile names.",
    )


def _fields_by_ruler(text: str, layout: Layout, ends: Sequence[int]) -> list[str] | None:
    """Cut the leading columns where the ruler ends them, if blanks stand there; None if that fails."""
    edges = [0, *ends[: layout.leading]]
    if len(edges) <= layout.leading or any(text[edge : edge + 1] not in {"", " "} for edge in edges[1:]):
        return None
    leading = [text[start:end].strip() for start, end in pairwise(edges)]
    if not all(leading):
        return None
    return leading + text[edges[-1] :].split(None, layout.width - layout.leading)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
