"""Co-expression with genes that are already known to belong to a pathway.

Every measure is a closeness of each gene to each bait, and a gene's value is the mean over the baits other than itself.
So leaving a bait out costs nothing, and a bait is judged by the other baits alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from configs.errors import UserError
from configs.ranking import BaitConfig
from configs.ranking_tables import BAIT_PARTS
from models.arithmetic import ONE_WORKER, Workers
from models.arrays import Float32Array, Float64Array, FloatArray, IntArray
from models.coexpression import Whitening, ranked_unit_rows, unit_rows, varying
from models.fusion import rank01
from models.gene_graph import GeneGraph, gene_graph, propagation
from models.mutual_rank import closeness, mutual_ranks

WHITENED, PROPAGATION = "whitened", "propagation"
COMBINED = (WHITENED, PROPAGATION)
"""What the evidence is made of; the other parts are shown beside it, since they added nothing to these two."""
RIDGES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Ridges of the discriminant that are tried, in mean eigenvalues."""
EXACT_DECAYS = 8.0
"""Mutual ranks up to so many of the longest decays are exact; beyond, closeness is below 0.04%."""


@dataclass(frozen=True, slots=True, eq=False)
class BaitCloseness:
    """How close each gene is to each bait of a target.

    Attributes
    ----------
    baits : ndarray, shape=(n_baits,), dtype=int64
        Rows of the baits, ascending.
    parts : mapping of str to ndarray, shape=(n_genes, n_baits), dtype=float32
        Closeness by measure, larger is closer; NaN for a bait with itself and for constant genes.
    mutual_rank : ndarray, shape=(n_genes, n_baits), dtype=float32
        After whitening, NaN as above.
    """

    baits: IntArray
    parts: Mapping[str, Float32Array]
    mutual_rank: Float32Array

    def values(self, without: int | None = None) -> dict[str, Float64Array]:
        """Return each part's mean over baits, shape=(n_genes,), NaN where there is none.

        Parameters
        ----------
        without : int, optional
            Position of a bait that is left out of the set, for it and for every other gene.
        """
        kept = np.arange(len(self.baits)) != (-1 if without is None else without)
        return {name: _mean(part[:, kept]) for name, part in self.parts.items()}

    def evidence(self, without: int | None = None) -> Float64Array:
        """Return the combined evidence, shape=(n_genes,): see `combined`."""
        return combined(self.values(without))

    def with_whitened(
        self, expression: FloatArray, config: BaitConfig, workers: Workers = ONE_WORKER
    ) -> "BaitCloseness":
        """Return the same with mutual ranks of other samples; the walk stays on the graph of all samples."""
        unit = unit_rows(expression)
        whitened = Whitening.of(unit, config.ridge).apply(unit)
        usable = varying(whitened)[self.baits]
        ranks = np.full(self.mutual_rank.shape, np.nan, dtype=np.float32)
        exact_to = _exact_to(config)
        ranks[:, usable] = mutual_ranks(whitened, self.baits[usable], exact_to=exact_to, workers=workers)
        parts = {**self.parts, WHITENED: closeness(ranks, config.decays)}
        return replace(self, parts=parts, mutual_rank=ranks)


def combined(values: Mapping[str, Float64Array]) -> Float64Array:
    """Combine the whitened mutual rank and the walk over the gene graph.

    Parameters
    ----------
    values : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        Of the parts in `COMBINED`.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        Mean of ``-ln(1 - r)`` over both, with r the rank in [0, 1) among all genes; NaN where a gene has neither.
    """
    return tail_mean({name: rank01(values[name]) for name in COMBINED})


def tail_mean(ranks: Mapping[str, FloatArray]) -> Float64Array:
    """Return the mean of ``-ln(1 - r)`` over parts given as ranks of one shape; NaN only where all are."""
    tails = -np.log1p(-np.stack([ranks[name] for name in COMBINED]))
    return _mean(np.moveaxis(tails, 0, -1))


