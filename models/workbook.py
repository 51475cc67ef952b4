"""The Excel workbook of a study: one sheet a target and a family, and a legend that explains every column."""

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from configs.tables import EVIDENCES
from models.workbook_words import COLUMN_WORDS, FURTHER, SHEET_WORDS, ColumnWord

Kind = Literal["legend", "target", "family", "pairs", "samples", "qc", "settings"]

_NAME_LIMIT = 31
_TEXT_LIMIT = 32_767
_FIXED_DATE = dt.datetime(2000, 1, 1)
_FIXED_STAMP = b"2000-01-01T00:00:00Z"
_NARROWEST, _WIDEST, _LEGEND_WIDTH, _SAMPLED_ROWS = 9, 48, 110, 200
_FREEZE = {"target": "C2", "legend": "A2", "settings": "A2"}
_FILTER_ARROW = 3  # characters that the arrow of the filter covers in a header
_LEGEND_COLUMNS = ("sheet", "column", "unit", "what it is and how to read it")
_WHERE = "the run folder (ranking.csv, ranking.parquet and tables/)"

# What XML cannot hold, and what Excel would read as an escaped character: both are written as _xHHHH_.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ILLEGAL_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"')


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One sheet to be: what it is, the rows that it shows, and the columns that the study has nothing for."""

    kind: Kind
    name: str
    meaning: str
    frame: pd.DataFrame
    empty: tuple[str, ...] = ()

    def word(self, column: str) -> ColumnWord:
        """Return unit, meaning and number format of a column."""
        further = FURTHER.get(self.kind, ColumnWord("", "As given."))
        return COLUMN_WORDS.get(self.kind, {}).get(column, further)


def build_workbook(  # noqa: PLR0913 - the tables of a study, each by its name
    *,
    rankings: pd.DataFrame,
    families: Mapping[str, pd.DataFrame],
    pairs: pd.DataFrame,
    samples: pd.DataFrame,
    qc: pd.DataFrame,
    settings: Mapping[str, str],
    notes: Sequence[str] = (),
    max_rows: int = 5_000,
) -> bytes:
    """Write the tables of a study as one Excel workbook.

    Parameters
    ----------
    rankings : DataFrame
        Table of the contract `ranking`; one sheet a target.
    families : mapping of str to DataFrame
        Tables of the contract `homology_hits` by family; one sheet each.
    pairs, samples, qc : DataFrame
        Tables of the contracts of these names.
    settings : mapping of str to str
        Setting by its dotted key.
    notes : sequence of str
        Sentences that close the legend.
    max_rows : int
        Rows of a sheet at most; the legend says where the rest is.

    Returns
    -------
    bytes
        An XLSX file; the same bytes for the same tables. Text is text: no id turns into a date, a number or a formula.
        A column without any value is left out of its sheet, and the legend says so.
    """
    tables: list[tuple[Kind, str, pd.DataFrame]] = [
        *(("target", str(target), rows) for target, rows in rankings.groupby("target", sort=False)),
        *(("family", name, rows) for name, rows in families.items()),
        ("pairs", "Pairs", pairs),
        ("samples", "Samples", samples),
        ("qc", "QC", qc),
        ("settings", "Settings", pd.DataFrame(list(settings.items()), columns=["setting", "value"], dtype="str")),
    ]
    names = _sheet_names([(kind, name) for kind, name, _ in tables])
    sheets = [
        _sheet(kind, name, frame, legal=legal, limit=max_rows)
        for (kind, name, frame), legal in zip(tables, names, strict=True)
    ]
    book = Workbook()
    book.remove(book.active)
    rows = [_add(book, sheet) for sheet in (_Sheet("legend", "Legend", "", _legend(sheets, notes)), *sheets)]
    return _saved(book, rows)


def sheet_name(wanted: str, taken: set[str]) -> str:
    """Return a legal sheet name near `wanted` that is not among `taken` (lower case), and add it there."""
    clean = _ILLEGAL_IN_NAME.sub("_", wanted).strip("' ") or "sheet"
    name, copy = clean[:_NAME_LIMIT].rstrip("' "), 2
    while name.lower() in taken:
        ending = f" ({copy})"
        name, copy = clean[: _NAME_LIMIT - len(ending)].rstrip("' ") + ending, copy + 1
    taken.add(name.lower())
    return name


def safe_text(text: str) -> str:
    """Return `text` as a cell can hold it.

    Control characters become ``_xHHHH_``, the form from which Excel reads the same character back; an underscore that
    would start such a form becomes ``_x005F_``; halves of surrogate pairs become U+FFFD. What passes 32,767 characters
    is cut off.
    """
    whole = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    safe = _UNSAFE.sub(lambda match: f"_x{ord(match.group()):04X}_", whole)
    return safe if len(safe) <= _TEXT_LIMIT else safe[: _TEXT_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _sheet_names(wanted: Sequence[tuple[Kind, str]]) -> list[str]:
    """Name the sheets; those that every workbook has keep their names whatever the targets are called."""
    taken = {"history", "legend"}  # Excel keeps the first for itself
    fixed = {kind: sheet_name(name, taken) for kind, name in wanted if kind not in ("target", "family")}
    prefix = {"target": "", "family": "family "}
    return [fixed[kind] if kind in fixed else sheet_name(prefix[kind] + name, taken) for kind, name in wanted]


def _sheet(kind: Kind, name: str, frame: pd.DataFrame, *, legal: str, limit: int) -> _Sheet:
    ordered = frame.sort_values("rank", kind="stable") if kind == "target" else frame
    meaning = SHEET_WORDS[kind].format(name=name)
    if len(frame) > limit:
        meaning += f" The first {limit:,} of {len(frame):,} rows; the whole table is in {_WHERE}."
    if not len(frame):
        meaning += " There is none."
    empty = tuple(str(column) for column in frame.columns[frame.isna().all()]) if len(frame) else ()
    shown = ordered.head(limit).drop(columns=[*empty, *(column for column in frame if column == kind)])
    return _Sheet(kind, legal, meaning, shown, empty)


def _legend(sheets: Sequence[_Sheet], notes: Sequence[str]) -> pd.DataFrame:
    """Return a row a sheet, a row a column, a row a column left out, then the notes."""
    shown: dict[tuple[str, ColumnWord], list[str]] = {}
    missing: dict[tuple[str, str], list[str]] = {}
    for sheet in sheets:
        for column in map(str, sheet.frame.columns):
            shown.setdefault((column, sheet.word(column)), []).append(sheet.name)
        for column in sheet.empty:
            missing.setdefault((column, _missing_sentence(column)), []).append(sheet.name)
    rows = [
        *((sheet.name, "", "", sheet.meaning) for sheet in sheets),
        *((_listed(names), column, word.unit, word.meaning) for (column, word), names in shown.items()),
        *((_listed(names), column, "", sentence) for (column, sentence), names in missing.items()),
        *(("", "", "", note) for note in notes),
    ]
    return pd.DataFrame(rows, columns=list(_LEGEND_COLUMNS), dtype="str")


def _missing_sentence(column: str) -> str:
    what = "such evidence" if column.removesuffix("_rank01") in EVIDENCES else "value for it"
    return f"Left out: the study has no {what} here."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _add(book: Any, sheet: _Sheet) -> bytes:  # noqa: ANN401 - openpyxl has no types
    """Add a sheet with its header, and return its rows as XML.

    openpyxl takes tens of seconds for the rows of a real study, cell by cell, so the rows are written here and join
    the sheet when the workbook is saved.
    """
    page = book.create_sheet(sheet.name)
    page.freeze_panes = _FREEZE.get(sheet.kind, "B2")
    columns = []
    for place, name in enumerate(map(str, sheet.frame.columns), 1):
        values, letter = _values(sheet.frame.iloc[:, place - 1]), get_column_letter(place)
        _header(page.cell(1, place), name)
        page.column_dimensions[letter].width = _width(name, values, sheet.word(name).number_format)
        columns.append(_cells(values, letter, _style(page, sheet, place - 1)))
    if columns:
        page.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(sheet.frame) + 1}"
    rows = (f'<row r="{place}">{"".join(cells)}</row>' for place, cells in enumerate(zip(*columns, strict=True), 2))
    return "".join(rows).encode()


def _is_number(series: "pd.Series[Any]") -> bool:
    return pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)


def _values(series: "pd.Series[Any]") -> list[float | str | None]:
    """Return numbers, texts and None for what is missing; Excel has no infinity, so that is a text."""
    present, values = series.notna().tolist(), series.tolist()
    if _is_number(series):
        return [_number(value) if has else None for value, has in zip(values, present, strict=True)]
    return [safe_text(str(value)) if has else None for value, has in zip(values, present, strict=True)]


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _cells(values: Sequence[float | str | None], letter: str, style: int) -> list[str]:
    """Return the XML of the cells of one column from row 2 down; an inline string is never read as a formula."""
    return [
        ""
        if value is None
        else f'<c r="{letter}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(value, quote=False)}'
        "</t></is></c>"
        if isinstance(value, str)
        else f'<c r="{letter}{row}" s="{style}"><v>{value!r}</v></c>'
        for row, value in enumerate(values, 2)
    ]


def _style(page: Any, sheet: _Sheet, column: int) -> int:  # noqa: ANN401 - openpyxl has no types
    """Return the number of the cell style of a column."""
    cell = Cell(page, 1, 1)
    if _is_number(sheet.frame.iloc[:, column]):
        cell.number_format = sheet.word(str(sheet.frame.columns[column])).number_format
    else:
        cell.number_format, cell.quotePrefix = "@", True  # stays text when someone edits it
    if sheet.kind == "legend":
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return int(cell.style_id)


def _header(cell: Any, name: str) -> None:  # noqa: ANN401 - openpyxl has no types
    cell.value = safe_text(name)
    cell.data_type = "s"  # openpyxl takes a leading '=' for a formula
    cell.font = Font(bold=True)
    cell.fill = PatternFill("solid", fgColor="DDE6EE")


def _width(name: str, values: Sequence[Any], number_format: str) -> float:
    """Return a width in characters that shows the header and the first rows, within bounds."""
    if name == _LEGEND_COLUMNS[-1]:
        return _LEGEND_WIDTH
    lengths = [len(value) if isinstance(value, str) else len(number_format) + 1 for value in values[:_SAMPLED_ROWS]]
    return float(min(_WIDEST, max(_NARROWEST, len(name) + _FILTER_ARROW, *lengths, 0) + 1))


def _saved(book: Any, rows: Sequence[bytes]) -> bytes:  # noqa: ANN401 - openpyxl has no types
    """Save the workbook with the rows of its sheets and without a trace of when that was."""
    book.properties.creator = "Cairn"
    book.properties.created = _FIXED_DATE
    extents = [page.auto_filter.ref or "A1" for page in book]
    parts = {f"xl/worksheets/sheet{place}.xml": pair for place, pair in enumerate(zip(rows, extents, strict=True), 1)}
    draft, final = io.BytesIO(), io.BytesIO()
    book.save(draft)
    with zipfile.ZipFile(draft) as source, zipfile.ZipFile(final, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            content = source.read(name)
            if name in parts:
                content = _with_rows(content, *parts[name])
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>" + _FIXED_STAMP + rb"\g<2>", content)
            member = zipfile.ZipInfo(name, _FIXED_DATE.timetuple()[:6])
            member.compress_type = zipfile.ZIP_DEFLATED
            copy.writestr(member, content)
    return final.getvalue()


def _with_rows(sheet: bytes, rows: bytes, extent: str) -> bytes:
    """Return the XML of a sheet that has a header only with its rows put in, and with the size that it now has."""
    sized = _DIMENSION.sub(b'<dimension ref="' + extent.encode() + b'"', sheet, count=1)
    return sized.replace(b"</sheetData>", rows + b"</sheetData>", 1)
