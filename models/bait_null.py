"""What bait evidence a gene would have if replicate groups had nothing to do with the baits.

Whole groups of the baits' samples change places, and the closeness of genes to the moved baits is computed anew: their
mutual rank after whitening, and the walk over the gene graph, to which a moved bait is joined as if it were a gene.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from configs.ranking import BaitConfig
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import Float32Array, Float64Array, FloatArray, IntArray
from models.baits import COMBINED, PROPAGATION, WHITENED, BaitCloseness, tail_mean
from models.blocks import blocks
from models.coexpression import Whitening, unit_rows, varying
from models.gene_graph import GeneGraph, walked
from models.mutual_rank import ROUNDING, closeness, larger_than
from models.target_null import study_rank

MOVED = 4096
"""Moved baits that are looked at in one go."""
SORTED = 64
"""Moved baits whose likeness to all genes is sorted in one go."""
FINE = 1024
"""Closest partners of a gene whose places are known one by one; of the others each sixteenth is."""
COARSE = 16
WALKS = 16
"""Walks that are followed in one go: enough to fill a processor's registers, few enough for its cache."""


@dataclass(frozen=True, slots=True, eq=False)
class _Genes:
    """The genes that vary in the whitened space, those that the null is drawn for, and these ones' partners.

    Attributes
    ----------
    varied : ndarray, shape=(n_varied,), dtype=int64
        Rows of the genes that vary.
    whitened : ndarray, shape=(n_varied, n_samples), dtype=float32
    reach : ndarray, shape=(n_varied,), dtype=float32
        As `GeneGraph` has it.
    place : ndarray, shape=(n_null,), dtype=int64
        Places of the genes of the null among them.
    likeness : ndarray, shape=(n_null, n_kept), dtype=float32
        Some of the likenesses of each gene of the null to the others, ascending.
    closer : ndarray, shape=(n_kept + 1,), dtype=int64
        Partners that are at least as close as each of these; 0 at the end.
    """

    varied: IntArray
    whitened: Float32Array
    reach: Float32Array
    place: IntArray
    likeness: Float32Array
    closer: IntArray

    @classmethod
    def of(cls, space: Float32Array, graph: GeneGraph, rows: IntArray, workers: Workers) -> "_Genes":
        """Sort the partners of each gene of the null."""
        varied = np.flatnonzero(varying(space))
        whitened, place = space[varied], np.searchsorted(varied, rows)
        n_partners = len(varied) - 1
        fine = max(n_partners - FINE, 0)
        kept = np.concatenate([np.arange(0, fine, COARSE), np.arange(fine, n_partners)])
        likeness = np.empty((len(rows), len(kept)), dtype=np.float32)

        def sort(units: Iterator[slice], arithmetic: Arithmetic) -> None:
            for part in units:
                arithmetic.multiply(whitened[place[part]], whitened)
                product = arithmetic.product()
                product[np.arange(len(product)), place[part]] = 2.0
                product.sort(axis=1)
                likeness[part] = product[:, kept]

        workers.share(sort, blocks(len(rows), SORTED))
        closer = np.append(n_partners - kept, 0)
        return cls(varied, whitened, graph.reach[varied], place, likeness, closer)


