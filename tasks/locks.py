"""Locks on result records: of two runs that want the same result, one computes and the other waits and reuses it."""

import errno
import fcntl
import logging
import os
import platform
import threading
import time
from pathlib import Path

import anyio
from prefect.locking.protocol import LockManager
from prefect.settings import get_current_settings

from tasks.places import output_error

logger = logging.getLogger("cairn.locks")

_POLL_SECONDS = 0.1
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}


class FileLocks(LockManager):
    """One `flock` for each key, between threads of a process and between processes.

    The kernel frees a lock with the process that held it, so a killed run blocks nobody. A lock file is removed when
    its lock is released; a killed holder leaves one of a few bytes, which the next holder of the key removes. Where
    the file system knows no locks the stage goes on without: twice the work, with the same result.

    Parameters
    ----------
    folder : Path, optional
        Where lock files lie; `locks` in the folder of the result records when not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._held: dict[str, tuple[str, int]] = {}

    def __reduce__(self) -> tuple[type["FileLocks"], tuple[Path | None]]:
        """Copy without the locks held, which belong to whoever took them."""
        return FileLocks, (self._folder,)

    def acquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock, waiting for it as long as another holder lives; returns whether it was taken.

        `hold_timeout` has no meaning here: a lock ends with its holder.
        """
        del hold_timeout
        deadline = _deadline(acquire_timeout)
        told = False
        while not self._take(key, holder):
            if time.monotonic() >= deadline:
                return False
            told = told or self._tell(key)
            time.sleep(_POLL_SECONDS)
        return True

    async def aacquire_lock(
        self, key: str, holder: str, acquire_timeout: float | None = None, hold_timeout: float | None = None
    ) -> bool:
        """Take the lock without blocking the event loop."""
        del hold_timeout
        deadline = _deadline(acquire_timeout)
        told = False
        while not self._take(key, holder):
            if time.monotonic() >= deadline:
                return False
            told = told or self._tell(key)
            await anyio.sleep(_POLL_SECONDS)
        return True

    def release_lock(self, key: str, holder: str) -> None:
        """Free the lock; nothing happens where `holder` does not hold it, as after a rollback."""
        with self._guard:
            if self._held.get(key, ("", 0))[0] != holder:
                return
            _, descriptor = self._held.pop(key)
        self._file(key).unlink(missing_ok=True)
        os.close(descriptor)

    def is_locked(self, key: str) -> bool:
        """Say whether anybody holds the lock."""
        with self._guard:
            if key in self._held:
                return True
        try:
            descriptor = os.open(self._file(key), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _flock(descriptor)
        finally:
            os.close(descriptor)

    def is_lock_holder(self, key: str, holder: str) -> bool:
        """Say whether `holder` holds the lock."""
        with self._guard:
            return self._held.get(key, ("", 0))[0] == holder

    def wait_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock; returns False when that took too long."""
        deadline = _deadline(timeout)
        while self.is_locked(key):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    async def await_for_lock(self, key: str, timeout: float | None = None) -> bool:
        """Wait until nobody holds the lock, without blocking the event loop."""
        deadline = _deadline(timeout)
        while self.is_locked(key):
            if time.monotonic() >= deadline:
                return False
            await anyio.sleep(_POLL_SECONDS)
        return True

    def _take(self, key: str, holder: str) -> bool:
        """Take a free lock; a file that another holder removed meanwhile does not count."""
        if self.is_lock_holder(key, holder):
            return True
        file = self._file(key)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise output_error(error, str(file.parent)) from error
        if not _flock(descriptor) or not _is_same(descriptor, file):
            os.close(descriptor)
            return False
        try:
            os.pwrite(descriptor, f"{platform.node()} {os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(descriptor)
            raise output_error(error, str(file.parent)) from error
        with self._guard:
            self._held[key] = (holder, descriptor)
        return True

    def _file(self, key: str) -> Path:
        folder = self._folder or get_current_settings().results.local_storage_path / "locks"
        return folder / f"{key}.lock"

    def _tell(self, key: str) -> bool:
        """Say whom a stage waits for; returns that it was said."""
        try:
            who = self._file(key).read_text("utf-8").strip()
        except FileNotFoundError:
            return False
        logger.info("%s: another run computes this (machine and process %s); waiting for its result", key[:40], who)
        return True


def _deadline(seconds: float | None) -> float:
    return float("inf") if seconds is None else time.monotonic() + seconds


def _flock(descriptor: int) -> bool:
    """Lock an open file; returns False where another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        logger.warning("the file system of the result records has no locks (%s): two runs may do the same work", error)
    return True


def _is_same(descriptor: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
