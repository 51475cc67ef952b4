"""What all figures share: page widths, colours and markers, legible names, and bytes that do not change."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from threading import RLock
from typing import Literal, ParamSpec

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

FloatArray = npt.NDArray[np.float64]
Format = Literal["png", "svg"]
Build = ParamSpec("Build")

ONE_COLUMN = 89.0
TWO_COLUMNS = 183.0
"""Page widths in mm."""

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""The eight colours of Okabe and Ito, told apart under all common colour vision deficiencies."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
MAX_CLASSES = len(MARKERS)
_PLAIN = "."  # of samples without a colour of their own
GREY, DARK, FAINT = "#9A9A9A", "#333333", "#D9D9D9"
MISSING = "not given"

SMALL, NORMAL, LARGE = 6.0, 7.0, 8.0
"""Text sizes in points."""
_DPI = 300.0
_MM_PER_INCH = 25.4
_POINTS_PER_INCH = 72.0
_FONT = "DejaVu Sans"  # comes with matplotlib, so every machine draws the same

_VEIL = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.3}  # keeps names legible over lines

_SETTINGS: dict[str, object] = {
    "font.family": [_FONT],
    "font.size": NORMAL,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.labelsize": NORMAL,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.edgecolor": DARK,
    "axes.formatter.use_mathtext": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "legend.frameon": False,
    "legend.handletextpad": 0.4,
    "figure.titlesize": LARGE,
    "figure.facecolor": "white",
    "hatch.linewidth": 0.5,
    "figure.constrained_layout.w_pad": 0.06,
    "figure.constrained_layout.h_pad": 0.06,
    "text.parse_math": False,  # a dollar sign in an id is a dollar sign
    "svg.fonttype": "none",
    "svg.hashsalt": "cairn",
}

# matplotlib's settings and font cache belong to the process, while folds draw in threads: one figure at a time.
_DRAWING = RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the house style to what is drawn inside, alone in the process, and leave no setting changed."""
    with _DRAWING, mpl.rc_context(_SETTINGS):  # type: ignore[arg-type]
        yield


def drawn(build: Callable[Build, Figure]) -> Callable[Build, Figure]:
    """Make `build` run in the house style, and settle the layout of its figure once and for all."""

    @wraps(build)
    def wrapped(*args: Build.args, **kwargs: Build.kwargs) -> Figure:
        with drawing():
            figure = build(*args, **kwargs)
            _lay_out(figure)
            return figure

    return wrapped


def _lay_out(figure: Figure) -> None:
    """Give every part its place, once and for all.

    One pass is enough, but for axes of a fixed shape, as those of colour bars are: what stands beside them has moved.
    """
    if (engine := figure.get_layout_engine()) is not None:
        fixed = any(axes.get_aspect() != "auto" or axes.get_box_aspect() is not None for axes in figure.axes)
        for _ in range(2 if fixed else 1):
            engine.execute(figure)
    figure.set_layout_engine("none")


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of `width` x `height` mm whose parts make room for each other."""
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)  # one canvas for layout and drawing, which measures each text once
    return figure


def text_width(names: Sequence[str], *, size: float = SMALL) -> float:
    """Return about how many mm the longest of `names` takes at `size` points."""
    return max(map(len, names), default=0) * 0.62 * size * _MM_PER_INCH / _POINTS_PER_INCH


def panels(figure: Figure, count: int, columns: int) -> list[Axes]:
    """Return `count` axes in rows of at most `columns`, the first at the upper left."""
    across = min(columns, count)
    down = -(-count // across)
    return [figure.add_subplot(down, across, place + 1) for place in range(count)]


def message_figure(message: str) -> Figure:
    """Return a figure that says why there is nothing to see."""
    figure = new_figure(ONE_COLUMN, 25)
    figure.set_layout_engine("none")
    figure.text(0.5, 0.5, message, ha="center", va="center", color=DARK, wrap=True)
    return figure


def encode_figure(figure: Figure, *, format: Format, dpi: float = 300) -> bytes:
    """Write a figure as PNG or SVG.

    Parameters
    ----------
    figure : Figure
        A figure of this package.
    format : {'png', 'svg'}
        Pixels or vectors. Text in an SVG stays text, so that it can be searched and edited.
    dpi : float
        Pixels per inch, of a PNG and of the rasterised parts of an SVG.

    Returns
    -------
    bytes
        The same bytes for the same figure: no date, no version, fixed identifiers.
    """
    content = io.BytesIO()
    figure.dpi = dpi
    with drawing():
        # The canvas is told directly: Figure.savefig draws everything twice.
        if format == "png":
            FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})  # type: ignore[no-untyped-call]
        else:
            FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return content.getvalue()


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[_FONT]))).get_charmap())


def shorten(name: object, width: int = 24) -> str:
    """Return `name` on one line of at most `width` characters, the middle left out, unknown glyphs as `?`."""
    line = re.sub(r"\s+", " ", str(name)).strip()
    line = "".join(letter if ord(letter) in _drawable() and letter.isprintable() else "?" for letter in line)
    if len(line) <= width:
        return line
    tail = (width - 1) // 3
    return f"{line[: width - 1 - tail]}\N{HORIZONTAL ELLIPSIS}{line[len(line) - tail :]}"


def short_names(names: Sequence[str], width: int = 24) -> list[str]:
    """Shorten names that belong together; where one is too long, what all begin with gives way first."""
    lines = [shorten(name, max(width, len(str(name)))) for name in names]
    start = _common_start(lines)
    if start > 1 and len(lines) > 1 and max(map(len, lines)) > width:
        lines = [f"\N{HORIZONTAL ELLIPSIS}{line[start:]}" for line in lines]
    return [shorten(line, width) for line in lines]


def _common_start(lines: Sequence[str]) -> int:
    """Return how many letters all lines have in common at their beginning, whole words and numbers only."""
    first, last = min(lines, default=""), max(lines, default="")
    alike = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    while alike and first[alike - 1].isalnum():
        alike -= 1
    return alike


@dataclass(frozen=True, slots=True)
class ClassStyle:
    """How the samples of one class are drawn."""

    name: str
    colour: str
    marker: str
    members: npt.NDArray[np.bool_]

    @property
    def edge(self) -> str:
        """Colour of the marker's edge: dark around a pale face, white around a dark one, grey around a plain one."""
        if self.marker == _PLAIN:
            return GREY
        return "white" if sum(to_rgb(self.colour)) < 0.3 else DARK


