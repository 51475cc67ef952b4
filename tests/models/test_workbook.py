"""The workbook, opened again."""

import csv
import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.ranking_tables import EVIDENCES
from configs.tables import CONTRACTS
from models.workbook import _sheet, build_workbook, safe_text, sheet_name
from models.workbook_words import COLUMN_WORDS

TRICKY = ["SEPT2", "MARCH1", "=1+1", "+A1", "-x", "@cmd", "#N/A", "1e5", " lead ", "a\nb", "00123", "<b>&amp;", "'x"]


def _ranking(target: str, genes: list[str]) -> pd.DataFrame:
    count = len(genes)
    columns = {
        "target": pd.Series([target] * count, dtype="str"),
        "rank": np.arange(1, count + 1),
        "gene_id": pd.Series(genes, dtype="str"),
        "score": np.linspace(2, 1, count),
        "p": np.geomspace(1e-12, 0.5, count),
        "q": np.geomspace(1e-9, 0.9, count),
        "stability": np.nan,
    }
    evidence = {name: np.nan if name in ("homology", "bait") else 0.25 for name in EVIDENCES}
    ranks = {f"{name}_rank01": value for name, value in evidence.items()}
    tail = {
        "direction": pd.Series([1, -1] * count, dtype="Int64")[:count],
        "best_metabolite": pd.Series(["Glucoraphanin"] * count, dtype="str"),
        "family": pd.Series([None] * count, dtype="str"),
        "description": pd.Series([None, *["kinase"] * (count - 1)], dtype="str"),
    }
    return pd.DataFrame(columns | evidence | ranks | tail)


def _build(**changes) -> bytes:
    hits = pd.DataFrame(
        {
            "family": "P450",
            "gene_id": ["SEPT2"],
            "best_member": ["=HYPERLINK()"],
            "evalue": [0.0],
            "bit_score": [512.25],
        }
    )
    parts = {
        "rankings": pd.concat([_ranking("glucosinolates", TRICKY), _ranking("all", TRICKY[:3])], ignore_index=True),
        "families": {"P450": hits.assign(member_coverage=np.nan, grade=np.inf)},
        "pairs": pd.DataFrame({"condition": "all samples", "gene_id": ["a"], "rho": [0.5], "p": [1e-7]}),
        "samples": pd.DataFrame({"sample_id": ["01"], "group": ["1"], "tissue": ["leaf"]}),
        "qc": pd.DataFrame({"layer": ["t"], "sample_id": ["01"], "library_size": [1e6], "features_detected": [20_000]}),
        "settings": {"seed": "1", "layers.t.path": "=cmd()"},
        "notes": ["A last word."],
    }
    return build_workbook(**(parts | changes))


