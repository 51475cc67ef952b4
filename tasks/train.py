"""Stage 2: one autoencoder per layer and one graph network over the samples, fold by fold."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from prefect.context import TaskRunContext

from configs.artifact import Artifact, Runtime
from configs.errors import TrainingError
from configs.study import AutoencoderConfig, GraphConfig
from configs.tables import CONTRACTS
from models.basis import principal_scores
from models.engine_choice import choose_engine, engine_note
from models.latents import latent_table
from models.layer import Layer
from models.presets import parameter_count
from models.scaling import Scaler
from models.seeds import derived_seed
from tasks.caching import ContentKey
from tasks.checkpoints import CheckpointFile
from tasks.folds import fold_roles, samples_with
from tasks.live import followed
from tasks.records import Fold, GraphTraining, LayerTraining
from tasks.stage import stage
from tasks.store import Store

if TYPE_CHECKING:
    from models.engine import EpochLoss
    from models.graph import GraphData

logger = logging.getLogger("cairn.train")


@stage("train-layer", run_name="train-{name}-fold-{fold.name}")
def train_layer(
    name: str,
    fold: Fold,
    layer: Artifact,
    widths: tuple[int, ...],
    config: AutoencoderConfig,
    seed: int,
    runtime: Runtime,
) -> LayerTraining:
    """Train the autoencoder of one layer on one fold's training samples; goes on from a checkpoint of a killed run."""
    from models.autoencoder import check_finite, train_autoencoder
    from models.device import choose_device
    from models.engine import TrainingHooks, decode_state, encode_state, encode_weights
    from models.memory import dense_training_bytes, require_memory

    store = Store(runtime.store)
    data = store.get_layer(layer, name)
    roles = fold_roles(store.get_table(fold.plan), fold.name)
    train, inner = (samples_with(data, roles, role) for role in ("train", "inner"))
    scaler = Scaler.fit(data.columns_of(train), max_missing=fold.max_missing)
    device = choose_device(runtime.device)
    n_features, n_samples = len(data.feature_ids), len(train) + len(inner)
    parameters = parameter_count(n_features, widths, config.latent)
    logger.info(
        "%s, fold %s: %s parameters, %d training samples, %s", name, fold.name, f"{parameters:,}", len(train), device
    )
    scaled_train, scaled_inner = (scaler.apply(data.columns_of(part)) for part in (train, inner))
    choice = choose_engine(config, n_features=n_features, rank=min(n_features, len(train) - 1))
    if choice.engine == "dense":
        needed = dense_training_bytes(n_features, n_samples, widths, config, device)
        require_memory(needed, device, trainings=runtime.parallel_folds)
    checkpoint = CheckpointFile(runtime.checkpoints, _key_of_this_run())
    saved = checkpoint.load()
    if saved is not None:
        logger.info("%s, fold %s: goes on from epoch %s", name, fold.name, saved[1]["epoch"])
    with (
        _naming(f"{name}, fold {fold.name}"),
        followed(runtime.study, name, fold.name, config.max_epochs) as on_epoch,
    ):
        for part in (scaled_train, scaled_inner):
            check_finite(part, data.feature_ids)
        fitted, history = train_autoencoder(
            scaled_train,
            scaled_inner,
            widths=widths,
            config=config,
            seed=derived_seed(seed, "autoencoder", name, fold.name),
            device=device,
            hooks=TrainingHooks(
                resume=None if saved is None else decode_state(*saved),
                on_checkpoint=lambda state: checkpoint.save(*encode_state(state)),
                on_epoch=on_epoch,
            ),
        )
    scaled = scaler.apply(data.values)
    components = principal_scores(scaled_train, scaled)
    result = LayerTraining(
        layer=name,
        weights=store.put(encode_weights(fitted), kind="weights", extension="safetensors"),
        latents=store.put_table(_scores_table(fitted.encode(scaled), data, roles, fold.name), "latents"),
        principal=store.put_table(_scores_table(components, data, roles, fold.name), "latents"),
        history=store.put_table(history_table(history, fold.name, name), "history"),
        widths=widths,
        parameters=parameters,
        engine=fitted.engine,
        note=f"{name}: autoencoder of {parameters:,} parameters, {engine_note(choice, latent=config.latent)}.",
        epochs=len(history),
        device=device,
    )
    checkpoint.clear()
    best = min(history, key=lambda loss: loss.train_loss if loss.inner_loss is None else loss.inner_loss)
    logger.info("%s, fold %s: %d epochs, best in epoch %d", name, fold.name, len(history), best.epoch)
    return result


