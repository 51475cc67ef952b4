"""The card of a gene as the page shows it, put together from tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Card:
    """The card of one gene, as the page shows it.

    Attributes
    ----------
    gene_id : str
    rank : int
    description : str or None
    evidence, partners, expression : sequence of mapping
        Rows of the contracts `card_evidence`, `card_partners` and `card_expression`.
    """

    gene_id: str
    rank: int
    description: str | None = None
    evidence: Sequence[Record] = ()
    partners: Sequence[Record] = ()
    expression: Sequence[Record] = ()


def carded(block: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of the first `count` genes of one target that have a score, best first (contract `ranking`)."""
    return block.dropna(subset=["score"]).sort_values("rank", kind="stable").head(count)


def target_cards(
    block: pd.DataFrame,
    evidence: pd.DataFrame,
    partners: pd.DataFrame,
    expression: pd.DataFrame,
    *,
    count: int = 10,
) -> list[Card]:
    """Put together the cards of the first genes of one target.

    Parameters
    ----------
    block : DataFrame
        Rows of the target, contract `ranking`.
    evidence, partners, expression : DataFrame
        Tables of the contracts `card_evidence`, `card_partners` and `card_expression`, of all targets.
    count : int
        Cards at most.
    """
    rows = carded(block, count)
    targets = set(rows["target"])
    evidence, partners = (table[table["target"].isin(targets)] for table in (evidence, partners))
    found = [_records_by_gene(table, set(rows["gene_id"])) for table in (evidence, partners, expression)]
    return [
        Card(gene, int(rank), text if isinstance(text, str) else None, *(part.get(gene, ()) for part in found))
        for gene, rank, text in zip(rows["gene_id"], rows["rank"], rows["description"], strict=True)
    ]


def _records_by_gene(table: pd.DataFrame, genes: set[str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in table[table["gene_id"].isin(genes)].to_dict("records"):
        found.setdefault(str(record["gene_id"]), []).append({str(name): value for name, value in record.items()})
    return found
