"""Groups, likeness of replicates and power, against published and hand-worked numbers."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.design import Design, Power, design_sentences, likeness, written_p
from models.significance import q_values


def test_a_design_is_looked_up_in_the_order_of_the_samples():
    sheet = pd.DataFrame({"sample_id": ["a", "b", "c"], "group": ["g", "g", "h"], "batch": ["1", None, "2"]})
    design = Design.of_samples(sheet.astype("str").assign(batch=sheet["batch"].astype("str")), ("c", "b"))
    assert design == Design(("h", "g"), ("2", None))


def test_unequal_groups_tell_as_much_as_fewer_equal_ones():
    assert Design(tuple("aaabbbccc"), (None,) * 9).effective_groups == 3
    design = Design(tuple("aaaabb"), (None,) * 6)
    assert design.n_groups == 2
    assert design.effective_groups == pytest.approx(36 / 20)


@pytest.mark.golden
def test_likeness_is_that_of_shrout_and_fleiss():
    # Shrout & Fleiss 1979, doi 10.1037/0033-2909.86.2.420, tables 2 to 4: 6 targets, 4 judges, ICC(1,1) printed as .17
    # (and mean squares between and within targets of 11.24 and 6.26).
    ratings = np.array([[9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7]], dtype=float)
    found = likeness(ratings, np.repeat(list("abcdef"), 4).tolist())
    assert found.intraclass[0] == pytest.approx(0.17, abs=0.005)
    assert found.intraclass[0] == pytest.approx((11.24 - 6.26) / (11.24 + 3 * 6.26), abs=0.0005)
    assert found.effective_samples[0] == pytest.approx(24 / (1 + 3 * found.intraclass[0]))


def test_likeness_of_unequal_groups_with_missing_values_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(1)
    groups = np.array(list("aabbbccccde"))
    values = rng.normal(size=(20, 11)) + 2 * rng.normal(size=(20, 5))[:, np.unique(groups, return_inverse=True)[1]] + 9
    values[rng.random(values.shape) < 0.1] = np.nan
    found = likeness(values, groups.tolist())
    for row, intraclass, effective in zip(values, found.intraclass, found.effective_samples, strict=True):
        known = ~np.isnan(row)
        parts = [row[known & (groups == name)] for name in np.unique(groups[known])]
        sizes = np.array([len(part) for part in parts])
        n0 = (sizes.sum() - (sizes**2).sum() / sizes.sum()) / (len(sizes) - 1)
        f = stats.f_oneway(*parts).statistic  # B / W, of which the intraclass correlation is (F - 1) / (F + n0 - 1)
        assert intraclass == pytest.approx((f - 1) / (f + n0 - 1))
        assert effective == pytest.approx(sizes.sum() / (1 + (n0 - 1) * max(intraclass, 0)))


def test_alike_and_unlike_replicates():
    values = np.array([[1, 1, 5, 5, 3, 3], [1, 5, 5, 1, 3, 3]], dtype=np.float32)
    found = likeness(values, list("aabbcc"))
    assert found.intraclass[0] == 1
    assert found.effective_samples[0] == 3
    assert found.intraclass[1] < 0
    assert found.effective_samples[1] == 6


def test_where_there_is_no_likeness():
    values = np.array([[1, 2, 3, 4], [2, 2, 2, 2], [np.nan] * 4, [1, np.nan, 3, np.nan]], dtype=np.float32)
    assert np.isnan(likeness(values, list("aabb")).intraclass).tolist() == [False, True, True, True]
    assert np.isnan(likeness(values, list("abcd")).intraclass).all()
    assert np.isnan(likeness(values, list("aaaa")).effective_samples).all()


def test_seven_groups_and_all_genes_of_a_plant():
    power = Power(7, 132_129, 0.05)
    assert power.smallest_p == 2 / 5040
    assert power.genes_together == 1049  # 132,129 x 2 / 5,040 / 0.05 = 1,048.6
    assert power.groups_for_one_gene == 11  # 2 / 10! = 5.5e-7 > 0.05 / 132,129 = 3.8e-7 > 2 / 11! = 5.0e-8
    assert power.sentence() == (
        "With 7 replicate groups the smallest exact two-sided p of a rank correlation of their means is 4.0e-4, and "
        "one gene among 132,129 needs 3.8e-7 to pass a false discovery rate of 0.05: no single gene can be told from "
        "chance by its order of the groups. That takes 1,049 genes at the smallest p together, or 11 groups. Trust the "
        "order of the genes more than their p and q."
    )


def test_enough_groups():
    power = Power(12, 20_000, 0.05)
    assert power.one_gene_can_pass
    assert power.sentence().endswith("false discovery rate of 0.05: a gene that follows the groups can pass by itself.")


@pytest.mark.parametrize(("n_groups", "p"), [(1, 1), (2, 1), (3, 1 / 3), (4, 1 / 12), (300, 0)])
def test_the_smallest_p_of_few_and_many_groups(n_groups, p):
    power = Power(n_groups, 10, 0.05)
    assert power.smallest_p == pytest.approx(p, abs=1e-300)
    if n_groups < 5:
        assert "chance by its order of the groups. Nor can all genes together; that takes 6 groups." in power.sentence()
    assert ("1 replicate group " in power.sentence()) == (n_groups == 1)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_the_smallest_p_is_that_of_all_orders(n):
    exact = stats.permutation_test(
        (range(n),),
        lambda x: stats.spearmanr(x, range(n))[0],
        permutation_type="pairings",
        n_resamples=math.factorial(n),
    )
    assert Power(n, 1, 0.05).smallest_p == pytest.approx(exact.pvalue)


@given(st.integers(1, 14), st.integers(1, 3_000), st.floats(0.001, 0.5))
def test_as_many_genes_as_told_pass_together_and_one_fewer_do_not(n_groups, n_genes, alpha):
    power = Power(n_groups, n_genes, alpha)

    def passing(count):
        p = np.ones(n_genes)
        p[:count] = power.smallest_p
        return (q_values(p)[:count] <= alpha * (1 + 1e-12)).all()

    if power.genes_together <= n_genes:
        assert passing(power.genes_together)
    if 1 < power.genes_together <= n_genes:
        assert not passing(power.genes_together - 1)
    assert Power(power.groups_for_one_gene, n_genes, alpha).one_gene_can_pass
    assert power.one_gene_can_pass or not Power(power.groups_for_one_gene - 1, n_genes, alpha).one_gene_can_pass


def test_what_is_said_of_groups():
    values = np.array([[1, 1, 5, 5, 3, 3]], dtype=np.float32)
    equal = Design(tuple("aabbcc"), (None,) * 6)
    groups, alike = design_sentences(equal, {"transcriptome": values, "empty": values * np.nan})
    assert groups == "6 samples are in every layer, in 3 replicate groups."
    assert alike == (
        "How alike replicates are (median intraclass correlation), and how many independent samples tell as much as "
        "the 6: transcriptome 1.00 and 3.0."
    )
    unequal = Design(tuple("aaaabb"), (None,) * 6)
    first = design_sentences(unequal, {})[0]
    assert first.endswith("in 2 replicate groups of unequal size, which tell as much as 1.8 equal ones.")
    alone = Design(tuple("abcdef"), (None,) * 6)
    assert design_sentences(alone, {"transcriptome": values}) == (
        "6 samples are in every layer, in 6 replicate groups.",
    )


@pytest.mark.parametrize(
    ("p", "text"), [(1.0, "1"), (1 / 3, "0.33"), (0.001, "0.001"), (2 / 5040, "4.0e-4"), (0.0, "below 1e-300")]
)
def test_p_values_are_written_short(p, text):
    assert written_p(p) == text
