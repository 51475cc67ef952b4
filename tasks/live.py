"""How far a training has come, for whoever watches: losses in the log, and a bar in the Prefect UI."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TYPE_CHECKING
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext

from tasks.keys import artifact_key

if TYPE_CHECKING:
    from models.engine import EpochLoss

logger = logging.getLogger("cairn.train")

LOG_SECONDS = 15.0
"""Losses are logged in the first epoch, then at most this often."""
BAR_SECONDS = 5.0
"""The bar is moved this often; a training that is shorter has none."""
_LAST_WORD_SECONDS = 5.0
"""Longest that a finished training waits for its bar, where the server is slow."""


def let_loggers_speak() -> None:
    """Let messages of level INFO of our own loggers through, unless a level is set: Prefect sets none for them."""
    own = logging.getLogger("cairn")
    if own.level == logging.NOTSET:
        own.setLevel(logging.INFO)


class Losses:
    """The losses of a training as they come: logged now and then, the latest kept for a bar.

    Parameters
    ----------
    training : str
        What is trained, such as "transcriptome, fold 0".
    max_epochs : int
        Epochs after which the training ends at the latest.
    clock : callable
        Returns seconds.
    """

    def __init__(self, training: str, max_epochs: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._training, self._max_epochs, self._clock = training, max_epochs, clock
        self._due = clock()
        self._latest: EpochLoss | None = None
        self.complete = False

    def note(self, losses: "EpochLoss") -> None:
        """Take the losses of one epoch."""
        self._latest = losses
        if self._clock() >= self._due:
            self._due = self._clock() + LOG_SECONDS
            logger.info("%s: %s", self._training, self.sentence())

    def sentence(self) -> str:
        """Say where the training stands."""
        losses = self._latest
        if losses is None:
            return f"starts; {self._max_epochs} epochs at most"
        inner = "" if losses.inner_loss is None else f", on early-stopping samples {losses.inner_loss:.4g}"
        limit = "" if self.complete else f" of at most {self._max_epochs}"
        return f"epoch {losses.epoch}{limit}, training loss {losses.train_loss:.4g}{inner}"

    def percent(self) -> float:
        """Return how much of the most epochs is done, 100 once the training has ended, early or not."""
        if self.complete:
            return 100.0
        return round(100.0 * self._latest.epoch / self._max_epochs, 1) if self._latest else 0.0


@contextmanager
def followed(study: str, part: str, fold: str, max_epochs: int) -> "Iterator[Callable[[EpochLoss], None]]":
    """Yield what a training calls with the losses of each epoch; its bar is moved from a thread of its own.

    So the training never waits for the server, and does not fail with it.
    """
    losses = Losses(f"{part}, fold {fold}", max_epochs)
    if TaskRunContext.get() is None:
        yield losses.note
        return
    bar = _Bar(artifact_key(study, "training", part, "fold", fold), losses)
    thread = threading.Thread(target=copy_context().run, args=(bar.follow,), name=bar.key, daemon=True)
    thread.start()
    try:
        yield losses.note
        losses.complete = True
        logger.info("%s, fold %s: ended in %s", part, fold, losses.sentence())
    finally:
        bar.ended.set()
        thread.join(_LAST_WORD_SECONDS)


class _Bar:
    """A progress artifact that follows the losses of one training."""

    def __init__(self, key: str, losses: Losses) -> None:
        self.key, self.ended = key, threading.Event()
        self._losses = losses
        self._artifact: UUID | None = None
        self._complained = False

    def follow(self) -> None:
        """Move the bar until the training has ended, and once more then where there is a bar."""
        while not self.ended.wait(BAR_SECONDS):
            self._move()
        if self._artifact is not None:
            self._move()

    def _move(self) -> None:
        percent, sentence = self._losses.percent(), self._losses.sentence()
        try:
            if self._artifact is None:
                created = create_progress_artifact(percent, self.key, sentence)
                self._artifact = created if isinstance(created, UUID) else None
            else:
                update_progress_artifact(self._artifact, percent, sentence)
        except httpx.HTTPError as error:
            if not self._complained:
                logger.warning("%s: the progress cannot be shown, training goes on (%s)", self.key, error)
            self._complained = True
