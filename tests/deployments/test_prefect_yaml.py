"""The file of deployments, as far as it can be judged without a server."""

import inspect
from importlib import import_module
from typing import Any

import pytest
import yaml
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger, DeploymentTriggerTypes
from prefect.flows import Flow
from pydantic import TypeAdapter

from configs.errors import UserError
from flows.deploying import PREFECT_FILE, kind_named, pools, silent_runs, worker_commands
from flows.environment import ROOT, prefect_settings

DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / PREFECT_FILE).read_text("utf-8"))
DEPLOYMENTS: dict[str, dict[str, Any]] = {one["name"]: one for one in DOCUMENT["deployments"]}
NAMES = tuple(DEPLOYMENTS)


def flow_of(name: str) -> Flow[Any, Any]:
    module, _, attribute = DEPLOYMENTS[name]["entrypoint"].rpartition(".")
    return getattr(import_module(module), attribute)


def test_all_deployments_are_there() -> None:
    assert set(NAMES) == {"discover", "discover-file", "train-fold", "rerank", "watch"}


@pytest.mark.parametrize("name", NAMES)
def test_deployment_says_what_it_is(name: str) -> None:
    deployment = DEPLOYMENTS[name]
    assert deployment["description"].strip().endswith(".")
    assert deployment["version"] == "0.1.0"
    assert "cairn" in deployment["tags"]  # the automation for silent runs goes by this tag


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_those_of_the_flow(name: str) -> None:
    flow = flow_of(name)
    parameters = inspect.signature(flow.fn).parameters
    assert set(DEPLOYMENTS[name]["parameters"]) <= set(parameters)
    assert flow.name == {"discover": "discover-form"}.get(name, name)


@pytest.mark.parametrize("name", NAMES)
def test_pool_and_queue_exist(name: str) -> None:
    place = DEPLOYMENTS[name]["work_pool"]
    assert place["work_queue_name"] in {"default", *pools()[place["name"]].queues}


def test_only_folds_run_on_the_gpu_pool() -> None:
    assert [name for name in NAMES if DEPLOYMENTS[name]["work_pool"]["name"] == "cairn-gpu"] == ["train-fold"]


@pytest.mark.parametrize("name", NAMES)
def test_runs_of_workers_compute_as_those_of_the_command_line(name: str) -> None:
    environment = DEPLOYMENTS[name]["work_pool"]["job_variables"]["env"]
    ours = prefect_settings()
    assert {key: ours.get(key, value) for key, value in environment.items()} == environment
    assert {"OPENBLAS_NUM_THREADS", "PREFECT_RESULTS_DEFAULT_SERIALIZER"} <= set(environment)
    assert environment["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "train-fold"])
def test_a_run_too_many_waits(name: str) -> None:
    limit = DEPLOYMENTS[name]["concurrency_limit"]
    assert limit["limit"] >= 1
    assert limit["collision_strategy"] == ConcurrencyLimitStrategy.ENQUEUE


def test_folds_are_limited_by_their_pool_alone() -> None:
    assert "concurrency_limit" not in DEPLOYMENTS["train-fold"]
    assert pools()["cairn-gpu"].concurrency_limit == 1


def test_new_samples_are_taken_one_at_a_time() -> None:
    assert DEPLOYMENTS["discover-file"]["concurrency_limit"]["limit"] == 1
    assert pools()["cairn-cpu"].queues == {"arrivals": 1}


def test_schedules_are_off_until_somebody_wants_them() -> None:
    schedules = DEPLOYMENTS["watch"]["schedules"]
    assert [one["slug"] for one in schedules] == ["every-ten-minutes", "every-night"]
    for one in schedules:
        assert one["active"] is False
        assert CronSchedule(cron=one["cron"], timezone=one["timezone"]).timezone == "Etc/UTC"


def test_new_samples_start_a_run() -> None:
    (given,) = DEPLOYMENTS["discover-file"]["triggers"]
    trigger = TypeAdapter(DeploymentTriggerTypes).validate_python(given)
    assert isinstance(trigger, DeploymentEventTrigger)
    assert trigger.expect == {"cairn.samples.arrived"}
    assert trigger.match.root == {"prefect.resource.id": "cairn.study.*"}
    known = inspect.signature(flow_of("discover-file").fn).parameters
    assert trigger.parameters == {
        name: f"{{{{ event.payload.{name} }}}}" for name in ("study_file", "previous", "out") if name in known
    }


def test_silence_is_longer_than_three_heartbeats() -> None:
    beat = int(DOCUMENT["definitions"]["environment"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"])
    trigger = silent_runs().trigger
    assert trigger.within.total_seconds() > 3 * beat  # type: ignore[union-attr]


def test_no_secret_and_no_address_is_written_down() -> None:
    files = [ROOT / PREFECT_FILE, *(ROOT / "deployments" / "work-pools").iterdir()]
    for file in files:
        text = file.read_text("utf-8").lower()
        assert "password" not in text
        assert "://" not in text


def test_each_gpu_has_a_worker_of_its_own() -> None:
    cpu, *gpu = worker_commands("process", 3, "http://lab:4200/api")
    assert "--pool cairn-cpu" in cpu
    assert [command.split()[0] for command in gpu] == [f"CUDA_VISIBLE_DEVICES={device}" for device in range(3)]
    assert all(command.endswith("--pool cairn-gpu --limit 1") for command in gpu)
    assert len(worker_commands("kubernetes", 3, "http://lab:4200/api")) == 2


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match="--kind: wanted one of process, docker, kubernetes, found 'ecs'"):
        kind_named("ecs")
