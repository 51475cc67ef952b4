"""What every autoencoder engine takes and gives: the fitted network, the training state, and their bytes."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol, Self

import torch
from safetensors.torch import load, save

from configs.errors import TrainingError
from configs.study import Engine
from models.arrays import Float32Array, Float64Array
from models.networks import MirroredAutoencoder

JsonValue = int | float | list[list[int | float | None]]


class FittedAutoencoder(Protocol):
    """A trained autoencoder; all inputs are scaled and lie features down, samples across.

    A missing value (NaN) enters the network as 0, the training mean.
    """

    @property
    def engine(self) -> Engine:
        """Name of the engine that can read `state` back."""
        ...

    @property
    def network(self) -> MirroredAutoencoder:
        """The network in evaluation mode, on whatever `inputs` gives."""
        ...

    def inputs(self, scaled: Float32Array) -> torch.Tensor:
        """Return what the network takes, shape=(n_samples, width): the samples, or their coordinates."""
        ...

    def carried(self, rows: torch.Tensor) -> Iterator[tuple[slice, Float32Array]]:
        """Carry derivatives by the first hidden layer's sums to the features.

        Yields, block of features by block, `rows`, shape=(n, w1), times the weights of the first layer of the network
        on features, shape=(n, size of the block), dtype=float32.
        """
        ...

    def encode(self, scaled: Float32Array) -> Float32Array:
        """Map `scaled`, shape=(n_features, n_samples), to latents, shape=(n_samples, latent)."""
        ...

    def decode(self, latents: Float32Array) -> Float32Array:
        """Map latents, shape=(n_samples, latent), to reconstructed features, shape=(n_features, n_samples)."""
        ...

    def squared_error(self, scaled: Float32Array) -> Float64Array:
        """Return sum_i (z_ij - zhat_ij)^2 of each feature j over the samples i, shape=(n_features,).

        Missing values (NaN) are left out of the sum.
        """
        ...

    def latent_gradient(self, scaled: Float32Array, latent_scale: Float64Array) -> Float64Array:
        """Return the sensitivity of the latents to each feature, shape=(n_features,).

        It is the root mean square, over samples i and latents k, of (dz_k/dx_j at sample i) / latent_scale_k.

        Parameters
        ----------
        scaled : ndarray, shape=(n_features, n_samples), dtype=float32
            Samples at which the derivative is taken.
        latent_scale : ndarray, shape=(latent,), dtype=float64
            Standard deviation of each latent over the training samples; a latent with scale 0 counts as 0.
        """
        ...

    def state(self) -> dict[str, torch.Tensor]:
        """Return the weights on the CPU."""
        ...


@dataclass(frozen=True, slots=True)
class EpochLoss:
    """Losses of one epoch; `epoch` counts from 1, `inner_loss` is None without early-stopping samples."""

    epoch: int
    train_loss: float
    inner_loss: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is: epochs done, the best one, and the epochs since (`stale`)."""

    epoch: int = 0
    best_epoch: int = 0
    best_loss: float = math.inf
    stale: int = 0

    def after(self, losses: EpochLoss, *, tolerance: float = 0.0) -> Self:
        """Return the progress after one more epoch, judged by the inner loss where there is one.

        An improvement of at most `tolerance` makes the epoch the best one, but does not renew patience.

        Raises
        ------
        TrainingError
            If a loss is infinite or not a number.
        """
        watched = losses.train_loss if losses.inner_loss is None else losses.inner_loss
        if not (math.isfinite(losses.train_loss) and math.isfinite(watched)):
            message = f"the loss is not finite in epoch {losses.epoch}; lower the learning rate of the network"
            raise TrainingError(message)
        if watched < self.best_loss:
            stale = 0 if watched < self.best_loss - tolerance else self.stale + 1
            return replace(self, epoch=losses.epoch, best_epoch=losses.epoch, best_loss=watched, stale=stale)
        return replace(self, epoch=losses.epoch, stale=self.stale + 1)

    @property
    def improved(self) -> bool:
        """Whether the latest epoch is the best one."""
        return self.epoch == self.best_epoch


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """Everything that a killed training needs to go on to the same weights, bit for bit.

    Attributes
    ----------
    epoch, best_epoch, stale : int
        Epochs done, the epoch of the best loss, and epochs since then.
    best_loss : float
        Loss of the best epoch.
    tensors : dict of str to Tensor
        Weights, best weights, moments of the optimiser, state of the random generator (uint8), all on the CPU.
    history : tuple of EpochLoss
        Losses of the epochs done.
    """

    epoch: int
    best_epoch: int
    best_loss: float
    stale: int
    tensors: dict[str, torch.Tensor]
    history: tuple[EpochLoss, ...]


@dataclass(frozen=True, slots=True)
class TrainingHooks:
    """Where a training starts from, and whom it calls on the way.

    Attributes
    ----------
    resume : TrainingState, optional
        Where a killed training stood; it goes on to the weights that it would have reached.
    on_checkpoint : callable, optional
        Called with a copy of the state when `checkpoint_seconds` have passed since the last call.
    on_epoch : callable, optional
        Called with the losses of each epoch.
    """

    resume: TrainingState | None = None
    on_checkpoint: Callable[[TrainingState], None] | None = None
    on_epoch: Callable[[EpochLoss], None] | None = None


NO_HOOKS = TrainingHooks()


def encode_state(state: TrainingState) -> tuple[bytes, dict[str, JsonValue]]:
    """Return `state` as safetensors bytes and a mapping that JSON can hold."""
    meta: dict[str, JsonValue] = {
        "epoch": state.epoch,
        "best_epoch": state.best_epoch,
        "best_loss": state.best_loss,
        "stale": state.stale,
        "history": [[losses.epoch, losses.train_loss, losses.inner_loss] for losses in state.history],
    }
    return save(state.tensors), meta


def decode_state(data: bytes, meta: dict[str, JsonValue]) -> TrainingState:
    """Return the state that `encode_state` gave as `data` and `meta`."""
    numbers = {name: value for name, value in meta.items() if not isinstance(value, list)}
    rows = meta["history"]
    history = tuple(_epoch_loss(row) for row in rows) if isinstance(rows, list) else ()
    return TrainingState(
        epoch=int(numbers["epoch"]),
        best_epoch=int(numbers["best_epoch"]),
        best_loss=float(numbers["best_loss"]),
        stale=int(numbers["stale"]),
        tensors=load(data),
        history=history,
    )


def _epoch_loss(row: list[int | float | None]) -> EpochLoss:
    epoch, train_loss, inner_loss = row
    return EpochLoss(int(epoch or 0), float(train_loss or 0.0), inner_loss)


def encode_weights(fitted: FittedAutoencoder) -> bytes:
    """Return the weights as safetensors bytes that name their engine."""
    return save(fitted.state(), metadata={"engine": fitted.engine})


def engine_of(data: bytes) -> str:
    """Return the name of the engine whose weights `data` holds."""
    # A safetensors file is a little-endian uint64, the length of a JSON header, then the header and the tensors.
    length = int.from_bytes(data[:8], "little")
    return str(json.loads(data[8 : 8 + length])["__metadata__"]["engine"])
