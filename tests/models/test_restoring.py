"""Names come back in every kind of file that can be written again, as they were."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from models.pseudonyms import Pseudonyms
from models.restoring import restore

NAMES = ("AT1G01010", "AT1G01010.1", 'β-gal, "x" & <y>', "line\nbreak", "=1+2", "MARCH1", "12", "gene", "back\\slash")
PSEUDONYMS = Pseudonyms(b"k" * 32)
GIVEN = {name: PSEUDONYMS.of("gene", name) for name in NAMES}
KNOWN = PSEUDONYMS.names
STRANGER = Pseudonyms(b"o" * 32).of("gene", "AT1G01010")


@pytest.mark.parametrize(("file", "delimiter"), [("a.csv", ","), ("b.TSV", "\t")])
def test_tables_of_text_have_the_names_again(file: str, delimiter: str) -> None:
    rows = [["gene_id", "n"], *([GIVEN[name], str(place)] for place, name in enumerate(NAMES)), [STRANGER, "x"]]
    text = "".join(delimiter.join(row) + "\r\n" for row in rows)
    found = restore(text.encode("utf-8-sig"), file, KNOWN)
    again = list(csv.reader(io.StringIO(found.content.decode("utf-8"), newline=""), delimiter=delimiter))
    assert [row[0] for row in again] == ["gene_id", *NAMES, STRANGER]
    assert found.known == set(GIVEN.values())
    assert found.unknown == {STRANGER}


def test_parquet_has_the_names_again_and_numbers_as_they_were() -> None:
    table = pa.table(
        {"gene_id": pa.array([*GIVEN.values(), None]), GIVEN["gene"]: pa.array(range(len(NAMES) + 1))}
    ).replace_schema_metadata({"kind": "layer"})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    again = pq.read_table(pa.BufferReader(restore(sink.getvalue(), "a.parquet", KNOWN).content))
    assert again["gene_id"].to_pylist() == [*NAMES, None]
    assert again.column_names == ["gene_id", "gene"]
    assert again["gene"].to_pylist() == list(range(len(NAMES) + 1))
    assert again.schema.metadata == {b"kind": b"layer"}


def test_a_workbook_has_the_names_again_and_opens() -> None:
    book = Workbook()
    book.active.title = GIVEN["gene"]
    for name in NAMES:
        book.active.append([GIVEN[name], 0.5])
    sink = io.BytesIO()
    book.save(sink)
    again = load_workbook(io.BytesIO(restore(sink.getvalue(), "a.xlsx", KNOWN).content))
    assert [row[0].value for row in again.active.rows] == list(NAMES)
    assert {row[0].data_type for row in again.active.rows} == {"s"}
    assert again.sheetnames == [GIVEN["gene"]]


def test_pages_drawings_and_json_stay_whole() -> None:
    svg = f"<svg>{''.join(f'<text>{one}</text>' for one in GIVEN.values())}</svg>".encode()
    texts = [text.text for text in ET.fromstring(restore(svg, "a.svg", KNOWN).content)]  # noqa: S314 - our own text
    assert texts == list(NAMES)
    page = restore(svg, "a.html", KNOWN).content
    assert b"&lt;y&gt;" in page
    written = json.dumps({"genes": list(GIVEN.values())}).encode()
    assert json.loads(restore(written, "a.json", KNOWN).content) == {"genes": list(NAMES)}


def test_what_cannot_be_written_again_is_not_touched() -> None:
    content = b"\x89PNG" + GIVEN["gene"].encode()
    found = restore(content, "a.png", KNOWN)
    assert found.content is content
    assert not found.known


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=12), max_size=8))
def test_a_table_goes_there_and_back(names: list[str]) -> None:
    pseudonyms = Pseudonyms(b"r" * 32)
    table = pd.DataFrame({"gene_id": [pseudonyms.of("gene", name) for name in names], "x": 1.0})
    found = restore(table.to_csv(index=False).encode("utf-8"), "t.csv", pseudonyms.names)
    again = pd.read_csv(io.BytesIO(found.content), dtype={"gene_id": "str"}, keep_default_na=False)
    assert again["gene_id"].tolist() == names