def _open(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


def _column(page, header: str) -> list:
    place = [cell.value for cell in page[1]].index(header) + 1
    return [page.cell(row, place) for row in range(2, page.max_row + 1)]


def test_sheets_come_in_order():
    names = _open(_build()).sheetnames
    assert names == ["Legend", "glucosinolates", "all", "family P450", "Pairs", "Samples", "QC", "Settings"]


def test_ids_stay_text_byte_for_byte():
    cells = _column(_open(_build())["glucosinolates"], "gene_id")
    assert [cell.value for cell in cells] == TRICKY
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    assert all(cell.quotePrefix for cell in cells)


def test_no_cell_anywhere_is_a_formula_or_an_error():
    types = {cell.data_type for page in _open(_build()) for row in page.iter_rows() for cell in row}
    assert types <= {"s", "n"}


def test_numbers_keep_their_value_and_have_a_format():
    page = _open(_build())["glucosinolates"]
    expected = _ranking("glucosinolates", TRICKY)
    for column, form in (("score", "0.000"), ("p", "0.00E+00"), ("q", "0.00E+00"), ("rank", "#,##0")):
        cells = _column(page, column)
        assert [cell.value for cell in cells] == pytest.approx(expected[column].tolist(), rel=1e-15)
        assert {cell.number_format for cell in cells} == {form}
    assert [cell.value for cell in _column(page, "direction")][:2] == [1, -1]


def test_headers_are_frozen_filtered_and_bold():
    book = _open(_build())
    page = book["glucosinolates"]
    assert page.freeze_panes == "C2"
    assert page.auto_filter.ref == page.dimensions
    assert page.max_row == 1 + len(TRICKY)
    for sheet in book:
        assert all(cell.font.bold for cell in sheet[1])
        assert sheet.freeze_panes
        assert all(8 <= sheet.column_dimensions[cell.column_letter].width <= 110 for cell in sheet[1])


def test_missing_values_are_empty_cells_and_infinity_is_text():
    book = _open(_build())
    assert _column(book["glucosinolates"], "description")[0].value is None
    grade = _column(book["family P450"], "grade")[0]
    assert (grade.value, grade.data_type) == ("inf", "s")
    assert _column(book["family P450"], "evalue")[0].value == 0


def test_columns_without_a_value_are_left_out_and_the_legend_says_so():
    book = _open(_build())
    headers = [cell.value for cell in book["glucosinolates"][1]]
    assert "correlation_rank01" in headers
    assert not {"homology", "bait", "homology_rank01", "stability", "family", "target"} & set(headers)
    legend = {(row[0], row[1]): row[3] for row in book["Legend"].iter_rows(min_row=2, values_only=True)}
    assert legend["glucosinolates, all", "homology"] == "Left out: the study has no such evidence here."
    assert legend["glucosinolates, all", "stability"] == "Left out: the study has no value for it here."


def test_the_legend_explains_every_column_and_sheet_and_ends_with_the_notes():
    book = _open(_build())
    rows = list(book["Legend"].iter_rows(min_row=2, values_only=True))
    explained = {row[1] for row in rows if row[3]}
    for page in book.worksheets[1:]:
        assert {cell.value for cell in page[1]} <= explained
    assert [row[0] for row in rows[:7]] == book.sheetnames[1:]
    assert rows[-1][3] == "A last word."


@pytest.mark.parametrize(
    ("sheet", "contract"),
    [
        ("target", "ranking"),
        ("why", "card_evidence"),
        ("partners", "card_partners"),
        ("family", "homology_hits"),
        ("families", "gene_families"),
        ("pairs", "pairs"),
        ("target_pairs", "target_correlation"),
        ("samples", "samples"),
        ("qc", "qc"),
    ],
)
def test_every_column_of_the_contracts_has_words(sheet: str, contract: str):
    names = {column.name for column in CONTRACTS[contract].columns} - {sheet}
    assert names <= set(COLUMN_WORDS[sheet])


def _further() -> dict[str, pd.DataFrame]:
    false = pd.DataFrame(
        {"target": ["t", "u"], "top": [10, 25], "expected_false": [0.5, np.nan], "share": [0.05, np.nan]}
    )
    worth = {"target": "t", "method": "=bait", "kind": "evidence", "n_baits": 4, "auc": 0.9, "verdict": "bait: helps"}
    evidence = {"target": "t", "gene_id": TRICKY, "evidence": "bait", "value": 0.5, "null_percentile": np.nan}
    return {
        "false_in_top": false,
        "leave_one_out": pd.DataFrame([worth]),
        "cards": pd.DataFrame(evidence),
    }


def test_how_sure_and_why_follow_the_targets_and_are_explained():
    book = _open(_build(**_further()))
    assert book.sheetnames[1:6] == ["glucosinolates", "all", "How sure", "Why", "family P450"]
    sure = book["How sure"]
    assert [cell.value for cell in _column(sure, "about")] == ["false among the best"] * 2 + ["worth of the evidence"]
    assert [cell.value for cell in _column(sure, "top")] == [10, 25, None]
    assert [cell.value for cell in _column(sure, "auc")] == [None, None, 0.9]
    assert _column(sure, "method")[2].data_type == "s"
    assert [cell.value for cell in _column(book["Why"], "gene_id")] == TRICKY
    assert "null_percentile" not in [cell.value for cell in book["Why"][1]]
    words = {row[1]: row[3] for row in book["Legend"].iter_rows(min_row=2, values_only=True)}
    assert words["expected_false"].startswith("As many would be there if no gene had to do with the target")
    assert all(words[cell.value] != "As given." for page in (sure, book["Why"]) for cell in page[1])


def _gene_families() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "gene_id": TRICKY,
            "family": "P450",
            "grade": np.linspace(1, 0.5, len(TRICKY)),
            "margin": 0.25,
            "second_family": ["=BAHD"] + [None] * (len(TRICKY) - 1),
            "second_grade": [0.75] + [np.nan] * (len(TRICKY) - 1),
            "n_families": [2] + [1] * (len(TRICKY) - 1),
        }
    )


