"""The `dense` engine: the autoencoder as written, every weight held in memory."""

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from configs.study import AutoencoderConfig
from models.device import one_thread
from models.engine import EpochLoss, Float32Array, Float64Array, Progress, TrainingHooks, TrainingState
from models.networks import MirroredAutoencoder
from models.presets import parameter_count

_ONE_THREAD_PARAMETERS = 100_000_000
"""Networks up to this size are trained on one thread each; above it a single fold can use all cores."""

_BLOCK = 8192
"""Features that are reconstructed or differentiated at once; bounds the memory, changes no result."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseAutoencoder:
    """A trained dense autoencoder; see `FittedAutoencoder` for what the methods return."""

    network: MirroredAutoencoder
    device: str
    engine: str = "dense"

    @torch.no_grad()
    def encode(self, scaled: Float32Array) -> Float32Array:
        """Map `scaled`, shape=(n_features, n_samples), to latents, shape=(n_samples, latent)."""
        return self.network.encode(to_rows(scaled, self.device)).cpu().numpy()

    @torch.no_grad()
    def squared_error(self, scaled: Float32Array) -> Float64Array:
        """Return the squared error of each feature summed over the samples, missing values left out."""
        hidden = self.network.last_hidden(self.network.encode(to_rows(scaled, self.device)))
        errors = np.empty(len(scaled))
        for start in range(0, len(scaled), _BLOCK):
            block = slice(start, start + _BLOCK)
            guess = self.network.reconstruct(hidden, block)
            residual = scaled[block].astype(np.float64) - guess.cpu().numpy()
            errors[block] = np.nansum(np.square(residual), axis=1)
        return errors

    @torch.no_grad()
    def latent_gradient(self, scaled: Float32Array, latent_scale: Float64Array) -> Float64Array:
        """Return the root mean square of dz_k/dx_j / latent_scale_k over samples and latents."""
        values = to_rows(scaled, self.device)
        weights = [cast("Tensor", layer.weight) for layer in self.network.encoder]
        usable = np.isfinite(latent_scale) & (latent_scale > 0)
        inverse = np.divide(1.0, latent_scale, out=np.zeros(len(latent_scale)), where=usable)
        factor = torch.tensor(inverse, dtype=torch.float32, device=self.device)
        chain = (weights[-1] * factor[:, None]).expand(len(values), -1, -1)
        active = list(self.network.active_units(values))
        for mask, weight in zip(active[:0:-1], weights[-2:0:-1], strict=True):
            chain = (chain * mask[:, None, :]) @ weight
        rows = (chain * active[0][:, None, :]).flatten(0, 1)
        gradient: Float64Array = _column_norms(rows, weights[0]) / np.sqrt(len(rows))
        return gradient

    def state(self) -> dict[str, Tensor]:
        """Return the weights on the CPU."""
        return {name: value.detach().to("cpu") for name, value in self.network.state_dict().items()}


def _column_norms(rows: Tensor, weight: Tensor) -> Float64Array:
    """Return the Euclidean norm of each column of rows @ weight, in blocks of columns."""
    if len(rows) > rows.shape[1]:
        rows = torch.linalg.qr(rows, mode="r").R  # |rows w| = |R w|, and R has fewer rows
    norms = np.empty(weight.shape[1])
    for start in range(0, len(norms), _BLOCK):
        product = (rows @ weight[:, start : start + _BLOCK]).cpu().numpy().astype(np.float64)
        norms[start : start + _BLOCK] = np.sqrt(np.square(product).sum(axis=0))
    return norms


def to_rows(scaled: Float32Array, device: str) -> Tensor:
    """Copy features x samples into a samples x features tensor; missing values become 0.

    The copy lies in memory that torch aligned, so that results do not depend on where the array happened to lie.
    """
    return torch.tensor(np.nan_to_num(scaled.T, nan=0.0), dtype=torch.float32, device=device).contiguous()


class _Samples:
    """Training and inner samples on the device: as rows for the encoder, as columns to compare the output with."""

    def __init__(self, train: Float32Array, inner: Float32Array, device: str) -> None:
        self.n_train = train.shape[1]
        self.rows = to_rows(np.concatenate([train, inner], axis=1), device)
        self.train = self.rows[: self.n_train].T.contiguous()
        self.inner = self.rows[self.n_train :].T.contiguous()


class _Training:
    """One training under way."""

    def __init__(self, sizes: Sequence[int], config: AutoencoderConfig, seed: int, device: str) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        network = MirroredAutoencoder(sizes, dropout=config.dropout, generator=self.generator)
        self.network = network.to(device).train()
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.best = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        self.progress = Progress()
        self.history: tuple[EpochLoss, ...] = ()

    def step(self, samples: _Samples) -> EpochLoss:
        """Judge the weights, keep them if they are the best so far, and make one step over all training samples.

        The inner samples pass through the network together with the training ones, but without dropout: reading the
        wide layers from memory is what takes the time, and so it is done once.
        """
        guess = self.network(samples.rows, samples.n_train)
        loss = mse_loss(guess[:, : samples.n_train], samples.train)
        with torch.no_grad():
            inner_loss = mse_loss(guess[:, samples.n_train :], samples.inner).item() if samples.inner.numel() else None
        losses = EpochLoss(self.progress.epoch + 1, loss.item(), inner_loss)
        self.progress = self.progress.after(losses)
        self.history = (*self.history, losses)
        if self.progress.improved:
            self._keep_best()
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return losses

    @torch.no_grad()
    def _keep_best(self) -> None:
        for name, value in self.network.named_parameters():
            self.best[name].copy_(value)

    def snapshot(self) -> TrainingState:
        """Return a copy of everything that the training needs to go on."""
        tensors = {"generator": self.generator.get_state()}
        for name, value in self.network.named_parameters():
            tensors[f"weights.{name}"] = value
            tensors[f"best.{name}"] = self.best[name]
            for moment, moments in self.optimiser.state[value].items():
                tensors[f"adam.{moment}.{name}"] = moments
        copies = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
        done = self.progress
        return TrainingState(done.epoch, done.best_epoch, done.best_loss, done.stale, copies, self.history)

    @torch.no_grad()
    def restore(self, state: TrainingState) -> None:
        """Go back to `state`."""
        self.generator.set_state(state.tensors["generator"])
        for name, value in self.network.named_parameters():
            value.copy_(state.tensors[f"weights.{name}"])
            self.best[name].copy_(state.tensors[f"best.{name}"])
            self.optimiser.state[value] = {
                moment: state.tensors[f"adam.{moment}.{name}"].to(value.device, copy=True)
                for moment in ("step", "exp_avg", "exp_avg_sq")
            }
        self.progress = Progress(state.epoch, state.best_epoch, state.best_loss, state.stale)
        self.history = state.history

    def finish(self, device: str) -> DenseAutoencoder:
        """Return the network with its best weights; the training ends here."""
        self.optimiser.zero_grad()
        with torch.no_grad():
            for name, value in self.network.named_parameters():
                value.copy_(self.best[name])
        return DenseAutoencoder(self.network.eval().requires_grad_(False), device)


def train_dense(
    train: Float32Array,
    inner: Float32Array,
    *,
    widths: Sequence[int],
    config: AutoencoderConfig,
    seed: int,
    device: str,
    hooks: TrainingHooks,
) -> tuple[DenseAutoencoder, tuple[EpochLoss, ...]]:
    """Train with AdamW on the whole training part at once; see `models.autoencoder.train_autoencoder`."""
    small = parameter_count(len(train), widths, config.latent) <= _ONE_THREAD_PARAMETERS
    with one_thread() if small else nullcontext():
        training = _Training((len(train), *widths, config.latent), config, seed, device)
        _run(training, _Samples(train, inner, device), config, hooks)
        return training.finish(device), training.history


def _run(training: _Training, samples: _Samples, config: AutoencoderConfig, hooks: TrainingHooks) -> None:
    if hooks.resume is not None:
        training.restore(hooks.resume)
    last_checkpoint = time.monotonic()
    while training.progress.epoch < config.max_epochs and training.progress.stale < config.patience:
        losses = training.step(samples)
        if hooks.on_epoch is not None:
            hooks.on_epoch(losses)
        if hooks.on_checkpoint is not None and time.monotonic() - last_checkpoint >= config.checkpoint_seconds:
            hooks.on_checkpoint(training.snapshot())
            last_checkpoint = time.monotonic()


def load_dense(tensors: dict[str, Tensor], device: str) -> DenseAutoencoder:
    """Rebuild a trained network from `DenseAutoencoder.state`; the widths follow from the shapes."""
    depth = sum(name.startswith("encoder.") and name.endswith(".weight") for name in tensors)
    weights = [tensors[f"encoder.{number}.weight"] for number in range(depth)]
    sizes = (weights[0].shape[1], *(len(weight) for weight in weights))
    network = MirroredAutoencoder(sizes, dropout=0.0, generator=torch.Generator())
    network.load_state_dict(tensors)
    return DenseAutoencoder(network.to(device).eval().requires_grad_(False), device)
