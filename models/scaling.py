"""Feature scaling by statistics of the training samples alone."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import BoolArray, Float32Array, Float64Array


@dataclass(frozen=True, slots=True, eq=False)
class Scaler:
    """Mean and standard deviation of each feature over the training samples, and which features these let be used.

    Attributes
    ----------
    mean : ndarray, shape=(n_features,), dtype=float64
        Training mean; 0 for a feature without any training value.
    scale : ndarray, shape=(n_features,), dtype=float64
        Training standard deviation (ddof=0); 1 for a feature that is constant in training.
    usable : ndarray, shape=(n_features,), dtype=bool
        Features that vary in training and are not missing there too often; the others are 0 in every sample.
    """

    mean: Float64Array
    scale: Float64Array
    usable: BoolArray

    @classmethod
    def fit(cls, values_train: Float32Array, *, max_missing: float = 1.0) -> Self:
        """Learn mean, scale and filter from the training samples.

        Parameters
        ----------
        values_train : ndarray, shape=(n_features, n_train), dtype=float32
            Values, NaN where missing.
        max_missing : float
            Features missing in a larger share of the training samples are not usable.
        """
        known = np.isfinite(values_train)
        count = np.maximum(known.sum(axis=1), 1)
        mean = np.where(known, values_train, 0).sum(axis=1, dtype=np.float64) / count
        deviation = np.where(known, values_train - mean[:, None], 0)
        variance = np.square(deviation).sum(axis=1) / count
        # Rounding alone makes the variance of a constant feature a tiny number instead of zero.
        constant = variance <= np.square(np.finfo(np.float32).eps * np.abs(mean))
        enough = (~known).mean(axis=1) <= max_missing
        return cls(mean, np.where(constant, 1.0, np.sqrt(variance)), ~constant & enough)

    def apply(self, values: Float32Array, *, keep_missing: bool = False) -> Float32Array:
        """Scale `values` to z = (x - mean) / scale.

        Parameters
        ----------
        values : ndarray, shape=(n_features, n_samples), dtype=float32
            Values, NaN where missing.
        keep_missing : bool
            Leave missing values NaN instead of setting them to 0, which is the training mean.

        Returns
        -------
        ndarray, shape=(n_features, n_samples), dtype=float32
            In units of the training standard deviation; 0 for features that are not usable.
        """
        scaled = ((values - self.mean[:, None]) / self.scale[:, None]).astype(np.float32)
        scaled[~self.usable] = 0
        return scaled if keep_missing else np.nan_to_num(scaled, copy=False, nan=0.0)


def standardise(features: Float32Array, train: BoolArray) -> Float32Array:
    """Return the z-scores of `features`, shape=(n, d), by mean and standard deviation of the `train` rows.

    Missing values (NaN) stay missing; a column that no training row knows is all 0, or missing.
    """
    rows = features[train].astype(np.float64)
    known = ~np.isnan(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    scale = np.sqrt(np.square(np.where(known, rows - mean, 0.0)).sum(axis=0) / count)
    constant = scale <= 1e-7 * np.abs(mean)
    scaled: Float32Array = ((features - mean) / np.where(constant, 1.0, scale)).astype(np.float32)
    scaled[:, ~known.any(axis=0)] *= 0
    return scaled
