import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from configs.errors import TrainingError
from configs.study import GraphConfig
from models.attention import attention_layer
from models.engine import EpochLoss
from models.graph import GraphData, class_weights, neighbour_edges, train_graph

CONFIG = GraphConfig(neighbours=3, heads=2, hidden=6, max_epochs=25)


def _data(n: int = 24, n_noise: int = 4, signal: float = 3.0, seed: int = 0) -> GraphData:
    """Samples whose first dimension carries the label `tissue`; `place` is noise with missing values."""
    generator = np.random.default_rng(seed)
    tissue = np.arange(n) % 2
    place = generator.integers(-1, 3, size=n)
    features = generator.normal(size=(n, 1 + n_noise))
    features[:, 0] += signal * (2 * tissue - 1)
    role = np.arange(n) // 2 % 6
    return GraphData(
        features=features.astype(np.float32),
        principal=features[:, ::-1].astype(np.float32),
        train=role > 1,
        inner=role == 1,
        held_out=role == 0,
        labels={"tissue": tissue.astype(np.int64), "place": place.astype(np.int64)},
        classes={"tissue": ("leaf", "root"), "place": ("a", "b", "c")},
    )


def _train(seed: int, data: GraphData | None = None) -> dict[str, torch.Tensor]:
    return train_graph(data or _data(), config=CONFIG, seed=seed, device="cpu").tensors


def test_attention_layer_by_hand_on_four_nodes() -> None:
    """Brody et al. 2022, equation 7, with two features, one head of width two, and edges 0>1, 2>1, 3>1, 1>0.

    W_l = I, W_r = [[1, 0], [0, -1]], a = (1, 2), biases (0.5, 0) after the sum; x0 = (1, 0), x1 = (0, 1), x2 = (-1, 1),
    x3 = (2, -1). Node 1 listens to 0, 2, 3 and itself; W_r x1 = (0, -1):
      e_01 = a . LeakyReLU(( 1, -1)) =  1 + 2 * -0.2 =  0.6     e_21 = a . LeakyReLU((-1, 0)) = -0.2
      e_31 = a . LeakyReLU(( 2, -2)) =  2 + 2 * -0.4 =  1.2     e_11 = a . LeakyReLU(( 0, 0)) =  0
      exp: 1.822119, 0.818731, 3.320117, 1 (sum 6.960967); alpha: 0.261762, 0.117617, 0.476962, 0.143658
      h_1 = (0.261762 - 0.117617 + 2 * 0.476962 + 0.5, 0.117617 - 0.476962 + 0.143658) = (1.598070, -0.215687)
    The residual W_s = [[0, 3], [1, 0]] adds W_s x1 = (3, 0).
    """
    layer = attention_layer(2, 2, 1, torch.Generator())
    with torch.no_grad():
        layer.lin_l.weight.copy_(torch.eye(2))
        layer.lin_r.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, -1.0]]))
        layer.att.copy_(torch.tensor([[[1.0, 2.0]]]))
        layer.bias.copy_(torch.tensor([0.5, 0.0]))
        layer.res.weight.copy_(torch.tensor([[0.0, 3.0], [1.0, 0.0]]))
        x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [2.0, -1.0]])
        edges = torch.tensor([[0, 2, 3, 1], [1, 1, 1, 0]])
        output, (listened, weights) = layer(x, edges, return_attention_weights=True)
    assert output[1].tolist() == pytest.approx([4.598070, -0.215687], abs=1e-5)
    expected_output, expected_weights = _attention_in_numpy(x.numpy(), edges.numpy())
    np.testing.assert_allclose(output, expected_output, atol=1e-6)
    for (source, target), weight in zip(listened.T.tolist(), weights[:, 0].tolist(), strict=True):
        assert weight == pytest.approx(expected_weights[source, target], abs=1e-6)


def _attention_in_numpy(x: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    heard = np.eye(4, dtype=bool)
    heard[edges[0], edges[1]] = True
    summed = x[:, None, :] + (x * [1, -1])[None, :, :]
    score = np.where(summed > 0, summed, 0.2 * summed) @ [1, 2]
    weight = np.where(heard, np.exp(score), 0)
    weight /= weight.sum(axis=0)
    return weight.T @ x + [0.5, 0] + x @ [[0, 1], [3, 0]], weight


def test_neighbours_are_training_samples_and_never_oneself() -> None:
    positions = np.array([[0.0], [1.0], [2.1], [10.0], [1.4]], dtype=np.float32)
    train = np.array([True, True, True, True, False])
    # Of 0: 1 and 2; of 1: 0 and 2; of 2: 1 and 0; of 3: 2 and 1; of the held-out 4 (at 1.4): 1 and 2.
    expected = [[1, 2, 0, 2, 1, 0, 2, 1, 1, 2], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]]
    assert neighbour_edges(positions, train, 2).tolist() == expected
    assert neighbour_edges(positions, train, 50).shape == (2, 5 * 3)