def test_the_families_of_the_genes_stand_before_each_family():
    book = _open(_build(gene_families=_gene_families(), max_rows=5))
    assert book.sheetnames[3:5] == ["Families", "family P450"]
    page = book["Families"]
    assert [cell.value for cell in page[1]] == list(_gene_families().columns)
    assert [cell.value for cell in _column(page, "gene_id")] == TRICKY[:5]
    assert {cell.number_format for cell in _column(page, "grade")} == {"0.000"}
    assert _column(page, "second_family")[0].data_type == "s"
    legend = {(row[0], row[1]): row[3] for row in book["Legend"].iter_rows(min_row=2, values_only=True)}
    whole = f"The first 5 of {len(TRICKY)} rows; the whole table is tables/gene_families.csv in the run folder."
    assert legend["Families", None].endswith(whole)
    assert legend["Families", "n_families"] == "Families in which the gene has a hit."
    assert "Families" not in _open(_build(gene_families=_gene_families().head(0))).sheetnames


def test_the_legend_stays_short_with_many_families():
    hits = pd.DataFrame({"family": "f", "gene_id": ["g"], "best_member": ["q"], "grade": [0.5], "rival": [None]})
    book = _open(_build(families={f"family_of_plant_enzymes_number_{place}": hits for place in range(34)}))
    sheets = [name for name in book.sheetnames if name.startswith("family ")]
    assert len({name.lower() for name in sheets}) == 34
    rows = list(book["Legend"].iter_rows(min_row=2, values_only=True))
    # A row a family, one for each of its three columns, and one for what all of them lack.
    assert len([row for row in rows if str(row[0]).startswith("family ")]) == 34 + 3 + 1
    assert {row[0] for row in rows if row[1] == "grade"} == {f"{', '.join(sheets[:3])} and 31 more"}


@pytest.mark.parametrize("part", ["false_in_top", "leave_one_out"])
def test_how_sure_may_hold_one_of_its_tables(part: str):
    frames = _further()
    book = _open(_build(**{part: frames[part], "cards": frames["cards"].head(0)}))
    assert "Why" not in book.sheetnames
    assert book["How sure"].max_row == 1 + len(frames[part])


def test_targets_may_be_called_like_the_sheets_of_certainty():
    rankings = pd.concat([_ranking(name, ["g"]) for name in ("why", "How sure")], ignore_index=True)
    names = _open(_build(rankings=rankings, **_further())).sheetnames
    assert names[1:5] == ["why (2)", "How sure (2)", "How sure", "Why"]


def test_long_rankings_are_capped_best_first_and_the_legend_says_where_the_rest_is():
    ranking = _ranking("t", [f"g{place}" for place in range(50)]).sample(frac=1, random_state=1)
    book = _open(_build(rankings=ranking, max_rows=10))
    assert [cell.value for cell in _column(book["t"], "rank")] == list(range(1, 11))
    meaning = book["Legend"]["D2"].value
    assert "The first 10 of 50 rows" in meaning
    assert "the whole table is ranking.csv in the run folder" in meaning


def test_empty_tables_give_a_header_and_a_word():
    pairs = pd.DataFrame({"condition": pd.Series(dtype="str"), "gene_id": pd.Series(dtype="str")})
    book = _open(_build(pairs=pairs, families={}, settings={}))
    assert [cell.value for cell in book["Pairs"][1]] == ["condition", "gene_id"]
    assert book["Pairs"].max_row == 1
    assert any("There is none." in str(row[3]) for row in book["Legend"].iter_rows(values_only=True))


def test_same_tables_same_bytes_without_a_date_of_today():
    assert _build() == _build()
    with zipfile.ZipFile(io.BytesIO(_build())) as archive:
        assert {member.date_time for member in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}
    assert _open(_build()).properties.modified.year == 2000


def test_pandas_reads_it_back():
    frame = pd.read_excel(io.BytesIO(_build()), sheet_name="all", dtype={"gene_id": "str"}, keep_default_na=False)
    assert frame["gene_id"].tolist() == TRICKY[:3]


def test_control_characters_are_written_as_excel_reads_them():
    # ECMA-376 part 1, 22.4.2.4: _xHHHH_ stands for a character, and _x005F_ for an underscore that would start one.
    assert safe_text("a\x07b\r") == "a_x0007_b_x000D_"
    assert safe_text("gene_x0041_1") == "gene_x005F_x0041_1"
    assert safe_text("gene_x1_\t\n") == "gene_x1_\t\n"
    assert safe_text("\ud800\ufffe") == "\N{REPLACEMENT CHARACTER}_xFFFE_"
    assert len(safe_text("x" * 40_000)) == 32_767


