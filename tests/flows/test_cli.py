"""The command line on good and on bad input: what it says, how it ends, and that it leaves nothing half-written."""

import json
import os
import re
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from configs.loading import load_study
from configs.tables import CONTRACTS
from flows.cli import main
from models.parquet import encode_frame

SAMPLES = [f"{place}_{replicate}" for place in ("leaf_n", "leaf_s", "root_n", "root_s") for replicate in (1, 2, 3)]
REMEDY_OF_PATHS = "Correct the path in the study file; paths are relative to the folder of the study file."

Change = Callable[[str], str | bytes]


def table(header: str, prefix: str, count: int) -> str:
    values = np.random.default_rng(count).lognormal(3, 1, (count, len(SAMPLES)))
    rows = [[f"{prefix}{number}", *(f"{value:.3f}" for value in row)] for number, row in enumerate(values, start=1)]
    return "".join("\t".join(row) + "\n" for row in [[header, *SAMPLES], *rows])


SHEET = "sample_id\tgroup\ttissue\n" + "".join(f"{one}\t{one[:-2]}\t{one[:4]}\n" for one in SAMPLES)
FILES = {"genes.tsv": table("gene_id", "G", 20), "mets.tsv": table("metabolite_id", "M", 8), "samples.tsv": SHEET}
SETTINGS: dict[str, Any] = {
    "study": "greens",
    "layers": {"transcriptome": {"path": "genes.tsv"}, "metabolome": {"path": "mets.tsv"}},
    "samples": {"path": "samples.tsv", "labels": ["tissue"]},
    "targets": {"acids": ["M1", "M2"]},
    "baits": {"acids": ["G1"]},
    "validation": {"folds": 4, "repeats": 1, "permutations": 19},
}


@dataclass(frozen=True)
class Answer:
    status: object
    out: str
    err: str
    environment: dict[str, str]


Cairn = Callable[..., Answer]


