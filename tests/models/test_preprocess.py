import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from configs.errors import TableError
from configs.study import PreprocessConfig
from models.layer import Layer
from models.normalise import counts_per_million, scale_intensities, tmm_factors
from models.parquet import encode_frame
from models.preprocess import prepare_layer

# Poisson draws and the factor that R's edgeR:::.calcFactorTMM gives for the first against the second with its default
# settings, as recorded in the unit tests of the Python package tmma (github.com/lukauskas/tmma).
SAMPLE = (
    "9 3 11 3 1 6 7 11 8 9 12 7 10 8 7 9 6 9 7 6 6 5 11 10 13 7 9 7 6 4 3 6 6 5 11 8 7 5 11 11 10 13 6 7 9 12 7 8 11 4"
)
REFERENCE = "8 6 0 5 8 7 7 6 2 3 2 2 4 5 4 4 4 6 6 5 7 2 5 1 4 6 3 5 8 3 8 4 2 4 4 3 2 4 5 4 5 2 4 2 3 0 6 4 4 7"


def layer_of(values, name="genes") -> Layer:
    values = np.array(values, dtype=np.float32)
    features, samples = (
        tuple(f"{kind}{i}" for i in range(size)) for kind, size in zip("fs", values.shape, strict=True)
    )
    return Layer(name, values, features, samples)


def prepare(values, *, unit="fpkm", role="genes", **config):
    return prepare_layer(layer_of(values), unit=unit, role=role, config=PreprocessConfig(**config))


# --- counts -----------------------------------------------------------------------------------------------------


@pytest.mark.golden
@pytest.mark.parametrize(("sample", "reference", "factor"), [(SAMPLE, REFERENCE, 0.9821526), ("2 1", "1 1", 1.036271)])
def test_tmm_factor_of_edger(sample, reference, factor):
    # Between two samples the factor is the ratio of the balanced factors, whichever of them is the reference.
    factors = tmm_factors(np.array([sample.split(), reference.split()], dtype=float).T)
    assert factors[0] / factors[1] == pytest.approx(factor, rel=1e-6)
    assert np.prod(factors) == pytest.approx(1)


def plain_tmm(counts):
    """Follow the paper and edgeR one sample at a time."""
    counts = counts[counts.sum(axis=1) > 0]
    totals = counts.sum(axis=0)
    quartile = [np.quantile(counts[:, j], 0.75) / totals[j] for j in range(counts.shape[1])]
    r = int(np.argmin([abs(value - np.mean(quartile)) for value in quartile]))
    logs = []
    for j in range(counts.shape[1]):
        m, a, w = [], [], []
        for x, y in zip(counts[:, j], counts[:, r], strict=True):
            if x > 0 and y > 0:
                p, q = x / totals[j], y / totals[r]
                m.append(np.log2(p / q))
                a.append(0.5 * np.log2(p * q))
                w.append(1 / ((totals[j] - x) / totals[j] / x + (totals[r] - y) / totals[r] / y))
        if max(abs(value) for value in m) < 1e-6:
            logs.append(0.0)
            continue
        n = len(m)
        low_m, low_a = np.floor(n * 0.3) + 1, np.floor(n * 0.05) + 1
        ranks = zip(rankdata(m), rankdata(a), strict=True)
        kept = [low_m <= i <= n + 1 - low_m and low_a <= k <= n + 1 - low_a for i, k in ranks]
        logs.append(np.average(np.array(m)[kept], weights=np.array(w)[kept]))
    return 2 ** (np.array(logs) - np.mean(logs))


@pytest.mark.parametrize("seed", range(5))
def test_tmm_equals_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    means = rng.gamma(0.5, 100, size=(300, 1)) * rng.uniform(0.5, 2, size=(1, 6))
    means[:30, 0] *= 20
    counts = rng.poisson(means).astype(float)
    np.testing.assert_allclose(tmm_factors(counts), plain_tmm(counts), rtol=1e-12)


def test_tmm_undoes_a_few_genes_that_take_most_reads():
    # 100 genes with 100 reads in both samples; in the second, five more genes take 90% of the reads.
    counts = np.full((105, 2), 100.0)
    counts[100:] = [[100, 20_000]] * 5
    scaled = counts_per_million(counts, ("a", "b"), tmm=True)
    np.testing.assert_allclose(scaled[:100, 0], scaled[:100, 1])
    plain = counts_per_million(counts, ("a", "b"), tmm=False)
    assert plain[0, 0] / plain[0, 1] == pytest.approx(110_000 / 10_500)


def test_tmm_of_too_little_is_one():
    np.testing.assert_array_equal(tmm_factors(np.array([[1.0], [2.0]])), [1])
    np.testing.assert_array_equal(tmm_factors(np.zeros((3, 2))), [1, 1])
    np.testing.assert_array_equal(tmm_factors(np.eye(2)), [1, 1])


def test_counts_become_log2_counts_per_million():
    # Totals 10 and 5: 2/10 and 3/5 of a million for the first feature.
    prepared = prepare([[2, 3], [8, 2]], unit="counts", count_normalisation="cpm")
    np.testing.assert_allclose(prepared.layer.values, np.log2([[200_001, 600_001], [800_001, 400_001]]), rtol=1e-6)
    assert prepared.notes == ("genes: counts were scaled to counts per million.",)
    assert "TMM" in prepare([[2, 3], [8, 2]], unit="counts").notes[0]


# --- metabolites ------------------------------------------------------------------------------------------------

INTENSITIES = np.array([[2.0, 4.0, 6.0], [2.0, 8.0, 6.0], [4.0, 4.0, 20.0]])
SAMPLES = ("s0", "s1", "s2")


