"""Faults tried on whole runs of the command line: each takes a minute or more, so they run by `make faults` only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.simulation import SimulationConfig
from tasks.simulate import write_simulation
from tests.faults.runs import Runs
from tests.server.servers import Server, start_server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as slow."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """Return a small study with the commands that run it, embedded, in a Prefect home of its own."""
    folder = tmp_path / "study"
    write_simulation(SimulationConfig(genes=120, metabolites=24, modules=4, pathway_genes=8, paralogs=4), folder)
    with Runs(folder, tmp_path / "prefect") as started:
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Run a Prefect server on SQLite."""
    with start_server(tmp_path / "server") as running:
        yield running
