"""Proteins from FASTA files: read as they are, or translated from transcripts."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyhmmer.easel import AA, DNA, Alphabet, DigitalSequence, GeneticCode
from pyhmmer.errors import InvalidParameter

from configs.errors import StudyFileError, TableError, first_of
from models.compressed import text_lines

SAMPLE_LETTERS = 10_000
"""Letters at the start of a file that tell nucleotides from amino acids."""

NUCLEOTIDE_SHARE = 0.9
"""Share of A, C, G, T, U and N from which letters are nucleotides; in proteins it is about a quarter."""

LAST_GENETIC_CODE = 33
"""Largest number that NCBI has given to a genetic code."""

LONGEST_PROTEIN = 100_000
"""Residues of the longest sequence that HMMER compares."""


@dataclass(frozen=True, slots=True)
class Protein:
    """One protein.

    Attributes
    ----------
    name : str
        First word of its FASTA header.
    sequence : str
        Residues in upper case, without the trailing stop; a stop inside is ``*``.
    """

    name: str
    sequence: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is read: its name, letters that are none of it, and where the study file wants the other kind."""

    noun: str
    foreign: re.Pattern[str]
    is_nucleotide: bool
    other: str


_PROTEINS = _Kind("amino acids", re.compile(r"[^A-Z*]"), False, "homology.transcripts")
_TRANSCRIPTS = _Kind("nucleotides", re.compile(r"[^ACGTUNRYSWKMBDHVX]"), True, "homology.proteins")


def read_proteins(content: bytes, name: str) -> Iterator[Protein]:
    """Read the proteins of a FASTA file, one at a time.

    Letters become upper case; white space, gaps (``-``) and the stop at the end (``*`` or ``.``) are dropped, so that
    an alignment gives its sequences. A stop inside stays, as ``*``, which HMMER, BLAST and DIAMOND know.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain; gzip is unpacked as the proteins are taken.
    name : str
        Name of the file, for messages.

    Yields
    ------
    Protein
        The proteins in the order of the file.

    Raises
    ------
    TableError
        Nucleotides in place of amino acids, a truncated gzip, text before the first header, a header without id, a
        sequence without residues or of more than 100,000, a letter that is no amino acid, an empty file; ids that stand
        there twice, once the whole file has been read.
    """
    for record in _read(content, name, _PROTEINS):
        yield _protein(record, record.sequence, name)


def translate_transcripts(content: bytes, name: str, *, genetic_code: int, min_residues: int) -> Iterator[Protein]:
    """Translate the transcripts of a FASTA file, one at a time: the longest reading frame of each.

    All six frames are translated, and the longest stretch between two stops, or a stop and an end of the transcript, is
    taken; of equally long ones the first, forward frames before reverse ones. A start codon is not asked for, since
    assembled transcripts are often cut. An ambiguous codon becomes its amino acid where it has but one (``GGN`` is
    glycine), and ``X`` where not; these count nothing for the length.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain: DNA or RNA with IUPAC letters.
    name : str
        Name of the file, for messages.
    genetic_code : int
        NCBI number of the genetic code, https://www.ncbi.nlm.nih.gov/Taxonomy/Utils/wprintgc.cgi.
    min_residues : int
        Shortest stretch that is taken, residues.

    Yields
    ------
    Protein
        One for each transcript, named as it is; with an empty sequence where no stretch is long enough, for the caller
        to count and leave out.

    Raises
    ------
    StudyFileError
        A genetic code that is not known.
    TableError
        Amino acids in place of nucleotides, and all that `read_proteins` raises.
    """
    translation = _Translation(_genetic_code(genetic_code), Alphabet.dna(), Alphabet.amino())
    for record in _read(content, name, _TRANSCRIPTS):
        yield _protein(record, translation.longest(record.sequence, min_residues), name)


def batches(proteins: Iterable[Protein], residues: int) -> Iterator[tuple[Protein, ...]]:
    """Group proteins, in order, into batches that end with the protein that brings them to `residues` or more."""
    batch: list[Protein] = []
    size = 0
    for protein in proteins:
        batch.append(protein)
        size += len(protein.sequence)
        if size >= residues:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


# Reading


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    name: str
    sequence: str


def _read(content: bytes, name: str, kind: _Kind) -> Iterator[_Record]:
    """Read the records of a file of the wanted kind; ids that stand there twice are told at its end."""
    _check_alphabet(content, name, kind)
    first_line: dict[str, int] = {}
    again: list[str] = []
    for record in _records(content, name, kind):
        if record.name in first_line:
            again.append(f"{record.name} (lines {first_line[record.name]} and {record.line})")
            continue
        first_line[record.name] = record.line
        yield record
    if again:
        raise TableError(
            wanted="each id once",
            found=f"{len(again)} that stand there again: {first_of(again)}",
            where=name,
            remedy="Keep one sequence for each id; the id is the first word of the header.",
        )
    if not first_line:
        raise TableError(
            wanted=f"a FASTA file of {kind.noun}",
            found="an empty file",
            where=name,
            remedy="Give a file with sequences.",
        )


