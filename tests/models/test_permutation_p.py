"""P of permuted groups holds its level, counts like a plain loop, and is never smaller than is said beforehand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.correlation import best_partner
from models.correlation_null import correlation_null
from models.significance import expression_strata, group_permutations
from models.target_null import (
    TargetNull,
    correlation_p,
    null_count,
    null_genes,
    permutation_sentence,
    smallest_target_p,
)

SEVEN_BY_THREE = [f"group {number // 3}" for number in range(21)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def replicated(rng, size, icc):
    """Make 7 groups x 3 replicates with the given intraclass correlation."""
    between = np.repeat(rng.normal(size=(size, 7)), 3, axis=1)
    return np.sqrt(icc) * between + np.sqrt(1 - icc) * rng.normal(size=(size, 21))


def permuted_p(genes, metabolites, groups, draws):
    """Return p of each gene's strongest correlation, with null values of every gene."""
    observed = best_partner(genes, metabolites).strength
    stratum = expression_strata(genes, groups, np.isnan(observed))
    null = correlation_null(genes, metabolites, draws)
    return correlation_p(observed, null, np.arange(len(genes)), stratum, groups)


@pytest.mark.parametrize("icc", [0.0, 0.9])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_null_p_values_hold_their_level_under_replicate_structure(rng, icc, missing):
    shares = []
    for study in range(20):
        genes = np.vstack([replicated(rng, 60, 0.0), replicated(rng, 60, 0.9)])
        metabolites = replicated(rng, 3, icc)
        metabolites[rng.random(metabolites.shape) < missing] = np.nan
        p = permuted_p(genes, metabolites, SEVEN_BY_THREE, group_permutations(SEVEN_BY_THREE, count=60, seed=study))
        shares.append([(p[:60] < 0.05).mean(), (p[60:] < 0.05).mean()])
    assert np.mean(shares, axis=0).max() < 0.07


@pytest.mark.parametrize("missing", [0.0, 0.15])
def test_counts_equal_a_plain_loop(rng, missing):
    genes, metabolites = rng.normal(size=(30, 9)), rng.normal(size=(4, 9))
    metabolites[rng.random(metabolites.shape) < missing] = np.nan
    genes[5] = 1.0
    groups = [str(sample) for sample in range(9)]
    draws = group_permutations(groups, count=20, seed=4)
    p = permuted_p(genes, metabolites, groups, draws)
    null = np.concatenate([best_partner(genes, metabolites[:, row]).strength for row in draws])
    null = null[~np.isnan(null)]
    observed = best_partner(genes, metabolites).strength
    known = ~np.isnan(observed)
    expected = [(1 + (null >= value - 1e-6).sum()) / (1 + len(null)) for value in observed[known]]
    np.testing.assert_allclose(p[known], expected, rtol=1e-12)
    assert np.flatnonzero(np.isnan(p)).tolist() == [5]


def test_a_gene_that_follows_the_target_gets_the_smallest_p(rng):
    metabolites = replicated(rng, 2, 0.5)
    genes = np.vstack([replicated(rng, 199, 0.5), metabolites[:1]])
    p = permuted_p(genes, metabolites, SEVEN_BY_THREE, group_permutations(SEVEN_BY_THREE, count=50, seed=1))
    assert p.argmin() == 199
    assert p[199] < 0.01


@given(st.integers(1, 20_000), st.integers(20, 20_000), st.integers(1, 7_000))
def test_as_many_null_genes_are_drawn_as_are_counted_beforehand(n_genes, draws, rows):
    stratum = np.arange(n_genes) % 10
    assert len(null_genes(stratum, draws=draws, rows=rows, seed=1)) == null_count(n_genes, draws=draws, rows=rows)


@pytest.mark.parametrize(
    ("groups", "smallest"), [(SEVEN_BY_THREE, 1 / 5_040), ([str(n) for n in range(9)], 1 / 30_001)]
)
def test_p_is_never_below_what_is_said_and_reaches_it(groups, smallest):
    draws, n_genes = 1_000, 300 if len(groups) == 21 else 30
    stratum = np.arange(n_genes) % 10 if len(groups) == 21 else np.zeros(n_genes, dtype=np.int64)
    null = TargetNull.of(np.zeros((draws, n_genes)), np.arange(n_genes), stratum, groups)
    assert null.p(np.ones(n_genes)) == pytest.approx(smallest)
    assert null.smallest_p == pytest.approx(smallest)
    pool = draws * n_genes // (10 if len(groups) == 21 else 1)
    assert smallest_target_p(len(set(groups)), pool) == null.smallest_p


def test_few_groups_bound_p_and_more_draws_do_not_help():
    said = (
        "The p of the ranking cannot be below 2.0e-4, however many permutations are drawn: the replicate groups (7) "
        "have no more orders than that."
    )
    assert 1 / math.factorial(7) == pytest.approx(2.0e-4, rel=0.01)
    for draws in (1_000, 10_000):
        assert permutation_sentence(SEVEN_BY_THREE, n_genes=132_129, draws=draws) == said


def test_with_many_groups_permutations_bound_p():
    groups = [str(number // 2) for number in range(40)]
    # 5,000 genes x 1,000 permutations / 10 strata; 200 genes x 50 permutations.
    assert permutation_sentence(groups, n_genes=132_129, draws=1_000) == (
        "The p of the ranking holds each gene against chance values of genes whose replicates are about as alike, from "
        "1,000 permutations of whole replicate groups; it cannot be below about 2.0e-6."
    )
    assert permutation_sentence([str(number) for number in range(20)], n_genes=200, draws=50) == (
        "The p of the ranking holds each gene against chance values of all genes, from 50 permutations of whole "
        "replicate groups; it cannot be below about 1.0e-4."
    )
