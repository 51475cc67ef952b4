"""Figures show what is in the data: artists are counted and read back against the frames."""

import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from models import figures
from models.figures import names, style

SAMPLES = [f"S{place}" for place in range(1, 10)]


def _qc() -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "layer": layer,
                "sample_id": SAMPLES,
                "library_size": np.arange(1, 10) * 1e6,
                "missing_share": np.linspace(0, 0.2, 9) if layer == "metabolome" else 0.0,
            }
        )
        for layer in ("transcriptome", "metabolome")
    ]
    return pd.concat(frames, ignore_index=True)


def _labels() -> pd.Series:
    return pd.Series(["leaf", "root", None] * 3, index=SAMPLES, dtype="str", name="tissue")


def _points() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(9, 2))


def _attention() -> pd.DataFrame:
    # S1 and S2 listen to each other with 0.2 and 0.4 (mean 0.3), S3 listens to S1 with 0.9, S1 also to itself.
    rows = [("1", "S1", "S2", 0.2), ("1", "S2", "S1", 0.4), ("1", "S1", "S3", 0.9), ("1", "S1", "S1", 1.0)]
    return pd.DataFrame(rows, columns=["fold", "source_sample", "target_sample", "attention"])


def _history() -> pd.DataFrame:
    epochs = np.arange(1, 6)
    rows = [
        pd.DataFrame({"fold": fold, "part": part, "epoch": epochs, "train_loss": 1 / epochs, "inner_loss": inner})
        for part, inner in (("transcriptome", (epochs - 3.0) ** 2 + 1), ("graph", np.nan * epochs))
        for fold in ("1", "2", "all")
    ]
    return pd.concat(rows, ignore_index=True)


def _validation() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": ["tissue", "tissue", "geography"],
            "method": ["graph attention", "majority", "graph attention"],
            "optimistic": [False, False, True],
            "n_samples": 9,
            "n_groups": 3,
            "n_classes": [4, 4, 2],
            "balanced_accuracy": [0.7, 0.25, 0.5],
            "low": [0.4, 0.25, 0.2],
            "high": [0.9, 0.25, 0.8],
            "p": [0.01, 0.6, np.nan],
        }
    )


def _confusion() -> pd.DataFrame:
    rows = [("leaf", "leaf", 1.0), ("leaf", "root", 1.5), ("root", "root", 1.0)]
    frame = pd.DataFrame(rows, columns=["truth", "predicted", "n_samples"])
    return frame.assign(label="tissue", method="graph attention")


def _embedding() -> pd.DataFrame:
    frames = [
        pd.DataFrame({"method": method, "space": space, "sample_id": SAMPLES, "x": _points()[:, 0], "y": 1.0})
        for space in ("transcriptome", "all layers")
        for method in ("PCA", "t-SNE", "UMAP")
    ]
    return pd.concat(frames, ignore_index=True)


def _ranking() -> tuple[pd.DataFrame, pd.DataFrame]:
    contributions = pd.DataFrame({"gene_id": ["a", "b", "c", "d"], "correlation": [1.0, 3.0, 2.0, 0.1], "graph": 0.5})
    scores = contributions["correlation"] + contributions["graph"]
    ranking = pd.DataFrame({"target": "t", "rank": [3, 1, 2, 4], "gene_id": contributions["gene_id"], "score": scores})
    return ranking, contributions


def _controls() -> pd.DataFrame:
    scores = {"real": [3.0, 2.5, 2.0], "random_target": [2.75, 2.0], "both": [2.5, 1.0]}
    rows = [("t", name, place, score) for name, best in scores.items() for place, score in enumerate(best, 1)]
    return pd.DataFrame(rows, columns=["target", "control", "place", "score"])


def _false_in_top() -> pd.DataFrame:
    return pd.DataFrame(
        {"target": "t", "top": [100, 10, 5], "expected_false": [80.0, 2.5, np.nan], "share": [0.8, 0.25, np.nan]}
    )


def _intervals() -> pd.DataFrame:
    bounds = {"rank_low": [1, 1, None, 3], "rank_high": [9, 2, None, 4]}
    return _ranking()[0].assign(**{name: pd.array(values, dtype="Int64") for name, values in bounds.items()})


