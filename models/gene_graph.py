"""The graph of genes that are among each other's closest partners, and walks over it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import Float32Array, FloatArray, IntArray
from models.blocks import blocks
from models.coexpression import varying

ROWS = 64
"""Genes that are compared with all others in one go; their likenesses stay in a processor's cache."""
BINS = 10
"""Bins of partners for each one wanted: the k-th largest of the bins' maxima bounds the k-th largest partner."""
LEFT = 1e-4
"""Share of a walk that is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class GeneGraph:
    """Pairs of genes that are among each other's closest partners.

    Attributes
    ----------
    n_genes : int
    first, second : ndarray, shape=(n_edges,), dtype=int64
        Rows of the two genes, first < second.
    mutual_rank : ndarray, shape=(n_edges,), dtype=float32
        Geometric mean of the two ranks, from 1 to the number of partners looked at.
    reach : ndarray, shape=(n_genes,), dtype=float32
        Likeness of the last partner that is looked at; larger than any for a gene without partners.
    """

    n_genes: int
    first: IntArray
    second: IntArray
    mutual_rank: Float32Array
    reach: Float32Array

    def transition(self) -> sp.csr_array[Any, Any]:
        """Return the chances of one step, column to row: each neighbour alike."""
        # Four bytes an index: a walk is as fast as the matrix can be read.
        first, second = self.first.astype(np.int32), self.second.astype(np.int32)
        rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
        degree = np.maximum(np.bincount(columns, minlength=self.n_genes), 1)
        chances = (1 / degree[columns]).astype(np.float32)
        return sp.csr_array((chances, (rows, columns)), shape=(self.n_genes, self.n_genes))


def gene_graph(unit: Float32Array, *, neighbours: int, workers: Workers = ONE_WORKER) -> GeneGraph:
    """Join each two genes that are among each other's `neighbours` closest partners.

    Parameters
    ----------
    unit : ndarray, shape=(n_genes, n_samples), dtype=float32
        Unit rows, as `models.coexpression` makes them; a row of zeros is no partner of any gene.
    neighbours : int
        Partners of each gene that are looked at.
    workers : Workers
        Threads; 64 rows of the matrix of genes x genes are held by each.

    Returns
    -------
    GeneGraph
        Where partners are equally close, the one that comes first in the table is closer.
    """
    genes = np.flatnonzero(varying(unit))
    count = min(neighbours, len(genes) - 1)
    reach = np.full(len(unit), np.inf, dtype=np.float32)
    if count < 1:
        return GeneGraph(len(unit), *(np.empty(0, dtype=np.int64),) * 2, np.empty(0, dtype=np.float32), reach)
    partner, reach[genes] = _closest(unit[genes], count, workers)
    place = np.tile(np.arange(1, count + 1, dtype=np.float32), len(genes))
    owner = np.repeat(np.arange(len(genes)), count)
    listed = sp.csr_array((place, (owner, partner.ravel())), shape=(len(genes),) * 2)
    both = sp.coo_array(sp.triu(listed.multiply(listed.T.tocsr()), 1))
    order = np.lexsort((both.col, both.row))
    first, second = (genes[places[order].astype(np.int64)] for places in (both.row, both.col))
    return GeneGraph(len(unit), first, second, np.sqrt(both.data[order]).astype(np.float32), reach)


def propagation(graph: GeneGraph, seeds: IntArray, *, restart: float) -> Float32Array:
    """Walk from each seed over the graph and go back to it at each step with a certain chance.

    Personalised PageRank, ``x = restart e + (1 - restart) W x`` with W the transition to neighbours (Page et al. 1999);
    it is linear in where it starts, so that the walk from a set of seeds is the mean of theirs.

    Parameters
    ----------
    graph : GeneGraph
    seeds : ndarray, shape=(n_seeds,), dtype=int64
        Rows of genes.
    restart : float
        In (0, 1).

    Returns
    -------
    ndarray, shape=(n_genes, n_seeds), dtype=float32
        Chance of being at each gene, but for 0.01% of the walk; columns sum to at most 1.
    """
    start = np.zeros((graph.n_genes, len(seeds)), dtype=np.float32)
    start[seeds, np.arange(len(seeds))] = 1.0
    return walked(graph.transition(), start, restart=restart)


def walked(transition: "sp.csr_array[Any, Any]", start: Float32Array, *, restart: float) -> Float32Array:
    """Return ``sum over steps i of restart (1 - restart)^i transition^i start``, but for 0.01% of it."""
    total = np.float32(restart) * start
    at = total
    for _ in range(math.ceil(math.log(LEFT) / math.log(1 - restart))):
        at = np.float32(1 - restart) * (transition @ at)
        total += at
    return total


def _closest(unit: Float32Array, count: int, workers: Workers) -> tuple[IntArray, Float32Array]:
    """Return each gene's closest partners in order, shape=(n_genes, count), and the likeness of the last one."""
    partner = np.empty((len(unit), count), dtype=np.int64)
    reach = np.empty(len(unit), dtype=np.float32)

    def find(units: Iterator[slice], arithmetic: Arithmetic) -> None:
        for rows in units:
            arithmetic.multiply(unit[rows], unit)
            likeness = arithmetic.product()
            own = np.arange(len(likeness))
            likeness[own, rows.start + own] = -2.0
            partner[rows], reach[rows] = _largest(likeness, count)

    workers.share(find, blocks(len(unit), ROWS))
    return partner, reach


def _largest(values: FloatArray, count: int) -> tuple[IntArray, FloatArray]:
    """Return the places of the `count` largest values of each row, largest first, and the last of these values."""
    each = [np.flatnonzero(own >= bound) for own, bound in zip(values, _bound(values, count), strict=True)]
    row, column = np.repeat(np.arange(len(each)), [len(places) for places in each]), np.concatenate(each)
    found = values[row, column]
    order = np.lexsort((column, -found, row))
    taken = order[np.searchsorted(row, np.arange(len(values)))[:, None] + np.arange(count)]
    return column[taken], found[taken[:, -1]]


def _bound(values: FloatArray, count: int) -> FloatArray:
    """Return for each row a value that at least `count` of its values reach."""
    n = values.shape[1]
    bins = min(BINS * count, n)
    length = n // bins
    largest = values[:, : length * bins].reshape(len(values), length, bins).max(axis=1)
    kth: FloatArray = np.partition(largest, bins - count, axis=1)[:, bins - count]
    return kth
