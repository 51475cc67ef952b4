"""What the API says of flow runs; nothing here reads a word of anybody's output."""

import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType

LINES = 60


def start(client: SyncPrefectClient, deployment: str, parameters: Mapping[str, Any]) -> FlowRun:
    """Create a run of a deployment, as the button of the UI does."""
    found = client.read_deployment_by_name(deployment)
    return client.create_flow_run_from_deployment(found.id, parameters=dict(parameters))


def wait_until_final(client: SyncPrefectClient, run: UUID, seconds: float) -> FlowRun:
    """Return the run once it has ended, however it ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = client.read_flow_run(run)
        if found.state is not None and found.state.is_final():
            return found
        time.sleep(0.5)
    raise AssertionError(story(client, run))


def wait_until_completed(client: SyncPrefectClient, run: UUID, seconds: float) -> FlowRun:
    """Return the run once its state's type is COMPLETED; fail with its logs when it ended otherwise."""
    ended = wait_until_final(client, run, seconds)
    assert ended.state_type is StateType.COMPLETED, story(client, run)
    return ended


def descendants(client: SyncPrefectClient, run: UUID) -> list[FlowRun]:
    """Return all flow runs below a run."""
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    children = client.read_flow_runs(flow_run_filter=below)
    return [one for child in children for one in (child, *descendants(client, child.id))]


def runs_of(client: SyncPrefectClient, deployment: str) -> list[FlowRun]:
    """Return all runs of a deployment."""
    found = client.read_deployment_by_name(deployment)
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[found.id]))
    )


def wait_for(what: str, seconds: float, found: Callable[[], object]) -> float:
    """Wait until `found()` is true; returns the seconds it took."""
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)
    return time.monotonic() - began


def new_run(client: SyncPrefectClient, deployment: str, known: set[UUID], seconds: float) -> UUID:
    """Return the id of the one run of a deployment that is not among `known`, once it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [run.id for run in runs_of(client, deployment) if run.id not in known]
        if found:
            assert len(found) == 1
            return found[0]
        time.sleep(0.5)
    message = f"nothing started a run of {deployment}"
    raise AssertionError(message)


def story(client: SyncPrefectClient, run: UUID) -> str:
    """Say where a run and those below it stand, with their last log lines."""
    family = [client.read_flow_run(run), *descendants(client, run)]
    states = [
        f"{one.name}: {one.state.type if one.state else None} {one.state and one.state.message}" for one in family
    ]
    return "\n".join([*states, *lines_of(client, family)[-LINES:]])


def lines_of(client: SyncPrefectClient, runs: list[FlowRun]) -> list[str]:
    """Return what flow runs have logged."""
    wanted = [LogFilter(flow_run_id=LogFilterFlowRunId(any_=[one.id])) for one in runs]
    return [log.message for one in wanted for log in client.read_logs(log_filter=one)]
