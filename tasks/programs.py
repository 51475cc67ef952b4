"""Searches by programs that the user may have installed: BLAST+ and DIAMOND, never by way of a shell."""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import UserError
from models.blast_command import (
    COLUMNS,
    EXECUTABLES,
    HITS,
    OLDEST,
    PROTEINS,
    REFERENCES,
    VERSION_COMMANDS,
    SearchProgram,
    is_too_old,
    read_version,
    search_commands,
)
from tasks.places import output_error
from tasks.records import Record

if TYPE_CHECKING:
    from models.hits import Hits

NAMES: dict[SearchProgram, str] = {"blast": "BLAST+", "diamond": "DIAMOND"}
INSTALL: dict[SearchProgram, str] = {
    "blast": "Install BLAST+ (from the NCBI, `apt install ncbi-blast+` or `conda install -c bioconda blast`)",
    "diamond": "Install DIAMOND (from its releases, `apt install diamond-aligner` or "
    "`conda install -c bioconda diamond`)",
}
WITHOUT = "or write `program: phmmer` under homology, which needs no program"

KEPT_VARIABLES = ("HOME", "USER", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "BLASTDB_LMDB_MAP_SIZE")
"""What a program sees of the environment, besides PATH; the last lets BLAST+ work where virtual memory is limited."""

TAIL_BYTES, TAIL_LINES = 2000, 5
"""How much of the end of what a failing program printed goes into the message."""

_LOG = "printed.txt"


class ProgramRun(Record):
    """How a search was made.

    `commands` are as a shell would take them, in a folder with the files that they name; `n_queries` counts the
    reference proteins and `n_sequences` the proteins of the genes.
    """

    program: SearchProgram
    version: str
    commands: tuple[str, ...]
    n_queries: int
    n_sequences: int


def run_program(
    program: SearchProgram,
    references: Iterable[tuple[str, str]],
    proteins: Iterable[tuple[str, str]],
    *,
    max_evalue: float,
    cores: int,
    timeout_seconds: float,
) -> tuple["Hits", ProgramRun]:
    """Search reference proteins among the proteins of the genes, all in one call.

    Parameters
    ----------
    program : {'blast', 'diamond'}
        BLAST+ or DIAMOND, found on PATH.
    references, proteins : iterable of (str, str)
        Name and sequence; the references are the queries. Names may hold anything: the program sees numbers.
    max_evalue : float
        Hits with a larger E-value are left out.
    cores : int
        Threads of the program.
    timeout_seconds : float
        Longest that its commands may take together.

    Returns
    -------
    hits : Hits
        One row an alignment, under the names given.
    run : ProgramRun
        Version and commands.

    Raises
    ------
    UserError
        The program is not installed, too old, fails or takes too long, or there is nothing to search. Nothing that
        was started still runs then, and the temporary folder is gone.
    OutputError
        The disk of the temporary folder is full.
    """
    from models.homology_tables import read_hits

    executables = find_program(program)
    with tempfile.TemporaryDirectory(prefix="cairn-search-") as folder:
        place = _Place(Path(folder), executables, program, time.monotonic(), timeout_seconds)
        queries = _write_fasta(place.folder / REFERENCES, references, "q")
        subjects = _write_fasta(place.folder / PROTEINS, proteins, "s")
        _check_any(len(queries), len(subjects))
        version = _version(place)
        commands = search_commands(program, n_sequences=len(subjects), max_evalue=max_evalue, cores=cores)
        for command in commands:
            _run(command, place)
        hits = read_hits((place.folder / HITS).read_bytes(), f"the hits of {NAMES[program]}", columns=COLUMNS)
    named = {"query": hits.frame["query"].map(queries), "subject": hits.frame["subject"].map(subjects)}
    run = ProgramRun(
        program=program,
        version=version,
        commands=tuple(shlex.join(command) for command in commands),
        n_queries=len(queries),
        n_sequences=len(subjects),
    )
    return replace(hits, frame=hits.frame.assign(**named).astype(dict.fromkeys(named, "str"))), run


@dataclass(frozen=True, slots=True)
class _Place:
    folder: Path
    executables: dict[str, str]
    program: SearchProgram
    started: float
    timeout_seconds: float

    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def printed(self) -> str:
        """Return the last lines that the last command printed, as one."""
        with (self.folder / _LOG).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").split("\n")
        return "; ".join([line.strip() for line in lines if line.strip()][-TAIL_LINES:])


