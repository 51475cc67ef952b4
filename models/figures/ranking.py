"""Figures of the ranking."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from configs.tables import EVIDENCES
from models.figures.style import (
    DARK,
    GREY,
    ONE_COLUMN,
    PALETTE,
    SMALL,
    TWO_COLUMNS,
    drawn,
    message_figure,
    new_figure,
    short_names,
    shorten,
)

_COLOURS = dict(zip(EVIDENCES, PALETTE, strict=False))


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
    present = [name for name in EVIDENCES if name in contributions and contributions[name].notna().any()]
    if best.empty or not present:
        return message_figure("no ranked gene")
    parts = contributions.set_index("gene_id").reindex(best["gene_id"])[present].fillna(0.0)
    figure = new_figure(TWO_COLUMNS, 26 + 4.2 * len(best))
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
    axes.set(ylim=(len(best) - 0.4, -0.6), xlabel="score: sum of the weighted evidence", ylabel="gene, best first")
    axes.set_title(f"{shorten(str(best['target'].iloc[0]), 40)}: the {len(best)} best of {len(ranking):,} genes")
    figure.legend(loc="outside right upper", title="evidence", alignment="left")
    return figure


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
        f"the best {place + 1}",
        (ranks[place], scores[place]),
        (5, 3),
        textcoords="offset points",
        color=DARK,
        fontsize=SMALL,
    )
    axes.set_xscale("log")
    axes.set_ylim(bottom=min(0.0, float(scores.min())))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set(xlabel="rank (log scale)", ylabel="score")
    axes.set_title(f"{shorten(str(ordered['target'].iloc[0]), 20)}: score of {len(ordered):,} genes")
    return figure
