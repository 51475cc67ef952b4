"""Watching an inbox: new samples become a version of the study, and its run is asked for."""

from typing import Any

from prefect import flow, get_run_logger
from prefect.deployments import run_deployment
from prefect.events import emit_event

from configs.errors import CairnError
from configs.watch import WatchConfig
from flows.run_names import watch_name
from tasks.arrivals import Look, check_places, look_at_inbox, mark_announced

ARRIVED = "cairn.samples.arrived"
"""Event on which an automation starts the run of a new version."""


@flow(name="watch", flow_run_name=watch_name, result_serializer="json")
def watch(config: WatchConfig) -> dict[str, Any]:
    """Look at the inbox once: merge every whole arrival into one new version of the study, and ask for its run.

    A version whose run was not asked for yet, since an earlier look was cut off, is asked for again.

    Parameters
    ----------
    config : WatchConfig
        Study, inbox and who starts the run.

    Returns
    -------
    dict
        Fields of `Look`.
    """
    check_places(config)
    found = look_at_inbox(config)
    for sentence in found.sentences():
        get_run_logger().info(sentence)
    if found.is_pending and not found.is_busy:
        _ask_for_run(found, config)
        mark_announced(config.study_file, found.version)
    return found.model_dump(mode="json")


def _ask_for_run(found: Look, config: WatchConfig) -> None:
    """Start the run here, or tell the automations; never both, which would run it twice."""
    parameters = {"study_file": found.study_file, "previous": found.previous, "out": found.out}
    if config.start:
        run_deployment(
            config.deployment,
            parameters=parameters,
            flow_run_name=f"discover-{found.study}-version-{found.version}",
            idempotency_key=found.key,
            as_subflow=False,
            timeout=0,
        )
        return
    resource = {"prefect.resource.id": f"cairn.study.{found.study}", "prefect.resource.name": found.study}
    sent = emit_event(ARRIVED, resource=resource, payload={**parameters, "version": found.version, "key": found.key})
    if sent is None:
        message = f"the event {ARRIVED} of version {found.version} of {found.study} could not be sent"
        raise CairnError(message)
