"""Graded homology: how well a gene fits a family, from the hits of BLAST, DIAMOND or HMMER."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import UserError, first_of, nearest
from configs.homology import FamilyConfig
from models.hits import Hits
from models.homology_tables import swap_coordinates

Side = Literal["query", "subject"]

WEAKEST = 0.01
"""Grade below which no hit falls, so that any hit stands above none."""
INCLUDED_DOMAIN_EVALUE = 0.01
"""HMMER's own threshold (--incdomE) for a domain that counts."""

HIT_COLUMNS = ("family", "gene_id", "best_member", "evalue", "bit_score", "coverage", "grade")
_PAIR = ["table", "gene_id", "best_member"]


@dataclass(frozen=True, slots=True, eq=False)
class GradedFamily:
    """One family's hits.

    Attributes
    ----------
    table : DataFrame
        Contract ``homology_hits``: one row a gene with a hit, the best grade first.
    notes : tuple of str
        What the reader of the report should know.
    """

    table: pd.DataFrame
    notes: tuple[str, ...]


def gene_side(hits: Hits, gene_ids: Collection[str]) -> Side:
    """Return the column that holds the study's genes: the one with more distinct gene ids.

    Parameters
    ----------
    hits : Hits
        At least one row.
    gene_ids : collection of str
        Ids of the expression table; a set or dict is fastest.

    Returns
    -------
    {'query', 'subject'}
        On a tie the column that holds fewer other ids; the query if that ties too.

    Raises
    ------
    UserError
        Neither column holds any gene id.
    """
    known = frozenset(gene_ids)
    distinct = {side: set(hits.frame[side]) for side in ("query", "subject")}
    matching = {side: len(ids & known) for side, ids in distinct.items()}
    if not any(matching.values()):
        raise UserError(
            wanted=f"gene ids of the expression table, such as {first_of(list(gene_ids)[:3], 3)}",
            found=f"the queries {first_of(sorted(distinct['query']), 3)} "
            f"and the subjects {first_of(sorted(distinct['subject']), 3)}",
            where=hits.name,
            remedy="Search with the same genes, under the same ids, as the expression table.",
        )
    score = {side: (matching[side], -len(distinct[side])) for side in distinct}
    return "query" if score["query"] >= score["subject"] else "subject"


def grade_family(hits: Sequence[Hits], gene_ids: Collection[str], *, family: str, config: FamilyConfig) -> GradedFamily:
    """Grade every gene that has a hit in the search tables of one family.

    For each gene and member (profile or reference) of a table, the alignments are merged: the bit score is the best
    one (of the full sequence for HMMER), and the coverage is the union of the aligned stretches of the member over its
    length. Domains above HMMER's own threshold, E-value 0.01, do not count towards it. Where a table holds
    coordinates and no length, the largest end seen for that member stands for the length. Then

        grade = 0.01 + 0.99 * sqrt(b / b_member * b / b_family) * coverage

    with b the bit score, b_member the best one of that member and b_family the best one of the family, over all genes
    of the same table, and coverage 1 where it is unknown. It rises with score and coverage; a gene takes its best
    member's.

    Parameters
    ----------
    hits : sequence of Hits
        The tables of the family.
    gene_ids : collection of str
        Ids of the expression table.
    family : str
        Name of the family.
    config : FamilyConfig
        `members` restricts the tables to those ids, `max_evalue` to the hits at or below it.

    Returns
    -------
    GradedFamily
        The graded genes, and notes.

    Raises
    ------
    UserError
        A table whose ids are no genes of the study, or `members` of which the tables hold none.
    """
    known = frozenset(gene_ids)
    notes = [note for table in hits for note in table.notes]
    oriented = [_orient(table, known) for table in hits if len(table.frame)]
    if not oriented:
        return GradedFamily(_empty(), (*notes, f"Family {family!r}: the search tables hold no hits."))
    everything = pd.concat([frame.assign(table=index) for index, frame in enumerate(oriented)], ignore_index=True)
    frame, member_notes = _members_only(everything, family, config.members)
    notes.extend(member_notes)
    inside = frame["gene_id"].isin(known)
    if not inside.all():
        absent = frame.loc[~inside, "gene_id"].unique()
        notes.append(
            f"Family {family!r}: {len(absent)} ids with hits are not in the expression table ({first_of(absent, 3)})."
        )
    pairs = _merge(frame[inside & (frame["evalue"] <= config.max_evalue)])
    return GradedFamily(_best_member(_grade(pairs), family), tuple(notes))


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


