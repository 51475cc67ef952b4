"""Two roads: many graph networks at once, and `models.graph.train_graph` one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.study import GraphConfig
from models.batched_graph import predict_held_out, train_batch
from models.graph import GraphData, train_graph
from models.null_predictions import null_predictions
from tests.models.test_graph import _data

CONFIG = GraphConfig(neighbours=3, heads=2, hidden=6, max_epochs=80, patience=4, dropout=0.0)


def _with_codes(data: GraphData, codes: list[np.ndarray], row: int) -> GraphData:
    return replace(data, labels={label: code[row] for label, code in zip(data.labels, codes, strict=True)})


def _codes(data: GraphData, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [np.stack([code, *(rng.permutation(code) for _ in range(count - 1))]) for code in data.labels.values()]


def test_one_network_follows_the_same_trajectory() -> None:
    data = _data()
    codes = _codes(data, 2)
    for row in range(2):
        alone = train_graph(_with_codes(data, codes, row), config=CONFIG, seed=5, device="cpu")
        batch = train_batch(data, [code[[row]] for code in codes], config=CONFIG, seed=5, device="cpu")
        assert len(alone.history) < 80  # stopped early
        for name, value in alone.tensors.items():
            torch.testing.assert_close(batch.weights[name][0].detach(), value, atol=2e-4, rtol=1e-3)


def test_networks_of_a_batch_do_not_disturb_each_other() -> None:
    """The first network has the same initial weights whatever comes after it, and so the same end."""
    data = _data()
    codes = _codes(data, 4)
    one = train_batch(data, [code[:1] for code in codes], config=CONFIG, seed=5, device="cpu")
    four = train_batch(data, codes, config=CONFIG, seed=5, device="cpu")
    for name, value in one.weights.items():
        torch.testing.assert_close(four.weights[name][0], value[0], atol=2e-4, rtol=1e-3)
        assert not torch.equal(four.weights[name][1], four.weights[name][2]) or "bias" in name


def test_predictions_are_those_of_single_networks() -> None:
    data = _data(n=36)
    codes = _codes(data, 3)
    found = predict_held_out(data, [code[[0]] for code in codes], config=CONFIG, seed=5, device="cpu")
    alone = train_graph(_with_codes(data, codes, 0), config=CONFIG, seed=5, device="cpu")
    for number, label in enumerate(data.labels):
        expected = alone.probabilities[label][data.held_out].argmax(axis=1)
        assert found[number].tolist() == [expected.tolist()]


def test_more_networks_than_go_together_and_a_label_without_any_value() -> None:
    data = _data()
    nothing = np.full((30, 24), -1)
    codes = [np.tile(data.labels["tissue"], (30, 1)), nothing]
    quick = CONFIG.model_copy(update={"max_epochs": 3})
    tissue, place = predict_held_out(data, codes, config=quick, seed=1, device="cpu")
    assert tissue.shape == place.shape == (30, 4)
    again = predict_held_out(data, codes, config=quick, seed=1, device="cpu")
    np.testing.assert_array_equal(tissue, again[0])


def test_signal_is_found_and_permuted_labels_are_not() -> None:
    data = _data(n=48)
    tissue = data.labels["tissue"]
    rng = np.random.default_rng(0)
    codes = np.stack([tissue] * 5 + [rng.permutation(tissue) for _ in range(20)])
    only = replace(data, labels={"tissue": tissue}, classes={"tissue": data.classes["tissue"]})
    config = CONFIG.model_copy(update={"max_epochs": 80, "patience": 20, "dropout": 0.3})
    (found,) = predict_held_out(only, [codes], config=config, seed=1, device="cpu")
    right = (found == tissue[data.held_out]).mean(axis=1)
    assert right[:5].min() > 0.8
    assert right[5:].mean() == pytest.approx(0.5, abs=0.2)


def test_null_predictions_name_what_was_drawn() -> None:
    data = _data()
    draws = dict(zip(data.labels, _codes(data, 3), strict=True))
    names = [f"s{number}" for number in range(24)]
    config = CONFIG.model_copy(update={"max_epochs": 2})
    table = null_predictions(data, draws, names, config=config, seed=1, device="cpu")
    tissue = table[table["label"] == "tissue"]
    assert tissue.groupby(["method", "draw"]).size().tolist() == [4] * (4 * 3)
    graph = tissue[(tissue["method"] == "graph attention") & (tissue["draw"] == 1)].set_index("sample_id")["truth"]
    for sample, truth in graph.items():
        assert data.classes["tissue"].index(truth) == draws["tissue"][1][int(str(sample)[1:])]
    place = table[(table["label"] == "place") & (table["draw"] == 0) & (table["method"] == "graph attention")]
    assert len(place) == (draws["place"][0][data.held_out] >= 0).sum()
