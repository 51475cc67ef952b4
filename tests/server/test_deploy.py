"""`cairn deploy` against a real server: everything is made, and a second time changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore

from flows.deploying import pools, template
from tests.server.servers import Server, cairn, prefect

pytestmark = pytest.mark.slow

OF_THE_MOMENT = {"created", "id", "last_polled", "owner_resource", "status", "updated"}
"""Prefect makes the automation of a trigger anew each time; nobody refers to it by its id."""


def lasting(value: Any) -> Any:
    """Return an answer of the API without what each writing changes, sets of words (written as lists) in order."""
    if isinstance(value, dict):
        return {key: lasting(inner) for key, inner in value.items() if key not in OF_THE_MOMENT}
    if isinstance(value, list):
        kept = [lasting(inner) for inner in value]
        return sorted(kept) if all(isinstance(inner, str) for inner in kept) else kept
    return value


def everything(client: SyncPrefectClient) -> dict[str, Any]:
    """Return all that the server holds of deployments, pools, queues and automations."""
    found = {
        kind: lasting(client._client.post(f"/{kind}/filter", json={}).json())
        for kind in ("deployments", "work_pools", "work_queues", "automations")
    }
    return {kind: sorted(rows, key=json.dumps) for kind, rows in found.items()}


def test_deploying_twice_is_deploying_once(server: Server, client: SyncPrefectClient) -> None:
    said = cairn(server, "deploy", "--gpus", "2")
    assert f"CUDA_VISIBLE_DEVICES=1 PREFECT_API_URL={server.api} prefect worker start" in said
    first = everything(client)
    assert [one["name"] for one in first["deployments"]] == [
        *("discover", "discover-file", "rerank", "train-fold", "watch"),
    ]
    assert {one["name"]: one["concurrency_limit"] for one in first["work_pools"]} == {"cairn-cpu": 4, "cairn-gpu": 2}
    assert {one["name"]: one["concurrency_limit"] for one in first["work_queues"]}["arrivals"] == 1
    assert len(first["automations"]) == 2
    cairn(server, "deploy", "--gpus", "2")
    assert everything(client) == first


def test_what_was_changed_by_hand_is_put_right(server: Server, client: SyncPrefectClient) -> None:
    cairn(server, "deploy")
    first = everything(client)
    prefect(server, "work-pool", "set-concurrency-limit", "cairn-gpu", "9")
    (automation,) = client.read_automations_by_name("cairn: crash runs that fell silent")
    plain = AutomationCore.model_validate(automation.model_dump(exclude={"id", "owner_resource"}))
    client.update_automation(automation.id, plain.model_copy(update={"description": "changed"}))
    watch = client.read_deployment_by_name("watch/watch")
    client.update_deployment_schedule(watch.id, watch.schedules[0].id, active=True)
    changed = everything(client)
    assert {kind for kind in first if changed[kind] != first[kind]} == {"automations", "deployments", "work_pools"}
    cairn(server, "deploy")
    assert everything(client) == first


def test_kind_of_a_pool_cannot_change(server: Server) -> None:
    cairn(server, "deploy")
    with pytest.raises(AssertionError, match="work pool cairn-cpu: wanted a work pool of kind docker, found one of"):
        cairn(server, "deploy", "--kind", "docker")


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_templates_are_taken_by_the_server(
    server: Server, client: SyncPrefectClient, tmp_path: Path, kind: Any
) -> None:
    for name, pool in pools().items():
        whole = template(kind, pool.defaults[kind])
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(whole), "utf-8")
        prefect(server, "work-pool", "create", f"{name}-{kind}", "--type", kind, "--base-job-template", str(file))
        assert client.read_work_pool(f"{name}-{kind}").base_job_template == whole