def bait_null(
    expression: FloatArray,
    observed: BaitCloseness,
    rows: IntArray,
    draws: IntArray,
    *,
    graph: GeneGraph,
    config: BaitConfig,
    workers: Workers = ONE_WORKER,
) -> Float32Array:
    """Compute the combined bait evidence of some genes for each permutation of the baits' samples.

    Parameters
    ----------
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared log2 expression, as `observed` was made from it.
    observed : BaitCloseness
        Its parts say which rank among all genes a closeness has.
    rows : ndarray, shape=(n_null,), dtype=int64
        Genes to compute it for: varying ones, no baits.
    draws : ndarray, shape=(n_draws, n_samples), dtype=int64
        As `models.significance.group_permutations` draws them.
    graph : GeneGraph
        That `observed` was made with.
    config : BaitConfig
    workers : Workers
        Threads.

    Returns
    -------
    ndarray, shape=(n_draws, n_null), dtype=float32
        In the units of `models.baits.combined`.

    Notes
    -----
    The place of a moved bait among a gene's partners is exact for the 1,024 closest and known to 16 places beyond. A
    moved bait is left by the walk and not come back to, while a true one is; it is the closer of the two by less than
    what the walk would spend there.
    """
    unit = unit_rows(expression)
    space = Whitening.of(unit, config.ridge)
    genes = _Genes.of(space.apply(unit), graph, rows, workers)
    baits, n_baits = unit[observed.baits], len(observed.baits)
    whitened = np.empty((len(draws), len(rows)))
    joined = []
    for part in blocks(len(draws), max(1, MOVED // n_baits)):
        moved = space.apply(baits[:, draws[part]].transpose(1, 0, 2).reshape(-1, unit.shape[1]))
        whitened[part], neighbours = _joined(genes, moved, n_baits, config, workers)
        joined.append(_mean_of_draws(_rows_of_chances(neighbours, len(unit)), n_baits))
    walks = _walks(graph, sp.vstack(joined, format="csr"), rows, restart=config.restart, workers=workers)
    values, found = observed.values(), {WHITENED: whitened, PROPAGATION: walks}
    return tail_mean({name: study_rank(values[name], found[name]) for name in COMBINED}).astype(np.float32)


def _joined(
    genes: _Genes, moved: Float32Array, n_baits: int, config: BaitConfig, workers: Workers
) -> tuple[Float64Array, list[IntArray]]:
    """Return the null's genes' mean closeness to each `n_baits` moved baits, and the neighbours of each moved bait."""
    likeness = np.empty((len(moved), len(genes.place)), dtype=np.float32)
    rank_of_gene = np.empty(likeness.shape, dtype=np.float32)
    found: list[IntArray] = [np.empty(0, dtype=np.int64)] * len(moved)
    mean = np.empty((len(moved) // n_baits, len(genes.place)))

    def rank_genes(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        for part in units:
            arithmetic.multiply(moved[part], genes.whitened)
            for number, row in enumerate(arithmetic.product(), start=part.start):
                ascending = np.sort(row)
                likeness[number] = row[genes.place]
                rank_of_gene[number] = 1 + larger_than(ascending, likeness[number])
                close = np.flatnonzero(row >= ascending[-min(config.neighbours, len(ascending))])
                found[number] = genes.varied[close[row[close] >= genes.reach[close]]]

    def rank_baits(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        del arithmetic
        for part in units:
            rank_of_bait = _ranks_of_baits(genes, likeness[:, part], part)
            near = closeness(np.sqrt(rank_of_gene[:, part] * rank_of_bait), config.decays)
            mean[:, part] = near.reshape(len(mean), n_baits, -1).mean(axis=1, dtype=np.float64)

    workers.share(rank_genes, blocks(len(moved), SORTED))
    workers.share(rank_baits, blocks(len(genes.place), SORTED))
    return mean, found


def _ranks_of_baits(genes: _Genes, likeness: Float32Array, part: slice) -> Float32Array:
    """Rank moved baits, shape=(n_moved, n_part), among the partners of some genes of the null."""
    values = np.ascontiguousarray(likeness.T) + ROUNDING
    ranks = np.empty(values.shape, dtype=np.float32)
    for rank, partners, own in zip(ranks, genes.likeness[part], values, strict=True):
        rank[:] = 1 + genes.closer[np.searchsorted(partners, own, side="right")]
    return ranks.T


def _rows_of_chances(places: list[IntArray], n_genes: int) -> "sp.csr_array[Any, Any]":
    """Return one row a list, with equal chances, summing to 1, at the listed genes."""
    sizes = np.array([len(listed) for listed in places])
    chances = np.repeat(1 / np.maximum(sizes, 1), sizes).astype(np.float32)
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return sp.csr_array((chances, np.concatenate(places), ends), shape=(len(places), n_genes))


def _mean_of_draws(rows: "sp.csr_array[Any, Any]", n_baits: int) -> "sp.csr_array[Any, Any]":
    """Return the mean of each `n_baits` rows."""
    n_draws = rows.shape[0] // n_baits
    mean = sp.kron(sp.eye_array(n_draws), np.full((1, n_baits), 1 / n_baits), format="csr")
    return sp.csr_array(mean.astype(np.float32) @ rows)


def _walks(
    graph: GeneGraph, chances: "sp.csr_array[Any, Any]", rows: IntArray, *, restart: float, workers: Workers
) -> Float64Array:
    """Return the chance of a walk from each draw's baits to be at each gene of the null, shape=(n_draws, n_null).

    The walks are followed from the draws or back from the genes, whichever are fewer.
    """
    found = np.empty((chances.shape[0], len(rows)))
    forwards = chances.shape[0] <= len(rows)
    transition = graph.transition() if forwards else graph.transition().T.tocsr()

    def follow(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        del arithmetic
        for part in units:
            if forwards:
                start = np.ascontiguousarray(chances[part].toarray().T)
                found[part] = walked(transition, start, restart=restart)[rows].T
                continue
            start = np.zeros((graph.n_genes, len(rows[part])), dtype=np.float32)
            start[rows[part], np.arange(start.shape[1])] = 1.0
            found[:, part] = chances @ walked(transition, start, restart=restart)

    workers.share(follow, blocks(min(found.shape), WALKS))
    return (1 - restart) * found
