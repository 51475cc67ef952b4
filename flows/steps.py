"""Running tasks as named steps: how each ended is kept for the manifest and told to whoever watches."""

import time
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast

from prefect import Task
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from tasks.progress import announce
from tasks.records import StepTiming

P = ParamSpec("P")
R = TypeVar("R")


class Step(Generic[R]):
    """One task at work."""

    def __init__(self, name: str, future: PrefectFuture[R], ended: Callable[[str, State[Any]], None]) -> None:
        self._name, self._future, self._ended = name, future, ended
        self._told = False

    def wait(self) -> None:
        """Wait until the task has ended, well or not."""
        self._future.wait()
        if not self._told:
            self._told = True
            self._ended(self._name, self._future.state)

    def result(self) -> R:
        """Wait for the result; raises what the task raised."""
        self.wait()
        return cast("R", self._future.state.result())


class Steps:
    """The steps of one run, in the order in which they were found to have ended."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.timings: list[StepTiming] = []

    def start(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Step[R]:
        """Hand a task to the task runner."""
        return self.start_as(task.name, task, *args, **kwargs)

    def start_as(self, name: str, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Step[R]:
        """Hand a task to the task runner under a name of its own."""
        announce(name)
        future = task.submit(*args, **kwargs)
        return Step(name, future, self._ended)

    def run(self, task: Task[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a task and wait for its result; raises what the task raises."""
        return self.start(task, *args, **kwargs).result()

    def _ended(self, name: str, state: State[Any]) -> None:
        after = round(time.monotonic() - self._started, 3)
        self.timings.append(StepTiming(name=name, state=state.name or "", ended_after_seconds=after))
        announce(name, ended=state.name or "")


def all_results(steps: list[Step[R]]) -> list[R]:
    """Wait for every step, so that one failure keeps the others' work, then return results or raise the first error."""
    for step in steps:
        step.wait()
    return [step.result() for step in steps]


def threads(count: int) -> TaskRunner[PrefectFuture[Any]]:
    """Return a task runner that runs `count` submitted tasks at a time, in threads of this process."""
    return cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=count))