@stage("train-graph", run_name="train-graph-fold-{fold.name}")
def train_graph_on_fold(
    fold: Fold,
    latents: dict[str, Artifact],
    principal: dict[str, Artifact],
    sheet: Artifact,
    config: GraphConfig,
    seed: int,
    runtime: Runtime,
) -> GraphTraining:
    """Train the graph network on the latents of all layers and predict the held-out samples."""
    from models.device import choose_device
    from models.graph import train_graph
    from models.graph_tables import attention_table, prediction_table
    from models.tensors import encode_tensors

    store = Store(runtime.store)
    data, samples = graph_nodes(fold, latents, principal, sheet, store)
    with followed(runtime.study, "graph", fold.name, config.max_epochs) as on_epoch:
        result = train_graph(
            data,
            config=config,
            seed=derived_seed(seed, "graph", fold.name),
            device=choose_device(runtime.device),
            on_epoch=on_epoch,
        )
    predictions = with_fold(prediction_table(data, result, samples), fold, store)
    return GraphTraining(
        weights=store.put(encode_tensors(result.tensors), kind="weights", extension="safetensors"),
        predictions=store.put_table(predictions, "predictions"),
        attention=store.put_table(attention_table(result, samples, fold.name), "attention"),
        history=store.put_table(history_table(result.history, fold.name, "graph"), "history"),
        latent_importance=tuple(float(value) for value in result.latent_importance),
    )


def graph_nodes(
    fold: Fold, latents: dict[str, Artifact], principal: dict[str, Artifact], sheet: Artifact, store: Store
) -> "tuple[GraphData, tuple[str, ...]]":
    """Return the nodes of one fold, ordered by sample id, and their samples: all that any layer has."""
    from models.graph_tables import graph_data

    table = store.get_table(sheet).sort_values("sample_id", ignore_index=True)
    roles = fold_roles(store.get_table(fold.plan), fold.name)

    def tables(kept: dict[str, Artifact]) -> dict[str, pd.DataFrame]:
        return {name: store.get_table(artifact) for name, artifact in kept.items()}

    return graph_data(tables(latents), tables(principal), table, roles), tuple(table["sample_id"])


def with_fold(predictions: pd.DataFrame, fold: Fold, store: Store) -> pd.DataFrame:
    """Return predictions of one fold as the contract `predictions`."""
    plan = store.get_table(fold.plan)
    own = plan[plan["fold"] == fold.name].iloc[0]
    named = predictions.assign(fold=fold.name, repeat=own["repeat"], scheme=own["scheme"])
    return named[[column.name for column in CONTRACTS["predictions"].columns]]


def history_table(history: "Sequence[EpochLoss]", fold: str, part: str) -> pd.DataFrame:
    """Return losses by epoch as the contract `history`."""
    return pd.DataFrame(
        {
            "fold": fold,
            "part": part,
            "epoch": np.array([loss.epoch for loss in history], dtype=np.int64),
            "train_loss": np.array([loss.train_loss for loss in history], dtype=np.float64),
            "inner_loss": np.array([loss.inner_loss for loss in history], dtype=np.float64),
        }
    )


def _scores_table(scores: npt.NDArray[np.float32], data: Layer, roles: dict[str, str], fold: str) -> pd.DataFrame:
    held_out = [roles.get(sample) == "held_out" for sample in data.sample_ids]
    return latent_table(scores, fold=fold, layer=data.name, sample_ids=data.sample_ids, held_out=held_out)


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say which training it is that failed."""
    try:
        yield
    except TrainingError as error:
        message = f"{what}: {error}"
        raise TrainingError(message) from error


def _key_of_this_run() -> str:
    """Return the content key of the running task: a checkpoint belongs to exactly these inputs."""
    context = TaskRunContext.get()
    if context is None or not isinstance(context.task.cache_policy, ContentKey):
        message = "a training stage runs as a Prefect task only"
        raise RuntimeError(message)
    return context.task.cache_policy.digest(context.parameters)
