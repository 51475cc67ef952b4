import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import UserError
from models.fusion import additive, fuse, normalised_weights, rank01, transform
from models.rank_aggregation import rank_aggregation_p

PUBLISHED = {"correlation": 0.4, "autoencoder": 0.3, "graph": 0.2, "homology": 0.1}

FUSIONS = ("log_tail", "linear", "reciprocal", "rra")

# Five genes, no ties but in homology, where three genes have no hit and share rank 0.
FIVE = {
    "correlation": [0.9, 0.1, 0.5, 0.7, 0.3],  # ranks 4, 0, 2, 3, 1 of 5
    "autoencoder": [10, 20, 30, 40, 50],  # ranks 0, 1, 2, 3, 4
    "graph": [-1, -2, -3, -4, -5],  # ranks 4, 3, 2, 1, 0
    "homology": [0, 0, 0.8, 0, 0.2],  # ranks 0, 0, 4, 0, 3
}


def ranks_of(values):
    return {name: rank01(column) for name, column in values.items()}


def test_rank01_counts_the_genes_strictly_below_among_those_with_a_value():
    # Four values known: 1 and 1 share rank 0, 2 has two below, 3 has three below.
    np.testing.assert_array_equal(rank01([3, 1, 1, np.nan, 2]), [3 / 4, 0, 0, np.nan, 2 / 4])


def test_rank01_of_nothing_known_is_nothing():
    assert np.isnan(rank01([np.nan, np.nan])).all()


def test_linear_fusion_is_the_published_formula_to_the_letter():
    # gene 1: 0.4 * 4/5 + 0.3 * 0/5 + 0.2 * 4/5 + 0.1 * 0/5 = 0.48
    # gene 2: 0.4 * 0/5 + 0.3 * 1/5 + 0.2 * 3/5 + 0.1 * 0/5 = 0.18
    # gene 3: 0.4 * 2/5 + 0.3 * 2/5 + 0.2 * 2/5 + 0.1 * 4/5 = 0.44
    # gene 4: 0.4 * 3/5 + 0.3 * 3/5 + 0.2 * 1/5 + 0.1 * 0/5 = 0.46
    # gene 5: 0.4 * 1/5 + 0.3 * 4/5 + 0.2 * 0/5 + 0.1 * 3/5 = 0.38
    score = fuse(ranks_of(FIVE), PUBLISHED, "linear")
    np.testing.assert_allclose(score, [0.48, 0.18, 0.44, 0.46, 0.38], rtol=0, atol=1e-15)


def test_log_tail_fusion_by_hand():
    # gene 1: 0.4 * -ln(1 - 4/5) of correlation + 0.2 * 4/5 of graph, which knows no target and stays linear
    # gene 3: 0.4 * -ln(1 - 2/5) + 0.3 * 2/5 + 0.2 * 2/5 + 0.1 * -ln(1 - 4/5)
    score = fuse(ranks_of(FIVE), PUBLISHED, "log_tail")
    assert score[0] == pytest.approx(0.4 * math.log(5) + 0.16, rel=1e-14)
    assert score[2] == pytest.approx(0.4 * math.log(5 / 3) + 0.2 + 0.1 * math.log(5), rel=1e-14)


def test_reciprocal_fusion_by_hand():
    # Places from the best, of 5: gene 1 is 1st by correlation and graph, 5th by autoencoder; of the three genes
    # without a hit, which tie, each is 5th by homology.
    score = fuse(ranks_of(FIVE), PUBLISHED, "reciprocal")
    assert score[0] == pytest.approx(0.4 / 61 + 0.3 / 65 + 0.2 / 61 + 0.1 / 65, rel=1e-14)


def test_robust_rank_aggregation_by_hand():
    # Gene 1 has u = 1 - r = 1/5, 1/5, 1, 1: at least 2 of 4 uniforms below 1/5 is
    # 1 - (4/5)^4 - 4 (1/5) (4/5)^3 = 0.1808, less than 1 - (4/5)^4 = 0.5904, and four times that is p.
    score = fuse(ranks_of(FIVE), PUBLISHED, "rra")
    assert score[0] == pytest.approx(-math.log10(4 * 0.1808), rel=1e-12)


def test_robust_rank_aggregation_asks_only_evidence_that_weighs_something():
    ranks = ranks_of(FIVE)
    two = {name: ranks[name] for name in ("correlation", "graph")}
    score = fuse(ranks, {"correlation": 0.9, "graph": 0.1, "homology": 0}, "rra")
    np.testing.assert_array_equal(score, fuse(two, {"correlation": 1, "graph": 1}, "rra"))
    np.testing.assert_allclose(10.0**-score, rank_aggregation_p(1 - np.stack(list(two.values()))), rtol=1e-14)
    assert not np.signbit(score).any()


