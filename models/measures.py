"""Measures of correlation, each as inner products, so that a block of pairs is one product of two matrices.

The matrix genes x metabolites is never held. Genes are grouped by the samples that they have values in, and for each
group the metabolites by what they share with it; a block is some genes of a group times some metabolites of a part.

Spearman's numerator is the inner product of doubled ranks, an integer. Pairs with missing values need no loop either:
on the samples S that a pair has in common, the gene's doubled rank in sample i is ``sum over j in S of
sign(x_i - x_j)``, so the numerator is ``sum over i < j, both in S, of sign(x_i - x_j) (d_i - d_j)`` with d the
metabolite's doubled ranks: the inner product of the gene's signs over all sample pairs with weights that depend on the
metabolite alone. Pearson's correlation and biweight midcorrelation standardise the genes anew for each set of samples
that metabolites have values in.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import numpy.typing as npt

from configs.ranking import Direction
from configs.study import CorrelationMethod
from models.arithmetic import Arithmetic
from models.arrays import BoolArray, FloatArray, IntArray
from models.pearson import biweighted, critical_r, pearson_p, standardised
from models.spearman import critical_rho, doubled_ranks, spearman_p

MIN_SAMPLES = 4
"""Samples that a pair must have in common to be tested."""
EXACT_SAMPLES = 368
"""Up to this number of samples the sums of rank products, at most ``(n^3 - n) / 3``, are exact in float32."""
LARGEST = 1 - 1e-7
"""Absolute correlations above this count as this, so that their strength is finite."""
SIGNS: dict[Direction, int] = {"positive": 1, "negative": -1}
"""What correlations are multiplied with, so that larger is stronger."""
TIE_MEMORY = 2**22
"""Numbers held at a time when ties are counted on patterns of missing values."""


@dataclass(frozen=True, slots=True, eq=False)
class GeneGroup:
    """Genes that have values in the same samples, none of them constant.

    Attributes
    ----------
    index : ndarray, shape=(n_genes,), dtype=int64
        Rows of the table of all genes, ascending.
    columns : ndarray, shape=(n_samples,), dtype=int64
        Samples with values, at least 4.
    values : ndarray, shape=(n_genes, n_samples)
        Doubled ranks, or the values themselves, in these samples.
    """

    index: IntArray
    columns: IntArray
    values: FloatArray

    def taken(self, rows: IntArray) -> "GeneGroup":
        """Return the group with some of its rows, or all in another order."""
        return GeneGroup(self.index[rows], self.columns, self.values[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Metabolites that have equally many samples in common with a group of genes; none is constant there.

    Attributes
    ----------
    index : ndarray, shape=(n_metabolites,), dtype=int64
        Rows of the table of all metabolites.
    n_samples : int
        Samples behind each pair, at least 4.
    factors : ndarray, shape=(n_metabolites, n_factors)
        What is multiplied with the factors of the genes.
    squares : ndarray, shape=(n_metabolites,), dtype=float64
        Squared length of the metabolite's doubled ranks, ascending; 1 where the factors have unit length.
    pattern : ndarray, shape=(n_metabolites,), dtype=int64
        Row of `patterns` that says which samples the metabolite has.
    patterns : ndarray, shape=(n_patterns, n_samples of the group), dtype=bool
    """

    index: IntArray
    n_samples: int
    factors: FloatArray
    squares: FloatArray
    pattern: IntArray
    patterns: BoolArray

    @property
    def complete(self) -> bool:
        """Whether the metabolites have a value wherever the genes have one."""
        return bool(self.n_samples == self.patterns.shape[1])

    def slices(self, block: int) -> list[slice]:
        """Cut the metabolites into blocks."""
        return [slice(start, start + block) for start in range(0, len(self.index), block)]


class GeneBlock(ABC):
    """Some genes of a group, ready to be multiplied."""

    def __init__(self, group: GeneGroup) -> None:
        self.index = group.index
        self.values = group.values

    @abstractmethod
    def correlations(self, part: Part, rows: slice, arithmetic: Arithmetic) -> FloatArray:
        """Correlate with some metabolites of a part.

        Returns
        -------
        ndarray, shape=(n_metabolites, n_genes), dtype=float64
            NaN where the gene is constant on the common samples; good until the next use of `arithmetic`.
        """


