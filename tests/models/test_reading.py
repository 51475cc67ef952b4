import csv
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import SampleError, TableError
from configs.study import LayerConfig
from models.formats import read_table
from models.reading import Reading, read_annotation, read_layer, read_text_table

IDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn")), min_size=1, max_size=12).filter(
    lambda text: text.strip() and not text.startswith("=")  # a workbook takes '=' for a formula
)
VALUES = st.one_of(st.none(), st.floats(width=32, allow_nan=False, allow_infinity=False))


def reading(content, *, file="table.csv", unit="fpkm", known=(), **config) -> Reading:
    content = content.encode() if isinstance(content, str) else content
    settings = LayerConfig(path=file, **config)
    return read_layer(content, file, name="genes", config=settings, unit=unit, known_samples=frozenset(known))


def refused(content, match: str, *, error=TableError, **given) -> None:
    with pytest.raises(error, match=match):
        reading(content, **given)


def workbook(rows, *, others=()) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "data"
    for row in rows:
        book.active.append(row)
    for title in others:
        book.create_sheet(title).append(["nothing"])
    sink = io.BytesIO()
    book.save(sink)
    return sink.getvalue()


def delimited(rows, delimiter: str, terminator: str = "\n") -> bytes:
    sink = io.StringIO(newline="")
    csv.writer(sink, delimiter=delimiter, lineterminator=terminator).writerows(rows)
    return sink.getvalue().encode()


def parquet(rows) -> bytes:
    header, *body = rows
    frame = pd.DataFrame(body, columns=header)
    frame[header[1:]] = frame[header[1:]].astype("float64")
    sink = io.BytesIO()
    frame.to_parquet(sink)
    return sink.getvalue()


# --- round trips ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [delimited, workbook, parquet], ids=["text", "xlsx", "parquet"])
@given(
    st.lists(IDS, min_size=1, max_size=5, unique=True), st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=5)
)
@settings(deadline=None, max_examples=25)
def test_any_id_and_value_comes_back(write, ids, values):
    body = [[name, 1.0, *row] for name, row in zip(ids, values, strict=False)]
    body = [
        [*row[:2], *(1.0 if index == 0 and cell is None else cell for cell in row[2:])]
        for index, row in enumerate(body)
    ]
    rows = [["id", "s0", "s1", "s2", "s3"], *body]
    contents = [write(rows, d, t) for d in "\t,;" for t in ("\n", "\r\n")] if write is delimited else [write(rows)]
    expected = np.array([[np.nan if cell is None else cell for cell in row[1:]] for row in body], dtype=np.float32)
    for content in contents:
        layer = reading(content, unit="log2").layer
        assert layer.feature_ids == tuple(ids)
        assert layer.sample_ids == ("s0", "s1", "s2", "s3")
        np.testing.assert_array_equal(layer.values, expected)


@pytest.mark.parametrize("terminator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("wrap", [bytes, gzip.compress, lambda content: b"\xef\xbb\xbf" + content])
def test_line_ends_byte_order_mark_and_gzip_do_not_matter(terminator, wrap):
    rows = [["id", "s1", "s2"], ["NA", 1, 2], [" {β,δ} ", 3, 4], ["GeNe", 5, ""]]
    layer = reading(wrap(delimited(rows, ",", terminator))).layer
    assert layer.feature_ids == ("NA", " {β,δ} ", "GeNe")
    np.testing.assert_array_equal(layer.values, np.float32([[1, 2], [3, 4], [5, np.nan]]))


@pytest.mark.parametrize(
    ("folder", "table", "unit"),
    [
        ("tomato_falcarindiol", "expression", "fpkm"),
        ("tomato_falcarindiol", "metabolites", "intensity"),
        ("ecoli_growth29", "expression", "tpm"),
        ("ecoli_growth29", "metabolites", "intensity"),
        ("nutrimouse40", "expression", "log2"),
        ("nutrimouse40", "metabolites", "intensity"),
    ],
)
def test_real_tables_survive_byte_for_byte(shared_data: Path, folder, table, unit):
    content = (shared_data / folder / f"{table}.tsv.gz").read_bytes()
    text = gzip.decompress(content).decode()
    header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter="\t")
    known = read_text_table((shared_data / folder / "samples.tsv").read_bytes(), "samples.tsv")["sample_id"]
    read = reading(content, file=f"{table}.tsv.gz", unit=unit, known=known)
    assert read.layer.feature_ids == tuple(row[0] for row in rows)
    assert read.layer.sample_ids == tuple(header[1:])
    expected = np.array([[float(cell) for cell in row[1:]] for row in rows]).astype(np.float32)
    np.testing.assert_array_equal(read.layer.values, expected)
    assert read.notes == (
        f"{table}.tsv.gz has samples in columns ({len(header) - 1} of the {len(known)} known samples).",
    )


