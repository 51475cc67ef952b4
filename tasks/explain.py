"""Stage 4: which genes matter to the autoencoder and to the graph network, on held-out samples."""

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from models.latents import concatenated_latents, latent_scale
from models.scaling import Scaler
from tasks.folds import fold_roles, samples_with
from tasks.records import Fold, LayerTraining
from tasks.stage import stage
from tasks.store import Store


@stage("explain-fold", run_name="explain-fold-{fold.name}")
def explain_fold(
    fold: Fold,
    genes: Artifact,
    training: LayerTraining,
    latents: dict[str, Artifact],
    shared: tuple[str, ...],
    latent_importance: tuple[float, ...] | None,
    runtime: Runtime,
) -> Artifact:
    """Score every gene of one fold by reconstruction, gradient and graph."""
    from models.autoencoder import decode_weights
    from models.importance import MEASURES, graph_importance, reconstruction_importance

    store = Store(runtime.store)
    data = store.get_layer(genes, training.layer)
    roles = fold_roles(store.get_table(fold.plan), fold.name)
    train, held_out = (samples_with(data, roles, role) for role in ("train", "held_out"))
    scaler = Scaler.fit(data.columns_of(train), max_missing=fold.max_missing)
    scaled = scaler.apply(data.columns_of(held_out), keep_missing=True)
    fitted = decode_weights(store.get(training.weights))
    own = store.get_table(training.latents)
    frame = pd.DataFrame(
        {
            "fold": fold.name,
            "gene_id": pd.Series(data.feature_ids, dtype="str"),
            "reconstruction": reconstruction_importance(fitted.squared_error(scaled), scaled),
            "gradient": fitted.latent_gradient(scaled, latent_scale(own, roles)),
            "graph": np.nan,
        }
    )
    if latent_importance is not None:
        joint = concatenated_latents({name: store.get_table(table) for name, table in latents.items()}, shared)
        frame["graph"] = graph_importance(scaler.apply(data.columns_of(shared)), joint, np.array(latent_importance))
    frame.loc[~scaler.usable, list(MEASURES)] = np.nan
    measured = np.isnan(data.values).mean(axis=1) <= fold.max_missing
    return store.put_table(frame[measured].reset_index(drop=True), "importance")
