"""A progress display that follows the steps of a run through their log events."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from tasks.progress import logger as step_logger


class _Follower(logging.Handler):
    """Turns step events into rows of a Rich progress display."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(level=logging.DEBUG)
        self._progress = progress
        self._rows: dict[str, TaskID] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Add or move one row."""
        step, ended, share = (getattr(record, name, None) for name in ("step", "ended", "share"))
        if not isinstance(step, str):
            return
        if share is not None:
            if step in self._rows:
                self._progress.update(self._rows[step], completed=share)
        elif not ended:
            self._rows[step] = self._progress.add_task(step, total=1)
        elif step in self._rows:
            self._progress.update(self._rows[step], completed=1, description=f"{step} ({ended.lower()})")


@contextmanager
def progress_of_steps() -> Iterator[None]:
    """Show the steps of a run while the block runs; on a terminal as bars, elsewhere as the finished list."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
    )
    before = step_logger.level
    with Progress(*columns, console=Console(stderr=True)) as progress:
        follower = _Follower(progress)
        step_logger.addHandler(follower)
        step_logger.setLevel(logging.DEBUG)
        step_logger.propagate = False  # the log of the run says of each task how it ended
        try:
            yield
        finally:
            step_logger.removeHandler(follower)
            step_logger.setLevel(before)
            step_logger.propagate = True