def test_text_table_keeps_the_words_for_missing():
    frame = read_text_table(b"id\tid\nNA\tnull\n\tx\n", "baits.tsv")
    assert list(frame.columns) == ["id", "id"]
    assert frame.iloc[0].tolist() == ["NA", "null"]
    assert frame.isna().to_numpy().tolist() == [[False, False], [True, False]]


def test_windows_1252_and_utf_16_are_read():
    text = "id,s1\nβ-Alanin,1\n".replace("β", "ß")
    read = reading(text.encode("cp1252"))
    assert read.layer.feature_ids == ("ß-Alanin",)
    assert read.notes[0] == "table.csv is not UTF-8; it was read as Windows-1252."
    assert reading(text.encode("utf-16")).layer.feature_ids == ("ß-Alanin",)


def test_header_that_is_one_name_short_is_shifted():
    read = reading("s1\ts2\ng1\t1\t2\n")
    assert (read.layer.feature_ids, read.layer.sample_ids) == (("g1",), ("s1", "s2"))
    assert "one name short" in read.notes[0]


def test_comments_above_and_blank_rows_within_are_left_out():
    layer = reading("# made by counting\n\nid\ts1\ts2\t\ng1\t1\t2\t\n\n\t\t\t\ng2\t3\t4\t\n\n").layer
    assert (layer.feature_ids, layer.sample_ids) == (("g1", "g2"), ("s1", "s2"))


def test_pandas_index_in_parquet_is_the_id_column():
    sink = io.BytesIO()
    pd.DataFrame({"s1": [1.5], "s2": [2]}, index=["g1"]).to_parquet(sink)
    layer = reading(sink.getvalue()).layer
    assert (layer.feature_ids, layer.sample_ids, layer.values.tolist()) == (("g1",), ("s1", "s2"), [[1.5, 2.0]])


def test_named_sheet_and_id_column():
    content = workbook([["note", "id", "s1"], ["x", "g1", 1], ["y", "g2", 2]], others=["notes"])
    layer = reading(content, sheet="data", id_column="id", known=["s1"]).layer
    assert (layer.feature_ids, layer.sample_ids) == (("g1", "g2"), ("s1",))


def test_a_workbook_with_dates_says_so():
    content = workbook([["id", "s1"], [pd.Timestamp("2024-09-01").to_pydatetime(), 1]])
    assert "SEPT1" in reading(content).notes[0]


# --- orientation and choice of columns --------------------------------------------------------------------------


def test_samples_in_rows_are_turned_and_said():
    tall = reading("id,s1,s2,s3\ng1,1,2,3\ng2,4,5,6\n", known=["s1", "s2", "s3"])
    wide = reading("id,g1,tissue,g2\ns1,1,leaf,4\ns2,2,root,5\nqc,9,leaf,9\ns3,3,leaf,6\n", known=["s1", "s2", "s3"])
    np.testing.assert_array_equal(tall.layer.values, wide.layer.values)
    assert wide.layer.feature_ids == tall.layer.feature_ids
    assert wide.layer.sample_ids == tall.layer.sample_ids
    assert wide.notes == (
        "table.csv has samples in rows (3 of the 3 known samples); it was turned.",
        "table.csv: left out the rows 'qc', which are not in the sample sheet.",
        "table.csv: left out the text columns 'tissue'.",
    )


def test_columns_that_are_no_samples_are_left_out_and_named():
    read = reading("id,name,mz,s1,s2\ng1,x,1.5,1,2\n", known=["s1", "s2"])
    assert read.layer.sample_ids == ("s1", "s2")
    assert read.notes[1:] == (
        "table.csv: left out the text columns 'name'.",
        "table.csv: left out the number columns 'mz', which are not in the sample sheet.",
    )


