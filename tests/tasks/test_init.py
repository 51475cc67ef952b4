"""First study files from real tables: each guess is told, and the study passes a check."""

from pathlib import Path

import pandas as pd
import pytest

from configs.errors import SampleError
from configs.loading import load_study
from configs.study import StudyConfig
from tasks.check import check_study
from tasks.init import GivenTables, write_study


def written(folder: Path, expression: Path, metabolites: Path, samples: Path | None = None) -> tuple[StudyConfig, str]:
    file, _ = write_study(GivenTables(expression, metabolites, samples), folder=folder, name="first")
    text = file.read_text("utf-8")
    return load_study(text, file=str(file)), text


@pytest.mark.parametrize(
    ("name", "unit", "samples", "says"),
    [
        (
            "tomato_falcarindiol",
            "fpkm",
            {"group_by": ("treatment", "hours"), "labels": ("treatment",), "time_column": "hours"},
            ["RPKM", "21 groups that the sample names show", "expression.tsv.gz has samples in columns (24 of the 63"],
        ),
        (
            "ecoli_growth29",
            "tpm",
            {"group_by": ("sample_id",), "labels": (), "time_column": "time_index"},
            ["each column sums to a million", "44.7% of the values are 0", "so each sample is a group of its own"],
        ),
        (
            "nutrimouse40",
            "log2",
            {"group_by": ("sample_id",), "labels": ("genotype", "diet")},
            ["only logarithms can be negative", "'genotype', 'diet' may"],
        ),
    ],
)
def test_real_tables(
    name: str, unit: str, samples: dict[str, object], says: list[str], shared_data: Path, tmp_path: Path
) -> None:
    data = shared_data / name
    files = (data / f"{table}.tsv.gz" for table in ("expression", "metabolites"))
    study, text = written(tmp_path, *files, data / "samples.tsv")
    assert study.unit("transcriptome") == unit
    assert {key: getattr(study.samples, key) for key in samples} == samples
    plain = " ".join(row.strip().removeprefix("# ") for row in text.splitlines())
    assert [part for part in says if part not in plain] == []
    assert check_study(study, tmp_path).layers


def test_a_sheet_of_several_tables_is_cut_to_these(shared_data: Path, tmp_path: Path) -> None:
    data = shared_data / "arabidopsis_wallomics"
    files = [data / f"{table}_rosettes.tsv.gz" for table in ("expression", "metabolites")]
    study, text = written(tmp_path, *files, data / "samples.tsv")
    assert study.samples.group_by == ("ecotype", "temperature")
    assert "The rows with 'rosettes' in the column 'organ' were kept (30" in text
    assert pd.read_csv(tmp_path / "samples.tsv", sep="\t")["organ"].unique().tolist() == ["rosettes"]


SAMPLES = [f"{plant}-{number}" for plant in ("leaf", "root", "stem", "seed") for number in (1, 2)]


def tables(folder: Path, metabolite_names: list[str]) -> tuple[Path, Path]:
    files = folder / "genes.tsv", folder / "mets.csv"
    pd.DataFrame(2.5 + pd.RangeIndex(8).to_numpy(), index=SAMPLES, columns=["g1"]).T.to_csv(files[0], sep="\t")
    frame = pd.DataFrame({name: [100.5 + place, 0] for place, name in enumerate(metabolite_names)}, index=["m1", "m2"])
    frame.to_csv(files[1])
    return files


def test_without_a_sheet_names_are_matched_and_a_sheet_is_written(tmp_path: Path) -> None:
    files = tables(tmp_path, [f"{name.upper()}.mzML Peak area" for name in SAMPLES])
    study, text = written(tmp_path / "new", *files)
    assert study.samples.group_by == ("group",)
    sheet = pd.read_csv(tmp_path / "new" / "samples.tsv", sep="\t")
    assert sorted(sheet["sample_id"]) == sorted(SAMPLES)
    assert sheet["group"].nunique() == 4
    assert "matched" in text
    assert "mzML" in text


def test_columns_of_compounds_are_offered(tmp_path: Path) -> None:
    files = tables(tmp_path, SAMPLES)
    frame = pd.read_csv(files[1], index_col=0)
    frame.insert(0, "Compound ID", ["rutin", "x"])
    frame.insert(1, "MSI level", ["level 1", "level 4"])
    frame.to_csv(files[1], index_label="id")
    _, text = written(tmp_path / "new", *files)
    assert "    # compounds: {compound_column: Compound ID, level_column: MSI level}\n" in text


def test_a_sheet_that_names_no_sample_shows_what_there_is(tmp_path: Path) -> None:
    files = tables(tmp_path, SAMPLES)
    sheet = tmp_path / "sheet.tsv"
    sheet.write_text("plant\tsite\na\tn\nb\ts\n", "utf-8")
    with pytest.raises(SampleError, match=r"^sheet\.tsv: wanted a column whose cells name the samples .* 'leaf-1'"):
        written(tmp_path / "new", *files, sheet)
    sheet.write_text("id\tsite\n" + "".join(f"{name}\tn\n{name}\ts\n" for name in SAMPLES), "utf-8")
    with pytest.raises(SampleError, match="column 'id': wanted each sample once, found 8 samples more than once"):
        written(tmp_path / "new", *files, sheet)
    assert not (tmp_path / "new").exists()