@pytest.fixture
def cairn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cairn:
    """Run the command in process; what it sets in the environment ends with it."""

    def run(*words: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cairn", *map(str, words)])
        capsys.readouterr()
        with patch.dict(os.environ, {"NO_COLOR": "1"}):
            for name in [name for name in os.environ if name.startswith("PREFECT_")]:
                del os.environ[name]
            with pytest.raises(SystemExit) as ended:
                main()
            environment = dict(os.environ)
        said = capsys.readouterr()
        return Answer(ended.value.code or 0, said.out, said.err, environment)

    return run


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give temporary files a folder of their own, which is empty again when the command has ended."""
    folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert not list(folder.iterdir())


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a small study of four groups, the current folder of the test."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    settings_are()
    return tmp_path


def settings_are(**changes: object) -> None:
    Path("study.yaml").write_text(json.dumps({**SETTINGS, **changes}), "utf-8")


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return every folder, and every file with its bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def refused(cairn: Cairn, folder: Path, *words: str | Path) -> str:
    """Run a command that must refuse; returns its message, which is one paragraph, and checks that nothing is left."""
    before = tree(folder)
    answer = cairn(*words)
    assert answer.status == 2, answer.err
    assert tree(folder) == before
    assert re.fullmatch(r"[^\n]+\.\n", answer.err), answer.err
    assert "Traceback" not in answer.err
    assert "The study can run" not in answer.out
    assert len(answer.err) < 500
    return answer.err


def cells(*places: tuple[int, int, str]) -> Change:
    """Replace cells; row 0 is the header and column 0 holds the ids."""

    def change(text: str) -> str:
        rows = [line.split("\t") for line in text.splitlines()]
        for row, column, value in places:
            rows[row][column] = value
        return "".join("\t".join(row) + "\n" for row in rows)

    return change


def columns(*kept: int) -> Change:
    return lambda text: "".join("\t".join(line.split("\t")[i] for i in kept) + "\n" for line in text.splitlines())


def instead(content: str | bytes) -> Change:
    return lambda _: content


def renamed(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


@dataclass(frozen=True)
class Bad:
    """A study with something wrong, and what the message has to say about it."""

    says: tuple[str, ...]
    files: Mapping[str, Change] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


EMPTY_SAMPLE = cells(*((row, 2, "") for row in range(1, 21)))
EMPTY_GENE = cells(*((2, column, "") for column in range(1, 13)))

BAD = {
    "a table that is not there": Bad(
        ("/nowhere.tsv: wanted a readable file, found no such file or directory", REMEDY_OF_PATHS),
        settings={"layers": {**SETTINGS["layers"], "metabolome": {"path": "nowhere.tsv"}}},
    ),
    "a sample sheet that is not there": Bad(
        ("/nowhere.tsv: wanted a readable file, found no such file or directory", REMEDY_OF_PATHS),
        settings={"samples": {"path": "nowhere.tsv"}},
    ),
    "an empty table": Bad(
        ("genes.tsv: wanted a CSV, TSV, XLSX or Parquet table, found an empty file",), {"genes.tsv": instead("")}
    ),
    "a table of blanks": Bad(("mets.tsv: ", "found an empty file"), {"mets.tsv": instead(" \n\n")}),
    "an empty sample sheet": Bad(("samples.tsv: ", "found an empty file"), {"samples.tsv": instead("")}),
    "a header alone": Bad(("genes.tsv: ", "found a header without rows"), {"genes.tsv": instead("gene_id\ta\tb\n")}),
    "a picture": Bad(
        ("genes.tsv: wanted a CSV, TSV, XLSX or Parquet table, found bytes that are no text", "names the right file"),
        {"genes.tsv": instead(b"\x89PNG\r\n\x1a\n" + bytes(200))},
    ),
    "binary junk": Bad(("genes.tsv: ", "found bytes that are no text"), {"genes.tsv": instead(bytes(range(256)) * 4)}),
    "prose": Bad(
        ("genes.tsv: wanted a CSV, TSV, XLSX or Parquet table", "found a header without rows"),
        {"genes.tsv": instead("These are the values.\nPlease ask me for them some time.\n")},
    ),
    "half a gzip file": Bad(
        (
            "genes.tsv: wanted a whole gzip file, found one that ends too early or is damaged (",
            "Copy or download the file again",
        ),
        {"genes.tsv": instead(b"\x1f\x8b\x08\x00half")},
    ),
    "half a workbook": Bad(
        ("genes.tsv: wanted a whole XLSX file, found a damaged one (",), {"genes.tsv": instead(b"PK\x03\x04half")}
    ),
    "half a Parquet file": Bad(
        ("genes.tsv: wanted a whole Parquet file, found a damaged one (",), {"genes.tsv": instead(b"PAR1half")}
    ),
    "duplicated gene ids": Bad(
        ("genes.tsv, rows: wanted each gene id once, found 2 duplicated gene ids: 'G1', 'G2'.", "Rename, merge or"),
        {"genes.tsv": cells((3, 0, "G1"), (5, 0, "G2"))},
    ),
    "duplicated metabolite ids": Bad(
        ("mets.tsv, rows: wanted each metabolite id once, found 1 duplicated metabolite ids: 'M1'.",),
        {"mets.tsv": cells((3, 0, "M1"))},
    ),
    "duplicated samples of a table": Bad(
        ("mets.tsv, columns: wanted each sample id once, found 1 duplicated sample ids: 'leaf_n_1'.",),
        {"mets.tsv": cells((0, 2, "leaf_n_1"))},
    ),
    "duplicated samples of the sheet": Bad(
        ("samples.tsv: wanted each sample id once, found 1 duplicated sample ids: 'leaf_n_1'.", "Remove the rows"),
        {"samples.tsv": cells((3, 0, "leaf_n_1"))},
    ),
    "no sample of the sheet in a table": Bad(
        (
            "mets.tsv: wanted samples of the sample sheet ('leaf_n_1', 'leaf_n_2', 'leaf_n_3' and 9 more)",
            "found columns named 'x_1', 'x_2', 'x_3' and 9 more and rows named 'M1', 'M2', 'M3' and 5 more.",
            "Write the sample ids in the table and in the sample sheet alike, or name a table of two columns",
        ),
        {"mets.tsv": cells(*((0, number, f"x_{number}") for number in range(1, 13)))},
    ),
    "a name that could be two samples": Bad(
        ("mets.tsv: wanted one sample for each name", "found 'leaf_n_1', which could be 'LEAF_N_1' or 'leaf-n-1'."),
        {"mets.tsv": cells((0, 1, "LEAF_N_1"), (0, 2, "leaf-n-1"))},
    ),
    "a map of samples that is not there": Bad(
        ("/nowhere.tsv: wanted a readable file, found no such file or directory", REMEDY_OF_PATHS),
        settings={"samples": {"path": "samples.tsv", "map": "nowhere.tsv"}},
    ),
    "a map of samples that are not there": Bad(
        ("genes.tsv: wanted sample ids of the sample sheet in samples.map, found 'leaf'", "nearest to 'leaf': 'leaf_"),
        {"genes.tsv": renamed("leaf_n_1", "run7"), "mets.tsv": instead("name\tsample\nrun7\tleaf\n")},
        {"samples": {"path": "samples.tsv", "map": "mets.tsv"}},
    ),
    "compounds that are no column": Bad(
        ("mets.tsv: wanted the column 'compound' that layers.*.compounds.compound_column names",),
        settings={
            "layers": {
                **SETTINGS["layers"],
                "metabolome": {"path": "mets.tsv", "compounds": {"compound_column": "compound"}},
            }
        },
    ),
    "no shared samples": Bad(
        (
            "layers: wanted samples that the layers transcriptome and metabolome share, found none",
            "transcriptome has 'leaf_n_1', 'leaf_n_2', 'leaf_n_3', 'leaf_s_1', 'leaf_s_2' and 1 more",
            "metabolome has 'root_n_1', 'root_n_2', 'root_n_3', 'root_s_1', 'root_s_2' and 1 more",
            "Name each sample alike in all tables.",
        ),
        {"genes.tsv": columns(*range(7)), "mets.tsv": columns(0, *range(7, 13))},
    ),
    "no shared samples and no sheet": Bad(
        ("found none: transcriptome has 'leaf_n_1', 'leaf_n_2'", "metabolome has 'x_1', 'x_2', 'x_3', 'x_4', 'x_5'"),
        {"mets.tsv": cells(*((0, number, f"x_{number}") for number in range(1, 13)))},
        {"samples": {}},
    ),
    "fewer than six shared samples": Bad(
        (
            "samples: wanted at least 6 samples that all layers and the sample sheet share",
            "found 4 ('leaf_n_1', 'leaf_n_2', 'leaf_n_3', 'leaf_s_1')",
            "where the sheet has 12 samples, of which transcriptome has 12, metabolome has 4.",
        ),
        {"mets.tsv": columns(0, 1, 2, 3, 4)},
    ),
    "text in a number column": Bad(
        ("genes.tsv, row 5, column 'leaf_n_3': wanted a number, found the text 'n.d.'.", "or leave it empty"),
        {"genes.tsv": cells((4, 3, "n.d."))},
    ),
    "text in a number column, without a sheet": Bad(
        ("genes.tsv, row 5, column 'leaf_n_3': ", "found the text 'n.d.'.", "once a sample sheet names the samples"),
        {"genes.tsv": cells((4, 3, "n.d."))},
        {"samples": {}},
    ),
    "a decimal comma": Bad(
        ("genes.tsv, row 5, column 'leaf_n_3': wanted numbers with a decimal point", "'1,5'"),
        {"genes.tsv": cells((4, 3, "1,5"))},
    ),
    "an infinite value": Bad(
        ("genes.tsv, row 5, column 'leaf_n_3': wanted finite numbers", "found 'Inf'"),
        {"genes.tsv": cells((4, 3, "Inf"))},
    ),
    "one negative FPKM": Bad(
        (
            "genes.tsv, row 5, column 'leaf_n_3': wanted values of at least 0, as the unit is fpkm, found -1.5.",
            "If the values are logarithms, write `unit: log2` under layers.transcriptome",
        ),
        {"genes.tsv": cells((4, 3, "-1.5"))},
    ),
    "several negative FPKM": Bad(
        ("row 5, column 'leaf_n_3'", "found -1.5 and 2 more below 0."),
        {"genes.tsv": cells((4, 3, "-1.5"), (6, 1, "-2"), (6, 2, "-3"))},
    ),
    "a sample without values": Bad(
        ("genes.tsv: wanted at least one value in every sample, found 1 samples without any value: 'leaf_n_2'.",),
        {"genes.tsv": EMPTY_SAMPLE},
    ),
    "a bait without values": Bad(
        ("baits.acids: wanted at least one of the baits to vary", "constant or mostly missing: 'G2'."),
        {"genes.tsv": EMPTY_GENE},
        {"baits": {"acids": ["G2"]}},
    ),
    "a label with one class": Bad(
        ("samples.tsv, column 'tissue': wanted a label of at least two classes, found the one class 'leaf'.",),
        {"samples.tsv": renamed("\troot\n", "\tleaf\n")},
    ),
    "a label that is no column": Bad(
        ("samples.tsv: wanted the column 'tisue' that samples.labels names", "nearest are: 'tissue'"),
        settings={"samples": {"path": "samples.tsv", "labels": ["tisue"]}},
    ),
    "unknown targets": Bad(
        (
            "targets.acids: wanted metabolites that the table holds, found 7 of 8 metabolites that it does not hold",
            "'m1' (nearest: 'M1'), ",
            "'M22' (nearest: 'M2'), 'M 3' (nearest: 'M3'), 'quercetin' (nearest: nothing similar)",
            "'rutin' (nearest: nothing similar) and 2 more. Correct the spelling",
        ),
        settings={"targets": {"acids": ["m1", "M22", "M 3", "quercetin", "rutin", "kaempferol", "fisetin", "M1"]}},
    ),
    "unknown baits": Bad(
        (
            "baits.acids: wanted baits that the table holds, found 6 of 6 baits that it does not hold",
            "'g7' (nearest: 'G7', 'G17')",
            "and 1 more. Correct the spelling",
        ),
        settings={"baits": {"acids": ["g7", "G021", "G-3", "CHS", "CHI", "F3H"]}},
    ),
    "more folds than groups": Bad(
        (
            "sample sheet, group: wanted at least 5 replicate groups, one for each fold, found 4",
            "('leaf_n', 'leaf_s', 'root_n', 'root_s').",
            "Lower validation.folds to at most 4",
        ),
        settings={"validation": {"folds": 5, "scheme": "grouped"}},
    ),
    "a misspelt key": Bad(
        ("study.yaml: wanted valid settings, found the key 'targts' does not exist (nearest: 'targets').",),
        settings={"targts": {}},
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_reason(name: str, cairn: Cairn, study: Path) -> None:
    bad = BAD[name]
    settings_are(**bad.settings)
    for file, change in bad.files.items():
        content = change(FILES[file])
        Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(cairn, study, "check", "study.yaml")
    for part in bad.says:
        assert part in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "study.yaml: wanted a study file, found no such file or directory. `cairn init` writes a first one."),
        (b"", "study.yaml: wanted settings, study and layers among them, found an empty file."),
        (b"My study\n", "found plain text."),
        (bytes(range(200, 256)), "found a file that is no UTF-8 text."),
        (b"study: [\n", "study.yaml: wanted YAML, found while parsing"),
    ],
)
def test_a_study_file_that_is_none(content: bytes | None, says: str, cairn: Cairn, study: Path) -> None:
    Path("study.yaml").unlink()
    if content is not None:
        Path("study.yaml").write_bytes(content)
    for command in ("check", "run"):
        assert says in refused(cairn, study, command, "study.yaml")


def test_a_wrong_setting_is_not_blamed_on_the_study_file(cairn: Cairn, study: Path) -> None:
    message = refused(cairn, study, "check", "study.yaml", "--set", "rankin.fusion=linear")
    assert "study.yaml with --set rankin.fusion=linear: " in message
    assert "(nearest: 'ranking')" in message
    assert "--set: wanted key=value" in refused(cairn, study, "check", "study.yaml", "--set", "seed")


# --- what a run refuses before it starts a server ----------------------------------------------------------------


def test_a_run_refuses_a_missing_table_before_it_starts(cairn: Cairn, study: Path) -> None:
    Path("mets.tsv").unlink()
    message = refused(cairn, study, "run", "study.yaml")
    assert f"{study / 'mets.tsv'}: wanted a file, found nothing there. {REMEDY_OF_PATHS}" in message


def test_a_run_refuses_an_unknown_stage(cairn: Cairn, study: Path) -> None:
    message = refused(cairn, study, "run", "study.yaml", "--only", "trian")
    assert "--only: wanted one of prepare, train, analyse, explain, rank, report, found 'trian'." in message


@pytest.mark.parametrize("out", ["file", "file/run", "file/far/run"])
def test_a_run_refuses_an_output_with_a_file_in_the_way(out: str, cairn: Cairn, study: Path) -> None:
    Path("file").write_text("mine", "utf-8")
    message = refused(cairn, study, "run", "study.yaml", "--out", out)
    assert f"{study / 'file'}: wanted a folder, found a file. Choose another folder with --out." in message


def test_a_run_refuses_a_file_named_as_the_usual_folder(cairn: Cairn, study: Path) -> None:
    Path("runs").write_text("mine", "utf-8")
    assert "/runs: wanted a folder, found a file. Choose another" in refused(cairn, study, "run", "study.yaml")


def test_a_run_refuses_a_folder_that_holds_other_things(cairn: Cairn, study: Path) -> None:
    Path("papers").mkdir()
    Path("papers/draft.txt").write_text("mine", "utf-8")
    message = refused(cairn, study, "run", "study.yaml", "--out", "papers")
    assert "/papers: wanted a new folder, an empty one, or an earlier run, found a folder with other files." in message


# --- a full disk -------------------------------------------------------------------------------------------------


@contextmanager
def files_end_at(n_bytes: int) -> Iterator[None]:
    """Let the system refuse every write beyond `n_bytes` of a file, in mid write as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("n_bytes", [100, 5_000])
def test_a_full_disk_ends_a_check(n_bytes: int, cairn: Cairn, study: Path, temporary: Path) -> None:
    with files_end_at(n_bytes):
        message = refused(cairn, study, "check", "study.yaml")
    assert f"{temporary}/cairn-check-" in message
    assert "wanted room to write, found a limit on the size of files." in message
    assert "TMPDIR" in message


def test_a_full_disk_ends_a_simulation(cairn: Cairn, study: Path) -> None:
    with files_end_at(2_000):
        message = refused(cairn, study, "simulate", "simulated", "--set", "genes=100", "--set", "metabolites=20")
    assert "simulated: wanted room to write, found a limit on the size of files. Free some space" in message


def test_a_full_disk_ends_a_first_study_file(cairn: Cairn, study: Path) -> None:
    words = ("--expression", "genes.tsv", "--metabolites", "mets.tsv", "--folder", "new")
    with files_end_at(10):
        message = refused(cairn, study, "init", *words)
    assert "new: wanted room to write, found a limit on the size of files." in message


def test_a_first_study_file_leaves_a_sample_sheet_alone(cairn: Cairn, study: Path) -> None:
    Path("new").mkdir()
    Path("new/samples.tsv").write_text("mine", "utf-8")
    words = ("--expression", "genes.tsv", "--metabolites", "mets.tsv", "--folder", "new")
    assert "new/samples.tsv: wanted a folder without a sample sheet" in refused(cairn, study, "init", *words)


def test_a_check_reads_annotation_and_search_tables(cairn: Cairn, study: Path) -> None:
    for setting in ("annotation=gone.tsv", "families={P450: {tables: [gone.tsv]}}"):
        assert "gone.tsv: wanted a" in refused(cairn, study, "check", "study.yaml", "--set", setting)


# --- good input --------------------------------------------------------------------------------------------------


def test_help_names_every_command(cairn: Cairn) -> None:
    answer = cairn("--help")
    assert answer.status == 0
    for command in ("demo", "simulate", "init", "check", "run", "rerank", "score", "weights", "ui"):
        assert re.search(rf"^\W*{command}\s", answer.out, re.MULTILINE), command


def test_a_check_says_what_would_run(cairn: Cairn, study: Path) -> None:
    before = tree(study)
    answer = cairn("check", "study.yaml", "--set", "autoencoder.latent=8")
    assert (answer.status, answer.err) == (0, "")
    assert tree(study) == before
    for sentence in (
        "Layer transcriptome (genes, fpkm): 20 features, 20 of them used, 12 samples; autoencoder 20-128-96-8 and back",
        "engine dense (the rank 11 of the training samples is not far below the 20 features), 0.0 GiB to train.",
        "12 samples are in every layer, in 4 replicate groups.",
        "How alike replicates are (median intraclass correlation), and how many independent samples tell as much as",
        "With 4 replicate groups the smallest exact two-sided p of a rank correlation of their means is 0.083, and one",
        "The p of the ranking cannot be below 0.042, however many permutations are drawn: the replicate groups (4)",
        "Labels to predict: tissue.",
        "4 folds of whole groups, and the final fit.",
        "Target acids: 2 metabolites.",
        "Baits of acids: 1 gene.",
        "The study can run.",
    ):
        assert sentence in answer.out


def test_features_without_values_are_dropped_and_listed(cairn: Cairn, study: Path) -> None:
    for file in ("genes.tsv", "mets.tsv"):
        Path(file).write_text(str(EMPTY_GENE(FILES[file])), "utf-8")
    answer = cairn("check", "study.yaml")
    assert answer.status == 0
    for sentence in (
        "20 features, 19 of them used",
        "transcriptome: 1 of 20 features were dropped (1 missing in every sample): 'G2'.",
        "metabolome: 1 of 8 features were dropped (1 missing in every sample): 'M2'.",
        "targets.acids: 1 of 2 cannot be used (constant or mostly missing): 'M2'.",
    ):
        assert sentence in answer.out


def test_one_command_leaves_the_environment_alone(cairn: Cairn, study: Path) -> None:
    before = dict(os.environ)
    answer = cairn("check", "study.yaml")
    assert answer.environment["PREFECT_HOME"].endswith(".prefect")
    assert dict(os.environ) == before


def test_init_writes_a_study_that_can_be_checked(cairn: Cairn, study: Path) -> None:
    tables = ("--expression", "genes.tsv", "--metabolites", "mets.tsv")
    answer = cairn("init", *tables, "--folder", "new", "--name", "greens", "--unit", "tpm")
    assert (answer.status, answer.err) == (0, "")
    assert "label_1 was derived from the sample names: 'leaf', 'root'." in answer.out
    assert sorted(path.name for path in Path("new").iterdir()) == ["samples.tsv", "study.yaml"]
    written = load_study(Path("new/study.yaml").read_text("utf-8"), file="study.yaml")
    assert (written.study, written.unit("transcriptome")) == ("greens", "tpm")
    assert "unit: as asked for" in answer.out
    assert written.layers["metabolome"].path == "../mets.tsv"
    sheet = pd.read_csv("new/samples.tsv", sep="\t")
    assert sheet["sample_id"].tolist() == SAMPLES
    assert sheet["group"].tolist() == [sample[:-2] for sample in SAMPLES]
    checked = cairn("check", "new/study.yaml", "--set", "validation.folds=4")
    assert checked.status == 0, checked.err
    assert "Layer transcriptome (genes, tpm): 20 features" in checked.out
    assert "Labels to predict: label_1, label_2." in checked.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "study.yaml: wanted a folder without a study file, found one that has one. Move it away"),
        (("--folder", "genes.tsv"), "genes.tsv: wanted a folder, found a file in its place. Choose another"),
        (("--folder", "genes.tsv/new"), "genes.tsv/new: wanted a folder, found a file in its place. Choose another"),
        (("--folder", "new", "--unit", "rpkm"), "--unit: wanted one of fpkm, tpm, counts, log2, found 'rpkm'."),
        (("--folder", "new", "--expression", "x.tsv"), "x.tsv: wanted a table, found nothing there. Correct the path."),
        (("--folder", "new", "--expression", "."), ".: wanted a table, found a folder. Correct the path."),
        (("--folder", "new", "--expression", "empty"), "empty: wanted a CSV, TSV, XLSX or Parquet table, found an em"),
    ],
)
def test_init_refuses(words: tuple[str, ...], says: str, cairn: Cairn, study: Path) -> None:
    Path("empty").touch()
    tables = ("--expression", "genes.tsv", "--metabolites", "mets.tsv")
    assert says in refused(cairn, study, "init", *tables, *words)