def class_styles(labels: pd.Series) -> list[ClassStyle]:
    """Give each class of a label its colour and marker.

    Parameters
    ----------
    labels : Series, shape=(n_samples,)
        Class of each sample; missing ones are grey dots.

    Returns
    -------
    list of ClassStyle
        In the order of names, twelve at most. Beyond, the twelve most frequent classes keep a colour of their own and
        the rest are grey together; then the missing ones.
    """
    text = labels.astype("str")
    given = labels.notna().to_numpy()
    counts = text[given].value_counts()
    ordered = sorted(counts.index, key=lambda name: (-int(counts[name]), name))
    kept = sorted(ordered[:MAX_CLASSES])
    styles = [
        ClassStyle(name, PALETTE[place % len(PALETTE)], MARKERS[place], (text == name).to_numpy() & given)
        for place, name in enumerate(kept)
    ]
    if rest := ordered[MAX_CLASSES:]:
        styles.append(ClassStyle(f"{len(rest)} other classes", GREY, _PLAIN, text.isin(rest).to_numpy() & given))
    if not given.all():
        styles.append(ClassStyle(MISSING, FAINT, _PLAIN, ~given))
    return styles


def scatter_classes(axes: Axes, points: FloatArray, styles: Sequence[ClassStyle], *, area: float = 16.0) -> None:
    """Draw samples at `points`, shape=(n_samples, 2), one collection a class, the grey ones below."""
    for style in reversed(styles):
        chosen = points[style.members]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=area,
            c=style.colour,
            marker=style.marker,
            linewidths=0.4,
            edgecolors=style.edge,
            label=style.name,
            zorder=3,
        )


def class_legend(figure: Figure, styles: Sequence[ClassStyle], title: str) -> None:
    """Put the legend of classes at the right of the figure, with the number of samples of each."""
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=style.marker,
            color=style.colour,
            markeredgecolor=style.edge,
            markeredgewidth=0.4,
            markersize=4.5,
        )
        for style in styles
    ]
    names = [f"{shorten(style.name, 20)} ({int(style.members.sum())})" for style in styles]
    figure.legend(handles, names, loc="outside right upper", title=shorten(title, 24), alignment="left")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which `S2` comes before `S10`."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", name))


