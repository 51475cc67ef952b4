"""One holder for each key, between threads and processes, and none after a kill."""

import asyncio
import copy
import errno
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from configs.errors import OutputError
from tasks.locks import FileLocks

HOLD = """
import sys, time
from pathlib import Path
from tasks.locks import FileLocks
FileLocks(Path(sys.argv[1])).acquire_lock(sys.argv[2], "other")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def locks(tmp_path: Path) -> FileLocks:
    return FileLocks(tmp_path / "locks")


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "locks").iterdir())


def test_a_key_has_one_holder_and_its_file_goes_with_the_lock(locks: FileLocks, tmp_path: Path) -> None:
    assert locks.acquire_lock("one", "me")
    assert locks.acquire_lock("one", "me")
    assert not locks.acquire_lock("one", "you", acquire_timeout=0)
    assert (locks.is_lock_holder("one", "me"), locks.is_lock_holder("one", "you")) == (True, False)
    locks.release_lock("one", "you")
    assert locks.is_locked("one")
    assert files(tmp_path) == ["one.lock"]
    locks.release_lock("one", "me")
    locks.release_lock("one", "me")
    assert not locks.is_locked("one")
    assert files(tmp_path) == []


def test_names_with_dots_are_not_mixed_up(locks: FileLocks) -> None:
    assert locks.acquire_lock("train-v1.0-aaa", "me")
    assert locks.acquire_lock("train-v1.0-bbb", "you", acquire_timeout=0)


def test_a_full_disk_is_said_and_leaves_the_key_free(locks: FileLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(descriptor: int, content: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "pwrite", no_room)
        with pytest.raises(OutputError, match="wanted room to write, found a full disk"):
            locks.acquire_lock("one", "me")
    assert not locks.is_locked("one")
    assert locks.acquire_lock("one", "you", acquire_timeout=0)


def test_a_copy_shares_the_files_and_not_the_locks(locks: FileLocks) -> None:
    assert locks.acquire_lock("one", "me")
    other = copy.deepcopy(locks)
    assert other.is_locked("one")
    assert not other.acquire_lock("one", "me", acquire_timeout=0)


def test_only_one_thread_at_a_time_is_inside(locks: FileLocks, tmp_path: Path) -> None:
    inside, seen = [], []

    def work(number: int) -> None:
        for _ in range(20):
            locks.acquire_lock("one", f"{number}")
            inside.append(number)
            seen.append(len(inside))
            inside.remove(number)
            locks.release_lock("one", f"{number}")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert seen == [1] * 40
    assert files(tmp_path) == []


def test_a_killed_process_frees_its_lock(locks: FileLocks, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "locks"), "one"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own code
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert locks.is_locked("one")
    assert not locks.acquire_lock("one", "me", acquire_timeout=0.2)
    assert not locks.wait_for_lock("one", timeout=0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert files(tmp_path) == ["one.lock"]
    assert locks.wait_for_lock("one", timeout=5)
    assert locks.acquire_lock("one", "me", acquire_timeout=5)
    locks.release_lock("one", "me")
    assert files(tmp_path) == []


def test_the_event_loop_is_not_blocked(locks: FileLocks) -> None:
    async def both() -> list[str]:
        order = []
        assert await locks.aacquire_lock("one", "me")

        async def second() -> None:
            assert await locks.aacquire_lock("one", "you")
            order.append("second")

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.15)
        order.append("first")
        locks.release_lock("one", "me")
        await waiting
        assert not await locks.await_for_lock("one", timeout=0)
        return order

    assert asyncio.run(both()) == ["first", "second"]
