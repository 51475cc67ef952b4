from pathlib import Path

import pytest

from configs.artifact import Artifact, Runtime, SourceFile
from configs.study import PreprocessConfig
from tasks.caching import ContentKey, UncacheableInputError, artifacts_in, canonical, source_hash
from tasks.records import LayerRead

SOURCES = source_hash("tasks.prepare")
KEY = ContentKey(stage="prepare", version=1, sources=SOURCES)


def artifact(character: str = "a", uri: str | None = None) -> Artifact:
    digest = character * 64
    return Artifact(uri=uri or f"objects/{digest[:2]}/{digest}.parquet", sha256=digest, kind="layer", n_bytes=1)


def test_a_file_counts_by_content_and_not_by_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one.tsv", tmp_path / "elsewhere.tsv"
    one.write_text("same", "utf-8")
    other.write_text("same", "utf-8")
    first, second = (KEY.digest({"file": SourceFile(path=str(path))}) for path in (one, other))
    assert first == second
    other.write_text("same and more", "utf-8")
    assert KEY.digest({"file": SourceFile(path=str(other))}) != first


def test_an_artifact_counts_by_its_hash() -> None:
    assert KEY.digest({"layer": artifact("a")}) != KEY.digest({"layer": artifact("b")})


def test_the_place_of_work_does_not_count() -> None:
    here, there = (
        Runtime(store=name, checkpoints=name, device=device) for name, device in (("x", "cpu"), ("y", "auto"))
    )
    assert KEY.digest({"runtime": here}) == KEY.digest({"runtime": there})


def test_stage_version_sources_and_config_count() -> None:
    inputs = {"config": PreprocessConfig()}
    changed = {
        ContentKey(stage="prepare", version=2, sources=SOURCES).digest(inputs),
        ContentKey(stage="other", version=1, sources=SOURCES).digest(inputs),
        ContentKey(stage="prepare", version=1, sources=source_hash("tasks.train")).digest(inputs),
        KEY.digest({"config": PreprocessConfig(max_missing=0.4)}),
        KEY.digest(inputs),
    }
    assert len(changed) == 5


def test_sources_reach_the_models_behind_a_task_and_the_tasks_behind_a_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {module: source_hash(module) for module in ("tasks.train", "flows.train_fold", "tasks.score")}
    original = Path.read_bytes

    def edited(path: Path) -> bytes:
        return original(path) + (b"# edited" if path.name == "attention.py" else b"")

    source_hash.cache_clear()
    monkeypatch.setattr(Path, "read_bytes", edited)
    after = {module: source_hash(module) for module in before}
    source_hash.cache_clear()
    assert after["tasks.train"] != before["tasks.train"]
    assert after["flows.train_fold"] != before["flows.train_fold"]
    assert after["tasks.score"] == before["tasks.score"]


def test_what_has_no_content_is_refused() -> None:
    with pytest.raises(UncacheableInputError, match="no cache key can be made from a object"):
        canonical({"odd": object()})
    with pytest.raises(UncacheableInputError, match="from a PosixPath"):
        canonical(Path("a/path"))


def test_artifacts_are_found_at_any_depth() -> None:
    record = LayerRead(layer=artifact("a"), notes=())
    assert {found.sha256[0] for found in artifacts_in({"x": [record, (artifact("b"),)], "y": 3})} == {"a", "b"}


def test_keys_have_no_dots() -> None:
    assert "." not in f"{KEY.stage}-{KEY.digest({})}"
