import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.all_pairs import all_pairs
from models.arithmetic import NumpyArithmetic, Workers
from models.measures import measure_of
from models.top_pairs import top_pairs


def made(seed, *, samples=9, missing=0.15):
    rng = np.random.default_rng(seed)
    tables = [np.round(rng.normal(size=(size, samples)), 1) for size in (60, 35)]
    for table, share in zip(tables, (missing / 4, missing), strict=True):
        table[rng.random(table.shape) < share] = np.nan
    return tables


def from_the_matrix(genes, metabolites, method, per_gene, per_metabolite):
    """Rank all pairs by strength, then by row, from the whole matrix."""
    measure = measure_of(method)
    work = all_pairs(measure, measure.groups(genes), metabolites, Workers())
    rows = []
    for unit in work.units:
        for part, rows_of_part, rho in work.blocks(unit, NumpyArithmetic()):
            for m, g in zip(*np.nonzero(~np.isnan(rho)), strict=True):
                value = np.round(rho[m, g], 12)
                rows.append(
                    (unit[0].index[g], part.index[rows_of_part][m], value, measure.strength(value, part.n_samples))
                )
    pairs = pd.DataFrame(rows, columns=["gene", "metabolite", "rho", "strength"])
    pairs["strength"] *= -1
    tops = []
    for side, other, k in (("gene", "metabolite", per_gene), ("metabolite", "gene", per_metabolite)):
        ordered = pairs.sort_values([side, "strength", other])
        tops.append(ordered.groupby(side).head(k)[["gene", "metabolite", "rho"]])
    return pd.concat(tops, ignore_index=True)


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
@pytest.mark.parametrize("missing", [0.0, 0.15])
@pytest.mark.parametrize("workers", [Workers(), Workers(threads=2, block=8)])
@pytest.mark.parametrize("sizes", [(3, 7), (1, 0), (0, 100)])
def test_tops_are_those_of_the_whole_matrix(method, missing, workers, sizes):
    genes, metabolites = made(1, missing=missing)
    found = top_pairs(genes, metabolites, per_gene=sizes[0], per_metabolite=sizes[1], method=method, workers=workers)
    expected = from_the_matrix(genes, metabolites, method, *sizes)
    np.testing.assert_array_equal(found[["gene", "metabolite"]], expected[["gene", "metabolite"]])
    np.testing.assert_allclose(found["rho"], expected["rho"], atol=1e-11)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(5, 12), k=st.integers(1, 6))
def test_many_ties_are_settled_by_row_whatever_the_blocks(seed, samples, k):
    genes, metabolites = made(seed, samples=samples)
    found = [
        top_pairs(genes, metabolites, per_gene=k, per_metabolite=k, workers=workers)
        for workers in (Workers(), Workers(threads=2, block=5))
    ]
    pd.testing.assert_frame_equal(*found)
    expected = from_the_matrix(genes, metabolites, "spearman", k, k)
    np.testing.assert_array_equal(found[0][["gene", "metabolite"]], expected[["gene", "metabolite"]])


def test_ranks_begin_at_one_and_p_falls_with_the_strength():
    genes, metabolites = made(2, missing=0.0)
    found = top_pairs(genes, metabolites, per_gene=3, per_metabolite=4)
    assert found.groupby(["side", "gene"])["rank"].first()["gene"].eq(1).all()
    ranked = found[found["side"] == "metabolite"].groupby("metabolite")
    assert ranked["rank"].agg(list).map(lambda ranks: ranks == [1, 2, 3, 4]).all()
    assert ranked["p"].agg(lambda p: p.is_monotonic_increasing).all()


def test_nothing_is_asked_for():
    found = top_pairs(*made(3), per_gene=0, per_metabolite=0)
    assert found.empty
    assert list(found.columns) == ["side", "rank", "gene", "metabolite", "n_samples", "rho", "p"]
