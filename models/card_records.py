"""The card of a gene as the page shows it, put together from tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

Record = Mapping[str, object]
STANDING = ("p", "q", "rank_low", "rank_high", "stability")
"""What the ranking says of how sure a gene's place is."""


@dataclass(frozen=True, slots=True)
class Card:
    """The card of one gene, as the page shows it.

    Attributes
    ----------
    gene_id : str
    rank : int
    description : str or None
    evidence, partners, expression, samples, domains : sequence of mapping
        Rows of the contracts `card_evidence`, `card_partners`, `card_expression`, `card_samples` and
        `homology_domains`.
    chance : sequence of mapping
        Rows of the contract `card_chance` of the target.
    standing : mapping
        Those of the columns `STANDING` of the contract `ranking` that the ranking has.
    """

    gene_id: str
    rank: int
    description: str | None = None
    evidence: Sequence[Record] = ()
    partners: Sequence[Record] = ()
    expression: Sequence[Record] = ()
    samples: Sequence[Record] = ()
    domains: Sequence[Record] = ()
    chance: Sequence[Record] = ()
    standing: Record = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class CardTables:
    """Tables of the contracts that cards are put together from.

    Attributes
    ----------
    evidence, partners : DataFrame
        Contracts `card_evidence` and `card_partners`, of all targets.
    expression : DataFrame
        Contract `card_expression`.
    samples : DataFrame or None
        Contract `card_samples`, of all targets; None where it was not kept.
    domains : sequence of DataFrame
        Contract `homology_domains`, of each family that serves the target.
    chance : DataFrame or None
        Contract `card_chance`, of all targets; None where it was not kept.
    """

    evidence: pd.DataFrame
    partners: pd.DataFrame
    expression: pd.DataFrame
    samples: pd.DataFrame | None
    domains: Sequence[pd.DataFrame]
    chance: pd.DataFrame | None = None


def number_of(value: object, *, default: float = math.nan) -> float:
    """Return the number in a cell of a record; `default` where there is none."""
    number = default if value is None else float(str(value))
    return default if math.isnan(number) else number


def carded(block: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the rows of the first `count` genes of one target that have a score, best first (contract `ranking`)."""
    return block.dropna(subset=["score"]).sort_values("rank", kind="stable").head(count)


def target_cards(block: pd.DataFrame, tables: CardTables, *, count: int) -> list[Card]:
    """Put together the cards of the first genes of one target.

    Parameters
    ----------
    block : DataFrame
        Rows of the target, contract `ranking`.
    tables : CardTables
        What the cards say.
    count : int
        Cards at most.
    """
    rows = carded(block, count)
    targets, genes = set(rows["target"]), set(rows["gene_id"])
    evidence, partners = (table[table["target"].isin(targets)] for table in (tables.evidence, tables.partners))
    samples = [] if tables.samples is None else [tables.samples[tables.samples["target"].isin(targets)]]
    domains = [table.dropna(subset=["start", "end"]) for table in tables.domains]
    own_evidence, own_partners, own_expression, own_samples, own_domains = (
        _records_by_gene(part, genes) for part in ([evidence], [partners], [tables.expression], samples, domains)
    )
    chance = [] if tables.chance is None else _records(tables.chance[tables.chance["target"].isin(targets)])
    return [
        Card(
            gene,
            int(rank),
            text if isinstance(text, str) else None,
            own_evidence.get(gene, ()),
            own_partners.get(gene, ()),
            own_expression.get(gene, ()),
            own_samples.get(gene, ()),
            own_domains.get(gene, ()),
            chance,
            standing,
        )
        for gene, rank, text, standing in zip(
            rows["gene_id"], rows["rank"], rows["description"], _records(rows.filter(STANDING)), strict=True
        )
    ]


def _records_by_gene(tables: Sequence[pd.DataFrame], genes: set[str]) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for table in tables:
        for record in _records(table[table["gene_id"].isin(genes)]):
            found.setdefault(str(record["gene_id"]), []).append(record)
    return found


def _records(table: pd.DataFrame) -> list[Record]:
    return [{str(name): value for name, value in record.items()} for record in table.to_dict("records")]
