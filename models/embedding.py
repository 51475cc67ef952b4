"""Two-dimensional pictures of the latents."""

import threading
import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from models.arrays import Float32Array, Float64Array

Method = Literal["PCA", "t-SNE", "UMAP"]
_MAX_PERPLEXITY = 30.0
_MAX_NEIGHBOURS = 15
_one_at_a_time = threading.Lock()  # numba's default thread pool ends the process when two threads enter it


def embed(features: Float32Array, *, seed: int) -> dict[Method, Float64Array]:
    """Embed the samples in two dimensions by PCA, t-SNE and UMAP.

    Parameters
    ----------
    features : ndarray, shape=(n, d), dtype=float32
        Latents of at least 4 samples.
    seed : int
        Seed of t-SNE and UMAP.

    Returns
    -------
    dict of str to ndarray, shape=(n, 2), dtype=float64
        Coordinates by method; the axes of t-SNE and UMAP have no unit.
    """
    values = np.asarray(features, dtype=np.float64)
    if values.shape[1] < 2:
        values = np.pad(values, ((0, 0), (0, 2 - values.shape[1])))
    return {"PCA": _pca(values), "t-SNE": _tsne(values, seed), "UMAP": _umap(values, seed)}


def _pca(values: Float64Array) -> Float64Array:
    points: Float64Array = PCA(n_components=2, svd_solver="full").fit_transform(values)
    return points


def _tsne(values: Float64Array, seed: int) -> Float64Array:
    # The exact method sums in a fixed order; with at most some hundred samples it is as fast as the approximate one.
    perplexity = min(_MAX_PERPLEXITY, (len(values) - 1) / 3)
    points = TSNE(perplexity=perplexity, method="exact", random_state=seed).fit_transform(values)
    return np.asarray(points, dtype=np.float64)


def _umap(values: Float64Array, seed: int) -> Float64Array:
    neighbours = min(_MAX_NEIGHBOURS, len(values) - 1)
    nearest = _nearest(values, neighbours)
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP  # noqa: PLC0415 - slow to import

        # UMAP would compile a search for the neighbours first, which takes longer than all the rest.
        points = UMAP(n_neighbors=neighbours, precomputed_knn=nearest, random_state=seed, n_jobs=1).fit_transform(
            values
        )
    return np.asarray(points, dtype=np.float64)


def _nearest(values: Float64Array, count: int) -> tuple[npt.NDArray[np.intp], Float64Array]:
    """Return numbers and Euclidean distances of each sample's nearest ones, itself first, shape=(n, count)."""
    distance = cdist(values, values)
    np.fill_diagonal(distance, -1.0)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :count]
    return nearest, np.maximum(np.take_along_axis(distance, nearest, axis=1), 0.0)