def test_a_simulated_study_can_be_checked(cairn: Cairn, study: Path) -> None:
    small = ("genes=100", "metabolites=20", "modules=4", "pathway_genes=8", "paralogs=4")
    answer = cairn("simulate", "new", *(word for setting in small for word in ("--set", setting)))
    assert (answer.status, answer.err) == (0, "")
    assert "Run it with: cairn run new/study.yaml" in answer.out
    names = {path.name for path in Path("new").iterdir()}
    assert {"expression.tsv", "metabolites.tsv", "samples.tsv", "truth.tsv", "study.yaml"} <= names
    checked = cairn("check", "new/study.yaml")
    assert checked.status == 0, checked.err
    assert "Layer transcriptome (genes, fpkm): 100 features" in checked.out
    assert "Target capsaicinoids: 4 metabolites." in checked.out


def test_simulate_refuses(cairn: Cairn, study: Path) -> None:
    message = refused(cairn, study, "simulate", "genes.tsv")
    assert message == "genes.tsv: wanted a folder, found a file. Choose another folder.\n"
    assert "(nearest: 'genes')" in refused(cairn, study, "simulate", "new", "--set", "genez=100")
    assert "pathway genes do not fit into 20 genes" in refused(cairn, study, "simulate", "new", "--set", "genes=20")


