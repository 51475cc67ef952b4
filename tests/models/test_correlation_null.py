import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.arithmetic import Workers
from models.correlation import best_partner
from models.correlation_null import correlation_null, largest_by_draw
from models.significance import group_permutations

FOUR_BY_THREE = [f"group {number // 3}" for number in range(12)]
DRAWS = group_permutations(FOUR_BY_THREE, count=15, seed=3)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def with_gaps(rng, size, share):
    values = rng.normal(size=(size, 12))
    values[rng.random(values.shape) < share] = np.nan
    return values


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
@pytest.mark.parametrize("gene_gaps", [0.0, 0.1])
@pytest.mark.parametrize("metabolite_gaps", [0.0, 0.1])
@pytest.mark.parametrize(("n_genes", "n_metabolites"), [(25, 2), (3, 40)])
def test_each_draw_is_the_best_partner_of_permuted_metabolites(
    rng, method, gene_gaps, metabolite_gaps, n_genes, n_metabolites
):
    genes, metabolites = with_gaps(rng, n_genes, gene_gaps), with_gaps(rng, n_metabolites, metabolite_gaps)
    null = correlation_null(genes, metabolites, DRAWS, method=method)
    expected = np.array([best_partner(genes, metabolites[:, draw], method=method).strength for draw in DRAWS])
    assert null.dtype == np.float32
    np.testing.assert_allclose(null, expected, atol=2e-6)
    # An equal strength counts as reached.
    assert (null >= expected).all()


@pytest.mark.parametrize(("n_genes", "n_metabolites"), [(9, 2), (2, 9)])
def test_direction_is_that_of_scipys_rho(rng, n_genes, n_metabolites):
    genes, metabolites = rng.normal(size=(n_genes, 12)), rng.normal(size=(n_metabolites, 12))
    rho = np.array([[[stats.spearmanr(gene, row[draw])[0] for row in metabolites] for gene in genes] for draw in DRAWS])
    strength = np.arctanh(rho) * np.sqrt(9 / 1.06)
    for direction, expected in (("positive", strength), ("negative", -strength), ("both", np.abs(strength))):
        null = correlation_null(genes, metabolites, DRAWS, direction=direction)
        np.testing.assert_allclose(null, expected.max(axis=2), atol=2e-6)


def test_one_metabolite_against_its_direction_has_negative_strength(rng):
    metabolite = rng.normal(size=(1, 12))
    in_place = np.arange(12)[None]
    assert correlation_null(-metabolite, metabolite, in_place, direction="positive")[0, 0] < -5
    assert correlation_null(-metabolite, metabolite, in_place, direction="negative")[0, 0] > 5


@pytest.mark.parametrize("n_metabolites", [2, 40])
def test_samples_that_the_metabolome_lacks_move_with_it(rng, n_metabolites):
    genes, metabolites = rng.normal(size=(20, 12)), rng.normal(size=(n_metabolites, 12))
    metabolites[:, [1, 5]] = np.nan
    null = correlation_null(genes, metabolites, DRAWS)
    for values, draw in zip(null, DRAWS, strict=True):
        known = ~np.isnan(metabolites[0, draw])
        expected = best_partner(genes[:, known], metabolites[:, draw[known]]).strength
        np.testing.assert_allclose(values, expected, atol=2e-6)


def test_ties_are_as_in_the_observed_study(rng):
    genes, metabolites = rng.integers(0, 3, size=(20, 12)) * 1.0, rng.integers(0, 3, size=(5, 12)) * 1.0
    null = correlation_null(genes, metabolites, DRAWS)
    expected = np.array([best_partner(genes, metabolites[:, draw]).strength for draw in DRAWS])
    np.testing.assert_allclose(null, expected, atol=2e-6)
    assert (null >= expected).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(2, 40), st.integers(1, 14), st.booleans())
def test_neither_threads_nor_blocks_nor_cuts_of_the_draws_matter(threads, block, cut, many):
    rng = np.random.default_rng(7)
    genes, metabolites = with_gaps(rng, 4 if many else 30, 0.05), with_gaps(rng, 30 if many else 4, 0.05)
    whole = correlation_null(genes, metabolites, DRAWS)
    workers = Workers(threads=threads, block=block)
    np.testing.assert_array_equal(correlation_null(genes, metabolites, DRAWS, workers=workers), whole)
    parts = [correlation_null(genes, metabolites, some) for some in (DRAWS[:cut], DRAWS[cut:])]
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_what_cannot_be_tested_has_no_strength(rng):
    genes = rng.normal(size=(4, 12))
    genes[1] = 1.0
    genes[2, 3:] = np.nan
    null = correlation_null(genes, rng.normal(size=(2, 12)), DRAWS)
    assert np.isnan(null).all(axis=0).tolist() == [False, True, True, False]
    assert np.isnan(correlation_null(genes, np.ones((2, 12)), DRAWS)).all()
    assert np.isnan(correlation_null(genes, np.empty((0, 12)), DRAWS)).all()
    assert correlation_null(genes[:0], genes, DRAWS).shape == (15, 0)


def test_the_largest_of_each_draw_whatever_the_order_of_the_rows():
    rho = np.array([[0.1, -0.5], [0.7, np.nan], [0.3, -0.2], [0.2, np.nan]])
    draws, largest = largest_by_draw(rho, np.array([4, 2, 4, 2]))
    np.testing.assert_array_equal(draws, [2, 4])
    np.testing.assert_array_equal(largest, [[0.7, np.nan], [0.3, -0.2]])
