"""Attribution and perturbation: gradients by difference, planted genes, rotation of the latents, absent samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from configs.study import AutoencoderConfig, Engine
from models.autoencoder import train_autoencoder
from models.engine import FittedAutoencoder
from models.networks import MirroredAutoencoder
from models.scaling import Scaler
from models.span_engine import SpanAutoencoder
from models.target_evidence import (
    ATTRIBUTION,
    METHODS,
    PERTURBATION,
    Fit,
    LayerFit,
    explain_targets,
    mean_gradient,
    target_axis,
)

GROUPS = np.repeat(np.arange(10), 3)
NAMES = [f"group {number}" for number in GROUPS]
N_GENES, N_PLANTED = 600, 100
HELD_OUT = GROUPS % 5 == 0
TRAIN = ~HELD_OUT & (GROUPS % 5 != 1)


def _layer(values: np.ndarray, engine: Engine = "span", **settings: float) -> LayerFit:
    values = values.astype(np.float32)
    scaler = Scaler.fit(values[:, TRAIN])
    scaled, inner = scaler.apply(values), ~HELD_OUT & ~TRAIN
    config = AutoencoderConfig(engine=engine, latent=12, learning_rate=0.01).model_copy(update=settings)
    fitted, _ = train_autoencoder(
        scaled[:, TRAIN], scaled[:, inner], widths=(48, 24), config=config, seed=1, device="cpu"
    )
    return LayerFit(fitted, scaler.apply(values, keep_missing=True))


@pytest.fixture(scope="module")
def planted() -> tuple[LayerFit, LayerFit]:
    """Return genes and metabolites that follow four activities; 100 genes and 12 metabolites the first."""
    rng = np.random.default_rng(2)
    activity = rng.normal(size=(4, 10))[:, GROUPS] + 0.3 * rng.normal(size=(4, 30))

    def table(n_rows: int, n_own: int) -> np.ndarray:
        loading = np.where(np.arange(4) == rng.integers(1, 4, size=(n_rows, 1)), 2.0, 0.0)
        loading[:n_own] = [2.0, 0, 0, 0]
        return loading @ activity + rng.normal(size=(n_rows, 30))

    genes, metabolites = table(N_GENES, N_PLANTED), table(60, 12)
    metabolites[1] *= -1  # a precursor
    return _layer(genes), _layer(metabolites)


def _auc(score: np.ndarray) -> float:
    ranks = rankdata(score)[:N_PLANTED]
    return float((ranks.mean() - (N_PLANTED + 1) / 2) / (N_GENES - N_PLANTED))


def test_planted_genes_are_found_where_correlation_is_not_asked(planted: tuple[LayerFit, LayerFit]) -> None:
    rows = {"pathway": np.arange(3), "all": np.arange(60)}
    found = explain_targets(*planted, rows, held_out=HELD_OUT, groups=NAMES)
    for method in METHODS:
        assert _auc(found["pathway"].scores[method]) > 0.9
        assert 0 < 1 - found["pathway"].fits[method].squared_error / found["pathway"].fits[method].total_square < 1
        assert found["pathway"].fits[method].n_samples == HELD_OUT.sum()
        assert np.isfinite(found["all"].scores[method]).all()
    assert found["all"].fits[PERTURBATION] == found["pathway"].fits[PERTURBATION]


def test_noise_is_not_predicted(planted: tuple[LayerFit, LayerFit]) -> None:
    genes, metabolites = planted
    noise = replace(metabolites, scaled=np.random.default_rng(0).normal(size=(60, 30)).astype(np.float32))
    fit = explain_targets(genes, noise, {"t": np.arange(1)}, held_out=HELD_OUT, groups=NAMES)["t"].fits
    for method in METHODS:
        assert 1 - fit[method].squared_error / fit[method].total_square < 0.1


def test_axis_averages_what_goes_together_and_turns_what_does_not() -> None:
    rng = np.random.default_rng(1)
    one = rng.normal(size=20).astype(np.float32)
    np.testing.assert_allclose(target_axis(one[None]), [1.0])
    np.testing.assert_allclose(target_axis(np.stack([one, one, one])), [1, 1, 1], rtol=1e-6)
    np.testing.assert_allclose(target_axis(np.stack([one, -one, one])), [1, -1, 1], rtol=1e-6)
    assert not target_axis(np.ones((3, 5), dtype=np.float32)).any()
    assert np.square(target_axis(rng.normal(size=(500, 9)).astype(np.float32))).sum() == pytest.approx(500)


def _differences(fitted: FittedAutoencoder, scaled: np.ndarray, feature: int) -> np.ndarray:
    """Return the mean change of the latents for a small change of one feature, per unit."""
    step = np.zeros_like(scaled)
    step[feature] = 1e-2
    return (fitted.encode(scaled + step) - fitted.encode(scaled - step)).mean(axis=0) / 2e-2


@pytest.mark.parametrize("engine", ["span", "dense"])
def test_mean_gradient_against_differences(engine: Engine) -> None:
    layer = _layer(np.random.default_rng(4).normal(size=(40, 30)), engine)
    gradient = mean_gradient(layer.fitted, layer.scaled[:, HELD_OUT])
    assert gradient.shape == (12, 40)
    for feature in (0, 17, 39):
        expected = _differences(layer.fitted, layer.scaled[:, HELD_OUT], feature)
        np.testing.assert_allclose(gradient[:, feature], expected, atol=0.02 * np.abs(gradient).max())


def _turned(layer: LayerFit) -> LayerFit:
    """Return the layer with its latents rotated and nothing else changed."""
    assert isinstance(layer.fitted, SpanAutoencoder)
    network = layer.fitted.network
    latent = network.encoder[-1].out_features
    rotation = torch.from_numpy(np.linalg.qr(np.random.default_rng(9).normal(size=(latent, latent)))[0]).float()
    sizes = (layer.fitted.basis.rank, *(part.out_features for part in network.encoder))
    other = MirroredAutoencoder(sizes, dropout=0.0, generator=torch.Generator()).eval().requires_grad_(False)
    other.load_state_dict(network.state_dict())
    last, first = other.encoder[-1], other.decoder[0]
    last.weight[:], last.bias[:] = rotation @ last.weight, rotation @ last.bias
    first.weight[:] = first.weight @ rotation.T
    return replace(layer, fitted=replace(layer.fitted, network=other))


def test_rotating_the_latents_changes_nothing(planted: tuple[LayerFit, LayerFit]) -> None:
    genes, metabolites = planted
    target = {"pathway": np.arange(3)}
    one, other = (
        explain_targets(layers[0], layers[1], target, held_out=HELD_OUT, groups=NAMES)["pathway"]
        for layers in (planted, (_turned(genes), _turned(metabolites)))
    )
    for method in METHODS:
        size = np.abs(one.scores[method]).max()
        np.testing.assert_allclose(other.scores[method], one.scores[method], atol=2e-3 * size)
        assert other.fits[method].squared_error == pytest.approx(one.fits[method].squared_error, rel=1e-3)


def test_without_the_samples_there_is_no_score(planted: tuple[LayerFit, LayerFit]) -> None:
    nobody = np.zeros(30, dtype=bool)
    for held_out in (nobody, ~nobody):
        found = explain_targets(*planted, {"t": np.arange(3)}, held_out=held_out, groups=NAMES)["t"]
        assert all(np.isnan(found.scores[method]).all() and found.fits[method] == Fit() for method in METHODS)


def test_missing_and_constant_metabolites(planted: tuple[LayerFit, LayerFit]) -> None:
    genes, metabolites = planted
    holed = metabolites.scaled.copy()
    holed[0, HELD_OUT], holed[1], holed[2, ~HELD_OUT] = np.nan, np.nan, 0.0
    rows = {"unmeasured": np.array([1]), "not held out": np.array([0]), "constant": np.array([2])}
    found = explain_targets(genes, replace(metabolites, scaled=holed), rows, held_out=HELD_OUT, groups=NAMES)
    assert np.isnan(found["unmeasured"].scores[ATTRIBUTION]).all()
    assert np.isnan(found["constant"].scores[PERTURBATION]).all()
    assert found["not held out"].fits[ATTRIBUTION].n_samples == 0
