"""The page that tells what a study found: one HTML file that needs nothing beside it."""

import base64
import hashlib
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from configs.tables import EVIDENCES

Record = Mapping[str, object]
Section = Literal["answer", "trust", "data", "methods"]

_TEMPLATE = "report_template.html.j2"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FIGURE_DPI = 300
_PAGE_DPI = 110  # above the 96 of CSS, so that 6 pt text reads well, and so that two figures share a row
_SCIENTIFIC = frozenset({"p", "q", "evalue"})
_HEADERS = {
    "rank": "Rank",
    "gene_id": "Gene",
    "score": "Score",
    "p": "p",
    "q": "q",
    "stability": "Stability",
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
}
_RANKING_COLUMNS = (
    "rank",
    "gene_id",
    "score",
    "p",
    "q",
    "stability",
    *(f"{name}_rank01" for name in EVIDENCES),
    "direction",
    "best_metabolite",
    "family",
    "description",
)


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """One picture of the page.

    Attributes
    ----------
    title, caption : str
        Shown above and below; together they are the text for those who cannot see the picture.
    png : bytes
        PNG at 300 DPI.
    section : {'answer', 'trust', 'data', 'methods'}
        Part of the page that it belongs to; those of a target stand with the target whatever is said here.
    """

    title: str
    caption: str
    png: bytes
    section: Section = "data"


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What was found for one target.

    Attributes
    ----------
    name : str
        Target.
    top : sequence of mapping
        Best rows of the contract `ranking`, best first.
    n_genes : int
        Genes in the whole ranking.
    weights : mapping of str to float
        Weight of each evidence, over what is present.
    notes : sequence of str
        What to know about this target.
    figures : sequence of ReportFigure
        Pictures of this target.
    """

    name: str
    top: Sequence[Record]
    n_genes: int
    weights: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()


@dataclass(frozen=True, slots=True)
class Provenance:
    """A table that went into the study or came out of it; `rows` is None for what has no rows."""

    name: str
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class ReportContent:
    """All that the page says.

    Attributes
    ----------
    study : str
        Name of the study.
    targets : sequence of TargetReport
        The answer.
    created : str or None
        When, as it shall be shown; left out when None, so that equal content gives an equal page.
    verdicts : sequence of str
        Sentences on how far the results carry.
    validation, qc : sequence of mapping
        Rows of the contracts `validation` and `qc`.
    figures : sequence of ReportFigure
        Pictures that belong to no single target.
    settings : mapping
        The study file, nested.
    provenance : sequence of Provenance
        Tables with their hashes.
    warnings, notes : sequence of str
        What the reader must know first, and what was done.
    """

    study: str
    targets: Sequence[TargetReport]
    created: str | None = None
    verdicts: Sequence[str] = ()
    validation: Sequence[Record] = ()
    qc: Sequence[Record] = ()
    figures: Sequence[ReportFigure] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    provenance: Sequence[Provenance] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as shown: its text, what it sorts by, and how much of it a bar fills (percent)."""

    text: str
    sort: str = ""
    fill: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as shown; `evidences` names the evidence of the columns that are bars."""

    name: str
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: tuple[bool, ...]
    evidences: tuple[str, ...]
    heading: int = 0
    """Place of the column that names the row."""


def render_report(content: ReportContent) -> str:
    """Write the page of a study.

    Parameters
    ----------
    content : ReportContent
        All that the page says.

    Returns
    -------
    str
        HTML with its style, script and pictures inside. Everything from `content` is escaped, and the page's own policy
        lets no other script run and nothing be fetched.

    Raises
    ------
    ValueError
        If a picture is no PNG.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"data_uri": _data_uri, "script_hash": _script_hash, "size": _size}
    source = files("models").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    page = environment.from_string(source).render(
        content=content,
        targets=[(target, _ranking_table(place, target)) for place, target in enumerate(content.targets, 1)],
        validation=_table("validation", "Held-out predictions by label and method", content.validation),
        qc=_table("qc", "Samples of each layer as they came in", content.qc),
        settings=_flat(content.settings),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _ranking_table(place: int, target: TargetReport) -> Table | None:
    caption = f"{target.name}: the {len(target.top):,} best of {target.n_genes:,} genes"
    return _table(f"ranking-{place}", caption, target.top, columns=_RANKING_COLUMNS, heading="gene_id")


def _table(
    name: str, caption: str, records: Sequence[Record], *, columns: Sequence[str] | None = None, heading: str = ""
) -> Table | None:
    """Return the table of `records` without the columns that hold nothing, or None when nothing is left."""
    records = [{key: _plain(value) for key, value in record.items()} for record in records]
    wanted = columns if columns is not None else list(dict.fromkeys(key for record in records for key in record))
    shown = [column for column in wanted if any(not _absent(record.get(column)) for record in records)]
    if not shown:
        return None
    rows = tuple(tuple(_cell(column, record.get(column)) for column in shown) for record in records)
    return Table(
        name,
        caption,
        headers=tuple(_heading(column) for column in shown),
        rows=rows,
        numeric=tuple(any(row[place].sort for row in rows) for place in range(len(shown))),
        evidences=tuple(column.removesuffix("_rank01") if column.endswith("_rank01") else "" for column in shown),
        heading=shown.index(heading) if heading in shown else 0,
    )


def _heading(column: str) -> str:
    return _HEADERS.get(column, column.removesuffix("_rank01").replace("_", " ").capitalize())


def _plain(value: object) -> object:
    """Return a number of NumPy as one of Python."""
    return value.item() if isinstance(value, np.generic) else value


def _absent(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _cell(column: str, value: object) -> Cell:
    if _absent(value):
        return Cell("")
    if column == "direction":
        rises = float(str(value)) > 0
        return Cell("rises" if rises else "falls")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if not isinstance(value, int | float):
        return Cell(str(value))
    fill = f"{min(max(float(value), 0.0), 1.0) * 100:.1f}" if column.endswith("_rank01") else ""
    return Cell(_number(column, value), sort=repr(float(value)), fill=fill)


def _number(column: str, value: float) -> str:
    """Write a number: whole ones with thousands, probabilities below 0.001 scientific, all else to 3 decimals."""
    if isinstance(value, int) or abs(value) >= 10_000:
        return f"{value:,.0f}"
    if column in _SCIENTIFIC and value < 0.001:
        return f"{value:.1e}"
    return f"{value:.3f}"


def _flat(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    return list(_walk(settings, prefix))


def _walk(settings: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _walk(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value)) or "none"
        else:
            yield name, "not given" if value is None or value == {} else str(value)


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height in CSS pixels at which the text of a figure reads well."""
    if not png.startswith(_PNG_SIGNATURE):
        message = f"a picture of the report must be a PNG, found bytes that begin with {png[:8]!r}"
        raise ValueError(message)
    width, height = struct.unpack(">II", png[16:24])
    return round(width * _PAGE_DPI / _FIGURE_DPI), round(height * _PAGE_DPI / _FIGURE_DPI)


def _script_hash(script: Markup) -> str:
    """Return the hash by which the page's policy knows its one script."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode('ascii')}'"
