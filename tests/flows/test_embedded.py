"""What the embedded run leaves in Prefect's database."""

import platform

import psutil
import pytest
from prefect import flow, tags, task
from prefect.client.orchestration import get_client
from prefect.states import Running

from flows.embedded import drain, sweep

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@flow(name="left-behind")
def left_behind() -> None:
    """Do nothing."""


@task
def one(number: int) -> int:
    return number


@flow(name="many")
def many() -> None:
    """Run more tasks than the server records at once."""
    for number in range(30):
        one(number)


def run_tagged(*words: str) -> str:
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(left_behind, tags=words, state=Running())
        return str(run.id)


def state_of(run: str) -> str | None:
    with get_client(sync_client=True) as client:
        return client.read_flow_run(run).state_name  # type: ignore[arg-type]


def test_a_run_whose_process_is_gone_is_marked_crashed_and_others_stay() -> None:
    gone = max(psutil.pids()) + 100_000
    dead = run_tagged("cairn", f"pid:{platform.node()}:{gone}")
    alive = run_tagged("cairn", f"pid:{platform.node()}:{psutil.Process().pid}")
    elsewhere = run_tagged("cairn", f"pid:another-machine:{gone}")
    with get_client(sync_client=True) as client:
        assert sweep(client) == 1
    assert [state_of(run) for run in (dead, alive, elsewhere)] == ["Crashed", "Running", "Running"]


def test_every_task_run_is_recorded_before_the_process_may_end() -> None:
    with tags("drain-test"):
        many()
    with get_client(sync_client=True) as client:
        assert drain(client, "drain-test")