@settings(max_examples=12, deadline=None)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_any_id_gives_a_file_that_opens_with_it(genes: list[str]):
    cells = _column(_open(_build(rankings=_ranking("t", genes)))["t"], "gene_id")
    assert [cell.value or "" for cell in cells] == [safe_text(gene) for gene in genes]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet="aAbß[]:*?/\\' \x00", max_size=40), max_size=12))
def test_sheet_names_are_legal_and_unique(wanted: list[str]):
    taken = {"history"}
    names = [sheet_name(name, taken) for name in wanted]
    assert len({name.lower() for name in names}) == len(names)
    for name in names:
        assert 1 <= len(name) <= 31
        assert not re.search(r"[\[\]:*?/\\\x00]", name)
        assert name.strip("'") == name


def test_targets_named_like_fixed_sheets_and_each_other_give_way():
    targets = ["Legend", "HISTORY", "pairs", "x" * 40, "X" * 40, "a/b"]
    rankings = pd.concat([_ranking(target, ["g"]) for target in targets], ignore_index=True)
    names = _open(_build(rankings=rankings)).sheetnames
    assert names[:5] == ["Legend", "Legend (2)", "HISTORY (2)", "pairs (2)", "x" * 31]
    assert names[5:7] == ["X" * 27 + " (2)", "a_b"]
    assert "Pairs" in names


@pytest.mark.parametrize(
    ("kind", "contract"),
    [("target", "ranking"), ("sure", "false_in_top"), ("sure", "leave_one_out"), ("why", "card_evidence")],
)
def test_every_column_of_the_ranking_and_of_how_sure_it_is_has_words(kind: str, contract: str):
    assert {column.name for column in CONTRACTS[contract].columns} - {"target"} <= set(COLUMN_WORDS[kind])


def _linked(**changes) -> openpyxl.Workbook:
    """Return a workbook in which the first three genes of each target have rows on the sheet Why."""
    targets = {"it's 2-C": TRICKY, "=all": ["x" * 300, *TRICKY[:3]]}
    rankings = pd.concat([_ranking(name, genes) for name, genes in targets.items()], ignore_index=True)
    cards = pd.DataFrame(
        [
            (name, gene, kind, 0.5)
            for name, genes in targets.items()
            for gene in genes[:3]
            for kind in ("bait", "graph")
        ],
        columns=["target", "gene_id", "evidence", "value"],
    )
    return _open(_build(**({"rankings": rankings, "cards": cards} | changes)))


def _follow(book: openpyxl.Workbook, cell) -> tuple[str, object]:
    """Return the sheet that a cell leads to, and the row there."""
    found = re.fullmatch(r"'((?:[^']|'')+)'!A(\d+)|(\w+)!A(\d+)", cell.hyperlink.location)
    assert found is not None
    page = book[found.group(3) or found.group(1).replace("''", "'")]
    row = page[int(found.group(2) or found.group(4))]
    return page.title, {head.value: cell.value for head, cell in zip(page[1], row, strict=True)}


def test_a_gene_leads_to_why_and_from_there_back():
    book = _linked()
    for target in ("it's 2-C", "=all"):
        cells = _column(book[target], "gene_id")
        assert [cell.hyperlink is not None for cell in cells] == [True] * 3 + [False] * (len(cells) - 3)
        for cell in cells[:3]:
            title, row = _follow(book, cell)
            assert title == "Why"
            assert (row["target"], row["gene_id"], row["evidence"]) == (target, cell.value, "bait")
            assert (cell.data_type, cell.number_format, cell.font.underline) == ("s", "@", "single")
    for cell, target in zip(_column(book["Why"], "gene_id"), _column(book["Why"], "target"), strict=True):
        title, row = _follow(book, cell)
        assert (title, row["gene_id"]) == (target.value, cell.value)


def test_partners_stay_whole_and_lead_to_the_target():
    rows = [("=all", "SEPT2", "bait", place, "MARCH1", float(place)) for place in range(1, 9)]
    partners = pd.DataFrame(rows, columns=["target", "gene_id", "kind", "place", "partner", "value"])
    book = _linked(partners=partners, max_rows=5)
    page = book["Partners"]
    assert page.max_row == 9
    assert {(cell.value, cell.data_type) for cell in _column(page, "partner")} == {("MARCH1", "s")}
    assert {_follow(book, cell)[1]["gene_id"] for cell in _column(page, "gene_id")} == {"SEPT2"}


