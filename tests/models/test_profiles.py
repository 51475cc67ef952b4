"""Profiles: files of one or many, each damage named, members found by name or accession."""

import gzip
import io
import re
from functools import cache
from pathlib import Path

import pytest
from pyhmmer.easel import Alphabet, DigitalSequence
from pyhmmer.plan7 import Background, Builder

from configs.errors import TableError
from models.profiles import profile_names, read_profiles


@cache
def hmm(name: str, accession: str = "", alphabet: str = "amino") -> bytes:
    """Build a small calibrated profile."""
    letters = {"amino": Alphabet.amino, "DNA": Alphabet.dna, "RNA": Alphabet.rna}[alphabet]()
    text = "MKLIPEWGHC" if alphabet == "amino" else "ACGTACGGTT"
    builder, background = Builder(letters), Background(letters)
    sequence = DigitalSequence(letters, name=name, sequence=letters.encode(text))
    profile = builder.build(sequence, background)[0]
    profile.accession = accession or None
    sink = io.BytesIO()
    profile.write(sink)
    return sink.getvalue()


def names(content: bytes) -> list[str]:
    return [profile.name for profile in read_profiles(content, "f.hmm")]


def refused(content: bytes) -> str:
    with pytest.raises(TableError) as error:
        read_profiles(content, "f.hmm")
    return str(error.value)


def test_one_or_many_plain_or_gzip():
    content = hmm("one") + b"\n" + hmm("two")
    assert names(hmm("one")) == ["one"]
    assert names(content) == names(gzip.compress(content)) == names(content.replace(b"\n", b"\r\n")) == ["one", "two"]


def test_both_header_versions_are_read(shared_data: Path):
    # zgrep -c '^HMMER3/f .3.1b2' and '^HMMER3/f .3.3 ' of families.hmm.gz: 31 and 9
    content = (shared_data / "homology_flavonoid" / "families.hmm.gz").read_bytes()
    profiles = read_profiles(content, "families.hmm.gz")
    assert len(profiles) == 40
    assert [(profile.name, profile.accession, profile.M) for profile in profiles[:2]] == [
        ("p450", "PF00067.19", 463),
        ("UDPGT", "PF00201.15", 499),
    ]
    assert sum(profile.cutoffs.gathering_available() for profile in profiles) == 39


def test_older_formats_are_read():
    assert names(hmm("one").replace(b"HMMER3/f", b"HMMER3/b")) == ["one"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "f.hmm: wanted a text file of HMMER3 profiles, which begins with 'HMMER3/', found an empty file"),
        (b"# a comment\n", "found an empty file"),
        (
            b"\n>a\nMK\n",
            "f.hmm, line 2: wanted a text file of HMMER3 profiles, which begins with 'HMMER3/', found a file",
        ),
        (b"HMMER2.0  [2.3.2]\nNAME  x\n", "with the line 'HMMER2.0  [2.3.2]'"),
        (b"HMMER3/z [9.9]\nNAME  x\n//\n", "with the line 'HMMER3/z [9.9]'"),
        (b"\xf0\xcd\xed\xb3\x00\x01", "hmmconvert makes it from HMMER2 or binary files"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str):
    assert message in refused(content)


@pytest.mark.parametrize("alphabet", ["DNA", "RNA"])
def test_profiles_of_another_alphabet_are_refused(alphabet: str):
    n_lines = hmm("one").count(b"\n")
    content = hmm("one") + hmm("rRNA", alphabet="DNA").replace(b"ALPH  DNA", f"ALPH  {alphabet}".encode())
    assert refused(content) == (
        f"f.hmm, line {n_lines + 1}: wanted profiles of proteins (ALPH amino), found 1 of {alphabet}: 'rRNA'. "
        "Give profiles that were built from protein alignments."
    )


def test_truncated_files_are_refused():
    two = hmm("one") + hmm("two")
    n_lines = hmm("one").count(b"\n")
    assert f"f.hmm, line {n_lines + 1}: wanted a whole profile 'two', found an end without its closing" in refused(
        two[:-9]
    )
    assert "f.hmm, line 1: wanted a whole profile 'one', found an end without its closing" in refused(
        hmm("one").removesuffix(b"//\n") + hmm("two")
    )
    assert "found an end without its closing" in refused(two + b"rest of a profile\n")
    assert "f.hmm: wanted a whole gzip file, found one that ends too early" in refused(gzip.compress(two)[:-20])


def test_damaged_profiles_are_refused():
    lines = hmm("one").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.split()[:1] == [b"3"])
    message = refused(hmm("zero") + b"".join(lines[:at] + lines[at + 1 :]))
    assert (
        f"f.hmm, line {hmm('zero').count(b'%c' % 10) + 1}: wanted a whole profile 'one', found Invalid format"
        in message
    )
    uncalibrated = re.sub(rb"STATS.*\n", b"", hmm("one"))
    assert "f.hmm, line 1: wanted a whole profile 'one', found no calibration (the lines STATS)" in refused(
        uncalibrated
    )


def test_names_that_stand_there_twice_are_refused():
    content = hmm("one") + hmm("two") + hmm("one", "PF1.2")
    n_lines = (hmm("one") + hmm("two")).count(b"\n")
    assert refused(content) == (
        f"f.hmm, lines 1, {n_lines + 1}: wanted each profile once, found names that stand there again: 'one'. "
        "Keep one profile for each NAME."
    )


PROFILES = hmm("p450", "PF00067.22") + hmm("UDPGT", "PF00201.15") + hmm("own")


def test_a_profile_goes_by_name_and_by_accession_with_and_without_version():
    names = [profile_names(profile) for profile in read_profiles(PROFILES, "f.hmm")]
    assert names == [{"p450", "PF00067.22", "PF00067"}, {"UDPGT", "PF00201.15", "PF00201"}, {"own"}]
