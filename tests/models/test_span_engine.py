"""The span engine against the dense one: the same trajectory, reconstruction and importances from the same start."""

import io
import json
import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.errors import TrainingError
from configs.study import AutoencoderConfig
from models.autoencoder import check_finite, decode_weights, train_autoencoder
from models.basis import SpanBasis
from models.dense_engine import DenseAutoencoder, to_rows
from models.engine import EpochLoss, TrainingHooks, TrainingState, decode_state, encode_state, encode_weights
from models.engine_choice import choose_engine
from models.importance import reconstruction_importance
from models.materialise import materialise
from models.networks import MirroredAutoencoder
from models.scaling import Scaler
from models.span_engine import SpanAutoencoder, span_data, train_span
from models.training import TrainingData

Array = np.ndarray
CONFIG = AutoencoderConfig(engine="span", latent=4, max_epochs=12, checkpoint_seconds=0)


def _scaled(kind: str) -> tuple[Array, Array]:
    """Return 14 training samples and 10 others: many features, odd sizes, few features, copies, constants."""
    rng = np.random.default_rng(7)
    n_features = {"wide": 200, "odd": 37, "n > p": 9, "copies": 61, "constant": 50}[kind]
    factors = rng.normal(size=(3, 24))
    if kind == "copies":
        factors[:, 7:14] = factors[:, :7]
    values = rng.normal(size=(n_features, 3)) @ factors
    noise = 0.3 * rng.normal(size=values.shape)
    if kind == "copies":
        noise[:, 7:14] = noise[:, :7]
    values += noise
    if kind == "constant":
        values[[0, 13, 49]] = 2.5
    values = values.astype(np.float32)
    scaled = Scaler.fit(values[:, :14]).apply(values)
    return scaled[:, :14], scaled[:, 14:]


def _same_start(
    train: Array, widths: tuple[int, ...], dropout: float
) -> tuple[SpanAutoencoder, MirroredAutoencoder, SpanBasis]:
    """Return a fresh network on coordinates, the wide network with the same weights, and the basis."""
    basis = SpanBasis.fit(train)
    sizes = (*widths, 4)
    narrow = MirroredAutoencoder((basis.rank, *sizes), dropout=dropout, generator=torch.Generator().manual_seed(3))
    span = SpanAutoencoder(narrow, basis, "cpu")
    wide = MirroredAutoencoder((len(train), *sizes), dropout=dropout, generator=torch.Generator().manual_seed(3))
    sink = io.BytesIO()
    materialise(span, sink)
    dense = decode_weights(sink.getvalue())
    assert isinstance(dense, DenseAutoencoder)
    wide.load_state_dict(dense.network.state_dict())
    for network in (narrow, wide):
        network.dropout.generator.manual_seed(11)
    return span, wide, basis


def _descend(network: MirroredAutoencoder, data: TrainingData, groups: list[dict[str, object]]) -> list[float]:
    """Make 50 steps of gradient descent with momentum and decoupled weight decay; returns the training losses."""
    optimiser = torch.optim.SGD(groups, momentum=0.9)
    losses = []
    for _ in range(50):
        loss, _ = data.losses(network.train()(data.rows, data.n_train))
        optimiser.zero_grad()
        loss.backward()
        with torch.no_grad():
            for value in network.parameters():
                value.mul_(1 - 1e-3)
        optimiser.step()
        losses.append(loss.item())
    network.eval()
    return losses


def _groups(network: MirroredAutoencoder, unit: float) -> list[dict[str, object]]:
    """Return the step sizes with which coordinates of length `unit` follow the wide network."""
    first, last = network.encoder[0], network.decoder[-1]
    steps = {id(first.weight): 1 / unit**2, id(last.weight): 1 / unit**2, id(last.bias): 1 / unit**2}
    steps[id(first.weight)] = unit**2
    return [{"params": [value], "lr": 0.02 * steps.get(id(value), 1.0)} for value in network.parameters()]


