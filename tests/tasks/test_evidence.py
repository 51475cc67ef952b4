"""Evidence tables: what stands beside the correlation with a target."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.artifact import Runtime
from models.layer import Layer
from tasks.evidence import correlate_targets
from tasks.records import FoldPlan, PairedLayers
from tasks.store import Store

SAMPLES = tuple(f"s{number}" for number in range(12))


@pytest.mark.parametrize("method", ["spearman", "bicor"])
def test_each_gene_has_all_coefficients_with_its_best_metabolite(tmp_path: Path, method: str) -> None:
    rng = np.random.default_rng(4)
    runtime = Runtime(store=str(tmp_path / "store"), checkpoints=str(tmp_path / "checkpoints"), device="cpu")
    store = Store(runtime.store)
    genes, metabolites = (rng.normal(size=(size, 12)).astype(np.float32) for size in (30, 4))
    genes[7] = 1.0
    ids = [tuple(f"{letter}{number}" for number in range(size)) for letter, size in (("g", 30), ("m", 4))]
    sheet = pd.DataFrame({"sample_id": SAMPLES, "group": list("aabbccddeeff"), "batch": None, "time": np.nan})
    roles = ["held_out"] * 2 + ["train"] * 10
    folds = pd.DataFrame(
        {"fold": "0", "repeat": 1, "scheme": "grouped", "sample_id": SAMPLES, "group": "a", "role": roles}
    )
    layers = PairedLayers(
        genes=store.put_layer(Layer("genes", genes, ids[0], SAMPLES)),
        metabolites=store.put_layer(Layer("metabolites", metabolites, ids[1], SAMPLES)),
        sheet=store.put_table(sheet.astype({"batch": "str"}), "samples"),
        shared=SAMPLES,
    )
    kept = store.put_table(folds, "folds")
    plan = FoldPlan(table=kept, labels=kept, folds=("0",), split=(), notes=())
    targets = {"acids": ("m1", "m3"), "sugars": ("m0",)}
    done = correlate_targets.fn(layers, plan, targets, method, 20, 1, runtime)
    evidence, best = store.get_table(done.evidence), store.get_table(done.best)
    tested = evidence[evidence["gene_id"] != "g7"].reset_index(drop=True)
    assert best["gene_id"].tolist() == tested["gene_id"].tolist()
    assert best["metabolite_id"].tolist() == tested["detail"].tolist()
    np.testing.assert_array_equal(best[["rho", "p"]], tested[["value", "p"]])
    assert best[["n_samples", "n_groups"]].drop_duplicates().to_numpy().tolist() == [[12, 6]]
    assert best[["rho_between", "rho_within"]].notna().all(axis=None)
    assert best["rho_given_batch"].isna().all()
