"""Gene families on the report page: their tables, and what is said of genes that fit several."""

from collections.abc import Mapping, Sequence

from models.card_records import Record
from models.report_tables import Table, table_of

CLOSE = 0.1
"""Margin below which a gene fits another family nearly as well."""

_LISTED = 5
_GRADES = (0.0, 1.0)
_MEMBER_COLUMNS = (
    "gene_id",
    "sequence_id",
    "best_member",
    "n_members",
    "grade",
    "margin",
    "rival",
    "bit_score",
    "evalue",
    "member_coverage",
    "protein_coverage",
    "reciprocal",
)
_FAMILY_COLUMNS = ("family", "n_genes", "n_best", "best_gene", "best_grade", "targets")


def families_table(
    name: str, rows: Sequence[Record], anchors: Mapping[str, str], *, genes: Mapping[str, str] | None = None
) -> Table | None:
    """Return the table of all families, a row each.

    Parameters
    ----------
    name : str
        Id of the table on the page.
    rows : sequence of mapping
        `family`, `n_genes` (genes with a hit), `n_best` (genes that fit it best), `best_gene`, `best_grade`, `targets`.
    anchors : mapping of str to str
        Id of the section of each family on the page.
    genes : mapping of str to str, optional
        Id of the card of each gene that has one.
    """
    return table_of(
        name,
        "Families of the study",
        rows,
        columns=_FAMILY_COLUMNS,
        heading="family",
        bars={"best_grade": _GRADES},
        anchors={"family": anchors, "best_gene": genes or {}},
    )


def members_table(
    name: str,
    caption: str,
    hits: Sequence[Record],
    anchors: Mapping[str, str],
    *,
    genes: Mapping[str, str] | None = None,
) -> Table | None:
    """Return the table of a family's best genes, rows of the contract `homology_hits`, best first.

    The sequence is shown where any has another name than its gene, and how many members add up where any has several.
    """
    alike = all(row["sequence_id"] == row["gene_id"] for row in hits)
    single = all(row["n_members"] == 1 for row in hits)
    hidden = {"sequence_id": alike, "n_members": single}
    columns = [column for column in _MEMBER_COLUMNS if not hidden.get(column)]
    return table_of(
        name,
        caption,
        hits,
        columns=columns,
        heading="gene_id",
        bars={"grade": _GRADES},
        anchors={"rival": anchors, "gene_id": genes or {}},
    )


def rival_sentences(hits: Sequence[Record]) -> tuple[str, ...]:
    """Say which genes fit another family better, and which nearly as well.

    Parameters
    ----------
    hits : sequence of mapping
        Rows of the contract `homology_hits`. A grade below `CLOSE` fits nothing well, so its margin says nothing.

    Returns
    -------
    tuple of str
        A sentence each, the first five genes named; none for what no gene does.
    """
    rivals = [row for row in hits if isinstance(row["rival"], str)]
    better = [row for row in rivals if _number(row, "margin") < 0]
    close = [row for row in rivals if 0 <= _number(row, "margin") < CLOSE <= _number(row, "grade")]
    said = ((better, "another family better"), (close, f"another family nearly as well, by a margin below {CLOSE:g}"))
    return tuple(_sentence(rows, len(hits), what) for rows, what in said if rows)


def _number(row: Record, column: str) -> float:
    return float(str(row[column]))


def _sentence(rows: Sequence[Record], total: int, what: str) -> str:
    genes = ", ".join(f"{row['gene_id']} ({row['rival']})" for row in rows[:_LISTED])
    further = f" and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    return f"{len(rows)} of the {total} {'fits' if len(rows) == 1 else 'fit'} {what}: {genes}{further}."
