import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.arithmetic import TorchArithmetic, Workers
from models.correlation import best_partner
from models.measures import measure_of

SIGN = {"positive": 1, "negative": -1}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def made(rng, *, samples=12, genes=40, metabolites=19, ties=False, missing=0.0):
    shared = rng.normal(size=samples)
    rises = rng.uniform(-3, 3, (genes, 1)), rng.uniform(1, 3, (metabolites, 1))
    tables = [rng.normal(size=(len(rise), samples)) + shared * rise for rise in rises]
    if ties:
        tables = [np.round(table) for table in tables]
        tables[0][3] = 0
    for table, share in zip(tables, (missing / 4, missing), strict=True):
        table[rng.random(table.shape) < share] = np.nan
    return tables


def midcorrelation(x, y):
    """Langfelder & Horvath 2012, doi 10.18637/jss.v046.i11, section 2."""
    unit = []
    for values in (x, y):
        from_median = values - np.median(values)
        u = from_median / (9 * stats.median_abs_deviation(values))
        weighted = from_median * np.square(1 - np.square(u)) * (np.abs(u) < 1)
        unit.append(weighted / np.linalg.norm(weighted))
    return unit[0] @ unit[1]


PLAIN = {
    "spearman": (lambda x, y: stats.spearmanr(x, y).statistic, 1.06),
    "pearson": (lambda x, y: stats.pearsonr(x, y).statistic, 1.0),
    "bicor": (midcorrelation, 1.0),
}


def one_by_one(genes, metabolites, method, direction):
    """Signed rho and strength of all pairs, shape=(2, n_genes, n_metabolites); NaN where untested."""
    correlate, variance = PLAIN[method]
    table = np.full((2, len(genes), len(metabolites)), np.nan)
    for g, gene in enumerate(genes):
        for m, metabolite in enumerate(metabolites):
            both = ~(np.isnan(gene) | np.isnan(metabolite))
            if both.sum() >= 4 and np.ptp(gene[both]) > 0 and np.ptp(metabolite[both]) > 0:
                rho = correlate(gene[both], metabolite[both])
                z = np.arctanh(np.clip(rho, -1 + 1e-7, 1 - 1e-7)) * np.sqrt((both.sum() - 3) / variance)
                table[:, g, m] = rho, SIGN[direction] * z
    return table


@pytest.mark.parametrize("direction", ["positive", "negative"])
@pytest.mark.parametrize("method", ["spearman", "pearson", "bicor"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_the_best_in_a_direction_is_that_of_a_loop_over_scipy(rng, method, direction, missing):
    genes, metabolites = made(rng, ties=method == "spearman", missing=missing)
    rho, strength = one_by_one(genes, metabolites, method, direction)
    best = best_partner(genes, metabolites, method=method, direction=direction, workers=Workers(threads=2, block=6))
    assert (best.strength < 0).any()
    for gene, (own_rho, own) in enumerate(zip(rho, strength, strict=True)):
        if np.isnan(own).all():
            assert (best.index[gene], best.n_samples[gene]) == (-1, 0)
            assert np.isnan([best.strength[gene], best.rho[gene]]).all()
            continue
        first = np.flatnonzero(own >= np.nanmax(own) - 1e-9)[0]
        common = ~(np.isnan(genes[gene]) | np.isnan(metabolites[first]))
        assert (best.index[gene], best.n_samples[gene]) == (first, common.sum())
        assert best.rho[gene] == pytest.approx(own_rho[first], abs=1e-11)
        assert best.strength[gene] == pytest.approx(own[first], rel=1e-7, abs=1e-9)


@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(["spearman", "pearson", "bicor"]))
def test_the_stronger_of_both_directions_is_the_strongest(seed, method):
    genes, metabolites = made(np.random.default_rng(seed), ties=True, missing=0.1)
    up, down, both = (
        best_partner(genes, metabolites, method=method, direction=direction).strength
        for direction in ("positive", "negative", "both")
    )
    np.testing.assert_allclose(np.fmax(up, down), both, rtol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_metabolites_upside_down_exchange_the_directions(seed):
    genes, metabolites = made(np.random.default_rng(seed), missing=0.1)
    up = best_partner(genes, metabolites, direction="positive")
    down = best_partner(genes, -metabolites, direction="negative")
    np.testing.assert_array_equal(up.strength, down.strength)
    np.testing.assert_array_equal(up.index, down.index)
    np.testing.assert_array_equal(up.rho, -down.rho)


def test_the_first_of_equal_metabolites_wins():
    gene = np.array([[1.0, 2, 3, 4, 5, 6]])
    metabolites = np.array([[2.0, 1, 4, 3, 6, 5], [1, 2, 3, 4, 5, 6], [10, 20, 30, 40, 50, 60]])
    assert best_partner(gene, metabolites, direction="positive", workers=Workers(block=1)).index == [1]
    assert best_partner(gene, metabolites[::-1], direction="positive").index == [0]
    worst = best_partner(gene, metabolites, direction="negative")
    assert (worst.index[0], worst.strength[0] < 0) == (0, True)


@pytest.mark.parametrize("workers", [Workers(threads=3, block=7), Workers(device="cpu by torch", block=16)])
def test_threads_blocks_and_torch_give_the_same(rng, monkeypatch, workers):
    monkeypatch.setattr("models.arithmetic.TorchArithmetic", lambda _: TorchArithmetic("cpu"))
    genes, metabolites = made(rng, ties=True, missing=0.2)
    one, other = (best_partner(genes, metabolites, direction="negative", workers=who) for who in (Workers(), workers))
    for name in ("rho", "n_samples", "index", "strength"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_strength_against_the_direction_is_below_zero():
    rho, measure = np.array([0.5, -0.5, np.nan]), measure_of("pearson")
    # atanh(0.5) = 0.549306; times sqrt(16 - 3) = 1.980552
    np.testing.assert_allclose(measure.directed(rho, 16, "positive"), [1.980552, -1.980552, np.nan], rtol=1e-6)
    np.testing.assert_allclose(measure.directed(rho, 16, "negative"), [-1.980552, 1.980552, np.nan], rtol=1e-6)
    np.testing.assert_array_equal(measure.directed(rho, 16, "both"), measure.strength(rho, 16))
