"""Time and memory of a function, measured in a process of its own; memory is read as Linux tells it."""

import gc
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 2**20
CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a function took.

    Attributes
    ----------
    seconds : float
        Wall time of the function, without its preparation.
    mib : float
        Most memory that the process held at a time, beyond what it held when the function began, MiB.
    result : object
        What the function returned: small, and able to travel between processes.
    """

    seconds: float
    mib: float
    result: object


def _measure(prepare: Callable[..., Callable[[], object]], repeats: int, arguments: dict[str, object]) -> Measured:
    function = prepare(**arguments)
    gc.collect()
    before = psutil.Process().memory_info().rss
    CLEAR.write_text("5", "ascii")  # the kernel forgets the peak so far
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = function()
        times.append(time.perf_counter() - started)
    return Measured(min(times), max(_peak() - before, 0) / MIB, result)


def _peak() -> int:
    """Return the most bytes that this process held since the peak was cleared."""
    line = next(line for line in STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measured(prepare: Callable[..., Callable[[], object]], *, repeats: int = 1, **arguments: object) -> Measured:
    """Measure the function that `prepare(**arguments)` returns, in a fresh process: the fastest of `repeats` runs."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, prepare, repeats, arguments).result()
