"""Cancelling a run ends everything that it started, at once."""

import logging
import os
import queue
import signal
import threading
from contextlib import suppress
from typing import Any
from uuid import UUID

import httpx
import psutil
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Cancelling

logger = logging.getLogger("cairn.cancelling")

_AT_WORK = (StateType.PENDING, StateType.RUNNING, StateType.PAUSED)
_FOLD_PROCESS = "flows.fold_process"
_WHY = "The run that started this one was ended."
_PAGE = 200
_STATUS = 128 + signal.SIGTERM


def cancel_descendants(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Cancel every run below a flow run, as a hook of the flow (`on_cancellation`, `on_crashed`, `on_failure`)."""
    del flow, state
    with get_client(sync_client=True) as client:
        count = cancel_below(client, flow_run.id)
    if count:
        logger.info("cancelled %d runs that this run had started", count)


def cancel_below(client: SyncPrefectClient, flow_run: UUID) -> int:
    """Cancel every run below a flow run: at once what waits to start, through its worker what runs; returns how many.

    What waits is cancelled first on each level, so that none of it starts in the room that another one leaves.
    """
    count, parents = 0, [flow_run]
    while parents:
        children = _children(client, parents)
        waiting = [run for run in children if run.state_type is StateType.SCHEDULED]
        running = [run for run in children if run.state_type in _AT_WORK]
        for run in (*waiting, *running):
            # No worker would ever end a run that it has not started.
            ends = run.state_type is StateType.SCHEDULED or run.deployment_id is None
            client.set_flow_run_state(run.id, Cancelled(message=_WHY) if ends else Cancelling(message=_WHY))
            count += 1
        parents = [run.id for run in children]
    return count


def end_work_elsewhere(flow_run: UUID) -> None:
    """End the runs below a flow run and the fold processes of this one, so that what waits for them ends too."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if _FOLD_PROCESS in process.cmdline():
                process.kill()
    with get_client(sync_client=True) as client:
        cancel_below(client, flow_run)


def end_at_once_when_terminated() -> None:
    """Let SIGTERM end this process within a second or two, if a worker has started it for a flow run.

    A flow that waits for threads would otherwise live on for half a minute. Nothing is lost by a sudden end: whatever
    is kept is written whole under another name first, and training goes on from its checkpoint.
    """
    own = os.environ.get("PREFECT__FLOW_RUN_ID")
    if own is None or threading.current_thread() is not threading.main_thread():
        return
    told: queue.SimpleQueue[None] = queue.SimpleQueue()
    threading.Thread(target=_end, args=(told, UUID(own)), name="end-at-once", daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: told.put(None))


def _end(told: "queue.SimpleQueue[None]", own: UUID) -> None:
    told.get()
    try:
        with get_client(sync_client=True) as client:
            cancel_below(client, own)
    except httpx.HTTPError as error:
        logger.warning("the runs below this one could not be cancelled: %s", error)
    finally:
        os._exit(_STATUS)  # processes of folds end with this one


def _children(client: SyncPrefectClient, parents: list[UUID]) -> list[FlowRun]:
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=parents)),
            limit=_PAGE,
            offset=len(found),
        )
        found += page
        if len(page) < _PAGE:
            return found
