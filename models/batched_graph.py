"""Many graph networks at once on the same samples, each with labels of its own: what permuted labels need.

The networks are those of `models.attention.SampleGraphNetwork`, and they are trained as `models.graph.train_graph`
trains one: their weights are stacked, so that every product serves all of them. Without dropout both roads give the
same numbers; with it, the masks differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import elu, leaky_relu

from configs.study import GraphConfig
from models.arrays import Float32Array, IntArray
from models.attention import NetworkShape, SampleGraphNetwork
from models.device import one_thread
from models.graph import TIE, TOLERANCE, GraphData, class_weights, neighbour_edges
from models.scaling import standardise

_SLOPE = 0.2
"""Negative slope of the leaky ReLU inside GATv2."""
_TOGETHER = 50
"""Networks that are trained at once; bounds the memory, and decides which dropout masks a network gets."""


def predict_held_out(
    data: GraphData, codes: Sequence[IntArray], *, config: GraphConfig, seed: int, device: str
) -> list[IntArray]:
    """Train one network for each row of codes, and predict the held-out samples.

    Parameters
    ----------
    data : GraphData
        Samples and their roles; of its labels only the classes are read.
    codes : sequence of ndarray, shape=(n_networks, n), dtype=int64
        For each label the class of each sample by network, -1 where missing.
    config : GraphConfig
        Neighbours, heads, widths, dropout, step size, epochs, patience.
    seed : int
        Seed of initial weights and dropout masks.
    device : str
        Torch device.

    Returns
    -------
    list of ndarray, shape=(n_networks, n_held_out), dtype=int64
        Predicted class by label.
    """
    n_networks = len(codes[0]) if codes else 0
    parts = []
    with one_thread():
        features = standardise(data.features, data.train)
        everyone = _view(features, np.ones(len(features), dtype=bool), data.train, config.neighbours, device)
        held_out = torch.tensor(np.flatnonzero(data.held_out), device=device)
        for start in range(0, n_networks, _TOGETHER):
            some = [code[start : start + _TOGETHER] for code in codes]
            networks = train_batch(data, some, config=config, seed=seed + start, device=device)
            with torch.no_grad():
                logits = networks.logits(everyone)
            parts.append([output[:, held_out].argmax(dim=2).cpu().numpy() for output in logits])
    return [np.concatenate([part[label] for part in parts]) for label in range(len(codes))]


def train_batch(
    data: GraphData, codes: Sequence[IntArray], *, config: GraphConfig, seed: int, device: str
) -> "BatchedGraphNetworks":
    """Train the networks of some rows of codes, all at once; see `predict_held_out`."""
    generator = torch.Generator().manual_seed(seed)
    features = standardise(data.features, data.train)
    n_classes = tuple(len(data.classes[label]) for label in data.labels)
    shape = NetworkShape(features.shape[1], config.heads, config.hidden, n_classes)
    networks = BatchedGraphNetworks.made(shape, len(codes[0]), config.dropout, generator, device)
    judge = _Judge(data, codes, device)
    seen = data.train | data.inner
    train, inner = (_view(features, chosen, data.train, config.neighbours, device) for chosen in (data.train, seen))
    optimiser = torch.optim.Adam(
        networks.weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    watch = _Watch(networks, config.patience)
    everyone = np.ones(len(features), dtype=bool)
    for _ in range(config.max_epochs):
        losses = judge.losses(networks.logits(train, training=True), train.nodes, everyone)
        optimiser.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        with torch.no_grad():
            watched = judge.watched(networks.logits(inner), inner.nodes, data, losses.detach())
        if watch.finished_after(watched):
            break
    watch.restore()
    return networks


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Some of the samples: their numbers, features (n, d), and whom each listens to, itself first (n, 1 + k)."""

    nodes: IntArray
    features: Tensor
    sources: Tensor


def _view(features: Float32Array, chosen: np.ndarray, train: np.ndarray, neighbours: int, device: str) -> _View:
    part = features[chosen]
    n_nodes = len(part)
    edges = neighbour_edges(part, train[chosen], neighbours)
    listened = edges[0].reshape(n_nodes, -1)  # every node has equally many sources, target by target
    sources = np.concatenate([np.arange(n_nodes)[:, None], listened], axis=1)
    return _View(
        np.flatnonzero(chosen).astype(np.int64),
        torch.tensor(part, device=device),
        torch.tensor(sources, device=device),
    )


