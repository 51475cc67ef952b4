"""Dockerfiles, compose file and pages, as far as they can be judged without an engine or a cluster."""

import re
from typing import Any

import pytest
import yaml
from prefect.settings import Settings
from prefect.settings.legacy import _get_valid_setting_names
from prefect_kubernetes.settings import KubernetesWorkerSettings

from flows.deploying import IMAGE_CHECKOUT, pools, template
from flows.environment import ROOT

FOLDER = ROOT / "deployments"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = ("Dockerfile", "Dockerfile.cuda")
PAGES = ("README.md", "kubernetes.md")
OF_A_SERVICE = {
    *("build", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "init", "ports", "profiles"),
    *("restart", "shm_size", "stop_grace_period", "volumes"),
}


def instructions(name: str) -> list[list[str]]:
    """Return each instruction of a Dockerfile with its words, continued lines joined."""
    text = (FOLDER / name).read_text("utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def settings_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])PREFECT_[A-Z_]+[A-Z]\b", text))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_image_is_pinned_and_runs_as_no_root(name: str) -> None:
    words = instructions(name)
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", words[0][1])
    assert ["USER", "cairn"] in words
    assert ["WORKDIR", IMAGE_CHECKOUT] in words
    after = [line[0] for line in words[words.index(["USER", "cairn"]) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_images_install_by_the_script_that_is_checked(name: str) -> None:
    steps = [line[2] for line in instructions(name) if line[:2] == ["RUN", "deployments/install.sh"]]
    assert steps == ["libraries", "cairn"]
    script = (FOLDER / "install.sh").read_text("utf-8")
    assert all(f"\n{step})\n" in script for step in steps)
    assert not [line for line in instructions(name) if "pip" in line]


def test_images_differ_in_torch_and_device_alone() -> None:
    cpu, cuda = ({" ".join(line) for line in instructions(name)} for name in DOCKERFILES)
    differing = {line.split()[0] for line in cpu ^ cuda}
    assert differing == {"ARG", "ENV"}
    assert "ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu" in cpu


def test_user_of_a_job_is_that_of_the_image() -> None:
    job = template("kubernetes", {})["job_configuration"]["job_manifest"]
    user = job["spec"]["template"]["spec"]["securityContext"]["runAsUser"]
    for name in DOCKERFILES:
        assert f"--uid {user} --create-home cairn" in " ".join(word for line in instructions(name) for word in line)


def test_image_holds_neither_history_nor_runs() -> None:
    ignored = set((ROOT / ".dockerignore").read_text("utf-8").split())
    assert {".git", ".venv", ".prefect", ".cairn", "runs", "demo"} <= ignored
    assert not {"flows", "tasks", "models", "configs", "deployments", "README.md", "LICENSE"} & ignored


@pytest.mark.parametrize("name", SERVICES)
def test_service_uses_known_keys_and_a_pinned_image(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= OF_A_SERVICE
    assert re.fullmatch(r"cairn:(cpu|cuda)|postgres:\d+\.\d+-bookworm", service["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_exists(name: str) -> None:
    service = SERVICES[name]
    assert {mount.split(":")[0] for mount in service.get("volumes", [])} <= set(COMPOSE["volumes"])
    for other, condition in service.get("depends_on", {}).items():
        healthy = condition["condition"] == "service_healthy"
        assert not healthy or "healthcheck" in SERVICES[other]
    if "build" in service:
        assert (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
    if "worker" in name:
        assert service["command"][service["command"].index("--pool") + 1] in pools()


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "deploy"])
def test_what_runs_for_long_is_looked_after(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_passwords_come_from_the_environment() -> None:
    given = {key: value for one in SERVICES.values() for key, value in one["environment"].items()}
    for key in ("PREFECT_SERVER_API_AUTH_STRING", "PREFECT_API_AUTH_STRING", "POSTGRES_PASSWORD"):
        assert re.fullmatch(r"\$\{[A-Z_]+:\?.+\}", given[key])
    assert "${POSTGRES_PASSWORD:?}" in given["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert SERVICES["server"]["ports"] == ["127.0.0.1:4200:4200"]


def test_only_the_gpu_worker_holds_a_device() -> None:
    holding = {name for name, one in SERVICES.items() if "deploy" in one}
    assert holding == {"worker-gpu"}
    (device,) = SERVICES["worker-gpu"]["deploy"]["resources"]["reservations"]["devices"]
    assert device == {"driver": "nvidia", "device_ids": ["0"], "capabilities": ["gpu"]}
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("page", [*PAGES, "compose.yaml", "prefect.yaml"])
def test_settings_of_prefect_are_spelt_as_prefect_spells_them(page: str) -> None:
    of_kubernetes = KubernetesWorkerSettings.model_config["env_prefix"]
    ours = {f"{of_kubernetes}{name}".upper() for name in KubernetesWorkerSettings.model_fields}
    assert settings_in((FOLDER / page).read_text("utf-8")) <= {*_get_valid_setting_names(Settings), *ours}


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (FOLDER / page).read_text("utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert targets
    assert [target for target in targets if not (FOLDER / target).exists() and target != "faults.md"] == []


def test_manifests_of_the_page_are_yaml() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (FOLDER / "kubernetes.md").read_text("utf-8"), re.DOTALL)
    kinds = [one["kind"] for block in blocks for one in yaml.safe_load_all(block)]
    assert kinds == ["PersistentVolumeClaim", "Deployment", "ServiceAccount", "Role", "RoleBinding"]
