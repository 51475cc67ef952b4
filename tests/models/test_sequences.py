"""FASTA files: each residue where it belongs, each damage named, transcripts translated in six frames."""

import gzip
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import TableError, UserError
from models.sequences import LONGEST_PROTEIN, Protein, batches, read_proteins, translate_transcripts

# one codon of the standard code for each residue; with them LIKGY has a stop in each of the five other frames
CODONS = dict(
    zip(
        "ACDEFGHIKLMNPQRSTVWY",
        re.findall("[ACGT]{3}", "GCATGTGATGAATTTGGTCATATTAAATTAATGAATCCACAAAGATCAACAGTATGGTAT"),
        strict=True,
    )
)
PAIRS = str.maketrans("ACGT", "TGCA")
RESIDUES = st.text("ACDEFGHIKLMNPQRSTVWY", min_size=1, max_size=150)


def proteins(content: bytes) -> list[tuple[str, str]]:
    return [(protein.name, protein.sequence) for protein in read_proteins(content, "p.faa")]


def translated(content: str, *, code: int = 1, least: int = 1) -> list[str]:
    found = translate_transcripts(content.encode(), "t.fna", genetic_code=code, min_residues=least)
    return [protein.sequence for protein in found]


def reverse_complement(sequence: str) -> str:
    return sequence.translate(PAIRS)[::-1]


def back_translated(protein: str) -> str:
    return "".join(CODONS[residue] for residue in protein)


def refused(content: bytes) -> str:
    with pytest.raises(TableError) as error:
        list(read_proteins(content, "p.faa"))
    return str(error.value)


def test_headers_and_residues_are_tidied():
    content = (
        b"\xef\xbb\xbf\n>AT1G01010.1 | NAC001\tnote\r\nmkt aY\r\n\r\nil*\r\n> b \n-MK-\nL.\n>c\nMK*L**\n>d x\nM.K\n"
    )
    assert proteins(content) == [("AT1G01010.1", "MKTAYIL"), ("b", "MKL"), ("c", "MK*L"), ("d", "M*K")]


@given(st.lists(RESIDUES, min_size=1, max_size=5), st.integers(1, 80), st.sampled_from(["\n", "\r\n", "\r"]))
def test_wrapping_case_line_ends_and_gzip_change_nothing(sequences: list[str], width: int, end: str):
    sequences = [sequence + "MLIPEKFW" * 20 for sequence in sequences]  # never mistaken for nucleotides
    lines: list[str] = []
    for number, sequence in enumerate(sequences):
        lines += [f">s{number} text", *re.findall(f".{{1,{width}}}", sequence.lower() if number % 2 else sequence)]
    content = end.join(lines).encode()
    expected = [(f"s{number}", sequence) for number, sequence in enumerate(sequences)]
    assert proteins(content) == proteins(gzip.compress(content)) == expected


def test_real_files_are_read_whole(shared_data: Path):
    # grep -c '^>' targets.faa; grep -v '^>' targets.faa | tr -d '\n*' | wc -c
    folder = shared_data / "homology_flavonoid"
    found = proteins((folder / "targets.faa").read_bytes())
    assert (len(found), sum(len(sequence) for _, sequence in found)) == (562, 196_673)
    assert len(proteins((folder / "queries.faa").read_bytes())) == 666


def test_nucleotides_are_no_proteins():
    content = b">t1\n" + b"ACGTTGCANU" * 990 + b"\n>t2\n" + b"ACGTACGTRY" * 10 + b"\n"
    assert refused(content) == (
        "p.faa: wanted amino acids, found nucleotides: 99.8% of the first 10,000 letters are A, C, G, T, U or N. "
        "Give this file as homology.transcripts, or a file of amino acids."
    )


def test_proteins_are_no_transcripts():
    with pytest.raises(
        TableError, match=r"wanted nucleotides, found amino acids: 25.0% of the first 8 letters"
    ) as error:
        translated(">p\nMKTLEEPN\n")
    assert "Give this file as homology.proteins" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "p.faa: wanted a FASTA file of amino acids, found an empty file"),
        (b" \n\n", "found an empty file"),
        (b"gene\tE\n>a\nMK\n", "p.faa, line 1: wanted a FASTA file, which begins with '>', found the text 'geneE'"),
        (b">a\nMK\n>\nML\n", "p.faa, line 3: wanted an id after '>', found none"),
        (b">a\nMK\n>b\n\n>c\nMK\n", "p.faa, line 3: wanted a sequence for 'b', found none"),
        (b">a\nMK\n>b\n**\n", "p.faa, line 3: wanted a sequence for 'b', found none"),
        (b">a\nMK\nM1K\n", "p.faa, line 3: wanted amino acids, found the letter '1'"),
        (">a\nMK\nMÄK\n".encode(), "p.faa, line 3: wanted amino acids, found the letter 'Ä'"),
        (b">a\n" + b"MKLI" * (LONGEST_PROTEIN // 4) + b"M\n", "of at most 100,000 residues"),
    ],
)
def test_faults_of_a_file_are_named(content: bytes, message: str):
    assert message in refused(content)
    assert message in refused(gzip.compress(content))


