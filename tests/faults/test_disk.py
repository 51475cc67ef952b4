"""A full disk, and a damaged object on it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.runs import SECONDS, Runs


def mounted(place: Path, size: str) -> bool:
    """Mount a small file system, which only root may."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with 400 KiB of room."""
    place = tmp_path / "small-disk"
    if not mounted(place, "400k"):
        pytest.skip("mounting a small file system needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607


def test_a_full_disk_is_a_sentence_and_finished_work_is_kept(runs: Runs, small_disk: Path) -> None:
    store = f"store.url={small_disk}/store"
    process = runs.start("full", store)
    assert process.wait(SECONDS) == 2
    said = runs.log("full").read_text("utf-8")
    assert "wanted room to write, found a full disk. Free some space or choose another place, and run again" in said
    assert not runs.out("full").exists()
    kept = len(list(small_disk.glob("store/objects/*/*.*")))
    assert not list(small_disk.glob("store/objects/*/*.part"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)  # noqa: S603, S607
    runs.run("again", store)
    assert kept > 0
    assert runs.states("again").count("Cached") > 0


def test_a_damaged_object_is_made_again_within_the_next_run(runs: Runs) -> None:
    runs.run("first")
    largest = max((runs.folder / ".cairn" / "objects").rglob("*.parquet"), key=lambda path: path.stat().st_size)
    whole = largest.read_bytes()
    for path in (runs.folder / ".cairn" / "objects").rglob("*.parquet"):
        if path.read_bytes() == runs.ranking("first") or path == largest:
            path.write_bytes(bytes(path.stat().st_size))
    runs.run("second")
    assert runs.ranking("second") == runs.ranking("first")
    assert largest.read_bytes() in {whole, bytes(len(whole))}
    assert "does not match its name; it was removed" in runs.log("second").read_text("utf-8")