def test_without_a_sample_sheet_features_lie_in_rows():
    read = reading("id,name,s1\ng1,x,1\n")
    assert read.layer.sample_ids == ("s1",)
    assert "There is no sample sheet" in read.notes[0]
    assert read.notes[1] == "table.csv: left out the text columns 'name'."
    turned = reading("id,g1,g2\ns1,1,2\n", orientation="samples_in_rows")
    assert (turned.layer.feature_ids, turned.layer.sample_ids) == (("g1", "g2"), ("s1",))


def test_zeros_may_be_missing_and_words_are():
    cells = "id,s1,s2,s3,s4,s5,s6,s7\ng1,0,NA,NaN,nan,N/A,null,\ng2,1,1,1,1,1,1,+1e1\n"
    real, missing = reading(cells).layer.values, reading(cells, zeros="missing").layer.values
    assert np.isnan(real[0]).tolist() == [False] + [True] * 6
    assert np.isnan(missing[0]).all()
    assert missing[1, 6] == 10


# --- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"  \n", gzip.compress(b"")])
def test_empty_file(content):
    refused(content, r"^table\.csv: wanted a CSV, TSV, XLSX or Parquet table, found an empty file\.")


def test_no_table():
    refused(bytes(range(256)), "found bytes that are no text")
    refused("just\nsome\nlines\n", "found one column")
    refused("id,s1,s2\n", "found a header without rows")
    refused("id,name\ng1,x\ng2,y\n", "wanted columns of numbers, one a sample, found text alone in the columns 'name'")
    refused("id,a\ns1,x\n", "one a feature, found text alone", known=["s1"])
    refused("#only\n#comments\n", "no line with cells")


def test_damaged_files():
    whole = gzip.compress(b"id,s1\ng1,1\n" * 50)
    refused(whole[:-12], "wanted a whole gzip file")
    refused(workbook([["id", "s1"], ["g1", 1]])[:-300], "wanted a whole XLSX file")
    refused(parquet([["id", "s1"], ["g1", 1]])[:-20], "wanted a whole Parquet file")
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("table.csv", "id,s1\ng1,1\n")
    refused(sink.getvalue(), "found a zip archive of another kind")


def test_unknown_sheet_and_column():
    refused(workbook([["id", "s1"], ["g1", 1]]), "wanted the sheet 'dat', .* nearest names are 'data'", sheet="dat")
    refused(workbook([]), "an empty worksheet")
    refused("gene_id,s1\ng1,1\n", r"'gene' that layers\.genes\.id_column names, .* 'gene_id'", id_column="gene")


def test_nested_cells():
    sink = io.BytesIO()
    pd.DataFrame({"id": ["g1"], "s1": [[1, 2]]}).to_parquet(sink)
    refused(sink.getvalue(), r"table\.csv, column 's1': wanted plain cells, found cells of type list")


def test_rows_of_unequal_length_name_the_row():
    refused("id,s1,s2\ng1,1,2\n\ng2,3\n", r"table\.csv, row 4: wanted 3 cells in every row, .* found 2 cells")
    refused('id,s1,s2\ng1,1,2\ng2,3,4\n"g3,5,6\n', "table.csv, row 4: wanted 3 cells in every row")


def test_duplicated_ids_are_counted_and_named():
    rows = "".join(f"g{index},1\n" for index in range(7))
    refused(f"id,s1\n{rows}{rows}", "7 duplicated feature ids: 'g0', 'g1', 'g2', 'g3', 'g4' and 2 more")
    refused("id,a,a,b,b\ng1,1,2,3,4\n", r"table\.csv, columns: wanted each sample id once, found 2 .*: 'a', 'b'")
    refused("id,g1,g1\ns1,1,2\n", r"table\.csv, columns: wanted each feature id once", known=["s1"])
    refused("id,g1\ns1,1\ns1,2\n", r"table\.csv, rows: wanted each sample id once", orientation="samples_in_rows")


def test_empty_ids_name_the_row_or_column():
    refused("id,s1\ng1,1\n,2\n  ,3\n", r"table\.csv, rows: wanted a feature id for each, found 2 without one: 3, 4\.")
    refused("id,s1,,s3\ng1,1,2,3\n", r"table\.csv, columns: wanted a sample id for each, found 1 without one: 3\.")


