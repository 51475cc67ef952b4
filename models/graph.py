"""Graph attention over the samples: training, held-out prediction, and what each latent dimension is worth.

Held-out and early-stopping samples listen to training samples and nobody listens to them, so that no value of a
training sample depends on them.
"""

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor
from torch.nn.functional import cross_entropy

from configs.study import GraphConfig
from models.arrays import BoolArray, Float32Array, Float64Array, IntArray
from models.attention import NetworkShape, SampleGraphNetwork
from models.device import one_thread
from models.engine import EpochLoss, Progress
from models.scaling import standardise

_log = logging.getLogger("cairn.graph")

TIE = 1e-4
"""Weight of the training loss beside the share of wrong inner samples: it decides between equal shares alone."""
TOLERANCE = 10 * TIE
"""What the training loss alone can change of that sum; such improvements do not renew patience."""


@dataclass(frozen=True, slots=True, eq=False)
class GraphData:
    """Samples of one fold.

    Attributes
    ----------
    features : ndarray, shape=(n, d), dtype=float32
        Latents of all layers side by side, without missing values.
    principal : ndarray, shape=(n, c), dtype=float32
        Principal component scores of the layers side by side; only plain classifiers see them.
    train, inner, held_out : ndarray, shape=(n,), dtype=bool
        Role of each sample.
    labels : dict of str to ndarray, shape=(n,), dtype=int64
        Class of each sample, -1 where the label is missing.
    classes : dict of str to tuple of str
        Class names of each label.
    """

    features: Float32Array
    principal: Float32Array
    train: BoolArray
    inner: BoolArray
    held_out: BoolArray
    labels: dict[str, IntArray]
    classes: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """How much `target` listened to `source` (node numbers, self included), mean over heads of the first layer.

    All arrays have shape=(n_edges,); the weights of one target add up to 1.
    """

    source: IntArray
    target: IntArray
    weight: Float64Array


@dataclass(frozen=True, slots=True, eq=False)
class GraphResult:
    """What a graph training gives.

    Attributes
    ----------
    probabilities : dict of str to ndarray, shape=(n, n_classes), dtype=float64
        Class probabilities of every sample; only those of held-out samples say anything about the latents.
    attention : Attention
        Node attention.
    history : tuple of EpochLoss
        Cross-entropy of the training samples summed over the labels; as inner loss what early stopping looks at, the
        class-weighted share of inner samples that are wrong, summed over the labels (see `TIE`).
    latent_importance : ndarray, shape=(d,), dtype=float64
        Increase of the held-out loss when the held-out samples lose that latent dimension; at least 0, and all 0
        when no held-out sample has a label.
    tensors : dict of str to Tensor
        Weights.
    """

    probabilities: dict[str, Float64Array]
    attention: Attention
    history: tuple[EpochLoss, ...]
    latent_importance: Float64Array
    tensors: dict[str, Tensor]


def neighbour_edges(features: Float32Array, train: BoolArray, neighbours: int) -> IntArray:
    """Connect every sample to its nearest training samples.

    Parameters
    ----------
    features : ndarray, shape=(n, d), dtype=float32
        Standardised latents; distances are Euclidean, and equal ones go to the sample that comes first.
    train : ndarray, shape=(n,), dtype=bool
        Training samples; only they are listened to.
    neighbours : int
        Neighbours of each sample besides itself, at most n_train - 1.

    Returns
    -------
    ndarray, shape=(2, n_edges), dtype=int64
        Sources and targets.
    """
    sources = np.flatnonzero(train)
    distance = cdist(features, features[sources], "sqeuclidean")
    distance[sources, np.arange(len(sources))] = np.inf
    count = min(neighbours, len(sources) - 1)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
    targets = np.repeat(np.arange(len(features)), count)
    return np.stack([sources[nearest].ravel(), targets]).astype(np.int64)


