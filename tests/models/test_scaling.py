import numpy as np
from scipy.stats import zscore

from models.scaling import Scaler, standardise


def test_equals_scipy_where_nothing_is_missing() -> None:
    values = np.random.default_rng(0).normal(5, 3, size=(30, 8)).astype(np.float32)
    np.testing.assert_allclose(Scaler.fit(values).apply(values), zscore(values, axis=1, ddof=0), atol=2e-6)


def test_training_statistics_alone_count() -> None:
    # Training values 1 and 3: mean 2, standard deviation 1; so 7 becomes (7 - 2) / 1 = 5.
    scaler = Scaler.fit(np.array([[1, 3]], dtype=np.float32))
    np.testing.assert_array_equal(scaler.apply(np.array([[7, 2]], dtype=np.float32)), [[5, 0]])


def test_missing_values_become_the_training_mean() -> None:
    train = np.array([[1, np.nan, 3], [np.nan, np.nan, np.nan]], dtype=np.float32)
    scaler = Scaler.fit(train)
    np.testing.assert_array_equal(scaler.mean, [2, 0])
    np.testing.assert_array_equal(scaler.scale, [1, 1])
    np.testing.assert_array_equal(scaler.apply(train), [[-1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(scaler.apply(train, keep_missing=True)[0], [-1, np.nan, 1])
    np.testing.assert_array_equal(scaler.apply(np.array([[2], [4]], dtype=np.float32)), [[0], [0]])


def test_feature_that_is_constant_in_training_is_not_used() -> None:
    scaler = Scaler.fit(np.full((1, 7), 0.1, dtype=np.float32))
    assert (scaler.scale[0], scaler.usable[0]) == (1, False)
    np.testing.assert_array_equal(scaler.apply(np.array([[1.1]], dtype=np.float32)), [[0]])


def test_features_missing_too_often_in_training_are_not_used() -> None:
    # Missing in 1, 2 and 3 of 4 training samples; half may be missing.
    train = np.array([[1, 2, 3, np.nan], [1, 2, np.nan, np.nan], [1, np.nan, np.nan, np.nan]], dtype=np.float32)
    assert Scaler.fit(train, max_missing=0.5).usable.tolist() == [True, True, False]
    assert Scaler.fit(train).usable.tolist() == [True, True, False]  # one value does not vary
    held_out = np.array([[5], [5], [5]], dtype=np.float32)
    assert Scaler.fit(train, max_missing=0.25).apply(held_out)[1:].tolist() == [[0], [0]]


def test_output_is_float32() -> None:
    values = np.ones((2, 3), dtype=np.float32)
    assert Scaler.fit(values).apply(values).dtype == np.float32


def test_missing_values_stay_missing_when_standardised() -> None:
    features = np.array([[1, np.nan], [3, np.nan], [np.nan, 6]], dtype=np.float32)
    scaled = standardise(features, np.array([True, True, False]))
    np.testing.assert_array_equal(scaled, [[-1, np.nan], [1, np.nan], [np.nan, 0]])


def test_standardised_by_training_samples_alone() -> None:
    features = np.array([[1, 5], [3, 5], [9, 6]], dtype=np.float32)
    # Training mean 2 and deviation 1; the second dimension is constant in training and keeps its unit.
    assert standardise(features, np.array([True, True, False])).tolist() == [[-1, 0], [1, 0], [7, 1]]