class Measure(ABC):
    """A way to correlate, with the distribution of its values."""

    @abstractmethod
    def block(self, group: GeneGroup) -> GeneBlock:
        """Make genes ready to be multiplied."""

    @abstractmethod
    def parts(self, group: GeneGroup, metabolites: FloatArray) -> list[Part]:
        """Divide the metabolites by what they have in common with a group of genes; untestable ones are left out."""

    @abstractmethod
    def prepared(self, values: FloatArray) -> FloatArray:
        """Return what a group holds of its genes' values, all zero for a constant gene."""

    @abstractmethod
    def p(self, rho: npt.ArrayLike, n: int) -> FloatArray:
        """Two-sided p-value of correlations of `n` samples; falls with the absolute correlation."""

    @abstractmethod
    def critical(self, p: FloatArray | float, n: int) -> FloatArray:
        """Return the smallest absolute correlation of `n` samples whose p-value is at most `p`, up to rounding."""

    @abstractmethod
    def precision(self, n: npt.ArrayLike) -> FloatArray:
        """Return one over the standard error of Fisher's ``atanh(rho)`` for correlations of `n` samples."""

    def strength(self, rho: FloatArray, n: npt.ArrayLike) -> FloatArray:
        """Express ``|rho|`` in standard errors, comparable between pairs with different numbers of samples.

        ``|atanh(rho)|`` times `precision`, with `rho` clipped to 1 - 1e-7; NaN stays NaN. At equal `n` the order is
        that of ``|rho|``.
        """
        size = np.minimum(np.abs(np.asarray(rho, dtype=np.float64)), LARGEST)
        return np.arctanh(size) * self.precision(n)

    def directed(self, rho: FloatArray, n: npt.ArrayLike, direction: Direction) -> FloatArray:
        """Express `rho` in standard errors of a direction: what goes against it is below 0.

        ``sign(rho) * strength(rho)`` for 'positive', minus that for 'negative', `strength` for 'both'.
        """
        strength = self.strength(rho, n)
        return strength if direction == "both" else SIGNS[direction] * np.sign(rho) * strength

    def correlation(self, strength: FloatArray, n: int) -> FloatArray:
        """Return the absolute correlation of `n` samples that has a strength."""
        return np.tanh(strength / self.precision(n))

    def groups(self, genes: FloatArray) -> list[GeneGroup]:
        """Group genes by the samples they have values in; those with fewer than 4 values or all the same are out."""
        patterns, member = sample_patterns(~np.isnan(genes))
        order = np.argsort(member, kind="stable")
        groups = []
        for known, index in zip(
            patterns, np.split(order, np.searchsorted(member[order], np.arange(1, len(patterns)))), strict=True
        ):
            columns = np.flatnonzero(known)
            if len(columns) >= MIN_SAMPLES:
                values = genes[index] if known.all() else genes[np.ix_(index, columns)]
                varied = (values != values[:, :1]).any(axis=1)
                groups.append(GeneGroup(index[varied], columns, self.prepared(values[varied])))
        return groups


class Spearman(Measure):
    """Spearman's rho, from integers: exact, and equal where it is equal."""

    def block(self, group: GeneGroup) -> "RankedBlock":
        """Take the genes as they are."""
        return RankedBlock(group)

    def prepared(self, values: FloatArray) -> FloatArray:
        """Return doubled ranks."""
        return doubled_ranks(values).astype(_dtype(values.shape[1]))

    def parts(self, group: GeneGroup, metabolites: FloatArray) -> list[Part]:
        """Divide by the number of common samples, and sort by squared length."""
        values = metabolites[:, group.columns]
        known = ~np.isnan(values)
        ranks = doubled_ranks(values)
        squares, size = np.square(ranks, dtype=np.float64).sum(axis=1), known.sum(axis=1)
        usable = np.flatnonzero((squares > 0) & (size >= MIN_SAMPLES))
        order = usable[np.lexsort((squares[usable], size[usable]))]
        parts = []
        for n_samples, rows in groupby(order, key=lambda row: int(size[row])):
            index = np.array(list(rows))
            patterns, pattern = sample_patterns(known[index])
            factors = _weights(ranks[index], known[index])
            parts.append(Part(index, n_samples, factors, squares[index], pattern, patterns))
        return parts

    def p(self, rho: npt.ArrayLike, n: int) -> FloatArray:
        """Compute `spearman_p`."""
        return spearman_p(rho, n)

    def critical(self, p: FloatArray | float, n: int) -> FloatArray:
        """Compute `critical_rho`."""
        return critical_rho(p, n)

    def precision(self, n: npt.ArrayLike) -> FloatArray:
        """Return ``sqrt((n - 3) / 1.06)`` (Fieller, Hartley & Pearson 1957, doi 10.1093/biomet/44.3-4.470)."""
        return np.sqrt((np.asarray(n) - 3) / 1.06)


