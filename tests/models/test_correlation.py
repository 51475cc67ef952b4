import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.all_pairs import all_pairs
from models.arithmetic import NumpyArithmetic, Workers
from models.correlation import best_partner, passing_pairs
from models.measures import Spearman
from models.spearman import critical_rho, doubled_ranks, exact_null, spearman_p


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def made(rng, *, samples, genes=24, metabolites=13, ties=False, missing=0.0):
    """Make correlated tables, on request with ties, a constant gene and missing values."""
    shared = rng.normal(size=samples)
    tables = [
        rng.normal(size=(size, samples)) + shared * rng.uniform(0, 2, size)[:, None] for size in (genes, metabolites)
    ]
    if ties:
        tables = [np.round(table) for table in tables]
        tables[0][3] = 0
    for table, share in zip(tables, (missing / 4, missing), strict=True):
        table[rng.random(table.shape) < share] = np.nan
    return tables


def one_by_one(genes, metabolites):
    """Test every pair with scipy: rows of gene, metabolite, n, rho, p."""
    rows = []
    for g, gene in enumerate(genes):
        for m, metabolite in enumerate(metabolites):
            both = ~(np.isnan(gene) | np.isnan(metabolite))
            n = int(both.sum())
            if n >= 4 and np.ptp(gene[both]) > 0 and np.ptp(metabolite[both]) > 0:
                found = stats.spearmanr(gene[both], metabolite[both])
                p = found.pvalue if n >= 10 else float(spearman_p(found.statistic, n))
                rows.append((g, m, n, found.statistic, p))
    return np.array(rows)


def strength(rho, n):
    return Spearman().strength(np.asarray(rho), n)


def test_doubled_ranks_are_scipys(rng):
    values = np.round(rng.normal(size=(60, 15)), 1)
    np.testing.assert_array_equal(doubled_ranks(values), 2 * stats.rankdata(values, axis=1) - 16)


def test_doubled_ranks_leave_missing_values_out(rng):
    values = np.round(rng.normal(size=(9, 12)), 1)
    values[rng.random(values.shape) < 0.3] = np.nan
    for row, ranks in zip(values, doubled_ranks(values), strict=True):
        known = ~np.isnan(row)
        np.testing.assert_array_equal(ranks[known], 2 * stats.rankdata(row[known]) - (known.sum() + 1))
        assert not ranks[~known].any()


def test_a_constant_row_has_no_ranks():
    assert not doubled_ranks(np.ones((1, 5))).any()


@pytest.mark.parametrize("n", [10, 21, 100])
def test_p_is_scipys_t_approximation_from_ten_samples_on(rng, n):
    for _ in range(5):
        a, b = rng.normal(size=(2, n))
        found = stats.spearmanr(a, b)
        assert spearman_p(found.statistic, n) == pytest.approx(found.pvalue, rel=1e-12)


def test_p_is_exact_for_six_samples(rng):
    gene, metabolite = rng.normal(size=(2, 6))

    def statistic(x):
        return abs(stats.spearmanr(x, metabolite).statistic)

    exact = stats.permutation_test(
        (gene,), statistic, permutation_type="pairings", n_resamples=np.inf, alternative="greater"
    )
    rho = stats.spearmanr(gene, metabolite).statistic
    assert spearman_p(rho, 6) == pytest.approx(exact.pvalue, rel=1e-12)


def test_p_of_perfect_agreement():
    # Two of n! orders, up and down, reach |rho| = 1.
    assert spearman_p(1.0, 6) == pytest.approx(2 / 720)
    assert spearman_p(-1.0, 9) == pytest.approx(2 / 362_880)
    assert spearman_p(1.0, 12) == 0
    assert np.isnan(spearman_p(np.nan, 6))
    assert np.isnan(spearman_p(np.nan, 12))


