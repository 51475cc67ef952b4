import numpy as np
import pytest
from scipy.optimize import minimize

from models.weight_fit import PRIOR_BAITS, SHRINKAGE, fitted_weights

EVEN = np.full(3, 1 / 3)
BAITS = np.arange(12)


def planted(seed, shifts, n_genes=3_000, n_baits=12):
    """Exponential features, as log-tail ranks are, with the baits shifted."""
    features = np.random.default_rng(seed).exponential(size=(len(shifts), n_genes))
    features[:, :n_baits] += np.array(shifts)[:, None]
    return features


def test_the_discriminant_is_the_minimum_that_a_general_solver_finds():
    features = planted(0, [2.0, 1.0, 1.5])
    prior = np.array([0.2, 0.7, 0.1])
    covariance = np.cov(features)
    matrix = covariance + SHRINKAGE * np.trace(covariance) / 3 * np.eye(3)
    difference = features[:, BAITS].mean(axis=1) - features.mean(axis=1)
    expected = prior @ difference / (prior @ matrix @ prior) * matrix @ prior
    held = (12 * difference + PRIOR_BAITS * expected) / (12 + PRIOR_BAITS)
    found = minimize(lambda w: w @ matrix @ w / 2 - w @ held, EVEN, bounds=[(0, None)] * 3, tol=1e-12).x
    np.testing.assert_allclose(fitted_weights(features, BAITS, prior), found / found.sum(), atol=1e-4)


def test_useless_evidence_mostly_gets_nothing_and_useful_evidence_stays():
    weights = np.array([fitted_weights(planted(seed, [2.0, 0.0, 1.5]), BAITS, EVEN) for seed in range(40)])
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert (weights[:, [0, 2]] > 0.1).all()
    assert (weights[:, 1] == 0).mean() > 0.6
    assert weights[:, 1].mean() < 0.05


def test_evidence_against_the_baits_gets_nothing():
    assert fitted_weights(planted(1, [-1.0, 2.0, -0.8]), BAITS, EVEN).tolist() == [0, 1, 0]


def test_one_evidence_stays_where_none_helps():
    weights = fitted_weights(planted(2, [-0.9, -0.2, -0.8]), BAITS, EVEN)
    assert weights.tolist() == [0, 1, 0]


def test_evidence_that_does_not_vary_gets_nothing():
    features = planted(3, [2.0, 1.0, 1.5])
    features[1] = 0.5
    assert fitted_weights(features, BAITS, EVEN)[1] == 0
    np.testing.assert_array_equal(fitted_weights(np.zeros((3, 50)), BAITS, EVEN), EVEN)


def test_few_baits_stay_nearer_to_the_weights_given():
    prior = np.array([0.1, 0.1, 0.8])
    distance = {
        count: np.mean(
            [
                abs(fitted_weights(planted(s, [2, 2, 2], n_baits=count), np.arange(count), prior) - prior).sum()
                for s in range(30)
            ]
        )
        for count in (5, 60)
    }
    assert distance[5] < distance[60]


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2, 0]])
def test_the_order_of_evidence_and_of_baits_does_not_matter(order):
    features = planted(4, [2.0, 0.1, 1.0])
    prior = np.array([0.5, 0.3, 0.2])
    weights = fitted_weights(features, BAITS, prior)
    np.testing.assert_allclose(fitted_weights(features[order], BAITS[::-1], prior[order]), weights[order], atol=1e-10)
