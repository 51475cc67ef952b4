import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.correlation import best_partner
from models.correlation_null import correlation_null
from models.significance import expression_strata, group_permutations
from models.target_null import correlation_p
from models.time_shapes import TimeCourse, time_shapes

NAN = np.nan
ONE_SERIES = np.zeros(3)


def test_shapes_by_hand():
    # Means 1, 3, 11 at 0, 1, 3 h: slopes 2 and 4, and (2 * 2 + 1 * 4) / 3 in between.
    times = np.array([3.0, 0, 0, 1, 1])
    values = np.array([[11.0, 0, 2, 3, 3]])
    shapes = time_shapes(values, times, np.array(["a"] * 5))
    assert list(shapes) == ["level", "rate", "lag"]
    assert shapes["level"] is values
    np.testing.assert_allclose(shapes["rate"], [[4, 2, 2, 8 / 3, 8 / 3]], rtol=1e-7)
    np.testing.assert_array_equal(shapes["lag"], [[NAN, 3, 3, 11, 11]])


def test_series_do_not_see_each_other():
    times, values = np.array([0.0, 0, 1, 1, 2, 2]), np.array([[1.0, 10, 2, 30, 4, 20]])
    shapes = time_shapes(values, times, np.array(["a", "b"] * 3))
    np.testing.assert_array_equal(shapes["rate"], [[1, 20, 1.5, 5, 2, -10]])
    np.testing.assert_array_equal(shapes["lag"], [[2, 30, 4, 20, NAN, NAN]])


def test_two_time_points_have_no_rate_and_one_has_no_lag():
    values = np.array([[1.0, 2, 5]])
    shapes = time_shapes(values, np.array([0.0, 1, 1]), ONE_SERIES)
    assert np.isnan(shapes["rate"]).all()
    np.testing.assert_array_equal(shapes["lag"], [[3.5, NAN, NAN]])
    assert np.isnan(time_shapes(values, np.ones(3), ONE_SERIES)["lag"]).all()


def test_what_is_missing_stays_missing():
    # Replicates at 0, 1, 2 and 4; all of 1 is missing, so that the slopes from 0 to 2 and from 2 to 4 remain.
    values = np.array([[1.0, NAN, NAN, NAN, 5, 5, 7, 7], [NAN] * 8, [1.0, 1, 2, NAN, NAN, NAN, NAN, NAN]])
    shapes = time_shapes(values, np.repeat([0.0, 1, 2, 4], 2), np.zeros(8))
    np.testing.assert_array_equal(shapes["rate"][0], [2, 2, NAN, NAN, 1.5, 1.5, 1, 1])
    np.testing.assert_array_equal(shapes["lag"][0], [NAN, NAN, 5, 5, 7, 7, NAN, NAN])
    assert np.isnan([shapes[name][1] for name in shapes]).all()
    assert np.isnan(shapes["rate"][2]).all()
    np.testing.assert_array_equal(shapes["lag"][2], [2, 2] + [NAN] * 6)


def test_a_sample_of_unknown_time_has_a_level_only():
    shapes = time_shapes(np.array([[1.0, 2, 3, 9]]), np.array([0, 1, 2, NAN]), np.zeros(4))
    np.testing.assert_array_equal(shapes["rate"], [[1, 1, 1, NAN]])
    np.testing.assert_array_equal(shapes["lag"], [[2, 3, NAN, NAN]])


@given(
    gaps=st.lists(st.integers(1, 50), min_size=2, max_size=12),
    slope=st.floats(-100, 100),
    start=st.floats(-100, 100),
    replicates=st.integers(1, 3),
)
def test_the_rate_of_a_ramp_is_its_slope_whatever_the_times(gaps, slope, start, replicates):
    times = np.repeat(np.cumsum([0.0, *gaps]) / 7, replicates)
    rate = time_shapes((start + slope * times)[None], times, np.zeros(len(times)))["rate"]
    np.testing.assert_allclose(rate, slope, rtol=1e-5, atol=1e-10)