def find_program(program: SearchProgram) -> dict[str, str]:
    """Return the path of each executable of BLAST+ or DIAMOND; raises UserError where one is not on PATH."""
    return {name: _find(name, program) for name in EXECUTABLES[program]}


def _find(name: str, program: SearchProgram) -> str:
    found = shutil.which(name, path=_search_path())
    if found is None:
        raise UserError(
            wanted=f"{name}, which `program: {program}` runs",
            found="no such program on PATH",
            where="homology.program",
            remedy=f"{INSTALL[program]}, {WITHOUT}.",
        )
    return found


def _search_path() -> str:
    """Return PATH without its relative folders, so that nothing from the working directory is ever run."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if Path(folder).is_absolute())


def _write_fasta(path: Path, sequences: Iterable[tuple[str, str]], prefix: str) -> dict[str, str]:
    """Write sequences under names that no program takes apart, and return the name given to each of these."""
    names: dict[str, str] = {}
    try:
        with path.open("w", encoding="ascii") as file:
            for number, (name, sequence) in enumerate(sequences, start=1):
                names[f"{prefix}{number}"] = name
                file.write(f">{prefix}{number}\n{sequence}\n")
    except OSError as error:
        raise output_error(error, str(path.parent)) from error
    return names


def _check_any(n_queries: int, n_sequences: int) -> None:
    if not (n_queries and n_sequences):
        raise UserError(
            wanted="reference proteins, and proteins of the genes to search them in",
            found=f"{n_queries} references and {n_sequences} proteins",
            where="homology",
            remedy="Check that the FASTA files hold sequences.",
        )


def _version(place: _Place) -> str:
    _run(VERSION_COMMANDS[place.program], place)
    printed = place.printed()
    version = read_version(printed)
    if version is None or is_too_old(place.program, version):
        oldest = ".".join(map(str, OLDEST[place.program]))
        raise UserError(
            wanted=f"{NAMES[place.program]} {oldest} or later",
            found=version or f"a program that prints {printed[:100]!r} as its version",
            where=place.executables[VERSION_COMMANDS[place.program][0]],
            remedy=f"{INSTALL[place.program]}, {WITHOUT}.",
        )
    return version


def _run(command: tuple[str, ...], place: _Place) -> None:
    """Run one command to its end; raises UserError if it fails or the time is up."""
    try:
        status = _wait(command, place)
    except subprocess.TimeoutExpired as error:
        raise UserError(
            wanted=f"{NAMES[place.program]} to end within {place.timeout_seconds / 60:g} minutes",
            found=f"{command[0]} still running after {place.elapsed() / 60:.2g} minutes, and ended it",
            where="homology.timeout_minutes",
            remedy="Allow more minutes, or give fewer reference proteins.",
        ) from error
    except OSError as error:
        raise UserError(
            wanted=f"to start {command[0]}",
            found=(error.strerror or "an error").lower(),
            where=place.executables[command[0]],
            remedy=f"Check that it runs by itself, {WITHOUT}.",
        ) from error
    if status != 0:
        ended = f"exit status {status}" if status > 0 else f"its end by {signal.Signals(-status).name}"
        raise UserError(
            wanted=f"{command[0]} to end well",
            found=f"{ended}, and it printed: {place.printed() or 'nothing'}",
            where=shlex.join(command),
            remedy="Correct what it complains of; SIGKILL is often a lack of memory.",
        )


def _wait(command: tuple[str, ...], place: _Place) -> int:
    """Return the exit status; however this ends, nothing of the command's process group is left."""
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= {"PATH": _search_path(), "LC_ALL": "C", "TMPDIR": str(place.folder)}
    environment |= {"BLAST_USAGE_REPORT": "false"}  # BLAST+ reports each run to the NCBI otherwise
    with (place.folder / _LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a list of words, no shell; the names of files are our own
            [place.executables[command[0]], *command[1:]],
            cwd=place.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(timeout=max(0.0, place.timeout_seconds - place.elapsed()))
        finally:
            with suppress(ProcessLookupError, PermissionError):  # the whole group has ended; macOS says the latter
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
