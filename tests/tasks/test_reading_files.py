"""Files that a layer's path names: one, or all that fit a pattern."""

from pathlib import Path

import pytest

from configs.artifact import Runtime, SourceFile
from configs.errors import StudyFileError
from configs.study import LayerConfig, StudyConfig
from tasks.caching import canonical
from tasks.files import layer_files
from tasks.places import source_paths
from tasks.prepare import read_layer_table
from tasks.store import Store
from tasks.versions import Versions

QUANT = "Name\tLength\tEffectiveLength\tTPM\tNumReads\ng1\t9\t9\t{0}\t1\ng2\t9\t9\t5\t1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("root", "leaf"), start=1):
        (tmp_path / "quant" / name).mkdir(parents=True)
        (tmp_path / "quant" / name / "quant.sf").write_text(QUANT.format(number), "utf-8")
    (tmp_path / "quant" / "leaf" / "logs").mkdir()
    return tmp_path


def test_a_pattern_names_its_files_in_order_and_no_folder(folder: Path) -> None:
    assert list(layer_files(folder, "quant/*/quant.sf")) == ["quant/leaf/quant.sf", "quant/root/quant.sf"]
    assert list(layer_files(folder, "quant/leaf/*")) == ["quant/leaf/quant.sf"]
    assert list(layer_files(folder, str(folder / "quant/l*/quant.sf"))) == [str(folder / "quant/leaf/quant.sf")]
    assert layer_files(folder, "not there.tsv") == {"not there.tsv": SourceFile(path=str(folder / "not there.tsv"))}
    (folder / "a[1].tsv").write_text("id\ts\n", "utf-8")
    assert list(layer_files(folder, "a[1].tsv")) == ["a[1].tsv"]
    with pytest.raises(StudyFileError, match="wanted files that fit the pattern, found none"):
        layer_files(folder, "quant/*/abundance.tsv")


def test_a_layer_of_many_files_is_one_table(folder: Path) -> None:
    runtime = Runtime(store=str(folder / "store"), checkpoints=str(folder / "checkpoints"))
    config = LayerConfig(path="quant/*/quant.sf")
    files = layer_files(folder, config.path)
    read = read_layer_table.fn("transcriptome", files, config, "tpm", None, {}, runtime)
    layer = Store(runtime.store).get_layer(read.layer, "transcriptome")
    assert (layer.sample_ids, layer.feature_ids) == (("leaf", "root"), ("g1", "g2"))
    assert layer.values.tolist() == [[2, 1], [5, 5]]


def test_a_file_that_is_renamed_is_another_input(folder: Path) -> None:
    before = canonical(layer_files(folder, "quant/*/quant.sf"))
    (folder / "quant" / "leaf").rename(folder / "quant" / "petal")
    assert canonical(layer_files(folder, "quant/*/quant.sf")) != before


def test_a_study_names_each_file_and_grows_from_single_tables_alone(folder: Path) -> None:
    (folder / "m.tsv").write_text("id\tleaf\troot\nm1\t1\t2\n", "utf-8")
    layers = {"transcriptome": {"path": "quant/*/quant.sf", "unit": "tpm"}, "metabolome": {"path": "m.tsv"}}
    study = StudyConfig.model_validate({"study": "s", "layers": layers})
    assert list(source_paths(study)) == ["quant/*/quant.sf", "m.tsv"]
    assert list(source_paths(study, folder)) == ["quant/leaf/quant.sf", "quant/root/quant.sf", "m.tsv"]
    (folder / "study.yaml").write_text(
        "study: s\nlayers:\n  transcriptome: {path: quant/*/quant.sf, unit: tpm}\n  metabolome: {path: m.tsv}\n",
        "utf-8",
    )
    with pytest.raises(StudyFileError, match="wanted one file for each table of a study that grows"):
        Versions(folder / "study.yaml")._first_tables()
