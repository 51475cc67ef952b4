"""What the comparison with an earlier run reads, and what it leaves."""

from pathlib import Path

import pandas as pd
import pytest

from configs.artifact import Runtime
from configs.errors import StudyFileError
from configs.tables import CONTRACTS
from models.parquet import encode_frame
from tasks.changes import compare_with_previous, read_previous
from tasks.store import Store


def ranking(genes: list[str]) -> pd.DataFrame:
    nothing = {column.name: None for column in CONTRACTS["ranking"].columns}
    rows = [
        {**nothing, "target": "acids", "rank": rank, "gene_id": gene, "stability": 0.5}
        for rank, gene in enumerate(genes, 1)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(store=str(tmp_path / "store"), checkpoints=str(tmp_path))


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "tables").mkdir(parents=True)
    (folder / "ranking.parquet").write_bytes(encode_frame(ranking(["a", "b", "c"]), "ranking"))
    (folder / "tables" / "samples.csv").write_text("sample_id,group\ns2,x\ns1,y\n", "utf-8")
    return folder


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_two_runs_are_compared_by_what_their_folders_hold(runtime: Runtime, run_folder: Path, prefix: str) -> None:
    store = Store(runtime.store)
    previous = read_previous.fn(f"{prefix}{run_folder}", runtime)
    assert previous.samples == ("s1", "s2")
    sheet = pd.DataFrame({"sample_id": ["s1", "s2", "s3"], "group": "x", "batch": None, "time": None, "series": None})
    now = store.put_table(ranking(["b", "a", "c"]), "ranking")
    found = compare_with_previous.fn(now, store.put_table(sheet, "samples"), previous, runtime)
    assert found.samples == "1 sample came: s3; none went."
    table = store.get_table(found.table)
    assert table[["gene_id", "change", "shift"]].to_numpy().tolist() == [
        ["b", "moved", 1],
        ["a", "moved", -1],
        ["c", "stayed", 0],
    ]
    assert store.get_table(found.agreement)["spearman"].tolist() == [0.5]
    assert list(found.sentences) == ["acids"]


def test_a_folder_without_a_run_is_said_before_anything_starts(runtime: Runtime, run_folder: Path) -> None:
    (run_folder / "ranking.parquet").write_bytes(b"no table")
    with pytest.raises(StudyFileError, match="that cannot be read"):
        read_previous.fn(str(run_folder), runtime)
    (run_folder / "ranking.parquet").unlink()
    with pytest.raises(StudyFileError, match=r"wanted the folder of a finished run, found no ranking.parquet in it"):
        read_previous.fn(str(run_folder), runtime)
