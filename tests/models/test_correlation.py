import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.all_pairs import all_pairs
from models.arithmetic import NumpyArithmetic, TorchArithmetic, Workers
from models.correlation import best_partner, every_passing_pair, passing_pairs
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


def as_lists(table):
    return table.frame.to_dict("list"), table.n_pairs, table.n_passing, table.smallest_p


@pytest.mark.parametrize(
    "workers", [Workers(threads=3, block=7), Workers(block=64), Workers(device="cpu by torch", block=16)]
)
@pytest.mark.parametrize("samples", [6, 9, 10, 21])
@pytest.mark.parametrize(("ties", "missing"), [(False, 0.0), (True, 0.0), (False, 0.2), (True, 0.2)])
def test_threads_blocks_and_torch_give_the_same(rng, monkeypatch, workers, samples, ties, missing):
    monkeypatch.setattr("models.arithmetic.TorchArithmetic", lambda _: TorchArithmetic("cpu"))
    monkeypatch.setattr("models.rank_pairs.SHORTEST_RUN", 5)
    monkeypatch.setattr("models.rank_pairs.SAMPLED_FROM", 4)
    genes, metabolites = made(rng, samples=samples, genes=90, metabolites=40, ties=ties, missing=missing)
    plain = passing_pairs(genes, metabolites, alpha=0.3, max_listed=200)
    assert as_lists(passing_pairs(genes, metabolites, alpha=0.3, max_listed=200, workers=workers)) == as_lists(plain)
    best, again = (best_partner(genes, metabolites, workers=who) for who in (Workers(), workers))
    np.testing.assert_array_equal(again.index, best.index)
    np.testing.assert_array_equal(again.rho, best.rho)


@pytest.mark.parametrize("margin", [0.0, 1.0, 1000.0])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_a_wrong_guess_of_what_can_pass_changes_nothing(rng, monkeypatch, margin, missing):
    genes, metabolites = made(rng, samples=12, genes=90, metabolites=40, ties=True, missing=missing)
    plain = passing_pairs(genes, metabolites, alpha=0.05, max_listed=200)
    monkeypatch.setattr("models.rank_pairs.SAMPLED_FROM", 1)
    monkeypatch.setattr("models.rank_pairs.GUESS_MARGIN", margin)
    guessed = passing_pairs(genes, metabolites, alpha=0.05, max_listed=200, workers=Workers(block=10))
    assert as_lists(guessed) == as_lists(plain)


def test_torch_does_the_same_arithmetic(rng):
    left, right = (rng.integers(-20, 21, size=(size, 21)).astype(np.float32) for size in (17, 30))
    numpy, torch = NumpyArithmetic(), TorchArithmetic("cpu")
    for arithmetic in (numpy, torch):
        arithmetic.multiply(left, right)
    np.testing.assert_array_equal(torch.product(), left @ right.T)
    assert numpy.largest() == torch.largest() == np.abs(left @ right.T).max()
    for least in (300, 900, 100, 10**6):
        assert numpy.count(least) == torch.count(least) == np.count_nonzero(np.abs(left @ right.T) >= least)
        np.testing.assert_array_equal(numpy.level_counts(least), torch.level_counts(least))
        for one, other in zip(numpy.reaching(least), torch.reaching(least), strict=True):
            np.testing.assert_array_equal(one, other)


def test_ranks_longer_than_float32_holds_are_float64(rng):
    # (368^3 - 368) / 3 < 2^24 < (369^3 - 369) / 3
    for samples, dtype in ((368, np.float32), (369, np.float64)):
        genes = rng.normal(size=(3, samples))
        assert Spearman().groups(genes)[0].values.dtype == dtype


@pytest.mark.parametrize("samples", [128, 129, 400])
@pytest.mark.parametrize("missing", [0.0, 0.02])
def test_many_samples_equal_scipy(rng, samples, missing):
    genes, metabolites = made(rng, samples=samples, genes=6, metabolites=5, missing=missing)
    expected = one_by_one(genes, metabolites)
    table = passing_pairs(genes, metabolites, alpha=0.4, max_listed=100)
    q = stats.false_discovery_control(expected[:, 4])
    assert (table.n_pairs, table.n_passing) == (len(expected), np.count_nonzero(q <= 0.4))
    np.testing.assert_allclose(table.frame["q"], np.sort(q[q <= 0.4]), rtol=1e-7)


@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_all_pairs_come_block_by_block_with_the_same_q(rng, method, missing):
    genes, metabolites = made(rng, samples=12, genes=70, metabolites=30, ties=True, missing=missing)
    table = passing_pairs(genes, metabolites, alpha=0.2, max_listed=10**6, method=method)
    workers = Workers(threads=2, block=16)
    stream = every_passing_pair(genes, metabolites, alpha=0.2, method=method, workers=workers)
    frames = list(stream.frames)
    assert len(frames) > 3
    assert (stream.n_pairs, stream.n_passing) == (table.n_pairs, table.n_passing)
    for frame in frames:
        np.testing.assert_array_equal(np.lexsort((frame["metabolite"], frame["gene"])), np.arange(len(frame)))
    listed = pd.concat(frames).sort_values(["p", "gene", "metabolite"], ignore_index=True)
    assert len(listed) == stream.n_passing == len(table.frame)
    pd.testing.assert_frame_equal(
        listed.sort_values(["gene", "metabolite"], ignore_index=True),
        table.frame.sort_values(["gene", "metabolite"], ignore_index=True),
        rtol=1e-9,
    )


def test_no_frame_comes_where_no_pair_passes(rng):
    genes, metabolites = made(rng, samples=4)
    stream = every_passing_pair(genes, metabolites, alpha=0.05)
    assert (list(stream.frames), stream.n_passing) == ([], 0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(4, 14), listed=st.integers(1, 300))
def test_listing_fewer_keeps_the_first(seed, samples, listed):
    genes, metabolites = made(np.random.default_rng(seed), samples=samples, ties=True, missing=0.1)
    whole = passing_pairs(genes, metabolites, alpha=0.4, max_listed=10**6)
    some = passing_pairs(genes, metabolites, alpha=0.4, max_listed=listed)
    pd.testing.assert_frame_equal(some.frame, whole.frame.head(listed))
    assert (some.n_pairs, some.n_passing) == (whole.n_pairs, whole.n_passing)