class BatchedGraphNetworks:
    """Networks whose weights are stacked along the first axis."""

    def __init__(
        self, weights: dict[str, Tensor], shape: NetworkShape, dropout: float, generator: torch.Generator
    ) -> None:
        self.weights, self.shape, self.dropout, self.generator = weights, shape, dropout, generator

    @classmethod
    def made(
        cls, shape: NetworkShape, count: int, dropout: float, generator: torch.Generator, device: str
    ) -> "BatchedGraphNetworks":
        """Make `count` networks with initial weights from `generator`."""
        states = [SampleGraphNetwork(shape, dropout=dropout, generator=generator).state_dict() for _ in range(count)]
        weights = {
            name: torch.stack([state[name] for state in states]).to(device).requires_grad_(True) for name in states[0]
        }
        return cls(weights, shape, dropout, generator)

    def logits(self, view: _View, *, training: bool = False) -> list[Tensor]:
        """Return the logits of each label, shape=(n_networks, n_nodes, n_classes)."""
        heads, hidden = self.shape.heads, self.shape.hidden
        values = view.features.expand(len(self.weights["first.bias"]), -1, -1)
        values = elu(self._attend("first", self._drop(values, training), view.sources, heads, hidden))
        values = elu(self._attend("second", self._drop(values, training), view.sources, 1, hidden))
        values = self._drop(values, training)
        return [self._linear(f"heads.{number}", values) for number in range(len(self.shape.n_classes))]

    def _linear(self, name: str, values: Tensor) -> Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return torch.baddbmm(bias[:, None, :], values, weight.transpose(1, 2))

    def _attend(self, name: str, values: Tensor, sources: Tensor, heads: int, hidden: int) -> Tensor:
        """Return GATv2's output, shape=(n_networks, n_nodes, heads * hidden); see `models.attention`."""
        n_networks, n_nodes = values.shape[:2]
        said = self._linear(f"{name}.lin_l", values).view(n_networks, n_nodes, heads, hidden)[:, sources]
        asked = self._linear(f"{name}.lin_r", values).view(n_networks, n_nodes, 1, heads, hidden)
        score = (leaky_relu(said + asked, _SLOPE) * self.weights[f"{name}.att"][:, :, None]).sum(dim=-1)
        heard: Tensor = (torch.softmax(score, dim=2)[..., None] * said).sum(dim=2)
        itself = torch.bmm(values, self.weights[f"{name}.res.weight"].transpose(1, 2))
        return heard.flatten(2) + itself + self.weights[f"{name}.bias"][:, None, :]

    def _drop(self, values: Tensor, training: bool) -> Tensor:  # noqa: FBT001 - as torch has it
        if not training or not self.dropout:
            return values
        kept = torch.rand(values.shape, generator=self.generator) >= self.dropout
        return values * (kept.to(values) / (1 - self.dropout))


class _Judge:
    """Class-weighted cross-entropy of each network, summed over labels."""

    def __init__(self, data: GraphData, codes: Sequence[IntArray], device: str) -> None:
        self._codes = [torch.tensor(code, device=device) for code in codes]
        self._weights = [
            torch.tensor(
                np.stack([class_weights(row[data.train], len(data.classes[label])) for row in code]), device=device
            )
            for code, label in zip(codes, data.labels, strict=True)
        ]

    def losses(self, logits: Sequence[Tensor], nodes: IntArray, counted: np.ndarray) -> Tensor:
        """Return the loss of each network over those of `nodes` that are `counted`."""
        return self._weighted(logits, nodes, counted, _surprise)[0]

    def watched(self, logits: Sequence[Tensor], nodes: IntArray, data: GraphData, losses: Tensor) -> Tensor:
        """Return what early stopping looks at; see `models.graph.TIE`. It is `losses` without any inner label."""
        error, known = self._weighted(logits, nodes, data.inner, _wrong)
        return torch.where(known, error + TIE * self.losses(logits, nodes, data.train), losses)

    def _weighted(
        self,
        logits: Sequence[Tensor],
        nodes: IntArray,
        counted: np.ndarray,
        cost: Callable[[Tensor, Tensor], Tensor],
    ) -> tuple[Tensor, Tensor]:
        """Return class-weighted mean costs of the `counted` nodes, summed over labels, and whether any has a label."""
        rows = torch.tensor(np.flatnonzero(counted[nodes]), device=logits[0].device)
        numbers = torch.tensor(nodes, device=logits[0].device)[rows]
        total = torch.zeros(len(logits[0]), device=logits[0].device)
        known = torch.zeros(len(total), dtype=torch.bool, device=logits[0].device)
        for output, codes, weights in zip(logits, self._codes, self._weights, strict=True):
            truth = codes[:, numbers]
            place = truth.clamp(min=0)
            weight = weights.gather(1, place) * (truth >= 0)
            mass = weight.sum(dim=1)
            known |= mass > 0
            total = total + (weight * cost(output[:, rows], place)).sum(dim=1) / torch.where(mass > 0, mass, 1.0)
        return total, known


def _surprise(logits: Tensor, truth: Tensor) -> Tensor:
    """Return the cross-entropy of each sample, shape=(n_networks, n_samples)."""
    return -torch.log_softmax(logits, dim=2).gather(2, truth[..., None])[..., 0]


def _wrong(logits: Tensor, truth: Tensor) -> Tensor:
    """Return 1 for each sample whose class is missed, shape=(n_networks, n_samples)."""
    return (logits.argmax(dim=2) != truth).to(logits)


class _Watch:
    """Keeps the best weights of each network, and knows when all have stopped improving."""

    def __init__(self, networks: BatchedGraphNetworks, patience: int) -> None:
        self._networks, self._patience = networks, patience
        self._best = {name: value.detach().clone() for name, value in networks.weights.items()}
        n_networks = len(next(iter(self._best.values())))
        self._loss = torch.full((n_networks,), torch.inf, device=next(iter(self._best.values())).device)
        self._stale = torch.zeros_like(self._loss)

    @torch.no_grad()
    def finished_after(self, losses: Tensor) -> bool:
        """Take the losses of one more epoch; a network that has stopped stays as its best epoch left it."""
        active = self._stale < self._patience
        better, renewed = active & (losses < self._loss), active & (losses < self._loss - TOLERANCE)
        self._loss = torch.where(better, losses, self._loss)
        self._stale = torch.where(renewed, 0.0, self._stale + 1)
        for name, value in self._networks.weights.items():
            self._best[name][better] = value.detach()[better]
        return bool((self._stale >= self._patience).all())

    @torch.no_grad()
    def restore(self) -> None:
        """Give every network its best weights."""
        for name, value in self._networks.weights.items():
            value.copy_(self._best[name])
