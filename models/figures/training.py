"""Figures of training and of what the held-out samples say."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from models.display import PALETTE
from models.figures.names import natural, short_names, shorten, text_width
from models.figures.style import (
    DARK,
    GREY,
    MAX_HEIGHT,
    NORMAL,
    ONE_COLUMN,
    SMALL,
    TWO_COLUMNS,
    class_legend,
    class_styles,
    counted,
    drawn,
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

_FINAL = "all"  # the fit on every sample
_EDGES_PER_SAMPLE = 6
_MAX_COUNTED_CLASSES = 20
_FAR_APART = 1_000  # ratio of the highest losses of lines beyond which a linear scale shows nothing
_CELL, _SQUARE = 7.0, (22.0, 110.0)  # mm: a class in the confusion matrix, and its least and largest side


@drawn
def training_curves(history: pd.DataFrame) -> Figure:
    """Draw the loss over the epochs, one panel a part and one pair of lines a fold.

    Parameters
    ----------
    history : DataFrame
        Table of the contract `history`.

    Returns
    -------
    Figure
        Training loss dashed, loss on the inner validation samples solid, its lowest point (which training returns to)
        a dot.
    """
    parts = list(dict.fromkeys(history["part"]))
    if not parts:
        return message_figure("nothing was trained")
    folds = sorted(history["fold"].unique(), key=lambda fold: (fold == _FINAL, natural(fold)))
    colours = _fold_colours(folds)
    columns = min(3, len(parts))
    below = 3 * (len(colours) // 2 + 2) if columns == 1 else 0
    height = 6 + below + 52 * -(-len(parts) // columns)
    figure = new_figure(ONE_COLUMN if columns == 1 else TWO_COLUMNS, min(MAX_HEIGHT, height))
    for place, (axes, part) in enumerate(zip(panels(figure, len(parts), columns), parts, strict=True)):
        for fold, rows in history[history["part"] == part].groupby("fold", sort=False):
            _curve(axes, rows.sort_values("epoch"), colours[str(fold)])
        axes.set(xlabel="epoch", title=shorten(part))
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlim(0, 1.03 * history["epoch"].max())
        _loss_axis(axes)
        if place % columns == 0:
            axes.set_ylabel("loss")
    _fold_legend(figure, colours, below=bool(below))
    return figure


def _fold_colours(folds: Sequence[str]) -> dict[str, str]:
    crossed = [fold for fold in folds if fold != _FINAL]
    named = PALETTE[:-1] if len(crossed) < len(PALETTE) else (GREY,) * len(crossed)
    return {fold: PALETTE[-1] if fold == _FINAL else named[place] for place, fold in enumerate(folds)}


def _loss_axis(axes: Axes) -> None:
    lines = [np.asarray(line.get_ydata(), dtype=np.float64) for line in axes.lines]
    highest, lowest = [float(np.nanmax(line)) for line in lines], min(float(np.nanmin(line)) for line in lines)
    if lowest > 0 and max(highest) > _FAR_APART * min(highest):
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=min(0.0, lowest))
    axes.yaxis.set_major_formatter(FuncFormatter(plain_number))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _curve(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    epochs, inner = rows["epoch"].to_numpy(), rows["inner_loss"].to_numpy(dtype=np.float64)
    axes.plot(epochs, rows["train_loss"], color=colour, linewidth=0.6, linestyle=(0, (3, 2)), alpha=_opacity(colour))
    if np.isfinite(inner).any():
        lowest = int(np.nanargmin(inner))
        axes.plot(epochs, inner, color=colour, linewidth=0.9, alpha=_opacity(colour))
        axes.plot(epochs[lowest], inner[lowest], color=colour, marker="o", markersize=3)


def _opacity(colour: str) -> float:
    """Let grey lines, which are many, show where they are dense."""
    return 0.5 if colour == GREY else 1.0


def _fold_legend(figure: Figure, colours: dict[str, str], *, below: bool) -> None:
    shown = (
        colours
        if GREY not in colours.values()
        else {"folds": GREY} | {fold: colour for fold, colour in colours.items() if fold == _FINAL}
    )
    handles = [Line2D([], [], color=colour, linewidth=1.2) for colour in shown.values()]
    short = short_names([f"fold {fold}" for fold in shown], 20)
    own = {_FINAL: "all samples", "folds": f"{len(colours) - (_FINAL in colours)} folds"}
    names = [own.get(fold, name) for fold, name in zip(shown, short, strict=True)]
    handles += [
        Line2D([], [], color=DARK, linewidth=0.9, marker="o", markersize=3),
        Line2D([], [], color=DARK, linewidth=0.6, linestyle=(0, (3, 2))),
    ]
    place = {"loc": "outside lower center", "ncols": 2} if below else {"loc": "outside right upper"}
    figure.legend(handles, [*names, "inner validation, lowest", "training"], **place)


@drawn
def validation_bars(validation: pd.DataFrame, *, highlight: str | None = None) -> Figure:
    """Draw the held-out balanced accuracy of each method with its interval, one panel a label, and chance as a line.

    Parameters
    ----------
    validation : DataFrame
        Table of the contract `validation`.
    highlight : str or None
        Method in colour; the first when not given.
    """
    labels, methods = (list(dict.fromkeys(validation[column])) for column in ("label", "method"))
    if not labels:
        return message_figure("no label was predicted")
    columns = min(3, len(labels))
    height = (26 + 5.6 * len(methods)) * -(-len(labels) // columns)
    figure = new_figure(ONE_COLUMN if columns == 1 else TWO_COLUMNS, min(MAX_HEIGHT, height))
    for place, (axes, label) in enumerate(zip(panels(figure, len(labels), columns), labels, strict=True)):
        rows = validation[validation["label"] == label].set_index("method").reindex(methods)
        _accuracy_bars(axes, rows, highlight or methods[0])
        if place % columns:
            axes.set_yticklabels([])
        counts = rows[["n_classes", "n_samples", "n_groups"]].max().astype(int)
        first = f"{shorten(label)}, optimistic" if rows["optimistic"].eq(True).any() else shorten(label)
        axes.set_title(
            f"{first}:\n{counts['n_classes']} classes, {counts['n_samples']} samples, {counts['n_groups']} groups",
            pad=5,
        )
    figure.supxlabel("balanced accuracy of held-out samples (dashed: chance)", fontsize=NORMAL)
    return figure


def _accuracy_bars(axes: Axes, rows: pd.DataFrame, highlight: str) -> None:
    values = rows["balanced_accuracy"].to_numpy(dtype=np.float64)
    places = np.arange(len(rows))
    colours = [PALETTE[0] if method == highlight else PALETTE[4] for method in rows.index]
    axes.barh(places, np.nan_to_num(values), color=colours, height=0.7)
    axes.hlines(places, rows["low"], rows["high"], color=DARK, linewidth=0.8)
    for place, (value, p) in enumerate(zip(values, rows["p"].to_numpy(dtype=np.float64), strict=True)):
        said = f"{value:.2f}" if np.isfinite(value) else "none"
        axes.text(1.03, place, f"{said}, p {p:.2g}" if np.isfinite(p) else said, va="center", fontsize=SMALL)
    axes.axvline(1 / rows["n_classes"].max(), color=DARK, linewidth=0.8, linestyle="--")
    axes.set_yticks(places, [_method_name(method) for method in rows.index])
    axes.set(xlim=(0, 1.45), ylim=(len(rows) - 0.4, -0.6), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.spines.bottom.set_bounds(0, 1)


def _method_name(method: str) -> str:
    """Break a long name in two lines."""
    return "\n".join(textwrap.wrap(method, 22))


@drawn
def confusion(confusion_table: pd.DataFrame, label: str, method: str) -> Figure:
    """Draw which class the held-out samples of each class were given.

    Parameters
    ----------
    confusion_table : DataFrame
        Table of the contract `confusion`.
    label, method : str
        Rows to draw.
    """
    chosen = confusion_table[(confusion_table["label"] == label) & (confusion_table["method"] == method)]
    if chosen.empty:
        return message_figure(f"{shorten(label)}: no held-out prediction by {shorten(method)}")
    classes = sorted(set(chosen["truth"]) | set(chosen["predicted"]), key=natural)
    wide = chosen.pivot_table(index="truth", columns="predicted", values="n_samples", aggfunc="sum", fill_value=0.0)
    counts = wide.reindex(index=classes, columns=classes, fill_value=0.0)
    letters = text_width(short_names(classes, 18), SMALL)
    side, width = square_side(_CELL * len(classes), letters + 31, *_SQUARE)
    figure = new_figure(width, side + letters + 24)
    axes = figure.add_subplot()
    _confusion_matrix(axes, counts, classes, side=side)
    right, total = np.trace(counts.to_numpy()), counts.to_numpy().sum()
    axes.set_title(f"{shorten(label)}: {_count(right)} of {_count(total)} right\n({shorten(method, 28)})")
    figure.colorbar(axes.images[0], ax=axes, shrink=0.7 if len(classes) > 4 else 1.0, label="share of the true class")
    return figure


def _count(value: float) -> str:
    """Write a mean of counts: whole where it is."""
    return f"{value:.1f}".removesuffix(".0")


def _confusion_matrix(axes: Axes, counts: pd.DataFrame, classes: Sequence[str], *, side: float) -> None:
    values = counts.to_numpy(dtype=np.float64)
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if len(classes) <= _MAX_COUNTED_CLASSES:
        for row, column in zip(*np.nonzero(values), strict=True):
            colour = "white" if shares[row, column] > 0.6 else DARK
            axes.text(column, row, _count(values[row, column]), ha="center", va="center", color=colour, fontsize=SMALL)
    name_axis(axes, "x", classes, side)
    name_axis(axes, "y", classes, side)
    axes.set(xlabel="predicted", ylabel="truth")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(True)


@drawn
def sample_graph(embedding: pd.DataFrame, attention: pd.DataFrame, labels: pd.Series) -> Figure:
    """Draw which samples the graph network listened to.

    Parameters
    ----------
    embedding : DataFrame
        Columns `sample_id`, `x`, `y`: one map of the samples.
    attention : DataFrame
        Table of the contract `attention`; folds are averaged, both directions of a pair too, and what a sample pays to
        itself is left out. The strongest edges are drawn, at most six times as many as there are samples.
    labels : Series
        Class by sample id; its name is the legend's title.
    """
    ids = embedding["sample_id"].tolist()
    points = embedding[["x", "y"]].to_numpy(dtype=np.float64)
    styles = class_styles(labels.reindex(ids))
    edges = _edges(attention, ids)
    shown = edges.tail(_EDGES_PER_SAMPLE * len(ids))
    figure = new_figure(TWO_COLUMNS, max(110.0, legend_height(len(styles))))
    axes = figure.add_subplot()
    if len(shown):
        weight = shown["attention"].to_numpy() / (shown["attention"].max() or 1.0)
        segments = points[shown[["first", "second"]].to_numpy()]
        shades = [str(0.86 - 0.5 * share) for share in weight]
        axes.add_collection(LineCollection(list(segments), linewidths=0.2 + 1.6 * weight, colors=shades, zorder=1))
    scatter_classes(axes, points, styles, area=26)
    whole = counted(len(edges), "edge")
    which = whole if len(shown) == len(edges) else f"the {len(shown):,} strongest of {whole}"
    axes.set(xticks=[], yticks=[])
    axes.set_title(f"{counted(len(ids), 'sample')}, {which}: wider and darker where more attention is paid")
    axes.spines[:].set_visible(False)
    axes.margins(0.08)
    class_legend(figure, styles, str(labels.name or "label"))
    place_names(axes, points, ids)
    return figure


def _edges(attention: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Return the undirected edges: `first`, `second` (positions in `ids`) and their mean `attention`, weakest first."""
    position = pd.Series(np.arange(len(ids)), index=list(ids))
    known = attention[attention["source_sample"].isin(ids) & attention["target_sample"].isin(ids)]
    ends = np.column_stack([position[known[column]].to_numpy() for column in ("source_sample", "target_sample")])
    frame = pd.DataFrame(np.sort(ends, axis=1).reshape(-1, 2), columns=["first", "second"])
    frame["attention"] = known["attention"].to_numpy(dtype=np.float64)
    frame = frame[frame["first"] != frame["second"]]
    mean = frame.groupby(["first", "second"])["attention"].mean().reset_index()
    return mean.sort_values("attention", kind="stable")
