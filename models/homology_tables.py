"""Search tables of BLAST, DIAMOND and HMMER, found out from their content."""

import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from configs.errors import TableError
from models.hits import COLUMNS, NUMBERS, Hits
from models.hmmer_rows import DOMTBLOUT, NHMMER_TBLOUT, TBLOUT, Row, parse_rows

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
RERUN = (
    "Give a BLAST or DIAMOND table of outfmt 6 with the twelve standard columns first, "
    "an outfmt 7 table (it names its columns), or what HMMER writes with --tblout or --domtblout."
)


def read_hits(content: bytes, name: str) -> Hits:
    """Read one search table, its format found from its content.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain: BLAST or DIAMOND outfmt 6 (twelve standard columns, any further ones ignored) or 7
        (columns as its ``# Fields:`` lines say), HMMER ``--tblout`` or ``--domtblout`` (hmmsearch, hmmscan, phmmer,
        jackhmmer, nhmmer).
    name : str
        Name of the file, for messages.

    Returns
    -------
    Hits
        A file without hits, or an empty file, gives a table of no rows.

    Raises
    ------
    TableError
        A file of another kind, a truncated gzip, a row with a wrong number of columns, a number that is none.
    """
    comments, rows = _split(_decode(content, name))
    heading = "\n".join(comments)
    if any(mark in heading for mark in ("# target name", "--- full sequence ---", "# Program:")):
        return _read_hmmer(comments, rows, name)
    if rows and "\t" in rows[0][1]:
        return _read_tabular(comments, rows, name)
    if rows and all(_looks_like_hmmer(row) for row in rows[:5]):
        return _read_hmmer(comments, rows, name)
    if rows or (comments and not re.search(r"BLAST|DIAMOND", heading)):
        raise _other_kind(name, rows, comments)
    return Hits(_empty(), "blast" if comments else "empty", name)


def _decode(content: bytes, name: str) -> str:
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise TableError(
                wanted="a whole gzip file",
                found=f"one that ends too early or is damaged ({error})",
                where=name,
                remedy="Copy or download the file again.",
            ) from error
    if b"\x00" in content:
        raise _other_kind(name, [(1, "binary content")], [])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # descriptions may come from any century
        return content.decode("latin-1")


def _split(text: str) -> tuple[list[str], list[Row]]:
    """Split into comment lines and (line number from 1, text) of the others; empty lines are left out."""
    comments: list[str] = []
    rows: list[Row] = []
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.rstrip("\r")
        if line.startswith("#"):
            comments.append(line)
        elif line.strip():
            rows.append((number, line))
    return comments, rows


def _empty() -> pd.DataFrame:
    columns = {column: pd.Series(dtype="float64" if column in NUMBERS else "str") for column in COLUMNS}
    return pd.DataFrame(columns)


def _other_kind(name: str, rows: Sequence[Row], comments: Sequence[str]) -> TableError:
    number, text = rows[0] if rows else (1, comments[0])
    return TableError(
        wanted="a search table of BLAST, DIAMOND or HMMER",
        found=f"a file of another kind, with the line {text[:60]!r}",
        where=f"{name}, line {number}",
        remedy=RERUN,
    )


# HMMER


def _looks_like_hmmer(row: Row) -> bool:
    fields = row[1].split()
    return any(layout.fits(fields) for layout in (DOMTBLOUT, TBLOUT, NHMMER_TBLOUT))


def _read_hmmer(comments: Sequence[str], rows: Sequence[Row], name: str) -> Hits:
    profile_side = _profile_side(comments, name)
    heading = next((line for line in comments if "target name" in line), "")
    ruler = next((line for line in comments if re.fullmatch(r"#[ -]*-{5}[ -]*", line)), None)
    if heading:
        layout = NHMMER_TBLOUT if "hmmfrom" in heading else DOMTBLOUT if "tlen" in heading else TBLOUT
    else:
        layouts = (DOMTBLOUT, NHMMER_TBLOUT, TBLOUT)
        layout = next((one for one in layouts if rows and one.fits(rows[0][1].split())), TBLOUT)
    if not rows:
        return Hits(_empty(), layout.name, name, profile_side)
    frame = parse_rows(rows, layout, ruler, name)
    return Hits(_swap(frame) if profile_side == "subject" else frame, layout.name, name, profile_side)


