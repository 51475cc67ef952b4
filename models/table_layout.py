"""Where a table begins: title rows, group rows and sample information that people write above its header."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from configs.errors import counted, first_of
from models.numbers import MISSING

SNIFFED_ROWS = 60
"""Rows at the top of a file among which its header must be."""

_NUMBER = re.compile(r"\s*[+-]?(?:\d[\d.,]*|\.\d+)(?:[eE][+-]?\d+)?\s*%?\s*")
_FULL = 0.8
"""A header names at least this share of the columns that the fullest row has."""
_HALF = 0.5

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a table begins.

    Attributes
    ----------
    header : int
        Position of the header among the rows looked at.
    label_column : int or None
        Column that holds the names of the sample information above the header; the columns up to it describe the
        features, those right of it are samples. None where there is no such block.
    note : str
        What stands above the header, as a sentence; '' for nothing.
    """

    header: int
    label_column: int | None = None
    note: str = ""


def find_layout(rows: Sequence[Cells], file: str) -> Layout:
    """Find the header among the first rows of a table.

    The header is the first row that names nearly as many columns as the fullest row has cells. Rows above it are
    titles and legends, names of groups of columns, or, where they leave the first columns empty and the header names
    all of these, sample information as metabolomics programs write it.

    Parameters
    ----------
    rows : sequence of sequence of str
        First rows of the file, of any lengths.
    file : str
        File name for the note.
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    widest = max(filled, default=0)
    block = _block(rows, filled, widest)
    if block is not None:
        return block_layout(rows, block, file)
    first = next((index for index, count in enumerate(filled) if count >= max(_FULL * widest, widest - 1, 1)), 0)
    first = next((index for index, count in enumerate(filled[:first]) if _names_most(rows, index, count)), first)
    if first == 0 or _is_body(rows[first]):
        return Layout(0)
    titles = [cell.strip() for row in rows[:first] for cell in row if cell.strip()]
    said = f": {first_of(titles, 3)}" if titles else ""
    return Layout(first, None, f"{file} has {counted(first, 'row')} above its header, left out{said}.")


def block_layout(rows: Sequence[Cells], block: tuple[int, int], file: str) -> Layout:
    """Return the layout of a table with sample information above the header and right of `block`'s column."""
    header, label = block
    names = [row[label].strip() for row in rows[:header] if len(row) > label and row[label].strip()]
    note = (
        f"{file} has sample information in {counted(header, 'row')} above its header ({first_of(names, 8)}), left out; "
        f"the columns up to {rows[header][label]!r} describe the features."
    )
    return Layout(header, label, note)


def is_number(cell: str) -> bool:
    """Say whether a cell is written as a number, with a point or a comma."""
    return _NUMBER.fullmatch(cell) is not None


def _names_most(rows: Sequence[Cells], index: int, count: int) -> bool:
    """Say whether a row that leaves columns unnamed is the header still: text, and the rows below are like each other.

    A title or a row of groups has the true header below it, which holds text where this row is empty.
    """
    row, below = rows[index], rows[index + 1] if index + 1 < len(rows) else ()
    if count < 2 or not row or not row[0].strip() or len(below) < 2:
        return False
    return any(is_number(cell) for cell in below[1:]) and not any(is_number(cell) for cell in row if cell.strip())


def _is_body(row: Cells) -> bool:
    """Say whether a row holds values rather than names."""
    cells = [cell for cell in row[1:] if cell.strip() and cell not in MISSING]
    return bool(cells) and sum(is_number(cell) for cell in cells) > _HALF * len(cells)


def _block(rows: Sequence[Cells], filled: Sequence[int], widest: int) -> tuple[int, int] | None:
    """Find rows that leave the same first columns empty, and the header below that names them all."""
    empty = [next((index for index, cell in enumerate(row) if cell.strip()), len(row)) for row in rows]
    start = next((index for index, count in enumerate(filled) if count), 0)
    label = empty[start] if rows else 0
    header = next((index for index in range(start, len(rows)) if empty[index] != label), None)
    if not label or header is None or empty[header] or header + 1 >= len(rows):
        return None
    lead, right = rows[header][: label + 1], [cell for cell in rows[header][label + 1 :] if cell.strip()]
    reaches = all(count >= _HALF * (widest - label) and count > 2 for count in filled[start:header])
    named = len(lead) == label + 1 and all(cell.strip() and not is_number(cell) for cell in lead)
    if not reaches or not named or len(set(right)) < _FULL * len(right) or not _is_body(rows[header + 1][label:]):
        return None
    if any(is_number(cell) for cell in right) and (label < 2 or header - start < 2):
        return None
    return header, label
