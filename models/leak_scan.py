"""The search for original names in files for others.

It is the second lock, not the first: names are replaced in tables, and all that people read is drawn from these anew.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from models.decoded import texts_of

_WORD = re.compile(r"[^\W_]+")
_SPACES = re.compile(r"[ \t\r\n\x0b\x0c]+")
_SHORTENED = re.compile(r"([^<>\n\u2026]{4,48})\u2026([^<>\n\u2026]{3,24})")
_PIECE, _OVERLAP = 2**22, 2**12
_SHORT_HEAD, _SHORT_TAIL = 4, 3
"""Letters before and after the ellipsis by which a shortened name is known."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A file that holds original names, and how many different ones."""

    file: str
    count: int


class Wanted:
    """Names that no file may hold.

    Parameters
    ----------
    names : iterable of str
        Original names of every kind.
    own_text : str
        What Cairn and the formats of the files write themselves.

    Attributes
    ----------
    searched : frozenset of str
        Names that are looked for, folded as `folded` does.
    ordinary : frozenset of str
        Names that are not: numbers, single letters, and what stands in `own_text`, such as `target`. In a page they
        prove nothing, so that for them the columns of names alone can be looked at.
    """

    def __init__(self, names: Iterable[str], own_text: str = "") -> None:
        given = {plain for name in names if (plain := folded(name).strip())}
        telling = {name for name in given if _is_telling(name)}
        self._index = _Index(telling)
        own = self._index.found_in(own_text)
        if own:
            self._index = _Index(telling - own)
        self.searched, self.ordinary = frozenset(telling - own), frozenset(given - telling | own)

    def found_in(self, text: str) -> frozenset[str]:
        """Return the names that stand in a text, as whole words or shortened in the middle."""
        return self._index.found_in(text)


class _Index:
    """Names by their longest word."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_word: dict[str, list[str]] = {}
        self._by_head: dict[str, list[str]] = {}
        for name in names:
            self._by_word.setdefault(max(_WORD.findall(name), key=len), []).append(name)
            self._by_head.setdefault(name[:_SHORT_HEAD], []).append(name)

    def found_in(self, text: str) -> frozenset[str]:
        found: set[str] = set()
        for piece in _pieces(text):
            plain = folded(piece)
            for word in set(_WORD.findall(plain)) & self._by_word.keys():
                found |= {name for name in self._by_word[word] if _stands_in(name, plain)}
            if "\u2026" in plain:
                found |= self._shortened_in(plain)
        return frozenset(found)

    def _shortened_in(self, plain: str) -> set[str]:
        return {
            name
            for head, tail in _SHORTENED.findall(plain)
            for start in range(len(head) - _SHORT_HEAD + 1)
            for name in self._by_head.get(head[start : start + _SHORT_HEAD], ())
            if name.startswith(head[start:]) and _ends_with_start_of(name[len(head) - start :], tail)
        }


def _is_telling(name: str) -> bool:
    """Say whether a name has two letters or digits at least, and a letter among them."""
    return sum(map(str.isalnum, name)) >= 2 and any(map(str.isalpha, name))


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, max(len(text), 1), _PIECE):
        yield text[max(0, start - _OVERLAP) : start + _PIECE]


def _ends_with_start_of(rest: str, tail: str) -> bool:
    return any(rest.endswith(tail[:length]) for length in range(_SHORT_TAIL, len(tail) + 1))


def _stands_in(name: str, text: str) -> bool:
    """Say whether a name stands in a text, and not within a longer word."""
    place = text.find(name)
    while place >= 0:
        end = place + len(name)
        if not (_is_joined(text[place - 1 : place], name[0]) or _is_joined(name[-1], text[end : end + 1])):
            return True
        place = text.find(name, place + 1)
    return False


def _is_joined(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum()


def folded(text: str) -> str:
    """Return text in which upper and lower case, compatible letters, and kinds of space are the same."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text.replace("\u2026", "\ue000"))
    return _SPACES.sub(" ", plain.casefold()).replace("\ue000", "\u2026")


def leaks_in(files: Iterable[tuple[str, bytes]], wanted: Wanted) -> tuple[Leak, ...]:
    """Search files for names.

    Parameters
    ----------
    files : iterable of (str, bytes)
        Path and content; the paths are searched, too.
    wanted : Wanted
        What no file may hold.

    Returns
    -------
    tuple of Leak
        The files that hold names; none where there is no leak.
    """
    counts = ((file, len(_names_in(file, content, wanted))) for file, content in files)
    return tuple(Leak(file, count) for file, count in counts if count)


def _names_in(file: str, content: bytes, wanted: Wanted) -> frozenset[str]:
    return wanted.found_in(file).union(*(wanted.found_in(text) for text in texts_of(content)))
