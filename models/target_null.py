"""What a gene's evidence on a target would be by chance: p, and how many of the top genes are false.

The evidence that never sees the target, and homology, stay as they are under the null; correlation and bait evidence
are drawn anew with whole replicate groups permuted. What a score takes from those two is its target part T. The rest
is the same under the null, so a null score reaches the observed one exactly where the null T reaches the observed T.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.ranking_tables import NULL_PARTS
from models.arrays import Float32Array, Float64Array, FloatArray, IntArray
from models.design import written_p
from models.significance import STRATA

FEW_GENES, MANY_GENES = 500, 5_000
"""Fewest and most genes that null values are drawn for, where a study has as many."""
PAIRS = 14_000_000_000
"""Permuted pairs that are correlated at most: 2,000 genes x 1,000 draws x 7,000 metabolites."""
VALUES = 5_000_000
"""Null values that are drawn at most: 5,000 genes x 1,000 draws."""
TOPS = (10, 25, 50, 100, 250, 500, 1_000)
"""Lengths of the top of a ranking for which false genes are counted."""
ROUNDING = 1e-9
"""Relative, above what rounding moves a sum: a null value equal to the observed one reaches it."""


def null_genes(
    stratum: IntArray, *, draws: int, rows: int, seed: int, excluded: Collection[int] | IntArray = ()
) -> IntArray:
    """Choose the genes that null values are drawn for.

    Parameters
    ----------
    stratum : ndarray, shape=(n_genes,), dtype=int64
        As `models.significance.expression_strata` gives it; genes of stratum -1 are not chosen.
    draws : int
        Permutations.
    rows : int
        Metabolites of the target.
    seed : int
        Seed of the choice.
    excluded : collection of int
        Genes that are not chosen: the baits, whose bait evidence is not like that of other genes.

    Returns
    -------
    ndarray, shape=(n_null,), dtype=int64
        Rows, ascending; spread evenly over the strata. Up to 5,000 genes, fewer where the work with them all exceeds
        a bound, but not below 500: 2,000 at 1,000 draws of 6,980 metabolites. All genes where there are fewer.
    """
    eligible = stratum >= 0
    eligible[np.asarray(list(excluded), dtype=np.int64)] = False
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(np.flatnonzero(eligible))
    by_stratum = shuffled[np.argsort(stratum[shuffled], kind="stable")]
    _, first, size = np.unique(stratum[by_stratum], return_index=True, return_counts=True)
    turn = np.arange(len(by_stratum)) - np.repeat(first, size)
    count = null_count(len(by_stratum), draws=draws, rows=rows)
    return np.sort(by_stratum[np.argsort(turn, kind="stable")[:count]])


def null_count(n_genes: int, *, draws: int, rows: int) -> int:
    """Return for how many of `n_genes` genes null values are drawn, with the arguments of `null_genes`."""
    affordable = min(VALUES // draws, PAIRS // (draws * max(rows, 1)))
    return min(n_genes, max(affordable, FEW_GENES), MANY_GENES)


def arrangements(n_groups: int) -> float:
    """Return the orders of replicate groups, ``n_groups!``; infinite where a float64 does not hold it."""
    return float(math.factorial(n_groups)) if n_groups <= 170 else math.inf


def smallest_target_p(n_groups: int, pool: int) -> float:
    """Return the smallest p of `pool` null values: the larger of ``1 / n_groups!`` and ``1 / (1 + pool)``."""
    return max(1 / arrangements(n_groups), 1 / (1 + pool))


def permutation_sentence(groups: Sequence[str], *, n_genes: int, draws: int) -> str:
    """Say how small the p of a ranking can be, before anything is drawn.

    Parameters
    ----------
    groups : sequence of str, length n_samples
        Replicate group of each sample that has expression.
    n_genes : int
        Genes of the study.
    draws : int
        Permutations of whole groups.

    Notes
    -----
    A bound for all targets: those of thousands of metabolites have null values of fewer genes, and baits have none.
    """
    n_groups, n_null = len(set(groups)), null_count(n_genes, draws=draws, rows=1)
    replicated = n_groups < len(groups)
    smallest = smallest_target_p(n_groups, draws * n_null // (STRATA if replicated else 1))
    if smallest * arrangements(n_groups) <= 1 + ROUNDING:
        return (
            f"The p of the ranking cannot be below {written_p(smallest)}, however many permutations are drawn: the "
            f"replicate groups ({n_groups:,}) have no more orders than that."
        )
    held = "genes whose replicates are about as alike" if replicated else "all genes"
    return (
        f"The p of the ranking holds each gene against chance values of {held}, from {draws:,} permutations of "
        f"whole replicate groups; it cannot be below about {written_p(smallest)}."
    )


def study_rank(observed: FloatArray, values: npt.ArrayLike) -> Float64Array:
    """Rank values among the genes of the study: what rank a gene would have with this value instead of its own.

    Parameters
    ----------
    observed : ndarray, shape=(n_genes,)
        Larger is stronger; NaN where a gene has no value.
    values : array_like, any shape
        NaN stays NaN.

    Returns
    -------
    ndarray, shape of `values`, dtype=float64
        Share of the n observed values that are strictly below, at most (n - 1) / n, the rank of the first gene. For
        the observed values these are the ranks of `models.fusion.rank01`. NaN where nothing is observed.
    """
    wanted = np.asarray(values)
    known = np.sort(observed[~np.isnan(observed)]).astype(np.float64)
    if not len(known):
        return np.full(wanted.shape, np.nan)
    below = np.searchsorted(known, wanted.ravel(), side="left").reshape(wanted.shape)
    return np.where(np.isnan(wanted), np.nan, np.minimum(below, len(known) - 1) / len(known))


def null_ranks(observed: Mapping[str, FloatArray], parts: Mapping[str, Float32Array]) -> dict[str, Float64Array]:
    """Rank each part of the null among the observed values of that part; see `study_rank`."""
    return {name: study_rank(observed[name], values) for name, values in parts.items()}


@dataclass(frozen=True, slots=True, eq=False)
class TargetNull:
    """Null values of the target part of the scores, pooled over permutations and genes of a stratum.

    Attributes
    ----------
    stratum : ndarray, shape=(n_genes,), dtype=int64
        Stratum of every gene of the study; -1 for genes without evidence on the target.
    pools : mapping of int to ndarray, dtype=float64
        By stratum, the null values, ascending. A stratum without null genes has those of all strata.
    n_draws : int
        Permutations.
    n_groups : int
        Replicate groups that were permuted.
    """

    stratum: IntArray
    pools: Mapping[int, Float64Array]
    n_draws: int
    n_groups: int

    @classmethod
    def of(cls, values: FloatArray, genes: IntArray, stratum: IntArray, groups: Sequence[str]) -> "TargetNull":
        """Pool null values.

        Parameters
        ----------
        values : ndarray, shape=(n_draws, n_null)
            Target part of the score of each null gene in each permutation; NaN where a gene has none.
        genes : ndarray, shape=(n_null,), dtype=int64
            Rows of the null genes, as `null_genes` chooses them.
        stratum : ndarray, shape=(n_genes,), dtype=int64
            Of every gene.
        groups : sequence of str, length n_samples
            Replicate group of each sample that was permuted.
        """
        raised = values.astype(np.float64)
        raised += ROUNDING * np.abs(raised)
        everything = np.sort(raised[~np.isnan(raised)])
        pools = {}
        for number in np.unique(stratum[stratum >= 0]).tolist():
            own = raised[:, stratum[genes] == number]
            own = own[~np.isnan(own)]
            pools[number] = np.sort(own) if len(own) else everything
        return cls(stratum, pools, len(values), len(set(groups)))

    @property
    def arrangements(self) -> float:
        """Orders of the groups; see `arrangements`."""
        return arrangements(self.n_groups)

    @property
    def smallest_p(self) -> float:
        """Smallest p that is given, that of the largest pool; see `smallest_target_p`."""
        return smallest_target_p(self.n_groups, max((len(pool) for pool in self.pools.values()), default=0))

    def p(self, target_part: FloatArray) -> Float64Array:
        """Compute the p-value of each gene's target part.

        Parameters
        ----------
        target_part : ndarray, shape=(n_genes,), dtype=float64
            NaN where a gene has no evidence on the target.

        Returns
        -------
        ndarray, shape=(n_genes,), dtype=float64
            ``p = (1 + number of null values of the stratum >= T) / (1 + number of null values of the stratum)``
            (Phipson & Smyth 2010, doi 10.2202/1544-6115.1585), but never below 1 / arrangements. NaN where
            `target_part` is NaN and in stratum -1.

        Notes
        -----
        Seven groups have 7! orders, and under the null each is as likely as the one that was seen, so that a test of
        one gene cannot tell more than 1 in 5,040. A pool of 500,000 values holds the same orders again and again:
        pooling over genes makes p less coarse, but cannot make seven groups tell more than their orders do.
        """
        share = np.full(len(self.stratum), np.nan)
        for number, pool in self.pools.items():
            members = np.flatnonzero(self.stratum == number)
            share[members] = _share_reaching(pool, target_part[members])
        share[np.isnan(target_part)] = np.nan
        p: Float64Array = np.maximum(share, 1 / self.arrangements)
        return p

    def sentence(self, target: str, *, alpha: float = 0.05) -> str:
        """Say how small p can be and what that means for q; nothing where a single gene can reach q = alpha."""
        n_genes = int((self.stratum >= 0).sum())
        together = math.ceil(n_genes * self.smallest_p / alpha * (1 - ROUNDING))
        if together <= 1:
            return ""
        by_groups = self.smallest_p * self.arrangements <= 1 + ROUNDING
        reason = f"With {self.n_groups:,} replicate groups" if by_groups else f"With {self.n_draws:,} permutations"
        remedy = "more groups" if by_groups else "more permutations"
        needed = f"at least {together:,} of {n_genes:,} genes must share it for a q of {alpha:g}"
        if together > n_genes:
            needed = f"not even all {n_genes:,} genes together can reach a q of {alpha:g}"
        return (
            f"{reason} no p below {written_p(self.smallest_p)} is possible for {target}: {needed}. "
            f"Only {remedy} would let p tell more."
        )


def correlation_p(
    strength: FloatArray, null: Float32Array, genes: IntArray, stratum: IntArray, groups: Sequence[str]
) -> Float64Array:
    """Compute the p-value of each gene's strongest correlation alone.

    Parameters
    ----------
    strength : ndarray, shape=(n_genes,), dtype=float64
        Observed, as `models.correlation.best_partner` gives it; NaN where there is none.
    null : ndarray, shape=(n_draws, n_null), dtype=float32
        As `models.correlation_null.correlation_null` gives it.
    genes, stratum, groups
        As for `TargetNull.of`.
    """
    return TargetNull.of(null, genes, stratum, groups).p(strength)


def expected_false(null: TargetNull, scores: FloatArray, rest: FloatArray, *, target: str) -> pd.DataFrame:
    """Count the genes that chance alone would bring among the best scores.

    Parameters
    ----------
    null : TargetNull
    scores : ndarray, shape=(n_genes,), dtype=float64
        Fused scores; NaN where a gene has none.
    rest : ndarray, shape=(n_genes,), dtype=float64
        What the null leaves as it is: the score less its target part. 0 where scores do not add up (`rra`); the null
        is then that of the score over the target evidence.
    target : str

    Returns
    -------
    DataFrame
        Contract `false_in_top`, a row for each length k of the top that the study has genes for. With s the k-th best
        score, ``expected_false = sum over genes of P(T >= s - rest)``, the probability being the share
        ``(1 + reached) / (1 + n)`` of the null values of the gene's stratum; a gene without evidence on the target
        counts in full where its score is in the top. `share` is that over k, at most 1.

    Notes
    -----
    As in SAM (Tusher, Tibshirani & Chu 2001, doi 10.1073/pnas.091062498), with the share of null genes taken as 1:
    each gene counts as if its evidence on the target were chance, true genes too. With that and the 1 that is added,
    the figure is too large rather than too small on average. It is an expectation, not a bound: genes that rise and
    fall together come up by chance together, so in one study there may be none or many times as many. Unlike p it may
    rest on less than 1 / arrangements: it is a mean over thousands of genes, each with its own pattern over the
    groups, and not a statement on one of them.
    """
    has = ~np.isnan(scores)
    ordered = np.sort(scores[has])[::-1]
    tops = [top for top in TOPS if top <= len(ordered)]
    bounds = ordered[np.array(tops, dtype=np.int64) - 1]
    bounds = bounds - ROUNDING * np.abs(bounds)
    expected = (scores[has & (null.stratum < 0)] >= bounds[:, None]).sum(axis=1).astype(np.float64)
    for number, pool in null.pools.items():
        own = rest[has & (null.stratum == number)]
        expected += [_share_reaching(pool, bound - own).sum() for bound in bounds]
    share = np.minimum(expected / np.array(tops, dtype=np.float64), 1)
    return pd.DataFrame(
        {
            "target": pd.Series([target] * len(tops), dtype="str"),
            "top": np.array(tops, dtype=np.int64),
            "expected_false": expected,
            "share": share,
        }
    )


def null_table(parts: Mapping[str, Float32Array], genes: IntArray, stratum: IntArray) -> pd.DataFrame:
    """Lay out the null values of one target as a table of the contract `null_evidence`.

    Parameters
    ----------
    parts : mapping of str to ndarray, shape=(n_draws, n_null), dtype=float32
        'correlation' and, where the target has baits, 'bait'.
    genes : ndarray, shape=(n_null,), dtype=int64
        Rows of the null genes.
    stratum : ndarray, shape=(n_genes,), dtype=int64
        Of every gene.
    """
    n_draws = len(next(iter(parts.values())))
    columns: dict[str, npt.NDArray[np.int32 | np.float32]] = {
        "draw": np.repeat(np.arange(n_draws, dtype=np.int32), len(genes)),
        "gene": np.tile(genes.astype(np.int32), n_draws),
        "stratum": np.tile(stratum[genes].astype(np.int32), n_draws),
    }
    for name in NULL_PARTS:
        values = parts.get(name, np.full((n_draws, len(genes)), np.nan))
        columns[name] = values.astype(np.float32).ravel()
    return pd.DataFrame(columns)


def null_parts(table: pd.DataFrame) -> tuple[IntArray, dict[str, Float32Array]]:
    """Return the rows of the null genes and the parts of a table that `null_table` laid out."""
    n_null = int((table["draw"] == 0).sum())
    genes = table["gene"].to_numpy(dtype=np.int64)[:n_null]
    parts = {name: table[name].to_numpy(dtype=np.float32).reshape(-1, max(n_null, 1)) for name in NULL_PARTS}
    return genes, {name: values for name, values in parts.items() if not np.isnan(values).all()}


def _share_reaching(pool: Float64Array, least: FloatArray) -> Float64Array:
    """Return ``(1 + number of values of an ascending pool >= least) / (1 + number of values)``."""
    return (1 + len(pool) - np.searchsorted(pool, least, side="left")) / (1 + len(pool))
