"""A run that is cancelled in the UI ends at once, with everything that it has started."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelling

from flows.deployed import discover_file
from flows.train_fold import train_fold
from tests.server.pools import deploy, make_pool
from tests.server.runs import descendants, start, story, wait_for
from tests.server.servers import Server, start_worker
from tests.server.studies import write_study

pytestmark = pytest.mark.slow

LONG = (
    "autoencoder.max_epochs=100000",
    "autoencoder.patience=10000",
    "autoencoder.widths.transcriptome=[512]",
    "autoencoder.engine=dense",
)
START_SECONDS = 300.0
TRAINING_STOPS_SECONDS = 10.0
CHILDREN_STOP_SECONDS = 15.0
STATE_SECONDS = 120.0


@pytest.fixture(scope="module")
def deployments(server: Server) -> Iterator[tuple[str, str]]:
    """Deploy parent and fold, with one worker for each."""
    with server.client() as client:
        make_pool(client, "cancel-cpu")
        make_pool(client, "cancel-gpu")
        fold = deploy(client, train_fold, "flows.train_fold.train_fold", "cancel", "cancel-gpu")
        parent = deploy(client, discover_file, "flows.deployed.discover_file", "cancel", "cancel-cpu")
    with start_worker(server, "cancel-cpu", "cancel-cpu"), start_worker(server, "cancel-gpu", "cancel-gpu"):
        yield parent, fold


def training_processes() -> list[psutil.Process]:
    """Return the processes below our workers that hold a flow run or train a fold."""
    words = ("flows.fold_process", "prefect.engine", "prefect.flow_engine")
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
        if any(word in line for word in words):
            found.append(process)
    return found


def cancel(client: SyncPrefectClient, run: FlowRun) -> None:
    """Cancel a run as the button of the UI does."""
    client.set_flow_run_state(run.id, Cancelling())


def state(client: SyncPrefectClient, run: FlowRun) -> StateType | None:
    return client.read_flow_run(run.id).state_type


@pytest.mark.parametrize("way", ["inline", "subprocess"])
def test_training_stops_and_leaves_no_process(
    way: str, deployments: tuple[str, str], client: SyncPrefectClient, studies: Path
) -> None:
    study = write_study(studies / f"cancelled-{way}")
    settings = (*LONG, f"execution.folds={way}", "autoencoder.checkpoint_seconds=0")
    checkpoints = study.parent / ".cairn" / "checkpoints"
    run = start(client, deployments[0], {"study_file": str(study), "settings": settings})
    wait_for("training", START_SECONDS, lambda: checkpoints.is_dir() and any(checkpoints.glob("*.json")))
    assert state(client, run) is StateType.RUNNING, story(client, run.id)
    cancel(client, run)
    took = wait_for("no process", TRAINING_STOPS_SECONDS, lambda: not training_processes())
    ended = wait_for("Cancelled", STATE_SECONDS, lambda: state(client, run) is StateType.CANCELLED)
    print(f"\nMEASURED {way}: no process after {took:.1f} s, Cancelled {ended:.1f} s later", flush=True)  # noqa: T201
    open_runs = [one for one in descendants(client, run.id) if one.state is None or not one.state.is_final()]
    assert not open_runs, story(client, run.id)


def test_children_stop_and_none_in_the_queue_starts(
    deployments: tuple[str, str], client: SyncPrefectClient, studies: Path
) -> None:
    parent, fold = deployments
    settings = (*LONG, "execution.folds=deployment", f"execution.deployment={fold}")
    study = write_study(studies / "cancelled-deployment")
    run = start(client, parent, {"study_file": str(study), "settings": settings})

    def folds() -> list[FlowRun]:
        return [one for one in descendants(client, run.id) if one.deployment_id is not None]

    def one_of_four_trains() -> bool:
        return len(folds()) == 4 and StateType.RUNNING in {one.state_type for one in folds()}

    wait_for("four folds, one of them running", START_SECONDS, one_of_four_trains)
    queued = {one.id for one in folds() if one.state_type is StateType.SCHEDULED}
    cancel(client, run)
    took = wait_for("no process", CHILDREN_STOP_SECONDS, lambda: not training_processes())
    ended = wait_for("all ended", STATE_SECONDS, lambda: all(one.state and one.state.is_final() for one in folds()))
    wait_for("Cancelled", STATE_SECONDS, lambda: state(client, run) is StateType.CANCELLED)
    print(f"\nMEASURED deployment: no process after {took:.1f} s, all ended {ended:.1f} s later", flush=True)  # noqa: T201
    assert {one.state_type for one in folds()} == {StateType.CANCELLED}, story(client, run.id)
    assert queued
    passed = {one.type for run_id in queued for one in client.read_flow_run_states(run_id)}
    assert passed == {StateType.SCHEDULED, StateType.CANCELLED}
