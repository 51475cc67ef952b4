"""The Excel workbook of a study: one sheet a target and a family, and a legend that explains every column."""

import datetime as dt
import io
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.packaging.core import DocumentProperties
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.xml.constants import ARC_CORE
from openpyxl.xml.functions import tostring

from configs.ranking_tables import EVIDENCES
from models.workbook_words import COLUMN_WORDS, FURTHER, SHEET_WORDS, ColumnWord

Kind = Literal[
    "legend",
    "target",
    "sure",
    "why",
    "partners",
    "target_pairs",
    "families",
    "family",
    "pairs",
    "samples",
    "qc",
    "settings",
]

_NAME_LIMIT = 31
_TEXT_LIMIT = 32_767
_ROW_LIMIT, _COLUMN_LIMIT = 1_048_576, 16_384
_LINK_LIMIT = 65_000  # Excel leaves out a sheet's links when there are over 65,530
_FIXED_DATE = dt.datetime(2000, 1, 1)
_NARROWEST, _WIDEST, _LEGEND_WIDTH, _SAMPLED_ROWS = 9, 48, 110, 200
_FREEZE = {
    "target": "C2",
    "sure": "C2",
    "why": "C2",
    "partners": "C2",
    "target_pairs": "C2",
    "legend": "A2",
    "settings": "A2",
}
_FIRST_COLUMNS = ("rank", "gene_id", "description", "family", "best_metabolite", "direction", "score", "p", "q")
"""What a reader of a target looks for, before all else."""
_LINKED = {"legend": "sheet"} | dict.fromkeys(("target", "why", "partners", "target_pairs"), "gene_id")
"""Column that holds the links."""
_A4, _BLUE, _FONT = 9, "0563C1", "Calibri"
_PRINTED_WIDTH = 200  # characters across a page that can be read
_LINE_HEIGHT, _LETTERS = 15.0, 118  # points of a line of the legend, and letters that fit on one
_FILTER_ARROW = 3  # characters that the arrow of the filter covers in a header
_LEGEND_COLUMNS = ("sheet", "column", "unit", "what it is and how to read it")
_WHERE: dict[Kind, str] = {
    "target": "ranking.csv",
    "sure": "tables/false_in_top.csv and tables/leave_one_out.csv",
    "why": "tables/card_evidence.csv",
    "partners": "tables/card_partners.csv",
    "target_pairs": "tables/target_correlation.csv",
    "families": "tables/gene_families.csv",
    "family": "tables/family_{name}.csv",
    "pairs": "tables/correlated_pairs.csv",
    "samples": "tables/samples.csv",
    "qc": "tables/quality.csv",
    "settings": "manifest.json",
}
"""File of the run folder that has the whole table."""

# What XML cannot hold, and what Excel would read as an escaped character: both are written as _xHHHH_.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ILLEGAL_IN_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One sheet to be: what it is, the rows that it shows, and the columns that the study has nothing for.

    `subject` is the target or family that it is about, `links` the places in the workbook that its rows lead to.
    """

    kind: Kind
    name: str
    meaning: str
    frame: pd.DataFrame
    empty: tuple[str, ...] = ()
    subject: str = ""
    links: tuple[str | None, ...] = ()

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
    false_in_top: pd.DataFrame | None = None,
    leave_one_out: pd.DataFrame | None = None,
    cards: pd.DataFrame | None = None,
    partners: pd.DataFrame | None = None,
    target_pairs: pd.DataFrame | None = None,
    gene_families: pd.DataFrame | None = None,
    notes: Sequence[str] = (),
    max_rows: int = 1_000,
) -> bytes:
    """Write the tables of a study as one Excel workbook.

    Parameters
    ----------
    rankings : DataFrame
        Table of the contract `ranking`; one sheet a target.
    families : mapping of str to DataFrame
        Tables of the contract `homology_hits` by family; one sheet each.
    pairs, samples, qc : DataFrame
        Tables of the contracts of these names; the pairs strongest first.
    settings : mapping of str to str
        Setting by its dotted key.
    false_in_top, leave_one_out : DataFrame, optional
        Tables of the contracts of these names; one sheet together.
    cards : DataFrame, optional
        Table of the contract `card_evidence`; its genes and those of the targets lead to each other.
    partners : DataFrame, optional
        Table of the contract `card_partners`.
    target_pairs : DataFrame, optional
        Table of the contract `target_correlation`; the strongest of each target are shown.
    gene_families : DataFrame, optional
        Table of the contract `gene_families`.
    notes : sequence of str
        Sentences that close the legend.
    max_rows : int
        Rows of a sheet at most, or of each target where it has several; the legend says where the rest is. No more
        than a sheet of Excel holds, which is 1,048,576 with the header.

    Returns
    -------
    bytes
        An XLSX file; the same bytes for the same tables. Text is text: no id turns into a date, a number or a formula.
        A column without any value is left out of its sheet, and the legend says so.
    """
    tables: list[tuple[Kind, str, pd.DataFrame]] = [
        *(("target", str(target), rows) for target, rows in rankings.groupby("target", sort=False)),
        *_further("sure", "How sure", _how_sure(false_in_top, leave_one_out)),
        *_further("why", "Why", cards),
        *_further("partners", "Partners", partners),
        *_further("target_pairs", "Target pairs", target_pairs),
        *_further("families", "Families", gene_families),
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
    sheets = _linked(sheets)
    legend = _Sheet("legend", "Legend", "", _legend(sheets, notes), links=tuple(_place(sheet, 1) for sheet in sheets))
    book = Workbook(write_only=True)
    for sheet in (legend, *sheets):
        _add(book, sheet)
    return _saved(book)


def _strongest_first(pairs: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the strongest pairs of each target, in the order of the targets."""
    ordered = pairs.assign(strength=pairs["rho"].abs()).sort_values("strength", ascending=False, kind="stable")
    best = ordered.groupby("target", sort=False).head(count)
    place = {target: number for number, target in enumerate(dict.fromkeys(pairs["target"]))}
    return best.sort_values("target", key=lambda names: names.map(place), kind="stable").drop(columns="strength")


