"""Tables of programs in the layouts that their manuals give, and odd workbooks, built here."""

import gzip
import io
import sys

import numpy as np
import openpyxl
import pytest

from configs.errors import SampleError, TableError
from configs.study import LayerConfig
from models.looking import look_at_table
from models.reading import Reading, read_layer, read_layer_of_files
from models.tool_formats import part_that_differs


def reading(content: str | bytes, *, file="t.tsv", unit="fpkm", known=(), **config) -> Reading:
    content = content.encode() if isinstance(content, str) else content
    settings = LayerConfig(path=file, **config)
    return read_layer(content, file, name="genes", config=settings, unit=unit, known_samples=frozenset(known))


def table(*rows: str) -> str:
    """Write rows whose cells are separated by blanks; a dash is an empty cell."""
    return "".join("\t".join("" if cell == "-" else cell for cell in row.split(" ")) + "\n" for row in rows)


def workbook(rows, *, merged=()) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for place in merged:
        book.active.merge_cells(place)
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def refused(match: str, content: str | bytes, *, error=TableError, **given) -> None:
    with pytest.raises(error, match=match):
        reading(content, **given)


# --- one table for all samples ----------------------------------------------------------------------------------


FEATURE_COUNTS = '# Program:featureCounts v2.0.6; Command:"featureCounts" "-a" "g.gtf"\n' + table(
    "Geneid Chr Start End Strand Length /run/leaf_1/aln.sorted.bam /run/leaf_2/aln.sorted.bam",
    "g1 1;1 5;90 20;99 +;+ 26 7 0",
    "g2 2 5 20 - 16 1 2",
)


def test_feature_counts_names_samples_by_the_part_of_the_path_that_differs():
    read = reading(FEATURE_COUNTS, unit="counts")
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("g1", "g2"), ("leaf_1", "leaf_2"))
    assert read.layer.values.tolist() == [[7, 0], [1, 2]]
    assert read.notes == ("t.tsv is a table of featureCounts; counts was read.",)
    written = ["/run/leaf_1/aln.sorted.bam", "/run/leaf_2/aln.sorted.bam"]
    assert reading(FEATURE_COUNTS, unit="counts", known=written).layer.sample_ids == tuple(written)


def test_cuffdiff_values_that_failed_are_missing():
    content = table(
        "tracking_id class_code nearest_ref_id gene_id gene_short_name tss_id locus length coverage "
        "A_FPKM A_conf_lo A_conf_hi A_status B_FPKM B_conf_lo B_conf_hi B_status",
        "g1 - - g1 x - 1:1-9 - - 5 4 6 OK 0 0 0 HIDATA",
        "g2 - - g2 x - 1:1-9 - - 1 0 2 LOWDATA 2 1 3 OK",
    )
    read = reading(content)
    np.testing.assert_array_equal(read.layer.values, np.float32([[5, np.nan], [1, 2]]))
    assert "t.tsv: 1 value with the status FAIL or HIDATA are missing." in read.notes


def test_cuffdiff_read_groups_are_spread():
    rows = [
        f"{gene} {condition} {replicate} {number} {number}.5 {number} {number / 2} - {status}"
        for number, (gene, condition, replicate, status) in enumerate(
            [("g2", "A", 0, "OK"), ("g2", "A", 1, "OK"), ("g1", "A", 0, "FAIL"), ("g1", "A", 1, "OK")], start=1
        )
    ]
    header = "tracking_id condition replicate raw_frags internal_scaled_frags external_scaled_frags FPKM x status"
    read = reading(table(header, *rows))
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("g2", "g1"), ("A_0", "A_1"))
    np.testing.assert_array_equal(read.layer.values, np.float32([[0.5, 1], [np.nan, 2]]))
    assert reading(table(header, *rows), unit="counts").layer.values.tolist()[0] == [1, 2]
    refused("wanted one row for each gene and replicate, found 1 repeated row, of 'g2'", table(header, *rows, rows[0]))


