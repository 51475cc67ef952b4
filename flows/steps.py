"""Running tasks as named steps: how each ended is kept for the manifest and told to whoever watches."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast
from uuid import UUID

from prefect import Task
from prefect.client.schemas.objects import RunInput, State
from prefect.context import FlowRunContext
from prefect.futures import PrefectConcurrentFuture, PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from configs.errors import LostWorkError, StudyFileError
from configs.study import ExecutionConfig
from flows.cancelling import end_work_elsewhere
from flows.environment import ROOT
from tasks.progress import announce
from tasks.records import StepTiming

P = ParamSpec("P")
R = TypeVar("R")

WAITING_TASK = "fold"
_MOST_WAITING = 1000
_PASSED_ON = ("PREFECT_", "CAIRN_", "OPENBLAS_", "NUMBA_", "DO_NOT_TRACK")


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
        state = self._future.state
        if not state.is_final():
            message = f"{self._name}: the cluster has lost it, and says {state.name}"
            raise LostWorkError(message)
        return cast("R", state.result())


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


class ThreadsAndWaits(ThreadPoolTaskRunner[Any]):
    """Threads beside those of tasks that only wait for work done elsewhere, which they end when they are interrupted.

    Parameters
    ----------
    max_workers : int
        Tasks that compute at the same time.
    waiting : tuple of str
        Names of tasks that wait, and have threads of their own for it.
    """

    def __init__(self, max_workers: int | None = None, waiting: tuple[str, ...] = ()) -> None:
        super().__init__(max_workers=max_workers)
        self._waiting = waiting
        self._beside: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=_MOST_WAITING)
        self._flow_run: UUID | None = None

    def duplicate(self) -> "ThreadsAndWaits":
        """Return a runner of the same kind."""
        return ThreadsAndWaits(self._max_workers, self._waiting)

    def submit(
        self,
        task: Task[..., Any],
        parameters: dict[str, Any],
        wait_for: Iterable[PrefectFuture[Any]] | None = None,
        dependencies: dict[str, set[RunInput]] | None = None,
    ) -> PrefectConcurrentFuture[Any]:
        """Start a task in the threads that it belongs to."""
        context = FlowRunContext.get()
        if context is not None and context.flow_run is not None:
            self._flow_run = context.flow_run.id
        if task.name in self._waiting:
            return self._beside.submit(task, parameters, wait_for, dependencies)
        return super().submit(task, parameters, wait_for, dependencies)

    def __enter__(self) -> Self:
        """Start both groups of threads."""
        super().__enter__()
        self._beside.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """End both groups of threads; after an interruption, what they wait for as well."""
        if kind is not None and not issubclass(kind, Exception) and self._flow_run is not None:
            end_work_elsewhere(self._flow_run)
        self._beside.__exit__(kind, error, trace)
        super().__exit__(kind, error, trace)


def runner_of(execution: ExecutionConfig) -> TaskRunner[PrefectFuture[Any]]:
    """Return the task runner of a run, by where its folds are trained.

    With `deployment` the parent waits for all folds at once and still computes no more than `parallel_folds` steps at a
    time; with `dask` and `ray` every step runs on the cluster.
    """
    count = execution.parallel_folds
    if execution.folds in {"subprocess", "deployment"}:
        waiting = (WAITING_TASK,) if execution.folds == "deployment" else ()
        return cast("TaskRunner[PrefectFuture[Any]]", ThreadsAndWaits(count, waiting))
    if execution.folds == "dask":
        return _dask_runner(execution.cluster, count)
    if execution.folds == "ray":
        return _ray_runner(execution.cluster, count)
    return threads(count)


def _dask_runner(address: str | None, count: int) -> TaskRunner[PrefectFuture[Any]]:
    try:
        from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _missing(extra="dask") from error
    if address:
        return cast("TaskRunner[PrefectFuture[Any]]", DaskTaskRunner(address=address))
    # One thread a process: what draws random numbers in a library never meets another step that does.
    own = {"n_workers": count, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    return cast("TaskRunner[PrefectFuture[Any]]", DaskTaskRunner(cluster_kwargs=own))


def _ray_runner(address: str | None, count: int) -> TaskRunner[PrefectFuture[Any]]:
    try:
        from prefect_ray.task_runners import RayTaskRunner  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise _missing(extra="ray") from error
    variables = {name: os.environ[name] for name in os.environ if name.startswith(_PASSED_ON)}
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    settings: dict[str, Any] = {"runtime_env": {"env_vars": {**variables, "PYTHONPATH": path}}}
    if address is None:
        settings |= {"num_cpus": count, "include_dashboard": False}
    return cast("TaskRunner[PrefectFuture[Any]]", RayTaskRunner(address=address, init_kwargs=settings))


def _missing(*, extra: str) -> StudyFileError:
    return StudyFileError(
        wanted=f"the extra {extra!r} for execution.folds={extra}",
        found="no such library",
        where="execution.folds",
        remedy=f"Install it from the checkout: pip install '.[{extra}]'",
    )
