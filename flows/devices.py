"""GPUs of this machine, each lent to one fold process at a time."""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prefect.settings import get_current_settings

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Lease:
    """What a process needs to work on the device that it was lent, and the open files that keep the device its own."""

    environment: dict[str, str] = field(default_factory=dict)
    handles: tuple[int, ...] = ()


def device_ids() -> tuple[str, ...]:
    """Return the CUDA devices that this process may use, without CUDA being initialised in it."""
    visible = os.environ.get(_VARIABLE)
    if visible is not None:
        return tuple(part.strip() for part in visible.split(",") if part.strip())
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    listed = subprocess.run([program, "-L"], capture_output=True, text=True, check=False)  # noqa: S603 - found by which
    lines = [line for line in listed.stdout.splitlines() if line.startswith("GPU ")]
    return tuple(str(number) for number, _ in enumerate(lines))


@contextmanager
def lease_device(device: str) -> Iterator[Lease]:
    """Wait for a free GPU and lend it while the block runs; lend nothing where there is none, or none is wanted.

    The lock is an open file, which a child inherits: the kernel frees it when the last of both processes is gone.
    """
    ids = device_ids() if device in {"auto", "cuda"} else ()
    if not ids:
        yield Lease()
        return
    folder = Path(get_current_settings().home) / "devices"
    folder.mkdir(parents=True, exist_ok=True)
    name, handle = _first_free(folder, ids)
    try:
        yield Lease({_VARIABLE: name}, (handle,))
    finally:
        os.close(handle)


def _first_free(folder: Path, ids: tuple[str, ...]) -> tuple[str, int]:
    while True:
        for name in ids:
            handle = os.open(folder / f"{name.replace('/', '_')}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
            else:
                return name, handle
        time.sleep(_RETRY_SECONDS)
