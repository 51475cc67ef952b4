"""Cancelling everything below a run: what waits never starts, what runs is told to end, what has ended stays."""

from uuid import UUID

import pytest
from prefect import Task, flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Pending, Running, Scheduled

from flows.cancelling import cancel_below, cancel_descendants

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@flow(name="of-a-family")
def member() -> None:
    """Do nothing."""


def child(client: SyncPrefectClient, parent: UUID, state: State, deployment: UUID | None = None) -> UUID:
    link = client.create_task_run(Task(fn=lambda: None, name="link"), parent, f"{parent}-{state.name}", state=Pending())
    if deployment is None:
        return client.create_flow_run(member, parent_task_run_id=link.id, state=state).id
    return client.create_flow_run_from_deployment(deployment, parent_task_run_id=link.id, state=state).id


def test_all_descendants_end_and_finished_ones_stay() -> None:
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(flow_id=client.create_flow(member), name="family")
        parent = client.create_flow_run(member, state=Running())
        waits, runs = (child(client, parent.id, state, deployment) for state in (Scheduled(), Running()))
        inline, done = (child(client, parent.id, state) for state in (Pending(), Completed()))
        below = child(client, inline, Scheduled(), deployment)
        stranger = client.create_flow_run(member, state=Running())

        assert cancel_below(client, parent.id) == 4
        found = {run: client.read_flow_run(run).state_name for run in (waits, runs, inline, done, below, stranger.id)}
        assert found == {
            waits: "Cancelled",
            runs: "Cancelling",
            inline: "Cancelled",
            done: "Completed",
            below: "Cancelled",
            stranger.id: "Running",
        }
        cancel_descendants(member, parent, Running())
        assert client.read_flow_run(runs).state_name == "Cancelling"
