"""Cards: why the best genes of a target are where they are.

A card says what each evidence contributes, which metabolites, baits and homologs a gene goes with, and where it is
expressed. These tables hold the cards of all targets; `models.card_records.target_cards` takes some for the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from configs.ranking import Direction
from configs.ranking_tables import EVIDENCES
from configs.study import CorrelationMethod
from configs.tables import CONTRACTS
from models.all_pairs import all_pairs
from models.arithmetic import ONE_WORKER
from models.arrays import Float64Array, FloatArray
from models.card_records import carded
from models.design import written_p
from models.layer import Layer
from models.measures import measure_of

CHANCE_BINS = 30
"""Bins of a histogram of chance values."""
PARTNERS = 5
"""Partners of each kind on a card."""


class Partner(NamedTuple):
    """What a gene goes with: a row of the contract `card_partners`."""

    target: str
    gene_id: str
    kind: str
    place: int
    partner: str
    value: float
    detail: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Metabolites of a target.

    Attributes
    ----------
    ids : sequence of str, length n_members
        Metabolite of each row; a metabolite may have several rows, one a shape.
    values : ndarray, shape=(n_members, n_samples)
        Prepared values, or what a shape makes of them; NaN where missing.
    shapes : sequence of str or None
        Shape of each row, such as `level` or `rate`; None where the values stand for themselves.
    """

    ids: Sequence[str]
    values: FloatArray
    shapes: Sequence[str | None] | None = None


def card_evidence(
    block: pd.DataFrame,
    contributions: pd.DataFrame,
    null_percentiles: Mapping[str, FloatArray] | None = None,
    strengths: Mapping[str, FloatArray] | None = None,
    *,
    count: int,
) -> pd.DataFrame:
    """List what each evidence says of the first genes of a target.

    Parameters
    ----------
    block : DataFrame
        All rows of one target, contract `ranking`.
    contributions : DataFrame
        Column `gene_id` and one column an evidence, as `models.assembly.contributions` gives them.
    null_percentiles : mapping of str to ndarray, shape=(n_carded,), optional
        By evidence, the share of chance values below that of each gene of `carded(block, count)`, in [0, 1].
    strengths : mapping of str to ndarray, shape=(n_carded,), optional
        By evidence, the strengths of these genes that chance values are compared with.
    count : int
        Genes at most.

    Returns
    -------
    DataFrame
        Contract `card_evidence`: by gene in the order of the ranking, every evidence that any gene of the target has.
    """
    rows = carded(block, count)
    present = [name for name in EVIDENCES if block[name].notna().any() or block[f"{name}_rank01"].notna().any()]
    parts = contributions.set_index("gene_id").reindex(rows["gene_id"])
    absent = np.full(len(rows), np.nan)
    percentiles = null_percentiles or {}

    def by_gene(columns: Mapping[str, FloatArray]) -> Float64Array:
        """Interleave the evidences: the first gene's, then the second's."""
        stacked = [np.asarray(columns.get(name, absent), dtype=np.float64) for name in present]
        return np.stack(stacked, axis=1).ravel() if stacked else np.empty(0)

    table = pd.DataFrame(
        {
            "target": np.repeat(rows["target"].to_numpy(dtype=object), len(present)),
            "gene_id": np.repeat(rows["gene_id"].to_numpy(dtype=object), len(present)),
            "evidence": present * len(rows),
            "value": by_gene({name: _numbers(rows[name]) for name in present}),
            "rank01": by_gene({name: _numbers(rows[f"{name}_rank01"]) for name in present}),
            "strength": by_gene(strengths or {}),
            "null_percentile": by_gene(percentiles),
            "contribution": by_gene({name: _numbers(parts[name]) for name in present if name in parts}),
        }
    )
    return _typed(table, "card_evidence")


def card_chance(target: str, null: Mapping[str, FloatArray]) -> pd.DataFrame:
    """Count the strengths that chance gives to a target, evidence by evidence.

    Parameters
    ----------
    target : str
        Name of the target.
    null : mapping of str to ndarray
        By evidence, chance values of any shape; NaN does not count.

    Returns
    -------
    DataFrame
        Contract `card_chance`: `CHANCE_BINS` bins of equal width from the smallest to the largest value of an evidence
        that has any; a bin holds its lower edge, the last one its upper edge as well (`numpy.histogram`).
    """
    tables = []
    for evidence, values in null.items():
        known = values[np.isfinite(values)].astype(np.float64)
        if len(known):
            counts, edges = np.histogram(known, bins=CHANCE_BINS)
            own = {"target": target, "evidence": evidence, "low": edges[:-1], "high": edges[1:], "n_values": counts}
            tables.append(pd.DataFrame(own))
    return _typed(pd.concat(tables, ignore_index=True) if tables else _empty("card_chance"), "card_chance")