def train_graph(
    data: GraphData,
    *,
    config: GraphConfig,
    seed: int,
    device: str,
    on_epoch: Callable[[EpochLoss], None] | None = None,
) -> GraphResult:
    """Train a two-layer GATv2 to predict all labels at once, and predict every sample.

    The loss is the cross-entropy, summed over labels, with classes weighted by the inverse of their frequency in
    training; samples without a label and classes absent from training count nothing. Adam makes one step an epoch
    until no fewer inner samples have been wrong for `config.patience` epochs; the best weights are kept, and among
    equal ones those that fit the training samples best. The cross-entropy of a handful of inner samples would not do:
    it is ruled by how sure the network is where it errs, and was lowest in the second epoch or so. The same seed gives
    the same bits on the CPU; on CUDA, sums over edges have no fixed order.

    Parameters
    ----------
    data : GraphData
        Samples, their roles and labels.
    config : GraphConfig
        Neighbours, heads, widths, dropout, step size, epochs, patience.
    seed : int
        Seed of initial weights and dropout masks.
    device : str
        Torch device.
    on_epoch : callable, optional
        Called with the losses of each epoch.

    Returns
    -------
    GraphResult
        Predictions, attention and importance of the latent dimensions.

    Raises
    ------
    TrainingError
        If a loss is infinite or not a number.
    """
    with one_thread():
        generator = torch.Generator().manual_seed(seed)
        n_classes = tuple(len(data.classes[label]) for label in data.labels)
        shape = NetworkShape(data.features.shape[1], config.heads, config.hidden, n_classes)
        network = SampleGraphNetwork(shape, dropout=config.dropout, generator=generator).to(device)
        judge = _Judge(data, device)
        features = standardise(data.features, data.train)
        history = _fit(network, _Views(data, features, config.neighbours, device), judge, config, on_epoch)
        network.eval()
        everyone = _view(features, np.ones(len(features), dtype=bool), data.train, config.neighbours, device)
        return GraphResult(
            probabilities=_probabilities(network, everyone, tuple(data.labels)),
            attention=_attention(network, everyone),
            history=history,
            latent_importance=_latent_importance(network, data, features, config.neighbours, judge),
            tensors={name: value.detach().to("cpu") for name, value in network.state_dict().items()},
        )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Some of the samples as a graph: numbers of the nodes, their features, their edges."""

    nodes: IntArray
    features: Tensor
    edges: Tensor


def _view(features: Float32Array, chosen: BoolArray, train: BoolArray, neighbours: int, device: str) -> _View:
    part = features[chosen]
    edges = neighbour_edges(part, train[chosen], neighbours)
    return _View(
        np.flatnonzero(chosen).astype(np.int64),
        torch.tensor(part, device=device),
        torch.tensor(edges, device=device),
    )


class _Views:
    """What training sees: the training samples, and these with the inner ones; held-out samples are in neither."""

    def __init__(self, data: GraphData, features: Float32Array, neighbours: int, device: str) -> None:
        self.train = _view(features, data.train, data.train, neighbours, device)
        self.inner = _view(features, data.train | data.inner, data.train, neighbours, device)
        self.data = data


class _Judge:
    """Loss over chosen samples: class-weighted cross-entropy, summed over labels."""

    def __init__(self, data: GraphData, device: str) -> None:
        self.codes = [torch.tensor(codes, device=device) for codes in data.labels.values()]
        self.weights = [
            torch.tensor(class_weights(codes[data.train], len(data.classes[label])), device=device)
            for label, codes in data.labels.items()
        ]

    def watched(self, logits: Sequence[Tensor], nodes: IntArray, data: GraphData) -> float | None:
        """Return what early stopping looks at; None if no inner sample has a label that training knows."""
        rows = torch.tensor(np.flatnonzero(data.inner[nodes]))
        numbers = torch.tensor(nodes)[rows]
        errors = []
        for output, codes, weights in zip(logits, self.codes, self.weights, strict=True):
            truth = codes[numbers]
            weight = weights[truth.clamp(min=0)] * (truth >= 0)
            if weight.sum() > 0:
                errors.append(((output[rows].argmax(dim=1) != truth) * weight).sum() / weight.sum())
        fit = self.loss(logits, nodes, data.train)
        return None if not errors or fit is None else (torch.stack(errors).sum() + TIE * fit).item()

    def loss(self, logits: Sequence[Tensor], nodes: IntArray, counted: BoolArray) -> Tensor | None:
        """Return the loss of `logits` over those of `nodes` that are `counted`; None if none of them has a label."""
        rows = torch.tensor(np.flatnonzero(counted[nodes]))
        numbers = torch.tensor(nodes)[rows]
        losses = []
        for output, codes, weights in zip(logits, self.codes, self.weights, strict=True):
            truth = codes[numbers]
            if (weights[truth.clamp(min=0)] * (truth >= 0)).sum() > 0:
                losses.append(cross_entropy(output[rows], truth, weight=weights, ignore_index=-1))
        return torch.stack(losses).sum() if losses else None


def class_weights(codes: IntArray, n_classes: int) -> Float32Array:
    """Return n / (present classes * count) for each class among `codes` >= 0, and 0 for an absent one."""
    counts = np.bincount(codes[codes >= 0], minlength=n_classes)
    present = counts > 0
    weights = np.zeros(n_classes, dtype=np.float32)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def _fit(
    network: SampleGraphNetwork,
    views: _Views,
    judge: _Judge,
    config: GraphConfig,
    on_epoch: Callable[[EpochLoss], None] | None,
) -> tuple[EpochLoss, ...]:
    optimiser = torch.optim.Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    progress, history = Progress(), list[EpochLoss]()
    best = copy.deepcopy(network.state_dict())
    everyone = np.ones(len(views.data.train), dtype=bool)
    while progress.epoch < config.max_epochs and progress.stale < config.patience:
        network.train()
        loss = judge.loss(network(views.train.features, views.train.edges), views.train.nodes, everyone)
        if loss is None:
            _log.warning("no training sample has a label: the graph network stays as it was initialised")
            break
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses = EpochLoss(progress.epoch + 1, loss.item(), _watched(network, views, judge))
        progress = progress.after(losses, tolerance=TOLERANCE)
        history.append(losses)
        if progress.improved:
            best = copy.deepcopy(network.state_dict())
        if on_epoch is not None:
            on_epoch(losses)
    network.load_state_dict(best)
    return tuple(history)


@torch.no_grad()
def _watched(network: SampleGraphNetwork, views: _Views, judge: _Judge) -> float | None:
    network.eval()
    return judge.watched(network(views.inner.features, views.inner.edges), views.inner.nodes, views.data)


@torch.no_grad()
def _probabilities(network: SampleGraphNetwork, view: _View, labels: Sequence[str]) -> dict[str, Float64Array]:
    logits = network(view.features, view.edges)
    return {
        label: torch.softmax(output.double(), dim=1).cpu().numpy() for label, output in zip(labels, logits, strict=True)
    }


@torch.no_grad()
def _attention(network: SampleGraphNetwork, view: _View) -> Attention:
    edges, weights = network.attention(view.features, view.edges)
    source, target = edges.cpu().numpy()
    return Attention(source, target, weights.double().cpu().numpy())


@torch.no_grad()
def _latent_importance(
    network: SampleGraphNetwork, data: GraphData, features: Float32Array, neighbours: int, judge: _Judge
) -> Float64Array:
    """Set one dimension at a time to its training mean on held-out samples, and let the network run again.

    Neighbours and attention are found anew each time: the dimension is lost wherever it enters.
    """
    device = str(judge.codes[0].device) if judge.codes else "cpu"
    everyone = np.ones(len(features), dtype=bool)

    def loss_of(values: Float32Array) -> float | None:
        view = _view(values, everyone, data.train, neighbours, device)
        loss = judge.loss(network(view.features, view.edges), view.nodes, data.held_out)
        return None if loss is None else loss.item()

    importance = np.zeros(features.shape[1])
    if (whole := loss_of(features)) is None:
        return importance
    for dimension in range(features.shape[1]):
        without = features.copy()
        without[data.held_out, dimension] = 0
        importance[dimension] = (loss_of(without) or 0.0) - whole
    return np.maximum(importance, 0.0)
