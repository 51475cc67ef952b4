"""A process that trains one fold: the order comes as a line of JSON by stdin, the log goes to stdout as JSON lines.

`python -m flows.fold_process` is started by `flows.fold_ways.train_in_process` and by nobody else. The outcome goes
through the Prefect server (see `flows.outcomes`). When stdin ends, the parent is gone, and so is this process.
"""

import json
import logging
import os
import signal
import sys
import threading
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_sync
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from configs.artifact import Runtime
from flows.train_fold import train_fold
from tasks.progress import logger as step_logger
from tasks.records import FoldJob

_CHUNK = 4096
_PASSED_ON = ("name", "levelno", "levelname", "step", "ended", "share")


class _ToParent(logging.Handler):
    """Writes each record as a line of JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: getattr(record, name) for name in _PASSED_ON if hasattr(record, name)}
        sys.stdout.write(json.dumps({"cairn": {**fields, "msg": record.getMessage()}}) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Train the fold that stdin orders; returns the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.getLogger("cairn").setLevel(logging.INFO)
    logging.getLogger("cairn").addHandler(_ToParent())
    step_logger.setLevel(logging.DEBUG)
    job, runtime = FoldJob.model_validate(order["job"]), Runtime.model_validate(order["runtime"])
    # A heartbeat costs a second; the parent watches this process itself.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        with get_client(sync_client=True) as client:
            flow_run = client.read_flow_run(UUID(order["flow_run"]))
        parameters = {"job": job, "runtime": runtime}
        state = run_flow_sync(train_fold, flow_run=flow_run, parameters=parameters, return_type="state")
    return 0 if state is not None and state.is_completed() else 1  # type: ignore[union-attr]


def _end_with_parent() -> None:
    """Wait for the end of stdin, which the parent holds open as long as it lives, and end at once."""
    while os.read(sys.stdin.fileno(), _CHUNK):  # not the buffer, whose lock would be held when the interpreter ends
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
