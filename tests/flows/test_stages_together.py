"""Stages as the engine runs them: nested ones, two at once, planted records, damaged objects."""

import base64
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings

from configs.artifact import Artifact, Runtime
from configs.errors import CorruptObjectError
from configs.study import StudyConfig
from flows.embedded import run_embedded
from tasks.stage import stage
from tasks.store import Store

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]

WORK: list[str] = []
PASSED = threading.Barrier(2)


@pytest.fixture(autouse=True)
def results(tmp_path: Path) -> Iterator[Path]:
    """Keep result records in a folder of the test."""
    WORK.clear()
    with temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: tmp_path / "results"}):
        yield tmp_path / "results"


@stage("made")
def made(text: str, runtime: Runtime) -> Artifact:
    WORK.append(f"made {text}")
    return Store(runtime.store).put(text.encode(), kind="page", extension="html")


@stage("inner")
def inner(text: str, runtime: Runtime) -> str:
    WORK.append(f"inner {text}")
    return text


@stage("outer")
def outer(text: str, runtime: Runtime) -> str:
    inner(text, runtime)
    message = "a bug after the inner stage"
    raise RuntimeError(message)


@flow(name="nested")
def nested(runtime: Runtime) -> None:
    outer("one", runtime)


@flow(name="once")
def once(runtime: Runtime) -> Artifact:
    return made("one", runtime)


@flow(name="read-back")
def read_back(runtime: Runtime) -> bytes:
    return Store(runtime.store).get(made("one", runtime))


def at(folder: Path) -> Runtime:
    return Runtime(store=str(folder / "store"), checkpoints=str(folder / "checkpoints"))


def record(results: Path) -> Path:
    (file,) = results.glob("made-*")
    return file


def test_a_stage_inside_a_failed_stage_is_kept(tmp_path: Path, results: Path) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="a bug after the inner stage"):
            nested(at(tmp_path))
    assert WORK == ["inner one"]
    assert list((results / "locks").iterdir()) == []


def test_of_two_runs_at_once_one_computes_and_both_have_the_result(tmp_path: Path) -> None:
    found: list[bytes] = []

    def work() -> None:
        PASSED.wait()
        found.append(read_back(at(tmp_path)))

    runs = [threading.Thread(target=work) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert found == [b"one", b"one"]
    assert WORK == ["made one"]


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.place,))


def test_a_pickle_planted_under_the_key_of_a_stage_is_passed_over(tmp_path: Path, results: Path) -> None:
    once(at(tmp_path))
    touched = tmp_path / "touched"
    planted = json.loads(record(results).read_text("utf-8"))
    planted["metadata"]["serializer"] = {"type": "pickle", "picklelib": "pickle", "picklelib_version": None}
    planted["result"] = base64.encodebytes(pickle.dumps(Touch(touched))).decode()
    record(results).write_text(json.dumps(planted), "utf-8")
    assert read_back(at(tmp_path)) == b"one"
    assert WORK == ["made one", "made one"]
    assert not touched.exists()
    assert read_back(at(tmp_path)) == b"one"
    assert len(WORK) == 2


def test_a_damaged_object_of_the_same_length_is_found_and_made_again(tmp_path: Path) -> None:
    artifact = once(at(tmp_path))
    (tmp_path / "store" / artifact.uri).write_bytes(b"two")
    assert Store(at(tmp_path).store).has(artifact)
    with pytest.raises(CorruptObjectError, match="it was removed, run again to make it anew"):
        read_back(at(tmp_path))
    assert read_back(at(tmp_path)) == b"one"
    assert WORK == ["made one", "made one"]


def test_damaged_objects_are_made_again_in_one_run(tiny_study: StudyConfig, simulated: Path, tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    placed = tiny_study.store.model_copy(update={"url": store.url})
    study = tiny_study.model_copy(update={"store": placed})
    first = run_embedded(study, simulated, str(tmp_path / "first"), ("prepare",))
    damaged = (first.content.prepared.quality, first.content.plan.table)
    for artifact in damaged:
        (tmp_path / "store" / artifact.uri).write_bytes(bytes(artifact.n_bytes))
    second = run_embedded(study, simulated, str(tmp_path / "second"), ("prepare",))
    assert second.content.prepared == first.content.prepared
    assert second.content.plan == first.content.plan
    assert all(store.get(artifact) for artifact in damaged)
    assert (tmp_path / "second" / "tables" / "quality.csv").read_bytes() == (
        tmp_path / "first" / "tables" / "quality.csv"
    ).read_bytes()