def test_text_among_numbers_names_row_column_and_value():
    match = r"^table\.csv, row 3, column 's2': wanted a number, found the text 'high'\. Correct the cell"
    refused("id,s1,s2\ng1,1,2\ng2,3,high\n", match)
    refused("id,s1,s2\n\ng1,1,2\n\ng2,3,0x1A\n", r"row 5, column 's2': wanted a number, found the text '0x1A'")
    refused("id,g1,g2\ns1,1,2\ns2,1,?\n", r"row 3, column 'g2': .* '\?'", known=["s1", "s2"])


def test_decimal_commas_are_read_where_they_can_mean_nothing_else():
    for content in ("id;s1;s2\ng1;1,5;2,5\ng2;3,5;4,5\n", "id\ts1\ts2\ng1\t1,5\t2,5\ng2\t3,5\t4,5\n"):
        read = reading(content, known=["s1", "s2"])
        assert read.layer.values.tolist() == [[1.5, 2.5], [3.5, 4.5]]
        assert read.notes[-1] == "table.csv: 4 numbers with decimal commas, such as '1,5', were read as such."
    match = (
        r"row 2, column 's1': wanted .* decimal commas throughout, found 2 numbers with a comma, .*'1,500', which may"
    )
    refused("id;s1;s2\ng1;1,500;2\ng2;3,500;4\n", match)


@pytest.mark.parametrize("unit", ["fpkm", "tpm", "counts", "intensity"])
def test_negative_values_are_refused_unless_logarithms(unit):
    content = "id,s1,s2\ng1,1,2\ng2,3,-0.5\ng3,-1,1\n"
    match = (
        rf"row 3, column 's2': wanted values of at least 0, as the unit is {unit}, found -0\.5 and 1 more .*unit: log2"
    )
    refused(content, match, unit=unit)
    assert reading(content, unit="log2").layer.values.min() == -1


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e300", "1e999"])
def test_infinite_values(cell):
    refused(f"id,s1,s2\ng1,1,2\ng2,{cell},3\n", rf"row 3, column 's1': wanted finite numbers .* '{cell}'", unit="log2")


def test_sample_without_values():
    refused("id,s1,s2\ng1,1,NA\ng2,2,\n", "found 1 samples without any value: 's2'")
    refused("id,s1,s2\ng1,1,0\ng2,2,0\n", "found 1 samples without any value: 's2'", zeros="missing")


def test_no_sample_of_the_sheet():
    content = "id,a1,a2\ng1,1,2\n"
    match = (
        r"wanted samples of the sample sheet \('s1', 's2'\) in .*, found columns named 'a1', 'a2' and rows named 'g1'"
    )
    refused(content, match, error=SampleError, known=["s1", "s2"])
    refused(content, match, error=SampleError, known=["s1", "s2"], orientation="samples_in_rows")


# --- annotation -------------------------------------------------------------------------------------------------


def test_annotation_takes_the_described_column():
    frame = read_annotation(b"gene\tscore\tProduct\tpfam\ng1\t1\tkinase\tPF1\ng2\t2\t\tPF2\n", "a.tsv")
    assert frame["gene_id"].tolist() == ["g1", "g2"]
    assert frame["description"].iloc[0] == "kinase"
    assert frame["description"].isna().tolist() == [False, True]


def test_annotation_joins_text_columns_and_repeated_genes():
    content = b"gene,length,class,name\ng1,10,enzyme,kinase\ng2,5,,x\ng1,10,enzyme,kinase\ng1,10,enzyme,other\n"
    frame = read_annotation(content, "a.csv")
    assert frame["gene_id"].tolist() == ["g1", "g2"]
    assert frame["description"].tolist() == ["enzyme; kinase; enzyme; other", "x"]


def test_real_annotation(shared_data: Path):
    content = (shared_data / "tomato_falcarindiol" / "gene_annotation.tsv.gz").read_bytes()
    frame = read_annotation(content, "gene_annotation.tsv.gz").set_index("gene_id")["description"]
    assert frame["Solyc10g081910.1"] == "Protein-kinase-domain"


def test_raw_table_counts_rows_as_in_the_file():
    table = read_table(b'id,s1\n"a\nb",1\n\nc,2\n', "t.csv")
    assert table.text(0) == ["a\nb", "c"]
    assert table.rows.tolist() == [3, 5]
