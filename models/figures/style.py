"""What all figures share: page widths, colours and markers, legible names, and bytes that do not change."""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import Literal, ParamSpec

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from models.display import PALETTE
from models.figures.names import FONT, break_lines, natural, short_names, shorten, widest

FloatArray = npt.NDArray[np.float64]
Format = Literal["png", "svg", "pdf"]
Build = ParamSpec("Build")

ONE_COLUMN = 89.0
TWO_COLUMNS = 183.0
MAX_HEIGHT = 240.0
"""Widths of one and of two columns of a page, and the height of a page, in mm."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
MAX_CLASSES = 32
"""Classes at most that have a colour and marker of their own."""
_PLAIN = "."  # of samples without a colour of their own
GREY, DARK, FAINT = "#9A9A9A", "#333333", "#D9D9D9"
ABSENT = "#BBBBBB"
"""What a matrix has no value for."""
MISSING = "not given"

SMALL, NORMAL, LARGE = 6.0, 7.0, 8.0
"""Text sizes in points."""
_DPI = 300.0
_MM_PER_INCH = 25.4
_POINTS_PER_INCH = 72.0
_VEIL = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.3}  # keeps names legible over lines

_SETTINGS: dict[str, object] = {
    "font.family": [FONT],
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
    "pdf.fonttype": 42,  # TrueType, which journals and drawing programs read; type 3 they do not
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
    Nor does a pass know how wide titles are: those that run into something are broken, which takes another.
    """
    if (engine := figure.get_layout_engine()) is not None:
        fixed = any(axes.get_aspect() != "auto" or axes.get_box_aspect() is not None for axes in figure.axes)
        for _ in range(2 if fixed else 1):
            engine.execute(figure)
        if _break_titles(figure):
            for _ in range(2 if fixed else 1):
                engine.execute(figure)
    figure.set_layout_engine("none")


def _break_titles(figure: Figure) -> bool:
    """Break the titles of axes that would run into what is at their right, and say whether there was one."""
    per_point = figure.dpi / _POINTS_PER_INCH
    broken = False
    for axes in figure.axes:
        axes.apply_aspect()
        title = axes.get_title(loc="left")
        if not title or widest(title.split("\n"), LARGE) * per_point <= axes.bbox.width:
            continue
        narrow = "\n".join(break_lines(title, (_end_of_room(figure, axes) - axes.bbox.x0) / per_point, LARGE))
        if narrow != title:
            axes.set_title(narrow)
            broken = True
    return broken


