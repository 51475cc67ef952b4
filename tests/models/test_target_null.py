import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.correlation import best_partner
from models.correlation_null import correlation_null
from models.fusion import rank01
from models.parquet import decode_frame, encode_frame
from models.significance import expression_strata, group_permutations
from models.target_null import (
    TOPS,
    TargetNull,
    correlation_p,
    expected_false,
    null_genes,
    null_parts,
    null_ranks,
    null_table,
    study_rank,
)

SEVEN_BY_THREE = [f"group {number // 3}" for number in range(21)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def replicated(rng, size, icc):
    """Make 7 groups x 3 replicates with the given intraclass correlation of each row."""
    between = np.repeat(rng.normal(size=(size, 7)), 3, axis=1)
    share = np.broadcast_to(icc, size)[:, None]
    return np.sqrt(share) * between + np.sqrt(1 - share) * rng.normal(size=(size, 21))


def by_hand(stratum, pools, *, n_groups=7, n_draws=10):
    """Make a null of given pools."""
    pools = {number: np.array(values, dtype=float) for number, values in pools.items()}
    return TargetNull(np.array(stratum), pools, n_draws, n_groups)


class Study:
    """A simulated study with a target part made of a correlation with the target and one with a bait."""

    def __init__(self, rng, genes, metabolites, bait, *, draws, fraction=1.0):
        self.n_genes = len(genes)
        parts = {"correlation": (metabolites, "both"), "bait": (bait, "positive")}
        observed = {}
        for name, (values, direction) in parts.items():
            in_place = np.arange(21)[None]
            observed[name] = correlation_null(genes, values, in_place, direction=direction)[0]
        absent = np.isnan(observed["correlation"])
        self.stratum = expression_strata(genes, SEVEN_BY_THREE, absent)
        moved = group_permutations(SEVEN_BY_THREE, count=draws, seed=int(rng.integers(2**31)))
        self.rows = np.sort(rng.choice(self.n_genes, round(fraction * self.n_genes), replace=False))
        drawn = {
            name: correlation_null(genes[self.rows], values, moved, direction=direction)
            for name, (values, direction) in parts.items()
        }
        self.part = self.fused({name: rank01(values) for name, values in observed.items()})
        null_part = self.fused(null_ranks(observed, drawn))
        self.null = TargetNull.of(null_part, self.rows, self.stratum, SEVEN_BY_THREE)

    @staticmethod
    def fused(ranks):
        return sum(0.3 * -np.log1p(-rank) for rank in ranks.values())


@pytest.mark.parametrize("icc", [0.0, 0.5, 0.9])
def test_null_p_values_hold_their_level_under_replicate_structure(rng, icc):
    shares = []
    for _ in range(30):
        own = np.repeat([0.0, 0.5, 0.9], 100)
        study = Study(rng, replicated(rng, 300, own), replicated(rng, 3, icc), replicated(rng, 1, icc), draws=60)
        passing = study.null.p(study.part) < 0.05
        shares.append([passing[own == kind].mean() for kind in (0.0, 0.5, 0.9)])
    assert np.mean(shares) < 0.055
    assert np.mean(shares, axis=0).max() < 0.06
    assert np.mean(shares) > 0.04


@pytest.mark.parametrize("icc", [0.0, 0.5, 0.9])
def test_false_genes_among_the_best_are_as_many_as_told(rng, icc):
    told, false = [], []
    for _ in range(30):
        metabolites, bait = replicated(rng, 2, icc), replicated(rng, 1, icc)
        genes = replicated(rng, 600, rng.choice([0.0, 0.5, 0.9], 600))
        genes[:15] = metabolites[0] + bait[0] + 0.4 * rng.normal(size=(15, 21))
        study = Study(rng, genes, metabolites, bait, draws=100, fraction=0.5)
        rest = 0.4 * rng.random(600)
        scores = study.part + rest
        table = expected_false(study.null, scores, rest, target="anthocyanin")
        order = np.argsort(-scores)
        told.append(table["expected_false"].to_numpy()[:3])
        false.append([(order[:top] >= 15).sum() for top in TOPS[:3]])
    told, false = np.mean(told, axis=0), np.mean(false, axis=0)
    assert (told >= false).all()
    # Fifteen true genes of 600 count as if they were null, and one is added to each count.
    assert (told <= 1.25 * false + 2.5).all()


def test_p_is_that_of_all_genes_where_all_are_null_genes(rng):
    genes, metabolites = replicated(rng, 80, 0.5), replicated(rng, 3, 0.5)
    genes[7] = 1.0
    strength = best_partner(genes, metabolites).strength
    moved = group_permutations(SEVEN_BY_THREE, count=30, seed=5)
    stratum = expression_strata(genes, SEVEN_BY_THREE, np.isnan(strength))
    rows = null_genes(stratum, draws=30, rows=3, seed=1)
    assert rows.tolist() == [row for row in range(80) if row != 7]
    p = correlation_p(strength, correlation_null(genes[rows], metabolites, moved), rows, stratum, SEVEN_BY_THREE)
    null = np.stack([best_partner(genes, metabolites[:, row]).strength for row in moved])
    for gene in rows:
        pool = null[:, stratum == stratum[gene]]
        reached = (1 + np.count_nonzero(pool >= strength[gene] - 1e-6)) / (1 + pool.size)
        assert p[gene] == pytest.approx(max(reached, 1 / 5040), rel=1e-12)
    assert np.flatnonzero(np.isnan(p)).tolist() == [7]


def test_p_of_a_sample_of_genes_is_near_that_of_all(rng):
    genes, metabolites = replicated(rng, 2_000, rng.random(2_000)), replicated(rng, 2, 0.7)
    strength = best_partner(genes, metabolites).strength
    moved = group_permutations(SEVEN_BY_THREE, count=100, seed=5)
    stratum = expression_strata(genes, SEVEN_BY_THREE, np.isnan(strength))
    p = {}
    for count in (500, 2_000):
        rows = np.sort(rng.choice(2_000, count, replace=False))
        null = correlation_null(genes[rows], metabolites, moved)
        p[count] = correlation_p(strength, null, rows, stratum, SEVEN_BY_THREE)
    np.testing.assert_allclose(p[500], p[2_000], atol=0.05)


def test_p_by_hand():
    stratum = np.array([0, 0, 0, 1, 1, 2, -1, 0])
    values = np.array([[1.0, 5.0], [2.0, np.nan], [3.0, 6.0]])
    null = TargetNull.of(values, np.array([1, 4]), stratum, list("abcdefg"))
    p = null.p(np.array([2.0, 3.5, 0.0, 5.5, 6.0, 3.0, 1.0, np.nan]))
    # Genes of stratum 0 meet 1, 2, 3; those of stratum 1 meet 5, 6; stratum 2 has no null gene and meets all five.
    np.testing.assert_allclose(p, [3 / 4, 1 / 4, 1, 2 / 3, 2 / 3, 4 / 6, np.nan, np.nan])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-2, 2), min_size=1, max_size=40),
    st.lists(st.integers(-20, 20), min_size=1, max_size=30),
    st.integers(1, 8),
)
def test_p_falls_with_the_target_part_and_never_below_the_floor(parts, pool, n_groups):
    part = np.array(parts, dtype=float)
    null = by_hand([0] * len(parts), {0: sorted(pool)}, n_groups=n_groups)
    p = null.p(part)
    assert (np.diff(p[np.argsort(part, kind="stable")]) <= 0).all()
    assert (p >= null.smallest_p).all()
    assert (p >= 1 / math.factorial(n_groups)).all()
    assert (p <= 1).all()


