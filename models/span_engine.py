"""The `span` engine: the same autoencoder, its two widest layers trained in the span of the training samples.

With n samples and p >> n features, the gradient of the first layer's weights is a sum over samples of (error signal) x
(sample), and so lies in the span of the training samples; the same holds for the last layer's weights and bias under a
squared loss, as long as they start in the span. With Q (p x r, r <= n - 1 for centred samples) an orthonormal basis of
that span, the first layer is W1 = A Q^T, the last one V = Q B with bias Q d, and training A, B and d on the r
coordinates of the samples is training the p-wide network:

- It is the same class of functions on the training samples, and what it leaves out, weights orthogonal to all training
  samples, no training sample can tell anything about. A held-out sample x enters as Q^T x; its part outside the span
  counts as error that no weights can change.
- Plain gradient descent, with or without momentum, follows the same trajectory as in the wide network. So does
  decoupled weight decay, which shrinks every direction alike and leaves the off-span part at zero.
- Dropout of hidden units commutes with it, and the same masks give the same numbers. Dropout of inputs does not: it
  takes samples out of the span.
- Adam scales each weight by itself, which depends on the basis: its trajectory is another one, within the same class.

Coordinates are divided by their root mean square (`SpanBasis.unit`), so that the usual initial weights and step sizes
fit. Against the wide network that means a learning rate of lr / unit^2 for A and lr unit^2 for B and d.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor

from configs.study import AutoencoderConfig, Engine
from models.arrays import Float32Array, Float64Array
from models.basis import BLOCK, SpanBasis
from models.blocks import blocks
from models.dense_engine import column_norms, jacobian, load_dense, to_rows
from models.device import one_thread
from models.engine import EpochLoss, TrainingHooks
from models.networks import MirroredAutoencoder
from models.training import TrainingData, train_network


@dataclass(frozen=True, slots=True, eq=False)
class SpanAutoencoder:
    """A trained span autoencoder; see `FittedAutoencoder` for what the methods return.

    Attributes
    ----------
    network : MirroredAutoencoder
        The network on coordinates, r - w1 .. wk - latent - wk .. w1 - r.
    basis : SpanBasis
        From features to coordinates and back.
    device : str
        Torch device of the network.
    """

    network: MirroredAutoencoder
    basis: SpanBasis
    device: str
    engine: Engine = "span"

    def inputs(self, scaled: Float32Array) -> Tensor:
        """Return the coordinates of the samples, shape=(n_samples, rank)."""
        return to_rows(self.basis.coordinates(scaled), self.device)

    @torch.no_grad()
    def carried(self, rows: Tensor) -> Iterator[tuple[slice, Float32Array]]:
        """Yield blocks of `rows`, shape=(n, w1), times the first layer's weights A Q^T / unit."""
        weight = cast("Tensor", self.network.encoder[0].weight)
        narrow = ((rows @ weight) / self.basis.unit).cpu().numpy()
        for block in blocks(len(self.basis.vectors), BLOCK):
            part: Float32Array = narrow @ self.basis.vectors[block].T
            yield block, part

    @torch.no_grad()
    def encode(self, scaled: Float32Array) -> Float32Array:
        """Map `scaled`, shape=(n_features, n_samples), to latents, shape=(n_samples, latent)."""
        return self.network.encode(self.inputs(scaled)).cpu().numpy()

    @torch.no_grad()
    def decode(self, latents: Float32Array) -> Float32Array:
        """Map latents, shape=(n_samples, latent), to reconstructed features, shape=(n_features, n_samples)."""
        hidden = self.network.last_hidden(torch.tensor(latents, dtype=torch.float32, device=self.device))
        guess = self.network.reconstruct(hidden).cpu().numpy() * np.float32(self.basis.unit)
        values: Float32Array = self.basis.vectors @ guess
        return values

    @torch.no_grad()
    def squared_error(self, scaled: Float32Array) -> Float64Array:
        """Return the squared error of each feature summed over the samples, missing values left out."""
        guess = self.network(self.inputs(scaled)).cpu().numpy() * self.basis.unit
        errors = np.empty(len(scaled))
        for block in blocks(len(scaled), BLOCK):
            residual = scaled[block].astype(np.float64) - self.basis.vectors[block] @ guess
            errors[block] = np.nansum(np.square(residual), axis=1)
        return errors

    @torch.no_grad()
    def latent_gradient(self, scaled: Float32Array, latent_scale: Float64Array) -> Float64Array:
        """Return the root mean square of dz_k/dx_j / latent_scale_k over samples and latents."""
        rows, weight = jacobian(self.network, self.inputs(scaled), latent_scale)
        axes = torch.from_numpy(self.basis.vectors).T
        norms: Float64Array = column_norms((rows @ weight).cpu(), axes) / (self.basis.unit * np.sqrt(len(rows)))
        return norms

    def state(self) -> dict[str, Tensor]:
        """Return the weights on the CPU, and the basis."""
        weights = {f"network.{name}": value.detach().to("cpu") for name, value in self.network.state_dict().items()}
        unit = torch.tensor(self.basis.unit, dtype=torch.float64)
        return {**weights, "basis.vectors": torch.from_numpy(self.basis.vectors), "basis.unit": unit}


def train_span(
    data: TrainingData,
    basis: SpanBasis,
    *,
    widths: Sequence[int],
    config: AutoencoderConfig,
    seed: int,
    device: str,
    hooks: TrainingHooks,
) -> tuple[SpanAutoencoder, tuple[EpochLoss, ...]]:
    """Train on `data`, the coordinates in `basis` that `span_data` gives; see `models.autoencoder.train_autoencoder`.

    The losses are those of the features, so they compare with the losses of the dense engine.
    """
    with one_thread():
        generator = torch.Generator().manual_seed(seed)
        sizes = (basis.rank, *widths, config.latent)
        network = MirroredAutoencoder(sizes, dropout=config.dropout, generator=generator)
        trained = train_network(network, data, generator=generator, config=config, device=device, hooks=hooks)
    return SpanAutoencoder(trained.network, basis, device), trained.history


def span_data(train: Float32Array, inner: Float32Array, basis: SpanBasis, device: str) -> TrainingData:
    """Return the coordinates of the samples, with what turns their squared error into that of the features."""
    coordinates = [basis.coordinates(part) for part in (train, inner)]
    rest = _square_sum(inner) - _square_sum(coordinates[1]) * basis.unit**2
    return TrainingData(
        to_rows(np.concatenate(coordinates, axis=1), device),
        train.shape[1],
        factor=basis.unit**2 * basis.rank / len(train),
        inner_rest=max(rest, 0.0) / max(inner.size, 1),
    )


def _square_sum(values: Float32Array) -> float:
    return float(np.einsum("ij,ij->", values, values, dtype=np.float64))


def load_span(tensors: dict[str, Tensor], device: str) -> SpanAutoencoder:
    """Rebuild a trained network from `SpanAutoencoder.state`."""
    prefix = "network."
    weights = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
    basis = SpanBasis(tensors["basis.vectors"].numpy(), tensors["basis.unit"].item())
    return SpanAutoencoder(load_dense(weights, device).network, basis, device)
