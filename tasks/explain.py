"""Stage 4: which genes matter to the autoencoder and to the graph network, on held-out samples."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.study import ExplainConfig
from models.arrays import Float32Array, Float64Array
from models.latents import concatenated_latents, latent_scale
from models.scaling import Scaler
from models.seeds import derived_seed
from tasks.folds import fold_repeats, fold_roles, groups_of, samples_with
from tasks.records import Explained, Fold, FoldPlan, FoldTraining, ImportanceSummary
from tasks.stage import stage
from tasks.store import Store

if TYPE_CHECKING:
    from models.engine import FittedAutoencoder


@stage("explain-fold", run_name="explain-fold-{fold.name}")
def explain_fold(
    fold: Fold,
    genes: Artifact,
    layer: str,
    training: FoldTraining,
    shared: tuple[str, ...],
    config: ExplainConfig,
    runtime: Runtime,
) -> Explained:
    """Score every gene of one fold by reconstruction, gradient and graph, and keep its held-out reconstruction."""
    from models.autoencoder import decode_weights
    from models.importance import MEASURES, graph_importance, reconstruction_importance

    store = Store(runtime.store)
    data, own = store.get_layer(genes, layer), training.layers[layer]
    roles = fold_roles(store.get_table(fold.plan), fold.name)
    train, held_out = (samples_with(data, roles, role) for role in ("train", "held_out"))
    scaler = Scaler.fit(data.columns_of(train), max_missing=fold.max_missing)
    scaled = scaler.apply(data.columns_of(held_out), keep_missing=True)
    fitted = decode_weights(store.get(own.weights))
    scale = latent_scale(store.get_table(own.latents), roles)
    gene_ids = pd.Series(data.feature_ids, dtype="str")
    frame = pd.DataFrame(
        {
            "fold": fold.name,
            "gene_id": gene_ids,
            "reconstruction": reconstruction_importance(fitted.squared_error(scaled), scaled),
            "gradient": _gradient(fitted, scaled, scale, config),
            "graph": np.nan,
        }
    )
    if training.graph is not None:
        tables = {name: store.get_table(trained.latents) for name, trained in training.layers.items()}
        weights = np.array(training.graph.latent_importance)
        joint = concatenated_latents(tables, shared)
        frame["graph"] = graph_importance(scaler.apply(data.columns_of(shared)), joint, weights)
    frame.loc[~scaler.usable, list(MEASURES)] = np.nan
    reconstructed = pd.DataFrame(fitted.decode(fitted.encode(scaled)), columns=list(held_out))
    reconstructed.insert(0, "gene_id", gene_ids)
    kept = data.measured(fold.max_missing)
    return Explained(
        importance=store.put_table(frame[kept].reset_index(drop=True), "importance"),
        reconstructed=store.put_table(reconstructed[kept].reset_index(drop=True), "reconstructed"),
    )


def _gradient(
    fitted: "FittedAutoencoder", scaled: Float32Array, scale: Float64Array, config: ExplainConfig
) -> Float64Array:
    """Return the response of the latents to each gene, by the method that the study asks for."""
    if not scaled.shape[1]:
        return np.full(len(scaled), np.nan)
    if config.attribution == "gradient":
        return fitted.latent_gradient(scaled, scale)
    from models.integrated import integrated_gradients

    return integrated_gradients(fitted, scaled, scale, steps=config.steps)


@stage("summarise-importance")
def summarise_importance(
    explained: dict[str, Explained],
    genes: Artifact,
    plan: FoldPlan,
    config: ExplainConfig,
    seed: int,
    runtime: Runtime,
) -> ImportanceSummary:
    """Put the importances of all folds together, and hold reconstruction against permuted genes."""
    from models.importance import importance_summary, null_note
    from models.reconstruction_null import HeldOut, reconstruction_null
    from models.significance import group_permutations

    store = Store(runtime.store)
    data, table = store.get_layer(genes, "genes"), store.get_table(plan.table)
    place = {sample: number for number, sample in enumerate(data.sample_ids)}
    repeats: dict[int, list[HeldOut]] = {}
    for fold, repeat in fold_repeats(table, plan.folds).items():
        frame = store.get_table(explained[fold].reconstructed)
        train = samples_with(data, fold_roles(table, fold), "train")
        held_out = HeldOut(
            train=np.array([place[sample] for sample in train], dtype=np.int64),
            held_out=np.array([place[sample] for sample in frame.columns[1:]], dtype=np.int64),
            reconstructed=frame.iloc[:, 1:].to_numpy(np.float32),
        )
        if len(held_out.held_out):
            repeats.setdefault(repeat, []).append(held_out)
    groups = groups_of(table, data.sample_ids)
    draws = group_permutations(groups, count=config.permutations, seed=derived_seed(seed, "reconstruction"))
    null = reconstruction_null(data.values, list(repeats.values()), draws)
    tables = [store.get_table(explained[fold].importance) for fold in plan.folds]
    summary = importance_summary(pd.concat(tables, ignore_index=True), null)
    return ImportanceSummary(table=store.put_table(summary, "importance_summary"), notes=(null_note(null),))
