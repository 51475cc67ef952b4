import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from models.bait_standing import auc_of, chance_limit, mean_place, standing_of


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([-1e-9, -2.0, 0.0, 1e-9, 3.0, np.nan]), min_size=1, max_size=30))
def test_counting_gives_the_place_that_ranking_gives(values):
    scores = np.array(values)
    ranked = rankdata(-np.where(np.isnan(scores), -np.inf, scores), method="average")
    np.testing.assert_array_equal([mean_place(scores, gene) for gene in range(len(scores))], ranked)


def test_sums_in_another_order_still_tie():
    assert mean_place(np.array([0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1, 0.0]), 1) == 1.5


def test_figures_by_hand():
    # 1,001 genes, so the first 1% are 10; places 1, 10, 101 and 501 are ahead of 1, .991, .9 and .5 of the others.
    standing = standing_of(np.array([1.0, 10, 101, 501]), 1_001, seed=0)
    assert standing.auc == pytest.approx((1 + 0.991 + 0.9 + 0.5) / 4, rel=1e-14)
    assert standing.recall_100 == 0.5
    assert standing.top_1_percent == 0.5
    assert standing.median_rank == 55.5
    assert standing.auc_interval[0] < standing.auc < standing.auc_interval[1]
    assert standing == standing_of(np.array([1.0, 10, 101, 501]), 1_001, seed=0)


def test_the_interval_is_about_that_of_the_normal_with_many_baits():
    places = np.random.default_rng(0).integers(1, 10_001, size=400).astype(float)
    standing = standing_of(places, 10_000, seed=1)
    half = 1.96 * auc_of(places, 10_000).std() / 20
    np.testing.assert_allclose(standing.auc_interval, [standing.auc - half, standing.auc + half], atol=0.004)


@pytest.mark.parametrize("n_baits", [3, 5, 20])
def test_useless_evidence_is_rarely_called_useful(n_baits):
    rng = np.random.default_rng(2)
    called = [
        (standing.above_chance, standing.below_chance)
        for standing in (
            standing_of(rng.integers(1, 1_001, size=n_baits).astype(float), 1_000, seed=0) for _ in range(300)
        )
    ]
    # 2.5% and at most three standard errors of 300 cases.
    assert np.mean(called, axis=0).max() <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / 300)


def test_three_random_genes_exceed_the_limit_in_a_fortieth_of_cases():
    means = np.random.default_rng(3).random((200_000, 3)).mean(axis=1)
    assert 0.02 < (means > chance_limit(3)).mean() <= 0.025
