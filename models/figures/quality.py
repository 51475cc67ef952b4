"""Figures of the data as they came and as they were prepared."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from models.figures.style import (
    DARK,
    GREY,
    ONE_COLUMN,
    PALETTE,
    SMALL,
    TWO_COLUMNS,
    FloatArray,
    class_legend,
    class_styles,
    cluster_order,
    drawn,
    every,
    message_figure,
    name_axis,
    new_figure,
    panels,
    place_names,
    scatter_classes,
    shorten,
)

Curve = tuple[npt.ArrayLike, npt.ArrayLike]


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
        One bar a sample, the median as a line.
    """
    chosen = qc[qc["layer"] == layer]
    if chosen.empty:
        return message_figure(f"{shorten(layer)}: no sample")
    totals = chosen["library_size"].to_numpy(dtype=np.float64)
    figure = new_figure(_width(len(totals)), 66)
    axes = figure.add_subplot()
    step = _bars(axes, totals, chosen["sample_id"].tolist(), colour=PALETTE[0])
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
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel("sum of values, as given")
    axes.set_xlabel(every(step, "sample"))
    ratio = totals.max() / totals.min() if totals.min() > 0 else np.inf
    spread = f"largest {ratio:.3g} times the smallest" if np.isfinite(ratio) else "the smallest is zero"
    axes.set_title(f"{shorten(layer)}: total of each of {len(totals)} samples,\n{spread}")
    return figure


def _bars(axes: Axes, heights: FloatArray, names: Sequence[str], *, colour: str) -> int:
    axes.bar(np.arange(len(heights)), heights, width=0.8, color=colour)
    axes.set_xlim(-0.7, len(heights) - 0.3)
    axes.grid(axis="y", linewidth=0.3, color=GREY, alpha=0.5)
    return name_axis(axes, "x", names, _width(len(names)) - 18)


def _width(samples: int) -> float:
    return ONE_COLUMN if samples <= 12 else TWO_COLUMNS


@drawn
def missing_by_sample(qc: pd.DataFrame) -> Figure:
    """Draw the share of missing features of each sample, one panel a layer.

    Parameters
    ----------
    qc : DataFrame
        Table of the contract `qc`.
    """
    layers = list(dict.fromkeys(qc["layer"]))
    if not layers:
        return message_figure("no layer")
    samples = int(qc["layer"].value_counts().max())
    longest = min(18, int(qc["sample_id"].str.len().max()))
    figure = new_figure(_width(samples), (40 + longest) * len(layers))
    for axes, layer in zip(panels(figure, len(layers), 1), layers, strict=True):
        chosen = qc[qc["layer"] == layer]
        shares = chosen["missing_share"].to_numpy(dtype=np.float64)
        step = _bars(axes, shares, chosen["sample_id"].tolist(), colour=PALETTE[5])
        _percent_axis(axes, shares)
        axes.set_ylabel("missing features")
        axes.set_xlabel(every(step, "sample"))
        axes.set_title(f"{shorten(layer)}: {_missing_sentence(shares)}")
    return figure


def _percent_axis(axes: Axes, shares: FloatArray) -> None:
    axes.set_ylim(0, max(0.05, float(shares.max(initial=0.0)) * 1.08))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _missing_sentence(shares: FloatArray) -> str:
    if not shares.any():
        return "no value is missing"
    return f"{shares.mean():.1%} of values missing,\n{shares.max():.1%} in the worst sample"


@drawn
def missing_by_feature(shares: Mapping[str, FloatArray]) -> Figure:
    """Draw how many features miss how many samples, one panel a layer.

    Parameters
    ----------
    shares : mapping of str to ndarray, shape=(n_features,), dtype=float64
        Share of samples in which each feature is missing, 0 to 1, by layer.
    """
    if not shares:
        return message_figure("no layer")
    columns = min(3, len(shares))
    figure = new_figure(ONE_COLUMN if columns == 1 else TWO_COLUMNS, 52 * -(-len(shares) // columns))
    for axes, (layer, values) in zip(panels(figure, len(shares), columns), shares.items(), strict=True):
        counts, edges = np.histogram(values, bins=20, range=(0, 1))
        axes.bar(
            edges[:-1], counts, width=np.diff(edges), align="edge", color=PALETTE[5], edgecolor="white", linewidth=0.3
        )
        axes.set_yscale("symlog", linthresh=1, linscale=0.3)
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_ylim(0, max(2, int(counts.max()) * 2))
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("samples without a value")
        axes.set_ylabel("features (log scale)")
        whole = int((np.asarray(values) == 0).sum())
        axes.set_title(f"{shorten(layer)}: {whole:,} of {len(values):,}\nfeatures are complete")
    return figure


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
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
    left.set_ylabel("density")
    left.set_title(f"{shorten(layer)}: {len(before)} samples before preparation")
    right.set_title(f"{len(after)} samples after preparation")
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
    figure = new_figure(TWO_COLUMNS * 0.75, 85)
    axes = figure.add_subplot()
    scatter_classes(axes, points, styles, area=20)
    axes.margins(0.1)
    for part, axis in enumerate((axes.xaxis, axes.yaxis)):
        share = f" ({explained[part]:.1%} of variance)" if part < len(explained) else ""
        axis.set_label_text(f"principal component {part + 1}{share}")
    axes.set_title(f"{len(points)} samples by {shorten(label)}")
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
    lowest = float(np.nanmin(others)) if np.isfinite(others).any() else 0.0
    figure = new_figure(TWO_COLUMNS * 0.8, 125)
    axes = figure.add_subplot()
    image = axes.imshow(ordered, cmap="viridis", vmin=min(lowest, 0.999), vmax=1, interpolation="nearest")
    step = name_axis(axes, "x", names, 95)
    name_axis(axes, "y", names, 95)
    axes.set_xlabel(every(step, "sample"))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, shrink=0.6, label=f"{measure} correlation")
    axes.set_title(f"{len(names)} samples, clustered; lowest correlation {lowest:.2f}")
    return figure