def test_mzmine_4_and_gnps():
    content = "id,mz,rt,datafile:a.mzML:area,datafile:a.mzML:height,datafile:b.mzML:area,datafile:b.mzML:height\n"
    read = reading(content + "1,100.5,3,10,1,20,2\n", unit="intensity")
    assert (read.layer.sample_ids, read.layer.values.tolist()) == (("a.mzML", "b.mzML"), [[10, 20]])
    assert reading(content + "1,100.5,3,10,1,20,2\n", unit="intensity", value="height").layer.values.tolist() == [
        [1, 2]
    ]
    gnps = "row ID,row m/z,row retention time,a.mzML Peak area,b.mzML Peak area,\n7,100.5,3,10,20,\n"
    assert reading(gnps, unit="intensity", known=["a.mzML", "b.mzML"]).layer.values.tolist() == [[10, 20]]


def test_xcms_leaves_out_the_counts_of_classes():
    content = table(
        "- mzmed mzmin mzmax rtmed rtmin rtmax npeaks KO WT ko15 ko16 wt15",
        "FT1 100 99 101 5 4 6 3 2 1 10.5 11 12",
        "FT2 200 199 201 5 4 6 2 1 1 10 - 12",
    )
    read = reading(content, unit="intensity")
    assert read.layer.sample_ids == ("ko15", "ko16", "wt15")
    np.testing.assert_array_equal(read.layer.values, np.float32([[10.5, 11, 12], [10, np.nan, 12]]))
    assert "t.tsv: left out 'KO', 'WT', which count peaks by class." in read.notes


def test_ms_dial_leaves_out_means_and_deviations():
    content = table(
        "- - - - Class leaf leaf root NA NA",
        "- - - - File_type Sample Sample QC NA NA",
        "- - - - Injection_order 1 2 3 NA NA",
        "- - - - Batch_ID 1 1 1 Average Stdev",
        "Alignment_ID Average_Rt(min) Average_Mz Metabolite_name Adduct_type l1 l2 r1 leaf leaf",
        "0 1.5 100.1 Unknown [M+H]+ 10 20 30 15 7",
        "1 1.6 101.1 Malate [M-H]- 1 2 3 1.5 0.7",
    ).replace("_", " ")
    read = reading(content, unit="intensity")
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("0", "1"), ("l1", "l2", "r1"))
    assert read.layer.values.tolist() == [[10, 20, 30], [1, 2, 3]]
    look = look_at_table(content.encode(), "t.tsv")
    assert (look.tool, look.header_row, look.samples_in_rows) == ("MS-DIAL alignment", 5, False)


def test_labels_below_the_header_are_left_out_and_named():
    read = reading("Sample,s1,s2,s3\nLabel,leaf,leaf,root\nglc,1,2,3\nfru,4,5,6\n", known=["s1", "s2", "s3"])
    assert read.layer.feature_ids == ("glc", "fru")
    assert any("left out the rows 'Label' below the header" in note for note in read.notes)


def test_two_rows_of_headers_name_what_repeats():
    content = table("Name Leaf - Root -", "- s1 s2 s1 s2", "glc 1 2 3 4", "fru 5 6 7 8")
    read = reading(content)
    assert read.layer.sample_ids == ("Leaf s1", "Leaf s2", "Root s1", "Root s2")
    assert read.layer.values.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert "t.tsv: names of columns repeat, so each has its group before it, such as 'Root s2'." in read.notes


def test_a_table_without_a_header_does_not_lose_its_first_row():
    refused("wanted a header above the values, found numbers in the first row: '5'", table("g1 5", "g2 6", "g3 0"))
    refused(r"found numbers in the first row: '1\.5', '2'", table("g1 1.5 2", "g2 6 7"), known=["s1"])
    assert reading(table("id 1 2", "g1 6 7")).layer.sample_ids == ("1", "2")
    turned = reading(table("id 100.5 200.5", "s1 6 7", "s2 8 9"), known=["s1", "s2"])
    assert turned.layer.feature_ids == ("100.5", "200.5")


# --- one file a sample ------------------------------------------------------------------------------------------


