"""Settings of the embedded Prefect, made before Prefect is imported."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / ".prefect"
"""The checkout's own Prefect database: a database is bound to the version that wrote it."""

_RECORDER = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"


def prefect_settings(results: Path | None = None) -> dict[str, str]:
    """Return the environment of every Cairn process that uses Prefect.

    Parameters
    ----------
    results : Path, optional
        Folder of the result records; Prefect's own when not given. The folder in `CAIRN_SHARED` goes before it.
    """
    settings = {
        "DO_NOT_TRACK": "1",
        "PREFECT_HOME": str(HOME),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
        "PREFECT_SERVER_UI_API_URL": "/api",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "cairn",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        # Stages run side by side: one BLAS thread for each is faster, and results do not depend on the number of cores.
        "OPENBLAS_NUM_THREADS": "1",
        # Compiling UMAP takes longer than mapping some hundred samples: compile it quickly, not well.
        "NUMBA_OPT": "0",
        # The embedded server loses what it has not recorded when it ends: record soon and in small batches. Of the
        # interval Prefect takes whole seconds, and with 0 the server spins.
        f"{_RECORDER}_READ_BATCH_SIZE": "50",
        f"{_RECORDER}_BATCH_SIZE": "50",
        f"{_RECORDER}_FLUSH_INTERVAL": "1",
    }
    shared = os.environ.get("CAIRN_SHARED")
    if shared and "://" not in shared:
        settings["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] = shared
    elif results is not None:
        settings["PREFECT_RESULTS_LOCAL_STORAGE_PATH"] = str(results)
    return settings


def results_folder(folder: Path, store: str | None) -> Path:
    """Return where the result records of a study in `folder` go: beside its artifacts, if those are on this machine."""
    return (Path(store) if store and "://" not in store else folder / ".cairn") / "results"


def apply_settings(results: Path | None = None) -> None:
    """Set the environment, keeping whatever the user has set already; Prefect must not have been imported yet."""
    for name, value in prefect_settings(results).items():
        os.environ.setdefault(name, value)
