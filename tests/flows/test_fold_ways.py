"""Folds that are trained elsewhere: the same bytes, the same errors, and another try where a process is lost."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from configs.artifact import Runtime
from configs.errors import FoldError, LostWorkError, StudyFileError, TableError, TrainingError
from flows.devices import device_ids, lease_device
from flows.outcomes import Complaint, Outcome
from flows.steps import threads
from flows.train_fold import fold
from tasks.records import FoldJob, FoldTraining
from tests.flows.fold_jobs import small_job

server = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


@flow(name="parent-of-a-fold", task_runner=threads(1))
def parent(job: FoldJob, runtime: Runtime) -> dict[str, Any]:
    """Train one fold."""
    training = fold.submit(job, runtime).result()
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    return {"training": training.model_dump(mode="json"), "flow_run": str(context.flow_run.id)}


def trained(folder: Path, way: str) -> tuple[FoldTraining, str]:
    job, runtime = small_job(folder)
    done = parent(job, runtime.model_copy(update={"folds": way}))
    return FoldTraining.model_validate(done["training"]), done["flow_run"]


def children_of(flow_run: str) -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        below = FlowRunFilterParentFlowRunId(any_=[flow_run])  # type: ignore[list-item]
        return client.read_flow_runs(flow_run_filter=FlowRunFilter(parent_flow_run_id=below))


def fold_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "flows.fold_process" in child.cmdline()]


def kill_the_first(killed: list[int]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in fold_processes():
            os.kill(child.pid, signal.SIGKILL)
            killed.append(child.pid)
            return
        time.sleep(0.02)


class TestOfSubprocess:
    pytestmark = server

    def test_a_process_of_its_own_gives_the_same_bytes_as_a_thread(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        inline, _ = trained(tmp_path / "inline", "inline")
        with caplog.at_level("INFO", "cairn.train"):
            elsewhere, flow_run = trained(tmp_path / "subprocess", "subprocess")
        assert elsewhere == inline  # every artifact by its SHA-256
        assert [(run.name, run.state_name) for run in children_of(flow_run)] == [("small-fold-0", "Completed")]
        assert any("parameters" in message for message in caplog.messages)  # the child's log
        assert not fold_processes()

    @pytest.mark.slow
    def test_a_killed_process_is_replaced(self, tmp_path: Path) -> None:
        killed: list[int] = []
        killer = threading.Thread(target=kill_the_first, args=(killed,))
        killer.start()
        training, flow_run = trained(tmp_path, "subprocess")
        killer.join()
        assert training.fold == "0"
        assert killed
        assert sorted(str(run.state_name) for run in children_of(flow_run)) == ["Completed", "Crashed"]

    @pytest.mark.slow
    def test_an_error_of_the_training_comes_back_with_the_name_of_the_fold(self, tmp_path: Path) -> None:
        job, runtime = small_job(tmp_path)
        (tmp_path / "store" / job.layers["transcriptome"].uri).unlink()
        with pytest.raises(FoldError, match=r"fold 0: the object objects/.* is not in the store"):
            parent(job, runtime.model_copy(update={"folds": "subprocess"}))

    @pytest.mark.parametrize("name", ["train-fold/none", "none"])
    def test_without_a_deployment_the_user_is_told_to_make_it(self, name: str, tmp_path: Path) -> None:
        job, runtime = small_job(tmp_path)
        with pytest.raises(StudyFileError, match="cairn deploy"):
            parent(job, runtime.model_copy(update={"folds": "deployment", "deployment": name}))


class TestOfOutcomes:
    def test_a_user_error_comes_back_as_it_was(self) -> None:
        error = TableError(wanted="numbers", found="'x'", where="table.tsv", remedy="Mend it.")
        again = Outcome.model_validate_json(Outcome(complaint=Complaint.of(error)).model_dump_json()).complaint
        assert again is not None
        back = again.error("0")
        assert type(back) is TableError
        assert str(back) == str(error)

    @pytest.mark.parametrize(
        ("error", "kind"),
        [(TrainingError("not finite"), FoldError), (LostWorkError("gone"), LostWorkError)],
    )
    def test_other_errors_name_the_fold_and_say_whether_to_try_again(
        self, error: Exception, kind: type[Exception]
    ) -> None:
        back = Complaint.of(error).error("3")
        assert type(back) is kind
        assert str(back) == f"fold 3: {error}"


class TestOfDevices:
    def test_devices_are_those_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, GPU-7")
        assert device_ids() == ("2", "GPU-7")
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert device_ids() == ()

    def test_each_device_is_lent_once_and_comes_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
        with lease_device("auto") as first, lease_device("cuda") as second:
            lent = [lease.environment["CUDA_VISIBLE_DEVICES"] for lease in (first, second)]
            assert lent == ["0", "1"]
        with lease_device("auto") as again:
            assert again.environment["CUDA_VISIBLE_DEVICES"] == "0"

    def test_the_cpu_needs_no_lease(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
        with lease_device("cpu") as lease:
            assert lease.environment == {}
