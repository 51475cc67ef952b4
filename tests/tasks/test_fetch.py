"""Studies that lie at a URL."""

import re
from pathlib import Path

import fsspec
import pytest

from configs.errors import OutputError, StudyFileError
from tasks.fetch import fetch_files, folder_of, move_to, read_text

FILES = {
    "study.yaml": "study: pepper\n",
    "genes.tsv": "gene_id\ta\nG1\t1\n",
    "more/mets.tsv": "metabolite_id\ta\nM1\t2\n",
}


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    """Return a prefix of its own with a study's files."""
    prefix = f"memory://fetch-{request.node.name}"
    put(prefix, FILES)
    return prefix


def put(prefix: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        with fsspec.open(f"{prefix}/{name}", "w") as sink:
            sink.write(text)


def test_files_come_with_their_folders_and_nothing_else(url: str, tmp_path: Path) -> None:
    folder = fetch_files(url, ["genes.tsv", "more/mets.tsv"], tmp_path / "home")
    found = {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.*")}
    assert found == {name: FILES[name] for name in ("genes.tsv", "more/mets.tsv")}
    assert [path.name for path in (tmp_path / "home").iterdir()] == [folder.name]


def test_what_is_here_already_is_not_fetched_again_and_what_changes_comes_anew(url: str, tmp_path: Path) -> None:
    folder = fetch_files(url, ["genes.tsv"], tmp_path)
    (folder / "genes.tsv").chmod(0o400)
    written = (folder / "genes.tsv").stat().st_mtime_ns
    assert fetch_files(f"{url}", ["genes.tsv"], tmp_path) == folder
    assert (folder / "genes.tsv").stat().st_mtime_ns == written
    put(url, {"genes.tsv": "gene_id\ta\nG1\t999\n"})
    changed = fetch_files(url, ["genes.tsv"], tmp_path)
    assert changed != folder
    assert "999" in (changed / "genes.tsv").read_text("utf-8")
    assert "999" not in (folder / "genes.tsv").read_text("utf-8")


@pytest.mark.parametrize(
    "path", ["../other/genes.tsv", "/etc/passwd", "s3://other/a", "more/../../a", "a\\b", "file:///etc/passwd"]
)
def test_a_path_that_leads_out_of_the_prefix_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match="wanted a path relative to memory://fetch-out, below it"):
        fetch_files("memory://fetch-out", [path], tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_absent_object_is_named_by_its_url(url: str, tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=re.escape(f"{url}/absent.tsv: wanted a file, found nothing there")):
        fetch_files(url, ["genes.tsv", "absent.tsv"], tmp_path)
    with pytest.raises(StudyFileError, match=re.escape(f"{url}/study.yml: wanted a file, found nothing there")):
        read_text(f"{url}/study.yml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["nothing://bucket/study.yaml", "abfs://bucket/study.yaml"])
def test_a_url_that_cannot_be_reached_says_what_it_needs(place: str) -> None:
    with pytest.raises(StudyFileError, match=f"{place}: wanted a URL that can be reached, found .*install"):
        read_text(place)


def test_a_file_of_this_machine_needs_no_fetching(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text("study: pepper\n", "utf-8")
    assert read_text(str(tmp_path / "study.yaml")) == "study: pepper\n"
    assert folder_of(str(tmp_path / "study.yaml")) == str(tmp_path)
    assert folder_of("s3://lab/pepper/study.yaml") == "s3://lab/pepper"
    (tmp_path / "latin.yaml").write_bytes("study: größe\n".encode("latin-1"))
    with pytest.raises(StudyFileError, match="no UTF-8 text"):
        read_text(str(tmp_path / "latin.yaml"))


def test_a_run_folder_moves_to_a_url_whole(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "tables").mkdir(parents=True)
    for name in ("manifest.json", "tables/quality.csv", "zz.csv"):
        (run / name).write_text(name, "utf-8")
    move_to(run, "memory://fetch-moved/runs/one")
    filesystem = fsspec.filesystem("memory")
    assert sorted(filesystem.find("/fetch-moved")) == [
        "/fetch-moved/runs/one/manifest.json",
        "/fetch-moved/runs/one/tables/quality.csv",
        "/fetch-moved/runs/one/zz.csv",
    ]
    created = {name: filesystem.created(f"/fetch-moved/runs/one/{name}") for name in ("manifest.json", "zz.csv")}
    assert created["manifest.json"] >= created["zz.csv"]
    assert not run.exists()


def test_a_folder_that_cannot_be_written_is_an_output_error(url: str, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", "utf-8")
    with pytest.raises(OutputError, match="wanted a place that can be written"):
        fetch_files(url, ["genes.tsv"], tmp_path / "home" / "below")
