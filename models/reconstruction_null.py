"""What the autoencoder's reconstruction of a gene would be worth if the gene's samples were exchanged.

An autoencoder predicts each gene of a held-out sample by a weighted sum of the gene's own training values, and the
weights, which say how much the sample is like each training sample, are the same for all genes. For the `span` engine
this holds exactly: with Q = Z U S^-1 its output Q g is Z (U S^-1 g), Z the scaled training samples. Among very many
genes the weights hardly depend on any one of them. So the prediction that a permuted gene would have got, network
refitted and all, is known without a training: the weights stay, its values are permuted.

Permuting the truth against fixed predictions instead would be wrong: what a pure-noise gene is predicted to be was
learnt from its own other values, and such p-values are not uniform (measured: 3.3% of 1,500 noise genes at p <= 0.05).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.arrays import Float32Array, Float64Array, IntArray
from models.blocks import blocks
from models.scaling import Scaler

_BLOCK = 4096
"""Genes that are worked on at once; bounds the memory, changes no result."""
_NO_DIRECTION = 1e-9
"""Share of the largest eigenvalue below which a direction of the training samples is rounding."""
_CONSTANT = 1e-12
"""Share of a gene's whole variance below which it is constant in training, up to rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Predictions of one fold.

    Attributes
    ----------
    train, held_out : ndarray, shape=(n_train,), shape=(n_held_out,), dtype=int64
        Places of the samples that the network was trained on, and of those predicted.
    reconstructed : ndarray, shape=(n_genes, n_held_out), dtype=float32
        Predicted values, scaled by the training samples.
    """

    train: IntArray
    held_out: IntArray
    reconstructed: Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class ReconstructionNull:
    """Explained variance of all held-out samples against permuted genes; each of shape=(n_genes,), dtype=float64.

    Attributes
    ----------
    observed : ndarray
        1 - sum of (z - zhat)^2 / sum of z^2 over all held-out samples, mean over repeats; NaN without variation.
    expected : ndarray
        Mean over the permutations.
    p : ndarray
        ``(1 + number of permutations that reach the observed one) / (1 + number of permutations)``.
    """

    observed: Float64Array
    expected: Float64Array
    p: Float64Array


def reconstruction_null(
    values: Float32Array, repeats: Sequence[Sequence[HeldOut]], draws: IntArray
) -> ReconstructionNull:
    """Compare the cross-validated reconstruction of each gene with that of the gene permuted.

    Parameters
    ----------
    values : ndarray, shape=(n_genes, n_samples), dtype=float32
        Prepared values, not scaled; a missing one (NaN) counts as the gene's mean.
    repeats : sequence of sequence of HeldOut
        Folds by repeat of the cross-validation; in each repeat a sample is held out once at most.
    draws : ndarray, shape=(n_permutations, n_samples), dtype=int64
        As `models.significance.group_permutations` draws them; whole replicate groups change places.

    Returns
    -------
    ReconstructionNull

    Notes
    -----
    What a gene's prediction has beyond the weighted sum (initial weights of the `dense` engine) stays as it is under
    permutation. With few genes, each one shapes the weights that predict it, and p is somewhat too small. Early
    stopping may end a training elsewhere for the least of changes; the null is that of the training as it ended.
    """
    plans = [_Plan.of(values, folds) for folds in repeats if folds]
    observed = np.full(len(values), np.nan)
    expected, reached = np.zeros(len(values)), np.zeros(len(values))
    identity = np.arange(values.shape[1])
    for block in blocks(len(values), _BLOCK) if plans else ():
        genes = _Genes.of(values[block])
        found = observed[block] = _explained(genes, plans, block, identity)
        for order in draws:
            null = _explained(genes, plans, block, order)
            expected[block] += null / len(draws)
            reached[block] += null >= found
    p = np.where(np.isnan(observed), np.nan, (1 + reached) / (1 + len(draws)))
    return ReconstructionNull(observed, np.where(np.isnan(observed), np.nan, expected), p)


def _explained(genes: "_Genes", plans: Sequence["_Plan"], block: slice, order: IntArray) -> Float64Array:
    """Return the explained variance of genes whose samples are put in another order, mean over the repeats."""
    parts = [plan.explained(genes, block, order) for plan in plans]
    mean: Float64Array = np.mean(parts, axis=0)
    return mean


@dataclass(frozen=True, slots=True, eq=False)
class _Genes:
    """Deviations from each gene's mean, 0 where a value is missing, and their squares; shape=(n_samples, n_genes)."""

    centred: Float64Array
    square: Float64Array
    rounded: Float32Array

    @classmethod
    def of(cls, values: Float32Array) -> Self:
        """Centre a block of genes."""
        known = ~np.isnan(values)
        count = np.maximum(known.sum(axis=1, keepdims=True), 1)
        mean = np.where(known, values, 0).sum(axis=1, keepdims=True, dtype=np.float64) / count
        centred = np.ascontiguousarray(np.where(known, values - mean, 0.0).T)
        return cls(centred, np.square(centred), centred.astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """One repeat of the cross-validation as linear maps from a gene's values; a column is a held-out sample.

    Attributes
    ----------
    maps : ndarray, shape=(n_samples, 2 n_held_out), dtype=float32
        From values to deviations from the training mean, and to what the weighted sum leaves of these.
    mean : ndarray, shape=(n_samples, n_folds), dtype=float64
        From values to training means.
    fold : ndarray, shape=(n_held_out,), dtype=int64
    rest : ndarray, shape=(n_held_out, n_genes), dtype=float32
        What predictions have beyond the weighted sum.
    """

    maps: Float32Array
    mean: Float64Array
    fold: IntArray
    rest: Float32Array

    @classmethod
    def of(cls, values: Float32Array, folds: Sequence[HeldOut]) -> Self:
        """Find the weights of each fold."""
        n_samples, sizes = values.shape[1], [len(fold.held_out) for fold in folds]
        mean = np.zeros((n_samples, len(folds)))
        truth, residual, rests = [], [], []
        for number, fold in enumerate(folds):
            mean[fold.train, number] = 1 / len(fold.train)
            weights, rest = _weights(values, fold)
            own = np.eye(n_samples)[:, fold.held_out] - mean[:, [number]]
            spread = np.zeros((n_samples, len(fold.held_out)))
            spread[fold.train] = weights - weights.mean(axis=0)
            truth.append(own)
            residual.append(own - spread)
            rests.append(rest)
        return cls(
            np.concatenate([*truth, *residual], axis=1).astype(np.float32),
            mean,
            np.repeat(np.arange(len(folds)), sizes),
            np.ascontiguousarray(np.concatenate(rests, axis=1).T),
        )

    def explained(self, genes: "_Genes", block: slice, order: IntArray) -> Float64Array:
        """Return 1 - sum of squared residuals / sum of squares, shape=(size of the block,)."""
        mean, maps = np.empty_like(self.mean), np.empty_like(self.maps)
        mean[order], maps[order] = self.mean, self.maps
        found = (maps.T @ genes.rounded).reshape(2, len(self.fold), -1)
        variance = mean.T @ genes.square - np.square(mean.T @ genes.centred)
        constant = variance <= _CONSTANT * genes.square.sum(axis=0)
        variance[constant] = 1.0
        found *= (1 / np.sqrt(variance)).astype(np.float32)[self.fold]
        found[1] -= self.rest[:, block]
        total, left = np.einsum("kij,kij->kj", found, found)
        ratio = np.divide(left, total, out=np.full(len(total), np.nan), where=total > 0)
        explained: Float64Array = 1 - ratio.astype(np.float64)
        return explained


def _weights(values: Float32Array, fold: HeldOut) -> tuple[Float64Array, Float32Array]:
    """Return the weights of the training samples in each prediction, by least squares over all genes, and the rest.

    Returns
    -------
    weights : ndarray, shape=(n_train, n_held_out), dtype=float64
    rest : ndarray, shape=(n_genes, n_held_out), dtype=float32
    """
    gram = np.zeros((len(fold.train), len(fold.train)))
    shared = np.zeros((len(fold.train), len(fold.held_out)))
    for block in blocks(len(values), _BLOCK):
        scaled = _scaled(values[block], fold).astype(np.float64)
        gram += scaled.T @ scaled
        shared += scaled.T @ fold.reconstructed[block]
    weights = np.linalg.pinv(gram, rcond=_NO_DIRECTION, hermitian=True) @ shared
    rest = np.empty(fold.reconstructed.shape, dtype=np.float32)
    for block in blocks(len(values), _BLOCK):
        rest[block] = fold.reconstructed[block] - _scaled(values[block], fold) @ weights
    return weights, rest


def _scaled(values: Float32Array, fold: HeldOut) -> Float32Array:
    train = values[:, fold.train]
    return Scaler.fit(train).apply(train)
