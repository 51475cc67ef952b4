"""Real Prefect servers and workers as processes of a test, which are gone for certain when the test is over."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from prefect.client.orchestration import SyncPrefectClient

from flows.environment import ROOT, prefect_settings

START_SECONDS = 300.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running Prefect server.

    Attributes
    ----------
    port : int
        Port on this machine; serves the API below `/api` and the UI.
    environment : dict
        Environment of workers and of commands that speak to this server.
    log : Path
        Its output.
    pid : int
        Its process, which leads a process group of its own.
    """

    port: int
    environment: dict[str, str]
    log: Path
    pid: int

    @property
    def ui(self) -> str:
        """Address for a browser."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        """Address for a client."""
        return f"{self.ui}/api"

    def client(self) -> SyncPrefectClient:
        """Return a client, with the password where the server has one; to be used as a context manager."""
        return SyncPrefectClient(self.api, auth_string=self.environment.get("PREFECT_API_AUTH_STRING"))


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment_of(home: Path, port: int, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a server on `port` and of its workers and clients; all they write is below `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CAIRN_"))}
    return {
        **kept,
        **prefect_settings(home / "results"),
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PYTHONPATH": str(ROOT),
        "PWD": str(ROOT),
        "NO_COLOR": "1",
        "COLUMNS": "200",
        **(more or {}),
    }


@contextmanager
def process(
    command: Sequence[str], environment: Mapping[str, str], log: Path, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in a session of its own; at the end it is stopped with all that it started.

    Parameters
    ----------
    command, environment, log
        What to run, with which environment, and the file that takes its output.
    **options
        Of `subprocess.Popen`, such as the folder or the user to run it in.
    """
    settings = {"cwd": ROOT, "env": dict(environment), "start_new_session": True, **options}
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)  # a child inherits "ignored", and a worker then never stops
    try:
        with log.open("ab") as sink:
            started = subprocess.Popen(command, stdout=sink, stderr=sink, **settings)  # noqa: S603 - our own commands
    finally:
        signal.signal(signal.SIGINT, previous)
    try:
        yield started
    finally:
        stop_tree(started)


def stop_tree(started: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """End a process and all its descendants, those in sessions of their own as well."""
    family = _family(started.pid)
    if not at_once and started.poll() is None:
        started.send_signal(signal.SIGINT)
        psutil.wait_procs(family, timeout=STOP_SECONDS)
    survivors = {one.pid: one for one in (*family, *_family(started.pid)) if one.is_running()}
    for one in survivors.values():
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(list(survivors.values()), timeout=STOP_SECONDS)
    started.wait(STOP_SECONDS)


def _family(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [*leader.children(recursive=True), leader]
    except psutil.NoSuchProcess:
        return []


def wait_until_healthy(api: str, started: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers; fail with its output when it dies or stays silent."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and started.poll() is None:
        try:
            if httpx.get(f"{api}/health", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    msg = f"the Prefect server did not start:\n{log.read_text('utf-8')}"
    raise AssertionError(msg)


@contextmanager
def start_server(home: Path, port: int | None = None, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a Prefect server with a database of its own.

    Parameters
    ----------
    home : Path
        Folder of its database and of result records; a server that was stopped goes on from there.
    port : int, optional
        Port; a free one when not given.
    more : mapping, optional
        Further environment of the server, its workers and its clients.
    """
    home.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    environment, log = environment_of(home, port, more), home / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, environment, log) as started:
        server = Server(port, environment, log, started.pid)
        wait_until_healthy(server.api, started, log)
        yield server


@contextmanager
def start_worker(
    server: Server, pool: str, name: str, environment: Mapping[str, str] | None = None, limit: int = 1
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process worker on a pool that exists.

    Parameters
    ----------
    server : Server
        The server to ask for work.
    pool : str
        Work pool.
    name : str
        Name of the worker; its output goes to `<home of the server>/<name>.log`.
    environment : mapping, optional
        Further environment, such as CUDA_VISIBLE_DEVICES.
    limit : int
        Flow runs at the same time.
    """
    log = server.log.with_name(f"{name}.log")
    command = ["-m", "prefect", "worker", "start", "--pool", pool, "--name", name, "--limit", str(limit)]
    with process([sys.executable, *command], {**server.environment, **(environment or {})}, log) as started:
        yield started


def prefect(server: Server, *words: str) -> str:
    """Run a `prefect` command against the server from the root of the checkout and return its output."""
    return run_module(server, "prefect", "--no-prompt", *words)


def cairn(server: Server, *words: str) -> str:
    """Run a `cairn` command against the server and return its output."""
    return run_module(server, "flows.cli", *words)


def run_module(server: Server, *words: str, seconds: float = 400.0) -> str:
    """Run `python -m ...` against the server; fail with its output when it fails."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(  # noqa: S603 - the tests' own commands
        command, env=server.environment, cwd=ROOT, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout
