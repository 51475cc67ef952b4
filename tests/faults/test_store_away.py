"""A store on S3 that does not answer for a minute."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.faults.runs import Runs
from tests.server.servers import free_port, process

AWAY_SECONDS = 60


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Run a server that speaks S3, with a bucket; yields the environment of its clients and its process."""
    port = free_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, {"PATH": "/usr/bin:/bin"}, tmp_path / "s3.log") as server:
        client = boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the server of this test
            region_name="us-east-1",
        )
        deadline = time.monotonic() + 60
        while "Running on" not in (tmp_path / "s3.log").read_text("utf-8") and time.monotonic() < deadline:
            time.sleep(0.2)
        client.create_bucket(Bucket="cairn")
        yield environment, server.pid
        client.close()


def test_a_run_outlives_a_store_that_is_silent_for_a_minute(runs: Runs, s3: tuple[dict[str, str], int]) -> None:
    environment, pid = s3
    running = runs.start("run", "store.url=s3://cairn/store", more=environment)
    runs.wait_for(lambda: bool(runs.records("train-layer")), running, "run")
    os.kill(pid, signal.SIGSTOP)
    time.sleep(AWAY_SECONDS)
    still = running.poll() is None
    os.kill(pid, signal.SIGCONT)
    assert still
    runs.finish(running, "run")
    runs.run("again", "store.url=s3://cairn/store", more=environment)
    assert set(runs.states("again", "fold-")) == {"Cached"}
    assert runs.ranking("again") == runs.ranking("run")