# --- scores ------------------------------------------------------------------------------------------------------


@pytest.fixture
def finished(study: Path) -> Path:
    """Return a run folder made by hand: 40 genes, G1 in front, for one target."""
    columns = {
        column.name: [0.5 if column.dtype == "float64" else None] * 40 for column in CONTRACTS["ranking"].columns
    }
    own = {"target": "acids", "rank": range(1, 41), "gene_id": [f"G{rank}" for rank in range(1, 41)]}
    folder = study / "run"
    folder.mkdir()
    (folder / "ranking.parquet").write_bytes(encode_frame(pd.DataFrame({**columns, **own}), "ranking"))
    (folder / "manifest.json").write_text(json.dumps({"study": SETTINGS}), "utf-8")
    return folder


def test_a_score_by_hand(cairn: Cairn, finished: Path) -> None:
    # Of 2 x 38 pairs of a true and another gene, the 28 others before rank 30 are ahead of it: 1 - 28 / 76 = 0.632.
    Path("truth.tsv").write_text("gene_id\tmetabolite_id\nG1\tM1\nG30\tM2\nG99\tM1\nG5\tM7\n", "utf-8")
    answer = cairn("score", "run", "truth.tsv")
    assert (answer.status, answer.err) == (0, "")
    rows = [[cell.strip() for cell in re.split("[│┃]", line)[1:-1]] for line in answer.out.splitlines()]
    header, values = [row for row in rows if row]
    assert dict(zip(header, values, strict=True)) == {
        "target": "acids",
        "n_true": "2",
        "n_genes": "40",
        "auc": "0.632",
        "recall_25": "0.5",
        "recall_100": "1",
        "enrichment_top_1_percent": "20",
        "median_rank": "15.5",
    }
    assert "- 1 of 4 truth genes are not in the ranking: 'G99'." in answer.out
    assert "- 1 of 4 truth rows belong to no target of the ranking." in answer.out


