"""Plots to zoom: what they hold, and that equal plots are equal bytes."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from configs.ranking_tables import EVIDENCES
from models.interactive import evidence_plots, library_script, map_plots
from models.plotted import OTHERS, TOP, plotted_genes

WEIGHTS = {"bait": 0.6, "correlation": 0.5, "graph": 0.2}


def block(n_genes: int, present: tuple[str, ...] = EVIDENCES) -> pd.DataFrame:
    random = np.random.default_rng(1)
    columns = {f"{name}_rank01": random.random(n_genes) if name in present else np.nan for name in EVIDENCES}
    return pd.DataFrame(
        {
            "rank": np.arange(1, n_genes + 1),
            "gene_id": [f"<g{number}>" for number in range(n_genes)],
            "description": None,
            "p": random.uniform(0.001, 1, n_genes),
            "correlation": random.random(n_genes),
            "direction": pd.array(random.choice([-1, 1], n_genes), dtype="Int64"),
            "best_metabolite": "m",
            **columns,
        }
    )


def columns_of(item: str) -> list[dict[str, Any]]:
    """Return the data of every set of dots in a plot."""
    found: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if part.get("name") == "ColumnDataSource":
                found.append(dict(part["attributes"]["data"]["entries"]))
            for inner in part.values():
                walk(inner)
        elif isinstance(part, list):
            for inner in part:
                walk(inner)

    walk(json.loads(item))
    return found


def test_the_best_genes_and_some_of_the_rest_are_shown() -> None:
    shown = plotted_genes(block(20_000))
    assert shown["rank"].tolist()[:TOP] == list(range(1, TOP + 1))
    assert TOP < len(shown) <= TOP + OTHERS
    assert shown["rank"].is_monotonic_increasing
    assert len(plotted_genes(block(50))) == 50


def test_the_two_evidences_of_most_weight_are_drawn_and_cards_can_be_reached() -> None:
    genes = block(30)
    plots = evidence_plots("t", genes, 30, {"<g0>": "card-1-1"}, WEIGHTS)
    assert [plot.title for plot in plots] == ["Bait and correlation", "Correlation and p"]
    assert "<" not in "".join(plot.item for plot in plots)
    without, carded = columns_of(plots[0].item)
    assert carded["gene_id"] == ["<g0>"]
    assert carded["anchor"] == ["card-1-1"]
    assert len(without["gene_id"]) == 29
    assert carded["x"][0] == pytest.approx(1 - genes["bait_rank01"][0], rel=1e-4)
    _, volcano = columns_of(plots[1].item)
    assert volcano["x"][0] == pytest.approx(genes["correlation"][0] * int(genes["direction"][0]), rel=1e-4)
    assert volcano["y"][0] == pytest.approx(genes["p"][0], rel=1e-4)


def test_one_evidence_alone_has_no_plot_against_another() -> None:
    genes = block(10, present=("graph",)).assign(p=np.nan)
    assert evidence_plots("t", genes, 10, {}, WEIGHTS) == []


def test_equal_plots_are_equal_bytes() -> None:
    first, second = (evidence_plots("t", block(30), 30, {"<g3>": "card-1-1"}, WEIGHTS) for _ in range(2))
    assert [plot.item for plot in first] == [plot.item for plot in second]


def test_each_map_shows_every_sample_under_its_label() -> None:
    samples = pd.DataFrame({"sample_id": ["a", "b", "c"], "group": ["x", "x", "y"], "tissue": ["leaf", "root", None]})
    points = [
        {"method": m, "space": s, "sample_id": i, "x": 1.0, "y": 2.0}
        for m in ("PCA", "UMAP")
        for s in "12"
        for i in "abc"
    ]
    plots = map_plots("map", pd.DataFrame(points), samples, "tissue")
    assert [plot.title for plot in plots] == ["PCA, 1", "UMAP, 1"]
    assert [(data["sample"], data["label"]) for data in columns_of(plots[0].item)] == [
        (["a"], ["leaf"]),
        (["b"], ["root"]),
        (["c"], ["not given"]),
    ]


def test_the_library_is_one_script_that_ends_nowhere_else() -> None:
    assert "</script" not in library_script()
    assert "Bokeh" in library_script()
