"""Stage 4 on two layers whose samples overlap in part, with a fold that holds out no sample of the genes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.artifact import Artifact, Runtime
from configs.study import AutoencoderConfig, ExplainConfig
from models.autoencoder import train_autoencoder
from models.engine import encode_weights
from models.latents import latent_table
from models.layer import Layer
from models.scaling import Scaler
from tasks.explain import explain_fold, summarise_importance
from tasks.explain_targets import explain_targets_of_fold, summarise_targets
from tasks.folds import fold_repeats, fold_roles, samples_with
from tasks.records import Fold, FoldPlan, FoldTraining, GraphTraining, LayerPair, LayerTraining, NamedLayer
from tasks.store import Store

FOLDS = ("0", "1", "2", "3")
SAMPLES = {
    "transcriptome": tuple(f"s{number:02d}" for number in range(18)),
    "metabolome": tuple(f"s{number:02d}" for number in range(3, 21)),
}
SHARED = SAMPLES["transcriptome"][3:]
TARGETS = {"pathway": ("m00", "m01"), "all": tuple(f"m{number:02d}" for number in range(20))}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(store=str(tmp_path / "store"), checkpoints=str(tmp_path / "checkpoints"), device="cpu")


def _layers() -> dict[str, Layer]:
    rng = np.random.default_rng(3)
    activity = np.repeat(rng.normal(size=(3, 7)), 3, axis=1)
    layers = {}
    for name, letter, size, columns in (("transcriptome", "g", 60, slice(18)), ("metabolome", "m", 20, slice(3, 21))):
        values = rng.normal(size=(size, 3)) @ activity + rng.normal(size=(size, 21))
        ids = tuple(f"{letter}{number:02d}" for number in range(size))
        layers[name] = Layer(name, values[:, columns].astype(np.float32), ids, SAMPLES[name])
    return layers


def _plan() -> pd.DataFrame:
    """Return three folds over seven groups of three, and a second repeat whose one fold is the metabolome's alone."""
    rows = []
    for fold in FOLDS:
        for number in range(21):
            group = number // 3
            held_out = group == 6 if fold == "3" else group % 3 == int(fold)
            inner = group == (int(fold) + 1) % 3
            role = "held_out" if held_out else "inner" if inner else "train"
            repeat = 2 if fold == "3" else 1
            rows.append((fold, repeat, "grouped", f"s{number:02d}", f"g{group}", role))
    return pd.DataFrame(rows, columns=["fold", "repeat", "scheme", "sample_id", "group", "role"])


def _trained(layer: Layer, fold: str, store: Store) -> LayerTraining:
    roles = fold_roles(_plan(), fold)
    scaler = Scaler.fit(layer.columns_of(samples_with(layer, roles, "train")))
    parts = (scaler.apply(layer.columns_of(samples_with(layer, roles, role))) for role in ("train", "inner"))
    config = AutoencoderConfig(engine="span", latent=4, max_epochs=20)
    fitted, _ = train_autoencoder(*parts, widths=(12,), config=config, seed=1, device="cpu")
    latents = latent_table(
        fitted.encode(scaler.apply(layer.values)),
        fold=fold,
        layer=layer.name,
        sample_ids=layer.sample_ids,
        held_out=[roles[sample] == "held_out" for sample in layer.sample_ids],
    )
    weights = store.put(encode_weights(fitted), kind="weights", extension="safetensors")
    table = store.put_table(latents, "latents")
    return LayerTraining(
        layer=layer.name,
        weights=weights,
        latents=table,
        principal=table,
        history=table,
        widths=(12,),
        parameters=1,
        engine="span",
        note="",
        epochs=20,
        device="cpu",
    )


def _training(fold: str, layers: dict[str, Layer], store: Store) -> FoldTraining:
    trained = {name: _trained(layer, fold, store) for name, layer in layers.items()}
    some = trained["transcriptome"].weights
    graph = GraphTraining(weights=some, predictions=some, attention=some, history=some, latent_importance=(0.5,) * 8)
    return FoldTraining(fold=fold, layers=trained, graph=graph if fold == "0" else None)


