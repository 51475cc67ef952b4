"""Quality of samples and features, as numbers and as the coordinates of figures."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import gaussian_kde, rankdata

from models.layer import Layer

Values = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Array = npt.NDArray[np.float64]

MIN_COMPLETE_FEATURES = 3
"""Features without missing values that a correlation between samples needs."""
DENSITY_VALUES = 2000
"""Values of a sample that a density is estimated from."""
_SHOWN = (0.0005, 0.9995)  # quantiles between which a density is drawn
_ROUNDING = 1e-10  # below this share of its largest value a feature's spread is rounding


def sample_quality(raw: Layer, prepared: Layer) -> pd.DataFrame:
    """Describe each sample.

    Parameters
    ----------
    raw : Layer
        Values as given.
    prepared : Layer
        Prepared values of the same samples.

    Returns
    -------
    DataFrame
        Contract `qc`, one row a sample. mean_correlation is the mean Spearman correlation with the other samples.
    """
    given, ready = np.asarray(raw.values), np.asarray(prepared.values)
    with_values = ~np.isnan(ready).all(axis=0)
    median = np.full(len(raw.sample_ids), np.nan)
    median[with_values] = np.nanmedian(ready[:, with_values], axis=0)
    return pd.DataFrame(
        {
            "layer": raw.name,
            "sample_id": pd.Series(raw.sample_ids, dtype="str"),
            "library_size": np.nansum(given, axis=0, dtype=np.float64),
            "features_detected": (given > 0).sum(axis=0),
            "missing_share": np.isnan(given).mean(axis=0),
            "zero_share": (given == 0).mean(axis=0),
            "median": median,
            "mean_correlation": _mean_with_others(sample_correlation(ready)),
        }
    )


def feature_missing(raw: Layer) -> Array:
    """Return the share of samples in which each feature is missing, shape=(n_features,), 0 to 1."""
    share: Array = np.isnan(raw.values).mean(axis=1)
    return share


def sample_correlation(values: Values) -> Array:
    """Correlate samples by Spearman over the features without missing values.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; NaN is missing.

    Returns
    -------
    ndarray, shape=(n_samples, n_samples), dtype=float64
        -1 to 1 with a diagonal of 1; NaN where a sample is constant, and throughout where fewer than
        `MIN_COMPLETE_FEATURES` features are complete.
    """
    complete = values[~np.isnan(values).any(axis=1)]
    size = values.shape[1]
    if len(complete) < MIN_COMPLETE_FEATURES:
        return np.full((size, size), np.nan)
    ranks = rankdata(complete, axis=0)
    ranks -= ranks.mean(axis=0)
    norm = np.linalg.norm(ranks, axis=0)
    ranks = np.divide(ranks, norm, out=np.full_like(ranks, np.nan), where=norm > 0)
    correlation: Array = np.clip(ranks.T @ ranks, -1.0, 1.0)
    np.fill_diagonal(correlation, np.where(norm > 0, 1.0, np.nan))
    return correlation


def log_scale(values: Values) -> Array:
    """Return log2(x + 1), or the values as they are where one is negative and the scale is a logarithm already."""
    numbers = values.astype(np.float64)
    return numbers if np.nanmin(numbers) < 0 else np.log2(numbers + 1)


def density(values: Values, *, points: int = 200) -> tuple[Array, Array]:
    """Estimate the density of each sample's values with a Gaussian kernel of Scott's bandwidth.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; NaN is missing.
    points : int
        Points over the middle 99.9% of all values, so that a single far one does not squeeze the rest.

    Returns
    -------
    x : ndarray, shape=(points,), dtype=float64
    y : ndarray, shape=(n_samples, points), dtype=float64
        Density from at most `DENSITY_VALUES` evenly spaced sorted values; NaN for a sample without two different ones.
    """
    finite = values[np.isfinite(values)]
    low, high = np.quantile(finite, _SHOWN) if len(finite) else (np.nan, np.nan)
    x = np.linspace(low, high, points)
    curves = np.full((values.shape[1], points), np.nan)
    for sample, column in enumerate(values.T):
        ordered = np.sort(column[np.isfinite(column)]).astype(np.float64)
        if len(ordered) > DENSITY_VALUES:
            ordered = ordered[np.linspace(0, len(ordered) - 1, DENSITY_VALUES).round().astype(int)]
        if len(ordered) and ordered[0] < ordered[-1]:
            curves[sample] = gaussian_kde(ordered)(x)
    return x.astype(np.float64), curves


def principal_scores(values: Values, *, components: int = 2) -> tuple[Array, Array]:
    """Project samples on the principal components of the standardised features.

    Missing values take the mean of their feature and constant features count for nothing. The components come from the
    samples x samples Gram matrix, so the cost grows with the features alone. A score's sign is that which makes its
    entry of largest absolute value positive.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; NaN is missing.
    components : int
        Components wanted; at most n_samples are given.

    Returns
    -------
    scores : ndarray, shape=(n_samples, k), dtype=float64
    explained : ndarray, shape=(k,), dtype=float64
        Share of the variance of all features, 0 to 1, falling.
    """
    standard = _standardised(values.astype(np.float64))
    variances, vectors = np.linalg.eigh(standard.T @ standard)
    order = np.argsort(variances)[::-1][:components]
    largest = np.abs(vectors[:, order]).argmax(axis=0)
    signs = np.where(vectors[largest, order] < 0, -1.0, 1.0)
    kept = np.clip(variances[order], 0.0, None)
    total = max(float(np.clip(variances, 0.0, None).sum()), np.finfo(np.float64).tiny)
    scores: Array = vectors[:, order] * signs * np.sqrt(kept)
    return scores, kept / total


def _standardised(values: Array) -> Array:
    present = ~np.isnan(values)
    count = np.maximum(present.sum(axis=1, keepdims=True), 1)
    centred = np.where(present, values, 0.0)
    centred = np.where(present, centred - centred.sum(axis=1, keepdims=True) / count, 0.0)
    scale = np.sqrt((centred**2).sum(axis=1, keepdims=True) / values.shape[1])
    size = np.where(present, np.abs(values), 0.0).max(axis=1, keepdims=True)
    standard: Array = np.divide(centred, scale, out=np.zeros_like(centred), where=scale > _ROUNDING * size)
    return standard


def _mean_with_others(correlation: Array) -> Array:
    """Average each row over the other samples that have a correlation; NaN where none has."""
    others = ~np.isnan(correlation) & ~np.eye(len(correlation), dtype=bool)
    sums = np.where(others, correlation, 0.0).sum(axis=1)
    count = others.sum(axis=1)
    mean: Array = np.divide(sums, count, out=np.full(len(sums), np.nan), where=count > 0)
    return mean