def _family_hits() -> pd.DataFrame:
    rows = [("g1", "g1", 0.5, 200.0), ("g2", "g2.1", 0.9, 1_250.4), ("g3", "iso$3", 0.25, 90.0)]
    frame = pd.DataFrame(rows, columns=["gene_id", "sequence_id", "grade", "bit_score"])
    return frame.assign(family="CHS", best_member="synt_N")


def _family_domains() -> pd.DataFrame:
    rows = [
        ("g2", "g2.1", "synt_N", 11.0, 200.0, 400.0, 300.0, True),
        ("g2", "g2.1", "synt_C", 221.0, 390.0, 400.0, 250.0, True),
        ("g2", "g2.1", "other", 101.0, 150.0, 400.0, 20.0, False),
        ("g2", "g2.1", "other", 141.0, 180.0, 400.0, 10.0, False),
        ("g2", "g2.2", "synt_N", 1.0, 50.0, 90.0, 30.0, True),
        ("g1", "g1", "synt_N", 5.0, 60.0, np.nan, 200.0, True),
        ("g3", "iso$3", "synt_N", np.nan, np.nan, np.nan, 90.0, True),
    ]
    columns = ["gene_id", "sequence_id", "member", "start", "end", "length", "bit_score", "counted"]
    return pd.DataFrame(rows, columns=columns).assign(family="CHS")


def _many_members() -> tuple[pd.DataFrame, pd.DataFrame]:
    domains = pd.DataFrame(
        {
            "gene_id": [f"g{place % 20}" for place in range(900)],
            "member": [f"reference {place // 20:02d}" for place in range(900)],
            "start": 1.0 + np.arange(900) % 7,
            "end": 300.0,
            "length": 310.0,
            "bit_score": 500.0,
        }
    )
    domains = domains.assign(sequence_id=domains["gene_id"], counted=domains["member"] == "reference 03", family="P450")
    best = [f"reference {3 + place % 2:02d}" for place in range(20)]
    hits = pd.DataFrame({"gene_id": [f"g{place}" for place in range(20)], "best_member": best, "family": "P450"})
    return hits.assign(sequence_id=hits["gene_id"], grade=0.5, bit_score=500.0), domains


def _importance() -> pd.DataFrame:
    generator = np.random.default_rng(2)
    return pd.DataFrame(generator.normal(size=(100, 3)), columns=["reconstruction", "gradient", "graph"])


def _summary() -> pd.DataFrame:
    columns: dict[str, object] = {"gene_id": ["a", "b", "c", "d"], "reconstruction_null": -0.1}
    for name, mean in (("reconstruction", [0.1, 0.4, np.nan, 0.2]), ("gradient", [4.0, 3.0, 2.0, 1.0])):
        columns |= {name: mean, f"{name}_sd": [0.1, 0.2, np.nan, 0.05], f"{name}_top": [1.0, 0.5, np.nan, 0.25]}
    return pd.DataFrame({**columns, "graph": np.nan, "graph_sd": np.nan, "graph_top": np.nan})


def _curves() -> list[tuple[np.ndarray, np.ndarray]]:
    x = np.linspace(0, 1, 20)
    return [(x, x * sample) for sample in range(1, 10)]


