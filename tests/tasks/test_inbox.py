"""New samples in an inbox: what is taken, what is left, what is put aside, and what a version holds."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest

from configs.errors import StudyFileError
from configs.loading import load_study
from configs.watch import WatchConfig
from models.layer import Layer
from models.parquet import decode_frame
from tasks.arrivals import Look, take_arrivals
from tasks.inbox import Inbox
from tasks.versions import Versions
from tests.tasks.small_inbox import FAMILY, SAMPLES, STUDY, arrive, genes, metabolites, sheet, write_study


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    return write_study(tmp_path)


@pytest.fixture
def family_study(study_file: Path) -> Path:
    study_file.write_text(STUDY + FAMILY, "utf-8")
    return study_file


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def look(study_file: Path, inbox: Path | str, quiet_seconds: float = 0) -> Look:
    return take_arrivals(WatchConfig(study_file=str(study_file), inbox=str(inbox), quiet_seconds=quiet_seconds))


def layer_of(study_file: Path, name: str) -> Layer:
    path = study_file.parent / "merged" / f"{name}.parquet"
    return Layer.from_frame(name, decode_frame(path.read_bytes(), "layer"))


def test_an_arrival_becomes_a_version_that_can_be_run_by_itself(family_study: Path, inbox: Path) -> None:
    arrive(inbox, "batch2", ["s98", "s99"])
    before = family_study.read_bytes()
    found = look(family_study, inbox)
    version = family_study.parent / "versions" / "0002"
    assert (found.version, found.taken, found.samples) == (2, ("batch2",), ("s98", "s99"))
    assert (found.is_pending, found.refused, found.waiting) == (True, {}, ())
    assert found.study_file == str(version / "study.yaml")
    assert family_study.read_bytes() == before

    study = load_study((version / "study.yaml").read_text("utf-8"), file="study.yaml")
    assert study.store.url == str(family_study.parent / ".cairn")
    assert study.families["P450"].table_paths() == ("hits/p450.tsv",)
    assert study.annotation == str(family_study.parents[1] / "names.tsv")
    assert study.validation.folds == 2
    expected = pd.concat([genes(SAMPLES), genes(["s98", "s99"], 7)], axis=1).sort_index()
    layer = layer_of(version / "study.yaml", "transcriptome")
    assert (list(layer.feature_ids), list(layer.sample_ids)) == (list(expected.index), list(expected.columns))
    np.testing.assert_array_equal(layer.values, expected.to_numpy(np.float32))
    assert np.isnan(layer_of(version / "study.yaml", "metabolome").values[0, 0])

    sources = pd.read_csv(version / "sample_sources.tsv", sep="\t")
    assert sources[sources["sample_id"] == "s98"]["file"].tolist() == [
        "batch2/metabolome.tsv",
        "batch2/samples.tsv",
        "batch2/transcriptome.csv",
    ]
    assert set(sources[sources["version"] == 1]["file"]) == {"data/expression.csv", "metabolites.tsv", "sheet.tsv"}
    record = json.loads((version / "version.json").read_text("utf-8"))
    assert (record["version"], record["parent"], record["arrivals"][0]["name"]) == (2, 1, "batch2")
    assert {"study.yaml", "sample_sources.tsv", "merged/transcriptome.parquet", "hits/p450.tsv"} <= set(record["files"])
    assert sorted(path.name for path in (inbox / "processed" / "0002" / "batch2").iterdir()) == [
        "metabolome.tsv",
        "samples.tsv",
        "transcriptome.csv",
    ]


def test_two_at_once_make_one_version_in_the_order_in_which_they_came(study_file: Path, inbox: Path) -> None:
    arrive(inbox, "zebra", ["s98"])
    time.sleep(0.05)  # file systems tell times to some milliseconds
    arrive(inbox, "ant", ["s99"])
    found = look(study_file, inbox)
    assert found.version == 2
    assert found.taken == ("zebra", "ant")
    assert found.samples == ("s98", "s99")
    again = look(study_file, inbox)
    assert (again.version, again.taken, again.is_pending) == (2, (), True)
    Versions(study_file).mark_announced(2)
    assert not look(study_file, inbox).is_pending


def test_arrivals_go_by_the_time_of_their_last_change(inbox: Path) -> None:
    memory = fsspec.filesystem("memory")
    for name in ("zebra", "ant"):
        memory.pipe_file(f"/order/{name}/samples.tsv", b"x")
        time.sleep(0.01)
    assert [arrival.name for arrival in Inbox("memory://order").arrivals()] == ["zebra", "ant"]
    memory.rm("/order", recursive=True)


def test_what_is_still_growing_is_left_and_a_marker_says_that_it_is_whole(study_file: Path, inbox: Path) -> None:
    folder = arrive(inbox, "batch2", ["s99"])
    found = look(study_file, inbox, quiet_seconds=60)
    assert (found.version, found.taken, found.waiting) == (1, (), ("batch2",))
    assert (folder / "samples.tsv").is_file()
    (inbox / "batch2.done").touch()
    (folder / "metabolome.tsv.part").write_text("half", "utf-8")
    assert look(study_file, inbox, quiet_seconds=60).waiting == ("batch2",)
    (folder / "metabolome.tsv.part").unlink()
    assert look(study_file, inbox, quiet_seconds=60).taken == ("batch2",)
    assert sorted(path.name for path in inbox.iterdir()) == ["processed"]


def test_an_old_file_that_was_just_copied_is_not_taken_for_a_still_one(study_file: Path, inbox: Path) -> None:
    for file in arrive(inbox, "batch2", ["s99"]).iterdir():
        os.utime(file, (1_000_000_000,) * 2)
    assert look(study_file, inbox, quiet_seconds=60).waiting == ("batch2",)


def bad_number(folder: Path) -> None:
    table = (folder / "transcriptome.csv").read_text("utf-8").replace("gene3,", "gene3,x", 1)
    (folder / "transcriptome.csv").write_text(table, "utf-8")


def unknown_layer(folder: Path) -> None:
    (folder / "metabolome.tsv").rename(folder / "metabolom.tsv")


def no_sheet(folder: Path) -> None:
    (folder / "samples.tsv").unlink()


def link(folder: Path) -> None:
    (folder / "metabolome.tsv").unlink()
    (folder / "metabolome.tsv").symlink_to(folder.parents[1] / "names.tsv")


def known_sample(folder: Path) -> None:
    genes(["s00"], 9).to_csv(folder / "transcriptome.csv")
    metabolites(["s00"], 9).to_csv(folder / "metabolome.tsv", sep="\t")
    sheet(["s00"]).assign(tissue="root").to_csv(folder / "samples.tsv", sep="\t", index=False)


def no_group(folder: Path) -> None:
    sheet(["s99"]).assign(group=None).to_csv(folder / "samples.tsv", sep="\t", index=False)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (bad_number, "wanted a number, found the text"),
        (unknown_layer, "the nearest name is 'metabolome'"),
        (no_sheet, "without a sample sheet"),
        (link, "a folder or a link: 'metabolome.tsv'"),
        (known_sample, "other values for 1 sample of the study: 's00'"),
    ],
)
def test_a_bad_arrival_goes_to_quarantine_with_the_reason(
    study_file: Path, inbox: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    spoil(arrive(inbox, "bad", ["s99"]))
    found = look(study_file, inbox)
    assert (found.version, found.taken, list(found.refused)) == (1, (), ["bad"])
    written = (inbox / "quarantine" / "bad" / "reason.txt").read_text("utf-8")
    assert reason in written
    assert written.strip() == found.refused["bad"]


def test_what_only_the_check_of_the_whole_finds_is_put_aside_and_the_rest_taken(study_file: Path, inbox: Path) -> None:
    no_group(arrive(inbox, "bad", ["s99"]))
    arrive(inbox, "good", ["s97"])
    found = look(study_file, inbox)
    assert (found.version, found.taken) == (2, ("good",))
    assert "wanted a replicate group for every sample, found none for 's99'" in found.refused["bad"]
    assert layer_of(Path(found.study_file), "transcriptome").sample_ids == (*SAMPLES, "s97")


def test_a_bad_arrival_alone_leaves_the_last_version(study_file: Path, inbox: Path) -> None:
    unknown_layer(arrive(inbox, "bad", ["s99"]))
    (inbox / "loose.tsv").write_text("a\tb\n", "utf-8")
    found = look(study_file, inbox)
    assert (found.version, found.study_file, found.is_pending) == (1, str(study_file), False)
    assert set(found.refused) == {"bad", "loose.tsv"}
    assert (inbox / "quarantine" / "loose.tsv" / "loose.tsv").is_file()
    assert [path.name for path in (study_file.parent / "versions").iterdir()] == [".lock"]


def test_the_same_again_makes_no_version_and_a_third_goes_on_from_the_second(family_study: Path, inbox: Path) -> None:
    arrive(inbox, "batch2", ["s98"])
    look(family_study, inbox)
    arrive(inbox, "batch2", ["s98"])
    again = look(family_study, inbox)
    assert (again.version, again.taken) == (2, ())
    assert again.notes == ("batch2: nothing new, the study has all of its samples with the same values.",)
    assert (inbox / "processed" / "0002" / "batch2-2").is_dir()

    arrive(inbox, "batch3", ["s99"], seed=8)
    (family_study.parent / "data" / "expression.csv").write_text("changed", "utf-8")
    third = look(family_study, inbox)
    assert third.version == 3
    assert "data/expression.csv has changed since version 2 was made" in third.notes[0]
    second = family_study.parent / "versions" / "0002"
    assert layer_of(Path(third.study_file), "transcriptome").sample_ids == (*SAMPLES, "s98", "s99")
    linked = Path(third.study_file).parent / "hits" / "p450.tsv"
    assert linked.stat().st_ino == (second / "hits" / "p450.tsv").stat().st_ino


def test_a_layer_may_come_later(study_file: Path, inbox: Path) -> None:
    (arrive(inbox, "batch2", ["s99"]) / "metabolome.tsv").unlink()
    first = look(study_file, inbox)
    assert "s99" not in layer_of(Path(first.study_file), "metabolome").sample_ids
    (arrive(inbox, "batch2b", ["s99"]) / "transcriptome.csv").unlink()
    second = look(study_file, inbox)
    assert (second.version, second.samples) == (3, ("s99",))
    assert "s99" in layer_of(Path(second.study_file), "metabolome").sample_ids


def test_a_study_that_is_broken_itself_blames_no_arrival(family_study: Path, inbox: Path) -> None:
    (family_study.parent / "hits" / "p450.tsv").unlink()
    arrive(inbox, "batch2", ["s99"])
    with pytest.raises(StudyFileError, match=r"p450.tsv: wanted a file that the study names, found nothing"):
        look(family_study, inbox)
    assert (inbox / "batch2" / "samples.tsv").is_file()
    assert [path.name for path in (family_study.parent / "versions").iterdir()] == [".lock"]


def test_a_second_watcher_waits_its_turn(study_file: Path, inbox: Path) -> None:
    arrive(inbox, "batch2", ["s99"])
    left = study_file.parent / "versions" / ".0002.killed"
    left.mkdir(parents=True)
    with Versions(study_file).locked() as ours:
        assert ours
        assert not left.exists()
        found = look(study_file, inbox)
    assert (found.is_busy, found.taken, found.version) == (True, (), 1)
    assert look(study_file, inbox).taken == ("batch2",)


def test_an_inbox_may_be_a_url(study_file: Path, inbox: Path) -> None:
    folder, memory = arrive(inbox, "batch2", ["s99"]), fsspec.filesystem("memory")
    for file in folder.iterdir():
        memory.pipe_file(f"/lab/batch2/{file.name}", file.read_bytes())
    memory.pipe_file("/lab/odd/readme.txt", b"hello")
    found = look(study_file, "memory://lab")
    assert (found.version, found.taken, list(found.refused)) == (2, ("batch2",), ["odd"])
    assert sorted(memory.find("/lab")) == [
        "/lab/processed/0002/batch2/metabolome.tsv",
        "/lab/processed/0002/batch2/samples.tsv",
        "/lab/processed/0002/batch2/transcriptome.csv",
        "/lab/quarantine/odd/readme.txt",
        "/lab/quarantine/odd/reason.txt",
    ]
    memory.rm("/lab", recursive=True)


def test_the_previous_run_is_that_of_the_nearest_version_that_finished(study_file: Path, inbox: Path) -> None:
    runs = study_file.parent / "runs" / "small"
    arrive(inbox, "batch2", ["s98"])
    assert look(study_file, inbox).previous == ""
    for name in ("20260101T000000Z", "version-0002"):
        (runs / name).mkdir(parents=True)
    (runs / "20260101T000000Z" / "manifest.json").touch()
    found = look(study_file, inbox)
    assert (found.previous, found.out) == (str(runs / "20260101T000000Z"), str(runs / "version-0002"))
    (runs / "version-0002" / "manifest.json").touch()
    arrive(inbox, "batch3", ["s99"])
    assert look(study_file, inbox).previous == str(runs / "version-0002")


def test_an_inbox_that_is_not_there_is_said(study_file: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"wanted a folder that new samples arrive in, found nothing there"):
        look(study_file, tmp_path / "nowhere")
    with pytest.raises(StudyFileError, match=r"wanted a study file in a folder, found a URL"):
        take_arrivals(WatchConfig(study_file="s3://lab/study.yaml", inbox=str(tmp_path)))