ONE_SAMPLE = {
    "Salmon quant.sf": ("Name Length EffectiveLength TPM NumReads", "t1 900 700.5 2.5 10", "tpm", "NumReads"),
    "kallisto abundance.tsv": ("target_id length eff_length est_counts tpm", "t1 900 700 10 2.5", "tpm", "est_counts"),
    "RSEM isoforms.results": (
        "transcript_id gene_id length effective_length expected_count TPM FPKM IsoPct",
        "t1 g1 900 700 10 2.5 3 100",
        "tpm",
        "expected_count",
    ),
    "Cufflinks FPKM tracking": (
        "tracking_id class_code nearest_ref_id gene_id x tss_id locus length cover FPKM FPKM_conf_lo FPKM_conf_hi OK",
        "t1 - - t1 x - 1:1-9 - - 2.5 2 3 OK",
        "fpkm",
        None,
    ),
}


@pytest.mark.parametrize("tool", ONE_SAMPLE)
def test_programs_with_one_file_a_sample(tool):
    header, row, unit, other = ONE_SAMPLE[tool]
    read = reading(table(header, row), file="leaf_1.sf", unit=unit)
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("t1",), ("leaf_1",))
    assert read.layer.values.tolist() == [[2.5]]
    assert read.notes[0].startswith(f"leaf_1.sf is a table of {tool}; ")
    if other:
        assert reading(table(header, row), unit=unit, value=other).layer.values.tolist() == [[10]]
        refused(f"wanted the values 'reads', found a table of {tool}", table(header, row), value="reads")


def test_stringtie_gene_abundance():
    header = "Gene ID\tGene Name\tReference\tStrand\tStart\tEnd\tCoverage\tFPKM\tTPM\n"
    content = header + "g1\tx\t1\t+\t1\t9\t0.5\t3.5\t4.5\n"
    assert reading(content, unit="tpm").layer.values.tolist() == [[4.5]]
    look = look_at_table(content.encode(), "leaf.tab")
    assert (look.tool, look.value_choices) == ("StringTie gene abundance", ("FPKM", "TPM", "Coverage"))
    assert look.sample_names == ("leaf",)


def quants(**samples: str) -> dict[str, bytes]:
    header = "Name Length EffectiveLength TPM NumReads"
    return {f"quant/{name}/quant.sf": table(header, *rows.split(";")).encode() for name, rows in samples.items()}


def joined(files: dict[str, bytes], known=(), **config) -> Reading:
    settings = LayerConfig(path="quant/*/quant.sf", **config)
    return read_layer_of_files(files, name="genes", config=settings, unit="tpm", known_samples=frozenset(known))


def test_files_of_samples_are_joined_by_id():
    read = joined(quants(leaf="a 9 9 1 0;b 9 9 2 0", root="b 9 9 3 0;c 9 9 4 0"))
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("a", "b", "c"), ("leaf", "root"))
    np.testing.assert_array_equal(read.layer.values, np.float32([[1, np.nan], [2, 3], [np.nan, 4]]))
    assert "genes: 2 ids are not in every file; their values are missing there." in read.notes
    said = [note for note in read.notes if "Salmon quant.sf" in note]
    assert len(said) == 1
    assert said[0].endswith("may name 'NumReads' instead. So it is with 1 further file.")
    assert any(
        "the samples are named by the part of the path that differs, such as 'leaf'" in one for one in read.notes
    )


def test_files_of_other_samples_are_left_out_and_named():
    files = quants(leaf="a 9 9 1 0", qc="a 9 9 2 0", root="a 9 9 3 0")
    read = joined(files, known=["leaf", "root"])
    assert read.layer.sample_ids == ("leaf", "root")
    assert "genes: left out the samples 'qc', which are not in the sample sheet." in read.notes
    with pytest.raises(SampleError, match="wanted samples of the sample sheet"):
        joined(files, known=["s1"])


def test_one_file_that_fits_a_pattern_is_named_by_its_folder():
    assert joined(quants(leaf="a 9 9 1 0")).layer.sample_ids == ("leaf",)


def test_a_damaged_file_among_many_is_named():
    files = quants(leaf="a 9 9 1 0", root="a 9 9 1 0;b 9 9 x 0")
    with pytest.raises(
        TableError, match=r"^quant/root/quant\.sf, row 3, column 'root': wanted a number, found the text"
    ):
        joined(files)