def _all() -> dict[str, Callable[[], Figure]]:
    samples = pd.DataFrame({"sample_id": SAMPLES, "tissue": _labels().to_numpy()})
    plane = pd.DataFrame({"sample_id": SAMPLES, "x": _points()[:, 0], "y": _points()[:, 1]})
    return {
        "library_sizes": lambda: figures.library_sizes(_qc(), "transcriptome"),
        "missing_by_sample": lambda: figures.missing_by_sample(_qc()),
        "missing_by_feature": lambda: figures.missing_by_feature({"metabolome": np.array([0.0, 0.0, 0.5, 1.0])}),
        "densities": lambda: figures.densities(_curves(), _curves()[:3], "transcriptome"),
        "principal_components": lambda: figures.principal_components(
            _points(), [0.5, 0.25], SAMPLES, _labels(), "tissue"
        ),
        "sample_correlation": lambda: figures.sample_correlation(np.corrcoef(_points() @ _points().T), SAMPLES),
        "training_curves": lambda: figures.training_curves(_history()),
        "validation_bars": lambda: figures.validation_bars(_validation()),
        "confusion": lambda: figures.confusion(_confusion(), "tissue", "graph attention"),
        "sample_graph": lambda: figures.sample_graph(plane, _attention(), _labels()),
        "latent_maps": lambda: figures.latent_maps(_embedding(), samples, "tissue"),
        "strongest_heatmap": lambda: figures.strongest_heatmap(_points(), SAMPLES, ["m1", "m2"]),
        "importance_scatter": lambda: figures.importance_scatter(_importance()),
        "top_importance": lambda: figures.top_importance(_summary(), count=3),
        "top_genes": lambda: figures.top_genes(*_ranking(), count=3),
        "score_curve": lambda: figures.score_curve(_ranking()[0], top=2),
        "negative_controls": lambda: figures.negative_controls(_controls()),
        "false_in_top": lambda: figures.false_in_top(_false_in_top()),
        "rank_intervals": lambda: figures.rank_intervals(_intervals()),
        "family_domains": lambda: figures.family_domains(_family_hits(), _family_domains()),
    }


def _shown(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in _shown(figure)]


@pytest.mark.parametrize("name", list(_all()))
def test_every_figure_fits_a_page_and_is_legible_and_repeatable(name: str):
    before = dict(mpl.rcParams)
    build = _all()[name]
    figure = build()
    assert any(figure.get_size_inches()[0] * 25.4 == pytest.approx(width) for width in (89, 183))
    assert min(text.get_fontsize() for text in _shown(figure)) >= 6
    for axes in figure.axes:
        unmarked = len(axes.get_xticks()) == len(axes.get_yticks()) == 0
        assert unmarked or axes.get_xlabel() or axes.get_ylabel() or figure.get_supxlabel()
    with style.drawing():
        box = figure.get_tightbbox()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= figure.get_size_inches()[0] + 0.01
    assert box.y1 <= figure.get_size_inches()[1] + 0.01
    svg = figures.encode_figure(figure, format="svg", dpi=40)
    png = figures.encode_figure(figure, format="png", dpi=40)
    assert png == figures.encode_figure(figure, format="png", dpi=40)
    assert svg == figures.encode_figure(build(), format="svg", dpi=40)
    assert dict(mpl.rcParams) == before


def test_png_has_the_asked_pixels_and_svg_is_well_formed_with_its_text():
    figure = figures.library_sizes(_qc(), "transcriptome")
    png = figures.encode_figure(figure, format="png", dpi=100)
    # 9 samples take one column, 89 mm = 3.5039 inches of 100 pixels.
    assert struct.unpack(">II", png[16:24])[0] == 350
    assert imread(io.BytesIO(png)).shape[1] == 350
    svg = figures.encode_figure(figure, format="svg")
    assert b"date" not in svg
    assert "S9" in "".join(ET.fromstring(svg).itertext())  # noqa: S314 - our own bytes


def test_library_sizes_has_a_bar_a_sample_and_the_median():
    axes = figures.library_sizes(_qc(), "transcriptome").axes[0]
    assert [bar.get_height() for bar in axes.patches] == list(np.arange(1, 10) * 1e6)
    assert [tick.get_text() for tick in axes.get_xticklabels()] == SAMPLES
    assert axes.lines[0].get_ydata()[0] == 5e6
    assert "largest 9 times the smallest" in axes.get_title(loc="left")


def test_totals_far_apart_are_points_on_a_log_scale():
    far = _qc().assign(library_size=[10.0**place for place in range(9)] * 2)
    axes = figures.library_sizes(far, "transcriptome").axes[0]
    assert axes.get_yscale() == "log"
    assert not axes.patches
    assert list(axes.lines[0].get_ydata()) == [10.0**place for place in range(9)]
    assert "over a million times" in axes.get_title(loc="left")


