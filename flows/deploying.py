"""Making a running Prefect server serve Cairn: work pools, deployments, and the end of runs that died unseen."""

import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, get_args

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, TypeAdapter

from configs.errors import CairnError, UserError
from flows.environment import ROOT

Kind = Literal["process", "docker", "kubernetes"]
"""What a worker starts for each run."""

PREFECT_FILE = "deployments/prefect.yaml"
GPU_POOL = "cairn-gpu"
IMAGE_CHECKOUT = "/opt/cairn"
"""Folder of the checkout in the images."""

SILENCE = dt.timedelta(seconds=100)
"""Three heartbeats of 30 s and some slack: with fewer, healthy runs under load were taken for dead."""

_TEMPLATES = ROOT / "deployments" / "work-pools"
_BEAT = "prefect.flow-run.heartbeat"
_RESTING = ("Completed", "Failed", "Cancelled", "Crashed", "Paused", "Suspended", "Scheduled", "AwaitingRetry")


class Pool(BaseModel):
    """What a work pool has of its own, beside the template of its kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    concurrency_limit: PositiveInt
    queues: Mapping[str, NonNegativeInt]
    defaults: Mapping[Kind, Mapping[str, Any]]


class DeploymentError(CairnError):
    """Prefect did not take the deployments."""


def deploy_all(kind: Kind, gpus: int) -> tuple[str, ...]:
    """Create or update everything that a server needs to run Cairn; a second time changes nothing.

    Parameters
    ----------
    kind : {'process', 'docker', 'kubernetes'}
        What a worker starts for each run.
    gpus : int
        Number of GPUs of all workers together: so many folds are trained at a time.

    Returns
    -------
    tuple of str
        Commands that start the workers, one for each GPU.
    """
    url = server_url()
    with get_client(sync_client=True) as client:
        check_server(client, url)
        for name, pool in pools().items():
            limit = gpus if name == GPU_POOL else pool.concurrency_limit
            put_pool(client, name, kind, pool.model_copy(update={"concurrency_limit": limit}))
        register(kind)
        for name, pool in pools().items():
            _limit_queues(client, name, pool.queues)
        put_automation(client, silent_runs())
    return worker_commands(kind, gpus, url)


def kind_named(name: str) -> Kind:
    """Return the kind of worker that is written so."""
    kinds: tuple[Kind, ...] = get_args(Kind)
    for kind in kinds:
        if kind == name:
            return kind
    raise UserError(
        wanted=f"one of {', '.join(kinds)}", found=repr(name), where="--kind", remedy="process needs nothing more."
    )


def server_url() -> str:
    """Return the address of the running server."""
    url = PREFECT_API_URL.value()
    if not url:
        raise UserError(
            wanted="the address of a running Prefect server",
            found="none, and the embedded server ends with its run",
            where="PREFECT_API_URL",
            remedy="Start one with `cairn ui`, then set PREFECT_API_URL=http://127.0.0.1:4200/api.",
        )
    return str(url)


def check_server(client: SyncPrefectClient, url: str) -> None:
    """Raise what the user can mend: no server there, or one that wants another password."""
    problem = client.api_healthcheck()
    if problem is not None:
        raise UserError(
            wanted="a running Prefect server",
            found=f"no answer ({type(problem).__name__})",
            where=f"PREFECT_API_URL={url}",
            remedy="Start the server, or correct the address; it ends with /api.",
        ) from problem
    try:
        client.read_work_pools(limit=1)
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise
        raise UserError(
            wanted="the user and password of the server",
            found="none that it takes",
            where="PREFECT_API_AUTH_STRING",
            remedy="Set it to the server's PREFECT_SERVER_API_AUTH_STRING, as user:password.",
        ) from error


def pools() -> dict[str, Pool]:
    """Read the work pools of the checkout."""
    given = yaml.safe_load((_TEMPLATES / "pools.yaml").read_text("utf-8"))
    return TypeAdapter(dict[str, Pool]).validate_python(given)


def template(kind: Kind, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base job template of a kind, with other defaults for some of its variables."""
    whole: dict[str, Any] = json.loads((_TEMPLATES / f"{kind}.json").read_text("utf-8"))
    variables = whole["variables"]["properties"]
    for name, value in defaults.items():
        variables[name] = {**variables[name], "default": value}
    return whole


