"""Real files as tools and journals make them: each is read right, or refused with what it is and what to give."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from configs.errors import SampleError, TableError
from configs.study import LayerConfig, SamplesConfig
from models.looking import look_at_table
from models.reading import Reading, read_layer, read_layer_of_files
from models.samples import read_sheet_cells

pytestmark = pytest.mark.golden


def read(folder: Path, *files: str, unit="intensity", known=(), **config) -> Reading:
    content = {file: (folder / "messy_tables" / file).read_bytes() for file in files}
    config = LayerConfig(path=files[0], **config)
    if len(files) > 1:
        return read_layer_of_files(content, name="x", config=config, unit=unit, known_samples=frozenset(known))
    return read_layer(content[files[0]], files[0], name="x", config=config, unit=unit, known_samples=frozenset(known))


def plain(folder: Path, file: str, **options) -> pd.DataFrame:
    """Read a file by another road: pandas, told all that is odd about the file."""
    content = (folder / "messy_tables" / file).read_bytes()
    content = gzip.decompress(content) if file.endswith(".gz") else content
    options = {"sep": "\t", "dtype": {0: str}, "keep_default_na": False, "na_values": [""]} | options
    return pd.read_csv(io.BytesIO(content), **options)


def sheet(folder: Path, file: str, rows: slice, columns: slice) -> np.ndarray:
    """Read a block of a workbook by its place; row 1 is the first."""
    worksheet = openpyxl.load_workbook(
        io.BytesIO((folder / "messy_tables" / file).read_bytes()), data_only=True
    ).worksheets[0]
    block = worksheet.iter_rows(rows.start, rows.stop, columns.start, columns.stop, values_only=True)
    return np.array([[np.nan if cell is None else cell for cell in row] for row in block], dtype=object)


def check(reading: Reading, frame: pd.DataFrame, *, ids: str | int, columns) -> None:
    """Compare a layer with a frame, cell by cell."""
    frame = frame[frame.iloc[:, 0].notna()]
    names = list(frame.columns[columns]) if isinstance(columns, slice) else list(columns)
    found = frame[ids] if isinstance(ids, str) else frame.iloc[:, ids]
    assert reading.layer.feature_ids == tuple(found)
    np.testing.assert_array_equal(reading.layer.values, frame[names].to_numpy(dtype=np.float64).astype(np.float32))


@dataclass(frozen=True)
class Golden:
    """What a file holds, by the command beside it."""

    file: str
    shape: tuple[int, int]
    features: tuple[str, str]
    samples: tuple[str, str]
    total: float
    config: tuple[tuple[str, str], ...] = ()
    unit: str = "intensity"


# The totals are of the numbers as written: zcat FILE | awk -F'\t' 'COMMAND END{printf "%.12g", s}', in the C locale.
GOLDEN = (
    # 'NR>1{s+=$5}', less 154 rows of tabs alone at the end (156 in the other file)
    Golden(
        "GSM1388555_WT_0.Gene.rpkm.txt.gz",
        (24839, 1),
        ("AT1G01010.1", "AT5G67640.1"),
        ("GSM1388555_WT_0",) * 2,
        306295.1658,
        unit="fpkm",
    ),
    Golden(
        "GSM1388557_WT_8.Gene.rpkm.txt.gz",
        (24706, 1),
        ("AT1G01010.1", "AT5G67640.1"),
        ("GSM1388557_WT_8",) * 2,
        410509.4052,
        unit="fpkm",
    ),
    # 'NR>1{s+=$2}'
    Golden(
        "GSM1388555_WT_0.Gene.rpkm.txt.gz",
        (24839, 1),
        ("AT1G01010.1", "AT5G67640.1"),
        ("GSM1388555_WT_0",) * 2,
        15230672,
        (("value", "Uniq_reads_num"),),
        "counts",
    ),
    # 'NR>1{for(i=2;i<=13;i++)s+=$i}'
    Golden(
        "cuffdiff_genes.FPKM.txt.gz",
        (17741, 12),
        ("Cre01.g000017", "Cre52.g761647"),
        ("WT_VLCO2_1", "cia5_HiCO2_1"),
        8263387.11434,
        unit="fpkm",
    ),
    Golden(
        "cuffdiff_genes.counts.txt.gz",
        (17741, 12),
        ("Cre01.g000017", "Cre52.g761647"),
        ("WT_VLCO2_1", "cia5_HiCO2_1"),
        134508957.931,
        unit="counts",
    ),
    # 'NR>1{for(i=10;i<=33;i+=4)s+=$i}' and 'NR>1{for(i=2;i<=31;i+=5)s+=$i}'
    Golden(
        "cuffdiff_genes.fpkm_tracking.gz",
        (17741, 6),
        ("Cre01.g000017", "Cre52.g761647"),
        ("WT_VLCO2", "cia5_HiCO2"),
        4131693.37389,
        unit="fpkm",
    ),
    Golden(
        "cuffdiff_genes.count_tracking.gz",
        (17741, 6),
        ("Cre01.g000017", "Cre52.g761647"),
        ("WT_VLCO2", "cia5_HiCO2"),
        65827836.1139,
        unit="counts",
    ),
    # 'NR>4&&$1!=""{for(i=6;i<=45;i++){x=$i;gsub(",",".",x);s+=x}}'
    Golden(
        "strehmel2017_roots_metabolites.tsv",
        (51, 40),
        ("1Me-I3COOH", "Tyr"),
        ("Exp1_KR51-Rep1_6hDex.24hH2O", "Exp4_DD55-Rep3_24hDex.24hH2O"),
        589503342.030592,
    ),
    # tr -d '\r', -F, 'NR>1{for(i=14;i<=26;i++)s+=$i}'
    Golden(
        "mzmine3_FeatureMatrix.csv.gz",
        (3726, 13),
        ("834", "80"),
        ("DOM_Interlab-LCMS_Lab1_PPL_blank_Pos_MS2.mzML", "DOM_Interlab-LCMS_Lab1_A15M_Pos_MS2_rep3.mzML"),
        8413541254.77638,
    ),
    # 'NR>1&&$103!="+"&&$104!="+"{for(i=81;i<=90;i++)s+=$i}', and i=60..69
    Golden(
        "maxquant_proteinGroups.txt.gz", (839, 10), ("REV__sp|Q5PR19|", "tr|V9HW68|"), ("AC381", "UT822"), 1457365366190
    ),
    Golden(
        "maxquant_proteinGroups.txt.gz",
        (839, 10),
        ("REV__sp|Q5PR19|", "tr|V9HW68|"),
        ("AC381", "UT822"),
        1055870418060,
        (("value", "Intensity"),),
    ),
    # 'NR>1{s+=$7}', $6 and $5
    Golden("rsem_tiny.genes.results.gz", (23686, 1), ("A1BG", "ZZZ3"), ("rsem_tiny",) * 2, 504069.47, unit="fpkm"),
    Golden("rsem_tiny.genes.results.gz", (23686, 1), ("A1BG", "ZZZ3"), ("rsem_tiny",) * 2, 1000000.02, unit="tpm"),
    Golden("rsem_tiny2.genes.results.gz", (23686, 1), ("A1BG", "ZZZ3"), ("rsem_tiny2",) * 2, 16068.36, unit="counts"),
    # 'NR>1{s+=$12}' and $11
    Golden(
        "stringtie_sample01_t_data.ctab",
        (100, 1),
        ("TCONS_00000010", "TCONS_00001312"),
        ("stringtie_sample01_t_data",) * 2,
        55768.0997527,
        unit="fpkm",
    ),
    Golden(
        "stringtie_sample02_t_data.ctab",
        (100, 1),
        ("TCONS_00000010", "TCONS_00001312"),
        ("stringtie_sample02_t_data",) * 2,
        792.197940962,
        (("value", "cov"),),
    ),
    # sum(c.value for row in openpyxl.load_workbook(F, data_only=True).active["E5:P14"] for c in row), "G5:R20"
    Golden("notame_easy_data.xlsx", (10, 12), ("1", "10"), ("190102SR_RP_pos_010", "190102SR_RP_pos_021"), 5040000),
    Golden("notame_split_data.xlsx", (16, 12), ("1", "16"), ("190102SR_RP_pos_010", "190102SR_RP_pos_021"), 5871000),
)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda one: f"{one.file}-{one.unit}-{dict(one.config).get('value')}")
def test_shape_ids_and_sum(shared_data: Path, golden: Golden) -> None:
    layer = read(shared_data, golden.file, unit=golden.unit, **dict(golden.config)).layer
    assert layer.values.shape == golden.shape
    assert layer.feature_ids[0].startswith(golden.features[0])
    assert layer.feature_ids[-1].startswith(golden.features[1])
    assert (layer.sample_ids[0], layer.sample_ids[-1]) == golden.samples
    assert layer.values.sum(dtype=np.float64) == pytest.approx(golden.total, rel=1e-7)  # single precision


# --- every cell, by another road --------------------------------------------------------------------------------


def test_numbers_of_programs_cell_by_cell(shared_data: Path) -> None:
    fpkm = plain(shared_data, "cuffdiff_genes.fpkm_tracking.gz")
    check(read(shared_data, "cuffdiff_genes.fpkm_tracking.gz", unit="fpkm"), fpkm, ids=0, columns=slice(9, None, 4))
    mzmine = plain(shared_data, "mzmine3_FeatureMatrix.csv.gz", sep=",")
    check(read(shared_data, "mzmine3_FeatureMatrix.csv.gz"), mzmine, ids=0, columns=slice(13, None))
    proteins = plain(shared_data, "maxquant_proteinGroups.txt.gz")
    kept = proteins[~proteins["Reverse"].eq("+") & ~proteins["Potential contaminant"].eq("+")]
    reading = read(shared_data, "maxquant_proteinGroups.txt.gz")
    check(reading, kept, ids="Protein IDs", columns=[name for name in proteins if name.startswith("LFQ intensity ")])
    assert "maxquant_proteinGroups.txt.gz: left out 12 rows of decoys (REV__)." in reading.notes
    assert "maxquant_proteinGroups.txt.gz: left out 31 rows of contaminants (CON__)." in reading.notes
    assert any("813 rows ended before the last columns of text" in note for note in reading.notes)


def test_zeros_of_peaks_and_proteins_may_be_missing_and_then_nothing_is_said(shared_data: Path) -> None:
    reading = read(shared_data, "mzmine3_FeatureMatrix.csv.gz", zeros="missing")
    assert np.isnan(reading.layer.values).sum() == 6374  # awk: z+=($i==0)
    assert not any("zeros: missing" in note for note in reading.notes)
    assert any("zeros: missing" in note for note in read(shared_data, "mzmine3_FeatureMatrix.csv.gz").notes)


def test_titles_two_headers_decimal_commas_and_legends(shared_data: Path) -> None:
    frame = plain(shared_data, "strehmel2017_roots_metabolites.tsv", skiprows=3, decimal=",", nrows=51)
    reading = read(shared_data, "strehmel2017_roots_metabolites.tsv")
    check(reading, frame, ids=0, columns=slice(5, None))
    notes = " ".join(reading.notes)
    assert "3 rows above its header, left out: 'Supplementary Table S1" in notes
    assert "left out 3 rows without id and number: 57, 58, 59." in notes
    assert "2,034 numbers with decimal commas, such as '33639,79591'" in notes
    assert "left out the number columns '6h Dex-24h H2O'" in notes


def test_a_supplement_with_seven_rows_above_its_header(shared_data: Path) -> None:
    file = "liang2016_supp_MOESM10.tsv.gz"
    frame = plain(shared_data, file, skiprows=7, dtype=str).dropna(subset="Gene Model Name")
    known = [name for name in frame if name.startswith("11")]
    frame[known] = frame[known].apply(lambda column: column.str.strip().str.replace(",", ".").astype("float64"))
    reading = read(shared_data, file, known=known)
    check(reading, frame, ids="Gene Model Name", columns=known)
    assert reading.layer.values.shape == (2271, 12)
    assert reading.layer.values.sum(dtype=np.float64) == pytest.approx(29790.27)  # awk: NR>8, i=11..22
    assert look_at_table((shared_data / "messy_tables" / file).read_bytes(), file).header_row == 8


@pytest.mark.filterwarnings("ignore:Unknown extension:UserWarning")  # of openpyxl, in the other road
def test_a_workbook_with_a_title_row(shared_data: Path) -> None:
    reading = read(
        shared_data, "liang2016_supp_MOESM19.xlsx", known=[f"T{t}_{n}" for t in (0, 1, 8) for n in range(1, 7)]
    )
    block = sheet(shared_data, "liang2016_supp_MOESM19.xlsx", slice(3, 61), slice(1, 19))
    assert reading.layer.feature_ids == tuple(block[:, 0])
    np.testing.assert_array_equal(reading.layer.values, block[:, 1:].astype(np.float64).astype(np.float32))


def test_sample_information_above_the_peaks(shared_data: Path) -> None:
    file = "notame_sample_data_whole.xlsx"
    match = "columns: wanted each sample id once, found 1 duplicated sample ids: '13688'"
    with pytest.raises(TableError, match=match):
        read(shared_data, file)
    header = sheet(shared_data, file, slice(4, 4), slice(25, 225))[0]
    once = [str(name) for name in header if list(header).count(name) == 1]
    reading = read(shared_data, file, known=once)
    block = sheet(shared_data, file, slice(5, 53), slice(1, 225))
    columns = [24 + index for index, name in enumerate(header) if str(name) in once]
    assert reading.layer.feature_ids == tuple(str(one) for one in block[:, 2])
    np.testing.assert_array_equal(reading.layer.values, block[:, columns].astype(np.float64).astype(np.float32))
    assert any("('Group', 'QC', 'Injection_order'), left out" in note for note in reading.notes)
    assert any("the ids are those of 'Alignment ID'" in note for note in reading.notes)


def test_one_file_a_sample(shared_data: Path) -> None:
    files = ("GSM1388555_WT_0.Gene.rpkm.txt.gz", "GSM1388557_WT_8.Gene.rpkm.txt.gz")
    reading = read(shared_data, *files, unit="fpkm")
    frames = [plain(shared_data, file, index_col=0)["RPKM"] for file in files]
    expected = pd.concat([one[one.index.notna()].astype("float32") for one in frames], axis=1)
    assert reading.layer.sample_ids == ("GSM1388555_WT_0", "GSM1388557_WT_8")
    assert reading.layer.values.shape == (26689, 2)
    np.testing.assert_array_equal(
        reading.layer.values, expected.reindex(list(reading.layer.feature_ids)).to_numpy(dtype=np.float32)
    )
    assert "x: 3,833 ids are not in every file; their values are missing there." in reading.notes  # 26689 less 22856
    named = [f"stringtie_sample0{n}_t_data.ctab" for n in (1, 2)]
    assert read(shared_data, *named, unit="fpkm").layer.sample_ids == ("stringtie_sample01", "stringtie_sample02")
    named = ("rsem_tiny.genes.results.gz", "rsem_tiny2.genes.results.gz")
    known = ["rsem_tiny2", "rsem_tiny"]
    assert read(shared_data, *named, unit="tpm", known=known).layer.sample_ids == ("rsem_tiny", "rsem_tiny2")


# --- refused, and what to give instead --------------------------------------------------------------------------


REFUSED = (
    (
        "crlineends_dynamic_transcriptomics.tab.gz",
        "found 47 duplicated feature ids: 'YOR072W-B'",
    ),  # sort | uniq -d | wc
    ("crlineends_metabol_samplesheet.tab", "found a sample sheet, with the columns 'sample', 'time', 'condition'"),
    ("cuffdiff_read_groups.info", "found read_groups.info of Cuffdiff, a sample sheet"),
    ("gnps_metadata_beaches.txt", "found a sample sheet of GNPS"),
    ("mzmine3_MetaData.txt", "found a sample sheet, with the columns 'filename', 'Sample'"),
    ("maxquant_metadata.xlsx", "found a sample sheet, with the columns 'subject external_id'"),
)


@pytest.mark.parametrize(("file", "match"), REFUSED)
def test_what_is_no_layer_is_named(shared_data: Path, file: str, match: str) -> None:
    with pytest.raises(TableError, match=match):
        read(shared_data, file)


def test_a_first_look_refuses_a_sample_sheet(shared_data: Path) -> None:
    file = "gnps_metadata_beaches.txt"
    with pytest.raises(TableError, match="found a sample sheet of GNPS"):
        look_at_table((shared_data / "messy_tables" / file).read_bytes(), file)


def test_sample_sheets_are_read_as_such(shared_data: Path) -> None:
    columns = {
        "crlineends_metabol_samplesheet.tab": ("sample", 206),
        "cuffdiff_read_groups.info": ("file", 12),
        "gnps_metadata_beaches.txt": ("filename", 186),
        "mzmine3_MetaData.txt": ("filename", 13),
    }
    for file, (column, rows) in columns.items():
        content = (shared_data / "messy_tables" / file).read_bytes()
        frame, _ = read_sheet_cells(content, file, config=SamplesConfig(path=file, sample_column=column))
        assert len(frame) == rows


def test_conditions_in_place_of_replicates_are_said(shared_data: Path) -> None:
    notes = read(shared_data, "cuffdiff_genes.count_tracking.gz", unit="counts").notes
    assert any("genes.read_group_tracking of the same run has the replicates" in note for note in notes)
    with pytest.raises(SampleError, match="columns named 'WT_VLCO2', 'WT_LoCO2'"):
        read(shared_data, "cuffdiff_genes.count_tracking.gz", unit="counts", known=["WT_VLCO2_0", "WT_VLCO2_1"])


def test_every_file_has_a_golden_or_a_refusal(shared_data: Path) -> None:
    here = Path(__file__).read_text("utf-8")
    files = [path.name for path in (shared_data / "messy_tables").iterdir() if path.name != "README.md"]
    assert [file for file in files if file not in here and "sample0" not in file] == []
