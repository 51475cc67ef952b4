"""Choice of the device that networks are trained on, and of the threads that they take there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psutil
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from configs.errors import UserError


def choose_device(wanted: Literal["auto", "cpu", "cuda", "mps"]) -> str:
    """Return the device to train on; `auto` takes CUDA, then MPS, then the CPU.

    Raises
    ------
    UserError
        If a device is asked for that this machine does not have.
    """
    available = _available()
    if wanted == "auto":
        return available[0]
    if wanted not in available:
        raise UserError(
            wanted=f"the device {wanted!r}",
            found=f"only {', '.join(available)} on this machine",
            where="execution.device",
            remedy="Set execution.device to auto, or run on a machine that has the device.",
        )
    return wanted


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch work on the calling thread alone, and leave other threads as they are.

    Folds run side by side, which uses the cores better than threads that wait for each other inside one small product.
    It also makes the results independent of the number of cores.
    """
    # OpenMP keeps its number of threads for each calling thread, whereas torch.set_num_threads acts on the process.
    with threadpool_limits(1, user_api="openmp"):
        yield


def _available() -> list[str]:
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [device for device, is_there in present.items() if is_there]


def memory_of(device: str) -> tuple[int, int]:
    """Return the bytes that a program may still take on `device`, and the bytes that there are in all."""
    kind = torch.device(device).type
    if kind == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return int(free), int(total)
    if kind == "mps":
        total = int(torch.mps.recommended_max_memory())
        return total - int(torch.mps.current_allocated_memory()), total
    memory = psutil.virtual_memory()
    return int(memory.available), int(memory.total)