def test_ids_that_stand_there_twice_are_listed_with_their_lines():
    content = b"".join(b">g%d\nMKL\n" % (number % 7) for number in range(14))
    message = refused(content + b">g0 other words\nMKL\n")
    assert (
        "wanted each id once, found 8 that stand there again: 'g0 (lines 1 and 15)', 'g1 (lines 3 and 17)'" in message
    )
    assert "and 3 more" in message


def test_a_truncated_gzip_is_an_error(shared_data: Path):
    content = gzip.compress((shared_data / "homology_flavonoid" / "targets.faa").read_bytes())
    assert "p.faa: wanted a whole gzip file, found one that ends too early" in refused(content[:-5_000])


# Translation, by hand with the standard code


@pytest.mark.parametrize(
    ("transcript", "protein"),
    [
        ("ATGGGNTTYTARAAA", "MGF"),  # Met, Gly whatever follows GG, Phe, a stop whichever R is; Lys
        ("augggnuuyuaraaa", "MGF"),  # RNA
        (
            "CCATGAAATGG",
            "HEM",
        ),  # no start codon: CCA TGA AAT | CAT GAA ATG | ATG AAA TGG; frame 2 is the first of three
        ("ATGAAA", "MK"),  # the reverse strand, TTT CAT, is as long
        ("ATGTAATAATAA", "LLLH"),  # M and stops, CNN, VII; the reverse strand is TTA TTA TTA CAT
        ("ATGRRRTGG", "MXW"),  # RRR is Lys, Arg, Glu or Gly
        ("AT", ""),
        ("NNNNNNNNN", ""),
    ],
)
def test_the_longest_stretch_between_stops_is_taken(transcript: str, protein: str):
    assert translated(f">t\n{transcript}\n") == [protein]


def test_the_genetic_code_counts():
    # TGA is a stop in code 1 and Trp in code 4 (Mycoplasma, mould mitochondria); CTG is Ser in code 12 (Candida)
    assert translated(">t\nATGTGAATGTGAATG\n", code=4) == ["MWMWM"]
    assert translated(">t\nATGCTGTTC\n", code=12) == ["MSF"]
    assert translated(">t\nATGCTGTTC\n", code=1) == ["MLF"]


def test_an_unknown_genetic_code_lists_the_known_ones():
    known = "1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 16, 21, 22, 23, 24, 25"
    with pytest.raises(
        UserError, match=f"homology.genetic_code: wanted a genetic code that is known: {known}, found 7"
    ):
        translated(">t\nATG\n", code=7)


def test_short_frames_come_back_empty():
    found = translate_transcripts(b">a\nATGAAATTTGGG\n>b\nATGAAA\n", "t", genetic_code=1, min_residues=3)
    assert list(found) == [Protein("a", "MKFG"), Protein("b", "")]


@given(
    st.lists(st.text("ACDEFGHIKLMNPQRSTVWY", min_size=10, max_size=20), min_size=4, max_size=8),
    st.text("ACGT", max_size=30),
    st.text("ACGT", max_size=30),
    st.sampled_from(["+", "-"]),
)
def test_a_protein_is_found_again_between_any_flanks_on_either_strand(
    pieces: list[str], before: str, after: str, strand: str
):
    protein = "LIKGY".join(pieces)
    transcript = before + back_translated(protein) + after
    found = translated(f">t\n{reverse_complement(transcript) if strand == '-' else transcript}\n")[0]
    assert protein in found
    assert len(found) <= len(protein) + 20


def test_real_proteins_are_found_again(shared_data: Path):
    content = (shared_data / "homology_flavonoid" / "targets.faa").read_bytes()
    originals = [protein.sequence for protein in read_proteins(content, "p") if set(protein.sequence) <= set(CODONS)]
    found = translated("".join(f">{n}\nCA{back_translated(one)}TAACC\n" for n, one in enumerate(originals)))
    again = [original in one for original, one in zip(originals, found, strict=True)]
    assert len(again) == 556
    assert sum(again) > 0.98 * 556
    # in the others another frame is longer, by chance
    assert all(len(one) >= len(original) for original, one in zip(originals, found, strict=True))


def test_transcripts_with_foreign_letters_are_refused():
    with pytest.raises(TableError, match=r"t.fna, line 2: wanted nucleotides, found the letter 'E'"):
        translated(">t\nACGTACGTACGTACGTACGTE\n")


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 100))
def test_batches_keep_all_proteins_in_order_and_are_bounded(lengths: list[int], residues: int):
    originals = [Protein(f"p{number}", "M" * length) for number, length in enumerate(lengths)]
    found = list(batches(originals, residues))
    assert [protein for batch in found for protein in batch] == originals
    sizes = [[len(protein.sequence) for protein in batch] for batch in found]
    assert all(sum(size[:-1]) < residues for size in sizes)
    assert all(sum(size) >= residues for size in sizes[:-1])