def name_axis(axes: Axes, which: Literal["x", "y"], names: Sequence[str], length: float, *, width: int = 18) -> int:
    """Write names at 0, 1, 2 ... along an axis of about `length` mm, every k-th where not all fit; return k."""
    step = max(1, -(-len(names) * 24 // int(length * 10)))  # a line of 6 pt text takes 2.4 mm
    places = list(range(0, len(names), step))
    short = short_names(names, width)
    texts = [short[place] for place in places]
    if which == "x":
        axes.set_xticks(places, texts, rotation=90)
    else:
        axes.set_yticks(places, texts)
    return step


def every(step: int, noun: str) -> str:
    """Return the axis label of named things: `sample`, or `sample (one in 2 named)`."""
    return noun if step == 1 else f"{noun} (one in {step} named)"


def cluster_order(values: FloatArray) -> npt.NDArray[np.int64]:
    """Return the order of rows in which neighbours are alike.

    Parameters
    ----------
    values : ndarray, shape=(n_rows, n_columns), dtype=float64
        Missing values count as 0.

    Returns
    -------
    ndarray, shape=(n_rows,), dtype=int64
        Leaves of an average-linkage tree on Euclidean distances, in optimal order; as given for fewer than 3 rows.
    """
    if len(values) < 3:
        return np.arange(len(values), dtype=np.int64)
    tree = linkage(pdist(np.nan_to_num(values)), method="average", optimal_ordering=len(values) <= 500)
    return leaves_list(tree).astype(np.int64)


def place_names(axes: Axes, points: FloatArray, names: Sequence[str], *, most: int = 40) -> list[str]:
    """Write names beside points where they fit, the most remote points first.

    A name is left out where it would cover a point, another name or the edge. To be called last, when the axes have
    their limits and titles: this settles the layout.

    Parameters
    ----------
    axes : Axes
        Axes that hold the points.
    points : ndarray, shape=(n, 2), dtype=float64
        In data coordinates.
    names : sequence of str, length n
        Names in the order of the points.
    most : int
        Names at most.

    Returns
    -------
    list of str
        The names written.
    """
    figure = axes.figure
    if len(points) == 0:
        return []
    _lay_out(figure)  # type: ignore[arg-type]
    spots = axes.transData.transform(points) * (_POINTS_PER_INCH / figure.dpi)
    frame = axes.bbox.get_points().ravel() * (_POINTS_PER_INCH / figure.dpi)
    remote = np.argsort(-np.linalg.norm(spots - spots.mean(axis=0), axis=1), kind="stable")
    boxes = np.empty((0, 4))
    written: list[str] = []
    short = short_names(names, 16)
    for place in remote[:most]:
        text = short[place]
        box = _free_box(spots[place], len(text), obstacles=boxes, spots=spots, frame=frame)
        if box is None:
            continue
        boxes = np.vstack([boxes, box])
        offset = box[:2] - spots[place]
        axes.annotate(
            text,
            points[place],
            offset,
            textcoords="offset points",
            va="bottom",
            fontsize=SMALL,
            color=DARK,
            zorder=2,  # above edges and below points
            bbox=_VEIL,
        )
        written.append(names[place])
    return written


def beside_axes(
    axes: Axes, heights: Sequence[float], texts: Sequence[str], *, shift: float, align: str = "left"
) -> None:
    """Write texts at the right of the axes, each at its height in data; `shift` is in points from the edge."""
    for height, text in zip(heights, texts, strict=True):
        axes.annotate(
            text,
            (1, height),
            (shift, 0),
            ("axes fraction", "data"),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=SMALL,
            color=DARK,
            annotation_clip=False,
        )


def _free_box(
    spot: FloatArray, letters: int, *, obstacles: FloatArray, spots: FloatArray, frame: FloatArray
) -> FloatArray | None:
    """Return the first free box (left, bottom, right, top; in points) beside `spot`, or None."""
    width, height, gap = letters * SMALL * 0.62, SMALL * 1.25, 3.0
    corners = [
        (gap, -height / 2),
        (-gap - width, -height / 2),
        (-width / 2, gap),
        (-width / 2, -gap - height),
        (gap, gap / 2),
        (-gap - width, -gap / 2 - height),
    ]
    for corner in corners:
        box = np.array([spot[0] + corner[0], spot[1] + corner[1], spot[0] + corner[0] + width, 0.0])
        box[3] = box[1] + height
        inside = bool((box[:2] >= frame[:2]).all() and (box[2:] <= frame[2:]).all())
        covers = ((spots + 2 > box[:2]) & (spots - 2 < box[2:])).all(axis=1).any()
        meets = ((obstacles[:, :2] < box[2:]) & (obstacles[:, 2:] > box[:2])).all(axis=1).any()
        if inside and not covers and not meets:
            return box
    return None