def _orient(hits: Hits, known: frozenset[str]) -> pd.DataFrame:
    """Return gene, member, scores and the member's coordinates."""
    genes = gene_side(hits, known)
    if genes == "query" and hits.format == "domtblout" and hits.profile_side is None:
        hits = swap_coordinates(hits)  # read as hmmsearch, but the genes are the queries: it was hmmscan
    member: Side = "subject" if genes == "query" else "query"
    ends = hits.frame[[f"{member}_start", f"{member}_end"]]
    return pd.DataFrame(
        {
            "gene_id": hits.frame[genes],
            "best_member": hits.frame[member],
            "evalue": hits.frame["evalue"],
            "bit_score": hits.frame["bit_score"],
            "domain_evalue": hits.frame["domain_evalue"],
            "start": ends.min(axis=1),
            "end": ends.max(axis=1),
            "length": hits.frame[f"{member}_length"],
        }
    )


def _members_only(frame: pd.DataFrame, family: str, members: Sequence[str]) -> tuple[pd.DataFrame, list[str]]:
    if not members:
        return frame, []
    present = sorted(frame["best_member"].unique())
    absent = [member for member in members if member not in set(present)]
    if len(absent) == len(members):
        raise UserError(
            wanted=f"one of the members {first_of(members)}",
            found=f"none of them in the search tables, which hold {first_of(present)}",
            where=f"families.{family}.members",
            remedy=f"Nearest to {absent[0]!r}: {nearest(absent[0], present)}. Take ids from the tables.",
        )
    notes = [f"Family {family!r}: no hits for {len(absent)} of its members ({first_of(absent)})."] if absent else []
    return frame[frame["best_member"].isin(members)], notes


def _merge(frame: pd.DataFrame) -> pd.DataFrame:
    """Merge the alignments of each table, gene and member into one row with a coverage."""
    largest = frame.groupby(["table", "best_member"])["end"].transform("max")
    frame = frame.assign(length=frame["length"].fillna(largest))
    counted = _counted(frame).sort_values([*_PAIR, "start"])
    reached = counted.groupby(_PAIR)["end"].cummax()
    before = reached.groupby([counted[key] for key in _PAIR]).shift()
    new = counted["end"] - np.maximum(counted["start"] - 1, before.fillna(0))
    counted = counted.assign(covered=new.clip(lower=0))
    covered = counted.groupby(_PAIR)["covered"].sum(min_count=1)
    pairs = frame.groupby(_PAIR).agg(evalue=("evalue", "min"), bit_score=("bit_score", "max"), length=("length", "max"))
    coverage = (covered / pairs["length"]).clip(upper=1.0)
    return pairs.assign(coverage=coverage).drop(columns="length").reset_index()


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the domains that count towards coverage: those that HMMER includes, else the best one."""
    best = frame.groupby(_PAIR)["domain_evalue"].transform("min")
    evalue = frame["domain_evalue"]
    return frame[evalue.isna() | (evalue <= INCLUDED_DOMAIN_EVALUE) | (evalue == best)]


def _grade(pairs: pd.DataFrame) -> pd.DataFrame:
    score = pairs["bit_score"].clip(lower=0)
    of_member = score.groupby([pairs["table"], pairs["best_member"]]).transform("max")
    of_family = score.groupby(pairs["table"]).transform("max")
    best = (of_member * of_family).pow(0.5)
    relative = score / best.where(best > 0, 1.0)
    return pairs.assign(grade=WEAKEST + (1 - WEAKEST) * relative * pairs["coverage"].fillna(1.0))


def _best_member(pairs: pd.DataFrame, family: str) -> pd.DataFrame:
    order = pairs.sort_values(["grade", "bit_score", "gene_id", "best_member"], ascending=[False, False, True, True])
    best = order.drop_duplicates("gene_id").assign(family=family)
    return best[list(HIT_COLUMNS)].reset_index(drop=True)


def _empty() -> pd.DataFrame:
    numbers = {"evalue", "bit_score", "coverage", "grade"}
    return pd.DataFrame({column: pd.Series(dtype="float64" if column in numbers else "str") for column in HIT_COLUMNS})