def test_tables_of_several_samples_are_joined_side_by_side():
    files = {"b1.csv": b"id,s1,s2\ng1,1,2\n", "b2.csv": b"id,s3,s4\ng1,3,4\n"}
    assert joined(files).layer.values.tolist() == [[1, 2, 3, 4]]
    with pytest.raises(TableError, match="wanted each sample id once, found 2 duplicated sample ids: 's1', 's2'"):
        joined(files | {"b3.csv": b"id,s1,s2\ng1,1,2\n"})


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["q/s1/quant.sf", "q/s2/quant.sf"], ["s1", "s2"]),
        (["a_t.tsv.gz", "b_t.tsv.gz"], ["a", "b"]),
        (["a/x.tsv", "b/y.tsv"], ["x", "y"]),
        (["a/x/1.tsv", "b/x/2.tsv", "b/x/1.tsv"], ["a/x/1", "b/x/2", "b/x/1"]),
        (["x.genes.results"], ["x.genes.results"]),
        (["rep1.txt", "1.txt"], ["rep1", "1"]),
    ],
)
def test_the_part_of_a_path_that_differs(paths, names):
    assert part_that_differs(paths) == names


# --- numbers and text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ("1,5 2", [1.5, 2]),
        ("1,234 1,5", [1.234, 1.5]),
        ("0,123 7", [0.123, 7]),
        ("5,26E-01 1", [0.526, 1]),
        ("1.234,56 2,5", [1234.56, 2.5]),
        ("1,234,567 1,234", [1234567, 1234]),
        ("1,234.5 0.5", [1234.5, 0.5]),
        ("-1,5 NA", [-1.5, np.nan]),
    ],
)
def test_commas_with_one_meaning_are_read(cells, numbers):
    read = reading(table("id s1 s2", "g1 1 2", f"g2 {cells}"), unit="log2")
    np.testing.assert_array_equal(read.layer.values[1], np.float32(numbers))
    assert "were read as such" in read.notes[-1]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ("1,234 5", "which may be decimals or thousands, as no other number tells"),
        ("1,234 0.5", "which may be decimals or thousands"),
        ("1,5 1.5", "beside numbers that are written in another way"),
        ("1,5 1,234,567", "beside numbers that are written in another way"),
        ("1.234,56 1.234", "beside numbers that are written in another way"),
    ],
)
def test_commas_that_may_mean_two_things_are_refused(cells, why):
    refused(
        rf"row 3, column 's1': wanted .* decimal commas throughout, found .* {why}",
        table("id s1 s2", "g1 1 2", f"g2 {cells}"),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_with_and_without_a_mark(encoding):
    content = "id,s1\nβ-Alanin,1\n".encode(encoding)
    assert reading(content).layer.feature_ids == ("β-Alanin",)
    assert reading(gzip.compress(content)).layer.feature_ids == ("β-Alanin",)


def test_older_encodings_are_said():
    text = "id,s1\nグルコース,1\nアラニン,2\nクエン酸,3\n"
    read = reading(text.encode("shift_jis"))
    assert read.layer.feature_ids == ("グルコース", "アラニン", "クエン酸")
    assert read.notes[0] == "t.tsv is not UTF-8; it was read as shift_jis. If names look wrong, save it as UTF-8."
    refused("breaks off or is damaged within a character", "id,s1\nβ".encode()[:-1])


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1", r"a workbook of an old kind \(\.xls\)\. Save it as XLSX"),
        (b"%PDF-1.7", "a PDF file"),
        (b"<!DOCTYPE html><html>", "a web page. Download the file itself"),
        (b">g1 protein\nMKV\n", "a FASTA file"),
        (gzip.compress(b"RDX3\nX\n"), "R data. Write it in R with write.table"),
        (b'<?xml version="1.0"?><mzML>', "an XML file. Give the table of peak areas or counts, not raw data"),
    ],
)
def test_files_of_other_kinds_are_named(start, match):
    refused(f"found {match}", start)


def test_results_of_tests_are_no_layer():
    refused("found results of DESeq2. Give the table of counts", table("id baseMean log2FoldChange padj", "g1 1 2 3"))


