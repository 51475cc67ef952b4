"""What each gene is worth to the autoencoder and to the graph, fold by fold, on held-out samples."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.study import FINAL
from models.arrays import Float32Array, Float64Array
from models.blocks import blocks
from models.fusion import rank01
from models.ranking import top_membership
from models.reconstruction_null import ReconstructionNull

MEASURES = ("reconstruction", "gradient", "graph")
"""Columns of the contract `importance`."""
_SMALL_P = 0.05
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
        NaN where the held-out samples all lie at the training mean or are missing, and where there is none.
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
    for block in blocks(len(result), _BLOCK):
        result[block] = np.abs(_unit_rows(gene_scaled[block]) @ units) @ latent_importance
    return result / total


def _unit_rows(values: Float32Array) -> Float64Array:
    """Return the rows centred and with length 1; 0 for a row that is constant up to rounding."""
    size = np.abs(values).max(axis=1, initial=0.0, keepdims=True).astype(np.float64)
    centred = values - values.mean(axis=1, keepdims=True, dtype=np.float64)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    units: Float64Array = np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-6 * size)
    return units


def autoencoder_value(reconstruction: Float64Array, gradient: Float64Array) -> Float64Array:
    """Put the folds' reconstruction and gradient importance together.

    Each measure is ranked within its fold, the ranks are averaged over the folds in which the gene has the measure, and
    ranked again within the study; the evidence is the mean of the two ranks.

    Parameters
    ----------
    reconstruction, gradient : ndarray, shape=(n_folds, n_genes), dtype=float64
        NaN where a gene lacks the measure.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        0 to 1; a gene that lacks one measure has the other's rank.
    """
    return _mean(np.stack([rank01(mean_rank(values)) for values in (reconstruction, gradient)]))


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


def importance_summary(importance: pd.DataFrame, null: ReconstructionNull) -> pd.DataFrame:
    """Put the importances of all fits together, gene by gene.

    Latents have no identity from fit to fit, so nothing is put together by latent: every fit is carried to the genes
    first.

    Parameters
    ----------
    importance : DataFrame
        Table of the contract `importance`; the fold `FINAL` holds nothing out and is not read.
    null : ReconstructionNull
        Of the same genes, in order of first appearance.

    Returns
    -------
    DataFrame
        Table of the contract `importance_summary`.
    """
    genes, folds, measures = measures_by_fold(importance)
    columns: dict[str, object] = {"gene_id": pd.Series(genes, dtype="str")}
    for name, values in measures.items():
        spread = spread_over_fits(values)
        columns |= {name: spread.mean, f"{name}_sd": spread.sd, f"{name}_top": spread.top}
    columns |= {
        "reconstruction_pooled": null.observed,
        "reconstruction_null": null.expected,
        "reconstruction_p": null.p,
        "n_fits": np.full(len(genes), len(folds), dtype=np.int64),
    }
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """A measure over fits; each of shape=(n_genes,), dtype=float64, NaN where a gene has too few values.

    Attributes
    ----------
    mean, sd : ndarray
        Mean, and standard deviation (ddof=1) of two values or more.
    top : ndarray
        Share of the fits in which the gene is in the top, as `models.ranking.top_membership` says, 0 to 1.
    """

    mean: Float64Array
    sd: Float64Array
    top: Float64Array


def spread_over_fits(values: Float64Array, strength: Float64Array | None = None) -> Spread:
    """Return mean, spread and stability of a measure.

    Parameters
    ----------
    values : ndarray, shape=(n_fits, n_genes), dtype=float64
        NaN where a gene lacks the measure; a fit that lacks it for all genes is left out.
    strength : ndarray, shape=(n_fits, n_genes), dtype=float64, optional
        What is ranked where it is not `values`; larger is stronger.
    """
    present = ~np.isnan(values).all(axis=1)
    kept = values[present]
    ranked = kept if strength is None else strength[present]
    mean = _mean(kept)
    count = (~np.isnan(kept)).sum(axis=0)
    square = np.nansum(np.square(kept - mean), axis=0)
    sd = np.sqrt(np.divide(square, count - 1, out=np.full(len(mean), np.nan), where=count > 1))
    top = np.where(np.isnan(mean), np.nan, top_membership(ranked)) if len(kept) else np.full(len(mean), np.nan)
    return Spread(mean, sd, top)


def null_note(null: ReconstructionNull) -> str:
    """Say how many genes are reconstructed better than permuted ones."""
    known = null.p[~np.isnan(null.p)]
    if not len(known):
        return "Reconstruction: no sample is held out, so nothing is said about permuted genes."
    found = int((known <= _SMALL_P).sum())
    return (
        f"Reconstruction: {found:,} of {len(known):,} genes ({found / len(known):.1%}) are reconstructed in held-out "
        f"samples better than permuted genes are, at p <= {_SMALL_P:g}, where chance alone gives {_SMALL_P:.0%}."
    )


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
