from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.artifact import Runtime
from configs.study import CorrelationConfig, CorrelationMethod
from models.design import Design
from models.design_correlation import design_correlation
from models.figures import MEASURES
from models.layer import Layer
from tasks.analyse import correlate
from tasks.drawings import analysis_pictures
from tasks.records import Correlations, PairedLayers
from tasks.store import Store

SAMPLES = tuple(f"s{number}" for number in range(12))
GROUPS = tuple("aabbcddeeffg")
BATCHES = tuple("xyxyxyxyxyxy")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(store=str(tmp_path / "store"), checkpoints=str(tmp_path / "checkpoints"), device="cpu")


@pytest.fixture
def layers(runtime: Runtime) -> PairedLayers:
    rng, store = np.random.default_rng(5), Store(runtime.store)
    shared = rng.normal(size=12)
    values = [(rng.normal(size=(size, 12)) + shared).astype(np.float32) for size in (40, 15)]
    names = [tuple(f"{letter}{number}" for number in range(size)) for letter, size in (("g", 40), ("m", 15))]
    sheet = pd.DataFrame({"sample_id": SAMPLES, "group": GROUPS, "batch": BATCHES, "time": np.nan, "series": None})
    sheet["tissue"] = ["leaf"] * 6 + ["root"] * 6
    genes, metabolites = (Layer("x", table, ids, SAMPLES) for table, ids in zip(values, names, strict=True))
    return PairedLayers(
        genes=store.put_layer(genes),
        metabolites=store.put_layer(metabolites),
        sheet=store.put_table(sheet, "samples"),
        shared=SAMPLES,
    )


def correlated(layers: PairedLayers, runtime: Runtime, **settings: object) -> Correlations:
    return correlate.fn(layers, CorrelationConfig(alpha=0.2, **settings), runtime)


def test_all_pairs_are_listed_where_no_number_is_given(layers: PairedLayers, runtime: Runtime) -> None:
    store = Store(runtime.store)
    bounded, every = (correlated(layers, runtime, max_listed_pairs=size) for size in (10**6, None))
    assert bounded.listed == bounded.pairs == every.pairs
    by = ["condition", "gene_id", "metabolite_id"]
    one, other = (store.get_table(table).sort_values(by, ignore_index=True) for table in (every.pairs, every.listed))
    pd.testing.assert_frame_equal(one, other)
    assert set(one["condition"]) >= {"all samples"}
    assert len(correlated(layers, runtime, max_listed_pairs=7).notes) == 3


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
def test_the_top_partners_have_names(layers: PairedLayers, runtime: Runtime, method: str) -> None:
    done = correlated(layers, runtime, method=method, top_per_gene=2, top_per_metabolite=3)
    top = Store(runtime.store).get_table(done.top)
    assert top.groupby(["side", "gene_id"]).size()["gene"].eq(2).all()
    assert top.groupby(["side", "metabolite_id"]).size()["metabolite"].eq(3).all()
    assert top["n_samples"].eq(12).all()


@pytest.mark.parametrize("listed", [100_000, None])
def test_pairs_have_the_coefficients_of_the_design_beside_them(
    listed: int | None, layers: PairedLayers, runtime: Runtime
) -> None:
    done, store = correlated(layers, runtime, max_listed_pairs=listed), Store(runtime.store)
    genes, metabolites = store.get_layer(layers.genes, "g"), store.get_layer(layers.metabolites, "m")
    for table in (done.listed, done.top):
        pairs = store.get_table(table)
        for condition, rows in pairs.groupby(pairs["condition"]) if "condition" in pairs else [("all samples", pairs)]:
            keep = {"tissue=leaf": slice(6), "tissue=root": slice(6, 12)}.get(str(condition), slice(12))
            found = design_correlation(
                genes.values[:, keep],
                metabolites.values[:, keep],
                (genes.positions_of(rows["gene_id"]), metabolites.positions_of(rows["metabolite_id"])),
                Design(GROUPS[keep], BATCHES[keep]),
            )
            np.testing.assert_allclose(rows["rho"], found.total, atol=1e-11)
            names = ["rho_between", "rho_within", "rho_given_batch", "n_groups"]
            np.testing.assert_allclose(rows[names], found.columns()[names])
            assert len(set(GROUPS[keep])) == rows["n_groups"].unique()


def test_no_partner_need_be_listed(layers: PairedLayers, runtime: Runtime) -> None:
    done = correlated(layers, runtime, top_per_gene=0, top_per_metabolite=0)
    assert Store(runtime.store).get_table(done.top).empty


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
def test_the_heatmap_shows_the_correlations_that_are_listed(
    layers: PairedLayers, runtime: Runtime, method: CorrelationMethod
) -> None:
    store, pairs = Store(runtime.store), correlated(layers, runtime, method=method).pairs
    points = pd.DataFrame(
        {"method": "PCA", "space": "all layers", "sample_id": SAMPLES, "x": 1.0, "y": np.arange(12.0)}
    )
    embedding = store.put_table(points, "embedding")
    drawn = {name: figure for name, *_, figure in analysis_pictures(layers, embedding, pairs, None, method, store)}
    axes, bar = drawn["correlation_strongest"].axes
    assert bar.get_ylabel() == MEASURES[method]
    (image,) = axes.images
    rows, columns = ([tick.get_text() for tick in ticks] for ticks in (axes.get_yticklabels(), axes.get_xticklabels()))
    shown = pd.DataFrame(np.ma.filled(image.get_array(), np.nan), index=rows, columns=columns)
    listed = store.get_table(pairs)
    listed = listed[listed["condition"] == "all samples"]
    assert len(listed) > 5
    found = [
        shown.loc[gene, metabolite] for gene, metabolite in zip(listed["gene_id"], listed["metabolite_id"], strict=True)
    ]
    np.testing.assert_allclose(found, listed["rho"], atol=1e-9)
