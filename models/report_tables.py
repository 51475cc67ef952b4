"""Tables of the report page: what is shown of each record, in plain words, and what a bar fills."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from configs.ranking_tables import EVIDENCES
from models.card_records import Card, Record

Span = tuple[float, float]
Anchors = Mapping[str, Mapping[str, str]]

_FORMATS = {"share": ".0%", "mean": ".2f", "sd": ".2f", "value": ".4g", "expected_false": ".1f"} | {
    "bit_score": ",.1f",
    "member_coverage": ".0%",
    "protein_coverage": ".0%",
    "median_rank": ".1f",
    "recall_100": ".0%",
    "top_1_percent": ".0%",
    "top_low": ".0%",
    "top_high": ".0%",
}
_SMALL = {"p": ".1e", "q": ".1e", "evalue": ".1e", "expected_false": ".2g"}  # below 0.001, or as follows
_SMALL_BELOW = {"expected_false": 1.0}
_WHOLE = frozenset(
    {"rank_low", "rank_high", "previous_rank", "shift"}
)  # whole numbers that come as fractions where some are missing
_RANK01 = "rank01"
_FINEST = 4  # decimals of a percentile at most
_HEADERS = {
    "rank": "Rank",
    "rank_low": "Rank from",
    "rank_high": "Rank to",
    "gene_id": "Gene",
    "score": "Score",
    "p": "p",
    "q": "q",
    "stability": "Stability",
    "weight_stability": "Weight stability",
    "direction": "Direction",
    "best_metabolite": "Best metabolite",
    "family": "Family",
    "description": "Description",
    "macro_f1": "Macro F1",
    "mcc": "MCC",
    "low": "95% from",
    "high": "95% to",
    "n_samples": "Samples",
    "n_groups": "Groups",
    "n_classes": "Classes",
    "n_repeats": "Repeats",
    "sample_id": "Sample",
    "top": "Best genes",
    "shape": "Shape",
    "expected_false": "Expected false",
    "share": "Share false",
    "kind": "Kind",
    "n_baits": "Known genes",
    "auc": "AUC",
    "auc_low": "AUC from",
    "auc_high": "AUC to",
    "recall_100": "In first 100",
    "top_1_percent": "In top 1%",
    "top_low": "Top 1% from",
    "top_high": "Top 1% to",
    "median_rank": "Median rank",
    "weight": "Fitted weight",
    "value": "As computed",
    _RANK01: "Percentile",
    "null_percentile": "Chance percentile",
    "contribution": "Adds to score",
    "partner": "Partner",
    "measure": "Measured as",
    "detail": "More",
    "mean": "Mean (log2)",
    "sd": "Standard deviation",
    "sequence_id": "Sequence",
    "best_member": "Best member",
    "n_members": "Members",
    "bit_score": "Bits",
    "evalue": "E-value",
    "n_genes": "Genes with a hit",
    "n_best": "Genes that fit it best",
    "previous_rank": "Rank before",
    "previous_stability": "Stability before",
    "shift": "Places gained",
    "best_gene": "Best gene",
}
_RANKING_COLUMNS = (
    "rank",
    "gene_id",
    "description",
    "score",
    "rank_low",
    "rank_high",
    "stability",
    "weight_stability",
    "p",
    "q",
    *(f"{name}_{_RANK01}" for name in EVIDENCES),
    "direction",
    "best_metabolite",
    "shape",
    "family",
)
_CHANGE_COLUMNS = ("change", "gene_id", "rank", "previous_rank", "shift", "stability", "previous_stability")
_CHANGES = {
    "new_in_25": "new in the top 25",
    "left_25": "left the top 25",
    "new_in_100": "new in the top 100",
    "left_100": "left the top 100",
    "moved": "moved",
}
"""Changes of a gene's rank in the order in which they are shown."""
_MOST_MOVED = 25
_TOLD_TOPS = frozenset({10, 25, 100})
_WORTH_COLUMNS = (
    "method",
    "kind",
    "n_baits",
    "auc",
    "auc_low",
    "auc_high",
    "recall_100",
    "top_1_percent",
    "top_low",
    "top_high",
    "median_rank",
    "weight",
)
_GRADES = frozenset({"grade", "best_grade"})
_PERCENTILES = frozenset({_RANK01, "null_percentile"})
_MEASURES = {"metabolite": "correlation, rho", "bait": "mutual rank", "homolog": "grade, 0 to 1"}
"""What the value of a partner is, by its kind."""
_KINDS = {
    "evidence": "alone",
    "fusion": "weights as set",
    "calibrated": "fitted weights",
}
"""What a method to find left-out baits goes by."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as shown: its text, what it sorts by, how much of it a bar fills (percent), and the bar's colour class.

    `anchor` is the id of the part of the page that the text leads to, or empty.
    """

    text: str
    sort: str = ""
    fill: str = ""
    shade: str = ""
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as shown."""

    name: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...]
    heading: int = 0
    """Place of the column that names the row."""


def table_of(
    name: str,
    caption: str,
    records: Sequence[Record],
    *,
    columns: Sequence[str] | None = None,
    heading: str = "",
    bars: Mapping[str, Span] | None = None,
    anchors: Anchors | None = None,
) -> Table | None:
    """Return the table of `records` without the columns that hold nothing, or None when nothing is left.

    Parameters
    ----------
    name, caption : str
        Id of the table on the page, and what it is called.
    records : sequence of mapping
        Rows.
    columns : sequence of str, optional
        Columns to show, in this order; by default all of them.
    heading : str
        Column that names the row; the first one where it is not shown.
    bars : mapping of str to (float, float), optional
        Where a bar of a column is empty and where it is full; ranks of evidence have bars from 0 to 1.
    anchors : mapping of str to mapping, optional
        By column, the id of the part of the page that a text leads to.
    """
    records = [{key: _plain(value) for key, value in record.items()} for record in records]
    wanted = columns if columns is not None else list(dict.fromkeys(key for record in records for key in record))
    shown = [column for column in wanted if any(not _absent(record.get(column)) for record in records)]
    if not shown:
        return None
    spans = {column: (0.0, 1.0) for column in shown if column.endswith(_RANK01)} | dict(bars or {})
    rows = tuple(tuple(_cell(column, record, spans.get(column)) for column in shown) for record in records)
    rows = tuple(_linked(row, shown, anchors) for row in rows) if anchors else rows
    return Table(
        name,
        caption,
        headers=tuple(_heading(column) for column in shown),
        rows=rows,
        numeric=tuple(any(row[place].sort for row in rows) for place in range(len(shown))),
        heading=shown.index(heading) if heading in shown else 0,
    )


def _linked(row: Sequence[Cell], columns: Sequence[str], anchors: Anchors) -> tuple[Cell, ...]:
    """Give the cells of a row the parts of the page that they lead to."""
    return tuple(
        replace(cell, anchor=anchors.get(column, {}).get(cell.text, ""))
        for cell, column in zip(row, columns, strict=True)
    )


def ranking_table(
    name: str,
    caption: str,
    top: Sequence[Record],
    *,
    families: Mapping[str, str] | None = None,
    genes: Mapping[str, str] | None = None,
) -> Table | None:
    """Return the table of the best genes of a target, rows of the contract `ranking`.

    `families` and `genes` are the ids of the parts of the page that tell of them.
    """
    anchors = {"family": families or {}, "gene_id": genes or {}}
    return table_of(name, caption, top, columns=_RANKING_COLUMNS, heading="gene_id", anchors=anchors)


def false_table(name: str, caption: str, records: Sequence[Record]) -> Table | None:
    """Return how many of the best genes are expected to be false, rows of the contract `false_in_top`.

    As many as there are or more is written as "all": more false genes than genes is no number to read.
    """
    known = _with_expected(records)
    shown = [row | {"expected_false": "all"} if _all_false(row) else row for row in map(dict, known)]
    return table_of(name, caption, shown, columns=("top", "expected_false", "share"))


def expected_sentence(records: Sequence[Record]) -> str:
    """Say how many of the first 10, 25 and 100 genes chance would bring there; empty where none of it is known.

    `records` are rows of the contract `false_in_top`.
    """
    known = [row for row in _with_expected(records) if row["top"] in _TOLD_TOPS]
    parts = [
        f"{'all' if _all_false(row) else format(float(str(row['expected_false'])), '.2g')} of the first {row['top']}"
        for row in known
    ]
    return f"By chance alone one would expect as high: {', '.join(parts)}." if parts else ""


def _with_expected(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if not _absent(_plain(record.get("expected_false")))]


def _all_false(record: Record) -> bool:
    return float(str(record["expected_false"])) >= float(str(record["top"]))


def evidence_table(name: str, caption: str, records: Sequence[Record]) -> Table | None:
    """Return what each evidence and each fusion is worth, rows of the contract `leave_one_out`."""
    told = [dict(record) | {"kind": _KINDS.get(str(record.get("kind")), record.get("kind"))} for record in records]
    return table_of(name, caption, told, columns=_WORTH_COLUMNS)


def change_table(
    name: str, caption: str, records: Sequence[Record], *, genes: Mapping[str, str] | None = None
) -> Table | None:
    """Return which genes came into the top and which left it, and the 25 others that moved furthest.

    `records` are rows of the contract `changes`; `genes` the ids of the cards of genes that have one.
    """
    order = list(_CHANGES)
    shown = [record for record in records if record.get("change") in order[:-1]]
    moved = [record for record in records if record.get("change") == order[-1]]
    furthest = sorted(moved, key=lambda record: -abs(float(str(record["shift"]))))[:_MOST_MOVED]
    ordered = sorted(shown, key=lambda record: order.index(str(record["change"])))
    told = [dict(record) | {"change": _CHANGES[str(record["change"])]} for record in (*ordered, *furthest)]
    return table_of(name, caption, told, columns=_CHANGE_COLUMNS, heading="gene_id", anchors={"gene_id": genes or {}})


def card_tables(name: str, card: Card) -> tuple[Table, ...]:
    """Return the tables of a card that hold something: evidence, partners, and expression where no samples show it."""
    expression = () if card.samples else card.expression
    partners = [{**row, "measure": _MEASURES.get(str(row.get("kind")), "")} for row in card.partners]
    tables = (
        table_of(
            f"{name}-evidence",
            "What each evidence says; percentiles among all genes and among values by chance",
            card.evidence,
            columns=("evidence", "value", _RANK01, "null_percentile", "contribution"),
            bars={"null_percentile": (0.0, 1.0)},
        ),
        table_of(
            f"{name}-partners",
            "What it goes with, best first (mutual rank: 1 is closest)",
            partners,
            columns=("partner", "kind", "measure", "value", "detail"),
        ),
        table_of(
            f"{name}-expression",
            "Expression by replicate group",
            expression,
            columns=("group", "n_samples", "mean", "sd"),
            bars={"mean": _span([row.get("mean") for row in expression])},
        ),
    )
    return tuple(table for table in tables if table is not None)


def _span(values: Sequence[object]) -> Span:
    """Return the span of bars that start at 0, or at the lowest value where that is below."""
    known = [float(str(value)) for value in map(_plain, values) if not _absent(value)]
    return min(0.0, *known, 0.0), max(0.0, *known, 0.0)


def _heading(column: str) -> str:
    if column in _HEADERS:
        return _HEADERS[column]
    evidence = column.removesuffix(f"_{_RANK01}")
    return evidence.replace("_", " ").capitalize() + (" percentile" if evidence != column else "")


def _plain(value: object) -> object:
    """Return a number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _cell(column: str, record: Record, span: Span | None) -> Cell:
    value = record.get(column)
    if _absent(value):
        return Cell("")
    if column == "direction":
        rises = float(str(value)) > 0
        return Cell("rises" if rises else "falls")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if not isinstance(value, int | float):
        return Cell(str(value))
    text, sort = _number(column, value), repr(float(value))
    if span is None:
        return Cell(text, sort)
    return Cell(text, sort, _fill(float(value), span), _shade(column, record))


