import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from configs.tables import CONTRACTS
from models import importance as module
from models.importance import (
    autoencoder_value,
    graph_importance,
    importance_summary,
    mean_rank,
    measures_by_fold,
    null_note,
    reconstruction_importance,
    spread_over_fits,
)
from models.reconstruction_null import ReconstructionNull


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


def test_autoencoder_value_by_hand() -> None:
    nan = np.nan
    frame = _importance(
        a={"reconstruction": [0.1, 0.2, 0.3, nan], "gradient": [4.0, 3.0, 2.0, 1.0]},
        b={"reconstruction": [0.3, 0.2, 0.9, nan], "gradient": [4.0, 1.0, 2.0, 3.0]},
        all={"reconstruction": [9.0, 9.0, 9.0, 9.0], "gradient": [0.0, 0.0, 0.0, 9.0]},
    )
    genes, folds, measures = measures_by_fold(frame)
    assert genes.tolist() == ["g2", "g1", "g3", "g4"]
    assert folds == ("a", "b")
    # Reconstruction ranks: a (0, 1, 2)/3, b (1, 0, 2)/3; means (1/6, 1/6, 2/3) rank (0, 0, 2)/3.
    # Gradient ranks: a (3, 2, 1, 0)/4, b (3, 0, 1, 2)/4; means (3, 1, 1, 1)/4 rank (3, 0, 0, 0)/4.
    value = autoencoder_value(measures["reconstruction"], measures["gradient"])
    np.testing.assert_allclose(value, [(0 + 3 / 4) / 2, 0, (2 / 3 + 0) / 2, 0])


def test_mean_rank_by_hand_and_in_any_order_of_the_folds() -> None:
    values = np.array([[0.0, 0.2, 0.1, 0.4], [0.5, 0.1, 0.1, 0.6]])
    # Ranks: (0, 2, 1, 3)/4 and (2, 0, 0, 3)/4.
    np.testing.assert_allclose(mean_rank(values), [1 / 4, 1 / 4, 1 / 8, 3 / 4])
    np.testing.assert_array_equal(mean_rank(values[::-1]), mean_rank(values))


def test_summary_by_hand() -> None:
    nan = np.nan
    frame = _importance(
        a={"reconstruction": [0.1, 0.2, 0.3, nan], "gradient": [4.0, 3.0, 2.0, 1.0], "graph": [nan] * 4},
        b={"reconstruction": [0.5, 0.2, 0.9, nan], "gradient": [nan] * 4, "graph": [nan] * 4},
        all={"reconstruction": [9.0] * 4, "gradient": [9.0] * 4, "graph": [9.0] * 4},
    )
    null = ReconstructionNull(np.arange(4.0), np.zeros(4), np.array([0.01, 0.5, 0.05, nan]))
    summary = importance_summary(frame, null)
    assert summary.columns.tolist() == [column.name for column in CONTRACTS["importance_summary"].columns]
    np.testing.assert_allclose(summary["reconstruction"], [0.3, 0.2, 0.6, nan])
    # Standard deviations of two values a and b are |a - b| / sqrt(2).
    np.testing.assert_allclose(summary["reconstruction_sd"], [0.4 / 2**0.5, 0, 0.6 / 2**0.5, nan])
    np.testing.assert_allclose(summary["reconstruction_top"], [1, 1, 1, nan])
    np.testing.assert_allclose(summary["gradient"], [4, 3, 2, 1])
    assert summary[["gradient_sd", "graph", "graph_sd", "graph_top"]].isna().all(axis=None)
    assert summary["n_fits"].tolist() == [2] * 4
    assert "2 of 3 genes (66.7%)" in null_note(null)


def test_top_share_counts_the_fits_in_which_a_gene_is_among_the_best() -> None:
    values = np.zeros((3, 100))
    values[:2, :25] = 1  # the top is 25 of 100 genes
    values[2, 25:50] = -2
    spread = spread_over_fits(values, np.abs(values))
    np.testing.assert_allclose(spread.top, np.repeat([2 / 3, 1 / 3, 0, 0], 25))
    np.testing.assert_allclose(spread.mean, np.repeat([2 / 3, -2 / 3, 0, 0], 25))
