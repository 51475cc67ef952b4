"""Negative controls resemble what they stand for, and the sentence says no more than they show."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.tables import CONTRACTS
from models.negative_controls import control_sentence, control_table, random_target, shuffled_baits


def _spread(scales: np.ndarray, n_samples: int = 8, seed: int = 0) -> np.ndarray:
    """Rows whose variance is the square of `scales`, exactly."""
    rows = np.random.default_rng(seed).normal(size=(len(scales), n_samples))
    rows -= rows.mean(axis=1, keepdims=True)
    return rows / rows.std(axis=1, ddof=1, keepdims=True) * scales[:, None]


def test_a_random_target_has_the_variances_of_the_real_one():
    scales = np.repeat([0.1, 1.0, 10.0], 40)
    drawn = random_target(_spread(scales), np.array([0, 41, 42, 80]), seed=1)
    assert drawn is not None
    assert scales[drawn].tolist() == [0.1, 1.0, 1.0, 10.0]
    assert not {0, 41, 42, 80} & set(drawn.tolist())


def test_one_of_the_twenty_nearest_is_drawn_and_each_of_them_can_be():
    # ln variance is 2 ln scale: row k is 2k / 100 away from row 0, so the nearest twenty are rows 1 to 20.
    values = _spread(np.exp(np.arange(60) / 100))
    drawn = {int(random_target(values, np.array([0]), seed=seed)[0]) for seed in range(400)}
    assert drawn == set(range(1, 21))


def test_fewer_are_drawn_where_fewer_are_left_and_none_for_the_target_of_all():
    values = _spread(np.ones(5))
    drawn = random_target(values, np.array([0, 1, 2]), seed=1)
    assert sorted(drawn.tolist()) == [3, 4]
    assert random_target(values, np.arange(5), seed=1) is None


def test_what_does_not_vary_is_neither_matched_nor_drawn():
    values = _spread(np.ones(6)).astype(np.float32)
    values[1] = 0.1  # a variance of 1e-17 in plain arithmetic
    values[4] = 0.1
    values[5, 1:] = np.nan
    assert sorted(random_target(values, np.array([0, 1]), seed=1).tolist()) in ([2], [3])
    assert random_target(values, np.array([1]), seed=1) is None


def test_missing_values_do_not_count_in_the_variance():
    values = np.array([[0.0, 2.0, np.nan, np.nan], [5.0, 7.0, 6.0, 6.0], [1.0, 3.0, np.nan, np.nan]])
    far = np.tile([0.0, 50.0, 0.0, 50.0], (20, 1))
    drawn = {int(random_target(np.vstack([values, far]), np.array([0]), seed=seed)[0]) for seed in range(200)}
    assert drawn == {1, 2, *range(3, 21)}  # rows 1 and 2 first, then the first eighteen of the equal ones


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 2**31))
def test_controls_are_distinct_and_never_what_they_stand_for(n_members: int, n_others: int, seed: int):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_members + n_others, 5))
    members = rng.permutation(n_members + n_others)[:n_members]
    for draw in (random_target, shuffled_baits):
        drawn = draw(values, members, seed=seed)
        assert len(set(drawn.tolist())) == len(drawn) == min(n_members, n_others)
        assert not set(drawn.tolist()) & set(members.tolist())
        np.testing.assert_array_equal(drawn, draw(values, members, seed=seed))


def test_shuffled_baits_match_mean_and_variance_together():
    # Four kinds of genes, 60 of each: low or high mean, low or high variance.
    scales, levels = np.tile(np.repeat([0.1, 3.0], 60), 2), np.repeat([1.0, 12.0], 120)
    expression = _spread(scales) + levels[:, None]
    drawn = shuffled_baits(expression, np.array([0, 60, 120, 180]), seed=3)
    assert (drawn // 60).tolist() == [0, 1, 2, 3]


def test_mean_and_variance_weigh_the_same_whatever_their_scale():
    rng = np.random.default_rng(5)
    expression = _spread(np.exp(rng.normal(size=300))) + rng.normal(size=300)[:, None]
    first = shuffled_baits(expression, np.array([7]), seed=2)
    np.testing.assert_array_equal(first, shuffled_baits(1000 * expression, np.array([7]), seed=2))


def test_genes_without_any_spread_give_no_control():
    assert shuffled_baits(np.ones((4, 3)), np.array([0]), seed=1) is None
    assert shuffled_baits(_spread(np.ones(3)), np.arange(3), seed=1) is None
    equal = np.tile([1.0, 2.0, 3.0], (4, 1))  # neither mean nor variance differs between genes
    assert shuffled_baits(equal, np.array([0]), seed=1)[0] in (1, 2, 3)


def _scores() -> dict[str, np.ndarray]:
    return {
        "real": np.array([1.0, 3.25, np.nan, 3.0, 2.0]),
        "random_target": np.array([1.0, 2.75, 2.0, 0.5, 0.1]),
        "shuffled_baits": np.array([1.0, 3.5, 2.0, 0.5, 0.1]),
        "both": np.array([2.5, np.nan, np.nan, 1.0, 1.5]),
    }


def test_the_table_holds_the_best_scores_best_first():
    table = control_table("t", _scores())
    assert list(table) == [column.name for column in CONTRACTS["negative_controls"].columns]
    both = table[table["control"] == "both"]
    assert both["place"].tolist() == [1, 2, 3]
    assert both["score"].tolist() == [2.5, 1.5, 1.0]
    assert len(control_table("t", {"real": np.arange(500.0)})) == 100
    empty = control_table("t", {"real": np.full(3, np.nan)})
    assert len(empty) == 0
    assert empty.dtypes["score"] == np.float64
    assert pd.api.types.is_string_dtype(empty["control"])


def test_the_sentence_counts_the_real_genes_above_the_control():
    assert control_sentence("glucosinolates", _scores()) == (
        "Negative control: the best score of glucosinolates is 3.250; with random metabolites and random genes as "
        "baits of like variance it is 2.500: 2 genes score above the best gene of the "
        "control. With random metabolites alone it is 2.750. With random genes as baits alone it is 3.500, as high as "
        "the real one: its height does not speak for the baits."
    )


def test_the_only_control_is_the_judge():
    scores = _scores()
    sentence = control_sentence("t", {name: scores[name] for name in ("real", "random_target")})
    assert sentence == (
        "Negative control: the best score of t is 3.250; with random metabolites of like variance it "
        "is 2.750: 2 genes score above the best gene of the control."
    )


@pytest.mark.parametrize("best", [3.25, 4.0])
def test_a_control_as_high_as_the_real_best_is_called_chance(best: float):
    scores = {"real": np.array([1.0, 3.25]), "both": np.array([best, 0.0])}
    sentence = control_sentence("t", scores)
    assert sentence.endswith(f"it is {best:.3f}: a top as high as this comes up by chance as well.")


def test_one_gene_above_and_small_scores_are_told_apart():
    scores = {"real": np.array([0.01639, 0.01]), "both": np.array([0.01613, 0.01])}
    assert "is 0.01639; with" in control_sentence("t", scores)
    assert "it is 0.01613: 1 gene scores above the best gene of the control." in control_sentence("t", scores)


def test_without_a_control_or_a_score_that_is_said():
    assert control_sentence("all", {"real": np.array([1.0])}).startswith("There is no negative control for all")
    assert control_sentence("t", {"real": np.array([np.nan])}).startswith("No gene could be ranked for t")