def test_missing_by_sample_has_a_panel_a_layer_that_misses_any():
    figure = figures.missing_by_sample(_qc())
    (panel,) = figure.axes
    assert len(panel.patches) == 9
    assert "10.0% of values missing,\n20.0% in the worst" in panel.get_title(loc="left")
    assert figure.get_supxlabel() == "no value is missing in transcriptome"


def test_missing_by_feature_counts_every_incomplete_feature():
    axes = figures.missing_by_feature({"metabolome": np.array([0.0, 0.0, 0.5, 0.5, 1.0]), "t": np.zeros(3)}).axes[0]
    assert [bar.get_x() + bar.get_width() / 2 for bar in axes.patches] == pytest.approx([0.5, 1.0])
    assert [bar.get_height() for bar in axes.patches] == [2, 1]
    assert "3 of 5" in axes.get_title(loc="left")
    assert axes.figure.get_supxlabel() == "no value is missing in t"


def test_many_shares_are_binned():
    axes = figures.missing_by_feature({"metabolome": np.linspace(0, 1, 101)}).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 100
    assert len(axes.patches) == 20


def test_densities_has_a_line_a_sample():
    assert [len(axes.lines) for axes in figures.densities(_curves(), _curves()[:3], "x").axes] == [9, 3]


def test_principal_components_draws_each_sample_once_in_its_class():
    figure = figures.principal_components(_points(), [0.5, 0.25], SAMPLES, _labels(), "tissue")
    axes = figure.axes[0]
    drawn = {part.get_label(): part.get_offsets() for part in axes.collections if isinstance(part, PathCollection)}
    assert {name: len(points) for name, points in drawn.items()} == {"leaf": 3, "root": 3, "not given": 3}
    np.testing.assert_allclose(drawn["leaf"], _points()[[0, 3, 6]])
    assert axes.get_xlabel() == "principal component 1 (50.0% of variance)"
    assert {"leaf (3)", "root (3)", "not given (3)"} <= set(_texts(figure))


def test_one_component_alone_is_drawn_against_zero():
    figure = figures.principal_components(_points()[:, :1], [1.0], SAMPLES, _labels(), "tissue")
    assert all((part.get_offsets()[:, 1] == 0).all() for part in figure.axes[0].collections)


def test_classes_beyond_thirty_two_are_grey_together_and_the_others_all_differ():
    labels = pd.Series([f"c{place % 35}" for place in range(100)] + [None], dtype="str")
    styles = style.class_styles(labels)
    # 100 = 2 * 35 + 30: c0 to c29 have 3 samples, the others 2, of which c30 and c31 come first by name.
    assert [entry.name for entry in styles] == [*(f"c{place}" for place in range(32)), "3 other classes", "not given"]
    assert len({(entry.colour, entry.marker) for entry in styles}) == 34
    assert [int(entry.members.sum()) for entry in styles[-2:]] == [6, 1]


def test_sample_correlation_puts_alike_samples_side_by_side():
    block = np.kron(np.eye(2), np.full((3, 3), 0.9))
    np.fill_diagonal(block, 1.0)
    shuffled = [0, 3, 1, 4, 2, 5]
    figure = figures.sample_correlation(
        block[np.ix_(shuffled, shuffled)], [f"g{place // 3}_{place}" for place in shuffled]
    )
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert [name[:2] for name in names] in (["g0"] * 3 + ["g1"] * 3, ["g1"] * 3 + ["g0"] * 3)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), block)


def test_training_curves_has_a_pair_of_lines_a_fold_and_marks_the_lowest():
    figure = figures.training_curves(_history())
    with_inner, without = figure.axes
    assert (len(with_inner.lines), len(without.lines)) == (9, 3)
    dots = [line for line in with_inner.lines if line.get_marker() == "o"]
    assert [(float(dot.get_xdata()[0]), float(dot.get_ydata()[0])) for dot in dots] == [(3.0, 1.0)] * 3
    assert {"fold 1", "fold 2", "all samples"} <= set(_texts(figure))


def test_many_folds_share_one_grey_entry():
    history = pd.concat([_history().assign(fold=str(fold)) for fold in range(12)], ignore_index=True)
    assert "12 folds" in _texts(figures.training_curves(history))


