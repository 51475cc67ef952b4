"""Genes as unit vectors whose inner products say how alike they are expressed.

Three ways to look: the values (Pearson), their ranks (Spearman), and the values in a whitened sample space. In 20-100
samples a few contrasts, one organ against another, carry most of the variance, and nearly every gene follows them.
Whitening gives each contrast the same weight, so that two genes are alike when they agree in the small contrasts too.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import BoolArray, Float32Array, Float64Array, FloatArray
from models.spearman import doubled_ranks

CONSTANT = 1e-6
"""A row whose deviations are together no longer than this share of its mean is constant: the rest is rounding."""


def unit_rows(expression: FloatArray) -> Float32Array:
    """Centre each row and scale it to unit length, so that an inner product is Pearson's correlation.

    Parameters
    ----------
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared log2 expression; a missing value counts as the gene's mean.

    Returns
    -------
    ndarray, shape=(n_genes, n_samples), dtype=float32
        A constant row is all zero.
    """
    known = ~np.isnan(expression)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    mean = np.where(known, expression, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count
    centred = np.where(known, expression - mean, 0.0)
    return _scaled(centred, least=CONSTANT * np.maximum(np.abs(mean), CONSTANT))


def ranked_unit_rows(expression: FloatArray) -> Float32Array:
    """Return the same of ranks, so that an inner product is Spearman's; a missing value counts as the middle rank."""
    return _scaled(doubled_ranks(expression).astype(np.float64), least=np.zeros((len(expression), 1)))


def varying(unit: FloatArray) -> BoolArray:
    """Say which rows are not all zero."""
    varied: BoolArray = (unit != 0).any(axis=1)
    return varied


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """The ridge-whitened sample space of a study's genes.

    With Z the varying genes scaled to variance 1, m their mean and S their covariance between samples, a gene z becomes
    ``(S + ridge * mean eigenvalue * I)^(-1/2) (z - m)``, scaled to unit length. The inner product of two genes is then
    the cosine after whitening; weighing the axes of gene expression alike was shown to find functional relations that
    plain correlation misses by Hibbs et al. 2007 (doi 10.1093/bioinformatics/btm403); the ridge keeps axes that are
    noise alone from counting as much.

    Attributes
    ----------
    mean : ndarray, shape=(n_samples,), dtype=float64
    inverse : ndarray, shape=(n_samples, n_samples), dtype=float64
        ``(S + ridge * mean eigenvalue * I)^-1``.
    root : ndarray, shape=(n_samples, n_samples), dtype=float64
        Its symmetric square root.
    """

    mean: Float64Array
    inverse: Float64Array
    root: Float64Array

    @classmethod
    def of(cls, unit: Float32Array, ridge: float) -> Self:
        """Learn from all genes that vary.

        Parameters
        ----------
        unit : ndarray, shape=(n_genes, n_samples), dtype=float32
            As `unit_rows` gives them.
        ridge : float
            In mean eigenvalues, above 0.
        """
        scaled = _variance_one(unit[varying(unit)])
        mean = scaled.mean(axis=0)
        eigenvalues, axes = np.linalg.eigh((scaled - mean).T @ (scaled - mean) / len(scaled))
        damped = np.maximum(eigenvalues, 0) + ridge * eigenvalues.mean()
        return cls(mean, (axes / damped) @ axes.T, (axes / np.sqrt(damped)) @ axes.T)

    def apply(self, unit: FloatArray) -> Float32Array:
        """Whiten genes given as unit rows, shape=(n, n_samples); a constant gene stays all zero."""
        moved = (_variance_one(unit) - self.mean) @ self.root
        moved[~varying(unit)] = 0.0
        return _scaled(moved, least=np.zeros((len(moved), 1)))

    def discriminant(self, unit: FloatArray, baits: FloatArray) -> Float64Array:
        """Return how far genes lie in the direction of each bait, shape=(n_genes, n_baits).

        ``z' (S + ridge I)^-1 (b - m)``. The mean over baits is a gene's value on the ridge discriminant between the
        baits and all genes.
        """
        direction = self.inverse @ (_variance_one(baits) - self.mean).T
        values: Float64Array = np.matmul(_variance_one(unit), direction)
        return values


def _variance_one(unit: FloatArray) -> Float64Array:
    scaled: Float64Array = unit.astype(np.float64) * np.sqrt(unit.shape[1])
    return scaled


def _scaled(rows: FloatArray, *, least: FloatArray) -> Float32Array:
    """Scale rows to unit length; those no longer than `least` become all zero."""
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    unit: Float64Array = np.divide(rows, length, out=np.zeros(rows.shape), where=length > least)
    return unit.astype(np.float32)