def test_table_of_all_orders_for_four_samples():
    # D = sum of squared rank differences over the 24 orders of 4: 0, 2 x3, 4 x1, 6 x4, 8 x2, 10 x2 and mirrored.
    # rho = 1 - D / 10, so |rho| = 1 twice, 0.8 6 times, 0.6 twice, 0.4 8 times, 0.2 4 times and 0 twice.
    levels, tail = exact_null(4)
    np.testing.assert_allclose(levels, [0, 0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(tail * 24, [24, 22, 18, 10, 8, 2])


@pytest.mark.parametrize("n", [4, 6, 9, 10, 30, 100])
def test_critical_rho_is_where_p_crosses(n):
    p = np.geomspace(0.5, 1e-30, 40)
    rho = critical_rho(p, n)
    reachable = rho <= 1
    assert (spearman_p(np.minimum(rho[reachable] + 1e-8, 1), n) <= p[reachable] * (1 + 1e-6)).all()
    assert (spearman_p(rho - 1e-8, n) >= p * (1 - 1e-3)).all()


def test_strength_is_fishers_z_in_standard_errors():
    # atanh(0.5) = 0.549306; sqrt(18 / 1.06) = 4.120817; product 2.263590
    assert strength(0.5, 21) == pytest.approx(2.263590, abs=1e-6)
    assert strength(-1.0, 21) == strength(1.0, 21) < 40
    assert strength(0.5, 12) < strength(0.5, 21)


@pytest.mark.parametrize("samples", [5, 6, 9, 12, 21])
@pytest.mark.parametrize(("ties", "missing"), [(False, 0.0), (True, 0.0), (False, 0.2), (True, 0.2)])
def test_blocks_equal_scipy_pair_by_pair(rng, samples, ties, missing):
    genes, metabolites = made(rng, samples=samples, ties=ties, missing=missing)
    expected = {(int(g), int(m)): (n, rho) for g, m, n, rho, _ in one_by_one(genes, metabolites)}
    found = {}
    work = all_pairs(Spearman(), Spearman().groups(genes), metabolites, Workers(block=7))
    for unit in work.units:
        for part, rows, rho in work.blocks(unit, NumpyArithmetic()):
            for row, column in zip(*np.nonzero(~np.isnan(rho)), strict=True):
                pair = (int(unit[0].index[column]), int(part.index[rows][row]))
                found[pair] = (part.n_samples, rho[row, column])
    assert found.keys() == expected.keys()
    for pair, (n, rho) in expected.items():
        assert found[pair][0] == n
        assert found[pair][1] == pytest.approx(rho, abs=1e-11)


@pytest.mark.parametrize("samples", [6, 9, 21])
@pytest.mark.parametrize(("ties", "missing"), [(False, 0.0), (True, 0.2)])
@pytest.mark.parametrize("max_listed", [50, 10**6])
def test_pairs_and_q_equal_scipy_over_all_pairs(rng, samples, ties, missing, max_listed):
    genes, metabolites = made(rng, samples=samples, ties=ties, missing=missing)
    expected = one_by_one(genes, metabolites)
    q = stats.false_discovery_control(expected[:, 4])
    passing = q <= 0.2
    table = passing_pairs(genes, metabolites, alpha=0.2, max_listed=max_listed, workers=Workers(block=17))
    listed = min(max_listed, passing.sum())
    assert (table.n_pairs, table.n_passing, len(table.frame)) == (len(expected), passing.sum(), listed)
    assert table.smallest_p == pytest.approx(expected[:, 4].min(), rel=1e-6)
    np.testing.assert_allclose(table.frame["p"], np.sort(expected[passing, 4])[:listed], rtol=1e-7)
    np.testing.assert_allclose(table.frame["q"], np.sort(q[passing])[:listed], rtol=1e-7)
    by_pair = {(g, m): (n, rho) for g, m, n, rho, _ in expected}
    for g, m, n, rho in table.frame[["gene", "metabolite", "n_samples", "rho"]].to_numpy():
        assert by_pair[g, m] == (n, pytest.approx(rho, abs=1e-11))


def test_many_pairs_with_few_listed_still_have_exact_q(rng):
    genes, metabolites = made(rng, samples=21, genes=1500, metabolites=200)
    ranks = [2 * stats.rankdata(table, axis=1) - 22 for table in (genes, metabolites)]
    rho = ranks[0] @ ranks[1].T / 3080  # (21^3 - 21) / 3
    p = spearman_p(np.round(rho, 12).ravel(), 21)
    q = np.sort(stats.false_discovery_control(p))
    for max_listed in (1, 1000, 70_000):
        table = passing_pairs(genes, metabolites, alpha=0.05, max_listed=max_listed, workers=Workers(block=256))
        assert table.n_passing == np.count_nonzero(q <= 0.05) > 70_000
        np.testing.assert_allclose(table.frame["q"], q[:max_listed], rtol=1e-12)


def test_pairs_are_sorted_by_p_then_gene_then_metabolite(rng):
    genes, metabolites = made(rng, samples=6, genes=60)
    frame = passing_pairs(genes, metabolites, alpha=0.5, max_listed=10**6).frame
    order = np.lexsort((frame["metabolite"], frame["gene"], frame["p"]))
    np.testing.assert_array_equal(order, np.arange(len(frame)))
    assert frame["p"].duplicated().any()


def test_no_pair_passes_in_too_few_samples(rng):
    genes, metabolites = made(rng, samples=4)
    table = passing_pairs(genes, metabolites, alpha=0.05, max_listed=10)
    assert table.frame.empty
    assert list(table.frame.columns) == ["gene", "metabolite", "n_samples", "rho", "p", "q"]
    assert table.smallest_p == pytest.approx(2 / 24)


def test_nothing_to_test_is_an_empty_table():
    table = passing_pairs(np.ones((3, 8)), np.ones((2, 8)), alpha=0.05, max_listed=10)
    assert (table.n_pairs, table.n_passing, len(table.frame)) == (0, 0, 0)
    assert np.isnan(table.smallest_p)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_best_partner_is_the_strongest_of_all_pairs(rng, missing):
    genes, metabolites = made(rng, samples=10, ties=True, missing=missing)
    pairs = one_by_one(genes, metabolites)
    best = best_partner(genes, metabolites, workers=Workers(block=6))
    for gene in range(len(genes)):
        mine = pairs[pairs[:, 0] == gene]
        if not len(mine):
            assert best.index[gene] == -1
            assert np.isnan(best.strength[gene])
            continue
        assert best.strength[gene] == pytest.approx(strength(mine[:, 3], mine[:, 2]).max(), rel=1e-9)
        chosen = mine[mine[:, 1] == best.index[gene]][0]
        assert (best.n_samples[gene], best.rho[gene]) == (chosen[2], pytest.approx(chosen[3], abs=1e-11))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_permuted_genes_and_permuted_samples_change_nothing_else(seed):
    rng = np.random.default_rng(seed)
    genes, metabolites = made(rng, samples=8, ties=True, missing=0.1)
    samples, order = rng.permutation(8), rng.permutation(len(genes))
    best = best_partner(genes, metabolites)
    moved = best_partner(genes[np.ix_(order, samples)], metabolites[:, samples])
    np.testing.assert_allclose(moved.strength, best.strength[order], rtol=1e-9)