def test_validation_bars_shows_accuracy_chance_and_absence():
    tissue, geography = figures.validation_bars(_validation()).axes
    assert [bar.get_width() for bar in tissue.patches] == [0.7, 0.25]
    assert [bar.get_width() for bar in geography.patches] == [0.5, 0.0]
    assert (tissue.lines[0].get_xdata()[0], geography.lines[0].get_xdata()[0]) == (0.25, 0.5)
    assert "none" in [text.get_text() for text in geography.texts]


def test_validation_bars_have_intervals_and_p_and_say_what_is_optimistic():
    tissue, geography = figures.validation_bars(_validation()).axes
    (intervals,) = (part for part in tissue.collections if isinstance(part, LineCollection))
    np.testing.assert_allclose([segment[:, 0] for segment in intervals.get_segments()], [[0.4, 0.9], [0.25, 0.25]])
    assert [text.get_text() for text in tissue.texts] == ["0.70, p 0.01", "0.25, p 0.6"]
    assert geography.get_title(loc="left") == "geography, optimistic:\n2 classes, 9 samples, 3 groups"


def test_confusion_shows_mean_counts_and_shares():
    figure = figures.confusion(_confusion(), "tissue", "graph attention")
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.4, 0.6], [0.0, 1.0]])
    assert sorted(text.get_text() for text in axes.texts) == ["1", "1", "1.5"]
    assert "2 of 3.5 right" in axes.get_title(loc="left")


def test_sample_graph_averages_both_directions_and_drops_self_loops():
    plane = pd.DataFrame({"sample_id": SAMPLES, "x": _points()[:, 0], "y": _points()[:, 1]})
    axes = figures.sample_graph(plane, _attention(), _labels()).axes[0]
    (lines,) = (part for part in axes.collections if isinstance(part, LineCollection))
    # Widths 0.2 + 1.6 w with w = 0.3 / 0.9 and 0.9 / 0.9, weakest first.
    np.testing.assert_allclose(lines.get_linewidths(), [0.2 + 1.6 / 3, 1.8])
    np.testing.assert_allclose(lines.get_segments()[0], _points()[[0, 1]])
    assert "9 samples, 2 edges" in axes.get_title(loc="left")


def test_sample_graph_without_attention_still_shows_the_samples():
    plane = pd.DataFrame({"sample_id": SAMPLES, "x": _points()[:, 0], "y": _points()[:, 1]})
    axes = figures.sample_graph(plane, _attention().head(0), _labels()).axes[0]
    assert sum(len(part.get_offsets()) for part in axes.collections) == 9


def test_latent_maps_has_a_panel_a_space_and_method_with_all_samples():
    samples = pd.DataFrame({"sample_id": SAMPLES, "tissue": _labels().to_numpy()})
    panels = figures.latent_maps(_embedding(), samples, "tissue").axes
    assert len(panels) == 6
    assert all(sum(len(part.get_offsets()) for part in axes.collections) == 9 for axes in panels)
    assert panels[5].get_title(loc="left") == "all layers: UMAP"


def test_strongest_heatmap_is_centred_and_names_move_with_rows():
    rho = np.array([[0.9, -0.9], [-0.8, 0.8], [0.95, -0.85], [np.nan, 0.7]])
    axes = figures.strongest_heatmap(rho, ["a", "b", "c", "d"], ["m1", "m2"]).axes[0]
    image = axes.images[0]
    assert image.get_clim() == (-1, 1)
    genes = ["abcd".index(tick.get_text()) for tick in axes.get_yticklabels()]
    metabolites = [("m1", "m2").index(tick.get_text()) for tick in axes.get_xticklabels()]
    np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), rho[np.ix_(genes, metabolites)])
    assert abs(genes.index(0) - genes.index(2)) == 1