@given(seed=st.integers(0, 2**32 - 1))
def test_one_sample_a_time_is_numpys_gradient(seed):
    rng = np.random.default_rng(seed)
    times = np.sort(rng.choice(200, size=rng.integers(3, 30), replace=False)) / 10
    values = rng.normal(size=(4, len(times)))
    order = rng.permutation(len(times))
    shapes = time_shapes(values[:, order], times[order], np.zeros(len(times)))
    np.testing.assert_allclose(shapes["rate"], np.gradient(values, times, axis=1)[:, order], rtol=1e-5, atol=1e-5)
    later = np.append(values[:, 1:], np.full((4, 1), NAN), axis=1)
    np.testing.assert_allclose(shapes["lag"], later[:, order], rtol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_samples_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    times, series = rng.integers(0, 5, 20).astype(float), rng.choice(["a", "b"], 20)
    values, order = rng.normal(size=(3, 20)), rng.permutation(20)
    values[rng.random(values.shape) < 0.3] = NAN
    moved = time_shapes(values[:, order], times[order], series[order])
    for name, shape in time_shapes(values, times, series).items():
        np.testing.assert_allclose(moved[name], shape[:, order], rtol=1e-5, atol=1e-6)


def test_equal_means_have_a_rate_of_zero_and_no_ranks():
    values = np.full((1, 12), 0.1, dtype=np.float32)
    rate = time_shapes(values, np.repeat([0.1, 0.2, 0.7, 3.3], 3), np.zeros(12))["rate"]
    assert not rate.any()


# --- time courses -----------------------------------------------------------------------------------------------


def course_of(times, series=None):
    ids = [f"s{number}" for number in range(len(times))]
    sheet = pd.DataFrame({"sample_id": ids, "time": times, "series": series or [None] * len(ids)})
    return TimeCourse.of_samples(sheet.astype({"series": "str"}), ids)


def test_samples_that_name_no_series_are_one():
    assert course_of([0.0, 1, 2, 0, 1]).points == (3,)
    assert course_of([0.0, 1, 2, 0, 1], ["a", "a", "a", "b", "b"]).points == (3, 2)
    assert course_of([0.0, 1, NAN], ["a", "a", None]).points == (2,)


def test_how_metabolites_are_looked_at_is_said():
    assert course_of([NAN] * 3).sentence() is None
    three = "Times: metabolites are looked at as level, rate and lag over 1 series."
    assert course_of([0.0, 1, 2]).sentence() == three
    assert "as level and lag over 2 series" in course_of([0.0, 1, 0, 1], ["a", "a", "b", "b"]).sentence()
    assert "no series has two time points" in course_of([5.0, 5, 5]).sentence()


def test_shapes_lie_below_each_other_without_those_that_have_no_value():
    values = np.array([[0, 1, 2, 3], [0, 1, NAN, NAN], [NAN, 0, NAN, 1]], dtype=np.float32)
    rows = course_of([0.0, 1, 2, 3]).shaped(values)
    assert rows.shape == ("level",) * 3 + ("rate",) + ("lag",) * 3
    assert rows.member.tolist() == [0, 1, 2, 0, 0, 1, 2]
    assert rows.values.dtype == np.float32
    # Amounts 1, 2, 4, 8 of at most 8: slopes 1, 2, 4.
    np.testing.assert_array_equal(rows.values[3] * 8, [1, 1.5, 3, 4])
    plain = course_of([NAN] * 4).shaped(values)
    assert plain.values is values
    assert (plain.member.tolist(), plain.shape) == ([0, 1, 2], (None, None, None))


def planted(rng, enzyme, product):
    """Twenty genes of which the first is the enzyme of the first metabolite, three replicates of nine time points."""
    times = np.repeat([0.0, 1, 2, 4, 6, 9, 12, 18, 24], 3)
    unique = np.unique(times)
    genes = rng.normal(size=(20, len(times)))
    genes[0] = np.interp(times, unique, enzyme) + 0.05 * rng.normal(size=len(times))
    amounts = np.interp(times, unique, product) * np.exp(0.01 * rng.normal(size=len(times)))
    return genes, np.log2(amounts)[None].astype(np.float32), course_of(times)


def shape_of_best(genes, metabolites, course):
    rows = course.shaped(metabolites)
    return rows.shape[best_partner(genes, rows.values, direction="positive").index[0]]


def test_the_enzyme_of_a_stored_product_is_found_by_rate_and_not_by_level():
    enzyme = np.array([0.0, 1, 3, 6, 8, 5, 2, 1, 0])
    times = np.array([0.0, 1, 2, 4, 6, 9, 12, 18, 24])
    stored = 1 + np.append(0, np.cumsum(np.diff(times) * (enzyme[1:] + enzyme[:-1]) / 2))
    genes, metabolites, course = planted(np.random.default_rng(5), enzyme, stored)
    rows = course.shaped(metabolites)
    by_shape = {
        shape: best_partner(genes, rows.values[[row]], direction="positive").rho[0]
        for row, shape in enumerate(rows.shape)
    }
    assert by_shape["rate"] > 0.9
    assert by_shape["level"] < 0.3
    assert shape_of_best(genes, metabolites, course) == "rate"


def test_an_enzyme_ahead_of_its_product_is_found_by_lag():
    enzyme = np.array([3.0, 7, 1, 5, 2, 8, 4, 6, 0])
    product = 1 + np.append(0, enzyme[:-1])
    genes, metabolites, course = planted(np.random.default_rng(5), enzyme, product)
    assert shape_of_best(genes, metabolites, course) == "lag"
    assert abs(best_partner(genes, metabolites).rho[0]) < 0.5


def test_real_times(shared_data):
    # Falcarindiol is stored. The four genes of its cluster stand 154th to 539th of 1,087 by its level.
    folder = shared_data / "tomato_falcarindiol"
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t").query("has_expression == 1")
    genes, metabolites = (
        np.log2(pd.read_csv(folder / f"{name}.tsv.gz", sep="\t", index_col=0)[sheet["sample_id"]] + 1)
        for name in ("expression", "metabolites")
    )
    course = TimeCourse(sheet["hours"].to_numpy(float), pd.factorize(sheet["treatment"])[0])
    rows = course.shaped(metabolites.loc[["M290T905"]].to_numpy(np.float32))
    cluster = [f"Solyc12g1002{number}0.1" for number in (4, 5, 6, 7)]
    worst = {}
    for row, shape in enumerate(rows.shape):
        strength = best_partner(genes.to_numpy(np.float32), rows.values[[row]]).strength
        worst[shape] = pd.Series(-strength, genes.index).rank()[cluster].max()
    assert worst["rate"] < 70
    assert worst["level"] > 500


@pytest.mark.parametrize("held_out", [0, 4, 8])
def test_without_some_samples_shapes_are_those_of_the_others(held_out):
    rng = np.random.default_rng(3)
    values, times = rng.normal(size=(2, 9)).astype(np.float32), np.arange(9.0)
    keep = times != held_out
    rows = course_of(times).taken(keep).shaped(values[:, keep])
    again = course_of(times[keep]).shaped(values[:, keep])
    np.testing.assert_array_equal(rows.values, again.values)


def test_p_pays_for_the_choice_among_shapes():
    # 4 series of 4 time points in triplicate, half of the variance between groups, no gene related to the target.
    times, series = np.tile(np.repeat(np.arange(4.0), 3), 4), np.repeat(np.arange(4), 12)
    course, groups = TimeCourse(times, series), [f"{one}|{time}" for one, time in zip(series, times, strict=True)]
    shares = {"shapes": [], "as if it were one": []}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        genes, metabolites = (
            (rng.normal(size=(size, 16)).repeat(3, axis=1) + rng.normal(size=(size, 48))).astype(np.float32)
            for size in (300, 1)
        )
        rows = course.shaped(metabolites).values
        strength = best_partner(genes, rows).strength
        draws = group_permutations(groups, count=200, seed=seed)
        for name, null in (("shapes", rows), ("as if it were one", metabolites)):
            drawn = correlation_null(genes, null, draws)
            p = correlation_p(
                strength, drawn, np.arange(300), expression_strata(genes, groups, np.zeros(300, bool)), groups
            )
            shares[name].append((p < 0.05).mean())
    assert 0.03 < np.mean(shares["shapes"]) < 0.06
    assert np.mean(shares["as if it were one"]) > 0.08