class RankedBlock(GeneBlock):
    """Genes as doubled ranks."""

    def __init__(self, group: GeneGroup) -> None:
        super().__init__(group)
        self._ties: tuple[Part, FloatArray] | None = None

    def multiply(self, part: Part, rows: slice, arithmetic: Arithmetic) -> None:
        """Compute the integer numerators of rho, shape=(n_metabolites, n_genes)."""
        largest = (part.n_samples**3 - part.n_samples) / 3
        arithmetic.multiply(part.factors[rows], self.values if part.complete else self._signs, largest=largest)

    def squares(self, part: Part, rows: slice) -> FloatArray:
        """Return the squared denominators of rho: exact integers that broadcast to shape=(n_metabolites, n_genes).

        An axis on which they are all the same has size 1.
        """
        own = part.squares[rows, None]
        if own[0] == own[-1]:
            own = own[:1]
        if part.complete:
            return own * self._distinct_squares
        whole = (part.n_samples**3 - part.n_samples) / 3
        return own * (self._squares_with_ties(part)[part.pattern[rows]] if self._tied.any() else whole)

    def correlations(self, part: Part, rows: slice, arithmetic: Arithmetic) -> FloatArray:
        """Divide the numerators by the lengths."""
        self.multiply(part, rows, arithmetic)
        squares = self.squares(part, rows)
        lengths = np.sqrt(np.where(squares > 0, squares, np.nan))
        numerators = arithmetic.product()
        rho: FloatArray = arithmetic.memory("correlations", numerators.shape, np.dtype(np.float64))
        np.divide(numerators, lengths, out=rho)
        return rho

    @cached_property
    def _squares(self) -> FloatArray:
        squares: FloatArray = np.square(self.values, dtype=np.float64).sum(axis=1)
        return squares

    @cached_property
    def _distinct_squares(self) -> FloatArray:
        return self._squares[:1] if self._squares.min() == self._squares.max() else self._squares

    @cached_property
    def _tied(self) -> BoolArray:
        n = self.values.shape[1]
        tied: BoolArray = self._squares < (n**3 - n) / 3
        return tied

    @cached_property
    def _signs(self) -> FloatArray:
        first, second = np.triu_indices(self.values.shape[1], 1)
        return np.sign(self.values[:, first] - self.values[:, second])

    def _squares_with_ties(self, part: Part) -> FloatArray:
        """Return each gene's squared length on each pattern of the part, shape=(n_patterns, n_genes)."""
        if self._ties is None or self._ties[0] is not part:
            squares = np.full((len(part.patterns), len(self.index)), (part.n_samples**3 - part.n_samples) / 3)
            tied = np.flatnonzero(self._tied)
            step = max(1, TIE_MEMORY // part.patterns.size)
            for start in range(0, len(tied), step):
                some = tied[start : start + step]
                squares[:, some] -= _tie_terms(self.values[some], part.patterns).T
            self._ties = part, squares
        return self._ties[1]


class Pearson(Measure):
    """Correlation of standardised values: Pearson's r, or another one with another way to standardise."""

    def __init__(self, standardise: Callable[[FloatArray], FloatArray] = standardised) -> None:
        self._standardise = standardise

    def block(self, group: GeneGroup) -> "ValuesBlock":
        """Take the genes as they are."""
        return ValuesBlock(group, self._standardise)

    def prepared(self, values: FloatArray) -> FloatArray:
        """Return the values: how they are standardised depends on the metabolite."""
        return values

    def parts(self, group: GeneGroup, metabolites: FloatArray) -> list[Part]:
        """Divide by the pattern of common samples."""
        values = metabolites[:, group.columns]
        patterns, member = sample_patterns(~np.isnan(values))
        parts = []
        for number, known in enumerate(patterns):
            index = np.flatnonzero(member == number)
            unit = self._standardise(values[np.ix_(index, known)]) if known.sum() >= MIN_SAMPLES else np.empty((0, 0))
            varied = np.flatnonzero(unit.any(axis=1))
            if len(varied):
                same = np.zeros(len(varied), dtype=np.int64)
                parts.append(Part(index[varied], int(known.sum()), unit[varied], same + 1.0, same, known[None]))
        return parts

    def p(self, rho: npt.ArrayLike, n: int) -> FloatArray:
        """Compute `pearson_p`."""
        return pearson_p(rho, n)

    def critical(self, p: FloatArray | float, n: int) -> FloatArray:
        """Compute `critical_r`."""
        return critical_r(p, n)

    def precision(self, n: npt.ArrayLike) -> FloatArray:
        """Return ``sqrt(n - 3)``, Fisher's."""
        root: FloatArray = np.sqrt(np.asarray(n) - 3)
        return root


class ValuesBlock(GeneBlock):
    """Genes as values, standardised for each pattern of samples."""

    def __init__(self, group: GeneGroup, standardise: Callable[[FloatArray], FloatArray]) -> None:
        super().__init__(group)
        self._standardise = standardise
        self._made: tuple[Part, FloatArray, IntArray] | None = None

    def correlations(self, part: Part, rows: slice, arithmetic: Arithmetic) -> FloatArray:
        """Standardise for the part's samples and multiply."""
        if self._made is None or self._made[0] is not part:
            unit = self._standardise(self.values[:, part.patterns[0]])
            self._made = part, unit, np.flatnonzero(~unit.any(axis=1))
        _, unit, constant = self._made
        arithmetic.multiply(part.factors[rows], unit)
        product = arithmetic.product()
        product[:, constant] = np.nan
        return product


def measure_of(method: CorrelationMethod) -> Measure:
    """Return the measure of a name: Spearman's rho, Pearson's r or the biweight midcorrelation."""
    return Spearman() if method == "spearman" else Pearson(standardised if method == "pearson" else biweighted)


def gene_blocks(group: GeneGroup, block: int) -> Iterator[GeneGroup]:
    """Cut a group into blocks of genes, in the order of the table."""
    for start in range(0, len(group.index), block):
        yield group.taken(np.arange(start, min(start + block, len(group.index))))


def _dtype(n: int) -> type[np.float32 | np.float64]:
    return np.float32 if n <= EXACT_SAMPLES else np.float64


def sample_patterns(known: BoolArray) -> tuple[BoolArray, IntArray]:
    """Return the distinct rows and which of them each row is."""
    if known.all():
        return np.ones((1, known.shape[1]), dtype=np.bool_), np.zeros(len(known), dtype=np.int64)
    packed, member = np.unique(np.packbits(known, axis=1), axis=0, return_inverse=True)
    return np.unpackbits(packed, axis=1, count=known.shape[1]).astype(np.bool_), member.ravel()


def _weights(ranks: npt.NDArray[np.int16], known: BoolArray) -> FloatArray:
    """Return the factors of metabolites: doubled ranks, or their differences over sample pairs where some lack."""
    dtype = _dtype(ranks.shape[1])
    if known.all():
        return ranks.astype(dtype)
    first, second = np.triu_indices(ranks.shape[1], 1)
    both = known[:, first] & known[:, second]
    return ((ranks[:, first] - ranks[:, second]) * both).astype(dtype)


def _tie_terms(genes: FloatArray, patterns: BoolArray) -> FloatArray:
    """Sum ``(t^3 - t) / 3`` over each gene's runs of t tied values on each pattern, shape=(n_genes, n_patterns)."""
    equal = genes[:, :, None] == genes[:, None, :]
    opens = ~np.tril(equal, -1).any(axis=2) & (equal.sum(axis=2) > 1)
    gene, sample = np.nonzero(opens)
    size = equal[gene, sample].astype(np.float64) @ patterns.T.astype(np.float64)
    terms: FloatArray = np.add.reduceat((size**3 - size) / 3, np.searchsorted(gene, np.arange(len(genes))), axis=0)
    return terms
