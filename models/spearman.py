"""Spearman's rank correlation: exact integer ranks and p-values."""

import math
from functools import lru_cache
from itertools import chain, permutations

import numpy as np
import numpy.typing as npt

from models.arrays import FloatArray
from models.pearson import critical_r, pearson_p

EXACT_BELOW = 10
"""Below this number of samples p comes from all permutations, from here on from Student's t."""
ROWS = 4096
"""Features ranked in one go, as many as a processor's cache holds."""


def doubled_ranks(values: FloatArray) -> npt.NDArray[np.int16]:
    """Rank each row, centre the ranks and double them, which makes them whole.

    Twice the centred rank of value i among s is ``2 rank_i - (s + 1) = sum over j of sign(x_i - x_j)``, with average
    ranks for ties. Spearman's rho of two rows is the inner product of their doubled ranks over the product of their
    lengths, and both the product and the squared lengths are integers.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; NaN where missing.

    Returns
    -------
    ndarray, shape=(n_features, n_samples), dtype=int16
        Among the values of the row that are not NaN; 0 where NaN, and everywhere in a constant row.
    """
    ranks = np.empty(values.shape, dtype=np.int16)
    for start in range(0, len(values), ROWS):
        samples = np.ascontiguousarray(values[start : start + ROWS].T)
        doubled = np.zeros(samples.shape, dtype=np.int16)
        for number in range(1, len(samples)):
            own, earlier = samples[number], samples[:number]
            sign = (own > earlier).view(np.int8) - (own < earlier).view(np.int8)
            doubled[number] += sign.sum(axis=0, dtype=np.int16)
            doubled[:number] -= sign
        ranks[start : start + ROWS] = doubled.T
    return ranks


@lru_cache(maxsize=16)
def exact_null(n: int) -> tuple[FloatArray, FloatArray]:
    """Tabulate the permutation distribution of ``|rho|`` for `n` samples without ties, over all n! orders.

    Returns
    -------
    levels, tail : ndarray, dtype=float64
        The values that ``|rho|`` can take, ascending, and the probability of each value or a larger one.
    """
    orders = np.fromiter(chain.from_iterable(permutations(range(n))), dtype=np.int8).reshape(-1, n)
    squares = ((orders - np.arange(n)) ** 2).sum(axis=1, dtype=np.int64)
    # Twice the numerator of |rho| = |1 - 6 D / (n (n^2 - 1))| is whole, so equal levels are equal exactly.
    numerators, counts = np.unique(np.abs(n * (n**2 - 1) - 6 * squares), return_counts=True)
    tail = counts[::-1].cumsum()[::-1] / math.factorial(n)
    return numerators / (n * (n**2 - 1)), tail


def spearman_p(rho: npt.ArrayLike, n: int) -> FloatArray:
    """Two-sided p-value of Spearman's rho.

    Parameters
    ----------
    rho : array_like, dtype=float
        Correlations in [-1, 1]; NaN stays NaN.
    n : int
        Number of samples, at least 4.

    Returns
    -------
    ndarray, dtype=float64
        From 10 samples on, Student's t with n - 2 degrees of freedom, ``t = rho sqrt((n - 2) / (1 - rho^2))``, as
        `scipy.stats.spearmanr` has it. Below, the share of all n! orders with a ``|rho|`` as large.

    Notes
    -----
    With 6 samples the t approximation gives p = 0 for ``|rho|`` = 1, which 2 of the 720 orders reach: it would declare
    0.3% of all null pairs significant at any level. The table of orders knows no ties; with ties it approximates.
    """
    if n >= EXACT_BELOW:
        return pearson_p(rho, n)
    size = np.abs(np.asarray(rho, dtype=np.float64))
    levels, tail = exact_null(n)
    p = tail[np.minimum(np.searchsorted(levels, size - 1e-9), len(levels) - 1)]
    return np.where(np.isnan(size), np.nan, p)


def critical_rho(p: FloatArray | float, n: int) -> FloatArray:
    """Return the smallest ``|rho|`` whose `spearman_p` is at most `p`; a value above 1 where none is."""
    if n >= EXACT_BELOW:
        return critical_r(p, n)
    levels, tail = exact_null(n)
    largest_failing = len(tail) - np.searchsorted(tail[::-1], p, side="right") - 1
    return np.where(largest_failing < 0, 0.0, levels[np.maximum(largest_failing, 0)] + 2e-9)
