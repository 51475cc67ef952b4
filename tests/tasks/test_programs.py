"""BLAST+ and DIAMOND as installed: their own figures come back, and what can go wrong is said and leaves nothing."""

import os
import re
import shutil
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest

from configs.errors import UserError
from models.blast_command import SearchProgram, is_too_old, read_version, search_commands
from models.hits import COLUMNS, Hits
from models.homology_tables import read_hits
from tasks.programs import ProgramRun, run_program

FAMILIES = ("CHI1", "CHI2", "MATE")
PAIR = [("r1", "MKTAYIAKQRQISFVKSHFSRQ")], [("g1", "MKTAYIAKQRQISFVKSHFSRQ")]
needs = {
    program: pytest.mark.skipif(shutil.which(binary) is None, reason=f"{binary} is not installed")
    for program, binary in (("blast", "blastp"), ("diamond", "diamond"))
}


def fasta(path: Path) -> list[tuple[str, str]]:
    records = (record.partition("\n") for record in path.read_text("utf-8").split(">")[1:])
    return [(head.split()[0], sequence.replace("\n", "")) for head, _, sequence in records]


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "homology_flavonoid"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only folder of our own on PATH, and keep temporary folders where a test can see them."""
    place = tmp_path / "programs"
    place.mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return place


def install(place: Path, name: str, script: str) -> None:
    """Write a stand-in for an external program."""
    (place / name).write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n", "utf-8")
    (place / name).chmod(0o755)


def install_blast(place: Path, search: str) -> None:
    install(place, "makeblastdb", "exit 0")
    install(place, "blastp", f'if [ "$1" = -version ]; then echo "blastp: 2.12.0+"; exit 0; fi\n{search}')


def run(program: SearchProgram = "blast", *, timeout_seconds: float = 60.0) -> tuple[Hits, ProgramRun]:
    return run_program(program, *PAIR, max_evalue=1e-5, cores=1, timeout_seconds=timeout_seconds)


def search_families(folder: Path, program: SearchProgram) -> tuple[Hits, ProgramRun, set[str]]:
    members = pd.read_csv(folder / "query_families.tsv", sep="\t")
    chosen = set(members.loc[members["family"].isin(FAMILIES), "query_id"])
    references = [record for record in fasta(folder / "queries.faa") if record[0] in chosen]
    hits, done = run_program(
        program, references, fasta(folder / "targets.faa"), max_evalue=1e-5, cores=1, timeout_seconds=60
    )
    return hits, done, {name for name, _ in references}


@needs["blast"]
def test_blast_gives_the_figures_of_its_own_table(folder: Path):
    # blastp 2.12.0+ -evalue 1e-5 -outfmt 6, all queries against targets.faa
    hits, done, chosen = search_families(folder, "blast")
    table = read_hits((folder / "blastp.outfmt6.tsv").read_bytes(), "t").frame
    wanted = table[table["query"].isin(chosen)].reset_index(drop=True)
    given = [name for name in COLUMNS if not name.endswith("length")]
    assert len(wanted) > 20
    assert hits.frame[given].equals(wanted[given])
    lengths = {
        name: len(sequence) for path in ("queries.faa", "targets.faa") for name, sequence in fasta(folder / path)
    }
    assert hits.frame["query_length"].tolist() == hits.frame["query"].map(lengths).tolist()
    assert hits.frame["subject_length"].tolist() == hits.frame["subject"].map(lengths).tolist()
    assert (done.n_queries, done.n_sequences) == (len(chosen), 562)
    assert re.fullmatch(r"\d+\.\d+\.\d+\+", done.version)
    assert done.commands[0] == "makeblastdb -in proteins.faa -dbtype prot -out proteins"
    assert done.commands[1].startswith(
        "blastp -query references.faa -db proteins -out hits.tsv -outfmt '6 qseqid sseqid"
    )


@needs["diamond"]
def test_diamond_finds_what_its_own_table_holds(folder: Path):
    # diamond 2.1.3 blastp --evalue 1e-5 in its default mode: the very sensitive one finds the same alignments and more
    hits, done, chosen = search_families(folder, "diamond")
    table = read_hits((folder / "diamond.outfmt6.tsv").read_bytes(), "t").frame
    wanted = table[table["query"].isin(chosen)].set_index(["query", "subject"])
    found = hits.frame.set_index(["query", "subject"]).loc[wanted.index]
    figures = ["bit_score", "evalue", "query_start", "query_end", "subject_start", "subject_end"]
    assert len(wanted) > 20
    assert found[figures].equals(wanted[figures])
    assert len(hits.frame) >= len(wanted)
    assert "--very-sensitive" in done.commands[1]
    assert done.version[0].isdigit()


@pytest.mark.parametrize("program", [pytest.param(program, marks=mark) for program, mark in needs.items()])
def test_odd_names_come_back_and_nothing_found_is_no_error(folder: Path, program: SearchProgram):
    sequence = fasta(folder / "targets.faa")[0][1][:40]
    odd = ("lcl|sp|Q1 β;$(x)", "-out", "gnl|BL_ORD_ID|7", *map(str, range(520)))  # BLAST's own limit is 500 targets
    proteins = [(name, sequence) for name in odd]
    hits, _ = run_program(program, [(">r 1", sequence)], proteins, max_evalue=1e-5, cores=2, timeout_seconds=60)
    assert set(hits.frame["subject"]) == set(odd)
    assert set(hits.frame["query"]) == {">r 1"}
    none, _ = run_program(program, [("r", "W" * 30)], proteins, max_evalue=1e-5, cores=1, timeout_seconds=60)
    assert len(none.frame) == 0
    assert none.frame.columns.tolist() == list(COLUMNS)
    assert (none.frame.dtypes == hits.frame.dtypes).all()


@needs["blast"]
def test_what_blast_complains_of_is_passed_on():
    proteins = [("g1", "M" * 30)]
    with pytest.raises(
        UserError, match=r"blastp -query .*: wanted blastp to end well, found exit status \d+, and it pr"
    ):
        run_program("blast", PAIR[0], proteins, max_evalue=-1.0, cores=1, timeout_seconds=60)


def test_no_target_is_cut_off():
    makedb, search = search_commands("blast", n_sequences=40_000, max_evalue=1e-5, cores=8)
    assert search[search.index("-max_target_seqs") + 1] == "40000"
    assert search[search.index("-evalue") + 1] == "1e-05"
    assert search_commands("blast", n_sequences=2, max_evalue=1, cores=1)[1][-3] == "5"  # BLAST warns below five
    assert not any("/" in word for word in (*makedb, *search))
    diamond = search_commands("diamond", n_sequences=2, max_evalue=1, cores=1)[1]
    assert diamond[diamond.index("--max-target-seqs") + 1] == "0"


@pytest.mark.parametrize(
    ("printed", "program", "version"),
    [
        ("blastp: 2.12.0+\n Package: blast 2.12.0, build Feb 17 2022 10:04:48\n", "blast", "2.12.0+"),
        ("blastp: 2.2.25+\nPackage: blast 2.2.25\n", "blast", "2.2.25+ (too old)"),
        ("diamond version 2.1.3\n", "diamond", "2.1.3"),
        ("diamond version 0.9.30\n", "diamond", "0.9.30 (too old)"),
    ],
)
def test_versions_are_read(printed: str, program: SearchProgram, version: str):
    found = read_version(printed)
    assert found is not None
    assert found + (" (too old)" if is_too_old(program, found) else "") == version


def test_absent_programs_are_named_with_what_to_do(programs: Path):
    with pytest.raises(
        UserError, match=r"wanted blastp, which `program: blast` runs.*`program: phmmer` under homology"
    ):
        run("blast")
    with pytest.raises(UserError, match=r"wanted diamond, which.* Install DIAMOND \(from its releases, `apt install"):
        run("diamond")
    install(programs, "blastp", "exit 0")
    with pytest.raises(UserError, match="wanted makeblastdb, which"):
        run("blast")


def test_nothing_of_the_working_directory_is_run(programs: Path, monkeypatch: pytest.MonkeyPatch):
    install_blast(programs, "exit 0")
    monkeypatch.chdir(programs)
    for path in (".", "", os.pathsep, f"{os.pathsep}../{programs.name}"):
        monkeypatch.setenv("PATH", path)
        with pytest.raises(UserError, match="found no such program on PATH"):
            run()


def test_the_hits_of_a_stand_in_are_read(programs: Path, tmp_path: Path):
    install_blast(
        programs,
        f"env > {tmp_path}/seen; printf 'q1\\ts1\\t90\\t9\\t1\\t0\\t1\\t9\\t2\\t9\\t1e-9\\t50\\t9\\t12\\n' > hits.tsv",
    )
    hits, done = run()
    assert hits.frame[["query", "subject", "bit_score", "subject_length"]].values.tolist() == [["r1", "g1", 50.0, 12.0]]
    assert (done.program, done.version, done.n_queries, done.n_sequences) == ("blast", "2.12.0+", 1, 1)
    seen = dict(line.split("=", 1) for line in (tmp_path / "seen").read_text("utf-8").splitlines() if "=" in line)
    assert seen["BLAST_USAGE_REPORT"] == "false"
    assert "PYTEST_CURRENT_TEST" not in seen
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_failure_shows_the_last_words(programs: Path, tmp_path: Path):
    install_blast(programs, "yes 'many words' | head -n 100000; echo 'BLAST engine error: no memory' >&2; exit 3")
    with pytest.raises(
        UserError, match=r"found exit status 3, and it printed: many words; .*; BLAST engine error: no memory\."
    ) as error:
        run()
    assert str(error.value).count("many words") == 4
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_end_by_the_system_is_told(programs: Path):
    install_blast(programs, "kill -9 $$")
    with pytest.raises(
        UserError, match=r"found its end by SIGKILL, and it printed: nothing\. .*often a lack of memory"
    ):
        run()


def test_unusable_programs_are_refused(programs: Path):
    install(programs, "diamond", "echo diamond version 0.9.14")
    with pytest.raises(UserError, match=r"programs/diamond: wanted DIAMOND 2\.0 or later, found 0\.9\.14"):
        run("diamond")
    install(programs, "diamond", "echo a gem")
    with pytest.raises(UserError, match="found a program that prints 'a gem' as its version"):
        run("diamond")
    (programs / "diamond").write_bytes(b"\x7fELF of another machine")
    with pytest.raises(UserError, match=r"programs/diamond: wanted to start diamond, found exec format error"):
        run("diamond")


def test_nothing_to_search_is_an_error(programs: Path):
    install_blast(programs, "exit 0")
    with pytest.raises(UserError, match="found 0 references and 1 proteins"):
        run_program("blast", [], PAIR[1], max_evalue=1, cores=1, timeout_seconds=9)


def is_alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to look for processes in")
@pytest.mark.parametrize("ending", ["sleep 60", "exit 0"])
def test_no_process_survives(programs: Path, tmp_path: Path, ending: str):
    install_blast(programs, f"sleep 60 & echo $! $$ > {tmp_path}/processes; : > hits.tsv; {ending}")
    if ending == "exit 0":  # a program that leaves a child behind
        run()
    else:
        with pytest.raises(
            UserError, match=r"homology\.timeout_minutes: wanted BLAST\+ to end within 0\.01 minutes"
        ) as error:
            run(timeout_seconds=0.6)
        assert "found blastp still running after 0.01 minutes, and ended it" in str(error.value)
    processes = [int(word) for word in (tmp_path / "processes").read_text("utf-8").split()]
    assert len(processes) == 2
    deadline = time.monotonic() + 5
    while any(map(is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(is_alive, processes))
    assert list((tmp_path / "temporary").iterdir()) == []