def _fill(value: float, span: Span) -> str:
    """Return the percent of a bar that is full."""
    low, high = span
    share = (value - low) / (high - low) if high > low else 0.0
    return f"{min(max(share, 0.0), 1.0) * 100:.1f}"


def _shade(column: str, record: Record) -> str:
    """Return the class of the bar's colour: the evidence that the column, or else the row, is about."""
    if column in _GRADES:
        return "homology"
    of_row = column in {_RANK01, "null_percentile"}
    name = str(record.get("evidence")) if of_row else column.removesuffix(f"_{_RANK01}")
    return name if name in EVIDENCES else "other"


def _number(column: str, value: float) -> str:
    """Write a number: whole ones with thousands, probabilities below 0.001 scientific, most others to 3 decimals."""
    if column in _PERCENTILES or column.endswith(f"_{_RANK01}"):
        return _percentile(value)
    if isinstance(value, int) or column in _WHOLE or abs(value) >= 10_000:
        return f"{value:,.0f}"
    small = _SMALL.get(column, "")
    if small and value == 0:
        return "0"
    return format(value, small if small and value < _SMALL_BELOW.get(column, 0.001) else _FORMATS.get(column, ".3f"))


def _percentile(share: float) -> str:
    """Write a share in percent, with as many decimals as keep one below 1 from being written as 100."""
    digits = 1
    while digits < _FINEST and share < 1 and round(100 * share, digits) >= 100:
        digits += 1
    return f"{100 * share:.{digits}f}"
