"""Integrated gradients: completeness, a linear network by hand, and the span engine against the dense one."""

import io

import numpy as np
import pytest
import torch

from configs.study import AutoencoderConfig, Engine
from models.autoencoder import decode_weights, train_autoencoder
from models.dense_engine import DenseAutoencoder
from models.engine import FittedAutoencoder
from models.integrated import attributions, integrated_gradients
from models.materialise import materialise
from models.networks import MirroredAutoencoder
from models.span_engine import SpanAutoencoder

CONFIG = AutoencoderConfig(latent=4, max_epochs=30, learning_rate=0.01)


def _fitted(engine: Engine) -> tuple[FittedAutoencoder, np.ndarray]:
    rng = np.random.default_rng(7)
    values = (rng.normal(size=(150, 3)) @ rng.normal(size=(3, 20)) + 0.3 * rng.normal(size=(150, 20))).astype(
        np.float32
    )
    config = CONFIG.model_copy(update={"engine": engine})
    fitted, _ = train_autoencoder(values[:, :12], values[:, 12:16], widths=(12, 9), config=config, seed=5, device="cpu")
    return fitted, values[:, 16:]


def _all_parts(fitted: FittedAutoencoder, scaled: np.ndarray, steps: int) -> np.ndarray:
    return np.concatenate([parts for _, parts in attributions(fitted, scaled, steps=steps)], axis=2)


@pytest.mark.parametrize("engine", ["span", "dense"])
def test_the_features_add_up_to_the_latents(engine: Engine) -> None:
    fitted, others = _fitted(engine)
    total = _all_parts(fitted, others, 400).sum(axis=2)
    expected = fitted.encode(others) - fitted.encode(np.zeros_like(others[:, :1]))
    # Each of 21 rectifiers bends the path once at most, and 400 points place a bend to about 1/400.
    np.testing.assert_allclose(total, expected, atol=0.02 * np.abs(expected).max())


def test_a_network_that_is_linear_on_the_path_by_hand() -> None:
    network = MirroredAutoencoder((3, 2, 1), dropout=0.0, generator=torch.Generator())
    first, last = network.encoder
    with torch.no_grad():
        first.weight[:] = torch.tensor([[1.0, 2.0, 0.0], [0.0, -1.0, 3.0]])
        first.bias[:] = 100.0
        last.weight[:] = torch.tensor([[2.0, -1.0]])
    fitted = DenseAutoencoder(network.eval().requires_grad_(False), "cpu")
    # dz/dx = 2 (1, 2, 0) - (0, -1, 3) = (2, 5, -3); times x.
    scaled = np.array([[1, 0.5], [2, np.nan], [-1, 1]], dtype=np.float32)
    np.testing.assert_allclose(_all_parts(fitted, scaled, 3)[:, 0], [[2, 10, 3], [1, 0, -3]], rtol=1e-5)
    found = integrated_gradients(fitted, scaled, np.array([2.0]), steps=3)
    np.testing.assert_allclose(found, np.sqrt([(1 + 0.25) / 2, 25 / 2, (2.25 + 2.25) / 2]), rtol=1e-5)
    assert not integrated_gradients(fitted, scaled, np.zeros(1), steps=3).any()


def test_half_of_the_path_counts_half() -> None:
    # z = relu(x - 1) at x = 2: the slope is 0 up to half of the path and 1 beyond, so the mean is 1/2 and z is 1.
    network = MirroredAutoencoder((1, 1, 1), dropout=0.0, generator=torch.Generator())
    with torch.no_grad():
        network.encoder[0].weight[:], network.encoder[0].bias[:] = 1.0, -1.0
        network.encoder[1].weight[:] = 1.0
    fitted = DenseAutoencoder(network.eval().requires_grad_(False), "cpu")
    scaled = np.array([[2.0]], dtype=np.float32)
    np.testing.assert_allclose(_all_parts(fitted, scaled, 50), [[[1.0]]], atol=0.05)
    assert fitted.latent_gradient(scaled, np.ones(1)) == pytest.approx([1.0])


def test_span_and_dense_agree() -> None:
    fitted, others = _fitted("span")
    assert isinstance(fitted, SpanAutoencoder)
    others[5, 2] = np.nan
    sink = io.BytesIO()
    materialise(fitted, sink)
    dense = decode_weights(sink.getvalue())
    scale = np.array([0.5, 2.0, 0.0, 1.0])
    one, other = (integrated_gradients(network, others, scale, steps=20) for network in (fitted, dense))
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5 * other.max())
    np.testing.assert_allclose(fitted.decode(fitted.encode(others)), dense.decode(dense.encode(others)), atol=1e-4)
    assert _all_parts(fitted, others, 20)[2, :, 5].max() == 0
