import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from models.rank_aggregation import rank_aggregation_p


def plainly(ranks):
    """Take the binomial tails gene by gene: the j-th smallest of k is at most u where at least j of k are."""
    result = []
    for gene in ranks.T:
        known = np.sort(gene[~np.isnan(gene)])
        count = len(known)
        rho = min((binom.sf(number - 1, count, u) for number, u in enumerate(known, 1)), default=np.nan)
        result.append(min(1.0, count * rho) if count else np.nan)
    return np.array(result)


def test_two_lists_by_hand():
    # One of two at most 0.1: 1 - 0.9^2 = 0.19. Both at most 0.3: 0.09. Twice the smaller.
    assert rank_aggregation_p(np.array([[0.3], [0.1]])) == pytest.approx(0.18, rel=1e-14)


def test_one_list_is_its_own_p():
    assert rank_aggregation_p(np.array([[0.25, 1.0]])) == pytest.approx([0.25, 1.0], rel=1e-14)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("ranks", "p"),
    [
        ([0.03, 0.2, 0.9, 0.5, 0.004], 0.042360264),
        ([0.5, 0.6, 0.7, 0.8, 0.9], 1),
        ([0.01, 0.02, 0.03], 8.1e-05),
        ([1e-5, 0.4, np.nan, np.nan, 0.001], 8.994e-06),
        ([1 / 132129, 1 / 132129, 0.7, 0.4, 1], 2.86396122850075e-09),
    ],
)
def test_p_is_that_of_r(ranks, p):
    # R 4.2.2: r <- sort(r[!is.na(r)]); k <- length(r); print(min(1, k * min(pbeta(r, 1:k, k:1))), digits = 15)
    assert rank_aggregation_p(np.array(ranks)[:, None])[0] == pytest.approx(p, rel=1e-13)


def test_missing_ranks_take_no_part():
    rng = np.random.default_rng(1)
    ranks = np.where(rng.random((5, 400)) < 0.3, np.nan, rng.random((5, 400)))
    ranks[:, 0] = np.nan
    p = rank_aggregation_p(ranks)
    assert np.isnan(p[0])
    np.testing.assert_allclose(p, plainly(ranks), rtol=1e-11)


@pytest.mark.parametrize("lists", [2, 5])
def test_p_of_random_genes_is_not_too_small(lists):
    p = rank_aggregation_p(np.random.default_rng(2).random((lists, 40_000)))
    for level in (0.2, 0.05, 0.01, 0.001):
        share, error = (p <= level).mean(), np.sqrt(level / 40_000)
        assert share <= level + 3 * error
        assert share >= level / lists - 3 * error


@settings(max_examples=40, deadline=None)
@given(
    ranks=st.lists(st.floats(0.001, 1), min_size=1, max_size=6),
    factor=st.floats(0.01, 1),
    seed=st.integers(0, 2**32 - 1),
)
def test_p_falls_with_any_rank_and_ignores_the_order_of_lists(ranks, factor, seed):
    rng = np.random.default_rng(seed)
    given_ranks = np.array(ranks)[:, None]
    better = given_ranks.copy()
    better[rng.integers(len(ranks))] *= factor
    assert rank_aggregation_p(better)[0] <= rank_aggregation_p(given_ranks)[0] * (1 + 1e-12)
    np.testing.assert_array_equal(rank_aggregation_p(rng.permutation(given_ranks)), rank_aggregation_p(given_ranks))


def test_a_genome_is_quick():
    ranks = np.random.default_rng(3).random((5, 132_129))
    ranks[0, ::3] = np.nan
    start = time.perf_counter()
    rank_aggregation_p(ranks)
    assert time.perf_counter() - start < 5
