"""The `dense` engine: the autoencoder as written, every weight held in memory."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from configs.study import AutoencoderConfig, Engine
from models.arrays import Float32Array, Float64Array
from models.blocks import blocks
from models.device import one_thread
from models.engine import EpochLoss, TrainingHooks
from models.networks import MirroredAutoencoder
from models.presets import parameter_count
from models.training import TrainingData, train_network

ONE_THREAD_PARAMETERS = 100_000_000
"""Networks up to this size are trained on one thread each; above it a single fold can use all cores."""

_BLOCK = 8192
"""Features that are reconstructed or differentiated at once; bounds the memory, changes no result."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseAutoencoder:
    """A trained dense autoencoder; see `FittedAutoencoder` for what the methods return."""

    network: MirroredAutoencoder
    device: str
    engine: Engine = "dense"

    def inputs(self, scaled: Float32Array) -> Tensor:
        """Return the samples, shape=(n_samples, n_features)."""
        return to_rows(scaled, self.device)

    @torch.no_grad()
    def carried(self, rows: Tensor) -> Iterator[tuple[slice, Float32Array]]:
        """Yield blocks of `rows`, shape=(n, w1), times the first layer's weights."""
        weight = cast("Tensor", self.network.encoder[0].weight)
        for block in blocks(weight.shape[1], _BLOCK):
            yield block, (rows @ weight[:, block]).cpu().numpy()

    @torch.no_grad()
    def encode(self, scaled: Float32Array) -> Float32Array:
        """Map `scaled`, shape=(n_features, n_samples), to latents, shape=(n_samples, latent)."""
        return self.network.encode(self.inputs(scaled)).cpu().numpy()

    @torch.no_grad()
    def decode(self, latents: Float32Array) -> Float32Array:
        """Map latents, shape=(n_samples, latent), to reconstructed features, shape=(n_features, n_samples)."""
        hidden = self.network.last_hidden(torch.tensor(latents, dtype=torch.float32, device=self.device))
        values: Float32Array = self.network.reconstruct(hidden).cpu().numpy()
        return values

    @torch.no_grad()
    def squared_error(self, scaled: Float32Array) -> Float64Array:
        """Return the squared error of each feature summed over the samples, missing values left out."""
        hidden = self.network.last_hidden(self.network.encode(self.inputs(scaled)))
        errors = np.empty(len(scaled))
        for block in blocks(len(scaled), _BLOCK):
            guess = self.network.reconstruct(hidden, block)
            residual = scaled[block].astype(np.float64) - guess.cpu().numpy()
            errors[block] = np.nansum(np.square(residual), axis=1)
        return errors

    @torch.no_grad()
    def latent_gradient(self, scaled: Float32Array, latent_scale: Float64Array) -> Float64Array:
        """Return the root mean square of dz_k/dx_j / latent_scale_k over samples and latents."""
        rows, weight = jacobian(self.network, self.inputs(scaled), latent_scale)
        gradient: Float64Array = column_norms(rows, weight) / np.sqrt(len(rows))
        return gradient

    def state(self) -> dict[str, Tensor]:
        """Return the weights on the CPU."""
        return {name: value.detach().to("cpu") for name, value in self.network.state_dict().items()}


def jacobian(network: MirroredAutoencoder, values: Tensor, latent_scale: Float64Array) -> tuple[Tensor, Tensor]:
    """Return the derivative of the standardised latents by the inputs, as a product of two factors.

    Parameters
    ----------
    network : MirroredAutoencoder
        Network in evaluation mode.
    values : Tensor, shape=(n_samples, width)
        Where the derivative is taken.
    latent_scale : ndarray, shape=(latent,), dtype=float64
        Standard deviation of each latent; one with scale 0 counts as 0.

    Returns
    -------
    rows : Tensor, shape=(n_samples * latent, w1)
    weight : Tensor, shape=(w1, width)
        Weights of the first layer; row i * latent + k of ``rows @ weight`` is dz_k/dx at sample i, over its scale.
    """
    weights = [cast("Tensor", layer.weight) for layer in network.encoder]
    usable = np.isfinite(latent_scale) & (latent_scale > 0)
    inverse = np.divide(1.0, latent_scale, out=np.zeros(len(latent_scale)), where=usable)
    factor = torch.tensor(inverse, dtype=torch.float32, device=values.device)
    chain = (weights[-1] * factor[:, None]).expand(len(values), -1, -1)
    active = list(network.active_units(values))
    for mask, weight in zip(active[:0:-1], weights[-2:0:-1], strict=True):
        chain = (chain * mask[:, None, :]) @ weight
    return (chain * active[0][:, None, :]).flatten(0, 1), weights[0]


def column_norms(rows: Tensor, weight: Tensor) -> Float64Array:
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
    small = parameter_count(len(train), widths, config.latent) <= ONE_THREAD_PARAMETERS
    with one_thread() if small else nullcontext():
        generator = torch.Generator().manual_seed(seed)
        network = MirroredAutoencoder(
            (len(train), *widths, config.latent),
            dropout=config.dropout,
            input_dropout=config.input_dropout,
            generator=generator,
        )
        data = TrainingData(to_rows(np.concatenate([train, inner], axis=1), device), train.shape[1])
        trained = train_network(network, data, generator=generator, config=config, device=device, hooks=hooks)
    return DenseAutoencoder(trained.network, device), trained.history


def load_dense(tensors: dict[str, Tensor], device: str) -> DenseAutoencoder:
    """Rebuild a trained network from `DenseAutoencoder.state`; the widths follow from the shapes."""
    depth = sum(name.startswith("encoder.") and name.endswith(".weight") for name in tensors)
    weights = [tensors[f"encoder.{number}.weight"] for number in range(depth)]
    sizes = (weights[0].shape[1], *(len(weight) for weight in weights))
    network = MirroredAutoencoder(sizes, dropout=0.0, generator=torch.Generator())
    network.load_state_dict(tensors)
    return DenseAutoencoder(network.to(device).eval().requires_grad_(False), device)
