import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from configs.errors import CorruptObjectError, OutputError
from models.layer import Layer
from models.parquet import ContractError
from tasks.places import output_error
from tasks.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_an_object_is_named_by_its_hash(store: Store, tmp_path: Path) -> None:
    artifact = store.put(b"cairn", kind="page", extension="html")
    digest = hashlib.sha256(b"cairn").hexdigest()
    assert artifact.uri == f"objects/{digest[:2]}/{digest}.html"
    assert (tmp_path / "store" / artifact.uri).read_bytes() == b"cairn"
    assert store.get(artifact) == b"cairn"


def test_a_write_leaves_no_temporary_file(store: Store, tmp_path: Path) -> None:
    store.put(b"one", kind="page", extension="html")
    store.put(b"one", kind="page", extension="html")
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(files) == 1


def test_a_changed_object_is_noticed_and_removed(store: Store, tmp_path: Path) -> None:
    artifact = store.put(b"right", kind="page", extension="html")
    (tmp_path / "store" / artifact.uri).write_bytes(b"wrong")
    with pytest.raises(CorruptObjectError, match=r"does not match its name; it was removed, run again"):
        store.get(artifact)
    assert not store.has(artifact)


def test_a_shortened_object_does_not_count_as_there(store: Store, tmp_path: Path) -> None:
    artifact = store.put(b"right", kind="page", extension="html")
    (tmp_path / "store" / artifact.uri).write_bytes(b"rig")
    assert not store.has(artifact)
    assert store.get(store.put(b"right", kind="page", extension="html")) == b"right"


def test_an_absent_object_says_so(store: Store, tmp_path: Path) -> None:
    artifact = store.put(b"gone", kind="page", extension="html")
    (tmp_path / "store" / artifact.uri).unlink()
    with pytest.raises(CorruptObjectError, match="is not in the store"):
        store.get(artifact)


def test_memory_and_folder_give_the_same_reference(store: Store, layer: Layer) -> None:
    elsewhere = Store("memory://cairn-test-store")
    assert elsewhere.put_layer(layer) == store.put_layer(layer)
    assert elsewhere.get_table(elsewhere.put_layer(layer)).equals(store.get_table(store.put_layer(layer)))


def test_a_layer_comes_back_byte_for_byte(store: Store, layer: Layer) -> None:
    back = store.get_layer(store.put_layer(layer), "transcriptome")
    assert back.feature_ids == layer.feature_ids
    assert back.sample_ids == layer.sample_ids
    pd.testing.assert_frame_equal(back.to_frame(), layer.to_frame())


def test_a_folder_in_the_way_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    with pytest.raises(OutputError, match=r"wanted a place that can be written.*Choose another place"):
        Store(str(tmp_path / "file")).put(b"x", kind="page", extension="html")


def test_a_full_disk_says_that_finished_work_is_kept() -> None:
    error = output_error(OSError(errno.ENOSPC, "No space left on device"), "/data")
    assert isinstance(error, OutputError)
    assert str(error).startswith("/data: wanted room to write, found a full disk.")
    assert "finished work is kept" in str(error)


def test_another_fault_of_the_system_is_left_as_it_is() -> None:
    fault = OSError(errno.EIO, "I/O error")
    assert output_error(fault, "/data") is fault


def pieces() -> list[pd.DataFrame]:
    return [
        pd.DataFrame({"layer": ["a"] * size, "feature_id": ["x"] * size, "reason": ["r"] * size}) for size in (2, 0, 3)
    ]


def test_a_table_in_pieces_comes_back_whole(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.parquet.ROW_GROUP", 2)
    artifact = store.put_tables(iter(pieces()), "dropped")
    assert artifact == store.put_tables(iter(pieces()), "dropped")
    assert artifact == Store("memory://cairn-test-pieces").put_tables(pieces(), "dropped")
    assert artifact.rows == 5
    assert pq.ParquetFile(tmp_path / "store" / artifact.uri).num_row_groups == 2
    whole = pd.concat(pieces(), ignore_index=True).astype("str")
    pd.testing.assert_frame_equal(store.get_table(artifact), store.get_table(store.put_table(whole, "dropped")))
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(files) == 2


def test_pieces_that_break_off_leave_nothing(store: Store, tmp_path: Path) -> None:
    def broken() -> Iterator[pd.DataFrame]:
        yield pieces()[0]
        message = "no more"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match="no more"):
        store.put_tables(broken(), "dropped")
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_a_piece_that_breaks_the_contract_is_refused(store: Store) -> None:
    with pytest.raises(ContractError, match="columns missing"):
        store.put_tables([pieces()[0].drop(columns="reason")], "dropped")
