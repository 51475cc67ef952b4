import warnings

import numpy as np
import pytest

from models.embedding import embed


@pytest.fixture(scope="module")
def latents() -> np.ndarray:
    """Two far clouds of twelve samples each."""
    values = np.random.default_rng(0).normal(size=(24, 8))
    values[12:] += 20
    return values.astype(np.float32)


def test_twice_the_same(latents: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = embed(latents, seed=3), embed(latents, seed=3)
    assert list(one) == ["PCA", "t-SNE", "UMAP"]
    for method, points in one.items():
        assert points.shape == (24, 2)
        assert np.isfinite(points).all()
        np.testing.assert_array_equal(points, other[method])


def test_far_clouds_stay_apart(latents: np.ndarray) -> None:
    for points in embed(latents, seed=1).values():
        gap = np.linalg.norm(points[:12].mean(axis=0) - points[12:].mean(axis=0))
        spread = max(np.linalg.norm(part - part.mean(axis=0), axis=1).mean() for part in (points[:12], points[12:]))
        assert gap > 2 * spread


def test_pca_equals_the_singular_value_decomposition(latents: np.ndarray) -> None:
    centred = latents.astype(float) - latents.astype(float).mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(embed(latents, seed=1)["PCA"]), np.abs(left[:, :2] * singular[:2]), atol=1e-8)


@pytest.mark.parametrize("shape", [(6, 8), (6, 1), (4, 3)])
def test_few_samples_and_dimensions(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    for points in embed(values, seed=1).values():
        assert points.shape == (shape[0], 2)
        assert np.isfinite(points).all()
