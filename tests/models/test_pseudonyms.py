"""Pseudonyms: of one name each, stable, and nothing without the secret."""

import hashlib
import hmac
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from configs.sharing import NameKind
from models.pseudonyms import PATTERN, Pseudonyms, pseudonyms_in

SECRET = bytes(range(32))
KINDS = st.sampled_from(get_args(NameKind))
HARD = (
    "AT1G01010",
    "AT1G01010.1",
    "at1g01010",
    "gene",
    "target",
    "12",
    "1.5",
    "β-gal",
    "β-gal ",
    "(+)-catechin",
    "\ud800",
)


@given(st.sets(st.text(min_size=1, max_size=20), max_size=10), KINDS)
@example(set(HARD), "gene")
def test_different_names_have_different_pseudonyms_that_say_nothing_of_them(names: set[str], kind: NameKind) -> None:
    pseudonyms = Pseudonyms(SECRET)
    given_out = {name: pseudonyms.of(kind, name) for name in names}
    assert len(set(given_out.values())) == len(names)
    assert all(PATTERN.fullmatch(pseudonym) for pseudonym in given_out.values())
    assert {pseudonyms.names[pseudonym] for pseudonym in given_out.values()} == names
    assert pseudonyms.originals() == names
    again = Pseudonyms(SECRET)
    assert {name: again.of(kind, name) for name in sorted(names, reverse=True)} == given_out


@given(st.text(min_size=1), KINDS, KINDS, st.binary(min_size=32, max_size=40))
def test_another_key_or_kind_gives_another_name(name: str, kind: NameKind, other: NameKind, secret: bytes) -> None:
    ours, theirs = Pseudonyms(SECRET), Pseudonyms(secret)
    assert (ours.of(kind, name) == theirs.of(kind, name)) == (secret == SECRET)
    assert (ours.fingerprint == theirs.fingerprint) == (secret == SECRET)
    assert (ours.of(kind, name).split("-")[1] == ours.of(other, name).split("-")[1]) == (kind == other)


def test_the_letters_are_those_of_hmac_sha256() -> None:
    # RFC 4648 base32 by hand: five bits a letter, from the first byte on.
    code = int.from_bytes(hmac.new(SECRET, b"gene\0AT1G01010", hashlib.sha256).digest()[:8])
    letters = "".join("abcdefghijklmnopqrstuvwxyz234567"[code >> shift & 31] for shift in range(59, 3, -5))
    assert Pseudonyms(SECRET).of("gene", "AT1G01010") == f"gene-{letters}"


def test_two_names_never_share_a_pseudonym() -> None:
    taken = Pseudonyms(SECRET).of("gene", "a")
    with pytest.raises(Exception, match="two names of the kind gene have the same pseudonym"):
        Pseudonyms(SECRET, {taken: "b"}).of("gene", "a")
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(b"short")


def test_pseudonyms_are_found_in_text_and_order_says_nothing() -> None:
    pseudonyms = Pseudonyms(SECRET)
    names = [f"AT1G{number:05}" for number in range(50)]
    found = pseudonyms.of_all("gene", names)
    assert list(found) == sorted(found)
    assert [pseudonyms.names[one] for one in found] != names
    text = f"ranking_{found[0]}.svg, {found[1]}={found[2]}; gene-family gene-abcdefghijkl2x"
    assert list(pseudonyms_in(text)) == list(found[:3])