def put_pool(client: SyncPrefectClient, name: str, kind: Kind, pool: Pool) -> None:
    """Create a work pool, or change what differs."""
    wanted = {
        "description": pool.description,
        "base_job_template": template(kind, pool.defaults.get(kind, {})),
        "concurrency_limit": pool.concurrency_limit,
    }
    try:
        there = client.read_work_pool(name)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=name, type=kind, **wanted))
        return
    if there.type != kind:
        raise UserError(
            wanted=f"a work pool of kind {kind}",
            found=f"one of kind {there.type}",
            where=f"work pool {name}",
            remedy=f"Use --kind {there.type}, or delete the pool: its kind cannot be changed.",
        )
    if any(getattr(there, key) != value for key, value in wanted.items()):
        client.update_work_pool(name, WorkPoolUpdate(**wanted))


def _limit_queues(client: SyncPrefectClient, pool: str, queues: Mapping[str, int]) -> None:
    for queue in client.read_work_queues(work_pool_name=pool):
        limit = queues.get(queue.name)
        if limit is not None and queue.concurrency_limit != limit:
            client.update_work_queue(queue.id, concurrency_limit=limit)


def register(kind: Kind) -> None:
    """Run `prefect deploy --all` on the file of deployments."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", PREFECT_FILE]
    checkout = str(ROOT) if kind == "process" else IMAGE_CHECKOUT
    environment = {**os.environ, "CAIRN_CHECKOUT": checkout}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    if done.returncode:
        message = f"Prefect did not take {PREFECT_FILE}:\n{done.stdout}{done.stderr}"
        raise DeploymentError(message)


def silent_runs() -> AutomationCore:
    """Return the automation that ends runs whose process and worker are both gone.

    Nobody else notices these: a worker that lives marks the runs of a dead process itself. Only runs with the tag
    `cairn` are meant, since other flows of the server may beat less often.
    """
    return AutomationCore(
        name="cairn: crash runs that fell silent",
        description=f"No heartbeat for {SILENCE.seconds} s: the run's process and its worker are gone.",
        trigger=EventTrigger(
            match=ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}),
            match_related=ResourceSpecification(
                {"prefect.resource.id": "prefect.tag.cairn", "prefect.resource.role": "tag"}
            ),
            for_each={"prefect.resource.id"},
            after={_BEAT},
            expect={_BEAT, *(f"prefect.flow-run.{state}" for state in _RESTING)},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[
            ChangeFlowRunState(
                name=None, state=StateType.CRASHED, message=f"No heartbeat for {SILENCE.seconds} s; start it again."
            )
        ],
    )


def put_automation(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    """Create an automation, or change the one of the same name where it differs; further ones of that name go."""
    same_name = client.read_automations_by_name(wanted.name)
    if not same_name:
        client.create_automation(wanted)
        return
    first, *others = same_name
    if AutomationCore.model_validate(first.model_dump(exclude={"id"})) != wanted:
        client.update_automation(first.id, wanted)
    for other in others:
        client.delete_automation(other.id)


def worker_commands(kind: Kind, gpus: int, url: str) -> tuple[str, ...]:
    """Return the commands that start the workers: one for the CPU pool, and for the GPU pool one for each GPU."""
    start = f"PREFECT_API_URL={url} prefect worker start --type {kind}"
    if kind != "process":
        return (f"{start} --pool cairn-cpu", f"{start} --pool {GPU_POOL} --limit {gpus}")
    pinned = [f"CUDA_VISIBLE_DEVICES={device} {start} --pool {GPU_POOL} --limit 1" for device in range(gpus)]
    return (f"{start} --pool cairn-cpu", *pinned)