def test_class_weights_are_inverse_frequencies() -> None:
    # 4 labelled, 2 classes present: 4 / (2 * 3) and 4 / (2 * 1); class 2 is absent.
    np.testing.assert_allclose(class_weights(np.array([0, 0, 0, 1, -1]), 3), [4 / 6, 2, 0], rtol=1e-6)


def test_same_seed_same_bits_also_in_two_threads() -> None:
    before = torch.get_rng_state()
    alone = [_train(1), _train(2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(_train, (1, 2)))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert not torch.equal(alone[0]["first.lin_l.weight"], alone[1]["first.lin_l.weight"])
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_in_training_depends_on_held_out_samples() -> None:
    data = _data()
    features, labels = data.features.copy(), {label: codes.copy() for label, codes in data.labels.items()}
    features[data.held_out] = 100 * np.random.default_rng(1).normal(size=features[data.held_out].shape)
    for codes in labels.values():
        codes[data.held_out] = 0
    other = replace(data, features=features, labels=labels)
    one, two = (train_graph(each, config=CONFIG, seed=1, device="cpu") for each in (data, other))
    assert all(torch.equal(value, two.tensors[name]) for name, value in one.tensors.items())
    assert one.history == two.history
    seen = data.train | data.inner
    np.testing.assert_allclose(one.probabilities["tissue"][seen], two.probabilities["tissue"][seen], atol=1e-6)
    assert not np.allclose(one.probabilities["tissue"][~seen], two.probabilities["tissue"][~seen], atol=1e-3)


def test_only_training_samples_are_listened_to() -> None:
    data = _data()
    attention = train_graph(data, config=CONFIG, seed=1, device="cpu").attention
    others = attention.source != attention.target
    assert data.train[attention.source[others]].all()
    np.testing.assert_allclose(np.bincount(attention.target, attention.weight), np.ones(24), atol=1e-6)


def test_the_informative_dimension_is_the_important_one() -> None:
    data = _data(n=36)
    data = replace(data, labels={"tissue": data.labels["tissue"]}, classes={"tissue": data.classes["tissue"]})
    epochs: list[EpochLoss] = []
    config = GraphConfig(max_epochs=150)
    result = train_graph(data, config=config, seed=1, device="cpu", on_epoch=epochs.append)
    held_out = data.held_out
    predicted = result.probabilities["tissue"].argmax(axis=1)
    assert (predicted[held_out] == data.labels["tissue"][held_out]).all()
    assert result.latent_importance.argmax() == 0
    assert result.latent_importance.min() >= 0
    assert tuple(epochs) == result.history
    np.testing.assert_allclose(result.probabilities["tissue"].sum(axis=1), 1)


def test_noise_predicts_held_out_samples_at_chance() -> None:
    right = []
    for seed in range(8):
        data = _data(n=48, n_noise=7, signal=0.0, seed=seed)
        result = train_graph(data, config=CONFIG, seed=seed, device="cpu")
        predicted = result.probabilities["tissue"].argmax(axis=1)
        right.extend((predicted == data.labels["tissue"])[data.held_out])
    # 64 held-out samples, chance 0.5: standard error sqrt(0.25 / 64) = 0.0625.
    assert abs(np.mean(right) - 0.5) < 4 * 0.0625


def test_final_fold_has_no_latent_importance() -> None:
    data = _data()
    final = replace(data, train=data.train | data.held_out, held_out=np.zeros(24, dtype=bool))
    importance = train_graph(final, config=CONFIG, seed=1, device="cpu").latent_importance
    np.testing.assert_array_equal(importance, np.zeros(5))


def test_class_absent_from_training_and_label_without_any_value() -> None:
    data = _data()
    place = np.where(data.train, 0, 1).astype(np.int64)
    nothing = np.full(24, -1, dtype=np.int64)
    odd = replace(data, labels={"place": place, "none": nothing}, classes={"place": ("a", "b"), "none": ("x",)})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = train_graph(odd, config=CONFIG, seed=1, device="cpu")
    assert result.probabilities["place"][:, 0].min() > 0.5
    # No held-out sample has a class that training knows, and no inner one either.
    assert result.history[-1].inner_loss is None
    assert not result.latent_importance.any()


def test_no_label_at_all(caplog: pytest.LogCaptureFixture) -> None:
    result = train_graph(replace(_data(), labels={}, classes={}), config=CONFIG, seed=1, device="cpu")
    assert result.history == ()
    assert "no training sample has a label" in caplog.text


def test_loss_that_is_not_finite() -> None:
    data = _data()
    features = data.features.copy()
    features[data.train] *= np.float32(np.inf)
    with pytest.raises(TrainingError, match="not finite in epoch 1"), np.errstate(invalid="ignore"):
        train_graph(replace(data, features=features), config=CONFIG, seed=1, device="cpu")
