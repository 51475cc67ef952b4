"""The bar of a training in the Prefect UI, and a server that goes away."""

import logging
import time
from contextvars import copy_context

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.context import SyncClientContext
from prefect.settings import PREFECT_API_URL, temporary_settings

from models.engine import EpochLoss
from tasks import live
from tasks.live import followed

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


def train_for_a_while() -> None:
    with followed("Live_study", "layer", "0", 10) as on_epoch:
        for epoch in range(1, 7):
            on_epoch(EpochLoss(epoch, 1.0 / epoch, None))
            time.sleep(0.1)


@task(name="train-a-while", persist_result=False)
def train() -> None:
    """Train before the eyes of the server."""
    train_for_a_while()


@task(name="train-alone", persist_result=False)
def train_alone() -> None:
    """Train while no server answers."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        alone = copy_context()
    alone.run(SyncClientContext.__var__.set, None)  # the client of the task knows the server that is there
    alone.run(train_for_a_while)


@flow(name="trainings-of-a-test")
def train_twice() -> None:
    """Train with and without a server."""
    train()
    train_alone()


def test_a_bar_ends_full_and_a_training_survives_without_server(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live, "BAR_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING, "cairn.train"):
        train_twice()
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=["live-study-training-layer-fold-0"]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted)
    assert [(one.type, one.data, one.description) for one in found] == [
        ("progress", 100.0, "epoch 6, training loss 0.1667")
    ]
    assert found[0].task_run_id is not None
    complaints = [record.message for record in caplog.records if "the progress cannot be shown" in record.message]
    assert len(complaints) == 1
