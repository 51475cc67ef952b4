"""The pictures and the sentence of a card."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.card_records import Card
from models.drawn_cards import Bin, Domain, chance_picture, domain_picture, expression_picture, scatter_picture
from models.why import why_sentence

EVIL = "<script>&\"'"
WORDS = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=40)
VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(math.nan))


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - what our own functions wrote


def places(picture: str) -> list[tuple[float, float]]:
    return [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in parsed(picture).iter("circle")]


def test_groups_have_a_row_each_and_samples_lie_by_their_values() -> None:
    picture = expression_picture(["x", "x", "y"], [1.0, 3.0, 2.0])
    (one, first), (two, second), (middle, third) = places(picture)
    assert one < middle < two
    assert middle - one == pytest.approx(two - middle, abs=0.1)
    assert first == second < third
    assert [text.text for text in parsed(picture).iter("text")] == ["x", "y", "1", "3"]


def test_the_line_of_a_group_is_at_its_mean() -> None:
    picture = expression_picture(["x", "x", "x"], [0.0, 1.0, 5.0])
    dots = [x for x, _ in places(picture)]
    (mean,) = [path.attrib["d"] for path in parsed(picture).iter("path") if path.attrib["class"] == "mean"]
    assert float(mean[1:].split()[0]) == pytest.approx(dots[0] + 0.4 * (dots[2] - dots[0]), abs=0.2)


def test_high_values_are_up_and_right() -> None:
    (low_x, low_y), (high_x, high_y) = places(scatter_picture([1.0, 2.0, math.nan], [10.0, 20.0, 5.0], "m"))
    assert low_x < high_x
    assert low_y > high_y


def test_chance_is_a_histogram_and_the_gene_a_line_on_one_scale() -> None:
    bins = [Bin(0.0, 1.0, 10), Bin(1.0, 2.0, 5)]
    picture = chance_picture(bins, 4.0)
    found = {path.attrib["class"]: path.attrib["d"] for path in parsed(picture).iter("path")}
    numbers = [float(part) for part in re.findall(r"[0-9.]+", found["chance"])]
    left, ground, first, middle, second, right, _ = numbers
    assert ground - first == pytest.approx(2 * (ground - second))
    assert middle - left == pytest.approx(right - middle, abs=0.11)
    line = float(re.findall(r"[0-9.]+", found["mean"])[0])
    assert line - left == pytest.approx(4 * (middle - left), abs=0.3)
    assert [text.text for text in parsed(picture).iter("text")] == ["0", "4"]
    assert "15 strengths by chance from 0 to 2; this gene's is 4" in parsed(picture).attrib["aria-label"]
    assert chance_picture([], 1.0) == chance_picture(bins, math.nan) == ""


@given(st.lists(st.tuples(st.floats(0.01, 10), st.integers(0, 1_000)), min_size=1, max_size=30), st.floats(-50, 50))
@settings(max_examples=40, deadline=None)
def test_a_histogram_stays_within_its_frame(widths: list[tuple[float, int]], value: float) -> None:
    edges = list(itertools.accumulate((width for width, _ in widths), initial=0.0))
    bins = [Bin(low, high, n) for low, high, (_, n) in zip(edges, edges[1:], widths, strict=False)]
    root = parsed(chance_picture(bins, value))
    (path,) = [one.attrib["d"] for one in root.iter("path") if one.attrib["class"] == "chance"]
    across = [float(part) for part in re.findall(r"H ([0-9.]+)", path)]
    assert across == sorted(across)
    assert 0 < across[-1] < float(root.attrib["width"])


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_nothing_known_is_nothing_drawn(values: list[float]) -> None:
    assert expression_picture(["x"] * len(values), values) == ""
    assert scatter_picture(values, values, "m") == ""
    assert domain_picture(100.0, []) == ""


def test_a_domain_lies_to_scale() -> None:
    picture = domain_picture(200.0, [Domain("P", 51, 150, counted=True), Domain("Q", 1, 200, counted=False)])
    pale, full = [part for part in parsed(picture).iter("rect") if part.attrib["height"] == "14"]
    assert float(full.attrib["width"]) / float(pale.attrib["width"]) == pytest.approx(0.5, abs=0.01)
    assert "pale" in pale.attrib["class"]
    assert "open" not in picture
    assert "open" in domain_picture(math.nan, [Domain("P", 51, 150, counted=True)])


@given(st.lists(st.tuples(WORDS, VALUES, VALUES), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_every_picture_is_well_formed_and_within_its_frame(rows: list[tuple[str, float, float]]) -> None:
    groups, first, second = (list(column) for column in zip(*rows, strict=True))
    for picture in (expression_picture(groups, first), scatter_picture(first, second, groups[0])):
        if picture:
            root = parsed(picture)
            width, height = float(root.attrib["width"]), float(root.attrib["height"])
            assert all(0 < x < width and 0 < y < height for x, y in places(picture))


def test_no_path_can_be_taken_for_a_name() -> None:
    bins = [Bin(0.0, 1.0, 10)]
    drawn = (
        expression_picture(["x"], [1.0])
        + scatter_picture([1.0, 2.0], [1.0, 2.0], "m")
        + domain_picture(9.0, [Domain("P", 1, 2, counted=True)])
        + chance_picture(bins, 4.0)
    )
    paths = re.findall(r' d="([^"]*)"', drawn)
    assert len(paths) >= 5
    assert not [path for path in paths if re.search(r"[A-Za-z][0-9]", path)]


def test_names_are_escaped() -> None:
    drawn = (
        expression_picture([EVIL], [1.0])
        + scatter_picture([1.0, 2.0], [1.0, 2.0], EVIL)
        + domain_picture(9.0, [Domain(EVIL, 1, 2, counted=True)])
    )
    assert "<script" not in drawn


def card(**changes: object) -> Card:
    evidence = [
        {"evidence": "correlation", "rank01": 0.99, "null_percentile": 0.9995, "contribution": 3.0},
        {"evidence": "graph", "rank01": 0.2, "null_percentile": math.nan, "contribution": 0.5},
        {"evidence": "bait", "rank01": 0.9, "null_percentile": 1.0, "contribution": 0.5},
    ]
    partners = [
        {"kind": "metabolite", "partner": "m1", "value": -0.9, "detail": "rate"},
        {"kind": "metabolite", "partner": "m2", "value": 0.8, "detail": None},
        {"kind": "bait", "partner": "CHS", "value": 12.0, "detail": None},
        {"kind": "homolog", "partner": "ref", "value": 0.5, "detail": "OMT, E-value 1e-80"},
    ]
    return Card("g", 3, None, **({"evidence": evidence, "partners": partners} | changes))  # type: ignore[arg-type]


def test_the_sentence_says_what_the_tables_say() -> None:
    assert why_sentence(card(), 20_000) == (
        "Number 3 of 20,000 genes, most of all by its correlation with the metabolites (75% of its score). "
        "It falls as m1 rises (correlation -0.90, rate; over 99.9% of values by chance are weaker). "
        "Of the known genes it is closest to CHS (mutual rank 12). "
        "It resembles ref (OMT, E-value 1e-80; grade 0.50 of 1). "
        "Against it: by the sample graph it stands in the lower half of all genes."
    )


def test_the_sentence_says_how_sure_the_place_is() -> None:
    standing = {"p": 0.0002, "q": 0.62, "rank_low": 1, "rank_high": 1_250, "stability": 0.857}
    assert why_sentence(card(standing=standing), 20_000).endswith(
        "By permuting replicate groups p is 2.0e-4 (q 0.62). "
        "Without one replicate group at a time it ranks 1 to 1,250, in 86% of these in the top 1% (25 genes at least)."
    )
    few = {"p": 1.0, "q": 1.0, "rank_low": None, "rank_high": math.nan, "stability": math.nan}
    assert why_sentence(card(standing=few), 20_000).endswith("By permuting replicate groups p is 1 (q 1).")


def test_what_is_not_known_is_not_said() -> None:
    assert why_sentence(card(evidence=(), partners=()), 5) == "Number 3 of 5 genes."


def test_no_homolog_is_said_as_such() -> None:
    homology = {"evidence": "homology", "value": 0.0, "rank01": 0.0, "null_percentile": None, "contribution": 0.0}
    assert why_sentence(card(evidence=[homology], partners=()), 5) == (
        "Number 3 of 5 genes. No member of the families resembles it."
    )
