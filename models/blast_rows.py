"""Rows of BLAST's and DIAMOND's tables to hits, and what their comments tell of the search."""

import io
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import TableError
from models.blast_columns import SEPARATORS, Columns, check_columns, is_header, own_columns, separator
from models.blast_values import check_numbers, unnamed_columns
from models.hits import COLUMNS, NUMBERS, Hits
from models.search_lines import Row, SearchLines, no_hits

NUCLEOTIDES = {
    "BLASTX": "queries",
    "RPSTBLASTN": "queries",
    "TBLASTN": "subjects",
    "TBLASTX": "queries and subjects",
    "BLASTN": "queries and subjects",
    "MEGABLAST": "queries and subjects",
}
"""Programs that search nucleotides, and what of their tables is counted in nucleotides."""
_PROTEINS = ("BLASTP", "PSIBLAST", "DELTABLAST", "PHIBLASTP", "RPSBLAST")
_TITLES = ("stitle", "salltitles", "qtitle", "subject title", "subject titles", "query title")


def read_blast(lines: SearchLines, given: Columns | None = None) -> Hits:
    """Return the hits of a table of BLAST, DIAMOND or a program that writes as they do.

    Parameters
    ----------
    lines : SearchLines
        Lines of the file.
    given : Columns, optional
        What the user says the columns are.

    Raises
    ------
    TableError
        Columns that are not named, or against what the file says; a row of another width; a number that is none.
    """
    columns, rows = _columns_and_rows(lines, given)
    notes = [*_program_notes(lines), *_count_notes(lines, len(rows))]
    if not rows:
        return Hits(no_hits(), "blast", lines.name, notes=tuple(notes))
    table = _even_table(rows, columns, lines.name)
    numbers = np.array([number for number, _ in rows])
    hit = (table[columns.positions["subject"] if columns else 1] != "*").to_numpy()  # DIAMOND's --unal
    if not hit.all():
        notes.append(f"{lines.name}: {(~hit).sum()} rows name a query without a hit ('*') and were left out.")
        table, numbers = table[hit].reset_index(drop=True), numbers[hit]
    if not len(table):
        return Hits(no_hits(), "blast", lines.name, notes=tuple(notes))
    if columns is None:
        columns, more = unnamed_columns(table, numbers, lines.name)
        notes += more
    return Hits(_frame(table, columns, numbers, lines.name), "blast", lines.name, notes=tuple(notes))


def _columns_and_rows(lines: SearchLines, given: Columns | None) -> tuple[Columns | None, list[Row]]:
    """Return the columns, None where nobody names them, and the rows of hits."""
    rows = [row for row in lines.rows if row[1] != "Search has CONVERGED!"]  # PSI-BLAST
    own = own_columns(lines)
    if own is None:
        return given, rows
    check_columns(own, lines.name, "Write the table again with that column.")
    if given is not None and (given.positions, len(given.names)) != (own.positions, len(own.names)):
        raise TableError(
            wanted=f"the columns that the study file names, {', '.join(given.names)}",
            found=f"the columns {', '.join(own.names)}, as the file itself says",
            where=lines.name,
            remedy="Take the columns out of the study file; this file needs none.",
        )
    header = rows[0][1] if rows and is_header(rows[0][1]) else None  # tables that were joined repeat it
    return own, [row for row in rows if row[1] != header]


# What the comments say


def _program_notes(lines: SearchLines) -> list[str]:
    """Say which side of a search of nucleotides is counted in nucleotides, and which other program wrote the table."""
    notes = []
    for program in _programs(lines):
        kind = program.split()[-1].upper()
        if kind in NUCLEOTIDES:
            notes.append(
                f"{lines.name} was written by {program}: positions and lengths of its {NUCLEOTIDES[kind]} are "
                "nucleotides, not residues."
            )
        elif kind not in _PROTEINS:
            notes.append(f"{lines.name} was written by {program}; its columns were read by their names.")
    if any(text == "# Iteration: 2" for _, text in lines.comments):
        notes.append(f"{lines.name} holds several iterations of PSI-BLAST; the rows of all of them were read.")
    return notes


def _programs(lines: SearchLines) -> list[str]:
    """Return the programs that the comments name, each once, such as BLASTP or DIAMOND blastx."""
    found: dict[str, None] = {}
    for _, text in lines.comments:
        named = re.match(r"# ([A-Z]\w*)\+? v?\d+\.\d", text)
        invoked = re.match(r"# Invocation: \S*diamond\S* (blast[px])\b", text)
        if invoked:
            found[f"DIAMOND {invoked[1]}"] = None
        elif named and named[1] != "DIAMOND":
            found[named[1]] = None
    return list(found)


def _count_notes(lines: SearchLines, n_rows: int) -> list[str]:
    """Say that a table has fewer rows than its comments announce, as a search that was stopped leaves it."""
    matches = (re.match(r"# (\d+) hits found", text) for _, text in lines.comments)
    announced = [int(match[1]) for match in matches if match]
    if not announced or sum(announced) <= n_rows:
        return []
    return [f"{lines.name} announces {sum(announced)} hits and holds {n_rows}: it was filtered or cut short."]


# What the rows hold


def _separator(row: str, columns: Columns | None) -> str:
    if columns is None:
        return separator(row) or "\t"
    if columns.separator is not None:
        return columns.separator
    exact = (mark for mark in SEPARATORS if row.count(mark) + 1 == len(columns.names))
    return next(exact, None) or max(SEPARATORS, key=row.count)


def _even_table(rows: Sequence[Row], columns: Columns | None, name: str) -> pd.DataFrame:
    """Return the fields as strings, one column a position; the width is the commonest when no columns are named."""
    mark = _separator(rows[0][1], columns)
    counts = [text.count(mark) + 1 for _, text in rows]
    wanted = len(columns.names) if columns else Counter(counts).most_common(1)[0][0]
    titled = mark != "\t" and columns is not None and columns.names[-1] in _TITLES  # a title may hold the separator
    for (number, _), count in zip(rows, counts, strict=True):
        if count != wanted and not (titled and count > wanted):
            raise TableError(
                wanted=f"{wanted} {SEPARATORS.get(mark, repr(mark))}-separated columns",
                found=f"{count}",
                where=f"{name}, line {number}",
                remedy="The line may be cut short, or a name or title may hold the separator; write the table again, "
                "with tabs.",
            )
    if titled:
        return pd.DataFrame([text.split(mark, wanted - 1) for _, text in rows], dtype="str")
    text = io.StringIO("\n".join(text for _, text in rows))
    return pd.read_csv(
        text, sep=mark, header=None, dtype="str", na_filter=False, quoting=3, lineterminator="\n", index_col=False
    )


def _frame(table: pd.DataFrame, columns: Columns, numbers: npt.NDArray[np.int64], name: str) -> pd.DataFrame:
    frame = pd.DataFrame({column: table[position] for column, position in columns.positions.items()})
    present = [column for column in NUMBERS if column in frame]
    checked = check_numbers(frame[present], present, numbers, name)
    return frame.assign(**checked).reindex(columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, "float64"))