def _profile_side(comments: Iterable[str], name: str) -> Literal["query", "subject"] | None:
    modes = {line.split(":", 1)[1].strip().upper() for line in comments if line.startswith("# Pipeline mode:")}
    programs = {line.split(":", 1)[1].strip().lower() for line in comments if line.startswith("# Program:")}
    scans = {"SCAN" in mode for mode in modes} or {program.endswith("scan") for program in programs}
    if len(scans) > 1:
        raise TableError(
            wanted="one search",
            found="rows of hmmsearch and of hmmscan in one file",
            where=name,
            remedy="Give the two as files of their own; their columns mean different things.",
        )
    return None if not scans else "subject" if scans.pop() else "query"


def _swap(frame: pd.DataFrame) -> pd.DataFrame:
    """Exchange the coordinates of query and subject: HMMER writes those on the profile first."""
    exchange = {f"{a}_{end}": f"{b}_{end}" for a, b in (("query", "subject"), ("subject", "query")) for end in _ENDS}
    return frame.rename(columns=exchange)[list(COLUMNS)]


_ENDS = ("start", "end")


def swap_coordinates(hits: Hits) -> Hits:
    """Return `hits` with the coordinates of query and subject exchanged, for a HMMER table read the wrong way round."""
    return Hits(_swap(hits.frame), hits.format, hits.name, "subject", hits.notes)


# BLAST and DIAMOND


def _read_tabular(comments: Sequence[str], rows: Sequence[Row], name: str) -> Hits:
    names = _fields(comments, name)
    notes: tuple[str, ...] = ()
    first = [field.strip().lower() for field in rows[0][1].split("\t")]
    known = {synonym for synonyms in SYNONYMS.values() for synonym in synonyms}
    if names is None and len(known.intersection(first)) >= len(REQUIRED):
        names, rows = first, rows[1:]
    if not rows:
        return Hits(_empty(), "blast", name)
    table = _even_table(rows, None if names is None else len(names), name)
    numbers = [number for number, _ in rows]
    if names is None:
        names, notes = _unnamed_columns(table, numbers, name)
    return Hits(_blast_frame(table, names, numbers, name), "blast", name, notes=notes)


def _fields(comments: Iterable[str], name: str) -> list[str] | None:
    """Return the column names of the ``# Fields:`` lines, lower case, or None without such a line."""
    lines = {line.removeprefix("# Fields:").strip().lower() for line in comments if line.startswith("# Fields:")}
    if len(lines) > 1:
        raise TableError(
            wanted="the same columns throughout",
            found=f"{len(lines)} different '# Fields:' lines",
            where=name,
            remedy="Give the tables of different searches as files of their own.",
        )
    return lines.pop().split(", ") if lines else None


def _even_table(rows: Sequence[Row], width: int | None, name: str) -> pd.DataFrame:
    """Return the fields as strings, one column a position; `width` is the commonest count when not known."""
    counts = [text.count("\t") + 1 for _, text in rows]
    wanted = width or Counter(counts).most_common(1)[0][0]
    for (number, _), count in zip(rows, counts, strict=True):
        if count != wanted:
            raise TableError(
                wanted=f"{wanted} tab-separated columns",
                found=f"{count}",
                where=f"{name}, line {number}",
                remedy="The line may be cut short; write the table again.",
            )
    text = io.StringIO("\n".join(text for _, text in rows))
    return pd.read_csv(
        text, sep="\t", header=None, dtype="str", na_filter=False, quoting=3, lineterminator="\n", index_col=False
    )


