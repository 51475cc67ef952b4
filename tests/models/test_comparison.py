import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from models.basis import SpanBasis, principal_scores
from models.comparison import comparison_predictions
from models.methods import LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS, PRINCIPAL_COMPONENTS
from models.scaling import Scaler


def _two_clouds(n: int = 20, distance: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    codes = np.arange(n) % 2
    features = np.random.default_rng(0).normal(size=(n, 3)) + distance * codes[:, None]
    return features.astype(np.float32), codes.astype(np.int64)


def test_clouds_are_told_apart_by_all_but_the_majority() -> None:
    features, codes = _two_clouds()
    train = np.arange(20) < 15  # eight of class 0, seven of class 1
    predictions = comparison_predictions(features, features, train, ~train, codes)
    assert list(predictions) == [MAJORITY, NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION, PRINCIPAL_COMPONENTS]
    assert predictions[MAJORITY].codes.tolist() == [0] * 5
    assert predictions[MAJORITY].probability == pytest.approx(8 / 15)
    for method in (NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION, PRINCIPAL_COMPONENTS):
        assert predictions[method].codes.tolist() == codes[15:].tolist()
    assert predictions[NEAREST_NEIGHBOURS].probability.tolist() == [1] * 5


def test_labels_of_held_out_samples_are_not_read() -> None:
    features, codes = _two_clouds(distance=1.0)
    train = np.arange(20) < 15
    one = comparison_predictions(features, features, train, ~train, codes)
    other = comparison_predictions(features, features, train, ~train, np.where(train, codes, 0))
    for method, prediction in one.items():
        np.testing.assert_array_equal(prediction.codes, other[method].codes)


def test_single_class_few_samples_and_no_label() -> None:
    features, codes = _two_clouds(6)
    train = np.arange(6) < 4
    single = comparison_predictions(features, features, train, ~train, np.ones(6, dtype=np.int64))
    assert all(prediction.codes.tolist() == [1, 1] for prediction in single.values())
    assert all(prediction.probability.tolist() == [1, 1] for prediction in single.values())
    assert set(comparison_predictions(features, features, train, ~train, codes)) == set(single)
    assert comparison_predictions(features, features, train, ~train, np.full(6, -1)) == {}
    assert comparison_predictions(features, features, train, np.zeros(6, dtype=bool), codes) == {}


def test_regression_on_all_principal_components_is_regression_on_the_scaled_inputs() -> None:
    """The penalty is invariant to rotation, so full scores give the same probabilities as the features themselves."""
    rng = np.random.default_rng(1)
    codes = np.arange(24) % 3
    values = (rng.normal(size=(200, 24)) + 0.5 * codes * rng.normal(size=(200, 1))).astype(np.float32)
    train = np.arange(24) < 18
    scaled = Scaler.fit(values[:, train]).apply(values)
    basis = SpanBasis.fit(scaled[:, train])
    scores = principal_scores(scaled[:, train], scaled)
    ours = comparison_predictions(scores, scores, train, ~train, codes)[PRINCIPAL_COMPONENTS]
    inputs = scaled.T / basis.unit
    theirs = LogisticRegression(C=1.0, max_iter=10_000, tol=1e-8).fit(inputs[train], codes[train])
    expected = theirs.predict_proba(inputs[~train])
    np.testing.assert_array_equal(ours.codes, expected.argmax(axis=1))
    np.testing.assert_allclose(ours.probability, expected.max(axis=1), atol=2e-3)