def share_below(values: FloatArray, pool: FloatArray) -> Float64Array:
    """Return the share of chance values that are smaller than each value.

    Parameters
    ----------
    values : ndarray, shape=(n,)
        NaN gives NaN.
    pool : ndarray, shape=(n_draws,) or (n, n_draws)
        Chance values, of all genes together or of each gene; NaN does not count.

    Returns
    -------
    ndarray, shape=(n,), dtype=float64
        In [0, 1]; NaN where the pool is empty.
    """
    if pool.ndim == 1:  # of all genes together: millions, which are not held once a gene
        known = np.sort(pool[~np.isnan(pool)])
        reached = np.searchsorted(known, values, side="left") / max(len(known), 1)
        return np.where(np.isnan(values) | (len(known) == 0), np.nan, reached)
    draws = pool
    size = np.count_nonzero(~np.isnan(draws), axis=1)
    below = np.count_nonzero(draws < np.asarray(values)[:, None], axis=1)
    return np.where(np.isnan(values) | (size == 0), np.nan, below / np.maximum(size, 1))


def best_metabolites(
    target: str,
    gene_ids: Sequence[str],
    expression: FloatArray,
    members: Members,
    *,
    method: CorrelationMethod = "spearman",
    direction: Direction = "both",
    count: int = PARTNERS,
) -> list[Partner]:
    """Find the metabolites of a target that each gene correlates with most strongly.

    Parameters
    ----------
    target : str
        Name of the target.
    gene_ids : sequence of str, length n_genes
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared expression of these genes; NaN where missing.
    members : Members
        Metabolites of the target, in the same samples.
    method : {'spearman', 'pearson', 'bicor'}
    direction : {'both', 'positive', 'negative'}
        Sign that a correlation must have.
    count : int
        Metabolites a gene at most.

    Returns
    -------
    list of Partner
        Strongest first, by `models.measures.Measure.strength`, which allows for missing values; `value` is the
        correlation and `detail` the shape. Each metabolite once, in its strongest shape.
    """
    rho, strength = _correlations(expression, members.values, method)
    if direction != "both":
        strength = np.where(np.sign(rho) == (1 if direction == "positive" else -1), strength, np.nan)
    partners = []
    for gene, own, strengths in zip(gene_ids, rho, strength, strict=True):
        order = [row for row in np.argsort(-strengths, kind="stable") if not np.isnan(strengths[row])]
        first = {members.ids[row]: row for row in reversed(order)}
        best = sorted(first.values(), key=order.index)[:count]
        partners += [
            Partner(target, gene, "metabolite", place, members.ids[row], float(own[row]), _shape(members, row))
            for place, row in enumerate(best, 1)
        ]
    return partners


def _shape(members: Members, row: int) -> str | None:
    return None if members.shapes is None else members.shapes[row]


def _correlations(
    genes: FloatArray, metabolites: FloatArray, method: CorrelationMethod
) -> tuple[Float64Array, Float64Array]:
    """Return correlation and strength, each shape=(n_genes, n_metabolites); NaN where a pair cannot be tested."""
    measure = measure_of(method)
    work = all_pairs(measure, measure.groups(genes), metabolites, ONE_WORKER)
    arithmetic = work.workers.arithmetic()
    rho = np.full((len(genes), len(metabolites)), np.nan)
    strength = rho.copy()
    for unit in work.units:
        for part, rows, found in work.blocks(unit, arithmetic):
            place = np.ix_(unit[0].index, part.index[rows])
            rho[place] = found.T
            strength[place] = measure.strength(found.T, part.n_samples)
    return rho, strength


def nearest_baits(
    target: str, gene_ids: Sequence[str], mutual_ranks: FloatArray, bait_ids: Sequence[str], *, count: int = PARTNERS
) -> list[Partner]:
    """Find the baits that each gene is co-expressed with most closely.

    Parameters
    ----------
    target : str
        Name of the target.
    gene_ids : sequence of str, length n_genes
    mutual_ranks : ndarray, shape=(n_genes, n_baits)
        Mutual rank of each gene and bait, 1 the closest; NaN for a bait with itself.
    bait_ids : sequence of str, length n_baits
    count : int
        Baits a gene at most.
    """
    return [
        Partner(target, gene, "bait", place, bait_ids[bait], float(ranks[bait]), None)
        for gene, ranks in zip(gene_ids, mutual_ranks, strict=True)
        for place, bait in enumerate(np.argsort(ranks, kind="stable")[:count], 1)
        if not np.isnan(ranks[bait])
    ]


