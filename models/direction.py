"""For each gene the metabolite that it rises with most, or falls with most, block by block."""

from collections.abc import Iterator

import numpy as np

from configs.ranking import Direction
from models.all_pairs import AllPairs, Unit
from models.arithmetic import Arithmetic
from models.arrays import FloatArray, IntArray
from models.levels import RHO_DECIMALS
from models.measures import LARGEST, SIGNS
from models.top_pairs import Leaders, joined_leaders

UNDEFINED = -2.0
"""Below every correlation."""


def strongest_in_direction(work: AllPairs, direction: Direction) -> Leaders:
    """Find each gene's partner of the largest signed strength, the first metabolite where several tie.

    Parameters
    ----------
    work : AllPairs
        Genes and metabolites.
    direction : str
        'positive' or 'negative'.

    Returns
    -------
    Leaders
        One pair for each gene that can be tested, in no particular order; the genes are the owners, and the strength
        is `models.measures.Measure.directed`.
    """

    def find(units: Iterator[Unit], arithmetic: Arithmetic) -> Leaders:
        return joined_leaders([_best_of_unit(work, unit, arithmetic, direction) for unit in units])

    return joined_leaders(work.workers.share(find, work.units))


def _best_of_unit(work: AllPairs, unit: Unit, arithmetic: Arithmetic, direction: Direction) -> Leaders:
    offers = []
    for part, rows, rho in work.blocks(unit, arithmetic):
        metabolites = part.index[rows]
        row, gene = _best_of_block(rho, metabolites, SIGNS[direction])
        best = np.round(rho[row, gene], RHO_DECIMALS)
        n_samples = np.full(len(gene), part.n_samples, dtype=np.int64)
        strength = work.measure.directed(best, n_samples, direction)
        offers.append(Leaders(unit[0].index[gene], metabolites[row], n_samples, best, strength))
    return joined_leaders(offers).first(1)


def _best_of_block(rho: FloatArray, metabolites: IntArray, sign: int) -> tuple[IntArray, IntArray]:
    """Return row and column of the largest ``sign * rho`` of each column that has one, ties by `metabolites`.

    Correlations count as `models.measures.Measure.strength` takes them: rounded, and clipped short of 1.
    """
    directed = np.clip(np.round(sign * rho, RHO_DECIMALS), -LARGEST, LARGEST)
    np.nan_to_num(directed, copy=False, nan=UNDEFINED)
    largest = directed.max(axis=0)
    row = np.where(directed == largest, metabolites[:, None], np.iinfo(np.int64).max).argmin(axis=0)
    gene = np.flatnonzero(largest > UNDEFINED)
    return row[gene], gene
