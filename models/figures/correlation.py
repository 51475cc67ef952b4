"""Figures of gene-metabolite correlation and of gene importance."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from models.figures.importance import IMPORTANCE_NAMES
from models.figures.style import (
    PALETTE,
    TWO_COLUMNS,
    FloatArray,
    cluster_order,
    drawn,
    every,
    message_figure,
    name_axis,
    new_figure,
    panels,
)

_MAX_POINTS = 3_000
_LINE, _MAX_SIDE = 2.6, 150.0  # mm


@drawn
def strongest_heatmap(rho: FloatArray, gene_ids: Sequence[str], metabolite_ids: Sequence[str]) -> Figure:
    """Draw the correlation of chosen genes with chosen metabolites, alike ones side by side.

    Parameters
    ----------
    rho : ndarray, shape=(n_genes, n_metabolites), dtype=float64
        Spearman correlations, -1 to 1; missing ones are grey.
    gene_ids, metabolite_ids : sequence of str
        Names in the order of `rho`.
    """
    if not rho.size:
        return message_figure("no gene-metabolite pair")
    genes, metabolites = cluster_order(rho), cluster_order(rho.T)
    ordered = rho[np.ix_(genes, metabolites)]
    height = min(_MAX_SIDE, max(35.0, _LINE * len(genes)))
    width = min(110.0, max(40.0, _LINE * len(metabolites)))
    figure = new_figure(min(TWO_COLUMNS, width + 62), max(50.0, height + 48))
    axes = figure.add_subplot()
    axes.set_facecolor("#BBBBBB")
    image = axes.imshow(ordered, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    step = name_axis(axes, "y", [gene_ids[place] for place in genes], height, width=22)
    axes.set_ylabel(every(step, "gene"))
    step = name_axis(axes, "x", [metabolite_ids[place] for place in metabolites], width, width=26)
    axes.set_xlabel(every(step, "metabolite"))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, label="Spearman correlation", ticks=[-1, -0.5, 0, 0.5, 1])
    bar.outline.set_visible(False)
    axes.set_title(f"{len(genes)} genes and {len(metabolites)} metabolites\nof the strongest pairs")
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
        axes.ticklabel_format(scilimits=(-2, 4))
        axes.set_title(f"{len(both):,} genes,\nSpearman {_spearman(both)}")
    if clouds:
        shared = LogNorm(1, max(2.0, *(float(np.asarray(cells.get_array()).max()) for cells in clouds)))
        for cells in clouds:
            cells.set_norm(shared)
        figure.colorbar(clouds[0], ax=every_axes, label="genes", shrink=0.8, format=EngFormatter(sep=""))
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
