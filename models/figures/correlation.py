"""Figures of gene-metabolite correlation and of gene importance."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from models.display import PALETTE
from models.figures.importance import IMPORTANCE_NAMES
from models.figures.names import short_names, text_width
from models.figures.style import (
    ABSENT,
    SMALL,
    TWO_COLUMNS,
    FloatArray,
    cluster_order,
    counted,
    drawn,
    every,
    message_figure,
    name_axis,
    new_figure,
    panels,
    plain_number,
    square_side,
)

_MAX_POINTS = 3_000
_LINE, _LEAST_SIDE, _MAX_SIDE = 2.6, 24.0, 150.0  # mm
_GENE, _METABOLITE = 22, 26  # letters at most
MEASURES = {
    "spearman": "Spearman correlation",
    "pearson": "Pearson correlation",
    "bicor": "Biweight midcorrelation",
}
"""Words for the methods of correlation."""


@drawn
def strongest_heatmap(
    rho: FloatArray, gene_ids: Sequence[str], metabolite_ids: Sequence[str], *, measure: str = MEASURES["spearman"]
) -> Figure:
    """Draw the correlation of chosen genes with chosen metabolites, alike ones side by side.

    Parameters
    ----------
    rho : ndarray, shape=(n_genes, n_metabolites), dtype=float64
        Correlations, -1 to 1; missing ones are grey.
    gene_ids, metabolite_ids : sequence of str
        Names in the order of `rho`.
    measure : str
        What `rho` is, in words.
    """
    if not rho.size:
        return message_figure("no gene-metabolite pair")
    genes, metabolites = cluster_order(rho), cluster_order(rho.T)
    ordered = rho[np.ix_(genes, metabolites)]
    beside = text_width(short_names(gene_ids, _GENE), SMALL)
    below = text_width(short_names(metabolite_ids, _METABOLITE), SMALL)
    height = min(_MAX_SIDE, max(_LEAST_SIDE, _LINE * len(genes)))
    width, page = square_side(_LINE * len(metabolites), beside + 32, _LEAST_SIDE, _MAX_SIDE)
    figure = new_figure(page, height + below + 22)
    axes = figure.add_subplot()
    axes.set_facecolor(ABSENT)
    image = axes.imshow(ordered, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    step = name_axis(axes, "y", [gene_ids[place] for place in genes], height, width=_GENE)
    axes.set_ylabel(every(step, "gene"))
    step = name_axis(axes, "x", [metabolite_ids[place] for place in metabolites], width, width=_METABOLITE)
    axes.set_xlabel(every(step, "metabolite"))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    shrink = 0.6 if height > 60 else 1.0
    bar = figure.colorbar(image, ax=axes, shrink=shrink, label=measure, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.outline.set_visible(False)
    sides = f"{counted(len(genes), 'gene')} and {counted(len(metabolites), 'metabolite')}"
    axes.set_title(f"{sides} of the strongest pairs{'; grey: not defined' if np.isnan(rho).any() else ''}")
    return figure


@drawn
def importance_scatter(importance: pd.DataFrame) -> Figure:
    """Draw the importances of genes against each other.

    Parameters
    ----------
    importance : DataFrame
        Columns among `reconstruction`, `gradient` and `graph`, one row a gene: means over the folds.

    Returns
    -------
    Figure
        One panel a pair of importances; points for up to 3,000 genes and counts in hexagons beyond.
    """
    present = [name for name in IMPORTANCE_NAMES if name in importance and importance[name].notna().any()]
    pairs = list(combinations(present, 2))
    if not pairs:
        return message_figure("fewer than two importances to compare")
    figure = new_figure(TWO_COLUMNS, 60)
    every_axes = panels(figure, len(pairs), len(pairs))
    clouds = []
    for axes, (first, second) in zip(every_axes, pairs, strict=True):
        both = importance[[first, second]].dropna().to_numpy(dtype=np.float64)
        clouds += _cloud(axes, both)
        axes.set(xlabel=IMPORTANCE_NAMES[first], ylabel=IMPORTANCE_NAMES[second])
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4))
            axis.set_major_formatter(FuncFormatter(plain_number))
        axes.set_title(f"{counted(len(both), 'gene')},\nSpearman {_spearman(both)}")
    if clouds:
        shared = LogNorm(1, max(2.0, *(float(np.asarray(cells.get_array()).max()) for cells in clouds)))
        for cells in clouds:
            cells.set_norm(shared)
        figure.colorbar(clouds[0], ax=every_axes, label="genes", shrink=0.8, format=FuncFormatter(plain_number))
    return figure


def _spearman(points: FloatArray) -> str:
    ranks = pd.DataFrame(points).rank().to_numpy()
    if not len(ranks) or (np.ptp(ranks, axis=0) == 0).any():
        return "not defined"
    return f"{np.corrcoef(ranks, rowvar=False)[0, 1]:z.2f}"


def _cloud(axes: Axes, points: FloatArray) -> list[PolyCollection]:
    """Draw points, or counts in hexagons, which are returned; a few far outliers at the low end are left out."""
    low = np.percentile(points, 0.5, axis=0) if len(points) > 200 else points.min(axis=0, initial=np.inf)
    shown = points[(points >= low).all(axis=1)]
    if len(shown) <= _MAX_POINTS:
        axes.scatter(shown[:, 0], shown[:, 1], s=5, color=PALETTE[0], alpha=0.5, linewidths=0, rasterized=True)
        return []
    x, y = shown.T
    return [axes.hexbin(x, y, gridsize=45, mincnt=1, cmap="viridis_r", linewidths=0.1, rasterized=True)]
