"""Rows of HMMER's tables: columns aligned with blanks, names that may hold blanks, a description of any words."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from configs.errors import TableError
from models.hits import COLUMNS, NUMBERS

Row = tuple[int, str]
"""Line number from 1, and the line."""


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


def parse_rows(rows: Sequence[Row], layout: Layout, ruler: str | None, name: str) -> pd.DataFrame:
    """Return the table of hits of a HMMER table, coordinates as hmmsearch means them.

    Parameters
    ----------
    rows : sequence of (int, str)
        Lines that are no comments.
    layout : Layout
        Kind of the table.
    ruler : str or None
        The comment line of dashes: its dashes end where the columns end, which tells names with blanks apart.
    name : str
        Name of the file, for messages.

    Raises
    ------
    TableError
        Too few columns, a number that is none, names with blanks that nothing tells apart.
    """
    ends = [match.end() for match in re.finditer("-+", ruler[1:])] if ruler else []
    ends = [end + 1 for end in ends]
    parsed = [_fields(row, layout, ends, name) for row in rows]
    columns: dict[str, pd.Series] = {}
    for column in COLUMNS:
        position = layout.positions.get(column)
        values = [math.nan] * len(parsed) if position is None else [fields[position] for fields in parsed]
        columns[column] = pd.Series(values, dtype="str" if column in {"query", "subject"} else None)
    return pd.DataFrame(columns).astype(dict.fromkeys(NUMBERS, "float64"))


def _fields(row: Row, layout: Layout, ends: Sequence[int], name: str) -> list[str]:
    number, text = row
    fields = text.split(None, layout.width)
    if layout.fits(fields):
        return fields
    by_ruler = _fields_by_ruler(text, layout, ends)
    if by_ruler is not None and layout.fits(by_ruler):
        return by_ruler
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