def test_importance_scatter_has_a_panel_a_pair_and_hexagons_for_many():
    panels = figures.importance_scatter(_importance()).axes
    assert [len(axes.collections[0].get_offsets()) for axes in panels] == [100, 100, 100]
    two = figures.importance_scatter(_importance().assign(graph=np.nan))
    assert len(two.axes) == 1
    many = pd.DataFrame(np.random.default_rng(0).normal(size=(5_000, 2)), columns=["reconstruction", "gradient"])
    cells = figures.importance_scatter(many).axes[0].collections[0]
    assert isinstance(cells, PolyCollection)
    # The lowest half percent along each axis is outside the view: 5,000 less 25 twice, counted once where both.
    assert 4_950 <= cells.get_array().sum() <= 4_975


def test_top_importance_has_a_panel_an_importance_with_error_bars_and_shares():
    figure = figures.top_importance(_summary(), count=2)
    reconstruction, gradient = figure.axes
    assert [tick.get_text() for tick in reconstruction.get_yticklabels()] == ["b", "d"]
    points, _, (bars,) = reconstruction.containers[0]
    np.testing.assert_allclose(points.get_xdata(), [0.4, 0.2])
    np.testing.assert_allclose([bar[:, 0] for bar in bars.get_segments()], [[0.2, 0.6], [0.15, 0.25]])
    np.testing.assert_allclose(reconstruction.collections[-1].get_offsets(), [[-0.1, 0], [-0.1, 1]])
    assert [text.get_text() for text in gradient.texts] == ["in top 1%", "100%", "50%"]


def test_top_genes_stacks_the_contributions_in_the_order_of_rank():
    figure = figures.top_genes(*_ranking(), count=3)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "c", "a"]
    correlation, graph = axes.containers
    assert [bar.get_width() for bar in correlation] == [3.0, 2.0, 1.0]
    assert [bar.get_x() + bar.get_width() for bar in graph] == [3.5, 2.5, 1.5]
    assert "the 3 best of 4 genes" in axes.get_title(loc="left")


def test_score_curve_highlights_the_best():
    curve, best = figures.score_curve(_ranking()[0], top=2).axes[0].lines
    assert list(curve.get_ydata()) == [3.5, 2.5, 1.5, 0.6]
    assert list(best.get_xdata()) == [1, 2]


def test_negative_controls_has_a_line_each_with_the_real_one_bold_and_on_top():
    axes = figures.negative_controls(_controls()).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[2.5, 1.0], [2.75, 2.0], [3.0, 2.5, 2.0]]
    assert [line.get_linewidth() for line in axes.lines] == [0.8, 0.8, 2.0]
    names = {text.get_text(): text for text in axes.texts}
    assert list(names) == ["both random", "random metabolites", "the real target"]
    assert all(text.get_color() == line.get_color() for text, line in zip(axes.texts, axes.lines, strict=True))
    assert names["the real target"].get_fontweight() == "bold"


def test_names_of_lines_that_end_together_do_not_touch():
    scores = _controls().assign(score=1.0)
    heights = [text.xy[1] for text in figures.negative_controls(scores).axes[0].texts]
    assert min(np.diff(heights)) > 0.06
    assert max(heights) <= 1


def test_false_in_top_has_a_bar_a_size_and_says_how_many():
    axes = figures.false_in_top(_false_in_top()).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.8]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["best 10", "best 100"]
    assert [text.get_text() for text in axes.texts] == ["expected false", "2.5 of 10", "80.0 of 100"]
    assert list(axes.lines[0].get_xdata()) == [1, 1]


def test_rank_intervals_has_a_range_a_gene_that_has_one_and_its_rank():
    axes = figures.rank_intervals(_intervals(), count=3).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["b", "c", "a"]
    (ranges,) = (part for part in axes.collections if isinstance(part, LineCollection))
    np.testing.assert_array_equal(ranges.get_segments(), [[[1, 0], [2, 0]], [[1, 2], [9, 2]]])
    assert list(axes.lines[0].get_xdata()) == [1, 2, 3]
    assert [text.get_text() for text in axes.texts] == ["ranks", "1 to 2", "", "1 to 9"]


def _spans(axes: Axes) -> list[tuple[float, float]]:
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]


