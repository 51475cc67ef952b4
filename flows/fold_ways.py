"""Ways to train a fold elsewhere than in the parent, which only waits: a process each, or a run of a deployment."""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import IO, Any, cast
from uuid import UUID

import httpx
from prefect import Flow, Task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State, TaskRunResult
from prefect.context import TagsContext, TaskRunContext
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Crashed, Pending

from configs.artifact import Runtime
from configs.errors import FoldError, LostWorkError, StudyFileError
from flows.devices import lease_device
from flows.environment import ROOT
from flows.outcomes import ask
from tasks.records import FoldJob, FoldTraining

logger = logging.getLogger("cairn.folds")

_POLL_SECONDS = 1.0
_UNREACHABLE_SECONDS = 600.0


def train_in_process(flow: Flow[..., Any], job: FoldJob, runtime: Runtime) -> FoldTraining:
    """Train a fold in a process of its own, with a GPU of its own where there is one.

    The process ends with this one, however this one ends: it watches the pipe through which it got its order.
    """
    with get_client(sync_client=True) as client:
        flow_run = _linked_run(client, flow, job, runtime)
        order = {"flow_run": str(flow_run.id), "job": job.model_dump(mode="json"), "runtime": runtime.model_dump()}
        with lease_device(runtime.device) as lease:
            environment = {**_environment(str(client.api_url)), **lease.environment}
            status = _run_process(order, environment, lease.handles)
        if status < 0:
            message = f"fold {job.fold.name}: its process was killed by signal {-status}"
            client.set_flow_run_state(flow_run.id, Crashed(message=message), force=True)
            raise LostWorkError(message)
        return _training(client, flow_run.id, job.fold.name)


def train_by_deployment(job: FoldJob, runtime: Runtime) -> FoldTraining:
    """Train a fold as a run of a deployment; a run that crashed is started again by the stage's own retries."""
    own, name = _own_run().task_run, job.fold.name
    if len(list(filter(None, runtime.deployment.split("/")))) != 2:
        raise _no_deployment(runtime.deployment)
    try:
        started = run_deployment(
            runtime.deployment,
            parameters={"job": job.model_dump(mode="json"), "runtime": runtime.model_dump(mode="json")},
            flow_run_name=f"{runtime.study}-fold-{name}",
            timeout=0,
            tags=sorted(TagsContext.get().current_tags),
            idempotency_key=f"{own.id}-{own.run_count}",
        )
    except ObjectNotFound as error:
        raise _no_deployment(runtime.deployment) from error
    started_id = cast("FlowRun", started).id  # a coroutine only where the caller is one
    with get_client(sync_client=True) as client:
        _wait_for(client, started_id, name)
        return _training(client, started_id, name)


def _no_deployment(name: str) -> StudyFileError:
    return StudyFileError(
        wanted="the deployment of a fold on the Prefect server, as flow/deployment",
        found=f"none of the name {name!r}",
        where="execution.deployment",
        remedy="Set PREFECT_API_URL to the server, and put the deployments there with `cairn deploy`.",
    )


def _training(client: SyncPrefectClient, flow_run: UUID, fold: str) -> FoldTraining:
    """Return what a flow run that has ended trained, or raise what ended it."""
    outcome, state = ask(client, flow_run), client.read_flow_run(flow_run).state
    if outcome is not None and outcome.training is not None:
        return outcome.training
    if outcome is not None and outcome.complaint is not None:
        raise outcome.complaint.error(fold)
    how = "ended without a word" if state is None else f"{(state.name or '').lower()}: {state.message or 'no reason'}"
    message = f"fold {fold} {how}"
    raise LostWorkError(message) if state is None or state.is_crashed() else FoldError(message)


def _wait_for(client: SyncPrefectClient, flow_run: UUID, fold: str) -> None:
    """Wait until a flow run has ended; a server that is away for some minutes is waited for."""
    answered = time.monotonic()
    while True:
        try:
            state: State[Any] | None = client.read_flow_run(flow_run).state
            answered = time.monotonic()
        except (httpx.TransportError, httpx.HTTPStatusError) as error:
            if time.monotonic() - answered > _UNREACHABLE_SECONDS:
                message = f"fold {fold}: the Prefect server has not answered for {_UNREACHABLE_SECONDS:.0f} s"
                raise LostWorkError(message) from error
        else:
            if state is not None and state.is_final():
                return
        time.sleep(_POLL_SECONDS)


def _linked_run(client: SyncPrefectClient, flow: Flow[..., Any], job: FoldJob, runtime: Runtime) -> FlowRun:
    """Create the flow run of a fold as a child of the running task, as `run_deployment` does."""
    own = _own_run().task_run
    link = client.create_task_run(
        task=Task(fn=lambda: None, name=flow.name),
        flow_run_id=own.flow_run_id,
        dynamic_key=f"{own.id}-{own.run_count}",
        task_inputs={"__parents__": [TaskRunResult(id=own.id)]},
        state=Pending(),
    )
    return client.create_flow_run(
        flow,
        name=f"{runtime.study}-fold-{job.fold.name}",
        tags=TagsContext.get().current_tags,
        parent_task_run_id=link.id,
        state=Pending(),
    )


def _own_run() -> TaskRunContext:
    context = TaskRunContext.get()
    if context is None:
        message = "a fold is trained elsewhere from a Prefect task only"
        raise RuntimeError(message)
    return context


def _environment(api_url: str) -> dict[str, str]:
    """Return the environment of a child: ours, our settings, our server, and not the identity of our own run."""
    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT__")}
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    quiet = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}  # its records come to us as records
    return {**inherited, **settings, **quiet, "PREFECT_API_URL": api_url, "PYTHONPATH": path}


def _run_process(order: Mapping[str, object], environment: Mapping[str, str], handles: tuple[int, ...]) -> int:
    """Run one fold process to its end, pass its log on, and return its exit status."""
    with subprocess.Popen(
        [sys.executable, "-m", "flows.fold_process"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        pass_fds=handles,
    ) as process:
        if process.stdin is None or process.stdout is None:
            message = "a fold process has no pipes"
            raise RuntimeError(message)
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            logger.warning("a fold process ended before it had read its order")
        _pass_on(process.stdout)
        return process.wait()


def _pass_on(output: IO[bytes]) -> None:
    """Log what a child logs; its records have reached the server by themselves, plain lines have not."""
    for line in output:
        text = line.decode("utf-8", "replace").rstrip()
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if isinstance(record, dict) and isinstance(record.get("cairn"), dict):
            fields = {**record["cairn"], "send_to_api": False}
            logging.getLogger(fields["name"]).handle(logging.makeLogRecord(fields))
        elif text:
            logger.warning("%s", text)