def _place(sheet: _Sheet, row: int) -> str:
    return f"{quote_sheetname(sheet.name)}!A{row}"


def _linked(sheets: Sequence[_Sheet]) -> list[_Sheet]:
    """Let the genes of the targets lead to their first rows on the sheet Why, and other sheets to those of targets."""
    ranked = {
        (sheet.subject, gene): _place(sheet, row)
        for sheet in sheets
        if sheet.kind == "target"
        for row, gene in enumerate(sheet.frame["gene_id"], 2)
    }
    explained: dict[tuple[str, str], str] = {}
    for sheet in (sheet for sheet in sheets if sheet.kind == "why"):
        for row, key in enumerate(_keys(sheet), 2):
            explained.setdefault(key, _place(sheet, row))
    return [
        replace(sheet, links=tuple((explained if sheet.kind == "target" else ranked).get(key) for key in _keys(sheet)))
        if sheet.kind in _LINKED
        else sheet
        for sheet in sheets
    ]


def _keys(sheet: _Sheet) -> list[tuple[str, str]]:
    """Return target and gene of each row."""
    genes = sheet.frame["gene_id"].tolist()
    targets = sheet.frame["target"].tolist() if "target" in sheet.frame else [sheet.subject] * len(genes)
    return list(zip(targets, genes, strict=True))


def _how_sure(false_in_top: pd.DataFrame | None, leave_one_out: pd.DataFrame | None) -> pd.DataFrame | None:
    """Return both tables one below the other; column `about` tells them apart."""
    tables = {"false among the best": false_in_top, "worth of the evidence": leave_one_out}
    rows = [frame.assign(about=about) for about, frame in tables.items() if frame is not None and len(frame)]
    if not rows:
        return None
    whole = pd.concat(rows, ignore_index=True)
    return whole[["about", *(column for column in whole if column != "about")]]


def _further(kind: Kind, name: str, frame: pd.DataFrame | None) -> list[tuple[Kind, str, pd.DataFrame]]:
    """Return a sheet that not every study has, or none."""
    return [] if frame is None or frame.empty else [(kind, name, frame)]


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
    meaning = SHEET_WORDS[kind].format(name=name)
    ordered = _in_order(kind, frame, limit)
    most = _ROW_LIMIT - 1 if kind in ("why", "partners", "target_pairs") else min(limit, _ROW_LIMIT - 1)
    if len(frame) > min(most, len(ordered)):
        part = f"{limit:,} of each target" if len(ordered) <= most else f"{most:,} of {len(ordered):,} rows"
        meaning += f" The first {part}; the whole table is {_WHERE[kind].format(name=name)} in the run folder."
    if not len(frame):
        meaning += " There is none."
    empty = tuple(str(column) for column in frame.columns[frame.isna().all()]) if len(frame) else ()
    shown = ordered.head(most).drop(columns=[*empty, *(column for column in frame if column == kind)])
    if shown.shape[1] > _COLUMN_LIMIT:
        meaning += f" The first {_COLUMN_LIMIT:,} of {shown.shape[1]:,} columns, as many as a sheet holds."
    return _Sheet(kind, legal, meaning, shown.iloc[:, :_COLUMN_LIMIT], empty, subject=name)


