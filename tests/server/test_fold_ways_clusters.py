"""A whole study on a Dask and on a Ray cluster of this machine: the same ranking as in threads, byte for byte."""

from pathlib import Path

import pytest

from tests.server.servers import Server, run_module
from tests.server.studies import write_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inline(server: Server, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return the ranking of the study in threads."""
    return ranking(server, tmp_path_factory.mktemp("inline"), "inline")


def ranking(server: Server, folder: Path, way: str) -> bytes:
    study = write_study(folder / "study")
    words = ["flows.cli", "run", str(study), "--out", str(folder / "run"), "--set", f"execution.folds={way}"]
    run_module(server, *words, seconds=500)
    return (folder / "run" / "ranking.parquet").read_bytes()


@pytest.mark.parametrize("way", ["subprocess", "dask", "ray"])
def test_every_way_gives_the_same_ranking(way: str, inline: bytes, server: Server, tmp_path: Path) -> None:
    assert ranking(server, tmp_path, way) == inline
