"""What is told of a training while it runs."""

import logging
import threading

import pytest

from models.engine import EpochLoss
from tasks.keys import artifact_key
from tasks.live import LOG_SECONDS, Losses, followed


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_losses_are_logged_in_the_first_epoch_and_then_at_a_sane_rate(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    losses = Losses("transcriptome, fold 0", 500, clock=clock)
    with caplog.at_level(logging.INFO, "cairn.train"):
        for epoch in range(1, 101):
            losses.note(EpochLoss(epoch, 1 / epoch, 2 / epoch))
            clock.now += LOG_SECONDS / 40
    logged = [record.message for record in caplog.records]
    assert logged == [
        "transcriptome, fold 0: epoch 1 of at most 500, training loss 1, on early-stopping samples 2",
        "transcriptome, fold 0: epoch 41 of at most 500, training loss 0.02439, on early-stopping samples 0.04878",
        "transcriptome, fold 0: epoch 81 of at most 500, training loss 0.01235, on early-stopping samples 0.02469",
    ]


def test_a_bar_is_full_when_a_training_stops_early() -> None:
    losses = Losses("graph, fold 1", 200)
    assert (losses.percent(), losses.sentence()) == (0.0, "starts; 200 epochs at most")
    losses.note(EpochLoss(50, 0.5, None))
    assert (losses.percent(), losses.sentence()) == (25.0, "epoch 50 of at most 200, training loss 0.5")
    losses.complete = True
    assert (losses.percent(), losses.sentence()) == (100.0, "epoch 50, training loss 0.5")


def test_no_bar_is_made_outside_a_task() -> None:
    before = threading.active_count()
    with followed("study", "graph", "0", 10) as on_epoch:
        on_epoch(EpochLoss(1, 1.0, None))
        assert threading.active_count() == before


def test_keys_are_lower_case_words() -> None:
    assert artifact_key("Leaf_2024", "top-genes", "Capsaicinoids_") == "leaf-2024-top-genes-capsaicinoids"