def bait_closeness(
    expression: FloatArray,
    bait_index: IntArray,
    *,
    config: BaitConfig,
    graph: GeneGraph | None = None,
    workers: Workers = ONE_WORKER,
) -> BaitCloseness:
    """Measure how close every gene is to each bait.

    Parameters
    ----------
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared log2 expression; a missing value counts as the gene's mean.
    bait_index : ndarray, shape=(n_baits,), dtype=int64
        Rows of the baits; repeated ones count once, and constant ones are left out.
    config : BaitConfig
    graph : GeneGraph, optional
        As `whitened_graph` makes it of the same expression and settings; made here when not given.
    workers : Workers
        Threads; the matrix of genes x genes is never held.

    Returns
    -------
    BaitCloseness
        `whitened`, `pearson` and `spearman` are the mean over decays of ``exp(-(MR - 1) / decay)`` with MR the mutual
        rank by cosine after ridge whitening, by Pearson's and by Spearman's correlation. `propagation` is the chance
        that a walk from the bait over the gene graph is at the gene (personalised PageRank). `discriminant` is the
        gene's value on the ridge discriminant between bait and all genes, with the ridge by which left-out baits
        stand out most.

    Raises
    ------
    UserError
        If every bait is constant, or there is none.
    """
    unit = unit_rows(expression)
    baits = _usable(unit, np.unique(np.asarray(bait_index, dtype=np.int64)))
    whitened = Whitening.of(unit, config.ridge).apply(unit)
    if graph is None:
        graph = gene_graph_of(whitened, config, workers)
    spaces = {WHITENED: whitened, "pearson": unit, "spearman": ranked_unit_rows(expression)}
    exact_to = _exact_to(config)
    ranks = {name: mutual_ranks(space, baits, exact_to=exact_to, workers=workers) for name, space in spaces.items()}
    parts = {name: closeness(ranked, config.decays) for name, ranked in ranks.items()}
    parts[PROPAGATION] = _without_own(propagation(graph, baits, restart=config.restart), baits, unit)
    ridge = discriminant_ridge(unit, baits)
    parts["discriminant"] = _without_own(Whitening.of(unit, ridge).discriminant(unit, unit[baits]), baits, unit)
    return BaitCloseness(baits, {name: parts[name] for name in BAIT_PARTS}, ranks[WHITENED])


def whitened_graph(expression: FloatArray, config: BaitConfig, workers: Workers = ONE_WORKER) -> GeneGraph:
    """Return the gene graph of the whitened sample space, shape of expression=(n_genes, n_samples)."""
    unit = unit_rows(expression)
    return gene_graph_of(Whitening.of(unit, config.ridge).apply(unit), config, workers)


def gene_graph_of(whitened: Float32Array, config: BaitConfig, workers: Workers) -> GeneGraph:
    """Return the graph of genes given as whitened unit rows."""
    return gene_graph(whitened, neighbours=config.neighbours, workers=workers)


def discriminant_ridge(unit: Float32Array, baits: IntArray) -> float:
    """Choose the ridge by which a left-out bait stands out most from all genes, in closed form.

    With w the discriminant of the other baits, a left-out bait b lies ``w'(b - m) / sqrt(w' S w)`` standard deviations
    above the mean gene; the ridge with the largest mean over baits is taken.

    Parameters
    ----------
    unit : ndarray, shape=(n_genes, n_samples), dtype=float32
        As `unit_rows` gives them.
    baits : ndarray, shape=(n_baits,), dtype=int64

    Returns
    -------
    float
        One of `RIDGES`; 0.1 for a single bait, which leaves nothing to choose by.
    """
    if len(baits) < 2:
        return 0.1
    scores = [_standing_out(Whitening.of(unit, ridge), unit, baits) for ridge in RIDGES]
    return RIDGES[int(np.argmax(scores))]


def _standing_out(space: Whitening, unit: Float32Array, baits: IntArray) -> float:
    scale = np.sqrt(unit.shape[1])
    centred = unit[varying(unit)].astype(np.float64) * scale - space.mean
    covariance = centred.T @ centred / len(centred)
    own = unit[baits].astype(np.float64) * scale - space.mean
    others = (own.sum(axis=0) - own) / (len(own) - 1)
    direction = others @ space.inverse
    spread = np.sqrt(np.einsum("bi,ij,bj->b", direction, covariance, direction))
    above = np.einsum("bi,bi->b", direction, own)
    return float(np.divide(above, spread, out=np.zeros(len(own)), where=spread > 0).mean())


def _usable(unit: Float32Array, baits: IntArray) -> IntArray:
    usable = baits[varying(unit)[baits]]
    if not len(usable):
        raise UserError(
            wanted="at least one bait whose expression differs between samples",
            found=f"{len(baits)} baits, all with the same expression in every sample" if len(baits) else "no bait",
            where="baits",
            remedy="Name baits that are expressed, or leave the baits of this target out.",
        )
    return usable


def _without_own(values: FloatArray, baits: IntArray, unit: Float32Array) -> Float32Array:
    """Return closeness with NaN where a bait meets itself and where a gene is constant."""
    known = values.astype(np.float32)
    known[baits, np.arange(len(baits))] = np.nan
    known[~varying(unit)] = np.nan
    return known


def _mean(values: FloatArray) -> Float64Array:
    """Return the mean of the last axis over what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0).sum(axis=-1, dtype=np.float64)
    mean: Float64Array = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return mean


def _exact_to(config: BaitConfig) -> float:
    return EXACT_DECAYS * max(config.decays)
