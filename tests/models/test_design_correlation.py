"""Coefficients between groups, within groups and given the batch, against SciPy, R and hand-worked cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.correlation import best_partner
from models.design import Design
from models.design_correlation import design_correlation
from models.pearson import biweighted

METHODS = ("spearman", "pearson", "bicor")
COEFFICIENTS = ("total", "between", "within", "given_batch")
GROUPS = tuple("aaabbbbccddddeeeef")
BATCHES = tuple("xyxyxyxyxyyyxxyxyx")


def design(groups=GROUPS, batches=None):
    names = tuple(groups)
    return Design(names, (None,) * len(names) if batches is None else tuple(batches))


def paired(x, y, made=None, **options):
    """Correlate row i of x with row i of y."""
    rows = np.arange(len(x))
    return design_correlation(x, y, (rows, rows), made or design(), **options)


def tables(seed=1, *, rows=40, missing=0.0):
    rng = np.random.default_rng(seed)
    codes = np.unique(GROUPS, return_inverse=True)[1]
    found = []
    for _ in range(2):
        values = rng.normal(size=(rows, 6))[:, codes] + rng.normal(size=(rows, len(GROUPS)))
        values[rng.random(values.shape) < missing] = np.nan
        found.append(values.astype(np.float32))
    return found


def residuals(values, levels):
    """Return what a linear regression on dummies of the levels leaves."""
    dummies = np.array(levels)[:, None] == np.unique(levels)
    return values - dummies @ np.linalg.lstsq(dummies.astype(float), values, rcond=None)[0]


def plainly(x, y, method):
    """Compute each kind of coefficient pair by pair, by the plainest means."""
    plain = {name: [] for name in COEFFICIENTS}
    of_method = stats.spearmanr if method == "spearman" else stats.pearsonr
    for one, other in zip(x, y, strict=True):
        both = ~np.isnan(one) & ~np.isnan(other)
        groups, batches = np.array(GROUPS)[both], np.array(BATCHES)[both]
        a, b = one[both].astype(float), other[both].astype(float)
        plain["total"].append(of_method(a, b)[0])
        means = [[side[groups == group].mean() for group in np.unique(groups)] for side in (a, b)]
        plain["between"].append(of_method(*means)[0])
        if method == "spearman":
            a, b = stats.rankdata(a), stats.rankdata(b)
        plain["within"].append(stats.pearsonr(residuals(a, groups), residuals(b, groups))[0])
        plain["given_batch"].append(stats.pearsonr(residuals(a, batches), residuals(b, batches))[0])
    return plain


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_coefficients_are_those_of_scipy_and_of_regressions_on_dummies(method):
    x, y = tables(missing=0.15)
    found = paired(x, y, design(batches=BATCHES), method=method)
    for name, expected in plainly(x, y, method).items():
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-7, err_msg=name)
    both = ~np.isnan(x) & ~np.isnan(y)
    assert found.n_samples.tolist() == both.sum(axis=1).tolist()
    assert found.n_groups.tolist() == [len(set(np.array(GROUPS)[row])) for row in both]


def test_bicor_is_that_of_complete_rows():
    x, y = tables()
    found = paired(x, y, design(batches=BATCHES), method="bicor")
    means = [
        np.stack([side[:, np.array(GROUPS) == group].mean(axis=1, dtype=float) for group in "abcdef"], 1)
        for side in (x, y)
    ]
    left, given_batch = ([residuals(side.T.astype(float), levels).T for side in (x, y)] for levels in (GROUPS, BATCHES))
    for name, (one, other) in zip(COEFFICIENTS, ((x, y), means, left, given_batch), strict=True):
        expected = (biweighted(one) * biweighted(other)).sum(axis=1)
        np.testing.assert_allclose(getattr(found, name), expected, atol=1e-9, err_msg=name)


@pytest.mark.golden
def test_within_is_the_repeated_measures_correlation_of_r():
    # Bland & Altman 1995, doi 10.1136/bmj.310.6977.446, table 1: intramural pH and PaCO2 of eight subjects.
    # R 4, rmcorr, rmcorr(Subject, PaCO2, pH, bland1995): r -0.5067697, degrees of freedom 38.
    subjects = np.repeat(np.arange(8), [4, 4, 9, 5, 8, 6, 3, 8])
    ph = (
        "6.68 6.53 6.43 6.33 6.85 7.06 7.13 7.17 7.40 7.42 7.41 7.37 7.34 7.35 7.28 7.30 7.34 7.36 7.33 7.29 7.30 7.35 "
    )
    ph += "7.35 7.30 7.30 7.37 7.27 7.28 7.32 7.32 7.38 7.30 7.29 7.33 7.31 7.33 6.86 6.94 6.92 7.19 7.29 7.21 7.25 "
    ph += "7.20 7.19 6.77 6.82"
    pa = (
        "3.97 4.12 4.09 3.97 5.27 5.37 5.41 5.44 5.67 3.64 4.32 4.73 4.96 5.04 5.22 4.82 5.07 5.67 5.10 5.53 4.75 5.51 "
    )
    pa += "4.28 4.44 4.32 3.23 4.46 4.72 4.75 4.99 4.78 4.73 5.12 4.93 5.03 4.93 6.85 6.44 6.52 5.28 4.56 4.34 4.32 "
    pa += "4.41 3.69 6.09 5.58"
    x, y = (np.array([text.split()], dtype=float) for text in (ph, pa))
    found = paired(x, y, design(map(str, subjects)), method="pearson")
    assert found.within[0] == pytest.approx(-0.5067697, abs=5e-8)
    assert found.n_samples[0] - found.n_groups[0] - 1 == 38


@pytest.mark.parametrize(
    ("method", "total"),
    # Pearson: groups add 3 x 500 to each sum of squares and to the products, replicates 4 x 2, to the products -4 x 2.
    # Spearman: in each of 4 groups the ranks differ by 2, 0, 2; 1 - 6 x 32 / (12 x 143).
    [("pearson", 1492 / 1508), ("spearman", 1 - 192 / 1716)],
)
def test_replicates_may_fall_where_groups_rise(method, total):
    centre, step = np.repeat([0.0, 10.0, 20.0, 30.0], 3), np.tile([-1.0, 0.0, 1.0], 4)
    found = paired((centre + step)[None], (centre - step)[None], design("aaabbbcccddd"), method=method)
    assert found.total[0] == pytest.approx(total, abs=1e-12)
    assert (found.between[0], found.within[0]) == (1, -1)
    assert np.isnan(found.given_batch[0])


def test_a_batch_that_moves_both_sides_alike_is_taken_out():
    rng = np.random.default_rng(3)
    batches = ("one",) * 10 + ("two",) * 10
    shift = np.repeat([0.0, 5.0], 10)
    x, y = (rng.normal(size=(200, 20)) + shift for _ in range(2))
    found = paired(x, y, design(map(str, range(20)), batches))
    assert found.total.min() > 0.4
    assert abs(found.given_batch.mean()) < 0.05


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_samples_that_are_their_own_groups_have_the_total_between_and_nothing_within(method, missing):
    x, y = tables(missing=missing)
    found = paired(x, y, design(map(str, range(18))), method=method)
    np.testing.assert_allclose(found.between, found.total, atol=1e-12)
    assert np.isnan(found.within).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_total_is_the_correlation_of_every_other_table(method):
    genes, metabolites = tables(missing=0.1)
    best = best_partner(genes, metabolites, method=method)
    found = design_correlation(genes, metabolites, (np.arange(40), best.index), design(), method=method)
    np.testing.assert_allclose(found.total, best.rho, atol=1e-11)
    np.testing.assert_array_equal(found.n_samples, best.n_samples)


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 2**32 - 1))
def test_neither_the_order_of_samples_nor_the_names_of_groups_matter(method, seed):
    rng = np.random.default_rng(seed)
    x, y = (np.round(table, 1) for table in tables(seed, rows=8, missing=0.1))  # Rounded: means tie.
    order = rng.permutation(18)
    names = dict(zip("abcdef", rng.permutation(list("abcdef")), strict=True))
    renamed = [names[GROUPS[sample]] for sample in order]
    one = paired(x, y, design(batches=BATCHES), method=method)
    other = paired(x[:, order], y[:, order], design(renamed, [BATCHES[sample] for sample in order]), method=method)
    for name in COEFFICIENTS:
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-9, err_msg=name)
        assert np.nanmax(np.abs(getattr(one, name)), initial=0) <= 1


@pytest.mark.parametrize("method", METHODS)
def test_pairs_may_come_in_any_number_and_order(method, monkeypatch):
    genes, metabolites = tables(missing=0.1)
    rng = np.random.default_rng(2)
    gene, metabolite = rng.integers(0, 40, size=(2, 300))
    whole = design_correlation(genes, metabolites, (gene, metabolite), design(batches=BATCHES), method=method)
    rows = paired(genes[gene], metabolites[metabolite], design(batches=BATCHES), method=method)
    monkeypatch.setattr("models.design_correlation.BLOCK", 7)
    parts = design_correlation(genes, metabolites, (gene, metabolite), design(batches=BATCHES), method=method)
    for other in (rows, parts):
        for name in ("n_samples", "n_groups", *COEFFICIENTS):
            np.testing.assert_array_equal(getattr(whole, name), getattr(other, name), err_msg=name)


def test_no_pairs_give_empty_columns():
    nobody = np.empty(0, dtype=np.int64)
    found = design_correlation(*tables(), (nobody, nobody), design())
    columns = found.columns()
    assert columns.empty
    assert list(columns) == ["rho_between", "rho_within", "rho_given_batch", "n_groups"]


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_computed_is_missing(method):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 1, 8)).astype(np.float32)

    def defined(groups, batches=None, one=x):
        found = paired(one, y, design(groups, batches), method=method)
        return [name for name in COEFFICIENTS if not np.isnan(getattr(found, name)[0])]

    assert defined("aabbccdd", "xyxyxyxy") == list(COEFFICIENTS)
    assert defined("aabbccdd") == ["total", "between", "within"]  # No batch.
    assert defined("aabbccdd", "xxxxxxxx") == ["total", "between", "within"]  # One batch.
    assert defined("aabbccdd", "stuvwxyz") == ["total", "between", "within"]  # Each sample a batch.
    assert defined("aaabbbcc") == ["total", "within"]  # Three groups.
    assert defined("aabbcdef") == ["total", "between"]  # Two samples are replicates of others.
    assert defined("aaaaaaaa") == ["total", "within"]
    constant, by_group = np.full((1, 8), 0.1, np.float32), np.float32([[0.1, 0.1, 0.2, 0.2, 0.7, 0.7, 0.3, 0.3]])
    assert defined("aabbccdd", "xyxyxyxy", constant) == []
    assert defined("aabbccdd", one=by_group) == ["total", "between"]
    nothing = np.where(np.arange(8) < 3, x, np.nan)
    assert defined("aabbccdd", "xyxyxyxy", nothing) == []
    assert defined("aabbccdd", one=np.full((1, 8), np.nan)) == []


@pytest.mark.parametrize("method", METHODS)
def test_samples_of_an_unknown_batch_are_left_out_given_the_batch(method):
    x, y = tables()
    batches = [None if sample in (2, 9) else batch for sample, batch in enumerate(BATCHES)]
    kept = [sample for sample, batch in enumerate(batches) if batch]
    whole = paired(x, y, design(batches=batches), method=method)
    part = paired(x[:, kept], y[:, kept], design(np.array(GROUPS)[kept], np.array(BATCHES)[kept]), method=method)
    np.testing.assert_allclose(whole.given_batch, part.given_batch, atol=1e-12)
    assert (whole.total != part.total).any()
