"""The house: which room may hold what, and that nobody else owns our folder names."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("flows", "tasks", "models", "configs", "deployments", "tests")
MODULES = sorted(path for room in ROOMS[:4] for path in (ROOT / room).rglob("*.py"))
MAX_LINES = 500


def test_no_installed_package_owns_our_folder_names() -> None:
    owners = {
        f"{distribution.metadata['Name']} has {file}"
        for distribution in metadata.distributions()
        if distribution.metadata["Name"] != "cairn-omics"
        for file in distribution.files or []
        if file.parts[0] in {*ROOMS, *(f"{room}.py" for room in ROOMS)}
    }
    assert owners == set()


def test_our_own_package_ships_no_folders() -> None:
    shipped = {file.parts[0] for file in metadata.distribution("cairn-omics").files or []}
    assert shipped.isdisjoint(ROOMS)


def test_no_flow_shadows_a_module() -> None:
    names = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__"}
    assert names.isdisjoint(ROOMS)
    assert names.isdisjoint(sys.stdlib_module_names)
    assert names.isdisjoint(metadata.packages_distributions())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_stays_readable(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert "from __future__ import annotations" not in text


def test_the_locks_hold_what_is_declared() -> None:
    locked = {
        line.split("==")[0].lower().replace("_", "-")
        for file in ("requirements.lock", "requirements-dev.lock")
        for line in (ROOT / file).read_text("utf-8").splitlines()
        if "==" in line
    }
    declared = {
        requirement.split(";")[0].split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip().lower()
        for requirement in metadata.requires("cairn-omics") or []
        if "extra == 'h5ad'" not in requirement.replace('"', "'")  # anndata for Python 3.11 wants an older pandas
    }
    assert declared - locked == set()


def test_nothing_tells_of_a_machine_or_a_registry() -> None:
    told = [
        path.relative_to(ROOT).as_posix()
        for path in [*MODULES, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "Makefile", ROOT / "requirements.lock"]
        for word in ("index-url", "find-links", "http://localhost", "/home/", "/root/")
        if word in path.read_text("utf-8")
    ]
    assert told == []