def test_robust_rank_aggregation_judges_a_gene_by_the_evidence_it_has():
    ranks = {"correlation": np.array([0.9, 0.0, 0.5]), "graph": np.array([np.nan, 0.5, np.nan])}
    score = fuse(ranks, {"correlation": 1, "graph": 1}, "rra")
    np.testing.assert_allclose(score[[0, 2]], [1, math.log10(2)], rtol=1e-14)


def test_only_robust_rank_aggregation_is_no_sum():
    assert [additive(fusion) for fusion in FUSIONS] == [True, True, True, False]


def test_transform_by_hand():
    rank = np.array([0.0, 0.5, np.nan])
    np.testing.assert_array_equal(transform(rank, "linear", specific=True), rank)
    np.testing.assert_array_equal(transform(rank, "log_tail", specific=False), rank)
    np.testing.assert_allclose(transform(rank, "log_tail", specific=True), [0, math.log(2), np.nan])
    # Two genes have the evidence, so places count to 2.
    np.testing.assert_allclose(transform(rank, "reciprocal", specific=True), [1 / 62, 1 / 61, np.nan])
    np.testing.assert_allclose(transform(rank, "rra", specific=True), [0, math.log10(2), np.nan])


def test_weights_are_renormalised_over_what_is_present():
    shares = normalised_weights(PUBLISHED, ["graph", "correlation"])
    assert shares == pytest.approx({"correlation": 2 / 3, "graph": 1 / 3})


def test_a_gene_that_lacks_one_evidence_gets_the_mean_of_the_others_there():
    ranks = {"correlation": np.array([0.0, 0.5, 0.75]), "graph": np.array([0.2, np.nan, 0.6])}
    score = fuse(ranks, {"correlation": 1, "graph": 1}, "linear")
    np.testing.assert_allclose(score, [0.1, (0.5 + 0.4) / 2, (0.75 + 0.6) / 2])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_gene_without_any_evidence_has_no_score(fusion):
    ranks = {"correlation": np.array([0.0, np.nan]), "graph": np.array([0.5, np.nan])}
    score = fuse(ranks, PUBLISHED, fusion)
    assert np.isfinite(score[0])
    assert np.isnan(score[1])


def test_an_evidence_that_every_gene_lacks_is_absent():
    ranks = {"correlation": np.array([0.0, 0.5]), "graph": np.array([np.nan, np.nan])}
    np.testing.assert_array_equal(fuse(ranks, PUBLISHED, "linear"), [0.0, 0.5])


def test_all_weights_zero_names_the_evidence_present():
    with pytest.raises(UserError, match=r"ranking\.weights: .*found evidence 'correlation', 'graph' only, each with"):
        normalised_weights({"homology": 1.0}, ["graph", "correlation"])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_no_evidence_at_all_is_an_error(fusion):
    with pytest.raises(UserError, match="found no evidence at all"):
        fuse({"correlation": np.array([np.nan])}, PUBLISHED, fusion)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_evidence_that_weighs_nothing_alone_is_an_error(fusion):
    with pytest.raises(UserError, match="each with weight 0"):
        fuse(ranks_of(FIVE), {"bait": 0.4}, fusion)


@pytest.mark.parametrize("fusion", FUSIONS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_gene_that_gains_in_one_evidence_does_not_fall(fusion, seed):
    rng = np.random.default_rng(seed)
    values = {name: rng.normal(size=12) for name in PUBLISHED}
    before = fuse(ranks_of(values), PUBLISHED, fusion)
    values["graph"] = values["graph"].copy()
    values["graph"][3] += abs(rng.normal())
    assert fuse(ranks_of(values), PUBLISHED, fusion)[3] >= before[3] - 1e-12


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(list(PUBLISHED)), fusion=st.sampled_from(FUSIONS))
def test_fusion_ignores_the_order_of_evidence_and_follows_the_genes(seed, order, fusion):
    rng = np.random.default_rng(seed)
    values = {name: np.where(rng.random(12) < 0.2, np.nan, rng.normal(size=12)) for name in PUBLISHED}
    score = fuse(ranks_of(values), PUBLISHED, fusion)
    reordered = fuse({name: rank01(values[name]) for name in order}, PUBLISHED, fusion)
    np.testing.assert_array_equal(reordered, score)
    genes = rng.permutation(12)
    moved = fuse({name: rank01(column[genes]) for name, column in values.items()}, PUBLISHED, fusion)
    np.testing.assert_allclose(moved, score[genes], rtol=1e-13)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=30))
def test_rank01_stays_in_range_and_keeps_order(values):
    rank = rank01(values)
    assert rank.min() == 0
    assert rank.max() < 1
    np.testing.assert_array_equal(np.less.outer(values, values), np.less.outer(rank, rank))
