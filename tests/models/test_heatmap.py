"""The small matrix of the heatmap against the pairs that the tables list, and against SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, spearmanr

from models.design import Design
from models.design_correlation import design_correlation
from models.heatmap import correlation_matrix


def _sides() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(3)
    genes, metabolites = (generator.normal(size=(rows, 14)).astype(np.float32) for rows in (6, 5))
    genes[0, :4], metabolites[1, 3:7], genes[2, 5] = np.nan, np.nan, 40.0
    metabolites[2, 3:] = np.nan
    return genes, metabolites


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
def test_the_matrix_is_what_the_tables_say(method):
    genes, metabolites = _sides()
    pairs = tuple(side.ravel() for side in np.meshgrid(np.arange(6), np.arange(5), indexing="ij"))
    sheet = pd.DataFrame({"sample_id": [f"s{place}" for place in range(14)], "group": [str(p) for p in range(14)]})
    design = Design.of_samples(sheet.assign(batch=None, time=np.nan, series=None), tuple(sheet["sample_id"]))
    listed = design_correlation(genes, metabolites, pairs, design, method=method).total.reshape(6, 5)
    found = correlation_matrix(genes, metabolites, method=method)
    np.testing.assert_allclose(found, listed, atol=1e-9)
    assert np.isnan(found[:, 2]).all()


def test_the_methods_are_those_of_scipy():
    genes, metabolites = _sides()
    for method, function in (("pearson", pearsonr), ("spearman", spearmanr)):
        expected = function(genes[2].astype(float), metabolites[0].astype(float)).statistic
        assert correlation_matrix(genes, metabolites, method=method)[2, 0] == pytest.approx(expected, abs=1e-12)


def test_a_constant_side_has_no_correlation():
    flat = np.ones((1, 8), dtype=np.float32)
    moving = np.arange(8, dtype=np.float32)[None]
    assert np.isnan(correlation_matrix(flat, moving, method="bicor")).all()
