"""Folds as runs of a deployment, on two workers as if on two GPUs: the same ranking as in threads, byte for byte."""

from pathlib import Path

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType

from flows.deployed import discover_file
from flows.train_fold import train_fold
from tests.server.pools import deploy, make_pool
from tests.server.runs import descendants, start, wait_until_completed
from tests.server.servers import Server, run_module, start_worker
from tests.server.studies import write_study

pytestmark = pytest.mark.slow

DEVICES = ("0", "1")


def test_folds_on_a_work_pool_give_the_same_ranking(server: Server, client: SyncPrefectClient, studies: Path) -> None:
    inline, pooled = (write_study(studies / f"ways-{name}") for name in ("inline", "pooled"))
    run_module(server, "flows.cli", "run", str(inline), "--out", str(inline.parent / "run"), seconds=400)
    make_pool(client, "ways-cpu")
    make_pool(client, "ways-gpu")
    fold = deploy(client, train_fold, "flows.train_fold.train_fold", "ways", "ways-gpu")
    parent = deploy(client, discover_file, "flows.deployed.discover_file", "ways", "ways-cpu")
    settings = ("execution.folds=deployment", f"execution.deployment={fold}")
    run = start(client, parent, {"study_file": str(pooled), "settings": settings, "out": str(pooled.parent / "run")})
    with start_worker(server, "ways-cpu", "ways-cpu"):
        gpus = [start_worker(server, "ways-gpu", f"ways-gpu-{id_}", {"CUDA_VISIBLE_DEVICES": id_}) for id_ in DEVICES]
        with gpus[0], gpus[1]:
            wait_until_completed(client, run.id, 500)
    children = [one for one in descendants(client, run.id) if one.deployment_id is not None]
    assert len(children) == 4
    assert {one.state_type for one in children} == {StateType.COMPLETED}
    files = [study.parent / "run" / "ranking.parquet" for study in (inline, pooled)]
    rankings = [file.read_bytes() for file in files]
    assert rankings[0] == rankings[1]