def test_score_refuses(cairn: Cairn, finished: Path) -> None:
    folder = finished.parent
    assert "nowhere: wanted the folder of a finished run" in refused(cairn, folder, "score", "nowhere", "genes.tsv")
    assert "truth.tsv: wanted a table with gene_id" in refused(cairn, folder, "score", "run", "truth.tsv")
    Path("truth.tsv").write_text("gene\ttarget\nG1\tacids\n", "utf-8")
    assert "truth.tsv: wanted a column gene_id" in refused(cairn, folder, "score", "run", "truth.tsv")
    Path("truth.tsv").write_text("gene_id\ttarget\nG1\tbases\n", "utf-8")
    assert "truth.tsv: wanted truth genes of the targets 'acids'" in refused(cairn, folder, "score", "run", "truth.tsv")


def test_rerank_refuses(cairn: Cairn, study: Path) -> None:
    assert "no content.json in it" in refused(cairn, study, "rerank", ".")
    (study / "content.json").write_text("{}", "utf-8")
    assert "Run the study again" in refused(cairn, study, "rerank", ".", "--set", "ranking.fusion=rra")


def test_weights_refuses(cairn: Cairn, finished: Path) -> None:
    folder, words = finished.parent, ("weights", "study.yaml", "run", "w.safetensors")
    (finished / "manifest.json").write_text(json.dumps({"networks": {"transcriptome/all": {}}}), "utf-8")
    assert "nowhere: wanted the folder of a finished run" in refused(
        cairn, folder, "weights", "study.yaml", "nowhere", "w.safetensors"
    )
    message = refused(cairn, folder, *words, "--fold", "7")
    assert "run: wanted a layer and a fold that were trained, found layer 'transcriptome' and fold '7'" in message
    assert "there are transcriptome/all. Name them with --layer and --fold." in message
