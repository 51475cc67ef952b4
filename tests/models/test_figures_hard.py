"""Hard data still give figures whose texts are on the page, apart, and different where they differ."""

import re
import subprocess
import sys
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axis import Axis
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from models import figures
from models.figures import names, style
from tests.models.hard_figures import GENES, GROUPS, METABOLITES, hard_figures

HARD = hard_figures()
QUICK = {
    "library_sizes-extreme",
    "principal_components-many",
    "sample_correlation-two",
    "training_curves-extreme",
    "validation_bars-labels",
    "confusion-one",
    "strongest_heatmap-tall",
    "top_importance-extreme",
    "top_importance-tiny",
    "score_curve-extreme",
    "negative_controls-alike",
    "false_in_top-extreme",
    "rank_intervals-gaps",
    "family_domains-long",
}
"""One of each kind in every run of the tests, all of them with the slow ones."""


def _meet(first: Bbox, second: Bbox) -> bool:
    """Say whether two boxes share more than a pixel or two."""
    across = min(first.x1, second.x1) - max(first.x0, second.x0)
    down = min(first.y1, second.y1) - max(first.y0, second.y0)
    return across > 2 and down > 2


def _boxes(texts: list[Text]) -> list[tuple[str, Bbox]]:
    return [(text.get_text(), text.get_window_extent()) for text in texts if text.get_visible() and text.get_text()]


def _tick_labels(axis: Axis) -> list[Text]:
    low, high = sorted(axis.get_view_interval())
    shown = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [label for tick in shown for label in (tick.label1, tick.label2)]


