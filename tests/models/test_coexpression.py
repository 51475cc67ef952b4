import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from models.coexpression import Whitening, ranked_unit_rows, unit_rows


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260607)


def test_inner_products_are_the_correlations_of_scipy(rng):
    expression = rng.normal(size=(6, 9))
    unit, ranked = unit_rows(expression), ranked_unit_rows(expression)
    np.testing.assert_allclose(unit @ unit.T, np.corrcoef(expression), atol=1e-6)
    np.testing.assert_allclose(ranked @ ranked.T, stats.spearmanr(expression, axis=1).statistic, atol=1e-6)


def test_missing_expression_counts_as_the_mean_of_the_gene(rng):
    expression = rng.normal(size=(4, 9))
    filled = expression.copy()
    expression[2, 5] = np.nan
    filled[2, 5] = np.nanmean(expression[2])
    np.testing.assert_allclose(unit_rows(expression), unit_rows(filled), atol=1e-6)


def test_constant_genes_are_all_zero_in_every_space(rng):
    expression = rng.normal(size=(12, 7)).astype(np.float32)
    expression[3] = 0.1
    unit = unit_rows(expression)
    whitened = Whitening.of(unit, 0.1).apply(unit)
    for rows in (unit, ranked_unit_rows(expression), whitened):
        assert np.flatnonzero((rows == 0).all(axis=1)).tolist() == [3]


def test_whitening_without_a_ridge_is_that_of_principal_components(rng):
    expression = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 8)) + 0.3 * rng.normal(size=(300, 8))
    unit = unit_rows(expression)
    whitened = Whitening.of(unit, 1e-9).apply(unit)
    # Centred genes leave one direction of the samples without variance; what lies there is rounding.
    scores = PCA(7, whiten=True).fit_transform(unit)
    cosines = scores @ scores.T / np.outer(*[np.linalg.norm(scores, axis=1)] * 2)
    np.testing.assert_allclose(whitened @ whitened.T, cosines, atol=2e-3)


def test_a_large_ridge_leaves_the_angles_between_genes_as_they_are(rng):
    unit = unit_rows(rng.normal(size=(200, 6)))
    centred = unit - unit.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    whitened = Whitening.of(unit, 1e6).apply(unit)
    np.testing.assert_allclose(whitened @ whitened.T, centred @ centred.T, atol=1e-5)


def test_the_discriminant_is_that_of_linear_discriminant_analysis_by_hand(rng):
    unit = unit_rows(rng.normal(size=(50, 5)))
    z = unit * np.sqrt(5)
    mean, covariance = z.mean(axis=0), np.cov(z.T, bias=True)
    ridge = 0.1 * np.trace(covariance) / 5
    direction = np.linalg.solve(covariance + ridge * np.eye(5), z[[4, 9]].mean(axis=0) - mean)
    found = Whitening.of(unit, 0.1).discriminant(unit, unit[[4, 9]])
    np.testing.assert_allclose(found.mean(axis=1), z @ direction, rtol=1e-5)
