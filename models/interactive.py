"""Plots of the page that can be zoomed and asked: drawn by Bokeh, with its script inside the page."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar, cast

import numpy as np
import pandas as pd
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, HoverTool, OpenURL, Range1d, TapTool
from bokeh.plotting import figure
from bokeh.resources import Resources
from markupsafe import Markup

from configs.ranking_tables import EVIDENCES
from models.display import METHOD_NAMES, PALETTE
from models.plotted import TOP, InteractivePlot

Json = TypeVar("Json")
Scale = Literal["linear", "log"]

_WIDTH, _HEIGHT = 560, 420
_MAP = 380
_COLOURS = (*PALETTE[:6], "#000000", "#999999")  # yellow is hard to see on white
_MARKERS = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star", "plus")
_QUIET = "#9aa5b1"
_TOOLS = "pan,wheel_zoom,box_zoom,reset,hover"


def library_script() -> Markup:
    """Return the script of BokehJS, as the installed package brings it."""
    (script,) = Resources(mode="inline", components=["bokeh"]).js_raw[:1]
    return Markup(script)  # noqa: S704 - the script of a package, and no content of a study


def evidence_plots(
    name: str, genes: pd.DataFrame, n_genes: int, anchors: Mapping[str, str], weights: Mapping[str, float]
) -> list[InteractivePlot]:
    """Draw the evidence of a target's genes.

    Parameters
    ----------
    name : str
        Beginning of the ids.
    genes : DataFrame
        Rows of one target, contract `ranking`, as `plotted_genes` gives them.
    n_genes : int
        Genes in the whole ranking.
    anchors : mapping of str to str
        By gene, the id of its card; a tap on the gene leads there.
    weights : mapping of str to float
        Weight of each evidence.

    Returns
    -------
    list of InteractivePlot
        The two evidences of most weight against each other, and p against correlation; what has no value is left out.
    """
    present = [one for one in EVIDENCES if genes[f"{one}_rank01"].notna().any()]
    strongest = sorted(present, key=lambda one: (-weights.get(one, 0.0), EVIDENCES.index(one)))[:2]
    rows, plots = _rows(genes, anchors), []
    if len(strongest) == 2:
        plots.append(_two_evidences(f"{name}-evidence", rows, n_genes, strongest))
    if genes["p"].notna().any() and genes["correlation"].notna().any():
        plots.append(_volcano(f"{name}-volcano", rows))
    return plots


def map_plots(name: str, embedding: pd.DataFrame, samples: pd.DataFrame, label: str) -> list[InteractivePlot]:
    """Draw the maps of the joint latent space, coloured by one column of the sample sheet.

    Parameters
    ----------
    name : str
        Beginning of the ids.
    embedding : DataFrame
        Contract `embedding`.
    samples : DataFrame
        Contract `samples`.
    label : str
        Column to colour by.
    """
    if embedding.empty:
        return []
    first = embedding["space"].iloc[0]
    own = embedding[embedding["space"] == first].merge(samples, on="sample_id", how="left")
    maps = []
    for place, (method, points) in enumerate(own.groupby("method", sort=False)):
        said = METHOD_NAMES.get(str(method).lower(), str(method))
        maps.append(_latent_map(f"{name}-{place}", points, label, f"{said}, {first}"))
    return maps


def _rows(genes: pd.DataFrame, anchors: Mapping[str, str]) -> pd.DataFrame:
    rows = genes[["rank", "gene_id", "description", "p", "best_metabolite"]].copy()
    rows["description"] = rows["description"].fillna("").astype(str).str.slice(0, 90)
    rows["best_metabolite"] = rows["best_metabolite"].fillna("").astype(str)
    rows["rho"] = genes["correlation"].astype("float64") * genes["direction"].astype("float64").fillna(1.0)
    for name in EVIDENCES:
        rows[name] = genes[f"{name}_rank01"].astype("float64")
    rows["anchor"] = rows["gene_id"].map(anchors)
    return rows


def _two_evidences(name: str, rows: pd.DataFrame, n_genes: int, pair: Sequence[str]) -> InteractivePlot:
    across, up = pair
    floor = 1.0 / n_genes
    shown = rows.dropna(subset=list(pair)).assign(
        x=lambda table: np.maximum(1.0 - table[across], floor), y=lambda table: np.maximum(1.0 - table[up], floor)
    )
    whole = _range(1.3, floor / 2), _range(1.3, floor / 2)
    plot = _plot(across="log", up="log", spans=whole)
    _axes(plot, f"{across}: share of genes as strong or stronger", f"{up}: share of genes as strong or stronger")
    _genes(plot, shown)
    title = f"{across.capitalize()} and {up}"
    words = (
        "Each dot is a gene; the further right and up, the fewer genes have evidence as strong. Blue genes have a "
        f"card: click one to go there. Shown are the {min(TOP, len(rows)):,} best genes and some of the others."
    )
    return InteractivePlot(name, title, words, _item(plot))


def _volcano(name: str, rows: pd.DataFrame) -> InteractivePlot:
    shown = rows.dropna(subset=["rho", "p"]).assign(x=lambda table: table["rho"], y=lambda table: table["p"])
    lowest = float(shown["p"].min())
    plot = _plot(up="log", spans=(_range(-1.05, 1.05), _range(1.3, lowest / 2)))
    _axes(plot, "correlation with the best metabolite", "p of correlation and known genes")
    _genes(plot, shown)
    words = (
        "Each dot is a gene: its correlation with the target's metabolite that it goes with best, and p by permuting "
        "whole replicate groups. Blue genes have a card."
    )
    return InteractivePlot(name, "Correlation and p", words, _item(plot))


def _genes(plot: figure, rows: pd.DataFrame) -> None:
    """Draw genes, those with a card last and in colour; a tap on one of these leads to its card."""
    columns = ["x", "y", "rank", "gene_id", "description", "best_metabolite", "p", "anchor"]
    carded = rows["anchor"].notna()
    plot.scatter(
        "x",
        "y",
        source=_source(rows[~carded][columns]),
        size=5,
        color=_QUIET,
        fill_alpha=0.5,
        line_alpha=0,
    )
    cards = plot.scatter(
        "x",
        "y",
        source=_source(rows[carded][columns]),
        size=8,
        color=_COLOURS[0],
        fill_alpha=0.8,
        line_color="white",
    )
    plot.add_tools(TapTool(renderers=[cards], callback=OpenURL(url="#@anchor", same_tab=True)))
    _tell(
        plot,
        [
            ("Gene", "@gene_id"),
            ("Rank", "@rank{0,0}"),
            ("Description", "@description"),
            ("Best metabolite", "@best_metabolite"),
            ("p", "@p{0.0000}"),
        ],
    )


def _latent_map(name: str, points: pd.DataFrame, label: str, title: str) -> InteractivePlot:
    plot = _plot(width=_MAP, height=_MAP + 40)
    _axes(plot, f"{title.partition(',')[0]} 1", f"{title.partition(',')[0]} 2")
    labels = points[label].fillna("not given").astype(str)
    for place, value in enumerate(dict.fromkeys(labels)):
        own = points[labels == value]
        source = {"x": own["x"].tolist(), "y": own["y"].tolist(), "sample": own["sample_id"].tolist()}
        source |= {"group": own["group"].astype(str).tolist(), "label": [value] * len(own)}
        plot.scatter(
            "x",
            "y",
            source=ColumnDataSource(data=source),
            size=9,
            marker=_MARKERS[(place // len(_COLOURS)) % len(_MARKERS)],
            color=_COLOURS[place % len(_COLOURS)],
            line_color="white",
            legend_label=value,
        )
    plot.legend.click_policy = "hide"
    plot.add_layout(plot.legend[0], "below")
    plot.legend.ncols = 3
    plot.legend.label_text_font_size = "11px"
    _tell(plot, [("Sample", "@sample"), ("Group", "@group"), (label, "@label")])
    words = f"Each dot is a sample, coloured by {label}; a click on a name below hides or shows its samples."
    return InteractivePlot(name, title, words, _item(plot))


def _range(start: float, end: float) -> Range1d:
    return Range1d(start=start, end=end)


def _plot(
    width: int = _WIDTH,
    height: int = _HEIGHT,
    *,
    across: Scale = "linear",
    up: Scale = "linear",
    spans: tuple[Range1d, Range1d] | None = None,
) -> figure:
    plot = figure(
        width=width,
        height=height,
        max_width=width,
        sizing_mode="scale_width",
        tools=_TOOLS,
        toolbar_location="above",
        output_backend="canvas",
        x_axis_type=across,
        y_axis_type=up,
    )
    if spans is not None:
        plot.x_range, plot.y_range = spans
    plot.toolbar.logo = None
    return plot


def _tell(plot: figure, tooltips: Sequence[tuple[str, str]]) -> None:
    """Say what is shown of a dot that the pointer is on."""
    for tool in plot.tools:
        if isinstance(tool, HoverTool):
            tool.tooltips = list(tooltips)


def _axes(plot: figure, across: str, up: str) -> None:
    plot.xaxis.axis_label, plot.yaxis.axis_label = across, up
    plot.axis.axis_label_text_font_style = "normal"
    plot.grid.grid_line_color = "#e4e8ec"


def _source(rows: pd.DataFrame) -> ColumnDataSource:
    """Return columns of plain numbers and texts, which are written as they are."""
    rounded = rows.assign(**{name: [float(f"{value:.5g}") for value in rows[name]] for name in ("x", "y")})
    data = {str(name): [None if pd.isna(value) else value for value in rounded[name].tolist()] for name in rounded}
    return ColumnDataSource(data=data)


def _item(plot: figure) -> Markup:
    """Return a plot as JSON that equal plots share: Bokeh numbers its parts on and on within a process."""
    text = json.dumps(_renumbered(json_item(plot), {}), separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - JSON in a data block: `<` alone could end it


def _renumbered(part: Json, known: dict[str, str]) -> Json:
    """Give the ids of parts the order in which they come: numbers, which no name of a gene can be taken for."""
    if isinstance(part, Mapping):
        named = {
            key: known.setdefault(value, f"_{len(known) + 1}")
            if key in {"id", "root_id"} and isinstance(value, str)
            else _renumbered(value, known)
            for key, value in part.items()
        }
        return cast("Json", named)
    return cast("Json", [_renumbered(inner, known) for inner in part]) if isinstance(part, list) else part
