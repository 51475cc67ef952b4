"""Training of one layer's autoencoder by the engine that the study file asks for, or by the one that fits."""

import logging
from collections.abc import Sequence

import numpy as np
from safetensors.torch import load

from configs.errors import TrainingError, first_of
from configs.study import AutoencoderConfig
from models.arrays import Float32Array
from models.basis import SpanBasis
from models.dense_engine import load_dense, train_dense
from models.engine import NO_HOOKS, EpochLoss, FittedAutoencoder, TrainingHooks, engine_of
from models.engine_choice import choose_engine, engine_note
from models.presets import parameter_count
from models.span_engine import load_span, span_data, train_span

_log = logging.getLogger("cairn.autoencoder")


def train_autoencoder(
    train: Float32Array,
    inner: Float32Array,
    *,
    widths: Sequence[int],
    config: AutoencoderConfig,
    seed: int,
    device: str,
    hooks: TrainingHooks = NO_HOOKS,
) -> tuple[FittedAutoencoder, tuple[EpochLoss, ...]]:
    """Train a mirrored autoencoder until the inner loss has not improved for `config.patience` epochs.

    Patience begins when the training loss has fallen by a tenth: before that nothing has been learnt.

    The loss is the mean squared error over features and samples, minimised by AdamW, one step an epoch over all
    training samples. Both losses of an epoch are of the weights before its step; the weights of the best epoch are
    returned. The same seed gives the same bits on the CPU, also when several trainings run in threads of one process.

    Parameters
    ----------
    train, inner : ndarray, shape=(n_features, n_train), shape=(n_features, n_inner), dtype=float32
        Scaled samples to learn from and to stop by, all finite. Without inner samples the training loss decides.
    widths : sequence of int
        Hidden widths from the input side to the latent.
    config : AutoencoderConfig
        Engine, latent width, dropout, step size, epochs, patience, seconds between checkpoints.
    seed : int
        Seed of initial weights and dropout masks.
    device : str
        Torch device.
    hooks : TrainingHooks
        Where to resume, and whom to call on the way.

    Returns
    -------
    fitted : FittedAutoencoder
        The network with the weights of its best epoch.
    history : tuple of EpochLoss
        Losses of all epochs.

    Raises
    ------
    TrainingError
        If a loss is infinite or not a number, or the span engine is asked for and all training samples are alike.
    """
    basis = SpanBasis.fit(train)
    choice = choose_engine(config, n_features=len(train), rank=basis.rank)
    parameters = parameter_count(len(train), widths, config.latent)
    sizes = "-".join(str(size) for size in (len(train), *widths, config.latent))
    note = engine_note(choice, latent=config.latent)
    _log.info("autoencoder %s, %s parameters, %s", sizes, f"{parameters:,}", note)
    if choice.engine == "span":
        if not basis.rank:
            message = "all training samples are alike, so there is nothing to learn"
            raise TrainingError(message)
        data = span_data(train, inner, basis, device)
        return train_span(data, basis, widths=widths, config=config, seed=seed, device=device, hooks=hooks)
    return train_dense(train, inner, widths=widths, config=config, seed=seed, device=device, hooks=hooks)


def check_finite(scaled: Float32Array, feature_ids: Sequence[str]) -> None:
    """Raise TrainingError where a value is missing or infinite, with the names of the features.

    Parameters
    ----------
    scaled : ndarray, shape=(n_features, n_samples), dtype=float32
        What a network is to learn from.
    feature_ids : sequence of str, length n_features
    """
    broken = np.flatnonzero(~np.isfinite(scaled).all(axis=1)).tolist()
    if broken:
        names = first_of([feature_ids[row] for row in broken])
        message = (
            f"a value of {names} is missing or infinite after scaling, and a network cannot learn from it; look at "
            "these features in the table"
        )
        raise TrainingError(message)


def decode_weights(data: bytes, *, device: str = "cpu") -> FittedAutoencoder:
    """Return the trained autoencoder whose weights `models.engine.encode_weights` gave as `data`."""
    engine = engine_of(data)
    if engine == "dense":
        return load_dense(load(data), device)
    if engine == "span":
        return load_span(load(data), device)
    message = f"unknown autoencoder engine {engine!r}"
    raise ValueError(message)
