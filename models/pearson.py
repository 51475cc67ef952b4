"""Pearson's correlation and biweight midcorrelation: standardised rows and p-values."""

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, stdtr

from models.arrays import BoolArray, FloatArray

TUNING = 9.0
"""Median absolute deviations from the median at which a sample's biweight falls to 0."""


def standardised(values: FloatArray) -> FloatArray:
    """Centre each row and scale it to unit length, so that Pearson's r is an inner product.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values without NaN.

    Returns
    -------
    ndarray, shape=(n_features, n_samples), dtype=float64
        A constant row is all zero.
    """
    exact = values.astype(np.float64)
    return _unit_rows(exact - exact.mean(axis=1, keepdims=True), varied=np.ptp(exact, axis=1) > 0)


def biweighted(values: FloatArray) -> FloatArray:
    """Standardise each row robustly, so that the biweight midcorrelation is an inner product.

    With ``u = (x - median) / (9 MAD)``, MAD the median absolute deviation from the median, the row becomes
    ``(x - median) (1 - u^2)^2`` where ``|u| < 1`` and 0 elsewhere, scaled to unit length (Langfelder & Horvath 2012,
    doi 10.18637/jss.v046.i11). A row whose MAD is 0 has no such weights and is standardised as for Pearson's r.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values without NaN.

    Returns
    -------
    ndarray, shape=(n_features, n_samples), dtype=float64
        A constant row is all zero.
    """
    deviation = values.astype(np.float64)
    deviation -= np.median(deviation, axis=1, keepdims=True)
    mad = np.median(np.abs(deviation), axis=1)
    spread = mad > 0
    unit = np.empty_like(deviation)
    weight = np.maximum(1 - np.square(deviation[spread] / (TUNING * mad[spread, None])), 0)
    unit[spread] = _unit_rows(deviation[spread] * np.square(weight), varied=np.ones(spread.sum(), dtype=np.bool_))
    unit[~spread] = standardised(values[~spread])
    return unit


def pearson_p(r: npt.ArrayLike, n: int) -> FloatArray:
    """Two-sided p-value of a correlation of `n` samples by Student's t with n - 2 degrees of freedom.

    ``t = r sqrt((n - 2) / (1 - r^2))``; exact for Pearson's r of normal values, and what Langfelder & Horvath use for
    the biweight midcorrelation. NaN stays NaN.
    """
    size = np.abs(np.asarray(r, dtype=np.float64))
    with np.errstate(divide="ignore"):
        statistic = size * np.sqrt((n - 2) / ((1 + size) * np.maximum(1 - size, 0)))
    both_tails: FloatArray = np.minimum(2 * stdtr(n - 2, -statistic), 1.0)
    return both_tails


def critical_r(p: FloatArray | float, n: int) -> FloatArray:
    """Return the ``|r|`` whose `pearson_p` is `p`: p is ``I_(1 - r^2)((n - 2) / 2, 1 / 2)``, a beta distribution."""
    critical: FloatArray = np.sqrt(1 - np.asarray(betaincinv((n - 2) / 2, 0.5, p)))
    return critical


def _unit_rows(rows: FloatArray, *, varied: BoolArray) -> FloatArray:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    unit: FloatArray = np.divide(rows, length, out=np.zeros_like(rows), where=varied[:, None])
    return unit
