"""Result records: JSON of our own records and nothing else; a planted pickle is never loaded."""

import base64
import importlib
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow, Task
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore
from prefect.serializers import JSONSerializer

from configs.artifact import Artifact
from flows.environment import prefect_settings
from tasks.records import LayerRead
from tasks.result_files import UnusableRecordError, decode_record, stored_record

ROOT = Path(__file__).resolve().parents[2]
ARTIFACT = Artifact(uri=f"objects/aa/{'a' * 64}.parquet", sha256="a" * 64, kind="layer", n_bytes=1)


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(self.place),))


def stored(result: object, folder: Path) -> bytes:
    store = ResultStore(result_storage=LocalFileSystem(basepath=str(folder)), serializer=JSONSerializer())
    store.write(result, key="key")
    content = stored_record(store, "key")
    assert content is not None
    return content


def planted(tmp_path: Path, serializer: dict[str, Any], result: str) -> bytes:
    record = json.loads(stored(1, tmp_path))
    record["metadata"]["serializer"] = serializer
    record["result"] = result
    return json.dumps(record).encode()


def test_a_record_comes_back_as_what_it_was(tmp_path: Path) -> None:
    read = LayerRead(layer=ARTIFACT, notes=("one",))
    assert decode_record(stored(read, tmp_path)) == read
    assert decode_record(stored([read, read], tmp_path)) == [read, read]


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert stored_record(ResultStore(result_storage=LocalFileSystem(basepath=str(tmp_path))), "none") is None


@pytest.mark.parametrize("kind", ["pickle", "compressed/pickle", "compressed"])
def test_a_planted_pickle_is_refused_and_not_loaded(tmp_path: Path, kind: str) -> None:
    touched = tmp_path / "touched"
    payload = base64.encodebytes(pickle.dumps(Touch(str(touched)))).decode()
    pickle.loads(base64.decodebytes(payload.encode()))  # noqa: S301 - to see that the payload works
    assert touched.exists()
    touched.unlink()
    with pytest.raises(UnusableRecordError, match="its serializer is"):
        decode_record(planted(tmp_path, {"type": kind, "picklelib": "pickle"}, payload))
    assert not touched.exists()


@pytest.mark.parametrize("name", ["jsonlib", "object_decoder"])
def test_json_with_another_decoder_is_refused(tmp_path: Path, name: str) -> None:
    serializer = {**JSONSerializer().model_dump(), name: "os.system"}
    with pytest.raises(UnusableRecordError, match="its serializer is"):
        decode_record(planted(tmp_path, serializer, "1"))


@pytest.mark.parametrize(
    "result",
    [
        {"__class__": "subprocess.Popen", "data": "true"},
        {"__class__": "tasks.store.Store", "data": "x"},
        {"__class__": "tasks.nothing.Nothing", "data": "x"},
        {"__class__": "tasks..records", "data": "x"},
        {"inner": [{"__exc_type__": "builtins.SystemExit", "message": "x"}]},
    ],
)
def test_a_class_that_is_no_record_of_ours_is_refused(tmp_path: Path, result: object) -> None:
    content = planted(tmp_path, JSONSerializer().model_dump(), json.dumps(result))
    with pytest.raises(UnusableRecordError, match="none of Cairn's records"):
        decode_record(content)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"{}", b'{"metadata": {}, "result": "1"}'])
def test_a_broken_record_is_unusable(content: bytes) -> None:
    with pytest.raises(UnusableRecordError):
        decode_record(content)


def test_every_stage_and_flow_keeps_json_or_nothing() -> None:
    assert prefect_settings()["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"
    modules = [path.relative_to(ROOT) for room in ("flows", "tasks") for path in (ROOT / room).glob("*.py")]
    names = [".".join(path.with_suffix("").parts) for path in modules if path.stem != "__init__"]
    found = {id(one): one for name in names for one in vars(importlib.import_module(name)).values()}
    kept = [one for one in found.values() if isinstance(one, Task | Flow) and one.persist_result is not False]
    assert len(kept) > 30
    assert [one.name for one in kept if one.result_serializer != "json"] == []
