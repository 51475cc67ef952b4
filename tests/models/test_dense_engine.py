import json
import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import pytest
import torch

from configs.errors import TrainingError
from configs.study import AutoencoderConfig, Precision
from models import dense_engine
from models.autoencoder import decode_weights, train_autoencoder
from models.dense_engine import DenseAutoencoder
from models.engine import EpochLoss, TrainingHooks, TrainingState, decode_state, encode_state, encode_weights
from models.importance import reconstruction_importance
from models.networks import Dropout, MirroredAutoencoder
from models.precision import uses_bfloat16
from models.scaling import Scaler

Array = npt.NDArray[np.float32]
WIDTHS = (12, 9)
CONFIG = AutoencoderConfig(latent=4, max_epochs=12, checkpoint_seconds=0)


def _data(seed: int = 0, n_features: int = 40, n_factors: int = 3) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(seed)
    factors = generator.normal(size=(n_factors, 24)) if n_factors else np.zeros((1, 24))
    loadings = generator.normal(size=(n_features, len(factors)))
    values = (loadings @ factors + 0.3 * generator.normal(size=(n_features, 24))).astype(np.float32)
    scaled = Scaler.fit(values[:, :14]).apply(values)
    return scaled[:, :14], scaled[:, 14:18], scaled[:, 18:]


def _train(
    seed: int = 5, *, config: AutoencoderConfig = CONFIG, hooks: TrainingHooks | None = None, data: int = 0
) -> tuple[DenseAutoencoder, tuple[EpochLoss, ...]]:
    train, inner, _ = _data(data)
    fitted, history = train_autoencoder(
        train, inner, widths=WIDTHS, config=config, seed=seed, device="cpu", hooks=hooks or TrainingHooks()
    )
    assert isinstance(fitted, DenseAutoencoder)
    return fitted, history


def _assert_same_weights(one: DenseAutoencoder, other: DenseAutoencoder) -> None:
    assert one.state().keys() == other.state().keys()
    assert all(torch.equal(value, other.state()[name]) for name, value in one.state().items())


def test_same_seed_same_bits_and_another_seed_others() -> None:
    (one, losses), (other, again), (third, _) = _train(), _train(), _train(seed=6)
    _assert_same_weights(one, other)
    assert losses == again
    assert not torch.equal(one.state()["encoder.0.weight"], third.state()["encoder.0.weight"])


