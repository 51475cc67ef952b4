"""A sentence that says why a gene ranks where it does, made from the tables of its card and nothing else."""

import math
from collections.abc import Mapping, Sequence

from models.card_records import STANDING, Card, Record, number_of
from models.design import written_p
from models.workbook_words import TOP

_WORDS = {
    "correlation": "its correlation with the metabolites",
    "bait": "its co-expression with the known genes",
    "homology": "its likeness to the families",
    "autoencoder": "the autoencoder",
    "graph": "the sample graph",
}
_MEDIAN = 0.5


def why_sentence(card: Card, n_genes: int) -> str:
    """Say in plain words what brought a gene to its rank, and what speaks against it.

    Parameters
    ----------
    card : Card
        Evidence and partners of the gene.
    n_genes : int
        Genes in the whole ranking.

    Returns
    -------
    str
        A few sentences; none claims more than the card's tables hold.
    """
    partners = {kind: _first(card.partners, kind) for kind in ("metabolite", "bait", "homolog")}
    evidence = {str(row["evidence"]): row for row in card.evidence}
    said = [
        f"Number {card.rank:,} of {n_genes:,} genes{_mostly(evidence)}.",
        _metabolite(partners["metabolite"], evidence.get("correlation")),
        _bait(partners["bait"]),
        _homolog(partners["homolog"]),
        _against(evidence),
        _standing(card.standing),
    ]
    return " ".join(sentence for sentence in said if sentence)


def _mostly(evidence: Mapping[str, Record]) -> str:
    """Name the evidence that adds most to the score, and how much of it."""
    parts = {name: number_of(row.get("contribution")) for name, row in evidence.items()}
    known = {name: part for name, part in parts.items() if part > 0}
    if not known:
        return ""
    best = max(known, key=lambda name: known[name])
    return f", most of all by {_WORDS.get(best, best)} ({known[best] / sum(known.values()):.0%} of its score)"


def _metabolite(partner: Record | None, evidence: Record | None) -> str:
    if partner is None:
        return ""
    rho = number_of(partner["value"])
    detail = f", {partner['detail']}" if isinstance(partner.get("detail"), str) else ""
    below = number_of(evidence.get("null_percentile")) if evidence else math.nan
    chance = f"; {_share(below)} of values by chance are weaker" if math.isfinite(below) else ""
    return (
        f"It {'rises' if rho > 0 else 'falls'} as {partner['partner']} rises (correlation {rho:.2f}{detail}{chance})."
    )


def _share(value: float) -> str:
    """Write a share so that less than all never reads as all."""
    return "all" if value >= 1 else "over 99.9%" if value > 0.999 else f"{value:.1%}"


def _bait(partner: Record | None) -> str:
    if partner is None:
        return ""
    return f"Of the known genes it is closest to {partner['partner']} (mutual rank {number_of(partner['value']):,.0f})."


def _homolog(partner: Record | None) -> str:
    if partner is None:
        return ""
    return f"It resembles {partner['partner']} ({partner['detail']}; grade {number_of(partner['value']):.2f} of 1)."


def _against(evidence: Mapping[str, Record]) -> str:
    low = [name for name, row in evidence.items() if number_of(row.get("rank01"), default=1.0) < _MEDIAN]
    if "homology" in low and number_of(evidence["homology"].get("value"), default=0.0) == 0:
        others = _against({name: row for name, row in evidence.items() if name != "homology"})
        return f"{others} No member of the families resembles it.".strip()
    if not low:
        return ""
    weak = [_WORDS.get(name, name) for name in low]
    listed = weak[0] if len(weak) == 1 else f"{', '.join(weak[:-1])} and {weak[-1]}"
    return f"Against it: by {listed} it stands in the lower half of all genes."


def _standing(standing: Record) -> str:
    """Say how sure the place is: by permuted groups, and without one group at a time."""
    p, q, low, high, stability = (number_of(standing.get(name)) for name in STANDING)
    said = []
    if math.isfinite(p):
        said.append(f"By permuting replicate groups p is {written_p(p)} (q {written_p(q)}).")
    if math.isfinite(low):
        among = f", in {stability:.0%} of these in {TOP}" if math.isfinite(stability) else ""
        said.append(f"Without one replicate group at a time it ranks {low:,.0f} to {high:,.0f}{among}.")
    return " ".join(said)


def _first(partners: Sequence[Record], kind: str) -> Record | None:
    return next((row for row in partners if row["kind"] == kind), None)