def _in_order(kind: Kind, frame: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return genes best first, with the columns first that are read first, and pairs strongest first."""
    if kind == "target_pairs":
        return _strongest_first(frame, limit)
    if kind != "target":
        return frame
    first = [column for column in _FIRST_COLUMNS if column in frame]
    return frame.sort_values("rank", kind="stable")[[*first, *(column for column in frame if column not in first)]]


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


def _add(book: Any, sheet: _Sheet) -> None:  # noqa: ANN401 - openpyxl has no types
    """Add a sheet with its header and its rows."""
    page = book.create_sheet(sheet.name)
    page.freeze_panes = _FREEZE.get(sheet.kind, "B2")
    names = [str(name) for name in sheet.frame.columns]
    columns = [_values(sheet.frame.iloc[:, place]) for place in range(len(names))]
    widths = [_width(name, own, sheet.word(name).number_format) for name, own in zip(names, columns, strict=True)]
    for place, width in enumerate(widths, 1):
        page.column_dimensions[get_column_letter(place)].width = width
    _lay_out_pages(page, sum(widths))
    if names:
        page.auto_filter.ref = f"A1:{get_column_letter(len(names))}{len(sheet.frame) + 1}"
    _append(page, [_header(page) for _ in names], [safe_text(name) for name in names])
    cells = [_cell(page, sheet, place) for place in range(len(names))]
    for number, (row, link) in enumerate(zip(zip(*columns, strict=True), _links(sheet), strict=True), 2):
        if sheet.kind == "legend":
            page.row_dimensions[number].height = _LINE_HEIGHT * -(-len(str(row[-1])) // _LETTERS)
        _append(page, cells if link is None else _with_link(page, sheet, cells, link), row)


def _links(sheet: _Sheet) -> list[str | None]:
    """Return where each row leads to; the last ones lead nowhere where a sheet cannot hold as many links."""
    links = sheet.links[:_LINK_LIMIT]
    return [*links, *[None] * (len(sheet.frame) - len(links))]


def _with_link(page: Any, sheet: _Sheet, cells: Sequence[Any], link: str) -> list[Any]:  # noqa: ANN401
    """Return the cells of a row, that of the gene underlined and leading elsewhere."""
    place = [str(name) for name in sheet.frame.columns].index(_LINKED[sheet.kind])
    cell = _cell(page, sheet, place)
    cell.font = Font(name=_FONT, size=11, color=_BLUE, underline="single")
    cell.hyperlink = Hyperlink(ref="", location=link)
    return [*cells[:place], cell, *cells[place + 1 :]]


def _lay_out_pages(page: Any, width: float) -> None:  # noqa: ANN401 - openpyxl has no types
    """Print across the page, on as many side by side as can be read, each with the header and the first columns."""
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", _A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = max(1, round(width / _PRINTED_WIDTH)), 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.print_title_rows = "1:1"
    if page.page_setup.fitToWidth > 1:
        page.print_title_cols = "A:B"


def _append(page: Any, cells: Sequence[Any], values: Sequence[float | str | None]) -> None:  # noqa: ANN401
    """Write one row; a page that is only written takes a cell's value at once, so each column needs a single cell."""
    for cell, value in zip(cells, values, strict=True):
        cell.value = None if value == "" else value
        if isinstance(cell.value, str):
            cell.data_type = "s"  # openpyxl takes a leading '=' for a formula
    page.append(cells)


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


def _cell(page: Any, sheet: _Sheet, column: int) -> Any:  # noqa: ANN401 - openpyxl has no types
    """Return a cell in the style of a column."""
    cell = WriteOnlyCell(page)
    if _is_number(sheet.frame.iloc[:, column]):
        cell.number_format = sheet.word(str(sheet.frame.columns[column])).number_format
    else:
        cell.number_format, cell.quotePrefix = "@", True  # stays text when someone edits it
    if sheet.kind == "legend":
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _header(page: Any) -> Any:  # noqa: ANN401 - openpyxl has no types
    cell = WriteOnlyCell(page)
    cell.font = Font(name=_FONT, size=11, bold=True)
    cell.fill = PatternFill("solid", fgColor="DDE6EE")
    return cell


def _width(name: str, values: Sequence[Any], number_format: str) -> float:
    """Return a width in characters that shows the header and the first rows, within bounds."""
    if name == _LEGEND_COLUMNS[-1]:
        return _LEGEND_WIDTH
    lengths = [len(value) if isinstance(value, str) else len(number_format) + 1 for value in values[:_SAMPLED_ROWS]]
    return float(min(_WIDEST, max(_NARROWEST, len(name) + _FILTER_ARROW, *lengths, 0) + 1))


def _saved(book: Any) -> bytes:  # noqa: ANN401 - openpyxl has no types
    """Save the workbook without a trace of when that was."""
    draft, final = io.BytesIO(), io.BytesIO()
    book.save(draft)
    book.properties = DocumentProperties(creator="Cairn", created=_FIXED_DATE, modified=_FIXED_DATE)
    with zipfile.ZipFile(draft) as source, zipfile.ZipFile(final, "w") as copy:
        for name in source.namelist():
            content = tostring(book.properties.to_tree()) if name == ARC_CORE else source.read(name)
            member = zipfile.ZipInfo(name, _FIXED_DATE.timetuple()[:6])
            copy.writestr(member, content, zipfile.ZIP_DEFLATED)
    return final.getvalue()
