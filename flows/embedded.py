"""Running the parent flow under Prefect's embedded server, and leaving a true record behind."""

import logging
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from prefect import tags
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterFlowRunId,
)
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.settings.legacy import Setting
from prefect.states import Crashed

from configs.stages import Stage
from configs.study import StudyConfig
from flows.discover import Discovered, discover
from flows.steps import runner_of

logger = logging.getLogger("cairn.embedded")

_TAG = "cairn"
_TERMINAL_WAIT_SECONDS = 30.0
_PAGE = 200


def run_embedded(
    study: StudyConfig, folder: Path, out: str | None, stages: tuple[Stage, ...], previous: str | None = None
) -> Discovered:
    """Run `discover` in this process; raises what the flow raises."""
    parallel = discover.with_options(task_runner=runner_of(study.execution))
    return embedded(study, lambda: parallel(study, str(folder), out, stages, previous))


def embedded(study: StudyConfig, run: Callable[[], dict[str, Any]]) -> Discovered:
    """Run a flow in this process and see its records written; raises what the flow raises."""
    with get_client(sync_client=True) as client, temporary_settings(_settings_of_a_run(study, str(client.api_url))):
        sweep(client)
        process = f"pid:{platform.node()}:{os.getpid()}"
        try:
            with tags(_TAG, process):
                result = run()
        finally:
            if not drain(client, process):
                logger.warning("not every task run was recorded in time; the Prefect UI may show some as running")
    return Discovered.model_validate(result)


def _settings_of_a_run(study: StudyConfig, api_url: str) -> dict[Setting, Any]:
    """Return settings of the run: no heartbeat, which costs each flow run a second and which nothing watches here.

    The processes of a cluster get the settings of this one, and among them need the address of its server.
    """
    cluster = study.execution.folds in {"dask", "ray"}
    return {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, **({PREFECT_API_URL: api_url} if cluster else {})}


def sweep(client: SyncPrefectClient) -> int:
    """Mark as Crashed the runs of this machine that are Running though their process is gone; returns how many."""
    running = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            tags=FlowRunFilterTags(all_=[_TAG]),
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING])),
        ),
        limit=_PAGE,
    )
    dead = [run for run in running if _is_dead(run.tags)]
    for run in dead:
        message = "The process of this run ended without a word."
        client.set_flow_run_state(run.id, Crashed(message=message), force=True)
    return len(dead)


def _is_dead(run_tags: Sequence[str]) -> bool:
    for tag in run_tags:
        kind, _, rest = tag.partition(":")
        node, _, pid = rest.rpartition(":")
        if kind == "pid" and node == platform.node() and pid.isdigit():
            return not psutil.pid_exists(int(pid))
    return False


def drain(client: SyncPrefectClient, process: str) -> bool:
    """Wait until every task run of this process's flow runs is recorded as ended; returns whether all are.

    The embedded server keeps task-run events in memory and is killed with this process: what is not recorded is lost.
    """
    deadline = time.monotonic() + _TERMINAL_WAIT_SECONDS
    runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=[process])), limit=_PAGE)
    ids = [run.id for run in runs]
    while time.monotonic() < deadline:
        if _all_ended(client, ids):
            return True
        time.sleep(0.2)
    return False


def _all_ended(client: SyncPrefectClient, flow_runs: list[UUID]) -> bool:
    offset = 0
    while True:
        page = client.read_task_runs(
            task_run_filter=TaskRunFilter(flow_run_id=TaskRunFilterFlowRunId(any_=flow_runs)),
            limit=_PAGE,
            offset=offset,
        )
        if any(run.state is None or not run.state.is_final() for run in page):
            return False
        if len(page) < _PAGE:
            return True
        offset += _PAGE
