"""Mutual ranks of all genes with a few baits, without the matrix of genes x genes."""

from collections.abc import Iterator

import numpy as np

from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import BoolArray, Float32Array, Float64Array, FloatArray, IntArray
from models.blocks import blocks
from models.coexpression import varying

ROUNDING = np.float32(1e-6)
"""Likenesses, computed in float32, that differ by less count as equal."""
SAMPLED = 4096
"""Genes from which large ranks are estimated; a study with fewer has none but exact ranks."""
SPREAD = 3.0
"""Standard deviations below an estimate that a rank is still thought possible."""
ROWS = 64
"""Genes that are compared with all others in one go."""


def mutual_ranks(
    unit: Float32Array, baits: IntArray, *, exact_to: float, workers: Workers = ONE_WORKER
) -> Float32Array:
    """Compute the mutual rank of every gene with every bait.

    The geometric mean of the gene's rank among the bait's partners and the bait's rank among the gene's partners, the
    most alike first and without the gene itself (Obayashi & Kinoshita 2009, doi 10.1093/dnares/dsp016).

    Parameters
    ----------
    unit : ndarray, shape=(n_genes, n_samples), dtype=float32
        Unit rows, as `models.coexpression` makes them; a row of zeros is no partner of any gene.
    baits : ndarray, shape=(n_baits,), dtype=int64
        Rows of the baits, none of them all zero.
    exact_to : float
        Mutual ranks up to this one are exact. Above it, the bait's rank among the gene's partners is estimated from
        4,096 genes, with a relative error of one over the root of the number of those that are closer.
    workers : Workers
        Threads.

    Returns
    -------
    ndarray, shape=(n_genes, n_baits), dtype=float32
        At least 1; NaN for a bait with itself and for a gene that is all zero.
    """
    varied = varying(unit)
    likeness = unit @ unit[baits].T
    rank_of_gene = _ranks_among_partners(likeness, baits, varied)
    partners = np.flatnonzero(varied)
    sampled = partners if len(partners) <= SAMPLED else partners[:: -(-len(partners) // SAMPLED)]
    closer = _count_sampled(unit, likeness, sampled, workers)
    scale = (len(partners) - 1) / max(len(sampled) - 1, 1)
    if len(sampled) < len(partners):
        least = 1 + scale * np.maximum(closer - SPREAD * np.sqrt(closer + 1), 0)
        wanted = (np.sqrt(rank_of_gene * least) <= exact_to) & varied[:, None]
        closer = _counted_exactly(unit, partners, likeness, closer * scale, wanted=wanted, workers=workers)
    ranks = np.sqrt(rank_of_gene * (1 + closer)).astype(np.float32)
    ranks[~varied] = np.nan
    ranks[baits, np.arange(len(baits))] = np.nan
    return ranks


def closeness(mutual_rank: FloatArray, decays: tuple[float, ...]) -> Float32Array:
    """Return ``mean over decays of exp(-(MR - 1) / decay)``, in (0, 1], 1 for the closest pair; NaN stays NaN."""
    total = np.zeros(mutual_rank.shape, dtype=np.float32)
    for decay in decays:
        total += np.exp((1 - mutual_rank) / np.float32(decay))
    return total / np.float32(len(decays))


def _ranks_among_partners(likeness: FloatArray, baits: IntArray, varied: BoolArray) -> Float64Array:
    """Rank the genes by likeness to each bait, 1 the closest, shape=(n_genes, n_baits)."""
    ranks = np.empty(likeness.shape)
    for column, bait in enumerate(baits):
        partners = likeness[varied, column].copy()
        partners[np.count_nonzero(varied[:bait])] = -2.0
        ascending = np.sort(partners)
        ranks[:, column] = 1 + larger_than(ascending, likeness[:, column])
    return ranks


def larger_than(ascending: FloatArray, values: FloatArray) -> IntArray:
    """Count for each value how many of some sorted ones are larger by more than rounding."""
    return len(ascending) - np.searchsorted(ascending, values + ROUNDING, side="right")


def _count_sampled(unit: Float32Array, likeness: FloatArray, sampled: IntArray, workers: Workers) -> Float64Array:
    """Count the sampled genes that each gene is closer to than to each bait, shape=(n_genes, n_baits)."""
    counts = np.zeros(likeness.shape)
    place = np.full(len(unit), -1)
    place[sampled] = np.arange(len(sampled))
    others = unit[sampled]

    def count(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        for rows in units:
            arithmetic.multiply(unit[rows], others)
            product = arithmetic.product()
            own = np.flatnonzero(place[rows] >= 0)
            product[own, place[rows][own]] = -2.0
            for row, limits in enumerate(likeness[rows] + ROUNDING):
                counts[rows.start + row] = [np.count_nonzero(product[row] > limit) for limit in limits]

    workers.share(count, blocks(len(unit), ROWS))
    return counts


def _counted_exactly(
    unit: Float32Array,
    partners: IntArray,
    likeness: FloatArray,
    estimate: Float64Array,
    *,
    wanted: BoolArray,
    workers: Workers,
) -> Float64Array:
    """Replace the estimated counts that are wanted exactly."""
    counts = estimate.copy()
    genes = np.flatnonzero(wanted.any(axis=1))
    others = unit[partners]

    def count(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        for part in units:
            rows = genes[part]
            arithmetic.multiply(unit[rows], others)
            product = arithmetic.product()
            product[np.arange(len(rows)), np.searchsorted(partners, rows)] = -2.0
            for own, gene in zip(product, rows, strict=True):
                for bait in np.flatnonzero(wanted[gene]):
                    counts[gene, bait] = np.count_nonzero(own > likeness[gene, bait] + ROUNDING)

    workers.share(count, blocks(len(genes), ROWS))
    return counts
