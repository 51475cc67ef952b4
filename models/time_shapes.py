"""Metabolites over time, in three shapes: as they are, how fast they accumulate, and where they are a step later.

A gene's transcript need not follow the amount of the product. An enzyme makes a stored product grow, so that it goes
with the slope of the amount; and a transcript comes before its protein, which comes before the product.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.arrays import BoolArray, Float32Array, Float64Array, FloatArray, IntArray
from models.measures import sample_patterns

LEVEL, RATE, LAG = "level", "rate", "lag"
RATE_POINTS = 3
"""Fewest time points of a rate: a single slope would be the same at both."""


def time_shapes(values: FloatArray, times: Float64Array, series: npt.NDArray[Any]) -> dict[str, FloatArray]:
    """Look at metabolites as level, rate and lag.

    Parameters
    ----------
    values : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing.
    times : ndarray, shape=(n_samples,), dtype=float64
        Time of each sample, in any unit; NaN where not known.
    series : ndarray, shape=(n_samples,)
        What names the time series that each sample belongs to.

    Returns
    -------
    dict of str to ndarray, shape=(n_metabolites, n_samples)
        - level: the values as they are.
        - rate, dtype=float32: change of the time point's mean per unit of time. With the slopes s to the time points
          before and after, at distances a and b, it is ``(b s_before + a s_after) / (a + b)``, the central difference
          of second order (as `numpy.gradient`); the one slope there is at the first and the last time point. NaN where
          the metabolite has fewer than 3 time points in the series.
        - lag, dtype=float32: mean at the next time point of the series; NaN at the last one.

        Every sample of a time point gets the time point's value. A time point where all values of a metabolite are
        missing has no rate, is passed over by the slopes of its neighbours, and leaves the one before it without lag.
        A sample of unknown time has a level only.

    Notes
    -----
    Differences are taken between means because sampling destroys the sample: the replicates of two times are not the
    same plants, so that nothing pairs the first replicate of one with the first of the next.

    Rates and lags are rounded to single precision, in which equal means are equal, so that rounding makes no ranks.
    """
    rate, lag = (np.full(values.shape, np.nan, dtype=np.float32) for _ in range(2))
    for members in _members(times, series):
        points, place = np.unique(times[members], return_inverse=True)
        means = _point_means(values[:, members], place, len(points))
        rate[:, members] = _rates(means, points)[:, place]
        lag[:, members] = np.pad(means[:, 1:], ((0, 0), (0, 1)), constant_values=np.nan)[:, place]
    return {LEVEL: values, RATE: rate, LAG: lag}


@dataclass(frozen=True, slots=True, eq=False)
class ShapedRows:
    """Metabolites in all their shapes, one below the other: first all levels, then rates, then lags.

    Attributes
    ----------
    values : ndarray, shape=(n_rows, n_samples), dtype=float32
    member : ndarray, shape=(n_rows,), dtype=int64
        Which metabolite each row is.
    shape : tuple of str or None, length n_rows
        Which shape; None where the study has no times.
    """

    values: Float32Array
    member: IntArray
    shape: tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TimeCourse:
    """When samples were taken.

    Attributes
    ----------
    times : ndarray, shape=(n_samples,), dtype=float64
        NaN where not known.
    series : ndarray, shape=(n_samples,), dtype=int64
        Number of the time series of each sample.
    """

    times: Float64Array
    series: IntArray

    @classmethod
    def of_samples(cls, sheet: pd.DataFrame, sample_ids: Sequence[str]) -> "TimeCourse":
        """Look samples up in a table of the contract `samples`; those that name no series are one."""
        rows = sheet.set_index("sample_id").loc[list(sample_ids)]
        codes = pd.factorize(rows["series"].astype(object), use_na_sentinel=False)[0]
        return cls(rows["time"].to_numpy(dtype=np.float64), codes.astype(np.int64))

    def taken(self, keep: BoolArray) -> "TimeCourse":
        """Return the time course of some of the samples."""
        return TimeCourse(self.times[keep], self.series[keep])

    @property
    def known(self) -> bool:
        """Whether any sample has a time."""
        return not bool(np.isnan(self.times).all())

    @property
    def points(self) -> tuple[int, ...]:
        """Time points of each series that has any."""
        return tuple(len(np.unique(self.times[members])) for members in _members(self.times, self.series))

    def shaped(self, values: Float32Array) -> ShapedRows:
        """Put the shapes of metabolites below each other, those that no sample of theirs has left out.

        Parameters
        ----------
        values : ndarray, shape=(n_metabolites, n_samples), dtype=float32
            On a log2 scale; NaN where missing. Rates are those of the amounts, ``2 ** values`` as a share of the
            metabolite's largest: the slope of a logarithm would be the enzyme over what has been stored so far.
        """
        if not self.known:
            return ShapedRows(values, np.arange(len(values)), (None,) * len(values))
        shapes = time_shapes(values, self.times, self.series)
        shapes[RATE] = time_shapes(_amounts(values), self.times, self.series)[RATE]
        rows = {name: np.arange(len(values)) if name == LEVEL else _measured(own) for name, own in shapes.items()}
        return ShapedRows(
            np.concatenate([shapes[name][own] for name, own in rows.items()]),
            np.concatenate(list(rows.values())),
            tuple(name for name, own in rows.items() for _ in own),
        )

    def sentence(self) -> str | None:
        """Say how metabolites are looked at; None where no sample has a time."""
        if not self.known:
            return None
        most = max(self.points)
        if most < 2:
            return "Times: no series has two time points, so metabolites are looked at as they are."
        shapes = "level, rate and lag" if most >= RATE_POINTS else "level and lag"
        return f"Times: metabolites are looked at as {shapes} over {len(self.points)} series."


def _members(times: Float64Array, series: npt.NDArray[Any]) -> list[IntArray]:
    """Return the samples of each series whose time is known."""
    timed = np.flatnonzero(~np.isnan(times))
    codes, names = pd.factorize(np.asarray(series)[timed], use_na_sentinel=False)
    return [timed[codes == number] for number in range(len(names))]


def _point_means(values: FloatArray, place: IntArray, n_points: int) -> Float64Array:
    """Return the mean of each time point over the samples that have a value, shape=(n_metabolites, n_points)."""
    member = (place[:, None] == np.arange(n_points)).astype(np.float64)
    size = (~np.isnan(values)).astype(np.float64) @ member
    sums = np.nan_to_num(values.astype(np.float64)) @ member
    means: Float64Array = np.divide(sums, size, out=np.full(sums.shape, np.nan), where=size > 0)
    return means


def _rates(means: Float64Array, points: Float64Array) -> Float64Array:
    """Differentiate each row over the time points that it has, all rows of like gaps together."""
    rates = np.full(means.shape, np.nan)
    patterns, pattern = sample_patterns(~np.isnan(means))
    for number, known in enumerate(patterns):
        if known.sum() >= RATE_POINTS:
            place = np.ix_(pattern == number, known)
            rates[place] = _gradient(means[place], points[known])
    return rates


def _gradient(means: Float64Array, points: Float64Array) -> Float64Array:
    """Weigh slopes rather than values, as `numpy.gradient` does: equal means then have a rate of exactly 0."""
    gaps = np.diff(points)
    slopes = np.diff(means, axis=1) / gaps
    before = gaps[1:] / (gaps[:-1] + gaps[1:])
    inner = slopes[:, :-1] * before + slopes[:, 1:] * (1 - before)
    return np.concatenate([slopes[:, :1], inner, slopes[:, -1:]], axis=1)


def _amounts(values: FloatArray) -> Float64Array:
    amounts: Float64Array = np.exp2(values.astype(np.float64) - np.fmax.reduce(values, axis=1, keepdims=True))
    return amounts


def _measured(values: FloatArray) -> IntArray:
    return np.flatnonzero(~np.isnan(values).all(axis=1))