def _records(content: bytes, name: str, kind: _Kind) -> Iterator[_Record]:
    """Cut the file at its headers."""
    header: tuple[int, str] | None = None
    parts: list[str] = []
    for number, line in enumerate(text_lines(content, name), start=1):
        if line.startswith(">"):
            if header is not None:
                yield _record(header, parts, name)
            header, parts = (number, _id(line, number, name)), []
        elif text := "".join(line.split()):
            if header is None:
                raise _not_fasta(text, number, name)
            parts.append(_letters(text, number, name, kind))
    if header is not None:
        yield _record(header, parts, name)


def _id(header: str, number: int, name: str) -> str:
    words = header[1:].split(maxsplit=1)
    if not words:
        raise TableError(
            wanted="an id after '>'",
            found="none",
            where=f"{name}, line {number}",
            remedy="Give each sequence an id as the first word of its header.",
        )
    return words[0]


def _letters(text: str, number: int, name: str, kind: _Kind) -> str:
    text = text.upper().replace("-", "")
    if not kind.is_nucleotide:
        text = text.replace(".", "*")  # gffread writes a stop as a dot
    if found := kind.foreign.search(text):
        raise TableError(
            wanted=kind.noun,
            found=f"the letter {found.group()!r}",
            where=f"{name}, line {number}",
            remedy=f"Take it out, or give a FASTA file of {kind.noun} only.",
        )
    return text


def _record(header: tuple[int, str], parts: list[str], name: str) -> _Record:
    record = _Record(*header, "".join(parts).rstrip("*"))
    if not record.sequence:
        raise TableError(
            wanted=f"a sequence for {record.name!r}",
            found="none",
            where=f"{name}, line {record.line}",
            remedy="Take the header out, or give its sequence.",
        )
    return record


def _not_fasta(text: str, number: int, name: str) -> TableError:
    return TableError(
        wanted="a FASTA file, which begins with '>'",
        found=f"the text {text[:60]!r} before the first header",
        where=f"{name}, line {number}",
        remedy="Give a FASTA file.",
    )


def _protein(record: _Record, sequence: str, name: str) -> Protein:
    if len(sequence) > LONGEST_PROTEIN:
        raise TableError(
            wanted=f"proteins of at most {LONGEST_PROTEIN:,} residues, the most that HMMER compares",
            found=f"{record.name!r} with {len(sequence):,}",
            where=f"{name}, line {record.line}",
            remedy="Take it out; no gene has so long a protein.",
        )
    return Protein(record.name, sequence)


# Alphabets


def _check_alphabet(content: bytes, name: str, kind: _Kind) -> None:
    """Refuse nucleotides where amino acids are wanted, and the reverse."""
    counts = _sample(content, name)
    total = counts.total()
    if not total:
        return
    share = sum(counts[letter] for letter in "ACGTUN") / total
    is_nucleotide = share >= NUCLEOTIDE_SHARE or (kind.is_nucleotide and not kind.foreign.search("".join(counts)))
    if is_nucleotide == kind.is_nucleotide:
        return
    found = "nucleotides" if is_nucleotide else "amino acids"
    raise TableError(
        wanted=kind.noun,
        found=f"{found}: {share:.1%} of the first {total:,} letters are A, C, G, T, U or N",
        where=name,
        remedy=f"Give this file as {kind.other}, or a file of {kind.noun}.",
    )


def _sample(content: bytes, name: str) -> Counter[str]:
    """Count the first letters of the sequences; none where the file does not begin as a FASTA file."""
    counts: Counter[str] = Counter()
    lines = (line for line in text_lines(content, name) if line.strip())
    if not next(lines, "").startswith(">"):
        return counts
    for line in lines:
        if not line.startswith(">"):
            counts.update(re.sub("[^A-Z]", "", line.upper())[: SAMPLE_LETTERS - counts.total()])
        if counts.total() >= SAMPLE_LETTERS:
            break
    return counts


# Translation


@dataclass(frozen=True, slots=True)
class _Translation:
    code: GeneticCode
    nucleotides: DNA
    residues: AA

    def longest(self, transcript: str, min_residues: int) -> str:
        """Return the longest stretch between stops, or nothing where it is too short."""
        unknown = bytes(self.residues.encode("X"))
        longest = max(self._stretches(transcript), key=lambda stretch: len(stretch) - stretch.count(unknown))
        return self.residues.decode(longest) if len(longest) - longest.count(unknown) >= min_residues else ""

    def _stretches(self, transcript: str) -> Iterator[bytes]:
        """Return the stretches of all six frames as pyhmmer's digits, those of the forward frames first."""
        stop = bytes(self.residues.encode("*"))
        forward = DigitalSequence(self.nucleotides, sequence=self.nucleotides.encode(transcript))
        for strand in (forward, forward.reverse_complement()):
            for start in range(3):
                end = start + max(len(transcript) - start, 0) // 3 * 3
                yield from bytes(self.code.translate(strand.sequence[start:end])).split(stop)


def _genetic_code(number: int) -> GeneticCode:
    try:
        return GeneticCode(number)
    except InvalidParameter as error:
        valid = ", ".join(str(code) for code in range(1, LAST_GENETIC_CODE + 1) if _is_known(code))
        raise StudyFileError(
            wanted=f"a genetic code that is known: {valid}",
            found=str(number),
            where="homology.genetic_code",
            remedy="Plants and most other eukaryotes have code 1, bacteria and plastids code 11.",
        ) from error


def _is_known(number: int) -> bool:
    try:
        GeneticCode(number)
    except InvalidParameter:
        return False
    return True
