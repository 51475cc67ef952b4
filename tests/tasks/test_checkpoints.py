import json
import logging
from pathlib import Path

import pytest

from tasks.checkpoints import CheckpointFile


def test_the_newest_checkpoint_comes_back_and_older_tensors_go(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(str(tmp_path), "key")
    checkpoint.save(b"first", {"epoch": 1})
    checkpoint.save(b"second", {"epoch": 2})
    assert checkpoint.load() == (b"second", {"epoch": 2})
    assert len(list(tmp_path.iterdir())) == 2


def test_there_is_none_before_and_after(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(str(tmp_path / "new"), "key")
    assert checkpoint.load() is None
    checkpoint.save(b"tensors", {"epoch": 1})
    checkpoint.clear()
    assert checkpoint.load() is None
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("damage", ["tensors", "index"])
def test_a_damaged_checkpoint_is_passed_over_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    checkpoint = CheckpointFile(str(tmp_path), "key")
    checkpoint.save(b"tensors", {"epoch": 1})
    tensors = tmp_path / json.loads((tmp_path / "key.json").read_text("utf-8"))["tensors"]
    (tensors if damage == "tensors" else tmp_path / "key.json").write_bytes(b"{broken")
    with caplog.at_level(logging.WARNING, "cairn.checkpoints"):
        assert checkpoint.load() is None
    assert "training starts anew" in caplog.text


def test_two_trainings_keep_apart(tmp_path: Path) -> None:
    one, other = (CheckpointFile(str(tmp_path), key) for key in ("a", "b"))
    one.save(b"one", {"epoch": 1})
    other.save(b"other", {"epoch": 5})
    other.clear()
    assert one.load() == (b"one", {"epoch": 1})
