"""The tools of the server tests: nothing that they start outlives them."""

from pathlib import Path

import httpx
import psutil
import pytest

from tests.server.servers import prefect, start_server, start_worker

pytestmark = pytest.mark.slow


def test_server_and_worker_are_gone_at_the_end(tmp_path: Path) -> None:
    with start_server(tmp_path / "home") as server:
        assert httpx.get(f"{server.api}/health").json() is True
        prefect(server, "work-pool", "create", "cairn-cpu", "--type", "process")
        with start_worker(server, "cairn-cpu", "w1") as worker:
            started = [psutil.Process(pid) for pid in (server.pid, worker.pid)]
            assert all(one.is_running() for one in started)
    assert not any(one.is_running() for one in started)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.api}/health")
