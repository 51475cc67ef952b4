"""Graded homology: how well a gene fits a family, from the hits of BLAST, DIAMOND or HMMER."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.columns import TableContract
from configs.errors import UserError, first_of
from configs.homology import FamilyConfig
from configs.tables import CONTRACTS
from models.gene_ids import GeneIds, IdJoin
from models.hits import Hits
from models.homology_grades import NOT_RECIPROCAL, WEAKEST, counted_rows, grade_sets, member_sets
from models.homology_pairs import add_up
from models.homology_tables import swap_coordinates
from models.matching import no_member
from models.reciprocal_hits import Side, reciprocal_genes

SIDES: tuple[Side, Side] = ("query", "subject")


@dataclass(frozen=True, slots=True, eq=False)
class GradedFamily:
    """One family's hits.

    Attributes
    ----------
    table : DataFrame
        Contract ``homology_hits``: one row a gene with a hit, the best grade first. Until `compare_families` has seen
        the other families, the margin is 1 and the rival null.
    domains : DataFrame
        Contract ``homology_domains``: every alignment or domain of the sequences in `table`, in the order of its genes
        and then by start.
    notes : tuple of str
        What the reader of the report should know.
    """

    table: pd.DataFrame
    domains: pd.DataFrame
    notes: tuple[str, ...]


class _Oriented(NamedTuple):
    """A table of which it is known where the genes stand."""

    rows: pd.DataFrame
    direction: Side | None
    """What the genes were in the search; None where HMMER scanned a library of profiles with them."""
    notes: tuple[str, ...]


def gene_side(hits: Hits, genes: GeneIds) -> tuple[Side, IdJoin]:
    """Return the column that holds the study's genes: the one of which more distinct ids join a gene.

    Parameters
    ----------
    hits : Hits
        At least one row.
    genes : GeneIds
        Genes of the expression table.

    Returns
    -------
    side : {'query', 'subject'}
        On a tie the column that holds fewer other ids; the query if that ties too.
    join : IdJoin
        How the ids of that column join.

    Raises
    ------
    UserError
        No id of either column joins a gene.
    """
    distinct = {side: sorted(hits.frame[side].unique()) for side in SIDES}
    joins = {side: genes.join(distinct[side]) for side in SIDES}
    if not any(join.gene_of for join in joins.values()):
        raise UserError(
            wanted=f"gene ids of the expression table, such as {first_of(genes.gene_ids[:3], 3)}",
            found=f"the queries {first_of(distinct['query'], 3)} and the subjects {first_of(distinct['subject'], 3)}",
            where=hits.name,
            remedy="Search with the same genes, under the same ids, as the expression table, or give a gene map.",
        )
    score = {side: (len(joins[side].gene_of), -len(distinct[side])) for side in SIDES}
    side: Side = "query" if score["query"] >= score["subject"] else "subject"
    return side, joins[side]


def grade_family(
    hits: Sequence[Hits],
    genes: GeneIds,
    *,
    family: str,
    config: FamilyConfig,
    lengths: Mapping[str, int] | None = None,
    listed: bool = True,
) -> GradedFamily:
    """Grade every gene that has a hit in the search tables of one family.

    In each table the alignments of a sequence with a member (profile or reference) add up as `add_up` says, members
    that fit different parts of the sequence add up as `member_sets` says, and `grade_sets` gives the formula. A gene
    takes the best grade of its sequences and tables; coordinates of different sequences are never put together.
    Where a table holds coordinates and no length of a member, the largest end seen for it stands for the length.

    Where the same members were searched both ways, the grade of a gene that `reciprocal_genes` does not name is 0.8
    times as high.

    Parameters
    ----------
    hits : sequence of Hits
        The tables of the family.
    genes : GeneIds
        Genes of the expression table.
    family : str
        Name of the family.
    config : FamilyConfig
        `members` restricts the tables to those ids, `max_evalue` to the hits at or below it, unless a table has been
        through the family's thresholds already.
    lengths : mapping of str to int, optional
        Residues of each sequence, for tables that do not hold them.
    listed : bool
        Whether the study file itself lists the members, so that tables without any of them mean a mistake.

    Returns
    -------
    GradedFamily
        The graded genes, their alignments, and notes.

    Raises
    ------
    UserError
        A table whose ids are no genes of the study, or listed members of which the tables hold none.
    """
    oriented = [_orient(table, genes, lengths or {}) for table in hits if len(table.frame)]
    notes = [note for table in hits for note in table.notes] + [note for table in oriented for note in table.notes]
    if not oriented:
        notes.append(f"Family {family!r}: the search tables hold no hits.")
        return GradedFamily(_empty("homology_hits"), _empty("homology_domains"), tuple(notes))
    everything = pd.concat([table.rows.assign(table=index) for index, table in enumerate(oriented)], ignore_index=True)
    rows, member_notes = _members_only(everything, family, config.members, listed=listed)
    rows = rows[rows["gene_id"].notna() & (rows["thresholds_applied"] | (rows["evalue"] <= config.max_evalue))]
    if rows.empty:
        return GradedFamily(_empty("homology_hits"), _empty("homology_domains"), (*notes, *member_notes))
    rows, pairs = add_up(rows)
    sets, pairs = member_sets(rows, pairs)
    best = _best_of_gene(grade_sets(sets))
    rows = rows.assign(counted=counted_rows(rows, pairs, best))
    reciprocal = reciprocal_genes(everything, [table.direction for table in oriented], config.members)
    table = _table(best, family, reciprocal)
    return GradedFamily(table, _domains(rows, table), (*notes, *member_notes))


def homology_evidence(
    tables: Mapping[str, pd.DataFrame], gene_ids: Sequence[str], *, families: Collection[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.object_]]:
    """Return each gene's best grade among the families that serve a target.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Contract ``homology_hits`` by family.
    gene_ids : sequence of str, length g
        Genes of the study.
    families : collection of str
        Families that serve the target.

    Returns
    -------
    values : ndarray, shape=(g,), dtype=float64
        Grade, 0 to 1; 0 where the search found nothing; NaN everywhere when no family serves the target.
    family : ndarray, shape=(g,), dtype=object
        Name of the family with the best grade, the first in alphabetical order on a tie; None without a hit.
    """
    values = np.full(len(gene_ids), 0.0 if families else np.nan)
    best = np.full(len(gene_ids), None, dtype=np.object_)
    index = pd.Index(gene_ids)
    for family in sorted(families):
        table = tables[family]
        positions = index.get_indexer(pd.Index(table["gene_id"]))
        grades = table["grade"].to_numpy(dtype=np.float64)
        better = (positions >= 0) & (grades > values[positions])
        values[positions[better]] = grades[better]
        best[positions[better]] = family
    return values, best


def _orient(hits: Hits, genes: GeneIds, lengths: Mapping[str, int]) -> _Oriented:
    """Find the genes, and tell their places and lengths from those of the members."""
    side, join = gene_side(hits, genes)
    if side == "query" and hits.format == "domtblout" and hits.profile_side is None:
        hits = swap_coordinates(hits)  # read as hmmsearch, but the genes are the queries: it was hmmscan
    other: Side = "subject" if side == "query" else "query"
    frame = hits.frame
    largest = frame[[f"{other}_start", f"{other}_end"]].max(axis=1).groupby(frame[other]).transform("max")
    alignments = hits.format not in {"tblout", "domtblout"}
    rows = pd.DataFrame(
        {
            "gene_id": frame[side].map(join.gene_of).astype("str"),
            "sequence_id": frame[side],
            "member": frame[other],
            **{name: frame[name] for name in ("evalue", "bit_score", "domain_evalue", "domain_score")},
            **_places(frame, side, ""),
            **_places(frame, other, "member_"),
            "length": frame[f"{side}_length"].fillna(frame[side].map(lengths).astype("float64")),
            "member_length": frame[f"{other}_length"].fillna(largest),
            "alignments": alignments,
            "thresholds_applied": hits.thresholds_applied,
        }
    )
    scan = side == "query" and not alignments and hits.profile_side != "query"
    word = "queries" if side == "query" else "subjects"
    said = (f"The genes are the {word} of {hits.name}: {join.sentence('it')}",)
    return _Oriented(rows, None if scan else side, () if hits.thresholds_applied else said)


def _places(frame: pd.DataFrame, side: Side, prefix: str) -> dict[str, "pd.Series[float]"]:
    ends = frame[[f"{side}_start", f"{side}_end"]]
    return {f"{prefix}start": ends.min(axis=1, skipna=False), f"{prefix}end": ends.max(axis=1, skipna=False)}


def _members_only(
    frame: pd.DataFrame, family: str, members: Sequence[str], *, listed: bool
) -> tuple[pd.DataFrame, list[str]]:
    if not members:
        return frame, []
    present = sorted(frame["member"].unique())
    absent = [member for member in members if member not in set(present)]
    if listed and len(absent) == len(members):
        raise no_member(members, present, family=family, place="the search tables", kind="tables")
    notes = [f"Family {family!r}: no hits for {len(absent)} of its members ({first_of(absent)})."] if absent else []
    return frame[frame["member"].isin(members)], notes


def _best_of_gene(sets: pd.DataFrame) -> pd.DataFrame:
    order = np.lexsort((sets["gene"], sets["evalue"], -sets["bit_score"], -sets["grade"]))
    return sets.iloc[order].drop_duplicates("gene")


def _table(best: pd.DataFrame, family: str, reciprocal: frozenset[str] | None) -> pd.DataFrame:
    table = best.assign(family=family, rival=_nulls(len(best)).to_numpy())
    if reciprocal is None:
        table = table.assign(reciprocal=_nulls(len(best)).to_numpy())
    else:
        mutual = table["gene_id"].isin(reciprocal)
        lowered = WEAKEST + (table["grade"] - WEAKEST) * NOT_RECIPROCAL
        table = table.assign(
            reciprocal=np.where(mutual, "yes", "no"), grade=table["grade"].where(mutual, lowered)
        ).sort_values(["grade", "bit_score", "evalue", "gene_id"], ascending=[False, False, True, True])
    return _as_contract(table.assign(margin=1.0), "homology_hits")


def _domains(rows: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    place = pd.Index(table["sequence_id"]).get_indexer(pd.Index(rows["sequence_id"]))
    order = np.lexsort((rows["start"], place))
    rows = rows.iloc[order[place[order] >= 0]]
    rows = rows.assign(
        family=table["family"].iloc[0],
        evalue=rows["domain_evalue"].fillna(rows["evalue"]),
        bit_score=rows["domain_score"].fillna(rows["bit_score"]),
    )
    return _as_contract(rows, "homology_domains")


def _nulls(length: int) -> "pd.Series[str]":
    return pd.Series([None] * length, dtype="str")


def _dtypes(contract: TableContract) -> dict[str, str]:
    return {column.name: "str" if column.dtype == "string" else column.dtype for column in contract.columns}


def _as_contract(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    dtypes = _dtypes(CONTRACTS[kind])
    return frame[list(dtypes)].astype(dtypes).reset_index(drop=True)


def _empty(kind: str) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in _dtypes(CONTRACTS[kind]).items()})
