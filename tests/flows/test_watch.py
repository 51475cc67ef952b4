"""The flow that watches an inbox: who is told of a new version, and that its run is asked for once."""

import time
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.events.filters import EventFilter, EventNameFilter, EventOccurredFilter
from prefect.events.schemas.events import Event
from prefect.types._datetime import now

from configs.watch import WatchConfig
from flows.watch import ARRIVED, watch
from tasks.allowed import SETTING, ForbiddenPathError
from tests.tasks.small_inbox import arrive, write_study

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@flow(name="stand-in")
def stand_in(study_file: str, previous: str, out: str) -> None:
    """Stand for the flow that a deployment runs."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WatchConfig:
    monkeypatch.setenv(SETTING, str(tmp_path))
    (tmp_path / "inbox").mkdir()
    arrive(tmp_path / "inbox", "batch2", ["s98", "s99"])
    return WatchConfig(study_file=str(write_study(tmp_path)), inbox=str(tmp_path / "inbox"), quiet_seconds=0)


def events_since(client: SyncPrefectClient, start: Any) -> list[Event]:
    """Return the events of new samples, waiting for the first."""
    wanted = EventFilter(event=EventNameFilter(name=[ARRIVED]), occurred=EventOccurredFilter(since=start))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := client.read_events(wanted, limit=50).events:
            return list(found)
        time.sleep(0.2)
    return []


def test_new_samples_are_told_once_with_what_the_run_needs(config: WatchConfig) -> None:
    start = now("UTC")
    found = watch(config)
    assert (found["version"], found["taken"], found["is_pending"]) == (2, ["batch2"], True)
    assert not watch(config)["is_pending"]
    with get_client(sync_client=True) as client:
        events = events_since(client, start)
    assert [event.resource.id for event in events] == ["cairn.study.small"]
    folder = Path(config.study_file).parent
    assert {name: events[0].payload[name] for name in ("study_file", "previous", "out")} == {
        "study_file": str(folder / "versions" / "0002" / "study.yaml"),
        "previous": "",
        "out": str(folder / "runs" / "small" / "version-0002"),
    }


def test_a_schedule_without_events_starts_the_run_once_however_often_it_is_cut_off(config: WatchConfig) -> None:
    with get_client(sync_client=True) as client:
        deployment = client.create_deployment(
            client.create_flow(stand_in), "stand-in", entrypoint="nowhere", enforce_parameter_schema=False
        )
    started = config.model_copy(update={"start": True, "deployment": "stand-in/stand-in"})
    watch(started)
    (Path(config.study_file).parent / "versions" / "0002.announced").unlink()
    assert watch(started)["is_pending"]
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            flow_run_filter=FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment]))
        )
    assert [run.name for run in runs] == ["discover-small-version-2"]
    assert runs[0].parameters["study_file"].endswith("versions/0002/study.yaml")
    assert (runs[0].idempotency_key or "").startswith("cairn-small-0002-")


def test_a_deployed_watch_stays_within_the_allowed_roots(config: WatchConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, str(Path(config.study_file).parent))
    with pytest.raises(ForbiddenPathError, match=r"inbox: wanted a place in"):
        watch(config)
    assert (Path(config.inbox) / "batch2" / "samples.tsv").is_file()
