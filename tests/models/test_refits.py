import numpy as np
from scipy.stats import rankdata

from models.refits import rank_stability


def test_best_and_worst_rank_over_refits_are_those_of_scipy():
    scores = np.random.default_rng(3).normal(size=(6, 80))
    ranks = rankdata(-scores, axis=1)
    found = rank_stability(scores)
    np.testing.assert_array_equal(found.low, ranks.min(axis=0))
    np.testing.assert_array_equal(found.high, ranks.max(axis=0))
    np.testing.assert_allclose(found.top_share, (ranks <= 25).mean(axis=0))


def test_genes_without_a_score_come_last_and_ties_take_the_order_of_the_table():
    found = rank_stability(np.array([[np.nan, 1.0, 1.0, 2.0]]))
    assert found.low.tolist() == [4, 2, 3, 1]
    assert found.high.tolist() == [4, 2, 3, 1]
