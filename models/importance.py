"""What each gene is worth to the autoencoder and to the graph, fold by fold, on held-out samples."""

import numpy as np
import pandas as pd

from configs.study import FINAL
from models.engine import Float32Array, Float64Array
from models.fusion import rank01

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
    evidence = _fold_means(importance, ("reconstruction", "gradient"))
    ranks = pd.DataFrame({name: rank01(_mean_rank(importance, name)) for name in ("reconstruction", "gradient")})
    return evidence.assign(value=ranks.mean(axis=1).to_numpy())


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
    return _fold_means(importance, ("graph",)).assign(value=_mean_rank(importance, "graph"))


def _held_out(importance: pd.DataFrame) -> pd.DataFrame:
    return importance[importance["fold"] != FINAL]


def _fold_means(importance: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    genes = pd.Index(importance["gene_id"].unique(), name="gene_id")
    means = _held_out(importance).groupby("gene_id", sort=False)[list(names)].mean()
    return means.reindex(genes).reset_index()


def _mean_rank(importance: pd.DataFrame, name: str) -> Float64Array:
    """Return the mean over the folds of each gene's rank within the fold, genes in order of first appearance."""
    genes = pd.Index(importance["gene_id"].unique())
    held_out = _held_out(importance)
    ranks = held_out.groupby("fold", sort=False)[name].transform(lambda values: rank01(values.to_numpy(np.float64)))
    return ranks.groupby(held_out["gene_id"], sort=False).mean().reindex(genes).to_numpy(np.float64)
