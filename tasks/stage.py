"""The one way in which a stage becomes a Prefect task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import prefect
from prefect import Task
from prefect.client.schemas.objects import State, TaskRun
from prefect.transactions import BaseTransaction

from tasks.caching import LIBRARIES, ContentKey, source_hash
from tasks.locks import FileLocks
from tasks.transient import is_transient

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS = (2, 8, 20, 40)
"""Seconds before each further try: together they outlast a minute without the store."""


def _retry_if_transient(task: Task[..., Any], task_run: TaskRun, state: State[Any]) -> bool:
    del task, task_run
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and is_transient(error)


def stage(
    name: str, *, version: int = 1, run_name: str | None = None, further_libraries: tuple[str, ...] = ()
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a cached task: keyed by content, JSON result, retried only where a retry can help.

    Parameters
    ----------
    name : str
        Name of the stage, without dots.
    version : int
        Raised by hand when the meaning of the result changes without a change in sources.
    run_name : str, optional
        Template of the task run's name, filled from the parameters.
    further_libraries : tuple of str
        Packages beyond `tasks.caching.LIBRARIES` whose versions its result depends on.
    """

    def wrap(function: Callable[P, R]) -> Task[P, R]:
        @wraps(function)
        def alone(*args: P.args, **kwargs: P.kwargs) -> R:
            with _own_transactions():
                return function(*args, **kwargs)

        policy = ContentKey(
            stage=name,
            version=version,
            sources=source_hash(function.__module__),
            libraries=(*LIBRARIES, *further_libraries),
            isolation_level="SERIALIZABLE",
            lock_manager=FileLocks(),
        )
        make = prefect.task(
            name=name,
            task_run_name=run_name or name,
            cache_policy=policy,
            persist_result=True,
            result_serializer="json",
            retries=len(RETRY_DELAYS),
            retry_delay_seconds=list(RETRY_DELAYS),
            retry_condition_fn=_retry_if_transient,
        )
        return make(alone)

    return wrap


@contextmanager
def _own_transactions() -> Iterator[None]:
    """Let a stage inside a stage keep its result and free its lock when it ends, not when the outer one does."""
    active = BaseTransaction.__var__
    token = active.set(cast("BaseTransaction", None))
    try:
        yield
    finally:
        active.reset(token)
