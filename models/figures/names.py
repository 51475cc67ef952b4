"""Names in figures: short enough to be read, different where they differ, and measured in the font of all figures."""

import re
from collections.abc import Sequence
from functools import lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import FT2Font, LoadFlags

from models.display import GAP, without_middle

FONT = "DejaVu Sans"
"""Comes with matplotlib, so every machine draws the same."""
_MM_PER_POINT = 25.4 / 72.0


def _font() -> FT2Font:
    return get_font(findfont(FontProperties(family=[FONT])))


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def shorten(name: object, width: int = 24, *, tail: float = 1 / 3) -> str:
    """Return `name` on one line of at most `width` characters, the middle left out, unknown glyphs as `?`.

    `tail` is the share of what is left that stands behind the gap.
    """
    line = re.sub(r"\s+", " ", str(name)).strip()
    line = "".join(letter if ord(letter) in _drawable() and letter.isprintable() else "?" for letter in line)
    return without_middle(line, width, tail=tail)


def short_names(names: Sequence[str], width: int = 24) -> list[str]:
    """Shorten names that belong together, and keep different ones different.

    Where one is too long, what all begin with gives way first, as much of it as must; then what all end with.
    """
    lines = [shorten(name, max(width, len(str(name)))) for name in names]
    if len(set(lines)) > 1:
        lines = _without_start(lines, width)
        lines = [line[::-1] for line in _without_start([line[::-1] for line in lines], width)]
    different = len(set(names))
    for tail in (1 / 3, 1 / 2, 2 / 3, 5 / 6, 0):
        short = [shorten(line, width, tail=tail) for line in lines]
        if len(set(short)) == different:
            return short
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names), 1)}
    return [f"{shorten(line, width - 6)}#{numbers[name]}" for line, name in zip(lines, names, strict=True)]


def _without_start(lines: Sequence[str], width: int) -> list[str]:
    """Leave out what all lines begin with, whole words and numbers only, as far as they are too long."""
    ends = _common_words(lines)
    too_long = max(map(len, lines)) + 1 - width
    if too_long <= 1 or not ends:
        return list(lines)
    start = next((end for end in ends if end >= too_long), ends[-1])
    return [f"{GAP}{line[start:]}" for line in lines]


def _common_words(lines: Sequence[str]) -> list[int]:
    """Return where words and numbers end in what all lines begin with, if there is more than a letter of it."""
    first, last = min(lines), max(lines)
    alike = next((place for place, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return [place for place in range(2, alike + 1) if not first[place - 1].isalnum()]


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key under which `S2` comes before `S10`."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts)


def text_width(names: Sequence[str], size: float) -> float:
    """Return how many mm the widest of `names` takes at `size` points."""
    return widest(names, size) * _MM_PER_POINT


def widest(texts: Sequence[str], size: float) -> float:
    """Return the width of the widest text in points."""
    return max((_em_width(text) for text in texts), default=0.0) * size


@lru_cache(maxsize=4096)
def _em_width(text: str) -> float:
    """Return the width of a line of text at a size of one."""
    font = _font()
    font.set_size(100, 72)
    font.set_text(text, 0.0, flags=LoadFlags.NO_HINTING)
    return font.get_width_height()[0] / 64 / 100


def break_lines(text: str, width: float, size: float) -> list[str]:
    """Return the lines of `text`; where one of `size` is wider than `width`, both in points, all are filled anew."""
    given = text.split("\n")
    if widest(given, size) <= width:
        return given
    first, *words = text.split()
    lines = [first]
    for word in words:
        longer = f"{lines[-1]} {word}"
        if widest([longer], size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