def test_two_threads_give_the_bits_of_one_after_the_other() -> None:
    alone = [_train(seed)[0] for seed in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        together = [fitted for fitted, _ in pool.map(_train, (1, 2))]
    for one, other in zip(alone, together, strict=True):
        _assert_same_weights(one, other)


def test_global_random_states_are_left_alone() -> None:
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    _train()
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.random.get_state()[1].tolist() == numpy_before  # noqa: NPY002


def test_alignment_of_the_input_does_not_matter() -> None:
    train, inner, _ = _data()
    buffer = np.zeros(train.size + 1, dtype=np.float32)
    shifted = buffer[1:].reshape(train.shape)
    shifted[:] = train
    one, _ = train_autoencoder(train, inner, widths=WIDTHS, config=CONFIG, seed=1, device="cpu")
    other, _ = train_autoencoder(shifted, inner, widths=WIDTHS, config=CONFIG, seed=1, device="cpu")
    assert torch.equal(one.state()["encoder.0.weight"], other.state()["encoder.0.weight"])


@pytest.mark.parametrize("epoch", [1, 6, 11, 12])
def test_resuming_ends_in_the_weights_of_the_uninterrupted_run(epoch: int) -> None:
    states: list[TrainingState] = []
    whole, losses = _train(hooks=TrainingHooks(on_checkpoint=states.append))
    assert [state.epoch for state in states] == list(range(1, 13))
    data, meta = encode_state(states[epoch - 1])
    state = decode_state(data, json.loads(json.dumps(meta)))
    resumed, again = _train(hooks=TrainingHooks(resume=state))
    _assert_same_weights(whole, resumed)
    assert again == losses


def test_resuming_a_stopped_training_trains_no_further() -> None:
    config = CONFIG.model_copy(update={"max_epochs": 400, "patience": 3, "learning_rate": 0.02})
    states: list[TrainingState] = []
    whole, losses = _train(config=config, hooks=TrainingHooks(on_checkpoint=states.append))
    assert states[-1].stale == 3
    assert len(losses) < 400
    epochs: list[EpochLoss] = []
    resumed, again = _train(config=config, hooks=TrainingHooks(resume=states[-1], on_epoch=epochs.append))
    assert epochs == []
    assert again == losses
    _assert_same_weights(whole, resumed)


def test_early_stopping_restores_the_best_weights() -> None:
    config = CONFIG.model_copy(update={"max_epochs": 400, "patience": 5, "learning_rate": 0.02})
    fitted, losses = _train(config=config)
    best = min(entry.inner_loss for entry in losses if entry.inner_loss is not None)
    best_epoch = next(entry.epoch for entry in losses if entry.inner_loss == best)
    plateau = max(entry.epoch for entry in losses if entry.train_loss > 0.9 * losses[0].train_loss)
    assert len(losses) == max(best_epoch, plateau) + 5  # patience begins when something has been learnt
    inner = _data()[1]
    assert fitted.squared_error(inner).sum() / inner.size == pytest.approx(best, rel=1e-5)


def test_checkpoints_wait_for_their_time() -> None:
    states: list[TrainingState] = []
    _train(
        config=CONFIG.model_copy(update={"checkpoint_seconds": 3600.0}),
        hooks=TrainingHooks(on_checkpoint=states.append),
    )
    assert states == []


def test_weights_survive_as_bytes() -> None:
    fitted, _ = _train()
    data = encode_weights(fitted)
    assert data == encode_weights(fitted)
    again = decode_weights(data)
    held_out = _data()[2]
    assert again.engine == "dense"
    np.testing.assert_array_equal(again.encode(held_out), fitted.encode(held_out))
    np.testing.assert_array_equal(again.squared_error(held_out), fitted.squared_error(held_out))


def test_squared_error_is_that_of_the_plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted, _ = _train()
    held_out = _data()[2]
    linear = {name: value.double().numpy() for name, value in fitted.state().items()}
    values = held_out.T.astype(float)
    for part in ("encoder", "decoder"):
        for number in range(3):
            values = values @ linear[f"{part}.{number}.weight"].T + linear[f"{part}.{number}.bias"]
            values = values if number == 2 else np.maximum(values, 0)
    expected = np.square(values.T - held_out).sum(axis=1)
    np.testing.assert_allclose(fitted.squared_error(held_out), expected, rtol=1e-4)
    monkeypatch.setattr(dense_engine, "_BLOCK", 7)
    np.testing.assert_allclose(fitted.squared_error(held_out), expected, rtol=1e-4)


def test_missing_values_enter_as_zero_and_are_not_judged() -> None:
    fitted, _ = _train()
    held_out = _data()[2]
    holes, filled = held_out.copy(), held_out.copy()
    holes[3, 1], filled[3, 1] = np.nan, 0
    np.testing.assert_array_equal(fitted.encode(holes), fitted.encode(filled))
    with_hole, without = fitted.squared_error(holes), fitted.squared_error(filled)
    assert with_hole[3] < without[3]
    np.testing.assert_array_equal(np.delete(with_hole, 3), np.delete(without, 3))


@pytest.mark.parametrize("n_samples", [1, 6])
def test_latent_gradient_is_that_of_autograd(n_samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted, _ = _train()
    held_out = _data()[2][:, :n_samples]
    scale = np.array([0.5, 2.0, 0.0, 1.0])
    jacobians = [
        torch.autograd.functional.jacobian(fitted.network.encode, torch.tensor(sample)[None])[0, :, 0].numpy()
        for sample in held_out.T
    ]
    # 1/scale, and nothing for the latent without spread.
    standardised = np.stack(jacobians) * np.array([2.0, 0.5, 0.0, 1.0])[:, None]
    expected = np.sqrt(np.square(standardised).mean(axis=(0, 1)))
    np.testing.assert_allclose(fitted.latent_gradient(held_out, scale), expected, rtol=1e-4)
    monkeypatch.setattr(dense_engine, "_BLOCK", 7)
    np.testing.assert_allclose(fitted.latent_gradient(held_out, scale), expected, rtol=1e-4)


def test_dropout_keeps_the_mean_and_the_clean_rows() -> None:
    dropout = Dropout(0.3, torch.Generator().manual_seed(0))
    output = dropout(torch.ones(200, 500), 150)
    assert torch.equal(output[150:], torch.ones(50, 500))
    assert output[:150].unique().tolist() == pytest.approx([0, 1 / 0.7])
    # 75,000 draws: the standard error of the mean is sqrt(0.3 / 0.7 / 75,000) = 0.0024.
    assert output[:150].mean().item() == pytest.approx(1, abs=0.01)
    assert torch.equal(dropout.eval()(torch.ones(2, 3)), torch.ones(2, 3))


def test_gradient_of_a_step_ignores_the_inner_samples() -> None:
    train, inner, _ = _data()
    once = CONFIG.model_copy(update={"max_epochs": 3})
    first = train_autoencoder(train, inner, widths=WIDTHS, config=once, seed=1, device="cpu")
    second = train_autoencoder(train, inner * 3, widths=WIDTHS, config=once, seed=1, device="cpu")
    assert [entry.train_loss for entry in first[1]] == pytest.approx(
        [entry.train_loss for entry in second[1]], rel=1e-5
    )


def test_factors_are_learnt_and_noise_is_not() -> None:
    config = AutoencoderConfig(latent=4, max_epochs=500, patience=40, learning_rate=0.01, dropout=0.1)
    explained = {}
    for n_factors in (2, 0):
        train, inner, held_out = _data(3, n_features=300, n_factors=n_factors)
        fitted, _ = train_autoencoder(train, inner, widths=(32, 16), config=config, seed=1, device="cpu")
        explained[n_factors] = np.median(reconstruction_importance(fitted.squared_error(held_out), held_out))
    assert explained[2] > 0.5
    assert abs(explained[0]) < 0.1


def test_without_inner_samples_the_training_loss_decides() -> None:
    train = _data()[0]
    _, losses = train_autoencoder(train, train[:, :0], widths=WIDTHS, config=CONFIG, seed=1, device="cpu")
    assert {entry.inner_loss for entry in losses} == {None}


def test_products_in_bfloat16_keep_float32_weights_and_about_the_losses() -> None:
    (exact, losses), (rough, roughly) = _train(), _train(config=CONFIG.model_copy(update={"precision": "bfloat16"}))
    assert {value.dtype for value in rough.state().values()} == {torch.float32}
    assert losses != roughly
    # bfloat16 keeps eight bits: a relative error of 2^-8 = 0.004 a product.
    assert [entry.train_loss for entry in roughly] == pytest.approx([entry.train_loss for entry in losses], rel=0.02)
    assert not torch.equal(exact.state()["encoder.0.weight"], rough.state()["encoder.0.weight"])


@pytest.mark.parametrize(
    ("device", "precision", "used"),
    [("cuda", "auto", True), ("cpu", "auto", False), ("cuda", "float32", False), ("cpu", "bfloat16", True)],
)
def test_bfloat16_where_asked_for_and_by_itself_on_cuda(device: str, precision: Precision, used: bool) -> None:  # noqa: FBT001
    assert uses_bfloat16(device, precision) is used


def test_inputs_are_dropped_while_training_alone() -> None:
    network = MirroredAutoencoder(
        (40, 5, 3), dropout=0.0, input_dropout=0.5, generator=torch.Generator().manual_seed(0)
    )
    values = torch.ones(6, 40)
    trained, judged = network.train().encode(values, 4), network.eval().encode(values)
    assert not torch.isclose(trained[:4], judged[:4]).all(dim=1).any()
    assert torch.allclose(trained[4:], judged[4:])


def test_loss_that_is_not_finite() -> None:
    train, inner, _ = _data()
    with pytest.raises(TrainingError, match="the loss is not finite in epoch 1"):
        train_autoencoder(np.full_like(train, 3e38), inner, widths=WIDTHS, config=CONFIG, seed=1, device="cpu")


def test_the_engine_and_its_size_are_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "cairn.autoencoder"):
        _train()
    # (40+1)*12 + (12+1)*9 + (9+1)*4 + (4+1)*9 + (9+1)*12 + (12+1)*40 = 492+117+40+45+120+520 = 1,334
    assert "autoencoder 40-12-9-4, 1,334 parameters, engine dense" in caplog.text


def test_initial_weights_are_within_the_bounds_of_pytorch() -> None:
    network = MirroredAutoencoder((100, 8, 3), dropout=0.0, generator=torch.Generator().manual_seed(0))
    weight = network.state_dict()["encoder.0.weight"]
    assert weight.abs().max() <= 0.1
    # Uniform on (-0.1, 0.1): standard deviation 0.1 / sqrt(3) = 0.0577.
    assert weight.std().item() == pytest.approx(0.0577, rel=0.05)
