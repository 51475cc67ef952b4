"""How much of the top of a ranking hangs on the choice of weights."""

import math
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from configs.ranking import Fusion
from configs.ranking_tables import TARGET_EVIDENCES
from models.arrays import BoolArray, Float64Array
from models.fusion import additive, aggregated_score, filled_part, shares_above_zero
from models.ranking import TOP_LEAST, TOP_SHARE

WEIGHT_FACTOR = 2.0
"""Weights are perturbed by factors between one over this and this."""


def weight_stability(
    ranks: Mapping[str, Float64Array], weights: Mapping[str, float], fusion: Fusion, *, draws: int, seed: int
) -> Float64Array:
    """Return how often a gene stays in the top of the ranking when the weights are perturbed.

    Parameters
    ----------
    ranks : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        Ranks in [0, 1) by evidence, as `models.fusion.rank01` gives them; NaN where a gene lacks the evidence.
    weights : mapping of str to float
        Weight by evidence, at least 0.
    fusion : {'log_tail', 'linear', 'reciprocal', 'rra'}
        Where the fusion is a weighted sum, each draw multiplies every weight by a factor of its own, log-uniform in
        [1/2, 2]. That they sum to 1 again changes no order and is left out. Robust rank aggregation knows no weights:
        in place of draws, each evidence of weight above zero is left out once.
    draws : int
        Number of perturbed weights; `rra` does not read it.
    seed : int
        The result depends on it and not on the order of the mappings.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        Share of the perturbed rankings with the gene in the top, in [0, 1]; the top is that of
        `models.ranking.top_membership`. With a single evidence no weight matters, so it is 1 for the genes in the top
        and 0 for the others.

    Raises
    ------
    UserError
        If every evidence that is present weighs 0.

    Notes
    -----
    Time is that of `draws` weighted sums and partitions; memory that of the transformed ranks.
    """
    shares = shares_above_zero(ranks, weights)
    without = np.all([np.isnan(ranks[name]) for name in shares], axis=0)
    if additive(fusion):
        parts = np.stack([filled_part(ranks[name], fusion, specific=name in TARGET_EVIDENCES) for name in shares])
        parts[:, without] = np.nan
        scores = _perturbed(parts, np.array(list(shares.values())), draws=draws if len(shares) > 1 else 1, seed=seed)
    else:
        scores = _each_left_out(np.stack([ranks[name] for name in shares]))
    return _share_in_top(scores, len(without))


def _perturbed(parts: Float64Array, shares: Float64Array, *, draws: int, seed: int) -> Iterator[Float64Array]:
    """Yield the weighted sum of `parts`, shape=(n_evidences, n_genes), with perturbed weights."""
    rng = np.random.default_rng(seed)
    reach = math.log(WEIGHT_FACTOR)
    for _ in range(draws):
        factors = np.exp(rng.uniform(-reach, reach, size=len(shares)))
        yield (shares * factors) @ parts


def _each_left_out(ranks: Float64Array) -> Iterator[Float64Array]:
    """Yield the aggregated score without each row of `ranks` in turn; with the row where it is the only one."""
    if len(ranks) == 1:
        yield aggregated_score(ranks)
        return
    for number in range(len(ranks)):
        yield aggregated_score(np.delete(ranks, number, axis=0))


def _share_in_top(scores: Iterable[Float64Array], n_genes: int) -> Float64Array:
    """Return the share of the scores with each gene in the top, one score at a time."""
    size = max(TOP_LEAST, round(TOP_SHARE * n_genes))
    times = np.zeros(n_genes, dtype=np.int64)
    count = 0
    for score in scores:
        times += _in_top(score, size)
        count += 1
    return times / count


def _in_top(score: Float64Array, size: int) -> BoolArray:
    """Say which genes are the `size` best; where scores tie at the edge, the genes that come first are taken."""
    comparable = np.where(np.isnan(score), -np.inf, score)
    edge = np.partition(comparable, len(score) - size)[len(score) - size] if size < len(score) else -np.inf
    top: BoolArray = comparable > edge
    if edge > -np.inf:
        tied = np.flatnonzero(comparable == edge)
        top[tied[: size - np.count_nonzero(top)]] = True
    return top
