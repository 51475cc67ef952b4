"""How well rankings find the genes that are known to be true, with bootstrap intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RECALL = 100
"""Places that the recall looks at."""
TOP_SHARE = 0.01
RESAMPLES = 2000
SEED = 1
_SHARES = ("auc", "recall", "top")


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where the true genes of one pathway stand, each of shape=(n_true,), dtype=float64.

    Attributes
    ----------
    rank : ndarray
        Place among all genes that compete, 1 the best; genes that tie share the mean place.
    auc : ndarray
        Share of the false genes that are behind, ties by half; its mean is the AUC.
    recall, top : ndarray
        1 within the first 100 places, and within the first 1% of them; else 0.
    """

    rank: Floats
    auc: Floats
    recall: Floats
    top: Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over units, and the 95% interval of its bootstrap."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Performance:
    """What a ranking is worth in a study; the shares are means over units."""

    auc: Interval
    recall: float
    top: Interval
    median_rank: float


def standing(score: Floats, true: npt.ArrayLike, left_out: npt.ArrayLike = ()) -> Standing:
    """Find the true genes in a ranking.

    Parameters
    ----------
    score : ndarray, shape=(n_genes,), dtype=float64
        Larger is better; a gene with NaN is behind all others.
    true, left_out : array_like, dtype=int
        Rows of the true genes, and of those that do not compete (known genes); no gene is both.
    """
    filled = np.where(np.isnan(score), -np.inf, score)
    rows = np.asarray(true, dtype=np.int64)
    competing = np.sort(np.delete(filled, np.asarray(left_out, dtype=np.int64)))
    ahead, equal = _ahead(competing, filled[rows])
    true_ahead, true_equal = _ahead(np.sort(filled[rows]), filled[rows])
    rank = 1 + ahead + (equal - 1) / 2
    false_ahead = (ahead - true_ahead) + (equal - true_equal) / 2
    cut = max(1, round(TOP_SHARE * len(competing)))
    return Standing(
        rank=rank,
        auc=1 - false_ahead / (len(competing) - len(rows)),
        recall=(rank <= RECALL).astype(np.float64),
        top=(rank <= cut).astype(np.float64),
    )


def performances(standings: Mapping[str, Sequence[Standing]], units: Sequence[Sequence[str]]) -> dict[str, Performance]:
    """Put the standings of a study together, method by method.

    Parameters
    ----------
    standings : mapping of str to sequence of Standing
        By method, one a pathway; the pathways are the same for all methods.
    units : sequence of sequence of str
        By pathway, the unit of each true gene. Shares are averaged within a unit and then over units, and the
        bootstrap draws units: genes where each is asked after once, pathways or metabolites where each has several.

    Returns
    -------
    dict of str to Performance
        Every method sees the same resamples.
    """
    codes = _codes(units)
    weights = _resamples(int(codes.max()) + 1)
    return {name: _performance(list(rows), codes, weights) for name, rows in standings.items()}


def gain(one: Sequence[Standing], other: Sequence[Standing], units: Sequence[Sequence[str]]) -> dict[str, Interval]:
    """Return how much better `one` is than `other` in AUC, recall and top 1%: a paired bootstrap over units."""
    codes = _codes(units)
    weights = _resamples(int(codes.max()) + 1)
    return {name: _interval(_by_unit(one, name, codes) - _by_unit(other, name, codes), weights) for name in _SHARES}


def _codes(units: Sequence[Sequence[str]]) -> Integers:
    """Number the units, shape=(n_true of all questions,)."""
    return np.unique([name for names in units for name in names], return_inverse=True)[1]


def _ahead(ordered: Floats, values: Floats) -> tuple[Integers, Integers]:
    """Count in ascending `ordered` what is above each value, and what equals it."""
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return len(ordered) - right, right - left


def _performance(rows: Sequence[Standing], codes: Integers, weights: Floats) -> Performance:
    means = {name: _by_unit(rows, name, codes) for name in _SHARES}
    return Performance(
        auc=_interval(means["auc"], weights),
        recall=float(means["recall"].mean()),
        top=_interval(means["top"], weights),
        median_rank=float(np.median(np.concatenate([row.rank for row in rows]))),
    )


def _by_unit(rows: Sequence[Standing], name: str, codes: Integers) -> Floats:
    values = np.concatenate([getattr(row, name) for row in rows])
    return np.bincount(codes, values) / np.bincount(codes)


def _resamples(n_units: int) -> Floats:
    """Return the weight of each unit in each resample, shape=(RESAMPLES, n_units), rows adding up to 1."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=RESAMPLES) / n_units


def _interval(values: Floats, weights: Floats) -> Interval:
    low, high = np.quantile(weights @ values, [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))
