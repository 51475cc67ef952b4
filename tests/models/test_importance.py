import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from models import importance as module
from models.importance import autoencoder_evidence, graph_evidence, graph_importance, reconstruction_importance


def test_explained_variance_by_hand() -> None:
    # Sums of z^2: 1 + 4 = 5, 0, 9 (one value missing), 4; so 1 - 1/5, nothing, 1 - 9/9, 1 - 8/4.
    scaled = np.array([[1, 2], [0, 0], [3, np.nan], [2, 0]], dtype=np.float32)
    result = reconstruction_importance(np.array([1.0, 3.0, 9.0, 8.0]), scaled)
    np.testing.assert_allclose(result, [0.8, np.nan, 0.0, -1.0])


def test_graph_importance_is_the_weighted_mean_of_correlations(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    genes = generator.normal(size=(11, 9)).astype(np.float32)
    latents = generator.normal(size=(9, 3)).astype(np.float32)
    weights = np.array([0.2, 0.0, 0.6])
    expected = [
        (0.2 * abs(pearsonr(gene, latents[:, 0])[0]) + 0.6 * abs(pearsonr(gene, latents[:, 2])[0])) / 0.8
        for gene in genes.astype(float)
    ]
    np.testing.assert_allclose(graph_importance(genes, latents, weights), expected, rtol=1e-6)
    monkeypatch.setattr(module, "_BLOCK", 4)
    np.testing.assert_allclose(graph_importance(genes, latents, weights), expected, rtol=1e-6)


def test_graph_importance_of_constants_is_zero() -> None:
    latents = np.array([[1.0, 0.1], [2.0, 0.1], [4.0, 0.1]], dtype=np.float32)
    genes = np.array([[0.1, 0.1, 0.1], [2, 4, 8]], dtype=np.float32)
    np.testing.assert_allclose(graph_importance(genes, latents, np.array([1.0, 1.0])), [0, 0.5], atol=1e-7)
    np.testing.assert_array_equal(graph_importance(genes, latents, np.zeros(2)), [0, 0])


def _importance(**folds: dict[str, list[float]]) -> pd.DataFrame:
    genes = ["g2", "g1", "g3", "g4"]
    return pd.concat([pd.DataFrame({"fold": fold, "gene_id": genes, **values}) for fold, values in folds.items()])


def test_autoencoder_evidence_by_hand() -> None:
    nan = np.nan
    frame = _importance(
        a={"reconstruction": [0.1, 0.2, 0.3, nan], "gradient": [4.0, 3.0, 2.0, 1.0]},
        b={"reconstruction": [0.3, 0.2, 0.9, nan], "gradient": [4.0, 1.0, 2.0, 3.0]},
        all={"reconstruction": [9.0, 9.0, 9.0, 9.0], "gradient": [0.0, 0.0, 0.0, 9.0]},
    )
    evidence = autoencoder_evidence(frame)
    assert evidence["gene_id"].tolist() == ["g2", "g1", "g3", "g4"]
    np.testing.assert_allclose(evidence["reconstruction"], [0.2, 0.2, 0.6, nan])
    np.testing.assert_allclose(evidence["gradient"], [4, 2, 2, 2])
    # Reconstruction ranks: a (0, 1, 2)/3, b (1, 0, 2)/3; means (1/6, 1/6, 2/3) rank (0, 0, 2)/3.
    # Gradient ranks: a (3, 2, 1, 0)/4, b (3, 0, 1, 2)/4; means (3, 1, 1, 1)/4 rank (3, 0, 0, 0)/4.
    np.testing.assert_allclose(evidence["value"], [(0 + 3 / 4) / 2, 0, (2 / 3 + 0) / 2, 0])


def test_graph_evidence_by_hand() -> None:
    frame = _importance(a={"graph": [0.0, 0.2, 0.1, 0.4]}, b={"graph": [0.5, 0.1, 0.1, 0.6]})
    evidence = graph_evidence(frame)
    # Ranks: a (0, 2, 1, 3)/4, b (2, 0, 0, 3)/4.
    np.testing.assert_allclose(evidence["value"], [1 / 4, 1 / 4, 1 / 8, 3 / 4])
    np.testing.assert_allclose(evidence["graph"], [0.25, 0.15, 0.1, 0.5])


def test_evidence_ignores_the_order_of_the_folds() -> None:
    generator = np.random.default_rng(0)
    folds = {name: {"graph": list(generator.normal(size=4))} for name in "abc"}
    backwards = dict(reversed(folds.items()))
    pd.testing.assert_frame_equal(graph_evidence(_importance(**folds)), graph_evidence(_importance(**backwards)))
