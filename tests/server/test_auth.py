"""A server with basic auth: nothing without the password, everything with it."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import httpx
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import WorkerStatus

from flows.environment import ROOT
from tests.server.servers import Server, cairn, start_server, start_worker

pytestmark = pytest.mark.slow

USER, PASSWORD = "lab", "long and secret"
AUTH = f"{USER}:{PASSWORD}"
BOTH = {
    "PREFECT_SERVER_API_AUTH_STRING": AUTH,
    "PREFECT_API_AUTH_STRING": AUTH,
    "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
    "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "true",
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with a password and protection against forged requests."""
    with start_server(tmp_path_factory.mktemp("locked"), more=BOTH) as server:
        yield server


@pytest.fixture
def client(locked: Server) -> Iterator[SyncPrefectClient]:
    """Return a client that knows the password."""
    with locked.client() as speaking:
        yield speaking


def refused(environment: Mapping[str, str]) -> str:
    """Run `cairn deploy` where it has to fail as a user's mistake; returns what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "deploy"],
        env=dict(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    return done.stderr


def test_nothing_is_told_without_the_password(locked: Server) -> None:
    for auth in (None, (USER, "guessed")):
        for route in ("admin/version", "csrf-token?client=a"):
            answer = httpx.get(f"{locked.api}/{route}", auth=auth)
            assert answer.status_code == httpx.codes.UNAUTHORIZED
        answer = httpx.post(f"{locked.api}/deployments/filter", json={}, auth=auth)
        assert answer.status_code == httpx.codes.FORBIDDEN  # the protection against forged requests comes first
    assert httpx.get(f"{locked.api}/admin/version", auth=(USER, PASSWORD)).status_code == httpx.codes.OK
    assert httpx.get(f"{locked.api}/health").json() is True


def test_a_post_from_elsewhere_is_refused_with_the_password_alone(locked: Server) -> None:
    answer = httpx.post(f"{locked.api}/deployments/filter", json={}, auth=(USER, PASSWORD))
    assert answer.status_code == httpx.codes.FORBIDDEN


def test_deploying_without_the_password_is_the_users_mistake(locked: Server) -> None:
    environment = {name: value for name, value in locked.environment.items() if name != "PREFECT_API_AUTH_STRING"}
    said = refused(environment)
    assert "PREFECT_API_AUTH_STRING: wanted the user and password of the server" in said
    assert PASSWORD not in said


def test_workers_poll_with_the_password(locked: Server, client: SyncPrefectClient) -> None:
    said = cairn(locked, "deploy")
    assert PASSWORD not in said
    assert len(client.read_deployments()) == 5
    with start_worker(locked, "cairn-cpu", "w1"):
        assert _is_online(client, "w1")


def _is_online(client: SyncPrefectClient, name: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        workers = client.read_workers_for_work_pool("cairn-cpu")
        if any(one.name == name and one.status is WorkerStatus.ONLINE for one in workers):
            return True
        time.sleep(0.5)
    return False
