"""Which genes and metabolites correlate: the pairs that pass a false discovery rate, and each gene's best partner.

Nothing here holds the whole matrix of genes x metabolites; see `models.measures` for how blocks of it are made.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.ranking import Direction
from configs.study import CorrelationMethod
from models.all_pairs import AllPairs, Unit, all_pairs
from models.arithmetic import ONE_WORKER, Arithmetic, Workers
from models.arrays import FloatArray, IntArray
from models.census import passing_by_interval, strongest_by_interval
from models.direction import strongest_in_direction
from models.levels import FalseDiscoveries
from models.measures import measure_of
from models.rank_pairs import LEVEL_SAMPLES, strongest_by_rank
from models.strongest import Pairs, tested
from models.top_pairs import strongest_partners


@dataclass(frozen=True, slots=True, eq=False)
class PairTable:
    """Gene-metabolite pairs that pass a false discovery rate.

    Attributes
    ----------
    frame : DataFrame
        Columns gene and metabolite (rows of the two tables), n_samples, rho (the correlation, whatever the method), p
        (two-sided) and q (Benjamini-Hochberg over all pairs tested); sorted by p, gene, metabolite.
    n_pairs : int
        Pairs tested.
    n_passing : int
        Pairs with q at most alpha; more than the rows of `frame` where only the strongest are listed.
    smallest_p : float
        NaN where no pair could be tested.
    """

    frame: pd.DataFrame
    n_pairs: int
    n_passing: int
    smallest_p: float


@dataclass(frozen=True, slots=True, eq=False)
class PairStream:
    """All gene-metabolite pairs that pass a false discovery rate, a block of genes at a time.

    Attributes
    ----------
    frames : iterator of DataFrame
        Columns as in `PairTable`, sorted by gene and metabolite in each frame. Frames follow the order of the genes,
        those with values in the same samples together. Computed while it is read, and read once.
    n_pairs, n_passing, smallest_p
        As in `PairTable`.
    """

    frames: Iterator[pd.DataFrame]
    n_pairs: int
    n_passing: int
    smallest_p: float


def passing_pairs(
    genes: FloatArray,
    metabolites: FloatArray,
    *,
    alpha: float,
    max_listed: int,
    method: CorrelationMethod = "spearman",
    workers: Workers = ONE_WORKER,
) -> PairTable:
    """Test every gene against every metabolite and list the strongest pairs that pass Benjamini-Hochberg.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. Pairs with fewer than 4 common samples, or where one side is constant on them, are
        not tested.
    alpha : float
        False discovery rate, in (0, 1).
    max_listed : int
        Strongest passing pairs that are listed; it bounds the memory.
    method : str
        'spearman', 'pearson' or 'bicor', the biweight midcorrelation.
    workers : Workers
        Threads, device and size of blocks.

    Returns
    -------
    PairTable
        q is exact, as `scipy.stats.false_discovery_control` gives it over all pairs tested.

    Notes
    -----
    q says what it says only for independent samples: replicates make it too small.
    """
    if _countable(method, genes):
        found, strongest = strongest_by_rank(genes, metabolites, alpha=alpha, max_listed=max_listed, workers=workers)
        pairs = strongest.pairs()
        pairs = pairs.taken(np.flatnonzero(pairs.p <= found.largest_passing_p))
        pairs = pairs.taken(pairs.by_p())
        q = found.q_of(pairs.p)
    else:
        work = _work(genes, metabolites, method, workers)
        found, pairs = strongest_by_interval(work, alpha=alpha, max_listed=max_listed)
        passing = np.flatnonzero(found.q <= alpha)[:max_listed]
        pairs, q = pairs.taken(passing), found.q[passing]
    return PairTable(_frame(pairs, q), found.n_pairs, found.n_passing, found.smallest_p)


def every_passing_pair(
    genes: FloatArray,
    metabolites: FloatArray,
    *,
    alpha: float,
    method: CorrelationMethod = "spearman",
    workers: Workers = ONE_WORKER,
) -> PairStream:
    """Test every gene against every metabolite and list all pairs that pass Benjamini-Hochberg, block by block.

    Parameters are those of `passing_pairs`; the q are the same. The pairs are counted first and found again while the
    frames are read, so that only a block of genes is held at a time; Pearson's r and the biweight midcorrelation, and
    Spearman's rho of more than 128 samples, need the p-values of all passing pairs besides.
    """
    work = _work(genes, metabolites, method, workers)
    if _countable(method, genes):
        found, _ = strongest_by_rank(genes, metabolites, alpha=alpha, max_listed=1, workers=workers)
    else:
        found = passing_by_interval(work, alpha=alpha)
    return PairStream(_frames(work, found), found.n_pairs, found.n_passing, found.smallest_p)


def _work(genes: FloatArray, metabolites: FloatArray, method: CorrelationMethod, workers: Workers) -> AllPairs:
    measure = measure_of(method)
    return all_pairs(measure, measure.groups(genes), metabolites, workers)


def _countable(method: CorrelationMethod, genes: FloatArray) -> bool:
    return method == "spearman" and genes.shape[1] <= LEVEL_SAMPLES


def _frames(work: AllPairs, found: FalseDiscoveries) -> Iterator[pd.DataFrame]:
    if not found.n_passing:
        return

    def list_unit(unit: Unit, arithmetic: Arithmetic) -> Pairs:
        pairs = tested(work.reaching(unit, arithmetic, found.largest_passing_p), work.measure)
        passing = np.flatnonzero(pairs.p <= found.largest_passing_p)
        return pairs.taken(passing[np.lexsort((pairs.metabolite[passing], pairs.gene[passing]))])

    for pairs in work.workers.in_order(list_unit, work.units):
        if len(pairs.p):
            yield _frame(pairs, found.q_of(pairs.p))


def _frame(pairs: Pairs, q: FloatArray) -> pd.DataFrame:
    return pd.DataFrame({**pairs._asdict(), "q": q})


@dataclass(frozen=True, slots=True, eq=False)
class BestPartner:
    """For each gene the metabolite with the largest strength.

    Attributes
    ----------
    rho, strength : ndarray, shape=(n_genes,), dtype=float64
        Correlation with it and its `models.measures.Measure.directed` strength, below 0 where even the best goes
        against the direction; NaN where no metabolite can be tested.
    n_samples, index : ndarray, shape=(n_genes,), dtype=int64
        Common samples (0 where none) and row of the metabolite (-1 where none).
    """

    rho: FloatArray
    n_samples: IntArray
    index: IntArray
    strength: FloatArray


def best_partner(
    genes: FloatArray,
    metabolites: FloatArray,
    *,
    method: CorrelationMethod = "spearman",
    direction: Direction = "both",
    workers: Workers = ONE_WORKER,
) -> BestPartner:
    """Find for each gene the metabolite that it correlates with most strongly, the first one where several tie.

    Parameters
    ----------
    genes : ndarray, shape=(n_genes, n_samples)
    metabolites : ndarray, shape=(n_metabolites, n_samples)
        Values; NaN where missing. The metabolites of one target.
    method : str
        'spearman', 'pearson' or 'bicor'.
    direction : str
        'both' looks for the largest absolute correlation, 'positive' for the largest one, 'negative' for the smallest.
    workers : Workers
        Threads, device and size of blocks.
    """
    work = _work(genes, metabolites, method, workers)
    if direction == "both":
        found, _ = strongest_partners(work, 1, 0, n_metabolites=len(metabolites))
    else:
        found = strongest_in_direction(work, direction)
    size = len(genes)
    best = BestPartner(np.full(size, np.nan), np.zeros(size, np.int64), np.full(size, -1), np.full(size, np.nan))
    best.rho[found.owner], best.strength[found.owner] = found.rho, found.strength
    best.n_samples[found.owner], best.index[found.owner] = found.n_samples, found.partner
    return best
