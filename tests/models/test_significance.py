from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.significance import between_share, group_permutations, q_values

SEVEN_BY_THREE = [f"group {number // 3}" for number in range(21)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def replicated(rng, size, icc):
    """Make 7 groups x 3 replicates with the given intraclass correlation."""
    between = np.repeat(rng.normal(size=(size, 7)), 3, axis=1)
    return np.sqrt(icc) * between + np.sqrt(1 - icc) * rng.normal(size=(size, 21))


def draws(*, count, seed):
    return group_permutations(SEVEN_BY_THREE, count=count, seed=seed)


def test_whole_groups_change_places():
    groups = ["a", "b", "c", "a", "b", "c"]
    drawn = group_permutations(groups, count=200, seed=1)
    assert drawn.dtype == np.int64
    for row in drawn:
        assert sorted(row) == [0, 1, 2, 3, 4, 5]
        for group in "abc":
            places = [place for place, name in enumerate(groups) if name == group]
            assert len({groups[row[place]] for place in places}) == 1
    # 3! orders of the groups times 2! orders within each: all 48 come up in 200 draws but for a few.
    assert len({tuple(row) for row in drawn}) > 40


def test_unequal_groups_are_laid_end_to_end():
    groups = ["a", "a", "a", "b", "c", "c"]
    for row in group_permutations(groups, count=50, seed=2):
        names = [groups[sample] for sample in row]
        assert sorted(row) == list(range(6))
        assert sum(x != y for x, y in pairwise(names)) == 2


def test_samples_that_are_their_own_group_are_permuted_freely():
    drawn = group_permutations(["a", "b", "c"], count=300, seed=3)
    assert {tuple(row) for row in drawn} == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}


def test_draws_follow_the_seed():
    first, again, other = (group_permutations(SEVEN_BY_THREE, count=5, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_between_share_is_that_of_an_analysis_of_variance(rng):
    values = replicated(rng, 4, 0.5)
    ranks = stats.rankdata(values, axis=1)
    total = np.square(ranks - 11).sum(axis=1)
    within = sum(np.square(part - part.mean(axis=1, keepdims=True)).sum(axis=1) for part in np.split(ranks, 7, axis=1))
    np.testing.assert_allclose(between_share(values, SEVEN_BY_THREE), 1 - within / total)


def test_q_values_are_scipys_over_the_known_ones():
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    q = q_values(p)
    np.testing.assert_allclose(q[[0, 2, 3, 4]], stats.false_discovery_control(p[[0, 2, 3, 4]]))
    assert np.isnan(q[1])
    assert np.isnan(q_values(np.array([np.nan]))).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_is_monotone_in_p_and_never_below_it(values):
    p = np.array(values)
    q = q_values(p)
    assert (q >= p).all()
    assert (np.diff(q[np.argsort(p)]) >= 0).all()
