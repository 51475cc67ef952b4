"""Correlation under a design: over all samples, between replicate groups, within them, and given the batch.

One coefficient over all samples mixes two questions. Do groups with much of the metabolite have much of the transcript
(between), and do replicates of one group that differ by chance differ alike (within)? The answers may have opposite
signs, and only the first is about the conditions of the study.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import pandas as pd

from configs.study import CorrelationMethod
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import BoolArray, FloatArray, IntArray
from models.design import Design
from models.levels import RHO_DECIMALS
from models.measures import MIN_SAMPLES, sample_patterns
from models.pearson import TUNING
from models.spearman import doubled_ranks

BLOCK = 2**15
"""Pairs that are correlated in one go."""
FREEDOM = MIN_SAMPLES - 1
"""Degrees of freedom that values need once means are subtracted: those that the fewest samples of a pair have."""
ROUNDING = 1e-12
"""A row whose deviations are together no longer than this share of its values is constant."""


@dataclass(frozen=True, slots=True, eq=False)
class DesignCorrelation:
    """Coefficients of pairs side by side, NaN where undefined.

    Attributes
    ----------
    n_samples, n_groups : ndarray, shape=(n_pairs,), dtype=int64
        Samples that both sides have, and the groups that these are from. The coefficient within groups has
        ``n_samples - n_groups - 1`` degrees of freedom.
    total, between, within, given_batch : ndarray, shape=(n_pairs,), dtype=float64
        In [-1, 1], rounded to 12 decimals; `design_correlation` says what they are.
    """

    n_samples: IntArray
    n_groups: IntArray
    total: FloatArray
    between: FloatArray
    within: FloatArray
    given_batch: FloatArray

    def columns(self) -> pd.DataFrame:
        """Return what a table of pairs holds beside the total."""
        return pd.DataFrame(
            {
                "rho_between": self.between,
                "rho_within": self.within,
                "rho_given_batch": self.given_batch,
                "n_groups": self.n_groups,
            }
        )


def design_correlation(
    genes: FloatArray,
    metabolites: FloatArray,
    pairs: tuple[IntArray, IntArray],
    design: Design,
    *,
    method: CorrelationMethod = "spearman",
    workers: Workers = ONE_WORKER,
) -> DesignCorrelation:
    """Correlate pairs of genes and metabolites in the ways that replicates and batches ask for.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values, of single precision whatever their type; NaN where missing.
    pairs : tuple of two ndarrays, shape=(n_pairs,), dtype=int64
        Row of the gene and row of the metabolite of each pair.
    design : Design
        Groups and batches of the samples.
    method : str
        'spearman', 'pearson' or 'bicor'.
    workers : Workers
        Threads on the processor, each with a block of pairs.

    Returns
    -------
    DesignCorrelation
        Each over the samples that both sides have.

        - total: the method's coefficient.
        - between: the method's coefficient of the means of the groups, each group counted once however many samples it
          has (Bland & Altman 1995, doi 10.1136/bmj.310.6980.633, who weigh groups by their size).
        - within: Pearson's r of what is left of the values when the mean of their group is subtracted (Bland & Altman
          1995, doi 10.1136/bmj.310.6977.446); for 'spearman' of their ranks. For 'bicor' the biweight midcorrelation
          of what is left.
        - given_batch: the same with batches in the place of groups, over the samples whose batch is known: the partial
          correlation given the batch.

    Notes
    -----
    Beside pairs with fewer than 4 samples and sides that do not vary, undefined are: between of fewer than 4 groups,
    since the means of three stand in the same or the opposite order once in three times; within and given the batch
    where the means that are subtracted leave fewer than 3 degrees of freedom, those of 4 samples. So there is nothing
    within groups without replicates, nor given batches of one sample each; nor given one batch, which is the total.

    What coincides cannot be told apart: where the batches are the groups, what is given the batch is what is within.
    """
    groups, batches = _factor(design.groups), _factor(design.batches)

    def correlate(start: int, _: Arithmetic) -> DesignCorrelation:
        gene, metabolite = (rows[start : start + BLOCK] for rows in pairs)
        x, left = _on_common_samples(genes, gene, metabolites, metabolite)
        y, right = _on_common_samples(metabolites, metabolite, genes, gene)
        one, other = (_side(values, groups, batches, method) for values in (x, y))
        products = (_products(a[left], b[right]) for a, b in zip(one.rows, other.rows, strict=True))
        return DesignCorrelation(one.n_samples[left], one.n_groups[left], *products)

    parts = list(workers.in_order(correlate, range(0, max(len(pairs[0]), 1), BLOCK)))
    names = [field.name for field in fields(DesignCorrelation)]
    return DesignCorrelation(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True, slots=True, eq=False)
class _Factor:
    """Levels that samples belong to: groups, or batches.

    Attributes
    ----------
    codes : ndarray, shape=(n_samples,), dtype=int64
        Level of each sample, -1 where it is not known.
    member : ndarray, shape=(n_samples, n_levels), dtype=float64
        1 where a sample is of a level, else 0.
    """

    codes: IntArray
    member: FloatArray

    def sizes(self, values: FloatArray) -> FloatArray:
        """Count the values of each level, shape=(n_rows, n_levels)."""
        size: FloatArray = (~np.isnan(values)).astype(np.float64) @ self.member
        return size

    def means(self, values: FloatArray, size: FloatArray) -> FloatArray:
        """Return the mean of each level, shape=(n_rows, n_levels); NaN where it has no value."""
        sums = np.nan_to_num(values) @ self.member
        means: FloatArray = np.divide(sums, size, out=np.full(sums.shape, np.nan), where=size > 0)
        return means

    def left_over(self, values: FloatArray, size: FloatArray) -> FloatArray:
        """Subtract from each value the mean of its level."""
        left: FloatArray = values - self.means(values, size)[:, self.codes]
        return left


def _factor(levels: Sequence[str | None]) -> _Factor:
    codes = pd.factorize(np.asarray(levels, dtype=object))[0].astype(np.int64)
    return _Factor(codes, (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64))


def _on_common_samples(
    own: FloatArray, row: IntArray, other: FloatArray, other_row: IntArray
) -> tuple[FloatArray, IntArray]:
    """Take the values of one side of each pair on the samples that both sides have, like ones once.

    Returns
    -------
    values : ndarray, shape=(n_distinct, n_samples), dtype=float64
        NaN where either side has none.
    place : ndarray, shape=(n_pairs,), dtype=int64
        Row of `values` of each pair.
    """
    used, of_other = np.unique(other_row, return_inverse=True)
    patterns, pattern = sample_patterns(~np.isnan(other[used]))
    distinct, place = np.unique(row * len(patterns) + pattern[of_other], return_inverse=True)
    own_row, known = np.divmod(distinct, len(patterns))
    return np.where(patterns[known], own[own_row].astype(np.float64), np.nan), place


class _Side(NamedTuple):
    """One side of pairs, ready to be multiplied: `rows` are the unit rows of total, between, within, given_batch."""

    n_samples: IntArray
    n_groups: IntArray
    rows: tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def _side(values: FloatArray, groups: _Factor, batches: _Factor, method: CorrelationMethod) -> _Side:
    """Standardise rows of values, shape=(n_rows, n_samples), for each coefficient."""
    size = groups.sizes(values)
    n_samples, n_groups = size.sum(axis=1).astype(np.int64), (size > 0).sum(axis=1)
    scaled, means = _scaled(values, method), _scaled(groups.means(values, size), method)
    length, robust = _lengths(scaled), method == "bicor"
    total = _unit_rows(scaled, length, n_samples >= MIN_SAMPLES, robust=robust)
    between = _unit_rows(means, _lengths(means), n_groups >= MIN_SAMPLES, robust=robust)
    within = _unit_rows(groups.left_over(scaled, size), length, n_samples - n_groups >= FREEDOM, robust=robust)
    return _Side(n_samples, n_groups, (total, between, within, _given(batches, values, method)))


def _given(batches: _Factor, values: FloatArray, method: CorrelationMethod) -> FloatArray:
    """Standardise what is left of each row when the mean of the batch is subtracted."""
    if batches.member.shape[1] < 2:
        return np.full((len(values), 1), np.nan)
    values = np.where(batches.codes >= 0, values, np.nan)
    size = batches.sizes(values)
    n_batches = (size > 0).sum(axis=1)
    usable = (n_batches > 1) & (size.sum(axis=1) - n_batches >= FREEDOM)
    scaled = _scaled(values, method)
    return _unit_rows(batches.left_over(scaled, size), _lengths(scaled), usable, robust=method == "bicor")


def _scaled(values: FloatArray, method: CorrelationMethod) -> FloatArray:
    """Return ranks for Spearman's rho, else the values; means of equal values are equal in single precision only."""
    if method != "spearman":
        return values
    return np.where(np.isnan(values), np.nan, doubled_ranks(values.astype(np.float32)))


