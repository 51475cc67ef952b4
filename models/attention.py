"""Two GATv2 layers over the samples and one linear head per label.

GATv2: Brody, Alon and Yahav 2022, "How attentive are graph attention networks?", https://arxiv.org/abs/2105.14491.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import elu

from models.networks import Dropout, linear

with warnings.catch_warnings():
    # PyTorch Geometric scripts some classes while it is imported, which PyTorch has deprecated.
    warnings.simplefilter("ignore")
    from torch_geometric.nn import GATv2Conv

    with torch.device("meta"):
        # The first layer of a process makes PyTorch Geometric generate code, which is not safe in parallel threads.
        GATv2Conv(1, 1)


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of the network: input features, attention heads, width of a head, classes of each label."""

    n_features: int
    heads: int
    hidden: int
    n_classes: tuple[int, ...]


def attention_layer(inputs: int, outputs: int, heads: int, generator: torch.Generator) -> nn.Module:
    r"""Make a GATv2 layer with a residual connection and weights from `generator` alone (Glorot uniform, biases 0).

    With x_i the features of node i, every node i listens to its sources j and to itself:
    e_ij = a . LeakyReLU_0.2(W_l x_j + W_r x_i), alpha_ij = softmax_j(e_ij),
    h_i = sum_j alpha_ij W_l x_j + b + W_s x_i. What a node is itself reaches the head by W_s, however much its
    neighbours are averaged.
    """
    with torch.device("meta"):  # parameters without values: the constructor would fill them from torch's global state
        layer = GATv2Conv(inputs, outputs, heads=heads, dropout=0.0, residual=True)
    layer = layer.to_empty(device="cpu")
    with torch.no_grad():
        for name, value in layer.named_parameters():
            if name.endswith("bias"):
                value.zero_()
            else:
                bound = math.sqrt(6 / (value.shape[-2] + value.shape[-1]))
                value.uniform_(-bound, bound, generator=generator)
    return cast("nn.Module", layer)


class SampleGraphNetwork(nn.Module):
    """GATv2, ELU, GATv2 (one head), ELU, then one linear head per label; dropout before each layer."""

    def __init__(self, shape: NetworkShape, *, dropout: float, generator: torch.Generator) -> None:
        super().__init__()
        wide = shape.heads * shape.hidden
        self.first = attention_layer(shape.n_features, shape.hidden, shape.heads, generator)
        self.second = attention_layer(wide, shape.hidden, 1, generator)
        self.heads = nn.ModuleList(linear(shape.hidden, classes, generator) for classes in shape.n_classes)
        self.dropout = Dropout(dropout, generator)

    def forward(self, features: Tensor, edges: Tensor) -> Sequence[Tensor]:
        """Return the logits of each label.

        Parameters
        ----------
        features : Tensor, shape=(n_nodes, n_features)
            Node features.
        edges : Tensor, shape=(2, n_edges), dtype=int64
            Sources and targets; every node listens to itself besides.

        Returns
        -------
        sequence of Tensor, shape=(n_nodes, n_classes of the label)
        """
        hidden = elu(self.first(self.dropout(features), edges))
        hidden = elu(self.second(self.dropout(hidden), edges))
        hidden = self.dropout(hidden)
        return [head(hidden) for head in self.heads]

    def attention(self, features: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """Return the edges of the first layer with self-loops, shape=(2, n), and their mean weight over the heads."""
        _, (listened, weights) = self.first(features, edges, return_attention_weights=True)
        return listened, weights.mean(dim=1)
