"""Stage 4, by target: which genes the prediction of a target rests on, and which follow when it is shifted."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from models.layer import Layer
from models.scaling import Scaler
from tasks.folds import fold_repeats, fold_roles, groups_of, samples_with
from tasks.records import Fold, FoldPlan, FoldTraining, LayerPair, TargetFold, TargetSummary
from tasks.stage import stage
from tasks.store import Store

if TYPE_CHECKING:
    from models.target_evidence import LayerFit


@stage("explain-targets", run_name="explain-targets-fold-{fold.name}")
def explain_targets_of_fold(
    fold: Fold,
    layers: LayerPair,
    training: FoldTraining,
    targets: dict[str, tuple[str, ...]],
    runtime: Runtime,
) -> TargetFold:
    """Score every gene of one fold for every target, over the samples that have both layers."""
    from models.target_evidence import explain_targets
    from models.target_summary import fits_table, importance_table

    store = Store(runtime.store)
    genes = store.get_layer(layers.genes.layer, layers.genes.name)
    metabolites = store.get_layer(layers.metabolites.layer, layers.metabolites.name)
    plan = store.get_table(fold.plan)
    roles = fold_roles(plan, fold.name)
    measured = roles.keys() & metabolites.sample_ids
    both = tuple(sample for sample in genes.sample_ids if sample in measured)
    scores = explain_targets(
        _layer_fit(genes, both, roles, fold.max_missing, training, store),
        _layer_fit(metabolites, both, roles, fold.max_missing, training, store),
        {name: metabolites.positions_of(members) for name, members in targets.items()},
        held_out=np.array([roles[sample] == "held_out" for sample in both], dtype=bool),
        groups=groups_of(plan, both),
    )
    table = importance_table(scores, genes.feature_ids, fold.name)
    kept = np.array(genes.feature_ids, dtype=object)[genes.measured(fold.max_missing)]
    return TargetFold(
        importance=store.put_table(table[table["gene_id"].isin(kept)].reset_index(drop=True), "target_importance"),
        fits=store.put_table(fits_table(scores, fold.name), "target_fits"),
    )


@stage("summarise-targets")
def summarise_targets(explained: dict[str, TargetFold], plan: FoldPlan, runtime: Runtime) -> TargetSummary:
    """Put the target-aware scores of all folds together, and say where they add nothing."""
    from models.target_evidence import METHODS
    from models.target_summary import gate_notes, target_evidence, target_gates, target_summary

    store = Store(runtime.store)
    fits = pd.concat([store.get_table(explained[fold].fits) for fold in plan.folds], ignore_index=True)
    gates = target_gates(fits, fold_repeats(store.get_table(plan.table), plan.folds))
    summary = target_summary([store.get_table(explained[fold].importance) for fold in plan.folds])
    evidence: dict[str, Artifact] = {
        method: store.put_table(target_evidence(summary, gates, method), "evidence") for method in METHODS
    }
    return TargetSummary(
        table=store.put_table(summary, "target_summary"),
        gates=store.put_table(gates, "target_gates"),
        evidence=evidence,
        notes=gate_notes(gates),
    )


def _layer_fit(
    layer: Layer,
    samples: tuple[str, ...],
    roles: dict[str, str],
    max_missing: float,
    training: FoldTraining,
    store: Store,
) -> "LayerFit":
    """Return the network of a layer with `samples`, scaled as it was trained: by all training samples of the layer."""
    from models.autoencoder import decode_weights
    from models.target_evidence import LayerFit

    scaler = Scaler.fit(layer.columns_of(samples_with(layer, roles, "train")), max_missing=max_missing)
    fitted = decode_weights(store.get(training.layers[layer.name].weights))
    return LayerFit(fitted, scaler.apply(layer.columns_of(samples), keep_missing=True))
