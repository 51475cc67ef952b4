"""Per-sample scaling of counts and intensities, so that samples can be compared."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from configs.errors import TableError, first_of

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

REFERENCE_QUANTILE = 0.75
RATIO_TRIM = 0.3
INTENSITY_TRIM = 0.05
_SAME_RATIO = 1e-6
_NO_COUNTS = 1e-20


def counts_per_million(counts: Matrix, samples: Sequence[str], *, tmm: bool) -> Matrix:
    r"""Scale counts to a million per sample.

    .. math:: y_{gs} = 10^6 \, x_{gs} / (N_s f_s), \quad N_s = \sum_g x_{gs}

    Parameters
    ----------
    counts : ndarray, shape=(n_features, n_samples), dtype=float64
        Counts, at least 0; NaN is missing.
    samples : sequence of str, length n_samples
        Sample ids for messages.
    tmm : bool
        Whether :math:`f_s` is the factor of :func:`tmm_factors`; 1 otherwise.

    Returns
    -------
    ndarray, shape=(n_features, n_samples), dtype=float64

    Raises
    ------
    TableError
        Where a sample has no counts.
    """
    totals = _positive(np.nansum(counts, axis=0), samples, "counts")
    factors = tmm_factors(counts) if tmm else np.ones(len(totals))
    scaled: Matrix = counts * (1e6 / (totals * factors))
    return scaled


def tmm_factors(counts: Matrix) -> Vector:
    """Return the trimmed mean of M values of each sample against a reference, as edgeR's ``calcNormFactors``.

    The reference is the sample whose upper quartile (over its total) is nearest to the mean of all. M is the log
    ratio and A the mean log intensity of a feature's shares in sample and reference; 30% of M and 5% of A are trimmed
    at either end, and the rest are averaged with the inverse of their asymptotic variances. Factors multiply to 1.
    Robinson and Oshlack 2010, doi 10.1186/gb-2010-11-3-r25.

    Parameters
    ----------
    counts : ndarray, shape=(n_features, n_samples), dtype=float64
        Counts with a positive total in each sample; missing ones count as 0.

    Returns
    -------
    ndarray, shape=(n_samples,), dtype=float64
        Factors above 0.
    """
    counts = np.nan_to_num(counts)
    counts = counts[(counts > 0).any(axis=1)]
    totals = counts.sum(axis=0)
    if counts.shape[1] < 2 or not len(counts):
        return np.ones(counts.shape[1])
    reference = _reference(counts, totals)
    factors = np.array(
        [_tmm(counts[:, s], counts[:, reference], totals[s], totals[reference]) for s in range(len(totals))]
    )
    balanced: Vector = factors / np.exp(np.log(factors).mean())
    return balanced


def scale_intensities(values: Matrix, samples: Sequence[str], *, method: str) -> Matrix:
    r"""Correct the dilution of each sample.

    `total` and `median` divide a sample by its sum or median and multiply by the median of these over the samples, so
    that the scale of the table stays. `pqn` does so by the sum first and then divides each sample by the median of its
    quotients to the median spectrum :math:`m_g = \mathrm{median}_s\, x_{gs}`,

    .. math:: y_{gs} = x_{gs} / \mathrm{median}_g (x_{gs} / m_g)

    over the features present in both. Dieterle et al. 2006, doi 10.1021/ac051632c.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples), dtype=float64
        Intensities, at least 0; NaN is missing and ignored.
    samples : sequence of str, length n_samples
        Sample ids for messages.
    method : str
        `none`, `total`, `median` or `pqn`.

    Returns
    -------
    ndarray, shape=(n_features, n_samples), dtype=float64

    Raises
    ------
    TableError
        Where the sum, median or median quotient of a sample is zero.
    """
    if method == "none":
        return values
    if method == "median":
        return _divided(values, _column_medians(values), samples, "median")
    scaled = _divided(values, np.nansum(values, axis=0), samples, "sum")
    if method == "total":
        return scaled
    spectrum = _median_of_present(scaled)
    present = (scaled > 0) & (spectrum > 0)[:, None]
    quotients = np.divide(scaled, spectrum[:, None], out=np.full_like(scaled, np.nan), where=present)
    corrected: Matrix = scaled / _positive(_column_medians(quotients), samples, "quotients to the median spectrum")
    return corrected


def _median_of_present(values: Matrix) -> Vector:
    medians = np.zeros(len(values))
    present = ~np.isnan(values).all(axis=1)
    medians[present] = np.nanmedian(values[present], axis=1)
    return medians


def _column_medians(values: Matrix) -> Vector:
    return _median_of_present(values.T)


def _divided(values: Matrix, sizes: Vector, samples: Sequence[str], what: str) -> Matrix:
    scaled: Matrix = values * (np.median(sizes) / _positive(sizes, samples, what))
    return scaled


def _positive(sizes: Vector, samples: Sequence[str], what: str) -> Vector:
    empty = [sample for sample, size in zip(samples, sizes, strict=True) if not size > 0]
    if empty:
        raise TableError(
            wanted=f"{what} above zero in every sample",
            found=f"{len(empty)} samples at zero: {first_of(empty)}",
            where="normalisation",
            remedy="Remove these samples, or choose another normalisation under preprocess.",
        )
    return sizes


def _reference(counts: Matrix, totals: Vector) -> int:
    quartiles = np.quantile(counts, REFERENCE_QUANTILE, axis=0) / totals
    if np.median(quartiles) < _NO_COUNTS:
        return int(np.argmax(np.sqrt(counts).sum(axis=0)))
    return int(np.argmin(np.abs(quartiles - quartiles.mean())))


def _tmm(sample: Vector, reference: Vector, sample_total: float, reference_total: float) -> float:
    both = (sample > 0) & (reference > 0)
    ours, theirs = sample[both] / sample_total, reference[both] / reference_total
    ratio, intensity = np.log2(ours / theirs), np.log2(ours * theirs) / 2
    if not len(ratio) or np.abs(ratio).max() < _SAME_RATIO:
        return 1.0
    kept = _untrimmed(ratio, RATIO_TRIM) & _untrimmed(intensity, INTENSITY_TRIM)
    if not kept.any():
        return 1.0
    variance = (1 - ours) / sample[both] + (1 - theirs) / reference[both]
    return float(2 ** np.average(ratio[kept], weights=1 / variance[kept]))


def _untrimmed(values: Vector, share: float) -> npt.NDArray[np.bool_]:
    """Mask of the values whose rank, ties at their mean, is not among the `share` at either end."""
    ranks = rankdata(values)
    cut = np.floor(len(values) * share)
    return np.asarray((ranks >= cut + 1) & (ranks <= len(values) - cut))
