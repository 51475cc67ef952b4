"""The mirrored autoencoder network; all its randomness comes from a generator that it is given."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


class Dropout(nn.Module):
    """Dropout that draws from its own generator, so that trainings in parallel threads do not disturb each other.

    The generator lives on the CPU: the masks are the same on every device.
    """

    def __init__(self, share: float, generator: torch.Generator) -> None:
        super().__init__()
        self.share = share
        self.generator = generator

    def forward(self, values: Tensor, n_rows: int | None = None) -> Tensor:
        """Set a share of the first `n_rows` rows to 0 and scale the rest of them by 1 / (1 - share), while training."""
        if not self.training or self.share == 0:
            return values
        factor = torch.ones(values.shape)
        noisy = factor[:n_rows]
        torch.ge(torch.rand(noisy.shape, generator=self.generator), self.share, out=noisy)
        noisy.div_(1 - self.share)
        return values * factor.to(values.device)


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Make a linear layer with weights and biases from U(-b, b), b = 1 / sqrt(inputs), as PyTorch does."""
    layer = cast("nn.Linear", skip_init(nn.Linear, inputs, outputs))  # type: ignore[no-untyped-call]
    bound = 1 / math.sqrt(inputs)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer


class MirroredAutoencoder(nn.Module):
    """d - w1 .. wk - latent - wk .. w1 - d, ReLU and dropout after hidden layers, linear latent and output.

    Parameters
    ----------
    sizes : sequence of int
        (d, w1, ..., wk, latent).
    dropout, input_dropout : float
        Share of hidden units, and of inputs, dropped while training.
    generator : torch.Generator
        CPU generator of the initial weights and of the dropout masks.
    """

    def __init__(
        self, sizes: Sequence[int], *, dropout: float, generator: torch.Generator, input_dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(linear(*pair, generator) for pair in pairwise(sizes))
        self.decoder = nn.ModuleList(linear(*pair, generator) for pair in pairwise(tuple(sizes)[::-1]))
        self.dropout = Dropout(dropout, generator)
        self.input_dropout = Dropout(input_dropout, generator)

    def forward(self, values: Tensor, n_noisy: int | None = None) -> Tensor:
        """Reconstruct `values`, shape=(n_samples, d), as a tensor of shape=(d, n_samples).

        Features lie down in the output because that product is the faster one for few samples and many features. While
        training, dropout acts on the first `n_noisy` samples only.
        """
        latents = self.encode(values, n_noisy)
        return self.reconstruct(self.last_hidden(latents, n_noisy))

    def encode(self, values: Tensor, n_noisy: int | None = None) -> Tensor:
        """Map `values`, shape=(n_samples, d), to latents, shape=(n_samples, latent)."""
        values = self.input_dropout(values, n_noisy)
        latents: Tensor = self.encoder[-1](self._hidden(values, self.encoder, n_noisy))
        return latents

    def latents_of_sums(self, sums: Tensor) -> Tensor:
        """Map the sums of the first encoder layer, before its rectifier, shape=(n, w1), to latents, without dropout."""
        values = sums
        for layer in list(self.encoder)[1:]:
            values = layer(torch.relu(values))
        return values

    def last_hidden(self, latents: Tensor, n_noisy: int | None = None) -> Tensor:
        """Map latents to the activations before the output layer, shape=(n_samples, w1)."""
        return self._hidden(latents, self.decoder, n_noisy)

    def reconstruct(self, hidden: Tensor, block: slice | None = None) -> Tensor:
        """Map the last activations to all features or a block of them, shape=(n_features, n_samples)."""
        output = cast("nn.Linear", self.decoder[-1])
        weight: Tensor = output.weight
        bias: Tensor = output.bias
        if block is not None:  # the derivative of a slice is as large as the whole, so training must not take one
            weight, bias = weight[block], bias[block]
        return torch.addmm(bias[:, None], weight, hidden.T)

    def active_units(self, values: Tensor) -> Iterator[Tensor]:
        """Yield, for each hidden layer of the encoder, which units are above zero, shape=(n_samples, width)."""
        for layer in list(self.encoder)[:-1]:
            values = torch.relu(layer(values))
            yield values > 0

    def _hidden(self, values: Tensor, layers: nn.ModuleList, n_noisy: int | None) -> Tensor:
        for layer in list(layers)[:-1]:
            values = self.dropout(torch.relu(layer(values)), n_noisy)
        return values
