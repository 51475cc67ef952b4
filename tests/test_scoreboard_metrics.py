"""The measures of the scoreboard, against scikit-learn and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.benchmarks.scoreboard_metrics import gain, performances, standing


@given(st.lists(st.integers(0, 9), min_size=12, max_size=40), st.integers(1, 6))
def test_the_mean_share_behind_is_the_auc_also_with_ties(values: list[int], n_true: int) -> None:
    score = np.array(values, dtype=np.float64)
    label = np.arange(len(score)) < n_true
    assert standing(score, np.flatnonzero(label)).auc.mean() == pytest.approx(roc_auc_score(label, score))


def test_genes_that_tie_share_the_mean_place() -> None:
    assert standing(np.array([3.0, 2.0, 2.0, 2.0, 1.0]), [0, 2, 4]).rank.tolist() == [1, 3, 5]


def test_a_gene_without_a_score_is_behind_all_others() -> None:
    found = standing(np.array([np.nan, 0.2, 0.1]), [0])
    assert (found.rank[0], found.auc[0]) == (3, 0)


def test_known_genes_do_not_compete() -> None:
    found = standing(np.array([9.0, 8.0, 7.0, 6.0]), [2], left_out=[0, 1])
    assert (found.rank[0], found.auc[0]) == (1, 1)


def test_other_true_genes_take_places_but_no_auc() -> None:
    found = standing(np.array([9.0, 8.0, 7.0, 6.0]), [0, 1])
    assert found.rank.tolist() == [1, 2]
    assert found.auc.tolist() == [1, 1]


def test_the_top_is_one_percent_and_the_recall_looks_at_a_hundred_places() -> None:
    score = -np.arange(300.0)
    found = standing(score, [2, 3, 99, 100])
    assert found.top.tolist() == [1, 0, 0, 0]
    assert found.recall.tolist() == [1, 1, 1, 0]


def test_units_count_alike_however_many_genes_they_have() -> None:
    score = np.array([4.0, 3.0, 2.0, 1.0, 0.0])
    rows = [standing(score, [0]), standing(score, [4]), standing(score, [4])]
    found = performances({"a": rows}, [["x"], ["y"], ["y"]])["a"]
    assert found.auc.value == pytest.approx(0.5)
    assert (found.auc.low, found.auc.high) == (0, 1)
    assert found.median_rank == 5


def test_the_interval_has_the_width_of_the_normal_approximation() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(1_001)
    rows = [standing(score, [gene]) for gene in range(400)]
    found = performances({"a": rows}, [[str(gene)] for gene in range(400)])["a"].auc
    shares = np.array([row.auc[0] for row in rows])
    error = shares.std(ddof=1) / np.sqrt(len(shares))
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.1)
    assert found.value == pytest.approx(shares.mean())


def test_a_gain_is_paired() -> None:
    score = np.random.default_rng(2).random(500)
    units = [[str(gene)] for gene in range(50)]
    worse = [standing(score, [gene]) for gene in range(50)]
    better = [standing(np.where(np.arange(500) == gene, score + 0.1, score), [gene]) for gene in range(50)]
    found = gain(better, worse, units)
    assert found["auc"].low > 0.05
    assert gain(worse, worse, units)["top"].high == 0
