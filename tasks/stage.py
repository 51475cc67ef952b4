"""The one way in which a stage becomes a Prefect task."""

import errno
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import prefect
from prefect import Task
from prefect.client.schemas.objects import State, TaskRun

from tasks.caching import ContentKey, source_hash

P = ParamSpec("P")
R = TypeVar("R")

_TRANSIENT_ERRNO = {errno.EAGAIN, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNRESET, errno.EBUSY}


def is_transient(error: BaseException) -> bool:
    """Say whether trying again can help: a network, a shared disk or a busy GPU; never bad input."""
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNO


def _retry_if_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    del task, task_run
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and is_transient(error)


def stage(name: str, *, version: int = 1, run_name: str | None = None) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a cached task: keyed by content, JSON result, retried only where a retry can help.

    Parameters
    ----------
    name : str
        Name of the stage, without dots.
    version : int
        Raised by hand when the meaning of the result changes without a change in sources.
    run_name : str, optional
        Template of the task run's name, filled from the parameters.
    """

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        make = prefect.task(
            name=name,
            task_run_name=run_name or name,
            cache_policy=ContentKey(stage=name, version=version, sources=source_hash(function.__module__)),
            persist_result=True,
            result_serializer="json",
            retries=2,
            retry_delay_seconds=[2, 10],
            retry_condition_fn=_retry_if_transient,
        )
        return make(function)

    return wrap
