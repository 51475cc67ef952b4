"""HMMER in process beside the hmmsearch and phmmer binaries, on the same input."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import psutil

from models.compressed import decompressed
from models.hits import NUMBERS, Hits
from models.hmmer_search import SearchSettings, search_profiles, search_references
from models.homology_tables import read_hits
from models.profiles import read_profiles
from models.sequences import Protein, read_proteins
from tests.benchmarks.measuring import measured
from tests.benchmarks.tables import Table
from tests.conftest import DATA

Program = Literal["hmmsearch", "phmmer"]
Rows = frozenset[tuple[object, ...]]

FOLDER = DATA / "homology_flavonoid"
N_PROTEINS, N_FEW, N_REFERENCES = 40_000, 10_000, 50
SHARE_RELATED, SHARE_MUTATED = 0.05, 0.3
MAX_EVALUE, REPEATS = 1e-5, 2
PRINTED_AS_ZERO = 1e-300
"""E-values below are 0 in HMMER 3.3, and denormal numbers in the HMMER of pyhmmer."""
RESIDUES = np.frombuffer(b"ACDEFGHIKLMNPQRSTVWY", dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    rows: Rows


def _real(name: str) -> list[Protein]:
    return list(read_proteins((FOLDER / name).read_bytes(), name))


def _proteome(n_proteins: int) -> bytes:
    """Simulate a proteome as FASTA: real proteins, 5% with 30% of their residues replaced, the others shuffled."""
    random = np.random.default_rng(1)
    pool = [np.frombuffer(protein.sequence.encode(), dtype=np.uint8) for protein in _real("queries.faa")]
    pool += [np.frombuffer(protein.sequence.encode(), dtype=np.uint8) for protein in _real("targets.faa")]
    lines: list[bytes] = []
    for number in range(n_proteins):
        sequence = random.permutation(pool[random.integers(len(pool))])
        if random.random() < SHARE_RELATED:
            sequence = pool[random.integers(len(pool))]
            is_mutated = random.random(len(sequence)) < SHARE_MUTATED
            sequence = np.where(is_mutated, random.choice(RESIDUES, len(sequence)), sequence)
        lines.append(b">P%05d\n%s\n" % (number, sequence.tobytes()))
    return b"".join(lines)


def _references() -> bytes:
    proteins = _real("queries.faa")
    chosen = proteins[:: len(proteins) // N_REFERENCES][:N_REFERENCES]
    return "".join(f">{protein.name}\n{protein.sequence}\n" for protein in chosen).encode()


def _printed(hits: Hits) -> Rows:
    """Return the hits, rounded as HMMER prints them."""
    frame = hits.frame.copy()
    for name in ("evalue", "domain_evalue"):
        frame[name] = [float(f"{value:.2g}") if value > PRINTED_AS_ZERO else 0.0 for value in frame[name]]
    for name in ("bit_score", "domain_score"):
        frame[name] = [float(f"{value:.1f}") for value in frame[name]]
    return frozenset(frame[["query", "subject", *NUMBERS]].itertuples(index=False, name=None))


def in_process(*, program: Program, n_proteins: int, cpus: int) -> Callable[[], Rows]:
    """Return a search in process, from the bytes of both files to the hits; it returns the hits as printed."""
    proteome, references = _proteome(n_proteins), _references()
    profiles = (FOLDER / "families.hmm.gz").read_bytes()
    settings = SearchSettings(max_evalue=MAX_EVALUE, thresholds="evalue", cpus=cpus)

    def run() -> Rows:
        search = (
            partial(search_profiles, read_profiles(profiles, "families.hmm.gz"))
            if program == "hmmsearch"
            else partial(search_references, list(read_proteins(references, "references.faa")))
        )
        return _printed(
            search(
                lambda: ([protein] for protein in read_proteins(proteome, "proteome.faa")),
                n_proteins=n_proteins,
                settings=settings,
                progress=lambda _: None,
            )
        )

    return run


def _binary(*, program: Program, n_proteins: int, cpus: int) -> _Run | None:
    """Run the program of HMMER on the same files, if it is installed; the fastest of the runs counts."""
    path = shutil.which(program)
    if path is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        query = decompressed((FOLDER / "families.hmm.gz").read_bytes(), "") if program == "hmmsearch" else _references()
        (folder / "query").write_bytes(query)
        (folder / "proteome.faa").write_bytes(_proteome(n_proteins))
        options = ["--cpu", str(cpus), "--noali", "-E", str(MAX_EVALUE), "-o", "/dev/null", "--domtblout", "hits"]
        times = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            subprocess.run([path, *options, "query", "proteome.faa"], cwd=folder, check=True, timeout=3_600)  # noqa: S603
            times.append(time.perf_counter() - started)
        return _Run(min(times), _printed(read_hits((folder / "hits").read_bytes(), program)))


def _row(program: Program, n_proteins: int, cpus: int) -> tuple[str, ...]:
    binary = _binary(program=program, n_proteins=n_proteins, cpus=cpus)
    ours = measured(in_process, repeats=REPEATS, program=program, n_proteins=n_proteins, cpus=cpus)
    rows = ours.result
    assert isinstance(rows, frozenset)
    return (
        "40 profiles, hmmsearch" if program == "hmmsearch" else f"{N_REFERENCES} references, phmmer",
        f"{n_proteins:,}",
        "not installed" if binary is None else f"{binary.seconds:.1f}",
        f"{ours.seconds:.1f}",
        "-" if binary is None else f"{ours.seconds / binary.seconds:.2f}",
        f"{ours.mib:,.0f}",
        "-" if binary is None else f"{len(binary.rows):,}",
        f"{len(rows):,}",
        "-" if binary is None else "yes" if rows == binary.rows else f"{len(rows ^ binary.rows):,} differ",
    )


def homology() -> Table:
    """Search a simulated proteome in process and with HMMER's programs: time, memory, and whether the hits agree."""
    cpus = psutil.cpu_count() or 1
    searches: Sequence[tuple[Program, int]] = (
        ("hmmsearch", N_FEW),
        ("hmmsearch", N_PROTEINS),
        ("phmmer", N_FEW),
        ("phmmer", N_PROTEINS),
    )
    return Table(
        "Homology",
        f"Simulated proteomes, E-value <= {MAX_EVALUE:g}, {cpus} threads each; the fastest of {REPEATS} runs, from the "
        "files to the hits. Agreement is at the precision that HMMER prints, coordinates included.",
        ("search", "proteins", "HMMER, s", "in process, s", "ratio", "MiB", "HMMER, domains", "domains", "agree"),
        tuple(_row(program, n_proteins, cpus) for program, n_proteins in searches),
        (
            "Memory is what the search takes beyond the files: profiles, the batches under way, ids and hits.",
            "The programs of HMMER read the proteome anew for each profile; in process it is read once.",
        ),
    )