def test_family_domains_draws_what_counts_on_the_protein_and_the_rest_below_in_lanes():
    axes = figures.family_domains(_family_hits(), _family_domains()).axes[0]
    # Residues start to end cover start - 1 to end; the weakest is drawn first, and g2.2 is not the graded sequence.
    assert _spans(axes) == [(140, 180), (100, 150), (4, 60), (220, 390), (10, 200)]
    middle = [bar.get_y() + bar.get_height() / 2 for bar in axes.patches]
    g2, g1, _ = axes.get_yticks()
    assert middle[2:] == pytest.approx([g1, g2, g2])
    assert g2 < middle[1] < middle[0] < g1 - axes.patches[2].get_height() / 2
    assert [bar.get_facecolor()[3] == 1 for bar in axes.patches] == [False, False, True, True, True]


def test_family_domains_draws_proteins_to_scale_and_says_where_it_cannot():
    axes = figures.family_domains(_family_hits(), _family_domains()).axes[0]
    lines = [part for part in axes.collections if isinstance(part, LineCollection)]
    # g2 has 400 residues; the length of g1 is not known, and of g3 not even a position.
    assert [line.get_segments()[0][:, 0].tolist() for line in lines] == [[0, 400], [0, 60]]
    assert [line.get_linestyle()[0][1] is None for line in lines] == [True, False]
    assert " no position given" in [text.get_text() for text in axes.texts]
    assert axes.get_xlim()[0] == 0
    assert axes.get_xlim()[1] >= 400


def test_family_domains_names_genes_sequences_members_and_scores():
    figure = figures.family_domains(_family_hits(), _family_domains())
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["g2.1", "g1", "g3\niso$3"]
    texts = [text.get_text() for text in axes.texts]
    assert texts[1:] == ["bits", "1,250", "200", "90", "grade", "0.90", "0.50", "0.25"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["synt_N", "synt_C", "other", "does not count"]
    colours = {bar.get_facecolor()[:3] for bar in axes.patches}
    assert len(colours) == 3
    assert axes.get_title(loc="left") == "CHS: 3 genes with a hit, best first"


def test_a_family_of_many_members_has_one_colour_and_only_the_best_member_of_what_does_not_count():
    figure = figures.family_domains(*_many_members(), count=15)
    axes = figure.axes[0]
    # What counts is reference 03 everywhere; where reference 04 is the best, it is drawn too.
    assert len(axes.patches) == 15 + 7
    assert len({bar.get_facecolor()[:3] for bar in axes.patches}) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["counts", "does not count"]
    assert axes.get_title(loc="left") == "P450: the 15 best of 20 genes with a hit"


def test_long_gene_names_leave_room_for_the_proteins():
    long = {f"g{place}": f"{'contig_' * 8}{place}" for place in (1, 2, 3)}
    hits, domains = (frame.replace({"gene_id": long}) for frame in (_family_hits(), _family_domains()))
    hits["sequence_id"] = domains["sequence_id"] = "x" * 60
    axes = figures.family_domains(hits, domains).axes[0]
    assert axes.get_position().width > 0.5
    assert all(len(line) <= 30 for tick in axes.get_yticklabels() for line in tick.get_text().split("\n"))


def test_shorten_keeps_both_ends_and_replaces_what_the_font_lacks():
    assert names.shorten("TRINITY_DN1234_c0_g1_i1", 12) == "TRINITY_…_i1"
    assert names.shorten("$a$ {β} <b>") == "$a$ {β} <b>"
    assert names.shorten("葉\n1\x00") == "? 1?"


def test_short_names_gives_up_what_all_begin_with():
    stages = [f"Ripening_stage_{place:02d}_replicate_1" for place in (1, 2, 11)]
    assert names.short_names(stages, 18) == ["…01_replicate_1", "…02_replicate_1", "…11_replicate_1"]
    assert names.short_names(["a_1", "a_2"], 18) == ["a_1", "a_2"]


def test_a_dollar_sign_is_no_formula():
    frame = _qc().assign(sample_id=[f"$x_{place}$" for place in range(18)])
    figure = figures.library_sizes(frame, "transcriptome")
    assert b"$x_0$" in figures.encode_figure(figure, format="svg")


def test_150_samples_are_named_every_so_often():
    frame = pd.DataFrame({"layer": "t", "sample_id": [f"S{place}" for place in range(150)], "library_size": 1.0})
    axes = figures.library_sizes(frame, "t").axes[0]
    assert len(axes.patches) == 150
    assert axes.get_xlabel() == "sample (one in 3 named)"
    assert [tick.get_text() for tick in axes.get_xticklabels()][:3] == ["S0", "S3", "S6"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: figures.library_sizes(_qc(), "proteome"), "proteome: no sample"),
        (lambda: figures.missing_by_sample(_qc().head(0)), "no layer"),
        (lambda: figures.missing_by_feature({}), "no layer"),
        (lambda: figures.missing_by_sample(_qc().head(9)), "no value is missing in transcriptome"),
        (lambda: figures.missing_by_feature({"a": np.zeros(2), "b": np.zeros(2)}), "no value is missing in a, b"),
        (lambda: figures.training_curves(_history().head(0)), "nothing was trained"),
        (lambda: figures.validation_bars(_validation().head(0)), "no label was predicted"),
        (lambda: figures.confusion(_confusion(), "tissue", "other"), "tissue: no held-out prediction by other"),
        (lambda: figures.strongest_heatmap(np.empty((0, 3)), [], ["a", "b", "c"]), "no gene-metabolite pair"),
        (lambda: figures.importance_scatter(_importance()[["graph"]]), "fewer than two importances to compare"),
        (lambda: figures.top_importance(_summary().head(0)), "no gene has an importance"),
        (lambda: figures.top_genes(_ranking()[0].head(0), _ranking()[1]), "no ranked gene"),
        (lambda: figures.score_curve(_ranking()[0].assign(score=np.nan)), "no ranked gene"),
        (lambda: figures.negative_controls(_controls().head(0)), "no negative control was run"),
        (lambda: figures.false_in_top(_false_in_top().tail(1)), "how many of the top are false is not known"),
        (lambda: figures.rank_intervals(_intervals().assign(rank_low=pd.NA)), "no rank interval is known"),
        (
            lambda: figures.family_domains(_family_hits(), _family_domains().tail(1)),
            "no hit of the best genes has a position",
        ),
        (
            lambda: figures.family_domains(_family_hits().head(0), _family_domains().head(0)),
            "no hit of the best genes has a position",
        ),
    ],
    ids=[
        "library_sizes",
        "missing_by_sample",
        "missing_by_feature",
        "no missing sample",
        "no missing feature",
        "training_curves",
        "validation_bars",
        "confusion",
        "strongest_heatmap",
        "importance_scatter",
        "top_importance",
        "top_genes",
        "score_curve",
        "negative_controls",
        "false_in_top",
        "rank_intervals",
        "no position",
        "empty family",
    ],
)
def test_a_figure_without_data_says_so(build: Callable[[], Figure], message: str):
    assert _texts(build()) == [message]


