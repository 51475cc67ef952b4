"""The design of a study and what it can show: its groups, how alike replicates are, and the power that is left."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.errors import counted
from models.arrays import FloatArray

ROUNDING = 1e-12
"""Relative; a count of genes is not rounded up for less."""


@dataclass(frozen=True, slots=True)
class Design:
    """Where samples belong.

    Attributes
    ----------
    groups : tuple of str, length n_samples
        Replicate group of each sample.
    batches : tuple of str or None, length n_samples
        Batch of each sample; None where it is not known.
    """

    groups: tuple[str, ...]
    batches: tuple[str | None, ...]

    @classmethod
    def of_samples(cls, sheet: pd.DataFrame, sample_ids: Sequence[str]) -> "Design":
        """Look samples up in a table of the contract `samples`."""
        rows = sheet.set_index("sample_id").loc[list(sample_ids)]
        batches = rows["batch"].astype(object).where(rows["batch"].notna(), None)
        return cls(tuple(rows["group"].tolist()), tuple(batches.tolist()))

    @property
    def n_groups(self) -> int:
        """Number of replicate groups."""
        return len(set(self.groups))

    @property
    def effective_groups(self) -> float:
        """Equal groups that tell as much: ``(sum of sizes)^2 / sum of squared sizes``, the inverse Simpson."""
        sizes = Counter(self.groups).values()
        return sum(sizes) ** 2 / sum(size**2 for size in sizes)


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """How alike the replicates of each feature are.

    Attributes
    ----------
    intraclass, effective_samples : ndarray, shape=(n_features,), dtype=float64
        Intraclass correlation, at most 1, and the number of independent samples that tell as much; NaN where undefined.
    """

    intraclass: FloatArray
    effective_samples: FloatArray


def likeness(values: FloatArray, groups: Sequence[str]) -> Likeness:
    """Estimate how alike the replicates of a group are, feature by feature.

    Parameters
    ----------
    values : ndarray, shape=(n_features, n_samples)
        Values; NaN where missing.
    groups : sequence of str, length n_samples
        Replicate group of each sample.

    Returns
    -------
    Likeness
        Intraclass correlation ICC(1) of a one-way analysis of variance, ``(B - W) / (B + (n0 - 1) W)`` with B and W
        the mean squares between and within groups (Shrout & Fleiss 1979, doi 10.1037/0033-2909.86.2.420) and, for k
        groups of n_i of N samples, ``n0 = (N - sum n_i^2 / N) / (k - 1)`` (Lessells & Boag 1987, doi 10.2307/4087240).
        Below 0 where replicates differ more than chance has it. The effective number of samples is N over Kish's
        design effect, ``N / (1 + (n0 - 1) max(ICC, 0))`` (Kish 1965, Survey Sampling).

        Undefined for a constant feature, in a single group and without replicates.
    """
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    member = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    known = ~np.isnan(values)
    size = known @ member
    total, n_groups = size.sum(axis=1), (size > 0).sum(axis=1)
    exact = np.nan_to_num(values.astype(np.float64))
    centred = np.where(known, exact - (exact.sum(axis=1) / np.maximum(total, 1))[:, None], 0.0)
    squares = np.square(centred).sum(axis=1)
    explained = (np.square(centred @ member) / np.maximum(size, 1)).sum(axis=1)
    usable = (n_groups > 1) & (total > n_groups) & (np.fmax.reduce(values, axis=1) > np.fmin.reduce(values, axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        between, within = explained / (n_groups - 1), np.maximum(squares - explained, 0) / (total - n_groups)
        n0 = (total - np.square(size).sum(axis=1) / total) / (n_groups - 1)
        intraclass = np.where(usable, (between - within) / (between + (n0 - 1) * within), np.nan)
        return Likeness(intraclass, total / (1 + (n0 - 1) * np.maximum(intraclass, 0)))


@dataclass(frozen=True, slots=True)
class Power:
    """What rank correlation over replicate groups can show among many genes.

    Attributes
    ----------
    n_groups, n_genes : int
        Replicate groups, and genes that are tested.
    alpha : float
        False discovery rate, in (0, 1).
    """

    n_groups: int
    n_genes: int
    alpha: float

    @property
    def smallest_p(self) -> float:
        """Smallest exact two-sided p: two of all orders of the groups give a rank correlation of 1 or -1."""
        return smallest_rank_p(self.n_groups)

    @property
    def needed_p(self) -> float:
        """The p that a single gene needs, the first step of Benjamini-Hochberg (and Bonferroni's)."""
        return self.alpha / self.n_genes

    @property
    def genes_together(self) -> int:
        """Genes that must share the smallest p for Benjamini-Hochberg to pass them; it may exceed all genes."""
        return max(1, math.ceil(self.n_genes * self.smallest_p / self.alpha * (1 - ROUNDING)))

    @property
    def one_gene_can_pass(self) -> bool:
        """Whether a single gene can pass."""
        return self.genes_together == 1

    @property
    def groups_for_one_gene(self) -> int:
        """Fewest groups with which a single gene can pass."""
        n_groups = 1
        while not Power(n_groups, self.n_genes, self.alpha).one_gene_can_pass:
            n_groups += 1
        return n_groups

    def sentence(self) -> str:
        """Say it to someone who knows genes rather than statistics."""
        facts = (
            f"With {counted(self.n_groups, 'replicate group')} the smallest exact two-sided p of a rank correlation "
            f"of their means is {written_p(self.smallest_p)}, and one gene among {self.n_genes:,} needs "
            f"{written_p(self.needed_p)} to pass a false discovery rate of {self.alpha:g}"
        )
        if self.one_gene_can_pass:
            return f"{facts}: a gene that follows the groups can pass by itself."
        together = f"That takes {self.genes_together:,} genes at the smallest p together, or"
        if self.genes_together > self.n_genes:
            together = "Nor can all genes together; that takes"
        return (
            f"{facts}: no single gene can be told from chance by its order of the groups. {together} "
            f"{self.groups_for_one_gene} groups. Trust the order of the genes more than their p and q."
        )


def smallest_rank_p(n_groups: int) -> float:
    """Return the smallest exact two-sided p of a rank correlation of `n_groups` untied values, ``2 / n_groups!``."""
    return min(1.0, 2 / math.factorial(n_groups))


def design_sentences(design: Design, layers: Mapping[str, FloatArray]) -> tuple[str, ...]:
    """Say how many groups a study has, and how alike its replicates are.

    Parameters
    ----------
    design : Design
        Of the samples that every layer has.
    layers : mapping of str to ndarray, shape=(n_features, n_samples)
        Prepared values of each layer in these samples; NaN where missing.
    """
    n_samples = len(design.groups)
    groups = f"{n_samples} samples are in every layer, in {counted(design.n_groups, 'replicate group')}"
    if len(set(Counter(design.groups).values())) > 1:
        groups += f" of unequal size, which tell as much as {design.effective_groups:.1f} equal ones"
    alike = {name: likeness(values, design.groups) for name, values in layers.items()}
    told = [
        f"{name} {np.nanmedian(one.intraclass):.2f} and {np.nanmedian(one.effective_samples):.1f}"
        for name, one in alike.items()
        if not np.isnan(one.intraclass).all()
    ]
    if not told:
        return (f"{groups}.",)
    return f"{groups}.", (
        f"How alike replicates are (median intraclass correlation), and how many independent samples tell as much as "
        f"the {n_samples}: {', '.join(told)}."
    )


def written_p(p: float) -> str:
    """Write a p-value: two digits, and a power of ten below 0.001."""
    if p >= 0.001:
        return f"{p:.2g}"
    digits, power = f"{p:.1e}".split("e")
    return f"{digits}e{int(power)}" if p > 0 else "below 1e-300"
