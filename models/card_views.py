"""Cards as the page shows them: the sentence why, the pictures and the tables of a gene."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from models.card_records import Card, Record, number_of
from models.drawn_cards import Bin, Domain, chance_picture, domain_picture, expression_picture, scatter_picture
from models.report_tables import Table, card_tables
from models.why import why_sentence

_DOMAINS = 12
"""Stretches of a protein that are drawn at most, those with the most bits."""


@dataclass(frozen=True, slots=True)
class CardView:
    """A card as shown.

    Attributes
    ----------
    anchor : str
        Id of its part of the page.
    card : Card
    why : str
        Why the gene is ranked there.
    pictures : tuple of (str, Markup)
        What each picture shows, and the picture.
    tables : tuple of Table
        Evidence, partners and expression.
    """

    anchor: str
    card: Card
    why: str
    pictures: tuple[tuple[str, Markup], ...]
    tables: tuple[Table, ...]


def card_anchors(place: int, cards: Sequence[Card]) -> dict[str, str]:
    """Return the id of the card of each gene of the target at `place`."""
    return {card.gene_id: f"card-{place}-{number}" for number, card in enumerate(cards, 1)}


def card_views(cards: Sequence[Card], anchors: Mapping[str, str], n_genes: int) -> tuple[CardView, ...]:
    """Return the cards of one target as shown."""
    return tuple(
        CardView(
            anchor := anchors[card.gene_id],
            card,
            why_sentence(card, n_genes),
            _pictures(card),
            card_tables(anchor, card),
        )
        for card in cards
    )


def _pictures(card: Card) -> tuple[tuple[str, Markup], ...]:
    expression = [number_of(row["expression"]) for row in card.samples]
    groups = [str(row["group"]) for row in card.samples]
    drawn = [("Expression by replicate group (log2); the line is the mean", expression_picture(groups, expression))]
    if card.samples and isinstance(metabolite := card.samples[0]["metabolite_id"], str):
        abundance = [number_of(row["abundance"]) for row in card.samples]
        drawn.append((f"Samples: this gene and {metabolite}", scatter_picture(expression, abundance, metabolite)))
    drawn += _by_chance(card)
    if card.domains:
        drawn.append(_protein(card.domains))
    return tuple((title, picture) for title, picture in drawn if picture)


def _by_chance(card: Card) -> list[tuple[str, Markup]]:
    """Draw where each evidence of the gene stands among the values of chance."""
    drawn = []
    for row in card.evidence:
        own = [found for found in card.chance if found["evidence"] == row["evidence"]]
        bins = [Bin(number_of(one["low"]), number_of(one["high"]), round(number_of(one["n_values"]))) for one in own]
        picture = chance_picture(bins, number_of(row.get("strength")))
        drawn.append((f"Strength of {row['evidence']}: by chance, and of this gene (line)", picture))
    return drawn


def _protein(rows: Sequence[Record]) -> tuple[str, Markup]:
    """Draw what aligns with the gene's best sequence."""
    bits = [(number_of(row["bit_score"]), row) for row in rows]
    ordered = [row for _, row in sorted(bits, key=lambda pair: (not pair[1]["counted"], -_finite(pair[0])))]
    sequence = ordered[0]["sequence_id"]
    own = [row for row in ordered if row["sequence_id"] == sequence][:_DOMAINS]
    length = max((number_of(row["length"]) for row in own), key=_finite)
    domains = [
        Domain(str(row["member"]), round(number_of(row["start"])), round(number_of(row["end"])), bool(row["counted"]))
        for row in own
    ]
    return f"Homologs along the protein {sequence}; pale ones do not count", domain_picture(length, domains)


def _finite(value: float) -> float:
    return value if math.isfinite(value) else -math.inf
