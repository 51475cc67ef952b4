"""Time and memory of a function, measured in a process of its own."""

import gc
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import psutil

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Measured:
    """What a function took.

    Attributes
    ----------
    seconds : float
        Wall time of the function, without the preparation that it is given.
    mib : float
        Most memory that the process held at a time, beyond what it held when the function began, MiB.
    result : object
        What the function returned: small, and able to travel between processes.
    """

    seconds: float
    mib: float
    result: object


def _measure(prepare: Callable[..., Callable[[], object]], arguments: dict[str, object]) -> Measured:
    function = prepare(**arguments)
    gc.collect()
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(seconds, max(peak - before, 0) / MIB, result)


def measured(prepare: Callable[..., Callable[[], object]], **arguments: object) -> Measured:
    """Measure the function that `prepare(**arguments)` returns, in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, prepare, arguments).result()
