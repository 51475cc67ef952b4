"""Small pictures of a gene's card, drawn as SVG inside the page: they follow its colours and cost a few kilobytes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from models.display import without_middle

_TEXT, _ROW, _PLOT = 11, 17, 220
_NAMES = 150
_LETTERS = 24
_CHANCE = 70
_SIDE = 200
_DOMAIN_WIDTH, _DOMAIN_ROW = 420, 22
_SHADES = 6
"""Colours of the style sheet, `tone-0` to `tone-5`."""


@dataclass(frozen=True, slots=True)
class Bin:
    """A bin of a histogram: its edges, and the values in it."""

    low: float
    high: float
    n_values: int


@dataclass(frozen=True, slots=True)
class Domain:
    """A stretch of a protein that a member of a family aligns with.

    Attributes
    ----------
    member : str
        Profile or reference protein.
    start, end : int
        First and last residue, from 1, inclusive.
    counted : bool
        Whether it counts in the grade.
    """

    member: str
    start: int
    end: int
    counted: bool


def expression_picture(groups: Sequence[str], values: Sequence[float]) -> Markup:
    """Draw the expression of a gene: a row a replicate group, a dot a sample, a line at the mean.

    Parameters
    ----------
    groups : sequence of str, length n_samples
        Replicate group of each sample; rows come in the order of their first sample.
    values : sequence of float, length n_samples
        Prepared (log2) expression; NaN where missing.

    Returns
    -------
    Markup
        An `svg` element with its own title; empty where no sample has a value.
    """
    known = [(group, value) for group, value in zip(groups, values, strict=True) if math.isfinite(value)]
    if not known:
        return Markup()
    rows = list(dict.fromkeys(group for group, _ in known))
    low, high = _wide(min(value for _, value in known), max(value for _, value in known))
    height = _ROW * len(rows) + 24
    parts = []
    for place, group in enumerate(rows):
        own = [value for name, value in known if name == group]
        middle = _ROW * place + _ROW / 2
        mean = _NAMES + _along(sum(own) / len(own), low, high, _PLOT)
        parts.append(
            _text(_NAMES - 6, middle + 4, without_middle(group, _LETTERS), "end", group)
            + Markup('<path class="rule" d="M {} {:.1f} h {}"/>').format(_NAMES, middle, _PLOT)
            + Markup('<path class="mean" d="M {:.1f} {:.1f} v 11"/>').format(mean, middle - 5.5)
            + _dots([(_NAMES + _along(value, low, high, _PLOT), middle) for value in own])
        )
    parts.append(_scale(_NAMES, _ROW * len(rows) + 14, low, high, _PLOT))
    title = f"Expression (log2) by replicate group, {low:.3g} to {high:.3g}"
    return _svg(_NAMES + _PLOT + 14, height, title, parts)


def scatter_picture(expression: Sequence[float], abundance: Sequence[float], metabolite: str) -> Markup:
    """Draw a gene against a metabolite: a dot a sample that has both.

    Parameters
    ----------
    expression, abundance : sequence of float, length n_samples
        Prepared (log2) values; NaN where missing.
    metabolite : str
        Name of the metabolite.

    Returns
    -------
    Markup
        An `svg` element with its own title; empty with fewer than two samples.
    """
    known = [(x, y) for x, y in zip(expression, abundance, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(known) < 2:
        return Markup()
    x_low, x_high = _wide(min(x for x, _ in known), max(x for x, _ in known))
    y_low, y_high = _wide(min(y for _, y in known), max(y for _, y in known))
    left, top = 46, 8
    dots = [(left + _along(x, x_low, x_high, _SIDE), top + _SIDE - _along(y, y_low, y_high, _SIDE)) for x, y in known]
    bottom = top + _SIDE
    parts = [
        Markup('<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>').format(left, top, _SIDE, _SIDE),
        _dots(dots),
        _text(left - 4, bottom, f"{y_low:.3g}", "end"),
        _text(left - 4, top + 9, f"{y_high:.3g}", "end"),
        _scale(left, bottom + 13, x_low, x_high, _SIDE),
        _text(left + _SIDE / 2, bottom + 27, "expression (log2)", "middle"),
        Markup('<g transform="translate(12 {}) rotate(-90)">{}</g>').format(
            top + _SIDE / 2, _text(0, 0, f"{without_middle(metabolite, _LETTERS)} (log2)", "middle", metabolite)
        ),
    ]
    return _svg(left + _SIDE + 12, bottom + 34, f"Each sample's expression against {metabolite}, both log2", parts)


def chance_picture(bins: Sequence[Bin], value: float) -> Markup:
    """Draw what chance gives, as a histogram, and where a gene stands, as a line.

    Parameters
    ----------
    bins : sequence of Bin
        In ascending order, of strengths by chance.
    value : float
        Strength of the gene; NaN where it has none.

    Returns
    -------
    Markup
        An `svg` element with its own title; empty without bins or value.
    """
    if not bins or not math.isfinite(value):
        return Markup()
    low, high = _wide(min(bins[0].low, value), max(bins[-1].high, value))
    most = max(one.n_values for one in bins) or 1
    start, place = (4 + _along(at, low, high, _PLOT) for at in (bins[0].low, value))
    steps = [
        f" V {_CHANCE * (1 - 0.9 * one.n_values / most):.1f} H {4 + _along(one.high, low, high, _PLOT):.1f}"
        for one in bins
    ]
    parts = [
        Markup('<path class="chance" d="M {:.1f} {}{} V {} z"/>').format(start, _CHANCE, "".join(steps), _CHANCE),
        Markup('<path class="rule" d="M 4 {} h {}"/>').format(_CHANCE, _PLOT),
        Markup('<path class="mean" d="M {:.1f} 2 V {}"/>').format(place, _CHANCE),
        _scale(4, _CHANCE + 13, low, high, _PLOT),
    ]
    title = f"{sum(one.n_values for one in bins):,} strengths by chance from {bins[0].low:.3g} to {bins[-1].high:.3g}"
    return _svg(_PLOT + 8, _CHANCE + 18, f"{title}; this gene's is {value:.3g}", parts)


def domain_picture(length: float, domains: Sequence[Domain]) -> Markup:
    """Draw a protein to scale and what members of its families align with.

    Parameters
    ----------
    length : float
        Residues of the protein; NaN where only the alignments are known.
    domains : sequence of Domain
        Stretches, what counts in full colour.

    Returns
    -------
    Markup
        An `svg` element with its own title; empty without stretches.
    """
    if not domains:
        return Markup()
    last = max(domain.end for domain in domains)
    known = math.isfinite(length)
    end = max(float(last), length) if known else float(last)
    members = list(dict.fromkeys(domain.member for domain in domains))
    scale = _DOMAIN_WIDTH / end
    parts = [Markup('<path class="{}" d="M 4 14 h {}"/>').format("protein" if known else "protein open", _DOMAIN_WIDTH)]
    for domain in sorted(domains, key=lambda one: one.counted):
        tone = members.index(domain.member) % _SHADES
        parts.append(
            Markup(
                '<rect class="tone-{}{}" x="{:.1f}" y="7" width="{:.1f}" height="14"><title>{}</title></rect>'
            ).format(
                tone,
                "" if domain.counted else " pale",
                4 + (domain.start - 1) * scale,
                max((domain.end - domain.start + 1) * scale, 1.0),
                f"{domain.member}, residues {domain.start} to {domain.end}",
            )
        )
    ends = f"{end:,.0f} residues" if known else f"aligned up to {end:,.0f}"
    parts.append(_text(4 + _DOMAIN_WIDTH, 36, ends, "end"))
    for place, member in enumerate(members[:_SHADES]):
        y = 36 + _ROW * place
        parts.append(Markup('<rect class="tone-{}" x="4" y="{}" width="10" height="10"/>').format(place, y - 9))
        parts.append(_text(20, y, without_middle(member, _LETTERS), "start", member))
    height = 36 + _ROW * min(len(members), _SHADES)
    told = "; ".join(f"{one.member} {one.start} to {one.end}" for one in domains[:_SHADES])
    return _svg(_DOMAIN_WIDTH + 8, height, f"Protein and what it aligns with: {told}", parts)


def _wide(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _along(value: float, low: float, high: float, width: float) -> float:
    """Return a position that keeps 6 units free at both ends."""
    return 6 + (value - low) / (high - low) * (width - 12)


def _dots(places: Sequence[tuple[float, float]]) -> Markup:
    return Markup("").join(Markup('<circle cx="{:.1f}" cy="{:.1f}" r="3"/>').format(x, y) for x, y in places)


def _scale(left: float, y: float, low: float, high: float, width: float) -> Markup:
    return _text(left, y, f"{low:.3g}", "start") + _text(left + width, y, f"{high:.3g}", "end")


def _text(x: float, y: float, words: str, anchor: str, whole: str = "") -> Markup:
    title = Markup("<title>{}</title>").format(whole) if whole and whole != words else Markup()
    return Markup('<text x="{:g}" y="{:.1f}" text-anchor="{}">{}{}</text>').format(x, y, anchor, title, words)


def _svg(width: float, height: float, title: str, parts: Sequence[Markup]) -> Markup:
    """Return a picture that shrinks with the page and is read out by its title.

    Its paths have a space behind each letter: `M10` in one of them would be taken for a metabolite of that name.
    """
    return Markup(
        '<svg class="drawn" role="img" aria-label="{}" viewBox="0 0 {:g} {:g}" width="{:g}" height="{:g}">{}</svg>'
    ).format(escape(title), width, height, width, height, Markup("").join(parts))