def best_homologs(
    target: str, gene_ids: Sequence[str], hits: Mapping[str, pd.DataFrame], *, count: int = PARTNERS
) -> list[Partner]:
    """Find the profiles and reference proteins that each gene resembles most.

    Parameters
    ----------
    target : str
        Name of the target.
    gene_ids : sequence of str, length n_genes
    hits : mapping of str to DataFrame
        Tables of the contract `homology_hits` by family: the families of the target.
    count : int
        Homologs a gene at most.

    Returns
    -------
    list of Partner
        By grade, then E-value; `value` is the grade and `detail` names family and E-value.
    """
    wanted = set(gene_ids)
    found: dict[str, list[tuple[float, float, str, str]]] = {}
    for family, table in hits.items():
        rows = table[table["gene_id"].isin(wanted)]
        columns = (rows["gene_id"], rows["grade"], rows["evalue"], rows["best_member"])
        for gene, grade, evalue, member in zip(*columns, strict=True):
            found.setdefault(gene, []).append((-float(grade), float(evalue), family, member))
    return [
        Partner(target, gene, "homolog", place, member, -grade, f"{family}, E-value {written_p(evalue)}")
        for gene in gene_ids
        for place, (grade, evalue, family, member) in enumerate(sorted(found.get(gene, ()))[:count], 1)
    ]


def partner_table(partners: Iterable[Partner]) -> pd.DataFrame:
    """Return partners as a table of the contract `card_partners`."""
    return _typed(pd.DataFrame(list(partners), columns=list(Partner._fields)), "card_partners")


def card_expression(gene_ids: Sequence[str], expression: FloatArray, groups: Sequence[str]) -> pd.DataFrame:
    """Summarise the expression of genes by replicate group.

    Parameters
    ----------
    gene_ids : sequence of str, length n_genes
        A gene that is named again, as by another target, counts once.
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared (log2) expression; NaN where missing.
    groups : sequence of str, length n_samples
        Replicate group of each sample.

    Returns
    -------
    DataFrame
        Contract `card_expression`: by gene, its groups in the order of the samples; a group without any value is left
        out. `sd` is the standard deviation (n - 1), absent for a single value.
    """
    codes, names = pd.factorize(np.asarray(groups, dtype=object))
    first = np.flatnonzero(~pd.Index(gene_ids).duplicated())
    values = expression[first].astype(np.float64)
    known = ~np.isnan(values)
    member = (codes[:, None] == np.arange(len(names))).astype(np.float64)
    size = known @ member
    mean = (np.where(known, values, 0.0) @ member) / np.maximum(size, 1)
    squares = np.square(np.where(known, values - mean[:, codes], 0.0)) @ member
    table = pd.DataFrame(
        {
            "gene_id": np.repeat(np.asarray(gene_ids, dtype=object)[first], len(names)),
            "group": np.tile(names, len(first)),
            "n_samples": size.astype(np.int64).ravel(),
            "mean": mean.ravel(),
            "sd": np.where(size > 1, np.sqrt(squares / np.maximum(size - 1, 1)), np.nan).ravel(),
        }
    )
    return _typed(table[table["n_samples"] > 0].reset_index(drop=True), "card_expression")


def card_samples(partners: pd.DataFrame, genes: Layer, metabolites: Layer, groups: Sequence[str]) -> pd.DataFrame:
    """List the genes of one target and the metabolite that each goes with best, sample by sample.

    Parameters
    ----------
    partners : DataFrame
        Rows of one target, contract `card_partners`.
    genes, metabolites : Layer
        Prepared layers; NaN where missing. Samples without metabolites have no abundance.
    groups : sequence of str
        Replicate group of each sample of `genes`.

    Returns
    -------
    DataFrame
        Contract `card_samples`: by gene in the order of `partners`, all samples of `genes`.
    """
    best = partners[partners["kind"] == "metabolite"].drop_duplicates("gene_id").reset_index(drop=True)
    samples = list(genes.sample_ids)
    known = pd.Index(metabolites.sample_ids).get_indexer(pd.Index(samples))
    values = metabolites.values[metabolites.positions_of(best["partner"].tolist())]
    abundance = np.where(known >= 0, values[:, known], np.nan)
    table = pd.DataFrame(
        {
            "target": np.repeat(best["target"].to_numpy(dtype=object), len(samples)),
            "gene_id": np.repeat(best["gene_id"].to_numpy(dtype=object), len(samples)),
            "sample_id": samples * len(best),
            "group": list(groups) * len(best),
            "expression": genes.values[genes.positions_of(best["gene_id"].tolist())].ravel(),
            "metabolite_id": np.repeat(best["partner"].to_numpy(dtype=object), len(samples)),
            "abundance": abundance.ravel(),
        }
    )
    return _typed(table, "card_samples")


def _numbers(column: pd.Series) -> Float64Array:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _empty(kind: str) -> pd.DataFrame:
    return pd.DataFrame(columns=[column.name for column in CONTRACTS[kind].columns])


def _typed(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give the columns the types of their contract, which an empty table lacks."""
    names = {"string": "str"}
    return table.astype({column.name: names.get(column.dtype, column.dtype) for column in CONTRACTS[kind].columns})
