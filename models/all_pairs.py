"""All pairs of genes and metabolites, block by block, for any measure of correlation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arithmetic import Arithmetic, Workers
from models.arrays import FloatArray
from models.levels import RHO_DECIMALS
from models.measures import GeneGroup, Measure, Part, gene_blocks
from models.strongest import Found

ROUNDING = 1e-9
"""Above what rounding moves a correlation, and the critical one."""
Unit = tuple[GeneGroup, list[Part]]


@dataclass(frozen=True, slots=True, eq=False)
class AllPairs:
    """Everything that a pass over all pairs needs.

    Attributes
    ----------
    measure : Measure
    units : list of (GeneGroup, list of Part)
        Blocks of genes with the metabolites that each can be tested against: genes with values in the same samples
        together, in the order of the table.
    workers : Workers
    """

    measure: Measure
    units: list[Unit]
    workers: Workers

    def blocks(self, unit: Unit, arithmetic: Arithmetic) -> Iterator[tuple[Part, slice, FloatArray]]:
        """Yield the correlations of a unit, shape=(n_metabolites, n_genes); each is good until the next one."""
        group, parts = unit
        genes = self.measure.block(group)
        for part in parts:
            for rows in part.slices(self.workers.block):
                yield part, rows, genes.correlations(part, rows, arithmetic)

    def reaching(self, unit: Unit, arithmetic: Arithmetic, p: float) -> Iterator[Found]:
        """Yield the pairs of a unit whose p-value may be at most `p`."""
        for part, rows, rho in self.blocks(unit, arithmetic):
            least = float(self.measure.critical(p, part.n_samples)) - ROUNDING
            size = np.abs(rho, out=arithmetic.memory("absolute", rho.shape, rho.dtype))
            places = np.flatnonzero(np.greater_equal(size, least))
            metabolite, gene = np.divmod(places, rho.shape[1])
            exact = np.round(rho.ravel()[places], RHO_DECIMALS)
            yield Found(unit[0].index[gene], part.index[rows][metabolite], part.n_samples, exact)


def all_pairs(measure: Measure, groups: list[GeneGroup], metabolites: FloatArray, workers: Workers) -> AllPairs:
    """Divide the metabolites by what they share with each group of genes, and the groups into blocks.

    Parameters
    ----------
    measure : Measure
    groups : list of GeneGroup
        As `measure` makes them.
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing.
    workers : Workers
    """
    prepared = [(group, measure.parts(group, metabolites)) for group in groups]
    units = [(some, parts) for group, parts in prepared for some in gene_blocks(group, workers.block)]
    return AllPairs(measure, units, workers)
