import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.folds import unevenness
from models.label_null import is_constant_within, label_draws, n_arrangements, permuted_labels


def _design(n_groups: int, replicates: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n_groups - n_classes)])
    groups = np.repeat(np.arange(n_groups), replicates)
    return rng.permutation(label)[groups], groups, rng.permutation(n_groups) % 3


def _held(codes: np.ndarray, groups: np.ndarray, fold_of_group: np.ndarray) -> np.ndarray:
    held = np.zeros((fold_of_group.max() + 1, codes.max() + 1))
    np.add.at(held, (fold_of_group[groups], codes), 1)
    return held


@given(st.integers(4, 12), st.integers(1, 3), st.integers(2, 3), st.integers(0, 10_000))
def test_groups_stay_whole_and_folds_as_even_as_they_are(
    n_groups: int, replicates: int, n_classes: int, seed: int
) -> None:
    codes, groups, folds = _design(n_groups, replicates, n_classes, seed)
    several = np.array([len(set(groups[codes == number])) >= 2 for number in range(n_classes)])
    limit = unevenness(_held(codes, groups, folds), several)
    for drawn in permuted_labels(codes, groups, folds, count=5, seed=seed):
        assert is_constant_within(drawn, groups)
        np.testing.assert_array_equal(np.bincount(drawn), np.bincount(codes))
        assert unevenness(_held(drawn, groups, folds), several) <= limit


def test_every_arrangement_is_as_likely_as_any_other() -> None:
    # Four groups, each a fold of its own, two of each class: 4! / (2! 2!) = 6 arrangements.
    codes, groups = np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.repeat(np.arange(4), 2)
    drawn = permuted_labels(codes, groups, np.arange(4), count=600, seed=1)
    counts = pd.Series(["".join(map(str, row)) for row in drawn]).value_counts()
    assert len(counts) == n_arrangements(codes, groups) == 6
    # Expected 100 each, standard deviation 9 for independent draws.
    assert np.abs(counts - 100).max() < 40


def test_a_label_that_varies_within_groups_is_shuffled_there() -> None:
    codes, groups = np.array([0, 1, 2, 0, 1, -1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 2, 2])
    drawn = permuted_labels(codes, groups, np.array([0, 1, 2]), count=200, seed=1)
    for members in (groups == 0, groups == 1, groups == 2):
        assert (np.sort(drawn[:, members], axis=1) == np.sort(codes[members])).all()
    assert (drawn[:, 5] == -1).all()
    assert len({tuple(row) for row in drawn}) == n_arrangements(codes, groups) == 6 * 2


def test_missing_labels_stay_where_they_are() -> None:
    codes = np.array([0, -1, 1, 1, -1, -1, 0, 0])
    groups = np.repeat(np.arange(4), 2)
    drawn = permuted_labels(codes, groups, np.arange(4), count=20, seed=2)
    assert ((drawn < 0) == (codes < 0)).all()
    # Groups 0, 1 and 3 have classes 0, 1 and 0.
    assert len({tuple(row) for row in drawn}) == 3
    nothing = np.full(8, -1)
    assert (permuted_labels(nothing, groups, np.arange(4), count=2, seed=1) == -1).all()
    assert n_arrangements(nothing, groups) == 1


def test_draws_as_a_table() -> None:
    sheet = pd.DataFrame({"sample_id": list("abcdef"), "group": list("xxyyzz"), "batch": None, "time": np.nan})
    sheet = sheet.assign(tissue=["root", "root", "leaf", None, "root", "root"], place=None).drop(columns="place")
    held_out = pd.DataFrame({"fold": ["0", "0", "1", "2"], "group": ["x", "x", "y", "z"]})
    draws, arrangements = label_draws(sheet, held_out, count=7, seed=1)
    assert arrangements == {"tissue": pytest.approx(3)}
    assert draws.groupby("draw").size().tolist() == [6] * 7
    assert draws.loc[draws["sample_id"] == "d", "class"].isna().all()
    assert set(draws["class"].dropna()) == {"root", "leaf"}
    assert label_draws(sheet, held_out, count=7, seed=1)[0].equals(draws)
