"""An orthonormal basis of the span of a few samples of very many features."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import Float32Array, Float64Array
from models.blocks import blocks

BLOCK = 16_384
"""Features that are worked on at once; bounds the memory."""

SMALLEST_DIRECTION = 1e-5
"""Directions whose singular value is below this share of the largest are rounding of float32 values, and dropped."""


@dataclass(frozen=True, slots=True, eq=False)
class SpanBasis:
    """Coordinates of samples in the span of the training samples.

    Attributes
    ----------
    vectors : ndarray, shape=(n_features, rank), dtype=float32
        Orthonormal columns Q: the principal axes of the training samples, the widest first.
    unit : float
        Length of one unit of the coordinates, in units of the features: the root mean square of Q^T Z over the
        training samples Z, so that coordinates are about as large as scaled features are.
    """

    vectors: Float32Array
    unit: float

    @classmethod
    def fit(cls, train: Float32Array) -> Self:
        """Find the basis from the n x n Gram matrix of the training samples.

        With Z^T Z = U S^2 U^T the basis is Q = Z U S^-1, so that the work is O(n_features n^2) and the memory that of
        Q. The sign of each axis is fixed: its weight on the sample that weighs most is positive.

        Parameters
        ----------
        train : ndarray, shape=(n_features, n_train), dtype=float32
            Scaled training samples without missing values. Where they are centred, the rank is n_train - 1 at most.
        """
        eigenvalues, axes = np.linalg.eigh(_gram(train))
        wide = eigenvalues > eigenvalues.max(initial=0.0) * SMALLEST_DIRECTION**2
        singular, axes = np.sqrt(eigenvalues[wide][::-1]), axes[:, wide][:, ::-1]
        strongest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[strongest, np.arange(len(singular))])
        vectors = np.empty((len(train), len(singular)), dtype=np.float32)
        for block in blocks(len(train), BLOCK):
            vectors[block] = (train[block].astype(np.float64) @ axes) / singular
        size = train.shape[1] * len(singular)
        return cls(vectors, float(np.sqrt(np.square(singular).sum() / size)) if size else 1.0)

    @property
    def rank(self) -> int:
        """Number of directions."""
        return int(self.vectors.shape[1])

    def coordinates(self, scaled: Float32Array) -> Float32Array:
        """Project samples, shape=(n_features, n_samples), on the span; returns Q^T z / unit, shape=(rank, n_samples).

        Missing values (NaN) count as 0, the training mean.
        """
        total = np.zeros((self.rank, scaled.shape[1]))
        for block in blocks(len(scaled), BLOCK):
            total += self.vectors[block].T.astype(np.float64) @ np.nan_to_num(scaled[block], nan=0.0)
        return (total / self.unit).astype(np.float32)


def principal_scores(train: Float32Array, scaled: Float32Array) -> Float32Array:
    """Return the scores of samples on all principal components of the training samples.

    Parameters
    ----------
    train : ndarray, shape=(n_features, n_train), dtype=float32
        Scaled training samples.
    scaled : ndarray, shape=(n_features, n_samples), dtype=float32
        Samples wanted.

    Returns
    -------
    ndarray, shape=(n_samples, rank), dtype=float32
        In units of the root mean square of the training scores, so that layers of any size weigh alike.
    """
    return np.ascontiguousarray(SpanBasis.fit(train).coordinates(scaled).T)


def _gram(train: Float32Array) -> Float64Array:
    """Return Z^T Z, shape=(n_train, n_train)."""
    total = np.zeros((train.shape[1], train.shape[1]))
    for block in blocks(len(train), BLOCK):
        values = train[block].astype(np.float64)
        total += values.T @ values
    return total