def test_delimiters_of_r_and_of_databases():
    assert reading('"s1" "s2"\n"g 1" 1 2\n"g2" 3 4\n').layer.feature_ids == ("g 1", "g2")
    assert reading("id|s1|s2\ng1|1|2\n").layer.values.tolist() == [[1, 2]]


def test_a_semicolon_between_decimal_commas_below_a_title():
    read = reading("Table S1, of it\n\nid;s1;s2\ng1;1,5;2,5\ng2;3,5;4,5\n")
    assert read.layer.values.tolist() == [[1.5, 2.5], [3.5, 4.5]]
    assert read.notes[0] == "t.tsv has 1 row above its header, left out: 'Table S1, of it'."


def test_cells_behind_the_last_name_are_no_shifted_header():
    assert reading("id\ts1\ts2\ng1\t1\t2\t\ng2\t3\t4\t\n").layer.sample_ids == ("s1", "s2")


# --- workbooks --------------------------------------------------------------------------------------------------


def test_merged_cells():
    rows = [["Compound", "Leaf", None], [None, "s1", "s2"], ["glc", 1, 2], ["fru", 3, 4]]
    read = reading(workbook(rows, merged=["A1:A2", "B1:C1"]), file="t.xlsx")
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("glc", "fru"), ("s1", "s2"))
    assert read.notes[0] == "t.xlsx: the text of 1 merged cell was repeated in every row that it spans."
    rows = [["id", "s1", "s2"], ["g1", 5, None], ["g2", 1, 2]]
    refused("wanted one cell for each number, found 1 number in merged cells", workbook(rows, merged=["B2:C2"]))


def test_formulas_without_results_are_refused():
    refused(
        r"row 2: wanted the results of all formulas, found the formula '=1\+1'",
        workbook([["id", "s1", "s2"], ["g1", 1, "=1+1"]]),
    )


# --- AnnData ----------------------------------------------------------------------------------------------------


HDF5 = b"\x89HDF\r\n\x1a\n"


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "anndata.io", None)
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused(
        r"wanted the package anndata, .* none that can be used\. Install it with `pip install 'cairn-omics\[h5ad\]'`",
        HDF5,
    )


@pytest.mark.filterwarnings("ignore")  # of a package that is not ours
def test_annotated_data(tmp_path, monkeypatch):
    anndata = pytest.importorskip("anndata")
    sparse = pytest.importorskip("scipy.sparse")
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = anndata.AnnData(sparse.csr_matrix(values), layers={"counts": values * 10})
    data.obs_names, data.var_names = ["s1", "s2"], ["g1", "g2", "g3"]
    with anndata.settings.override(allow_write_nullable_strings=True):
        data.write_h5ad(tmp_path / "t.h5ad")
    content = (tmp_path / "t.h5ad").read_bytes()
    read = reading(content, file="t.h5ad", known=["s1", "s2"])
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("g1", "g2", "g3"), ("s1", "s2"))
    np.testing.assert_array_equal(read.layer.values, values.T)
    np.testing.assert_array_equal(reading(content, value="counts").layer.values, values.T * 10)
    refused("wanted the values 'tpm', found the layers 'counts'", content, value="tpm")
    refused("a damaged one", content[: len(content) // 2])
    refused("a damaged one", HDF5 + b"x" * 100)
    assert look_at_table(content, "t.h5ad").sample_names == ("s1", "s2")
    monkeypatch.setattr("models.annotated_data._MOST_CELLS", 5)
    refused("found 2 of 3 features, as of single cells. Sum up the cells of each sample first", content)
    monkeypatch.undo()
    mudata = pytest.importorskip("mudata")
    with anndata.settings.override(allow_write_nullable_strings=True):
        mudata.MuData({"rna": data, "prot": data[:, :1].copy()}).write(tmp_path / "t.h5mu")
    content = (tmp_path / "t.h5mu").read_bytes()
    assert reading(content, sheet="prot").layer.feature_ids == ("g1",)
    refused("wanted the name of a modality in sheet, found the modalities 'prot', 'rna'", content)
