"""Profiles from HMMER files, and the names that they go by."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TypeAlias

from pyhmmer.easel import AA, Alphabet
from pyhmmer.plan7 import HMM, HMMFile

from configs.errors import TableError, first_of
from models.compressed import decompressed

Profile: TypeAlias = "HMM[AA]"
"""A profile of proteins."""


def read_profiles(content: bytes, name: str) -> tuple[Profile, ...]:
    """Read a file of HMMER profiles.

    Parameters
    ----------
    content : bytes
        The file as hmmbuild writes it or Pfam gives it, gzip or plain: one or many profiles of any HMMER3 version.
    name : str
        Name of the file, for messages.

    Returns
    -------
    tuple of HMM
        The profiles in the order of the file.

    Raises
    ------
    TableError
        A file of another kind, a truncated file or gzip, profiles of DNA or RNA, profiles without calibration, names
        that stand there twice.
    """
    text = decompressed(content, name)
    heads = _heads(text, name)
    _check_heads(heads, name)
    profiles: list[Profile] = []
    with HMMFile(BytesIO(text), alphabet=Alphabet.amino()) as file:
        for head in heads:
            try:
                profile = file.read()
            except ValueError as error:  # what pyhmmer raises for any fault of the format
                raise _damaged(head, str(error).strip(), name) from error
            if profile is None or profile.evalue_parameters.f_tau is None:
                raise _damaged(head, "no calibration (the lines STATS)", name)
            profiles.append(profile)
    return tuple(profiles)


def profile_names(profile: Profile) -> frozenset[str]:
    """Return what a profile may be called: ``p450``, or by accession ``PF00067.22`` or ``PF00067``."""
    accession = profile.accession
    return frozenset((profile.name, *((accession, accession.partition(".")[0]) if accession else ())))


@dataclass(frozen=True, slots=True)
class _Head:
    """What the head of a profile says, and whether its closing line is its last."""

    line: int
    name: str
    alphabet: str
    is_whole: bool


def _heads(text: bytes, name: str) -> list[_Head]:
    lines = text.decode("utf-8", "backslashreplace").splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"HMMER3/[a-f]\b", line)]
    before = next((number for number, line in enumerate(lines) if line.strip() and line[0] != "#"), None)
    if not starts or before != starts[0]:
        found = "an empty file" if before is None else f"a file of another kind, with the line {lines[before][:60]!r}"
        raise TableError(
            wanted="a text file of HMMER3 profiles, which begins with 'HMMER3/'",
            found=found,
            where=name if before is None else f"{name}, line {before + 1}",
            remedy="Give what hmmbuild writes or Pfam gives; hmmconvert makes it from HMMER2 or binary files.",
        )
    return [_head(lines[start:end], start + 1) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _head(lines: Sequence[str], number: int) -> _Head:
    fields: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(" ")
        if key == "HMM":  # the numbers follow
            break
        fields.setdefault(key, value.strip())
    last = next(line for line in reversed(lines) if line.strip())
    return _Head(number, fields.get("NAME", "without name"), fields.get("ALPH", "amino"), last.startswith("//"))


def _check_heads(heads: Sequence[_Head], name: str) -> None:
    for head in heads:
        if not head.is_whole:
            raise _damaged(head, "an end without its closing line, '//'", name)
    foreign = [head for head in heads if head.alphabet.lower() != "amino"]
    if foreign:
        raise TableError(
            wanted="profiles of proteins (ALPH amino)",
            found=f"{len(foreign)} of {foreign[0].alphabet}: {first_of(head.name for head in foreign)}",
            where=f"{name}, line {foreign[0].line}",
            remedy="Give profiles that were built from protein alignments.",
        )
    repeated = [head for head, count in Counter(head.name for head in heads).items() if count > 1]
    if repeated:
        lines = [head.line for head in heads if head.name == repeated[0]]
        raise TableError(
            wanted="each profile once",
            found=f"names that stand there again: {first_of(repeated)}",
            where=f"{name}, lines {', '.join(map(str, lines))}",
            remedy="Keep one profile for each NAME.",
        )


def _damaged(head: _Head, found: str, name: str) -> TableError:
    return TableError(
        wanted=f"a whole profile {head.name!r}",
        found=found,
        where=f"{name}, line {head.line}",
        remedy="Copy or download the file again, or build the profile anew with hmmbuild.",
    )
