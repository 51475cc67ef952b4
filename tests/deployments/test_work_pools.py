"""The base job templates, rendered by the workers' own classes: what a cluster or an engine would be asked for."""

import asyncio
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
from docker.models.containers import _create_container_args
from kubernetes_asyncio.client import ApiClient, V1Job
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.workers.base import BaseJobConfiguration
from prefect.workers.process import ProcessJobConfiguration
from prefect_docker.worker import DockerWorker, DockerWorkerJobConfiguration
from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

from flows.deploying import GPU_POOL, Kind, pools, template

CPU_POOL = "cairn-cpu"
KINDS: tuple[Kind, ...] = ("process", "docker", "kubernetes")
POOLS = tuple(pools())
DEPLOYED = {"env": {"OPENBLAS_NUM_THREADS": "1"}, "name": "a-run", "command": "prefect flow-run execute"}


def template_of(pool: str, kind: Kind) -> dict[str, Any]:
    return template(kind, pools()[pool].defaults.get(kind, {}))


Configuration = TypeVar("Configuration", bound=BaseJobConfiguration)


def rendered(kind: type[Configuration], whole: dict[str, Any], values: Mapping[str, Any]) -> Configuration:
    """Fill in a template; without blocks or variables in it, the client is asked nothing."""
    client = PrefectClient("http://127.0.0.1:9/api")
    return asyncio.run(kind.from_template_and_values(whole, dict(values), client=client))


def manifest(pool: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Render the job of a pool of a cluster as its worker would send it."""
    values = {**DEPLOYED, **(more or {})}
    configuration = rendered(KubernetesWorkerJobConfiguration, template_of(pool, "kubernetes"), values)
    configuration._populate_env_in_manifest()
    configuration._populate_command_if_not_present()
    return configuration.job_manifest


def container(pool: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Render the container of a pool as docker-py would send it to the engine."""
    configuration = rendered(DockerWorkerJobConfiguration, template_of(pool, "docker"), {**DEPLOYED, **(more or {})})
    version = SimpleNamespace(version=lambda: {"Version": "27.0.0"})
    worker = DockerWorker(work_pool_name=pool)
    settings = worker._build_container_settings(version, configuration)  # type: ignore[arg-type]
    return _create_container_args({**settings, "version": "1.47"})


def spec_of(job: Mapping[str, Any]) -> dict[str, Any]:
    return job["spec"]["template"]["spec"]


async def parsed(job: Mapping[str, Any]) -> V1Job:
    """Read a manifest as the cluster's API would: a missing field or one of a wrong type is an error."""
    async with ApiClient() as client:
        return client.deserialize(SimpleNamespace(data=json.dumps(job)), "V1Job")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pool", POOLS)
def test_template_is_one_that_prefect_takes(pool: str, kind: Kind) -> None:
    whole = template_of(pool, kind)
    assert WorkPoolCreate(name=pool, type=kind, base_job_template=whole).base_job_template == whole
    for name, variable in whole["variables"]["properties"].items():
        assert variable["title"], name
        assert variable["description"].endswith("."), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_of_a_pool_belongs_to_a_variable(kind: Kind) -> None:
    known = set(template(kind, {})["variables"]["properties"])
    for pool in pools().values():
        assert set(pool.defaults.get(kind, {})) <= known


@pytest.mark.parametrize("pool", POOLS)
def test_process_pool_passes_command_and_environment_on(pool: str) -> None:
    configuration = rendered(ProcessJobConfiguration, template_of(pool, "process"), DEPLOYED)
    assert configuration.command == DEPLOYED["command"]
    assert configuration.env == DEPLOYED["env"]
    assert configuration.working_dir is None


def test_job_of_the_gpu_pool_asks_for_one_gpu_on_a_gpu_node() -> None:
    spec = spec_of(manifest(GPU_POOL))
    limits = spec["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == 1
    assert isinstance(limits["nvidia.com/gpu"], int)
    assert spec["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["containers"][0]["image"] == "cairn:cuda"


def test_job_of_the_cpu_pool_asks_for_no_gpu() -> None:
    spec = spec_of(manifest(CPU_POOL))
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "2", "memory": "8Gi"},
        "limits": {"memory": "8Gi"},
    }
    assert spec["nodeSelector"] == {}
    assert spec["tolerations"] == []


@pytest.mark.parametrize("pool", POOLS)
def test_job_is_a_valid_manifest(pool: str) -> None:
    job = asyncio.run(parsed(manifest(pool, {"namespace": "lab", "shared_claim": "studies"})))
    assert (job.api_version, job.kind, job.metadata.namespace) == ("batch/v1", "Job", "lab")
    spec = job.spec.template.spec
    assert (job.spec.backoff_limit, spec.restart_policy) == (0, "Never")
    (only,) = spec.containers
    assert only.args == ["prefect", "flow-run", "execute"]
    assert {volume.name for volume in spec.volumes} == {mount.name for mount in only.volume_mounts}
    assert spec.volumes[0].persistent_volume_claim.claim_name == "studies"
    assert spec.security_context.run_as_non_root is True


@pytest.mark.parametrize("pool", POOLS)
def test_secrets_of_a_job_are_references(pool: str) -> None:
    (only,) = spec_of(manifest(pool, {"secret": "lab-secrets"}))["containers"]
    assert only["envFrom"] == [{"secretRef": {"name": "lab-secrets"}}]
    assert {one["name"]: one["value"] for one in only["env"]} == {
        "CAIRN_SHARED": "/shared/results",
        "CAIRN_ALLOWED_ROOTS": "/shared",
        "OPENBLAS_NUM_THREADS": "1",
    }


def test_store_on_s3_replaces_the_shared_folder() -> None:
    environment = {"CAIRN_SHARED": "s3://lab/results", "CAIRN_ALLOWED_ROOTS": "s3://lab/"}
    (only,) = spec_of(manifest(CPU_POOL, {"env": environment}))["containers"]
    given = {one["name"]: one["value"] for one in only["env"]}
    assert environment.items() <= given.items()


def test_container_of_the_gpu_pool_gets_one_device() -> None:
    asked = container(GPU_POOL)["host_config"]["DeviceRequests"]
    assert asked == [{"Driver": "nvidia", "Count": 1, "DeviceIDs": [], "Capabilities": [["gpu"]], "Options": {}}]


def test_container_of_the_cpu_pool_gets_no_device() -> None:
    assert not container(CPU_POOL)["host_config"].get("DeviceRequests")


@pytest.mark.parametrize("pool", POOLS)
def test_container_has_image_volume_and_environment(pool: str) -> None:
    asked = container(pool, {"networks": ["lab"]})
    host = asked["host_config"]
    assert asked["image"] == pools()[pool].defaults["docker"]["image"]
    assert host["Binds"] == ["cairn-shared:/shared"]
    assert host["ShmSize"] == 2**30
    assert host["Memory"] == 8 * 2**30
    assert not host.get("Privileged")
    assert asked["environment"] == {
        "CAIRN_ALLOWED_ROOTS": "/shared",
        "CAIRN_SHARED": "/shared/results",
        "OPENBLAS_NUM_THREADS": "1",
    }