def _overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Return texts that lie on each other: tick labels of one axis, and whatever stands around the axes."""
    found = []
    around: list[tuple[str, Bbox]] = [("legend", legend.get_window_extent()) for legend in figure.legends]
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            found += [
                (one, other)
                for (one, first), (other, second) in combinations(_boxes(_tick_labels(axis)), 2)
                if _meet(first, second)
            ]
        beside = [text for text in axes.texts if text.get_window_extent().x0 > axes.bbox.x1]
        around += _boxes([axes.title, *axes.findobj(_is_left_title), axes.xaxis.label, axes.yaxis.label, *beside])
    return found + [(one, two) for (one, first), (two, second) in combinations(around, 2) if _meet(first, second)]


def _is_left_title(artist: object) -> bool:
    axes = getattr(artist, "axes", None)
    return isinstance(artist, Text) and artist is getattr(axes, "_left_title", None)


@pytest.mark.parametrize("name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in HARD])
def test_hard_data_keep_texts_on_the_page_and_apart(name: str):
    figure = HARD[name]()
    width, height = figure.get_size_inches() * 25.4
    assert any(width == pytest.approx(page) for page in (89.0, 183.0))
    assert height <= 240.01
    with style.drawing():
        box = figure.get_tightbbox()
        overlaps = _overlaps(figure)
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 * 25.4 <= width + 0.3
    assert box.y1 * 25.4 <= height + 0.3
    assert overlaps == []


def test_texts_on_each_other_are_found():
    figure = Figure(figsize=(2, 1), dpi=300)
    for axes in figure.subplots(1, 2):
        axes.set_title("a title that is far wider than its panel", loc="left")
    assert ("a title that is far wider than its panel",) * 2 in _overlaps(figure)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab1_ -é葉\n", min_size=1, max_size=40), min_size=1, max_size=12), st.integers(8, 30))
def test_different_names_stay_different_and_are_short(wanted: list[str], width: int):
    short = names.short_names(wanted, width)
    assert len(set(short)) == len(set(wanted))
    assert all(len(name) <= width for name in short)


@pytest.mark.parametrize("wanted", [GENES, GROUPS, METABOLITES], ids=["genes", "groups", "metabolites"])
def test_long_names_show_what_tells_them_apart(wanted: list[str]):
    short = names.short_names(wanted, 24)
    assert len(set(short)) == len(wanted)
    assert not any("#" in name for name in short)


def test_names_are_measured_in_the_font_that_draws_them():
    figure = style.new_figure(100, 20)
    for text in ("iiii", "…063.mzML", "WWWW MMMM"):
        with style.drawing():
            drawn = figure.text(0, 0, text, fontsize=6).get_window_extent().width
        assert names.text_width([text], 6) == pytest.approx(drawn / 300 * 25.4, rel=0.05, abs=0.2)


@pytest.mark.parametrize(
    ("value", "text"),
    {
        0: "0",
        0.25: "0.25",
        -30: "\N{MINUS SIGN}30",
        1_000: "1k",
        999.9999999999: "1k",
        2.5e6: "2.5M",
        4e9: "4G",
        3e15: "3e15",
        1e-12: "1e\N{MINUS SIGN}12",
        0.002: "0.002",
        0.000125: "1.25e\N{MINUS SIGN}4",
    }.items(),
)
def test_numbers_on_axes_are_plain(value: float, text: str):
    assert style.plain_number(value) == text


# Machado, Oliveira & Fernandes 2009 (doi 10.1109/TVCG.2009.113), severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def _lab(colour: str, matrix: np.ndarray) -> np.ndarray:
    """Return CIE L*a*b* (D65) of a colour as it is seen."""
    encoded = np.array(to_rgb(colour))
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(to_xyz @ np.clip(matrix @ linear, 0, 1) / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("vision", list(VISION))
def test_the_palette_is_told_apart_by_all(vision: str):
    seen = [_lab(colour, VISION[vision]) for colour in style.PALETTE]
    nearest = min(np.linalg.norm(one - other) for one, other in combinations(seen, 2))
    assert nearest > 8  # a difference of 2.3 is just noticeable


def test_another_process_writes_the_same_bytes_without_a_date():
    script = (
        "import sys; from tests.models.hard_figures import hard_figures; from models import figures;"
        "figure = hard_figures()['rank_intervals-one']();"
        "[sys.stdout.buffer.write(figures.encode_figure(figure, format=kind)) for kind in ('pdf', 'svg', 'png')]"
    )
    environment = {"PYTHONHASHSEED": "12345", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], capture_output=True, check=True, env=environment
    )
    figure = HARD["rank_intervals-one"]()
    kinds: tuple[style.Format, ...] = ("pdf", "svg", "png")
    here = [figures.encode_figure(figure, format=kind) for kind in kinds]
    assert done.stdout == b"".join(here)
    told = re.compile(rb"CreationDate|ModDate|/Producer|/Creator|<dc:date>|20[0-9]{2}-[0-9]{2}-[0-9]{2}")
    assert not any(told.search(content) for content in here[:2])


def _pdf_objects(pdf: bytes) -> list[bytes]:
    return re.findall(rb"\d+ 0 obj\n(.*?)\nendobj", pdf, re.DOTALL)


@pytest.mark.parametrize("name", ["rank_intervals-one", "sample_graph-one_group"])
def test_a_pdf_has_its_size_and_all_its_fonts(name: str):
    figure = HARD[name]()
    pdf = figures.encode_figure(figure, format="pdf")
    box = re.search(rb"/MediaBox \[ ([\d. ]+) \]", pdf)
    assert box is not None
    sides = np.array([float(side) for side in box.group(1).split()[2:]])
    np.testing.assert_allclose(sides / 72, figure.get_size_inches(), atol=0.01)
    objects = _pdf_objects(pdf)
    fonts = [found for found in objects if b"/Type /Font\n" in found or b"/Type /Font " in found]
    assert fonts
    assert not any(b"/Type3" in font for font in fonts)
    described = [found for found in objects if b"/FontDescriptor" in found and b"/Type /FontDescriptor" in found]
    assert described
    assert all(b"/FontFile2" in found for found in described)


def test_sizes_and_pixels_are_those_of_the_page_at_300_dpi():
    figure = HARD["score_curve-one"]()
    png = figures.encode_figure(figure, format="png")
    assert int.from_bytes(png[16:20]) == round(89 / 25.4 * 300)
    place = png.index(b"pHYs") + 4
    assert int.from_bytes(png[place : place + 4]) == round(300 / 0.0254)
    root = ET.fromstring(figures.encode_figure(figure, format="svg"))  # noqa: S314 - our own bytes
    assert float(root.attrib["width"].removesuffix("pt")) / 72 * 25.4 == pytest.approx(89)
    assert {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")} >= {"the best", "score"}


def test_narrow_domains_are_seen_on_a_long_protein():
    axes = HARD["family_domains-long"]().axes[0]
    assert min(bar.get_width() for bar in axes.patches) >= 0.002 * axes.get_xlim()[1]


@pytest.mark.parametrize("measure", list(figures.MEASURES.values()))
def test_the_heatmap_says_what_it_shows(measure: str):
    figure = figures.strongest_heatmap(np.array([[0.5]]), ["g"], ["m"], measure=measure)
    assert figure.axes[1].get_ylabel() == measure


def test_losses_far_apart_have_a_log_scale():
    losses = HARD["training_curves-extreme"]().axes[0]
    assert losses.get_yscale() == "log"
    assert HARD["training_curves-single_fold"]().axes[0].get_yscale() == "linear"


def test_a_sample_graph_draws_the_strongest_edges_and_says_of_how_many():
    axes = HARD["sample_graph-many"]().axes[0]
    assert "100 samples, the 600 strongest of 4,950 edges" in axes.get_title(loc="left").replace("\n", " ")
