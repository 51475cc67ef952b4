"""Figures of the data as they came and as they were prepared."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from models.display import PALETTE
from models.figures.names import short_names, shorten, text_width
from models.figures.style import (
    ABSENT,
    DARK,
    GREY,
    MAX_HEIGHT,
    ONE_COLUMN,
    SMALL,
    TWO_COLUMNS,
    FloatArray,
    class_legend,
    class_styles,
    cluster_order,
    counted,
    drawn,
    every,
    legend_height,
    message_figure,
    name_axis,
    new_figure,
    panels,
    place_names,
    plain_number,
    scatter_classes,
    square_side,
)

Curve = tuple[npt.ArrayLike, npt.ArrayLike]

_WIDE, _HUGE = 30, 1_000_000  # ratios of totals beyond which bars on a linear scale, or exact numbers, say nothing
_MOST_BARS, _FEWEST_BARS = 40, 4
_CELL, _SQUARE = 6.0, (36.0, 120.0)  # mm: a sample in the samples x samples matrix, and its least and largest side


@drawn
def library_sizes(qc: pd.DataFrame, layer: str) -> Figure:
    """Draw the total of each sample of one layer.

    Parameters
    ----------
    qc : DataFrame
        Table of the contract `qc`.
    layer : str
        Layer to draw.

    Returns
    -------
    Figure
        One bar a sample, the median as a line; points on a log scale where the totals differ more than thirtyfold.
    """
    chosen = qc[qc["layer"] == layer]
    if chosen.empty:
        return message_figure(f"{shorten(layer)}: no sample")
    totals = chosen["library_size"].to_numpy(dtype=np.float64)
    figure = new_figure(_width(len(totals)), 66)
    axes = figure.add_subplot()
    ratio = totals.max() / totals.min() if totals.min() > 0 else np.inf
    step = _totals(axes, totals, chosen["sample_id"].tolist(), logarithmic=_WIDE < ratio < np.inf)
    median = float(np.median(totals))
    axes.axhline(median, color=DARK, linewidth=0.7, linestyle="--")
    axes.annotate(
        "median",
        (1, median),
        (2, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
    )
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.set_xlabel(every(step, "sample"))
    spread = f"largest {_times(ratio)} the smallest" if np.isfinite(ratio) else "the smallest is zero"
    of = f"of each of {len(totals)} samples,\n{spread}" if len(totals) > 1 else "of the one sample"
    axes.set_title(f"{shorten(layer)}: total {of}")
    return figure


def _totals(axes: Axes, totals: FloatArray, names: Sequence[str], *, logarithmic: bool) -> int:
    if not logarithmic:
        axes.set_ylabel("sum of values, as given")
        return _bars(axes, totals, names, colour=PALETTE[0])
    axes.plot(totals, color=PALETTE[0], marker="o", markersize=4, linewidth=0)
    axes.set_yscale("log")
    axes.set_ylabel("sum of values, as given (log scale)")
    return _named(axes, names)


def _times(ratio: float) -> str:
    return f"{ratio:.3g} times" if ratio < _WIDE else f"{ratio:,.0f} times" if ratio < _HUGE else "over a million times"


def _bars(axes: Axes, heights: FloatArray, names: Sequence[str], *, colour: str) -> int:
    axes.bar(np.arange(len(heights)), heights, width=0.8, color=colour)
    return _named(axes, names)


def _named(axes: Axes, names: Sequence[str]) -> int:
    axes.set_xlim(-0.7, max(len(names), _FEWEST_BARS) - 0.3)
    axes.grid(axis="y", linewidth=0.3, color=GREY, alpha=0.5)
    return name_axis(axes, "x", names, _width(len(names)) - 18)


def _width(samples: int) -> float:
    return ONE_COLUMN if samples <= 12 else TWO_COLUMNS


@drawn
def missing_by_sample(qc: pd.DataFrame) -> Figure:
    """Draw the share of missing features of each sample, one panel a layer that misses any.

    Parameters
    ----------
    qc : DataFrame
        Table of the contract `qc`.
    """
    if qc.empty:
        return message_figure("no layer")
    missing = qc.groupby("layer", sort=False)["missing_share"].max() > 0
    layers = missing.index[missing].tolist()
    if not layers:
        return message_figure(_whole_sentence(missing.index.tolist()))
    samples = int(qc["layer"].value_counts().max())
    longest = text_width(short_names(qc["sample_id"].unique().tolist(), 18), SMALL)
    figure = new_figure(_width(samples), min(MAX_HEIGHT, 8 + (44 + longest) * len(layers)))
    for axes, layer in zip(panels(figure, len(layers), 1), layers, strict=True):
        chosen = qc[qc["layer"] == layer]
        shares = chosen["missing_share"].to_numpy(dtype=np.float64)
        step = _bars(axes, shares, chosen["sample_id"].tolist(), colour=PALETTE[5])
        _percent_axis(axes, shares)
        axes.set_ylabel("missing features")
        axes.set_xlabel(every(step, "sample"))
        found = f"{shares.mean():.1%} of values missing,\n{shares.max():.1%} in the worst sample"
        axes.set_title(f"{shorten(layer)}: {found}")
    _say_whole(figure, missing.index[~missing].tolist())
    return figure


def _percent_axis(axes: Axes, shares: FloatArray) -> None:
    axes.set_ylim(0, max(0.05, float(shares.max(initial=0.0)) * 1.08))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _whole_sentence(layers: Sequence[str]) -> str:
    return f"no value is missing in {', '.join(map(shorten, layers))}"


def _say_whole(figure: Figure, layers: Sequence[str]) -> None:
    if layers:
        figure.supxlabel(_whole_sentence(layers), fontsize=SMALL, x=0.01, ha="left")


@drawn
def missing_by_feature(shares: Mapping[str, FloatArray]) -> Figure:
    """Draw how many features miss how many samples, one panel a layer that misses any; complete ones are not drawn.

    Parameters
    ----------
    shares : mapping of str to ndarray, shape=(n_features,), dtype=float64
        Share of samples in which each feature is missing, 0 to 1, by layer.
    """
    if not shares:
        return message_figure("no layer")
    drawn_layers = {layer: values for layer, values in shares.items() if np.any(values)}
    whole_layers = [layer for layer in shares if layer not in drawn_layers]
    if not drawn_layers:
        return message_figure(_whole_sentence(whole_layers))
    columns = min(3, len(drawn_layers))
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    figure = new_figure(width, min(MAX_HEIGHT, 4 + 52 * -(-len(drawn_layers) // columns)))
    for axes, (layer, values) in zip(panels(figure, len(drawn_layers), columns), drawn_layers.items(), strict=True):
        _missing_histogram(axes, values[values > 0])
        axes.set_title(f"{shorten(layer)}: {int((values > 0).sum()):,} of {len(values):,}\nfeatures lack a value")
    _say_whole(figure, whole_layers)
    return figure


def _missing_histogram(axes: Axes, shares: FloatArray) -> None:
    """Draw a bar for each share that occurs, or bins where there are many."""
    places, counts = np.unique(shares, return_counts=True)
    width = 0.8 * float(np.diff(places, prepend=0).min())
    if len(places) > _MOST_BARS:
        counts, edges = np.histogram(shares, bins=20)
        places, width = (edges[:-1] + edges[1:]) / 2, float(edges[1] - edges[0]) * 0.95
    axes.bar(places, counts, width=width, color=PALETTE[5])
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, min(1.05, float(places.max()) + max(0.05, width)))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(xlabel="samples without a value", ylabel="features")


@drawn
def densities(
    before: Sequence[Curve],
    after: Sequence[Curve],
    layer: str,
    *,
    before_label: str = "value as given",
    after_label: str = "prepared value",
) -> Figure:
    """Draw the distribution of values in each sample before and after preparation.

    Parameters
    ----------
    before, after : sequence of (x, y)
        One density curve a sample; x in the units of the labels, y per unit of x.
    layer : str
        Layer, for the title.
    before_label, after_label : str
        Axis labels with units.
    """
    figure = new_figure(TWO_COLUMNS, 62)
    left, right = panels(figure, 2, 2)
    for axes, curves, label in ((left, before, before_label), (right, after, after_label)):
        for x, y in curves:
            axes.plot(x, y, color=PALETTE[0], linewidth=0.7, alpha=max(0.15, min(0.8, 8 / max(1, len(curves)))))
        axes.set_xlabel(label)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(plain_number))
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
    left.set_ylabel("density, a line a sample")
    left.set_title(f"{shorten(layer)}: {counted(len(before), 'sample')} before preparation")
    right.set_title(f"{counted(len(after), 'sample')} after preparation")
    return figure


@drawn
def principal_components(
    scores: FloatArray,
    explained: Sequence[float] | FloatArray,
    sample_ids: Sequence[str],
    labels: pd.Series,
    label: str,
) -> Figure:
    """Draw samples on their first two principal components, coloured by a label.

    Parameters
    ----------
    scores : ndarray, shape=(n_samples, n_components), dtype=float64
        Component scores; one component alone is drawn against 0.
    explained : sequence of float, length n_components
        Share of variance of each component, 0 to 1.
    sample_ids : sequence of str
        Samples in the order of `scores`.
    labels : Series
        Class by sample id; samples without one are grey.
    label : str
        Name of the label.
    """
    points = np.zeros((len(scores), 2))
    points[:, : min(2, scores.shape[1])] = scores[:, :2]
    styles = class_styles(labels.reindex(list(sample_ids)))
    figure = new_figure(TWO_COLUMNS, max(92.0, legend_height(len(styles))))
    axes = figure.add_subplot()
    scatter_classes(axes, points, styles, area=20)
    axes.margins(0.1)
    for part, axis in enumerate((axes.xaxis, axes.yaxis)):
        share = f" ({explained[part]:.1%} of variance)" if part < len(explained) else ""
        axis.set_label_text(f"principal component {part + 1}{share}")
        axis.set_major_formatter(FuncFormatter(plain_number))
    axes.set_title(f"{counted(len(points), 'sample')} by {shorten(label)}")
    class_legend(figure, styles, label)
    place_names(axes, points, list(sample_ids))
    return figure


@drawn
def sample_correlation(matrix: FloatArray, sample_ids: Sequence[str], *, measure: str = "Spearman") -> Figure:
    """Draw the correlation between samples, alike ones side by side.

    Parameters
    ----------
    matrix : ndarray, shape=(n_samples, n_samples), dtype=float64
        Correlations, -1 to 1.
    sample_ids : sequence of str
        Samples in the order of `matrix`.
    measure : str
        Kind of correlation.
    """
    order = cluster_order(np.asarray(matrix, dtype=np.float64))
    ordered = np.asarray(matrix)[np.ix_(order, order)]
    names = [sample_ids[place] for place in order]
    others = ordered[~np.eye(len(ordered), dtype=bool)]
    lowest = float(np.nanmin(others)) if np.isfinite(others).any() else np.nan
    letters = text_width(short_names(names, 18), SMALL)
    side, width = square_side(_CELL * len(names), letters + 32, *_SQUARE)
    figure = new_figure(width, side + letters + 20)
    axes = figure.add_subplot()
    axes.set_facecolor(ABSENT)
    floor = min(lowest, 0.999) if np.isfinite(lowest) else 0.0
    image = axes.imshow(ordered, cmap="viridis", vmin=floor, vmax=1, interpolation="nearest")
    step = name_axis(axes, "x", names, side)
    name_axis(axes, "y", names, side)
    axes.set_xlabel(every(step, "sample"))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, shrink=0.6, label=f"{measure} correlation")
    found = f"lowest correlation {lowest:.2f}" if np.isfinite(lowest) else "no correlation is defined"
    axes.set_title(f"{counted(len(names), 'sample')}, clustered;\n{found}")
    return figure
