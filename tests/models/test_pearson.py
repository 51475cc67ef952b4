import numpy as np
import pytest
from scipy import stats

from models.all_pairs import all_pairs
from models.arithmetic import NumpyArithmetic, Workers
from models.correlation import passing_pairs
from models.measures import measure_of
from models.pearson import biweighted, critical_r, pearson_p, standardised

X = np.array([2.1, 3.4, 1.9, 5.6, 4.4, 3.8, 2.7, 9.5, 3.1, 4.0])
Y = np.array([1.2, 2.2, 0.7, 3.9, 3.1, 2.0, -6.0, 4.8, 1.6, 2.9])
HALF_ONES = np.array([1.0, 1, 1, 1, 1, 1, 4, 2, 1, 3])


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


@pytest.mark.golden
def test_midcorrelation_is_astropys():
    # astropy 8.0.2: biweight_midcorrelation(X, Y, c=9.0) -> 0.8758722098983222
    x, y = biweighted(np.array([X, Y]))
    assert x @ y == pytest.approx(0.8758722098983222, rel=1e-14)


@pytest.mark.golden
def test_pearson_is_scipys():
    # scipy 1.17.1: pearsonr(X, Y) -> statistic 0.5778063484032357, pvalue 0.08022098124030083
    x, y = standardised(np.array([X, Y]))
    assert x @ y == pytest.approx(0.5778063484032357, rel=1e-14)
    assert pearson_p(x @ y, 10) == pytest.approx(0.08022098124030083, rel=1e-12)


def test_a_row_without_spread_about_its_median_is_pearsons():
    # astropy gives NaN here; Langfelder & Horvath fall back to Pearson for the row.
    np.testing.assert_array_equal(biweighted(HALF_ONES[None]), standardised(HALF_ONES[None]))


def test_an_outlier_beyond_nine_deviations_has_no_weight():
    moved = np.append(X, 1e6)
    assert biweighted(moved[None])[0, -1] == 0


def test_a_constant_row_is_zero():
    for standardise in (standardised, biweighted):
        assert not standardise(np.full((1, 6), 0.1, dtype=np.float32)).any()


@pytest.mark.parametrize("n", [4, 10, 30])
def test_critical_value_is_where_p_crosses(n):
    p = np.geomspace(0.5, 1e-10, 20)
    np.testing.assert_allclose(pearson_p(critical_r(p, n), n), p, rtol=1e-6)


def plain(method, x, y):
    x, y = (biweighted(row[None])[0] if method == "bicor" else standardised(row[None])[0] for row in (x, y))
    return float(x @ y)


def one_by_one(method, genes, metabolites):
    """Test every pair alone: {(gene, metabolite): (n, r, p)}."""
    found = {}
    for g, gene in enumerate(genes):
        for m, metabolite in enumerate(metabolites):
            both = ~(np.isnan(gene) | np.isnan(metabolite))
            n = int(both.sum())
            if n >= 4 and np.ptp(gene[both]) > 0 and np.ptp(metabolite[both]) > 0:
                r = plain(method, gene[both], metabolite[both])
                p = stats.pearsonr(gene[both], metabolite[both]).pvalue if method == "pearson" else pearson_p(r, n)
                found[g, m] = (n, r, float(p))
    return found


def made(rng, missing):
    shared = rng.normal(size=11)
    tables = [rng.normal(size=(size, 11)) + shared * rng.uniform(0, 2, size)[:, None] for size in (20, 12)]
    tables[0][3] = 0
    for table, share in zip(tables, (missing / 4, missing), strict=True):
        table[rng.random(table.shape) < share] = np.nan
    return tables


@pytest.mark.parametrize("method", ["pearson", "bicor"])
@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_blocks_and_q_equal_every_pair_alone(rng, method, missing):
    genes, metabolites = made(rng, missing)
    expected = one_by_one(method, genes, metabolites)
    measure = measure_of(method)
    found = {}
    work = all_pairs(measure, measure.groups(genes), metabolites, Workers(block=5))
    for unit in work.units:
        for part, rows, r in work.blocks(unit, NumpyArithmetic()):
            for row, column in zip(*np.nonzero(~np.isnan(r)), strict=True):
                found[int(unit[0].index[column]), int(part.index[rows][row])] = (part.n_samples, r[row, column])
    assert found.keys() == expected.keys()
    for pair, (n, r, _) in expected.items():
        assert found[pair] == (n, pytest.approx(r, abs=1e-12))
    p = np.array([value[2] for value in expected.values()])
    q = stats.false_discovery_control(p)
    for workers in (Workers(block=7), Workers(threads=2)):
        table = passing_pairs(genes, metabolites, alpha=0.2, max_listed=40, method=method, workers=workers)
        assert (table.n_pairs, table.n_passing) == (len(p), np.count_nonzero(q <= 0.2))
        assert table.smallest_p == pytest.approx(p.min(), rel=1e-6)
        np.testing.assert_allclose(table.frame["q"], np.sort(q[q <= 0.2])[:40], rtol=1e-7)


@pytest.mark.parametrize("method", ["pearson", "bicor"])
def test_strength_is_fishers_z_in_standard_errors(method):
    # atanh(0.5) = 0.549306; sqrt(18) = 4.242641; product 2.330508
    measure = measure_of(method)
    assert measure.strength(np.array(0.5), 21) == pytest.approx(2.330508, abs=1e-6)
    assert measure.correlation(np.array(2.330508), 21) == pytest.approx(0.5, abs=1e-6)