def test_a_large_pool_cannot_make_few_groups_tell_more():
    null = by_hand([0], {0: np.zeros(1_000_000)}, n_groups=7)
    assert null.arrangements == 5040
    assert null.p(np.array([1.0])) == null.smallest_p == 1 / 5040
    few = by_hand([0, 1], {0: np.zeros(99), 1: np.zeros(49)}, n_groups=7)
    assert few.smallest_p == 1 / 100
    assert few.p(np.array([1.0, 1.0])).tolist() == [1 / 100, 1 / 50]
    assert by_hand([0], {0: np.zeros(9)}, n_groups=500).smallest_p == 1 / 10


def test_what_is_said_of_the_smallest_p():
    plant = by_hand(np.zeros(132_129, dtype=int), {0: np.zeros(10_000)}, n_groups=7)
    assert plant.sentence("anthocyanin") == (
        "With 7 replicate groups no p below 2.0e-4 is possible for anthocyanin: at least 525 of 132,129 genes must "
        "share it for a q of 0.05. Only more groups would let p tell more."
    )
    # 525 genes at 1 / 5040 pass Benjamini-Hochberg at 0.05 among 132,129, 524 do not.
    assert 132_129 / 5040 / 525 <= 0.05 < 132_129 / 5040 / 524
    few = by_hand(np.zeros(1_000, dtype=int), {0: np.zeros(99)}, n_groups=3)
    assert "not even all 1,000 genes together can reach a q of 0.05" in few.sentence("anthocyanin")
    drawn = by_hand(np.zeros(1_000, dtype=int), {0: np.zeros(999)}, n_groups=12, n_draws=20)
    assert drawn.sentence("anthocyanin").startswith("With 20 permutations no p below 0.001 is possible")
    assert drawn.sentence("anthocyanin").endswith("Only more permutations would let p tell more.")
    assert by_hand(np.zeros(1_000, dtype=int), {0: np.zeros(100_000)}, n_groups=12).sentence("anthocyanin") == ""


