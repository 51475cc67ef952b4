"""Lineage from the input tables to the ranking, as events of Prefect's assets.

An open-source server keeps the events and has no page for assets: they are found under Event Feed by their keys.
"""

import json
import re
from pathlib import Path
from typing import Any

from prefect.assets import Asset, AssetProperties, add_asset_metadata, materialize
from prefect.cache_policies import NO_CACHE

from configs.artifact import Runtime
from tasks.places import MANIFEST
from tasks.ui_artifacts import report_url


def record_lineage(run_folder: str, runtime: Runtime) -> None:
    """Tell from which input tables the ranking of a run was made; a run without a ranking has nothing to tell."""
    place = Path(run_folder)
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_text("utf-8"))
    if manifest["ranking"] is None:
        return
    ranking = ranking_asset(runtime.study, run_folder)
    tell = materialize(
        ranking,
        by="cairn",
        name="lineage",
        task_run_name="lineage",
        asset_deps=[input_asset(runtime.study, item["path"], item["sha256"]) for item in manifest["inputs"]],
        persist_result=False,
        cache_policy=NO_CACHE,
    )(add_asset_metadata)
    inputs = {item["path"]: item["sha256"] for item in manifest["inputs"]}
    tell(ranking, {"sha256": manifest["ranking"], "run_folder": run_folder, "inputs": inputs})


def ranking_asset(study: str, run_folder: str) -> Asset:
    """Return the ranking of a study: the same asset in each of its runs."""
    url = report_url(run_folder)
    properties = AssetProperties(name=f"Ranking of {study}", **({"url": url} if url else {}))
    return Asset(key=f"cairn://{study}/ranking", properties=properties)


def input_asset(study: str, path: str, sha256: str) -> Asset:
    """Return an input file of a study, named by its path; characters that Prefect refuses become dashes."""
    key = re.sub(r"[^A-Za-z0-9._/\-]", "-", path)
    return Asset(
        key=f"cairn://{study}/inputs/{key.lstrip('/')}"[:512],
        properties=AssetProperties(name=path, description=f"SHA-256 {sha256}"),
    )
