"""One real Prefect server a session for all tests of this folder; they are slow and run by `make test-server`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient

from tests.server.servers import Server, cairn, start_server, start_worker


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as slow, so that `make test` starts no server."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the only folder that runs of the server may read and write."""
    return tmp_path_factory.mktemp("studies")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, studies: Path) -> Iterator[Server]:
    """Run a Prefect server on SQLite, with nothing deployed."""
    with start_server(tmp_path_factory.mktemp("server"), more={"CAIRN_ALLOWED_ROOTS": str(studies)}) as running:
        yield running


@pytest.fixture(scope="session")
def lab(server: Server) -> Iterator[Server]:
    """Return the server with everything deployed and a worker on either pool; folds run two at a time, on the CPU."""
    cairn(server, "deploy", "--gpus", "2")
    with (
        start_worker(server, "cairn-cpu", "cpu", limit=2),
        start_worker(server, "cairn-gpu", "gpu", {"CUDA_VISIBLE_DEVICES": ""}, limit=2),
    ):
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[SyncPrefectClient]:
    """Return a client of the server."""
    with server.client() as speaking:
        yield speaking