def test_normalisations_by_hand():
    # Sums 8, 16, 32 with the median 16: factors 2, 1, 1/2.
    total = np.array([[4, 4, 3], [4, 8, 3], [8, 4, 10]])
    np.testing.assert_allclose(scale_intensities(INTENSITIES, SAMPLES, method="total"), total)
    # Medians 2, 4, 6 with the median 4: factors 2, 1, 2/3.
    median = np.array([[4, 4, 4], [4, 8, 4], [8, 4, 40 / 3]])
    np.testing.assert_allclose(scale_intensities(INTENSITIES, SAMPLES, method="median"), median)
    # Median spectrum of `total` 4, 4, 8; quotients (1 1 1), (1 2 1/2), (3/4 3/4 5/4); their medians 1, 1, 3/4.
    pqn = np.array([[4, 4, 4], [4, 8, 4], [8, 4, 40 / 3]])
    np.testing.assert_allclose(scale_intensities(INTENSITIES, SAMPLES, method="pqn"), pqn)
    np.testing.assert_array_equal(scale_intensities(INTENSITIES, SAMPLES, method="none"), INTENSITIES)


@pytest.mark.parametrize("method", ["total", "median", "pqn"])
@given(dilution=arrays(float, 5, elements=st.floats(0.01, 100)), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=20)
def test_dilution_goes_away(method, dilution, seed):
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 100, size=(30, 5))
    values[rng.random(values.shape) < 0.1] = np.nan
    names = tuple("abcde")
    ours, diluted = (scale_intensities(one, names, method=method) for one in (values, values * dilution))
    scale = ours[0, 0] / diluted[0, 0] if np.isfinite(ours[0, 0]) else np.nanmedian(ours / diluted)
    np.testing.assert_allclose(diluted * scale, ours, rtol=1e-9)


def test_normalisation_serves_metabolites_alone_and_no_logarithms():
    values = INTENSITIES
    metabolites = prepare(values, unit="intensity", role="metabolites", metabolite_normalisation="total")
    expected = np.log2(np.array([[4, 4, 3], [4, 8, 3], [8, 4, 10]]) + 1)
    np.testing.assert_allclose(metabolites.layer.values, expected, rtol=1e-6)
    genes = prepare(values, metabolite_normalisation="total")
    np.testing.assert_allclose(genes.layer.values, np.log2(values + 1), rtol=1e-6)
    logs = prepare(values, unit="log2", role="metabolites", metabolite_normalisation="pqn")
    np.testing.assert_array_equal(logs.layer.values, values.astype(np.float32))
    assert "the normalisation pqn was not applied" in logs.notes[0]


@pytest.mark.parametrize(
    ("unit", "role", "config", "what"),
    [
        ("counts", "genes", {}, "counts"),
        ("intensity", "metabolites", {"metabolite_normalisation": "total"}, "sum"),
        ("intensity", "metabolites", {"metabolite_normalisation": "median"}, "median"),
        ("intensity", "metabolites", {"metabolite_normalisation": "pqn"}, "sum"),
    ],
)
def test_empty_samples_are_named(unit, role, config, what):
    match = rf"wanted {what} above zero in every sample, found 1 samples at zero: 's1'"
    with pytest.raises(TableError, match=match):
        prepare([[1, 0, 2], [3, 0, 1]], unit=unit, role=role, **config)


def test_sample_that_shares_no_feature_with_the_median_spectrum():
    with pytest.raises(TableError, match=r"quotients to the median spectrum above zero .* 's2'"):
        scale_intensities(np.array([[1.0, 2, 0], [0, 0, 5]]), SAMPLES, method="pqn")


# --- dropping ---------------------------------------------------------------------------------------------------


def test_features_that_tell_nothing_are_listed_with_the_reason():
    gap = np.nan
    prepared = prepare([[1, 2, 3, 4], [5, 5, gap, 5], [gap] * 4, [1, gap, gap, gap], [1, 2, gap, gap], [0] * 4])
    assert prepared.layer.feature_ids == ("f0", "f4")
    expected = pd.DataFrame(
        {
            "layer": "genes",
            "feature_id": ["f1", "f2", "f3", "f5"],
            "reason": ["constant", "missing in every sample", "missing in more than 50% of the samples", "constant"],
        }
    )
    pd.testing.assert_frame_equal(prepared.dropped, expected)
    assert "4 of 6 features were dropped (2 constant" in prepared.notes[-1]
    assert encode_frame(prepared.dropped, "dropped")
    assert np.isnan(prepared.layer.values).tolist() == [[False] * 4, [False, False, True, True]]
    assert prepare([[1, 2, gap, gap]], max_missing=0.5).layer.feature_ids == ("f0",)


def test_nothing_dropped_is_an_empty_list():
    prepared = prepare([[1, 2], [3, 4]])
    assert encode_frame(prepared.dropped, "dropped")
    assert (len(prepared.dropped), prepared.notes) == (0, ())


def test_no_feature_left():
    with pytest.raises(TableError, match=r"layer genes: wanted at least one feature that varies .* none: 2 constant"):
        prepare([[1, 1], [2, 2]])


def test_features_missing_too_often_over_all_samples_are_left_to_the_folds():
    nan = np.nan
    prepared = prepare([[1, 2, 3, 4], [1, nan, nan, 4], [1, nan, nan, nan], [2, 2, 2, 2]], max_missing=0.25)
    assert prepared.layer.feature_ids == ("f0",)
    assert prepared.trainable.feature_ids == ("f0", "f1")
    assert set(prepared.dropped["feature_id"]) == {"f1", "f2", "f3"}
