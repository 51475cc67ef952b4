"""Figure of the genes that matter most to the networks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from models.display import PALETTE
from models.figures.names import short_names
from models.figures.style import (
    GREY,
    TWO_COLUMNS,
    beside_axes,
    drawn,
    message_figure,
    new_figure,
    panels,
    plain_number,
)

IMPORTANCE_NAMES = {
    "reconstruction": "reconstruction\n(held-out explained variance)",
    "gradient": "gradient\n(response of the latents)",
    "graph": "graph\n(held-out loss increase)",
}


_TINY = 1e-3  # below it numbers are too long to stand beside each other
_FEWEST = 4  # lines that a panel has at least, so that its axis can be read


@drawn
def top_importance(summary: pd.DataFrame, *, count: int = 15) -> Figure:
    """Draw the best genes by each importance, with error bars and stability.

    Parameters
    ----------
    summary : DataFrame
        Table of the contract `importance_summary`.
    count : int
        Genes to draw in each panel, best first.
    """
    present = [name for name in IMPORTANCE_NAMES if summary[name].notna().any()]
    if not present:
        return message_figure("no gene has an importance")
    figure = new_figure(TWO_COLUMNS, 28 + 3.6 * max(_FEWEST, min(count, len(summary))))
    for axes, name in zip(panels(figure, len(present), len(present)), present, strict=True):
        best = summary.dropna(subset=[name]).sort_values(name, ascending=False, kind="stable").head(count)
        _panel(axes, best, name, colour=PALETTE[list(IMPORTANCE_NAMES).index(name)])
    figure.axes[0].set_ylabel("gene, best first" if min(count, len(summary)) > _FEWEST else "gene")
    return figure


def _panel(axes: Axes, best: pd.DataFrame, name: str, *, colour: str) -> None:
    rows = np.arange(len(best))
    mean = best[name].to_numpy(np.float64)
    spread = best[f"{name}_sd"].fillna(0).to_numpy(np.float64)
    axes.errorbar(mean, rows, xerr=spread, fmt="o", color=colour, markersize=3, elinewidth=0.8, capsize=1.5, zorder=3)
    if name == "reconstruction":
        axes.scatter(best["reconstruction_null"], rows, s=14, marker="|", color=GREY, linewidths=1.0)
    shares = [f"{share:.0%}" for share in best[f"{name}_top"]]
    beside_axes(axes, [-0.9, *rows], ["in top 1%", *shares], shift=2)
    axes.set_yticks(rows, short_names(best["gene_id"].tolist(), 18))
    axes.set(ylim=(len(best) - 0.4, -0.6), xlabel=IMPORTANCE_NAMES[name])
    axes.locator_params(axis="x", nbins=3)
    unit = _unit(float(np.abs(mean).max(initial=0.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain_number(value / unit)))
    if unit < 1:
        axes.set_xlabel(IMPORTANCE_NAMES[name].replace("\n", f", \N{MULTIPLICATION SIGN} {plain_number(unit)}\n"))
    axes.set_title(f"the {len(best)} best" if len(best) > 1 else "the best")


def _unit(largest: float) -> float:
    """Return the power of ten that the numbers of an axis are given in: 1, unless they are very small."""
    return 10.0 ** np.floor(np.log10(largest)) if 0 < largest < _TINY else 1.0
