"""What each gene is worth to the autoencoder and to the graph, fold by fold, on held-out samples."""

import numpy as np
import pandas as pd

from configs.study import FINAL
from models.arrays import Float32Array, Float64Array
from models.fusion import rank01

MEASURES = ("reconstruction", "gradient", "graph")
"""Columns of the contract `importance`."""
_BLOCK = 16_384
"""Genes that are correlated at once; bounds the memory, changes no result."""


def reconstruction_importance(squared_error: Float64Array, held_out_scaled: Float32Array) -> Float64Array:
    """Return the explained variance of each feature on held-out samples.

    It is 1 - sum_i (z_ij - zhat_ij)^2 / sum_i z_ij^2. Since z is scaled by training statistics, the yardstick is to
    guess the training mean: 0 is as good as that, 1 is perfect, below 0 is worse.

    Parameters
    ----------
    squared_error : ndarray, shape=(n_features,), dtype=float64
        Squared error summed over the held-out samples, from `FittedAutoencoder.squared_error`.
    held_out_scaled : ndarray, shape=(n_features, n_held_out), dtype=float32
        The same samples; missing values (NaN) are left out.

    Returns
    -------
    ndarray, shape=(n_features,), dtype=float64
        NaN where the held-out samples all lie at the training mean or are missing.
    """
    total = np.nansum(np.square(held_out_scaled, dtype=np.float64), axis=1)
    ratio = np.divide(squared_error, total, out=np.full(len(total), np.nan), where=total > 0)
    explained: Float64Array = 1 - ratio
    return explained


def graph_importance(gene_scaled: Float32Array, latents: Float32Array, latent_importance: Float64Array) -> Float64Array:
    """Carry the importance of latent dimensions to genes by correlation.

    For gene j it is sum_k w_k |r_jk| / sum_k w_k, with w_k the importance of dimension k and r_jk Pearson's correlation
    of the gene and the dimension over the samples.

    Parameters
    ----------
    gene_scaled : ndarray, shape=(n_genes, n_samples), dtype=float32
        Expression without missing values.
    latents : ndarray, shape=(n_samples, n_latents), dtype=float32
        Latents of the same samples.
    latent_importance : ndarray, shape=(n_latents,), dtype=float64
        Importance of each dimension, at least 0.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        0 to 1; a constant gene or latent has no correlation, and without any important dimension all are 0.
    """
    result = np.zeros(len(gene_scaled))
    total = float(latent_importance.sum())
    if total <= 0:
        return result
    units = _unit_rows(latents.T).T
    for start in range(0, len(result), _BLOCK):
        block = slice(start, start + _BLOCK)
        result[block] = np.abs(_unit_rows(gene_scaled[block]) @ units) @ latent_importance
    return result / total


def _unit_rows(values: Float32Array) -> Float64Array:
    """Return the rows centred and with length 1; 0 for a row that is constant up to rounding."""
    size = np.abs(values).max(axis=1, initial=0.0, keepdims=True).astype(np.float64)
    centred = values - values.mean(axis=1, keepdims=True, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    units: Float64Array = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6 * size)
    return units


def autoencoder_evidence(importance: pd.DataFrame) -> pd.DataFrame:
    """Put the folds' reconstruction and gradient importance together, one row a gene.

    Each measure is ranked within its fold, the ranks are averaged over the cross-validation folds in which the gene has
    the measure, and ranked again within the study; the evidence is the mean of the two ranks. A gene that lacks one of
    them has the other's rank.

    Parameters
    ----------
    importance : DataFrame
        Table of the contract `importance`; the fold `FINAL` holds nothing out and is not read.

    Returns
    -------
    DataFrame
        `gene_id`; `reconstruction` and `gradient`, the means over the folds; `value`, 0 to 1. Genes in order of first
        appearance.
    """
    genes, _, folds = measures_by_fold(importance)
    means = {name: _mean(folds[name]) for name in ("reconstruction", "gradient")}
    value = autoencoder_value(folds["reconstruction"], folds["gradient"])
    return pd.DataFrame({"gene_id": genes, **means, "value": value})


def autoencoder_value(reconstruction: Float64Array, gradient: Float64Array) -> Float64Array:
    """Return the autoencoder evidence, shape=(n_genes,), from two measures, each of shape=(n_folds, n_genes)."""
    return _mean(np.stack([rank01(mean_rank(values)) for values in (reconstruction, gradient)]))


def graph_evidence(importance: pd.DataFrame) -> pd.DataFrame:
    """Put the folds' graph importance together, one row a gene.

    Parameters
    ----------
    importance : DataFrame
        Table of the contract `importance`; the fold `FINAL` holds nothing out and is not read.

    Returns
    -------
    DataFrame
        `gene_id`; `graph`, the mean over the folds; `value`, the mean over the folds of the rank within the fold,
        0 to 1.
    """
    genes, _, folds = measures_by_fold(importance)
    return pd.DataFrame({"gene_id": genes, "graph": _mean(folds["graph"]), "value": mean_rank(folds["graph"])})


def measures_by_fold(importance: pd.DataFrame) -> tuple[pd.Index, tuple[str, ...], dict[str, Float64Array]]:
    """Return genes and folds in order of first appearance, and each measure by fold.

    Parameters
    ----------
    importance : DataFrame
        Table of the contract `importance`; the fold `FINAL` is left out.

    Returns
    -------
    genes : Index
    folds : tuple of str
    measures : dict of str to ndarray, shape=(n_folds, n_genes), dtype=float64
        NaN where a gene lacks the measure.
    """
    gene, genes = pd.factorize(importance["gene_id"])
    held_out = (importance["fold"] != FINAL).to_numpy(dtype=bool)
    fold, folds = pd.factorize(importance["fold"][held_out])
    measures: dict[str, Float64Array] = {}
    for name in MEASURES:
        measures[name] = np.full((len(folds), len(genes)), np.nan)
        if name in importance:
            measures[name][fold, gene[held_out]] = importance[name].to_numpy(np.float64)[held_out]
    return pd.Index(genes), tuple(str(name) for name in folds), measures


def mean_rank(values: Float64Array) -> Float64Array:
    """Return the mean over folds of each gene's rank within the fold, from values of shape=(n_folds, n_genes)."""
    return _mean(np.stack([rank01(row) for row in values])) if len(values) else np.full(values.shape[1], np.nan)


def _mean(values: Float64Array) -> Float64Array:
    """Return the mean over the first axis without NaN; NaN where nothing else is there."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean: Float64Array = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return mean
