"""Figures of the ranking."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from configs.ranking_tables import EVIDENCES
from models.display import PALETTE
from models.figures.names import short_names, shorten, text_width
from models.figures.style import (
    DARK,
    GREY,
    ONE_COLUMN,
    SMALL,
    TWO_COLUMNS,
    beside_axes,
    counted,
    drawn,
    message_figure,
    new_figure,
    page_width,
    plain_number,
)

_COLOURS = dict(zip(EVIDENCES, PALETTE, strict=False))
_PLAIN_WIDTH = 68.0  # mm that ranks and their numbers take
_CONTROLS = {
    "real": ("the real target", PALETTE[0], 2.0),
    "random_target": ("random metabolites", PALETTE[5], 0.8),
    "shuffled_baits": ("random baits", PALETTE[2], 0.8),
    "both": ("both random", DARK, 0.8),
}
"""Label, colour and line width of what was ranked."""
_FEWEST = 5  # lines that a list of genes has room for at least, so that its axes can be read
_MARKED = 10  # first places that are drawn as points too
_LEAST_FALSE = 0.01  # genes: a smaller expectation is not written out
_LINE = 0.065  # of the height of the axes: what a line of labels takes


@drawn
def top_genes(ranking: pd.DataFrame, contributions: pd.DataFrame, *, count: int = 25) -> Figure:
    """Draw what each evidence adds to the score of the best genes.

    Parameters
    ----------
    ranking : DataFrame
        Rows of one target, contract `ranking`.
    contributions : DataFrame
        Column `gene_id` and one column an evidence: weighted contributions, which add up to the score.
    count : int
        Genes to draw, best first.
    """
    best = ranking.sort_values("rank", kind="stable").head(count)
    present = [name for name in EVIDENCES if name in contributions and contributions[name].fillna(0.0).any()]
    if best.empty or not present:
        return message_figure("no ranked gene")
    parts = contributions.set_index("gene_id").reindex(best["gene_id"])[present].fillna(0.0)
    figure = new_figure(TWO_COLUMNS, 26 + 4.2 * max(_FEWEST, len(best)))
    axes = figure.add_subplot()
    left = np.zeros(len(best))
    for name in present:
        widths = parts[name].to_numpy(dtype=np.float64)
        axes.barh(
            np.arange(len(best)),
            widths,
            left=left,
            height=0.76,
            color=_COLOURS[name],
            edgecolor="white",
            linewidth=0.3,
            label=name,
        )
        left += widths
    axes.set_yticks(np.arange(len(best)), short_names(best["gene_id"].tolist(), 28))
    axes.set(
        ylim=(max(_FEWEST, len(best)) - 0.4, -0.6),
        xlabel="score: what each evidence adds, times its weight",
        ylabel="gene, best first",
    )
    axes.xaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.set_title(f"{shorten(str(best['target'].iloc[0]), 40)}: {_best_of(len(best), len(ranking))}")
    figure.legend(loc="outside right upper", title="evidence", alignment="left")
    return figure


def _best_of(shown: int, total: int) -> str:
    return f"the {shown} best of {total:,} genes" if shown < total else f"{counted(total, 'gene')}, best first"


@drawn
def score_curve(ranking: pd.DataFrame, *, top: int = 25) -> Figure:
    """Draw the score of every gene of one target against its rank, the best ones highlighted.

    Parameters
    ----------
    ranking : DataFrame
        Rows of one target, contract `ranking`.
    top : int
        Genes to highlight.
    """
    ordered = ranking.dropna(subset=["score"]).sort_values("rank", kind="stable")
    if ordered.empty:
        return message_figure("no ranked gene")
    ranks, scores = ordered["rank"].to_numpy(), ordered["score"].to_numpy(dtype=np.float64)
    figure = new_figure(ONE_COLUMN, 62)
    axes = figure.add_subplot()
    shown = np.unique(np.geomspace(1, len(ranks), 2_000).astype(np.int64)) - 1
    axes.plot(ranks[shown], scores[shown], color=GREY, linewidth=1.0)
    axes.plot(ranks[:top], scores[:top], color=PALETTE[5], marker="o", markersize=2.5, linewidth=0, zorder=3)
    place = min(top, len(ranks)) - 1
    axes.annotate(
        f"the best {place + 1}" if place else "the best",
        (ranks[place], scores[place]),
        (5, 3),
        textcoords="offset points",
        color=DARK,
        fontsize=SMALL,
    )
    _log_ranks(axes, last=int(ranks[-1]))
    axes.set_ylim(bottom=min(0.0, float(scores.min())))
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.set(xlabel="rank (log scale)", ylabel="score")
    axes.set_title(f"{shorten(str(ordered['target'].iloc[0]), 20)}: score of {counted(len(ordered), 'gene')}")
    return figure


@drawn
def negative_controls(table: pd.DataFrame) -> Figure:
    """Draw the best scores of one target against those of its negative controls.

    Parameters
    ----------
    table : DataFrame
        Rows of one target, contract `negative_controls`.
    """
    lines = {name: table[table["control"] == name].sort_values("place") for name in _CONTROLS}
    lines = {name: rows for name, rows in lines.items() if len(rows)}
    if not lines:
        return message_figure("no negative control was run")
    figure = new_figure(ONE_COLUMN, 66)
    axes = figure.add_subplot()
    for name, rows in reversed(lines.items()):
        _, colour, width = _CONTROLS[name]
        axes.plot(
            rows["place"],
            rows["score"],
            color=colour,
            linewidth=width,
            marker="o",
            markersize=1.2 + width,
            markevery=slice(0, _MARKED),
        )
    _log_ranks(axes, last=int(table["place"].max()))
    axes.set_ylim(bottom=min(0.0, float(table["score"].min())))
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.set(xlabel="place among its genes (log scale)", ylabel="score")
    axes.set_title(f"{shorten(str(table['target'].iloc[0]), 24)}: real and by chance")
    _label_ends(axes, {name: float(rows["score"].iloc[-1]) for name, rows in lines.items()})
    return figure


def _label_ends(axes: Axes, ends: dict[str, float]) -> None:
    """Name lines at their right ends, moved apart where they end close together."""
    low, high = axes.get_ylim()
    names = sorted(ends, key=lambda name: (ends[name], name == "real"))
    heights = [-_LINE]
    for name in names:
        heights.append(max((ends[name] - low) / (high - low), heights[-1] + _LINE))
    beyond = max(0.0, heights[-1] - 1)
    for name, height in zip(names, heights[1:], strict=True):
        label, colour, width = _CONTROLS[name]
        axes.annotate(
            label,
            (1, height - beyond),
            (3, 0),
            "axes fraction",
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            fontweight="bold" if width > 1 else "normal",
            color=colour,
            annotation_clip=False,
        )


@drawn
def false_in_top(table: pd.DataFrame) -> Figure:
    """Draw how many of the best genes of one target are expected to be false.

    Parameters
    ----------
    table : DataFrame
        Rows of one target: columns target, top, expected_false and share.

    Returns
    -------
    Figure
        A bar a size of the top, as long as the share of it that is false; the line at 100% is where all are.
    """
    known = table.dropna(subset=["share"]).sort_values("top")
    if known.empty:
        return message_figure("how many of the top are false is not known")
    rows, share = np.arange(len(known)), known["share"].to_numpy(dtype=np.float64)
    figure = new_figure(ONE_COLUMN, 26 + 5 * max(3, len(known)))
    axes = figure.add_subplot()
    axes.barh(rows, share, height=0.7, color=PALETTE[5])
    axes.axvline(1.0, color=DARK, linewidth=0.8, linestyle=(0, (3, 2)))
    texts = [_false_of(false, top) for false, top in zip(known["expected_false"], known["top"], strict=True)]
    beside_axes(axes, [-0.9, *range(len(texts))], ["expected false", *texts], shift=3)
    axes.set_yticks(rows, [f"best {top:,}" for top in known["top"]])
    axes.set(xlim=(0, 1.04), ylim=(len(known) - 0.4, -0.6), xlabel="share expected false")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.set_ylabel("genes")
    axes.set_title(f"{shorten(str(known['target'].iloc[0]), 20)}: expected false")
    return figure


def _false_of(false: float, top: int) -> str:
    """Say how many of a top are expected to be false; as many as there are, or more, is all of them."""
    if false >= top:
        return f"all {top:,}"
    if false < _LEAST_FALSE:
        return f"under {_LEAST_FALSE} of {top:,}"
    return f"{false:,.1f} of {top:,}" if false >= 1 else f"{false:.2g} of {top:,}"


@drawn
def rank_intervals(ranking: pd.DataFrame, *, count: int = 25) -> Figure:
    """Draw between which ranks the best genes of one target stay when a replicate group is left out.

    Parameters
    ----------
    ranking : DataFrame
        Rows of one target, contract `ranking`.
    count : int
        Genes to draw, best first.
    """
    best = ranking.dropna(subset=["score"]).sort_values("rank", kind="stable").head(count)
    known = best[["rank_low", "rank_high"]].notna().all(axis=1).to_numpy()
    if not known.any():
        return message_figure("no rank interval is known")
    rows, names = np.arange(len(best)), short_names(best["gene_id"].tolist(), 28)
    low, high = (best[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in ("rank_low", "rank_high"))
    figure = new_figure(page_width(_PLAIN_WIDTH + text_width(names, SMALL)), 26 + 3.6 * max(_FEWEST, len(best)))
    axes = figure.add_subplot()
    axes.hlines(rows[known], low[known], high[known], color=PALETTE[4], linewidth=3.0)
    axes.plot(best["rank"], rows, color=PALETTE[0], marker="o", markersize=3, linewidth=0, zorder=3)
    spans = [f"{a:,.0f} to {b:,.0f}" if has else "" for a, b, has in zip(low, high, known, strict=True)]
    beside_axes(axes, [-0.9, *range(len(spans))], ["ranks", *spans], shift=3)
    _log_ranks(axes, last=int(np.nanmax(np.append(high, best["rank"].max()))))
    axes.set_yticks(rows, names)
    axes.set(ylim=(max(_FEWEST, len(best)) - 0.4, -0.6), ylabel="gene, best first", xlabel="rank (log scale)")
    axes.set_title(f"{shorten(str(best['target'].iloc[0]), 24)}: ranks with one group left out")
    return figure


def _log_ranks(axes: Axes, *, last: int) -> None:
    """Make the horizontal axis one of ranks, on a log scale; between powers of ten there are ticks without a number."""
    axes.set_xscale("log")
    axes.set_xlim(0.85, max(10.0, last * 1.2))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