class _Run:
    def __init__(self, runtime: Runtime, layers: dict[str, Layer] | None = None) -> None:
        self.runtime, self.store, self.layers = runtime, Store(runtime.store), layers or _layers()
        self.stored: dict[str, Artifact] = {name: self.store.put_layer(layer) for name, layer in self.layers.items()}
        kept = self.store.put_table(_plan(), "folds")
        self.plan = FoldPlan(table=kept, labels=kept, folds=FOLDS, split=(), notes=())
        self.trainings = {fold: _training(fold, self.layers, self.store) for fold in FOLDS}

    def fold(self, name: str) -> Fold:
        return Fold(name=name, plan=self.plan.table, max_missing=0.5)

    def importance(self, config: ExplainConfig) -> pd.DataFrame:
        genes = self.stored["transcriptome"]
        explained = {
            fold: explain_fold.fn(
                self.fold(fold),
                genes,
                "transcriptome",
                training,
                SHARED,
                config,
                self.runtime,
            )
            for fold, training in self.trainings.items()
        }
        done = summarise_importance.fn(explained, genes, self.plan, config, 1, self.runtime)
        assert "60 genes" in done.notes[0]
        return self.store.get_table(done.table)


def test_importances_of_all_folds(runtime: Runtime) -> None:
    run = _Run(runtime)
    summary = run.importance(ExplainConfig(permutations=20))
    assert summary["gene_id"].tolist() == list(run.layers["transcriptome"].feature_ids)
    assert summary[["reconstruction", "gradient", "graph"]].notna().all(axis=None)
    assert summary["graph_sd"].isna().all()  # one fold has a graph network
    assert summary["reconstruction_p"].between(1 / 21, 1).all()
    other = run.importance(ExplainConfig(permutations=20, attribution="integrated_gradients", steps=10))
    pd.testing.assert_series_equal(other["reconstruction"], summary["reconstruction"])
    assert np.corrcoef(other["gradient"], summary["gradient"])[0, 1] > 0.3
    assert not np.allclose(other["gradient"], summary["gradient"])


def test_a_gene_that_a_fold_cannot_use_has_no_importance_there(runtime: Runtime) -> None:
    """g03 is constant in the training samples of fold 1; g05 is missing in 10 of 18 samples."""
    layers = _layers()
    genes = layers["transcriptome"]
    values = genes.values.copy()
    train = samples_with(genes, fold_roles(_plan(), "1"), "train")
    values[3, [genes.sample_ids.index(sample) for sample in train]] = 5.0
    held_out = [genes.sample_ids.index(sample) for sample in samples_with(genes, fold_roles(_plan(), "0"), "held_out")]
    values[5, [*held_out[:5], *[place for place in range(18) if place not in held_out][:5]]] = np.nan
    layers["transcriptome"] = Layer(genes.name, values, genes.feature_ids, genes.sample_ids)
    run = _Run(runtime, layers)
    config = ExplainConfig(permutations=20)
    done = explain_fold.fn(
        run.fold("1"), run.stored["transcriptome"], "transcriptome", run.trainings["1"], SHARED, config, runtime
    )
    importance = run.store.get_table(done.importance).set_index("gene_id")
    assert importance.loc["g03", ["reconstruction", "gradient"]].isna().all()
    assert importance.drop(index="g03")[["reconstruction", "gradient"]].notna().all(axis=None)
    assert "g05" not in importance.index  # missing in more than half of all samples: listed as dropped


def test_targets_of_all_folds_over_the_samples_that_have_both_layers(runtime: Runtime) -> None:
    run = _Run(runtime)
    genes, metabolites = (NamedLayer(name=name, layer=run.stored[name]) for name in ("transcriptome", "metabolome"))
    explained = {
        fold: explain_targets_of_fold.fn(
            run.fold(fold),
            LayerPair(genes=genes, metabolites=metabolites),
            training,
            TARGETS,
            runtime,
        )
        for fold, training in run.trainings.items()
    }
    done = summarise_targets.fn(explained, run.plan, runtime)
    gates = run.store.get_table(done.gates)
    # Group g0 has no metabolites and g6 no genes: five groups of three are held out once.
    assert gates["n_samples"].tolist() == [15] * 4
    assert gates["n_folds"].tolist() == [3] * 4
    table = run.store.get_table(done.table)
    assert len(table) == 2 * 60
    assert table[["attribution", "perturbation"]].notna().all(axis=None)
    assert len(done.notes) == 3
    for method, artifact in done.evidence.items():
        opened = gates[gates["method"] == method].set_index("target")["opened"]
        strength = run.store.get_table(artifact).groupby("target")["strength"]
        assert strength.count().to_dict() == {target: 60 if opened[target] else 0 for target in TARGETS}


def test_repeats_are_read_from_the_plan() -> None:
    assert fold_repeats(_plan(), FOLDS) == {"0": 1, "1": 1, "2": 1, "3": 2}
