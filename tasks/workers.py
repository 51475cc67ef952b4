"""Who computes correlations: the threads of this process, or its GPU."""

import os
from typing import TYPE_CHECKING

from configs.artifact import Runtime

if TYPE_CHECKING:
    from models.arithmetic import Workers

GPU_BLOCK = 8192
"""Genes and metabolites in a block on a GPU, which is fast on large products alone."""


def correlation_workers(runtime: Runtime) -> "Workers":
    """Return CUDA where the study may use it and it is there, else one thread for each usable core."""
    from models.arithmetic import Workers
    from models.device import choose_device

    if choose_device(runtime.device) == "cuda":
        return Workers(device="cuda", block=GPU_BLOCK)
    return Workers(threads=usable_cores())


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