def _unit_rows(rows: FloatArray, whole: FloatArray, usable: BoolArray, *, robust: bool) -> FloatArray:
    """Centre each row and scale it to unit length, as `models.pearson` does, past missing values.

    Parameters
    ----------
    rows : ndarray, shape=(n_rows, n)
    whole : ndarray, shape=(n_rows, 1)
        Length of what the rows were made from: what rounding leaves of it is no variation.
    usable : ndarray, shape=(n_rows,), dtype=bool
        Other rows become NaN, as constant rows do.
    robust : bool
        Weigh deviations from the median as the biweight midcorrelation does, where the median of them is not 0.
    """
    negligible, n = ROUNDING * whole, (~np.isnan(rows)).sum(axis=1, keepdims=True)
    deviation = rows - np.nan_to_num(rows).sum(axis=1, keepdims=True) / np.maximum(n, 1)
    if robust:
        from_median = rows - _medians(rows)
        mad = _medians(np.abs(from_median))
        spread = mad > negligible
        weight = np.maximum(1 - np.square(from_median / np.where(spread, TUNING * mad, 1.0)), 0)
        deviation = np.where(spread, from_median * np.square(weight), deviation)
    deviation, length = np.nan_to_num(deviation), _lengths(deviation)
    varied = usable[:, None] & (length > negligible)
    unit: FloatArray = np.divide(deviation, length, out=np.full(rows.shape, np.nan), where=varied)
    return unit


def _lengths(rows: FloatArray) -> FloatArray:
    """Return the length of each row, shape=(n_rows, 1), past missing values."""
    filled = np.nan_to_num(rows)
    length: FloatArray = np.sqrt(np.einsum("ij,ij->i", filled, filled))[:, None]
    return length


def _medians(rows: FloatArray) -> FloatArray:
    """Return the median of each row, shape=(n_rows, 1), past missing values, which are sorted last."""
    ordered, n = np.sort(rows, axis=1), np.maximum((~np.isnan(rows)).sum(axis=1), 1)
    middle = np.take_along_axis(ordered, np.stack([(n - 1) // 2, n // 2], axis=1), axis=1)
    median: FloatArray = middle.mean(axis=1, keepdims=True)
    return median


def _products(one: FloatArray, other: FloatArray) -> FloatArray:
    """Multiply unit rows pair by pair."""
    product: FloatArray = np.einsum("ij,ij->i", one, other)
    return np.round(np.clip(product, -1, 1), RHO_DECIMALS)
