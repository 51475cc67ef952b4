"""Work pools and deployments of single flows, made through the API alone."""

from typing import Any

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker

from flows.environment import ROOT


def make_pool(client: SyncPrefectClient, name: str) -> None:
    """Make a process pool."""
    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(WorkPoolCreate(name=name, type="process", base_job_template=template))


def deploy(client: SyncPrefectClient, flow: Flow[..., Any], entrypoint: str, name: str, pool: str) -> str:
    """Deploy a flow of this checkout to a pool; returns `<flow>/<deployment>`."""
    client.create_deployment(
        flow_id=client.create_flow(flow),
        name=name,
        work_pool_name=pool,
        entrypoint=entrypoint,
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        enforce_parameter_schema=True,
    )
    return f"{flow.name}/{name}"
