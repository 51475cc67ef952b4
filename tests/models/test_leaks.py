"""What is learnt in a fold must not depend on its held-out samples: a detector, and a planted leak for each step.

The detector learns twice, the second time with other values in the held-out samples, and compares what was learnt. Each
step is tried as it is, where nothing may change, and with a leak: learnt from all samples, which must be caught.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.study import AutoencoderConfig, GraphConfig
from models.autoencoder import train_autoencoder
from models.basis import SpanBasis, principal_scores
from models.comparison import comparison_predictions
from models.graph import GraphData, neighbour_edges, train_graph
from models.latents import joint_features, latent_table
from models.methods import LOGISTIC_REGRESSION, NEAREST_NEIGHBOURS, PRINCIPAL_COMPONENTS
from models.scaling import Scaler, standardise

N_FEATURES, N = 40, 18
ROLE = np.array(["train"] * 10 + ["inner"] * 3 + ["held_out"] * 5)
TRAIN, INNER, HELD_OUT = (role == ROLE for role in ("train", "inner", "held_out"))
EVERYONE = np.ones(N, dtype=bool)
CODES = (np.arange(N) % 2).astype(np.int64)
CONFIG = AutoencoderConfig(latent=4, max_epochs=6, engine="span")
GRAPH = GraphConfig(neighbours=3, heads=2, hidden=4, max_epochs=6)

Learn = Callable[[np.ndarray, np.ndarray, np.ndarray], list[np.ndarray]]
"""Takes values, the samples to learn from, and the codes of a label; returns all that was learnt, as arrays."""


def _values(seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(5, 2, size=(N_FEATURES, N)).astype(np.float32)
    values[3, [1, 4]] = np.nan
    values[5, [0, 1, 2, 3, 4, 5]] = np.nan  # missing in 6 of 10 training samples
    values[7, TRAIN] = 5.0
    values[11, [0, 1, 2, 3, 4]] = np.nan  # and, in other held-out samples, in most samples of all
    return values


def _with_other_held_out_samples(values: np.ndarray) -> np.ndarray:
    other = values.copy()
    other[:, HELD_OUT] = np.random.default_rng(9).normal(50, 20, size=(N_FEATURES, HELD_OUT.sum()))
    other[11, HELD_OUT] = np.nan
    return other


def leaks(learn: Learn, seen: np.ndarray) -> bool:
    """Say whether what `learn` learns from the samples `seen` depends on values or labels of held-out samples."""
    values = _values()
    codes = np.where(HELD_OUT, 1 - CODES, CODES)
    one, two = learn(values, seen, CODES), learn(_with_other_held_out_samples(values), seen, codes)
    return not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one, two, strict=True))


def _scaler(values: np.ndarray, seen: np.ndarray) -> Scaler:
    return Scaler.fit(values[:, seen], max_missing=0.5)


def imputation(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    """What a missing value becomes, in the unit of the table."""
    scaler = _scaler(values, seen)
    filled = scaler.apply(values) * scaler.scale[:, None] + scaler.mean[:, None]
    return [filled[3, [1, 4]]]


def scaling(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    scaler = _scaler(values, seen)
    return [scaler.mean, scaler.scale]


def feature_filter(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    return [_scaler(values, seen).usable]


def span_basis(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    basis = SpanBasis.fit(_scaler(values, TRAIN).apply(values[:, seen]))
    return [basis.vectors, np.array([basis.unit])]


def principal_components(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    scaler = _scaler(values, TRAIN)
    scaled = scaler.apply(values)
    return [principal_scores(scaled[:, seen], scaled)[TRAIN]]


def autoencoder(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    scaled = _scaler(values, TRAIN).apply(values)
    learnt = seen & ~INNER
    fitted, _ = train_autoencoder(scaled[:, learnt], scaled[:, INNER], widths=(6,), config=CONFIG, seed=1, device="cpu")
    return [value.numpy() for value in fitted.state().values()]


def early_stopping(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    scaled = _scaler(values, TRAIN).apply(values)
    _, history = train_autoencoder(
        scaled[:, TRAIN], scaled[:, seen & ~TRAIN], widths=(6,), config=CONFIG, seed=1, device="cpu"
    )
    return [np.array([epoch.inner_loss for epoch in history])]


def _nodes(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(_scaler(values, TRAIN).apply(values)[:6].T)


def filling_of_missing_layers(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    """Training sample 2 lacks the second layer."""
    names = [f"s{number}" for number in range(N)]
    first, second = (
        latent_table(part, fold="0", layer=layer, sample_ids=names, held_out=[False] * N)
        for layer, part in (("a", _nodes(values)[:, :3]), ("b", _nodes(values)[:, 3:]))
    )
    tables = {"a": first, "b": second.drop(index=2)}
    return [joint_features(tables, names, seen, standardised=True)[TRAIN]]


def standardised_latents(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    return [standardise(_nodes(values), seen)[TRAIN]]


def graph_edges(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    """Whom the training samples listen to."""
    edges = neighbour_edges(standardise(_nodes(values), TRAIN), seen, 3)
    return [edges[:, TRAIN[edges[1]]]]


def graph_network(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    features = _nodes(values)
    data = GraphData(
        features=features,
        principal=features,
        train=seen & ~INNER,
        inner=INNER,
        held_out=HELD_OUT,
        labels={"tissue": codes},
        classes={"tissue": ("leaf", "root")},
    )
    return [value.numpy() for value in train_graph(data, config=GRAPH, seed=1, device="cpu").tensors.values()]


def plain_classifiers(values: np.ndarray, seen: np.ndarray, codes: np.ndarray) -> list[np.ndarray]:
    """What a new sample, which is the same in both tries, is taken for."""
    features = np.concatenate([_nodes(values), np.zeros((1, 6), dtype=np.float32)])
    asked = np.arange(N + 1) == N
    found = comparison_predictions(features, features, np.append(seen, False), asked, np.append(codes, 0))
    return [found[name].probability for name in (NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION, PRINCIPAL_COMPONENTS)]


STEPS: tuple[Learn, ...] = (
    imputation,
    scaling,
    feature_filter,
    span_basis,
    principal_components,
    autoencoder,
    early_stopping,
    filling_of_missing_layers,
    standardised_latents,
    graph_edges,
    graph_network,
    plain_classifiers,
)


@pytest.mark.parametrize("learn", STEPS, ids=lambda learn: learn.__name__)
def test_nothing_is_learnt_from_held_out_samples(learn: Learn) -> None:
    torch.manual_seed(0)
    with_inner = learn in (autoencoder, early_stopping, graph_network)
    assert not leaks(learn, TRAIN | INNER if with_inner else TRAIN)


@pytest.mark.parametrize("learn", STEPS, ids=lambda learn: learn.__name__)
def test_a_planted_leak_is_caught(learn: Learn) -> None:
    assert leaks(learn, EVERYONE)


def test_a_whole_fold_as_the_pipeline_learns_it_depends_on_no_held_out_sample() -> None:
    """Scale, filter, train, encode, fill in and classify in a row, as one fold does."""

    def fold(values: np.ndarray, codes: np.ndarray) -> GraphData:
        scaled = Scaler.fit(values[:, TRAIN], max_missing=0.5).apply(values)
        fitted, _ = train_autoencoder(
            scaled[:, TRAIN], scaled[:, INNER], widths=(6,), config=CONFIG, seed=1, device="cpu"
        )
        latents = standardise(fitted.encode(scaled), TRAIN)
        return GraphData(
            features=latents,
            principal=principal_scores(scaled[:, TRAIN], scaled),
            train=TRAIN,
            inner=INNER,
            held_out=HELD_OUT,
            labels={"tissue": codes},
            classes={"tissue": ("leaf", "root")},
        )

    values = _values()
    one = fold(values, CODES)
    two = fold(_with_other_held_out_samples(values), np.where(HELD_OUT, 1 - CODES, CODES))
    seen = ~HELD_OUT
    np.testing.assert_allclose(one.features[seen], two.features[seen], atol=1e-6)
    np.testing.assert_allclose(one.principal[seen], two.principal[seen], atol=1e-6)
    same = replace(two, features=np.where(seen[:, None], one.features, two.features))
    trained = [train_graph(data, config=GRAPH, seed=1, device="cpu") for data in (one, same)]
    assert trained[0].history == trained[1].history