@pytest.mark.parametrize("widths", [(11,), (13, 7), (12, 9, 6)])
@pytest.mark.parametrize("kind", ["wide", "odd", "n > p", "copies", "constant"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_gradient_descent_follows_the_same_trajectory(kind: str, widths: tuple[int, ...], dropout: float) -> None:
    train, others = _scaled(kind)
    span, wide, basis = _same_start(train, widths, dropout)
    narrow_data = span_data(train, others, basis, "cpu")
    wide_data = TrainingData(to_rows(np.concatenate([train, others], axis=1), "cpu"), train.shape[1])
    losses = _descend(span.network, narrow_data, _groups(span.network, basis.unit))
    expected = _descend(wide, wide_data, _groups(wide, 1.0))
    np.testing.assert_allclose(losses, expected, rtol=2e-4)
    assert losses[-1] < losses[0]
    dense = DenseAutoencoder(wide, "cpu")
    # float32 keeps about seven digits, and fifty steps of three layers lose two or three of them.
    np.testing.assert_allclose(span.encode(others), dense.encode(others), atol=2e-3)
    np.testing.assert_allclose(span.squared_error(others), dense.squared_error(others), rtol=2e-3, atol=1e-4)
    ones = np.ones(4)
    gradient = dense.latent_gradient(others, ones)
    np.testing.assert_allclose(span.latent_gradient(others, ones), gradient, rtol=5e-3, atol=1e-4 * gradient.max())
    np.testing.assert_allclose(
        reconstruction_importance(span.squared_error(others), others),
        reconstruction_importance(dense.squared_error(others), others),
        atol=5e-3,
    )


def _inner_loss(data: TrainingData, network: MirroredAutoencoder) -> float:
    with torch.no_grad():
        loss = data.losses(network.eval()(data.rows))[1]
    assert loss is not None
    return loss


def test_inner_loss_counts_what_lies_outside_the_span() -> None:
    train, others = _scaled("wide")
    span, wide, basis = _same_start(train, (13, 7), 0.0)
    wide_data = TrainingData(to_rows(np.concatenate([train, others], axis=1), "cpu"), train.shape[1])
    loss = _inner_loss(span_data(train, others, basis, "cpu"), span.network)
    assert loss == pytest.approx(_inner_loss(wide_data, wide), rel=1e-5)
    assert loss == pytest.approx(span.squared_error(others).sum() / others.size, rel=1e-5)


def _train(
    config: AutoencoderConfig = CONFIG, *, seed: int = 5, hooks: TrainingHooks | None = None
) -> tuple[SpanAutoencoder, tuple[EpochLoss, ...]]:
    train, others = _scaled("wide")
    fitted, history = train_autoencoder(
        train, others[:, :4], widths=(12, 9), config=config, seed=seed, device="cpu", hooks=hooks or TrainingHooks()
    )
    assert isinstance(fitted, SpanAutoencoder)
    return fitted, history


def _assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_same_seed_same_bits_also_in_two_threads() -> None:
    alone = [_train(seed=seed)[0].state() for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        together = [fitted.state() for fitted, _ in pool.map(lambda seed: _train(seed=seed), (1, 2))]
    for one, other in zip(alone, together, strict=True):
        _assert_same(one, other)
    assert not torch.equal(alone[0]["network.encoder.0.weight"], alone[1]["network.encoder.0.weight"])


@pytest.mark.parametrize("epoch", [1, 6, 12])
def test_resuming_ends_in_the_weights_of_the_uninterrupted_run(epoch: int) -> None:
    states: list[TrainingState] = []
    whole, losses = _train(hooks=TrainingHooks(on_checkpoint=states.append))
    data, meta = encode_state(states[epoch - 1])
    state = decode_state(data, json.loads(json.dumps(meta)))
    resumed, again = _train(hooks=TrainingHooks(resume=state))
    _assert_same(whole.state(), resumed.state())
    assert again == losses


def test_weights_survive_as_bytes() -> None:
    fitted, _ = _train()
    data = encode_weights(fitted)
    again = decode_weights(data)
    assert again.engine == "span"
    assert data == encode_weights(again)
    others = _scaled("wide")[1]
    np.testing.assert_array_equal(again.encode(others), fitted.encode(others))
    np.testing.assert_array_equal(again.squared_error(others), fitted.squared_error(others))


def test_dense_weights_of_a_trained_span_give_the_same_answers() -> None:
    fitted, _ = _train()
    sink = io.BytesIO()
    assert materialise(fitted, sink) == len(sink.getvalue())
    dense = decode_weights(sink.getvalue())
    # (200+1)*12 + (12+1)*9 + (9+1)*4 + (4+1)*9 + (9+1)*12 + (12+1)*200 = 5,334
    assert sum(value.numel() for value in dense.state().values()) == 5334
    others, scale = _scaled("wide")[1], np.array([0.5, 2.0, 0.0, 1.0])
    others[5, 2] = np.nan
    np.testing.assert_allclose(dense.encode(others), fitted.encode(others), atol=1e-5)
    np.testing.assert_allclose(dense.squared_error(others), fitted.squared_error(others), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        dense.latent_gradient(others, scale), fitted.latent_gradient(others, scale), rtol=1e-4, atol=1e-8
    )


def test_early_stopping_restores_the_best_weights() -> None:
    config = CONFIG.model_copy(update={"max_epochs": 400, "patience": 5, "learning_rate": 0.02})
    fitted, losses = _train(config)
    best = min(entry.inner_loss for entry in losses if entry.inner_loss is not None)
    inner = _scaled("wide")[1][:, :4]
    best_epoch = next(entry.epoch for entry in losses if entry.inner_loss == best)
    plateau = max(entry.epoch for entry in losses if entry.train_loss > 0.9 * losses[0].train_loss)
    assert len(losses) == max(best_epoch, plateau) + 5  # patience begins when something has been learnt
    assert fitted.squared_error(inner).sum() / inner.size == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize(("n_factors", "low", "high"), [(2, 0.7, 1.0), (0, -0.1, 0.1)])
def test_factors_are_learnt_and_noise_is_not(n_factors: int, low: float, high: float) -> None:
    rng = np.random.default_rng(1)
    factors, loadings = rng.normal(size=(2, 30)), rng.normal(size=(300, 2))
    values = loadings[:, :n_factors] @ factors[:n_factors] + 0.5 * rng.normal(size=(300, 30))
    scaled = Scaler.fit(values[:, :19].astype(np.float32)).apply(values.astype(np.float32))
    train, inner, held_out = scaled[:, :19], scaled[:, 19:24], scaled[:, 24:]
    config = AutoencoderConfig(engine="span")
    fitted, _ = train_autoencoder(train, inner, widths=(128, 96), config=config, seed=1, device="cpu")
    assert low < np.median(reconstruction_importance(fitted.squared_error(held_out), held_out)) < high


def test_a_loss_that_is_not_finite_names_the_epoch_and_the_last_checkpoint() -> None:
    train, others = _scaled("wide")
    basis = SpanBasis.fit(train)
    data = span_data(train, others, basis, "cpu")
    states: list[TrainingState] = []

    def spoil(losses: EpochLoss) -> None:
        if losses.epoch == 4:
            data.rows[:] = torch.nan

    hooks = TrainingHooks(on_checkpoint=states.append, on_epoch=spoil)
    message = r"not finite in epoch 5; .* \(last good checkpoint: of epoch 4; best epoch so far: \d\)"
    with pytest.raises(TrainingError, match=message):
        train_span(data, basis, widths=(12, 9), config=CONFIG, seed=1, device="cpu", hooks=hooks)
    assert states[-1].epoch == 4


def test_weights_that_are_not_finite_are_never_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[TrainingState] = []
    step = torch.optim.AdamW.step

    def overflowing(optimiser: torch.optim.AdamW) -> None:
        step(optimiser)
        if len(states) == 2:
            with torch.no_grad():
                optimiser.param_groups[0]["params"][0][0, 0] = torch.inf

    monkeypatch.setattr(torch.optim.AdamW, "step", overflowing)
    with pytest.raises(TrainingError, match=r"not finite in epoch 4; .*last good checkpoint: of epoch 2"):
        _train(hooks=TrainingHooks(on_checkpoint=states.append))
    assert [state.epoch for state in states] == [1, 2]


@pytest.mark.parametrize(
    ("settings", "n_features", "rank", "engine", "reason"),
    [
        ({}, 132_129, 16, "span", "the training samples span 16 of 132,129 dimensions"),
        ({}, 64, 16, "span", "the training samples span 16 of 64 dimensions"),
        ({}, 63, 16, "dense", "the rank 16 of the training samples is not far below the 63 features"),
        ({}, 63, 0, "dense", "the rank 0 of the training samples"),
        ({"input_dropout": 0.1}, 132_129, 16, "dense", "input dropout takes samples out of their span"),
        ({"engine": "dense"}, 132_129, 16, "dense", "asked for"),
        ({"engine": "span"}, 10, 9, "span", "asked for"),
    ],
)
def test_the_engine_that_auto_chooses(
    settings: dict[str, object], n_features: int, rank: int, engine: str, reason: str
) -> None:
    choice = choose_engine(AutoencoderConfig.model_validate(settings), n_features=n_features, rank=rank)
    assert choice.engine == engine
    assert reason in choice.reason


def test_choice_and_too_wide_a_latent_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    train, others = _scaled("wide")
    config = AutoencoderConfig(latent=64, max_epochs=1)
    with caplog.at_level(logging.INFO, "cairn.autoencoder"):
        train_autoencoder(train, others, widths=(12,), config=config, seed=1, device="cpu")
    # (200+1)*12 + (12+1)*64 + (64+1)*12 + (12+1)*200 = 6,624
    assert "autoencoder 200-12-64, 6,624 parameters, engine span" in caplog.text
    assert "(the training samples span 13 of 200 dimensions)" in caplog.text
    assert "its latent of 64 is wider than the 13 dimensions that the samples can tell apart" in caplog.text


def test_samples_that_are_all_alike_teach_nothing() -> None:
    zeros = np.zeros((20, 6), dtype=np.float32)
    with pytest.raises(TrainingError, match="all training samples are alike"):
        train_autoencoder(zeros, zeros, widths=(4,), config=CONFIG, seed=1, device="cpu")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_missing_value_in_a_training_block_names_the_feature(bad: float) -> None:
    block = np.ones((3, 4), dtype=np.float32)
    check_finite(block, ("G1", "G2", "G3"))
    block[1, 2] = bad
    with pytest.raises(TrainingError, match="a value of 'G2' is missing or infinite after scaling"):
        check_finite(block, ("G1", "G2", "G3"))
