import numpy as np
import pytest
from scipy.stats import norm, spearmanr
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from models.layer import Layer
from models.parquet import encode_frame
from models.quality import density, feature_missing, principal_scores, sample_correlation, sample_quality

RNG = np.random.default_rng(3)
VALUES = RNG.normal(size=(60, 7)).astype(np.float32)


def layer_of(values) -> Layer:
    values = np.array(values, dtype=np.float32)
    features, samples = (
        tuple(f"{kind}{i}" for i in range(size)) for kind, size in zip("fs", values.shape, strict=True)
    )
    return Layer("genes", values, features, samples)


def test_sample_quality_by_hand():
    raw = layer_of([[1, 0, 3], [2, 0, np.nan], [4, 6, 5], [8, 9, 7]])
    table = sample_quality(raw, raw)
    assert table["library_size"].tolist() == [15, 15, 15]
    assert table["features_detected"].tolist() == [4, 2, 3]
    assert table["missing_share"].tolist() == [0, 0, 0.25]
    assert table["zero_share"].tolist() == [0, 0.5, 0]
    assert table["median"].tolist() == [3, 3, 5]
    assert table["mean_correlation"].tolist() == pytest.approx([1, 1, 1])  # rows 1, 3 and 4 rise in every sample
    assert feature_missing(raw).tolist() == [0, pytest.approx(1 / 3), 0, 0]
    assert encode_frame(table, "qc")


def test_quality_without_enough_complete_features_has_no_correlation():
    raw = layer_of([[1, np.nan], [np.nan, 2], [3, 4], [np.nan, 1]])
    table = sample_quality(raw, layer_of([[1, np.nan], [2, np.nan], [3, np.nan]]))
    assert table["mean_correlation"].isna().all()
    assert table["median"].isna().tolist() == [False, True]
    assert encode_frame(table, "qc")


def test_correlation_equals_scipy():
    tied = np.round(VALUES, 0)
    np.testing.assert_allclose(sample_correlation(tied), spearmanr(tied).statistic, atol=1e-12)
    holes = VALUES.copy()
    holes[[3, 9], [0, 4]] = np.nan
    complete = np.delete(VALUES, [3, 9], axis=0)
    np.testing.assert_allclose(sample_correlation(holes), spearmanr(complete).statistic, atol=1e-12)


def test_constant_sample_has_no_correlation_and_spoils_no_other():
    values = VALUES.copy()
    values[:, 2] = 1
    correlation = sample_correlation(values)
    assert np.isnan(correlation[2]).all()
    mean = sample_quality(layer_of(values), layer_of(values))["mean_correlation"].to_numpy()
    rest = np.delete(np.arange(7), 2)
    expected = (spearmanr(values[:, rest]).statistic.sum(axis=1) - 1) / 5
    np.testing.assert_allclose(mean[rest], expected, atol=1e-12)
    assert np.isnan(mean[2])


def test_density_of_normal_values():
    values = np.random.default_rng(0).normal(size=(20_000, 2))
    values[:, 1] = 4 + 2 * values[:, 1]
    x, curves = density(values, points=300)
    assert (x.shape, curves.shape) == ((300,), (2, 300))
    assert np.abs(curves[0] - norm.pdf(x)).max() < 0.02
    assert np.abs(curves[1] - norm.pdf(x, 4, 2)).max() < 0.02
    np.testing.assert_allclose(np.trapezoid(curves, x, axis=1), 1, atol=0.01)


def test_density_without_two_values_is_missing():
    x, curves = density(np.array([[1.0, 2.0, np.nan], [1.0, 3.0, np.nan], [1.0, 4.0, np.nan]]))
    assert np.isfinite(x).all()
    assert np.isnan(curves).all(axis=1).tolist() == [True, False, True]
    assert np.isnan(density(np.full((2, 1), np.nan))[0]).all()


def test_principal_scores_equal_sklearn():
    scores, explained = principal_scores(VALUES, components=3)
    standard = StandardScaler().fit_transform(VALUES.T.astype(float))
    pca = PCA(3).fit(standard)
    np.testing.assert_allclose(np.abs(scores), np.abs(pca.transform(standard)), atol=1e-8)
    np.testing.assert_allclose(explained, pca.explained_variance_ratio_, atol=1e-10)
    assert (scores[np.abs(scores).argmax(axis=0), range(3)] > 0).all()


def test_principal_scores_ignore_constant_features_and_fill_means():
    constant = np.vstack([VALUES, np.full((5, 7), 0.1, dtype=np.float32)])
    np.testing.assert_allclose(principal_scores(constant)[0], principal_scores(VALUES)[0], atol=1e-8)
    holes, filled = VALUES.astype(float), VALUES.astype(float)
    holes[0, 0] = np.nan
    filled[0, 0] = VALUES[0, 1:].astype(float).mean()
    np.testing.assert_allclose(principal_scores(holes)[0], principal_scores(filled)[0], atol=1e-8)


def test_principal_scores_of_nothing_that_varies():
    scores, explained = principal_scores(np.ones((4, 3)), components=5)
    assert scores.tolist() == np.zeros((3, 3)).tolist()
    assert explained.tolist() == [0, 0, 0]
