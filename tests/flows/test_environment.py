"""Settings that every Cairn process gives to Prefect."""

from flows.environment import prefect_settings


def test_the_recorder_of_task_runs_waits_between_two_looks() -> None:
    """Prefect takes whole seconds of this interval: with 0.5 the server used two thirds of a core for nothing."""
    interval = prefect_settings()["PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL"]
    assert int(float(interval)) >= 1
