"""Reconstruction against permuted genes: exact where it can be, and calibrated on planted genes."""

import numpy as np
import pytest
from scipy.stats import kstest

from configs.study import AutoencoderConfig, Engine
from models import reconstruction_null as module
from models.autoencoder import train_autoencoder
from models.importance import reconstruction_importance
from models.reconstruction_null import HeldOut, reconstruction_null
from models.scaling import Scaler
from models.significance import group_permutations

GROUPS = np.repeat(np.arange(8), 3)
N_PLANTED, N_NOISE = 400, 1500


def _planted() -> np.ndarray:
    """Return genes that follow two factors of the groups, then genes of pure noise that replicates share in part."""
    rng = np.random.default_rng(5)
    factors = rng.normal(size=(2, 8))[:, GROUPS] + 0.3 * rng.normal(size=(2, 24))
    planted = rng.normal(size=(N_PLANTED, 2)) @ factors + 0.5 * rng.normal(size=(N_PLANTED, 24))
    noise = rng.normal(size=(N_NOISE, 8))[:, GROUPS] + rng.normal(size=(N_NOISE, 24))
    return np.concatenate([planted, noise]).astype(np.float32)


def _folds(values: np.ndarray, engine: Engine = "span", *, stops_early: bool = True) -> list[HeldOut]:
    folds = []
    config = AutoencoderConfig(engine=engine, latent=8, max_epochs=300 if stops_early else 60, learning_rate=3e-3)
    for number in range(4):
        held_out, inner = number == GROUPS % 4, (number + 1) % 4 == GROUPS
        train = ~held_out & ~inner
        scaled = Scaler.fit(values[:, train]).apply(values)
        fitted, _ = train_autoencoder(
            scaled[:, train],
            scaled[:, inner & stops_early],
            widths=(48, 24),
            config=config,
            seed=number,
            device="cpu",
        )
        reconstructed = fitted.decode(fitted.encode(scaled[:, held_out]))
        folds.append(HeldOut(np.flatnonzero(train), np.flatnonzero(held_out), reconstructed))
    return folds


@pytest.fixture(scope="module")
def planted() -> tuple[np.ndarray, list[HeldOut]]:
    values = _planted()
    return values, _folds(values)


def _draws(count: int = 200) -> np.ndarray:
    return group_permutations([str(group) for group in GROUPS], count=count, seed=1)


def test_planted_genes_stand_out_and_noise_has_uniform_p(planted: tuple[np.ndarray, list[HeldOut]]) -> None:
    values, folds = planted
    null = reconstruction_null(values, [folds], _draws())
    assert (null.p[:N_PLANTED] <= 0.05).mean() > 0.5
    noise = null.p[N_PLANTED:]
    assert kstest(noise, "uniform").pvalue > 0.01
    assert (noise <= 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert null.expected[N_PLANTED:].mean() == pytest.approx(null.observed[N_PLANTED:].mean(), abs=0.01)


@pytest.mark.parametrize("engine", ["span", "dense"])
def test_observed_is_the_explained_variance_of_all_held_out_samples(engine: Engine) -> None:
    values = _planted()[350:550]
    values[3, :12] = 1.0  # constant in some folds
    folds = _folds(values, engine)
    scaled = [Scaler.fit(values[:, fold.train]).apply(values[:, fold.held_out]) for fold in folds]
    pooled = np.concatenate(scaled, axis=1)
    error = np.square(pooled - np.concatenate([fold.reconstructed for fold in folds], axis=1)).sum(axis=1)
    expected = reconstruction_importance(error.astype(np.float64), pooled)
    np.testing.assert_allclose(reconstruction_null(values, [folds], _draws(2)).observed, expected, atol=1e-5)


def test_a_permuted_gene_is_predicted_as_a_training_with_it_would(planted: tuple[np.ndarray, list[HeldOut]]) -> None:
    """Trained anew with one of 1,900 genes permuted, the network explains as much of that gene as the null says.

    Trainings have a fixed length here: early stopping may end a training elsewhere for the least of changes.
    """
    values = planted[0]
    order = _draws(1)[0]
    expected = reconstruction_null(values, [_folds(values, stops_early=False)], order[None]).expected
    for gene in (7, 8):
        changed = values.copy()
        changed[gene] = values[gene, order]
        folds = _folds(changed, stops_early=False)
        refitted = reconstruction_null(changed, [folds], np.arange(24)[None]).observed[gene]
        np.testing.assert_allclose(expected[gene], refitted, atol=0.05)


def test_blocks_repeats_and_missing_values(
    planted: tuple[np.ndarray, list[HeldOut]], monkeypatch: pytest.MonkeyPatch
) -> None:
    values, folds = planted
    whole = reconstruction_null(values, [folds], _draws(20))
    twice = reconstruction_null(values, [folds, folds], _draws(20))
    np.testing.assert_allclose(twice.observed, whole.observed)
    np.testing.assert_array_equal(twice.p, whole.p)
    monkeypatch.setattr(module, "_BLOCK", 77)
    blocked = reconstruction_null(values, [folds], _draws(20))
    np.testing.assert_allclose(blocked.expected, whole.expected, atol=1e-5)
    holed = values.copy()
    holed[0, 4], holed[1] = np.nan, np.nan
    found = reconstruction_null(holed, [folds], _draws(20))
    assert np.isfinite(found.p[0])
    assert np.isnan([found.observed[1], found.expected[1], found.p[1]]).all()


def test_nothing_held_out_is_nothing_known() -> None:
    null = reconstruction_null(np.ones((3, 4), dtype=np.float32), [[], []], np.arange(4)[None])
    assert np.isnan([null.observed, null.expected, null.p]).all()