def test_figures_may_be_drawn_in_threads():
    before = dict(mpl.rcParams)
    builds = [_all()["library_sizes"], _all()["confusion"]] * 3
    with ThreadPoolExecutor(4) as pool:
        contents = list(pool.map(lambda build: figures.encode_figure(build(), format="png", dpi=60), builds))
    assert contents[:2] == contents[2:4] == contents[4:]
    assert dict(mpl.rcParams) == before


def test_values_without_any_spread_still_draw():
    ids = ["a", "b", "c", "d"]
    same = np.ones((4, 2))
    constant = pd.DataFrame({"reconstruction": [1.0, 1.0], "gradient": [0.0, 0.0]})
    drawn = [
        figures.sample_correlation(np.full((4, 4), np.nan), ids),
        figures.principal_components(same, [np.nan, np.nan], ids, pd.Series(None, index=ids, dtype="str"), "tissue"),
        figures.strongest_heatmap(np.array([[0.5]]), ["a"], ["m"]),
        figures.importance_scatter(constant),
        figures.densities([(np.ones(3), np.full(3, np.nan))], [], "transcriptome"),
    ]
    assert all(len(figures.encode_figure(figure, format="png", dpi=40)) > 500 for figure in drawn)
    assert "2 genes,\nSpearman not defined" in _texts(drawn[3])
