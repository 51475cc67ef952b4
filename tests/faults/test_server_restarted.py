"""The Prefect server killed in mid run, and five folds on its SQLite."""

import time
from pathlib import Path

import psutil

from tests.faults.runs import Runs
from tests.server.servers import Server, start_server


def speaking_to(server: Server) -> dict[str, str]:
    return {"PREFECT_API_URL": server.api, "PREFECT_SERVER_EPHEMERAL_ENABLED": "false"}


def test_a_run_outlives_a_server_that_is_killed_and_started_again(runs: Runs, tmp_path: Path) -> None:
    with start_server(tmp_path / "server") as server:
        process = runs.start("run", more=speaking_to(server))
        runs.wait_for(lambda: bool(runs.records("train-layer")), process, "run")
        leader = psutil.Process(server.pid)
        for one in (*leader.children(recursive=True), leader):
            one.kill()
        leader.wait()
        time.sleep(20)
        with start_server(tmp_path / "server", server.port) as again, again.client() as client:
            runs.finish(process, "run")
            states = {run.state_name for run in client.read_flow_runs()}
    assert states == {"Completed"}
    assert "Completed" in runs.states("run", "fold-")


def test_five_folds_at_once_on_sqlite(runs: Runs, server: Server) -> None:
    runs.run("five", "execution.parallel_folds=5", "validation.folds=5", more=speaking_to(server))
    with server.client() as client:
        flows = {run.state_name for run in client.read_flow_runs()}
        tasks = [run.state_name for run in client.read_task_runs(limit=200)]
    assert flows == {"Completed"}
    assert set(tasks) <= {"Completed", "Cached"}
    print("database is locked:", server.log.read_text("utf-8").count("database is locked"))  # noqa: T201