def _end_of_room(figure: Figure, axes: Axes) -> float:
    """Return where, in pixels from the left, something begins at the height of the title of `axes`."""
    boxes = [other.get_tightbbox(for_layout_only=True) for other in figure.axes if other is not axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [text.get_window_extent() for text in axes.texts]
    starts = [box.x0 for box in boxes if box is not None and _beside(box, axes.bbox)]
    return float(min([*starts, figure.bbox.x1]) - 3 * figure.dpi / _POINTS_PER_INCH)


def _beside(box: Bbox, frame: Bbox) -> bool:
    """Say whether `box` is at the right of `frame` and reaches above and below its upper edge."""
    return bool(box.x0 >= frame.x1 - 1 and box.y1 > frame.y1 and box.y0 < frame.y1 + frame.height)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of `width` x `height` mm whose parts make room for each other."""
    figure = Figure(figsize=(width / _MM_PER_INCH, height / _MM_PER_INCH), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)  # one canvas for layout and drawing, which measures each text once
    return figure


def square_side(wanted: float, beside: float, least: float, most: float) -> tuple[float, float]:
    """Return the side of a matrix that wants to be so wide, and the width of a page that it fits on, in mm."""
    width = page_width(max(least, wanted) + beside)
    return min(max(least, wanted), most, width - beside), width


def page_width(wanted: float) -> float:
    """Return the width of one column where `wanted` mm fit in it, or else that of two columns."""
    return ONE_COLUMN if wanted <= ONE_COLUMN else TWO_COLUMNS


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
    """Write a figure as PNG, SVG or PDF.

    Parameters
    ----------
    figure : Figure
        A figure of this package.
    format : {'png', 'svg', 'pdf'}
        Pixels or vectors. Text in an SVG stays text, so that it can be searched and edited; where DejaVu Sans is not
        installed it is shown in another font. Text in a PDF stays text too, and its font is embedded as TrueType.
    dpi : float
        Pixels per inch, of a PNG and of the rasterised parts of the others.

    Returns
    -------
    bytes
        The same bytes for the same figure: no date, no version, fixed identifiers.
    """
    content = io.BytesIO()
    figure.dpi = dpi
    with drawing():
        # The canvas is told directly: Figure.savefig draws everything twice.
        _PRINTERS[format](figure, content)
    return content.getvalue()


def _print_png(figure: Figure, content: io.BytesIO) -> None:
    FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})  # type: ignore[no-untyped-call]


def _print_svg(figure: Figure, content: io.BytesIO) -> None:
    FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]


def _print_pdf(figure: Figure, content: io.BytesIO) -> None:
    nothing = {"Creator": None, "Producer": None, "CreationDate": None}
    FigureCanvasPdf(figure).print_pdf(content, metadata=nothing)  # type: ignore[no-untyped-call]


_PRINTERS = {"png": _print_png, "svg": _print_svg, "pdf": _print_pdf}


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
        In the order of names, 32 at most, each another pair of colour and marker. Beyond, the most frequent classes
        keep theirs and the rest are grey together; then the missing ones.
    """
    text = labels.astype("str")
    given = labels.notna().to_numpy()
    counts = text[given].value_counts()
    ordered = sorted(counts.index, key=lambda name: (-int(counts[name]), name))
    kept = sorted(ordered[:MAX_CLASSES], key=natural)
    styles = [
        ClassStyle(name, *_class_look(place), (text == name).to_numpy() & given) for place, name in enumerate(kept)
    ]
    if rest := ordered[MAX_CLASSES:]:
        styles.append(ClassStyle(f"{len(rest)} other classes", GREY, _PLAIN, text.isin(rest).to_numpy() & given))
    if not given.all():
        styles.append(ClassStyle(MISSING, FAINT, _PLAIN, ~given))
    return styles


def _class_look(place: int) -> tuple[str, str]:
    """Return colour and marker; where all colours had their turn, they begin again with other markers."""
    turn = place // len(PALETTE)
    return PALETTE[place % len(PALETTE)], MARKERS[(place + turn) % len(MARKERS)]


def legend_height(entries: int) -> float:
    """Return the height in mm of a figure that has room for a legend of so many lines at its side."""
    return 13 + 3.3 * entries


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
    short = short_names([style.name for style in styles if style.marker != _PLAIN], 24)
    short += [style.name for style in styles if style.marker == _PLAIN]
    names = [f"{name} ({int(style.members.sum())})" for name, style in zip(short, styles, strict=True)]
    figure.legend(handles, names, loc="outside right upper", title=shorten(title, 24), alignment="left")


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


def counted(count: int, noun: str) -> str:
    """Return `1 sample` or `2,000 samples`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def plain_number(value: float, _: object = None) -> str:
    """Return a number for an axis: 0.25, 30, 45k, 2M, and 1e-12 or 3e15 beyond what has a common name."""
    size = abs(value)
    units = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
    unit, name = next((pair for pair in units if size >= pair[0] * (1 - 1e-9)), units[-1])
    text = _scientific(value) if size >= 1e12 or 0 < size < 1e-3 else f"{value / unit:.4g}{name}"
    return text.replace("-", "\N{MINUS SIGN}")


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


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
        box = _free_box(spots[place], widest([text], SMALL) + 1, obstacles=boxes, spots=spots, frame=frame)
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
    spot: FloatArray, width: float, *, obstacles: FloatArray, spots: FloatArray, frame: FloatArray
) -> FloatArray | None:
    """Return the first free box (left, bottom, right, top; in points) beside `spot`, or None."""
    height, gap = SMALL * 1.25, 3.8  # from the middle of a marker
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
        covers = ((spots + 2.5 > box[:2]) & (spots - 2.5 < box[2:])).all(axis=1).any()
        meets = ((obstacles[:, :2] < box[2:]) & (obstacles[:, 2:] > box[:2])).all(axis=1).any()
        if inside and not covers and not meets:
            return box
    return None
