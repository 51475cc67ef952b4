"""Running tasks as named steps: how each ended is kept for the manifest and told to whoever watches."""

import logging
import time
from collections.abc import Iterable
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.records import StepTiming

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("cairn.steps")


class Steps:
    """The steps of one run, in the order in which they ended."""

    def __init__(self) -> None:
        self.timings: list[StepTiming] = []

    def run(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a task here and now; raises what the task raises."""
        started = time.monotonic()
        announce(task.name)
        state: State[Any] = task(*args, return_state=True, **kwargs)
        result: R = self._ended(task.name, state, started)
        return result

    def gather(self, name: str, futures: Iterable[PrefectFuture[R]]) -> list[R]:
        """Wait for every future, so that one failure keeps the others' work, then return results or raise the first."""
        started = time.monotonic()
        waiting = list(futures)
        announce(name, total=len(waiting))
        states: list[State[Any]] = []
        for future in waiting:
            future.wait()
            states.append(future.state)
            announce(name, total=len(waiting), done=len(states))
        return [self._ended(f"{name}-{index}", state, started) for index, state in enumerate(states)]

    def _ended(self, name: str, state: State[Any], started: float) -> Any:  # noqa: ANN401
        self.timings.append(StepTiming(name=name, state=state.name or "", seconds=round(time.monotonic() - started, 3)))
        announce(name, ended=state.name or "")
        return state.result()


def threads(count: int) -> TaskRunner[PrefectFuture[Any]]:
    """Return a task runner that runs `count` submitted tasks at a time, in threads of this process."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=count))


def announce(step: str, *, total: int = 1, done: int = 0, ended: str = "") -> None:
    """Log an event that a progress display can follow."""
    logger.debug("%s %s", step, ended, extra={"step": step, "total": total, "done": done, "ended": ended})
