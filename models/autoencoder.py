"""Training of one layer's autoencoder by the engine that the study file asks for."""

import logging
from collections.abc import Sequence

from safetensors.torch import load

from configs.study import AutoencoderConfig
from models.dense_engine import load_dense, train_dense
from models.engine import NO_HOOKS, EpochLoss, FittedAutoencoder, Float32Array, TrainingHooks, engine_of
from models.presets import parameter_count

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

    The loss is the mean squared error over features and samples, minimised by AdamW, one step an epoch over all
    training samples. Both losses of an epoch are of the weights before its step; the weights of the best epoch are
    returned. The same seed gives the same bits on the CPU, also when several trainings run in threads of one process.

    Parameters
    ----------
    train, inner : ndarray, shape=(n_features, n_train), shape=(n_features, n_inner), dtype=float32
        Scaled samples to learn from and to stop by; NaN enters as 0. Without inner samples the training loss decides.
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
        If a loss is infinite or not a number.
    """
    _log.info(
        "autoencoder %s, %s parameters, engine dense (%s)",
        "-".join(str(size) for size in (len(train), *widths, config.latent)),
        f"{parameter_count(len(train), widths, config.latent):,}",
        "asked for" if config.engine == "dense" else "the one there is for these options",
    )
    return train_dense(
        train,
        inner,
        widths=widths,
        config=config,
        seed=seed,
        device=device,
        hooks=hooks,
    )


def decode_weights(data: bytes, *, device: str = "cpu") -> FittedAutoencoder:
    """Return the trained autoencoder whose weights `models.engine.encode_weights` gave as `data`."""
    engine = engine_of(data)
    if engine != "dense":
        message = f"unknown autoencoder engine {engine!r}"
        raise ValueError(message)
    return load_dense(load(data), device)
