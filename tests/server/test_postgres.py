"""A Prefect server on a real PostgreSQL, started from Debian's package."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import StateType

from tests.server.runs import descendants
from tests.server.servers import START_SECONDS, Server, cairn, free_port, process, start_server
from tests.server.studies import FOLDS, write_study

pytestmark = pytest.mark.slow

OWNER = "postgres"
"""User of Debian's package: the database refuses to run as root."""


def programs() -> Path | None:
    """Return the folder of the newest installed PostgreSQL; Debian keeps it off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    on_path = shutil.which("initdb")
    if debian:
        return debian[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def identity() -> dict[str, Any]:
    """Return how a process of the database is started: as its own user when the tests run as root."""
    return {"user": OWNER, "group": OWNER, "extra_groups": []} if os.geteuid() == 0 else {}


def call(command: list[str], folder: Path) -> None:
    """Run one of PostgreSQL's programs; fail with its output when it fails."""
    done = subprocess.run(  # noqa: S603 - the tests' own commands
        command, cwd=folder, capture_output=True, text=True, timeout=START_SECONDS, check=False, **identity()
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def database() -> Iterator[int]:
    """Run PostgreSQL with an empty database `prefect`; yields its port."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL is not installed")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="cairn-postgres-") as name:  # pytest's own folder is closed to other users
        folder = Path(name)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = ["-D", str(folder / "data")]
        words = ["--auth=trust", "--username=cairn", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        call([str(bin_folder / "initdb"), *data, *words], folder)
        options = ["-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
        command, log = [str(bin_folder / "postgres"), *data, *options], folder / "postgres.log"
        with process(command, {**os.environ, "LC_ALL": "C.UTF-8"}, log, cwd=folder, **identity()) as started:
            address = ["-h", "127.0.0.1", "-p", str(port), "-U", "cairn"]
            _wait_until_ready([str(bin_folder / "pg_isready"), *address], started, log)
            call([str(bin_folder / "createdb"), *address, "prefect"], folder)
            yield port


def _wait_until_ready(command: list[str], started: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(command, capture_output=True, check=False).returncode != 0:  # noqa: S603 - as above
        assert started.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.1)


@pytest.fixture
def postgres_server(database: int, tmp_path: Path) -> Iterator[Server]:
    """Run a Prefect server that keeps everything in PostgreSQL."""
    url = f"postgresql+asyncpg://cairn@127.0.0.1:{database}/prefect"
    with start_server(tmp_path / "home", more={"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}) as server:
        yield server


def test_a_run_with_folds_is_recorded_in_postgresql(postgres_server: Server, tmp_path: Path) -> None:
    study, out = write_study(tmp_path / "study"), tmp_path / "run"
    cairn(postgres_server, "run", str(study), "--out", str(out), "--only", "train")
    assert (out / "manifest.json").is_file()
    assert not (tmp_path / "home" / "prefect.db").exists()
    with postgres_server.client() as client:
        parents = [run for run in client.read_flow_runs() if run.parent_task_run_id is None]
        assert [run.state_type for run in parents] == [StateType.COMPLETED]
        folds = descendants(client, parents[0].id)
        assert sorted(run.name.partition("-fold-")[2] for run in folds) == sorted(FOLDS)
        assert {run.state_type for run in folds} == {StateType.COMPLETED}
        tasks = client.read_task_runs()
    assert len(tasks) > len(FOLDS)
    assert {run.state_type for run in tasks} == {StateType.COMPLETED}