def _unnamed_columns(table: pd.DataFrame, numbers: Sequence[int], name: str) -> tuple[list[str], tuple[str, ...]]:
    """Name the columns of an outfmt 6 table: the standard twelve, or found from the values when there are fewer."""
    width = table.shape[1]
    if width >= len(STANDARD):
        _check_numbers(table.iloc[:, 2:12], STANDARD[2:12], numbers, name)
        return [*STANDARD, *[""] * (width - len(STANDARD))], ()
    position = _score_position(table)
    if position is None:
        raise TableError(
            wanted=f"{len(STANDARD)} tab-separated columns",
            found=f"{width}",
            where=f"{name}, line {numbers[0]}",
            remedy=RERUN,
        )
    names = ["qseqid", "sseqid"] + [""] * (width - 2)
    names[position : position + 2] = ["evalue", "bitscore"]
    note = (
        f"{name} has {width} columns without names: columns {position + 1} and {position + 2} were taken for E-value "
        "and bit score, and columns 1 and 2 for query and subject. An outfmt 7 table names its columns."
    )
    return names, (note,)


def _score_position(table: pd.DataFrame, *, min_rows: int = 5, max_correlation: float = -0.9) -> int | None:
    """Find the one neighbouring pair of columns that behaves as E-value and bit score, or None.

    E-values fall strictly with bit scores, are never negative, and small ones are written with an exponent.
    """
    if table.shape[0] < min_rows:
        return None
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    found = []
    for column in range(2, table.shape[1] - 1):
        evalue, score = values[:, column], values[:, column + 1]
        exponents = table[column].str.contains(r"\de-\d", regex=True).any()
        if exponents and np.isfinite(evalue).all() and np.isfinite(score).all() and (evalue >= 0).all():
            varies = np.ptp(evalue) > 0 and np.ptp(score) > 0
            if varies and stats.spearmanr(evalue, score).statistic <= max_correlation:
                found.append(column)
    return found[0] if len(found) == 1 else None


def _blast_frame(table: pd.DataFrame, names: Sequence[str], numbers: Sequence[int], name: str) -> pd.DataFrame:
    columns = {}
    for column in COLUMNS:
        position = next((names.index(synonym) for synonym in SYNONYMS[column] if synonym in names), None)
        if position is not None:
            columns[column] = table[position]
        elif column in REQUIRED:
            raise TableError(
                wanted=f"a column for {column.replace('_', ' ')} ({' or '.join(SYNONYMS[column])})",
                found=f"the columns {', '.join(names)}",
                where=name,
                remedy="Write the table again with that column.",
            )
    frame = pd.DataFrame(columns)
    present = [column for column in NUMBERS if column in frame]
    checked = _check_numbers(frame[present], present, numbers, name)
    return frame.assign(**checked).reindex(columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, "float64"))


def _check_numbers(
    table: pd.DataFrame, names: Sequence[str], numbers: Sequence[int], name: str
) -> dict[str, "pd.Series[float]"]:
    """Return the columns as float64, and raise for the first value that is no number, or an E-value below 0."""
    columns = {}
    for label, column in zip(names, table.columns, strict=True):
        values = _as_numbers(table[column])
        wrong = ~np.isfinite(values) | ((values < 0) & (label == "evalue"))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TableError(
                wanted=f"a number for {label.replace('_', ' ')}",
                found=repr(str(table[column].iloc[row])),
                where=f"{name}, line {numbers[row]}",
                remedy=RERUN,
            )
        columns[label] = values
    return columns


def _as_numbers(text: "pd.Series[str]") -> "pd.Series[float]":
    """Return the numbers, NaN where there is none."""
    try:  # many times faster than to_numeric on whole tables
        return pd.Series(text.to_numpy(dtype=np.object_).astype(np.float64), index=text.index)
    except ValueError:
        legacy = text.str.replace(r"^e-", "1e-", regex=True)  # legacy BLAST writes e-105
        return pd.to_numeric(legacy, errors="coerce").astype("float64")
