"""The forms under which an id of a sequence is looked up, until what is left is the id of its gene."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, TypeAlias

Rule = Literal["exact", "map", "wrapper", "prefix", "ending", "letter", "gene", "case"]
"""What had to be done to an id until it joined, the last step that was needed."""

Level: TypeAlias = tuple[Rule, tuple[str, ...], bool]
"""The last step, the forms after it (several where a wrapper held several ids), and whether endings are off."""

_TAGS = frozenset(("sp", "tr", "ref", "gb", "emb", "dbj", "gi", "gnl", "lcl", "pdb", "pir", "prf", "tpg", "tpe", "jgi"))
_BEFORE_OTHER_THINGS = frozenset(("gi", "gnl", "jgi"))  # a number or the name of a database follows
# lcl|NC_003070.9_prot_NP_171609.1_1
_NCBI_LOCAL = re.compile(r"[A-Z]{1,6}_?\d+\.\d+_(?:prot|cds|[a-z]*rna)_(.+)_\d+", re.IGNORECASE)
_PREFIX = re.compile(
    r"(?:(?:gene|transcript|m?rna|cds|protein|(?:poly)?peptide|pep)[:-]|geneid:|cds\.|evm\.(?:model|tu)\.)+(?=.)",
    re.IGNORECASE,
)
# Os01t0100100 and Cc01_p00010, old grape GSVIVT01012345001, old maize AC147602.5_FGP004 of gene AC147602.5_FG004
_KIND_LETTER = re.compile(r"(?<=\d)(_?)([TPtp])(?=\d{4})|(?<=^GSVIV)([TP])(?=\d)|(?<=_FG)[TP](?=\d)")
_DIGIT = re.compile(r"[0-9]")
_ENDING = re.compile(
    r"(.+)(?:(?=[._:-])(?:"
    r"[._-][tp]\d{1,3}|\.p|_i\d+|_seq\d+|(?-i:-[RP][A-Z]{1,2})|-0\d|-\d{3}"  # .t1 _P001 .p _i3 -RA -01
    r"|[._:-](?:mrna|cds|pep|peptide|prot|protein|transcript|path|t?rna)(?:[.:_-]?\d+)?"  # -mRNA-1 _cds .mrna1
    r"|[._]v\d+|\.wm82\.a\d+|\.(?:tair|araport|msuv|itag|refgen_?v)\d+|\.refgen"  # versions in Phytozome's GFF3
    r")|(?<=\d)v\d+)",
    re.IGNORECASE | re.DOTALL,
)


def levels_of(name: str) -> Iterator[Level]:
    """Yield the forms of an id, one step after the other.

    Parameters
    ----------
    name : str
        Id as written.

    Yields
    ------
    Level
        First the id as it is; then without the names of databases, without prefixes, without one more ending each
        time; then again with the letter for a transcript or protein inside the id read as that for a gene. Steps that
        change nothing are left out.
    """
    forms: tuple[str, ...] = (name,)
    yield "exact", forms, False
    unwrapped = _unwrapped(name)
    if unwrapped != forms:
        yield "wrapper", unwrapped, False
    bare = tuple([without_prefix(form) for form in unwrapped])
    if bare != unwrapped:
        yield "prefix", bare, False
    for stems in _endings_off(bare):
        yield "ending", stems, True
    exchanged = tuple([_KIND_LETTER.sub(_gene_letter, form, count=1) for form in bare])
    if exchanged != bare:
        yield "letter", exchanged, False
        for stems in _endings_off(exchanged):
            yield "letter", stems, True


def without_prefix(name: str) -> str:
    """Return an id without a prefix that tells its kind, such as ``gene:`` or ``rna-``."""
    matched = _PREFIX.match(name)
    return name[matched.end() :] if matched else name


def _gene_letter(found: re.Match[str]) -> str:
    gap, letter = found[1] or "", found[2] or found[3]
    return gap if letter is None else f"{gap}{'G' if letter.isupper() else 'g'}"


def _unwrapped(name: str) -> tuple[str, ...]:
    """Return the ids inside the names of databases: ``gi|1|ref|NP_1.1|``, ``Gene.1::name::g.1::m.1``."""
    parts: list[str] = [name]
    if "|" in name:
        pairs = pairwise(("", *name.split("|")))
        parts = [
            word
            for before, word in pairs
            if word and word.lower() not in _TAGS and before.lower() not in _BEFORE_OTHER_THINGS
        ]
    if "::" in name:
        parts = [piece for part in parts for piece in part.split("::")[:2] if piece]
    if "rna_" in name or "cds_" in name or "prot_" in name:
        parts = [matched[1] if (matched := _NCBI_LOCAL.fullmatch(part)) else part for part in parts]
    return tuple(parts)


def _endings_off(forms: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the forms with one more ending off each time."""
    while forms := tuple([stem for form in forms if (stem := _stem(form))]):
        yield forms


def _stem(name: str) -> str:
    """Return the id without its last ending; nothing where it has none, or where only PB would be left of PB.1."""
    if name.isalnum():
        return ""
    head, _, tail = name.rpartition(".")
    if len(tail) <= 3 and tail.isdecimal():
        return head if _DIGIT.search(head) else ""
    matched = _ENDING.fullmatch(name)
    return matched[1] if matched else ""
