"""Command lines of BLAST+ and DIAMOND, for known proteins searched among the proteins of the genes."""

import re
from typing import Literal

SearchProgram = Literal["blast", "diamond"]

REFERENCES = "references.faa"
PROTEINS = "proteins.faa"
HITS = "hits.tsv"
"""Files in the folder where the commands run."""

COLUMNS = (
    *("qseqid", "sseqid", "pident", "length", "mismatch", "gapopen"),
    *("qstart", "qend", "sstart", "send", "evalue", "bitscore", "qlen", "slen"),
)
"""Columns of the hits, in order."""

EXECUTABLES: dict[SearchProgram, tuple[str, ...]] = {"blast": ("blastp", "makeblastdb"), "diamond": ("diamond",)}
"""Executables that a search needs; the first tells the version."""

VERSION_COMMANDS: dict[SearchProgram, tuple[str, ...]] = {
    "blast": ("blastp", "-version"),
    "diamond": ("diamond", "version"),
}

OLDEST: dict[SearchProgram, tuple[int, ...]] = {"blast": (2, 2, 26), "diamond": (2, 0)}
"""Oldest versions that are run: earlier ones lack columns or sensitivities that are asked for."""

FEWEST_TARGETS = 5
"""BLAST warns when fewer targets are asked for."""


def search_commands(
    program: SearchProgram, *, n_sequences: int, max_evalue: float, cores: int
) -> tuple[tuple[str, ...], ...]:
    """Return the commands that make a database of the proteins and search it, one after the other.

    BLAST+ runs with its own defaults and DIAMOND in its very sensitive mode, since plant families of specialised
    metabolism go down to 25% identity: of 3134 pairs of 666 flavonoid proteins that BLAST+ 2.12.0 finds at E-value
    1e-5, DIAMOND 2.1.3 misses 345 (up to 324 bits) in its default mode, 51 (up to 72 bits) with ``--sensitive`` and 9
    (up to 55 bits) with ``--very-sensitive``. No hit is cut off: as many targets as there are sequences, and all
    alignments of a pair.

    Parameters
    ----------
    program : {'blast', 'diamond'}
        Who searches.
    n_sequences : int
        Proteins of the genes.
    max_evalue : float
        Hits with a larger E-value are left out.
    cores : int
        Threads.

    Returns
    -------
    tuple of tuple of str
        Arguments of each command, the executable's name first; all files by their names, without folders.

    References
    ----------
    Camacho et al. 2009, doi:10.1186/1471-2105-10-421 (BLAST+). Buchfink et al. 2021, doi:10.1038/s41592-021-01101-x
    (DIAMOND).
    """
    limit = ("--evalue", repr(float(max_evalue)))
    if program == "diamond":
        return (
            ("diamond", "makedb", "--in", PROTEINS, "--db", "proteins.dmnd", "--threads", str(cores), "--quiet"),
            (
                *("diamond", "blastp", "--query", REFERENCES, "--db", "proteins.dmnd", "--out", HITS),
                *("--outfmt", "6", *COLUMNS, *limit, "--max-target-seqs", "0", "--max-hsps", "0"),
                *("--very-sensitive", "--threads", str(cores), "--tmpdir", ".", "--quiet"),
            ),
        )
    targets = str(max(n_sequences, FEWEST_TARGETS))
    return (
        ("makeblastdb", "-in", PROTEINS, "-dbtype", "prot", "-out", "proteins"),
        (
            *("blastp", "-query", REFERENCES, "-db", "proteins", "-out", HITS),
            *("-outfmt", " ".join(("6", *COLUMNS)), "-evalue", limit[1]),
            *("-max_target_seqs", targets, "-num_threads", str(cores)),
        ),
    )


def read_version(text: str) -> str | None:
    """Return the first version in what a program prints about itself, such as ``2.12.0+``, or None."""
    match = re.search(r"\b\d+(\.\d+)+\+?", text)
    return match[0] if match else None


def is_too_old(program: SearchProgram, version: str) -> bool:
    """Tell whether a version is older than the oldest that is run."""
    return tuple(int(part) for part in version.rstrip("+").split(".")) < OLDEST[program]