def test_expected_false_by_hand():
    scores = np.concatenate([np.arange(12.0, 2.0, -1.0), [1.0, np.nan]])
    stratum = np.array([0] * 5 + [1] * 4 + [-1] + [0, 0])
    rest = np.where(np.arange(12) % 2 == 0, 1.0, 0.0)
    null = by_hand(stratum, {0: [0.5, 2.0, 3.0], 1: [0.0, 2.5]})
    table = expected_false(null, scores, rest, target="anthocyanin")
    # The tenth score is 3. Genes of stratum 0 need T >= 2 (four of them: rest 1) or T >= 3 (two); of stratum 1 T >= 3
    # (two) or T >= 2 (two); the gene without evidence on the target has its 3 anyway; the last has no score.
    expected = 4 * 3 / 4 + 2 * 2 / 4 + 2 * 1 / 3 + 2 * 2 / 3 + 1
    assert table["top"].tolist() == [10]
    np.testing.assert_allclose(table["expected_false"], [expected])
    np.testing.assert_allclose(table["share"], [expected / 10])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31))
def test_expected_false_equals_a_plain_loop_and_grows_with_the_top(seed):
    rng = np.random.default_rng(seed)
    stratum, part, rest = rng.integers(0, 3, 60), rng.integers(0, 9, 60) * 1.0, rng.integers(0, 4, 60) * 1.0
    values = rng.integers(0, 9, (5, 20)) * 1.0
    null = TargetNull.of(values, np.arange(20), stratum, SEVEN_BY_THREE)
    scores = part + rest
    table = expected_false(null, scores, rest, target="anthocyanin")
    for top, expected in zip(table["top"], table["expected_false"], strict=True):
        bound = np.sort(scores)[-top]
        total = 0.0
        for gene in range(60):
            pool = values[:, stratum[:20] == stratum[gene]].ravel()
            pool = pool if len(pool) else values.ravel()
            total += (1 + (pool + rest[gene] >= bound).sum()) / (1 + len(pool))
        assert expected == pytest.approx(total)
    assert table["expected_false"].is_monotonic_increasing
    assert (table["share"] <= 1).all()


def test_fewer_genes_than_the_shortest_top_give_an_empty_table():
    table = expected_false(by_hand([0] * 5, {0: [1.0]}), np.arange(5.0), np.zeros(5), target="anthocyanin")
    assert len(table) == 0
    pd.testing.assert_frame_equal(decode_frame(encode_frame(table, "false_in_top"), "false_in_top"), table)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.just(math.nan), st.integers(-5, 5)), min_size=1, max_size=30))
def test_study_ranks_of_the_observed_values_are_their_ranks(values):
    observed = np.array(values, dtype=float)
    np.testing.assert_array_equal(study_rank(observed, observed), rank01(observed))


def test_study_ranks_rise_and_stay_below_one():
    observed = np.array([1.0, 3.0, np.nan, 2.0, 3.0])
    ranks = study_rank(observed, np.array([[0.0, 1.0, 1.5], [3.0, 9.0, np.nan]]))
    np.testing.assert_array_equal(ranks, [[0, 0, 0.25], [0.5, 0.75, np.nan]])
    assert np.isnan(study_rank(np.full(3, np.nan), np.ones(2))).all()


def test_null_genes_are_spread_evenly_over_the_strata():
    stratum = np.repeat([-1, 0, 1, 2], [1_000, 30_000, 40, 50_000])
    rows = null_genes(stratum, draws=1_000, rows=6_980, seed=1)
    assert np.bincount(stratum[rows]).tolist() == [983, 40, 982]
    assert (np.diff(rows) > 0).all()
    assert len(null_genes(stratum, draws=1_000, rows=4, seed=1)) == 5_000
    assert len(null_genes(stratum, draws=100_000, rows=6_980, seed=1)) == 500
    np.testing.assert_array_equal(null_genes(stratum, draws=1_000, rows=6_980, seed=1), rows)
    assert (null_genes(stratum, draws=1_000, rows=6_980, seed=2) != rows).any()


def test_all_genes_but_baits_where_there_are_few():
    stratum = np.arange(100) % 5
    stratum[0] = -1
    rows = null_genes(stratum, draws=1_000, rows=4, seed=1, excluded=[3, 50])
    assert sorted(set(range(100)) - set(rows.tolist())) == [0, 3, 50]
    assert len(null_genes(np.full(5, -1), draws=10, rows=4, seed=1)) == 0


@pytest.mark.parametrize("names", [("correlation",), ("correlation", "bait")])
def test_null_values_go_to_a_table_and_back(rng, names):
    parts = {name: rng.normal(size=(4, 3)).astype(np.float32) for name in names}
    parts["correlation"][2, 1] = np.nan
    genes, stratum = np.array([1, 4, 6]), np.array([0, 0, 1, 1, 2, 2, 3])
    table = null_table(parts, genes, stratum)
    assert table["stratum"].tolist() == [0, 2, 3] * 4
    read = decode_frame(encode_frame(table, "null_evidence"), "null_evidence")
    found, values = null_parts(read)
    np.testing.assert_array_equal(found, genes)
    assert sorted(values) == sorted(names)
    for name in names:
        np.testing.assert_array_equal(values[name], parts[name])
