import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import basis
from models.basis import SpanBasis


def _centred(seed: int, n_features: int, n_samples: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(n_features, n_samples))
    return (values - values.mean(axis=1, keepdims=True)).astype(np.float32)


@given(seed=st.integers(0, 2**32 - 1), n_features=st.integers(1, 60), n_samples=st.integers(2, 12))
def test_axes_are_orthonormal_and_hold_every_training_sample(seed: int, n_features: int, n_samples: int) -> None:
    values = _centred(seed, n_features, n_samples)
    found = SpanBasis.fit(values)
    assert found.rank == np.linalg.matrix_rank(values.astype(float), tol=1e-4)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(found.rank), atol=2e-5)
    np.testing.assert_allclose(found.vectors @ found.coordinates(values) * found.unit, values, atol=2e-4)


def test_singular_values_are_those_of_the_matrix() -> None:
    values = _centred(3, 50, 9)
    found = SpanBasis.fit(values)
    lengths = np.linalg.norm(found.coordinates(values) * found.unit, axis=1)
    np.testing.assert_allclose(lengths, np.linalg.svd(values.astype(float), compute_uv=False)[:8], rtol=1e-5)


def test_coordinates_have_mean_square_one_on_the_training_samples() -> None:
    values = _centred(1, 300, 10)
    found = SpanBasis.fit(values)
    assert np.square(found.coordinates(values)).mean() == pytest.approx(1, rel=1e-5)


def test_copies_of_samples_and_constant_features_add_no_direction() -> None:
    values = _centred(2, 80, 6)
    twice = np.concatenate([values, values], axis=1)
    twice[7] = 0
    assert SpanBasis.fit(twice).rank == 5
    assert SpanBasis.fit(np.zeros((4, 3), dtype=np.float32)).rank == 0


def test_small_directions_keep_their_axis_orthogonal() -> None:
    values = _centred(5, 400, 8)
    axes, lengths, weights = np.linalg.svd(values.astype(float), full_matrices=False)
    lengths[-3:] = lengths[0] * np.array([1e-2, 1e-3, 1e-7])
    found = SpanBasis.fit(((axes * lengths) @ weights).astype(np.float32))
    assert found.rank == 7
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(7), atol=1e-4)


def test_the_sign_of_an_axis_does_not_depend_on_chance() -> None:
    values = _centred(4, 30, 5)
    one, other = SpanBasis.fit(values), SpanBasis.fit(np.ascontiguousarray(values[::-1]))
    np.testing.assert_allclose(one.vectors, other.vectors[::-1], atol=1e-5)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values, held_out = _centred(6, 100, 7), _centred(7, 100, 3)
    whole = SpanBasis.fit(values)
    monkeypatch.setattr(basis, "BLOCK", 9)
    blocked = SpanBasis.fit(values)
    np.testing.assert_allclose(blocked.vectors, whole.vectors, atol=1e-6)
    np.testing.assert_allclose(blocked.coordinates(held_out), whole.coordinates(held_out), atol=1e-6)


def test_missing_values_count_as_the_training_mean() -> None:
    found, held_out = SpanBasis.fit(_centred(8, 40, 6)), _centred(9, 40, 2)
    holes, filled = held_out.copy(), held_out.copy()
    holes[3, 1], filled[3, 1] = np.nan, 0
    np.testing.assert_array_equal(found.coordinates(holes), found.coordinates(filled))