def test_the_legend_leads_to_every_sheet():
    book = _linked()
    cells = [cell for cell in _column(book["Legend"], "sheet") if cell.hyperlink]
    assert [_follow(book, cell)[0] for cell in cells] == book.sheetnames[1:] == [cell.value for cell in cells]


def test_a_workbook_without_cards_has_no_link_in_its_targets():
    assert not any(cell.hyperlink for cell in _column(_open(_build())["glucosinolates"], "gene_id"))


def _target_pairs() -> pd.DataFrame:
    rows = [("b", "g1", "M1", 0.1), ("b", "g2", "=M2", -0.9), ("a", "g1", "SEPT2", 0.2), ("b", "g3", "M1", 0.5)]
    return pd.DataFrame(rows, columns=["target", "gene_id", "metabolite_id", "rho"]).assign(n_samples=9, p=1e-4)


def test_target_pairs_are_the_strongest_of_each_target():
    book = _open(_build(target_pairs=_target_pairs(), max_rows=2))
    rows = [row[:4] for row in book["Target pairs"].iter_rows(min_row=2, values_only=True)]
    assert rows == [("b", "g2", "=M2", -0.9), ("b", "g3", "M1", 0.5), ("a", "g1", "SEPT2", 0.2)]
    assert "Target pairs" not in _open(_build(target_pairs=_target_pairs().head(0))).sheetnames
    legend = {row[0]: row[3] for row in book["Legend"].iter_rows(min_row=2, values_only=True) if row[1] is None}
    assert legend["Target pairs"].endswith(
        "The first 2 of each target; the whole table is tables/target_correlation.csv in the run folder."
    )


def test_what_is_read_first_stands_first():
    ranking = _ranking("t", ["g1", "g2"]).assign(family="CHS")
    heads = [cell.value for cell in _open(_build(rankings=ranking))["t"][1]]
    assert heads[:6] == ["rank", "gene_id", "description", "family", "best_metabolite", "direction"]


def test_ids_beyond_255_letters_stay_whole():
    genes = ["x" * 256, "=" + "y" * 8_000, "z" * 32_767]
    cells = _column(_open(_build(rankings=_ranking("t", genes)))["t"], "gene_id")
    assert [cell.value for cell in cells] == genes


def test_no_sheet_is_longer_or_wider_than_excel_has_room_for():
    long = pd.DataFrame({"condition": "all samples", "rho": np.zeros(1_048_580)})
    sheet = _sheet("pairs", "Pairs", long, legal="Pairs", limit=2_000_000)
    assert len(sheet.frame) == 1_048_575
    assert "The first 1,048,575 of 1,048,580 rows; the whole table is tables/correlated_pairs.csv" in sheet.meaning
    wide = pd.DataFrame(np.zeros((1, 16_390)), columns=[f"label {place}" for place in range(16_390)])
    sheet = _sheet("samples", "Samples", wide, legal="Samples", limit=10)
    assert sheet.frame.shape[1] == 16_384
    assert "The first 16,384 of 16,390 columns" in sheet.meaning


def test_the_rows_of_the_legend_are_as_tall_as_their_text():
    page = _open(_build(notes=["A word. " * 40]))["Legend"]
    assert page.row_dimensions[page.max_row].height == 3 * 15
    assert page.row_dimensions[3].height >= 15


def test_pages_print_across_with_the_header_on_each():
    for page in _open(_build()):
        assert page.page_setup.orientation == "landscape"
        assert page.sheet_properties.pageSetUpPr.fitToPage
        assert page.page_setup.fitToHeight == 0
        assert page.print_title_rows == "$1:$1"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_reads_the_same_ids(tmp_path: Path):
    (tmp_path / "ranking.xlsx").write_bytes(_build())
    # Separator 44, quote 34, UTF-8 76, from line 1; cells as they are shown, the sheet `all` alone: number 3.
    options = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,3"
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", options, "--outdir", str(tmp_path)]
    subprocess.run(  # noqa: S603 - a program that is asked for by name
        [*command, str(tmp_path / "ranking.xlsx")], check=True, capture_output=True, timeout=120
    )
    (made,) = tmp_path.glob("*.csv")
    rows = list(csv.DictReader(made.read_text("utf-8").splitlines()))
    assert [row["gene_id"] for row in rows] == TRICKY[:3]
    assert [row["score"] for row in rows] == ["2.000", "1.500", "1.000"]
