"""The search for names finds a planted one in every kind of file, and takes no other word for it."""

import base64
import gzip
import io
import json
import re
import zipfile
import zlib

import matplotlib as mpl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from openpyxl import Workbook

from models.decoded import texts_of
from models.leak_scan import Leak, Wanted, leaks_in

NAME = "AT5G13930"
ODD = 'β-gal & "x" <y>, 3\u2032'


def _figure(name: str) -> Figure:
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().set_title(name, fontsize=6, parse_math=False)
    return figure


def _picture(name: str, kind: str, **settings: object) -> bytes:
    sink = io.BytesIO()
    with mpl.rc_context(settings):  # type: ignore[arg-type]
        _figure(name).savefig(sink, format=kind)
    return sink.getvalue()


def _png(**metadata: str) -> bytes:
    sink = io.BytesIO()
    FigureCanvasAgg(Figure(figsize=(1, 1))).print_png(sink, metadata=metadata)  # type: ignore[no-untyped-call]
    return sink.getvalue()


def _packed_png(name: str) -> bytes:
    """Return a PNG whose text is deflated, as zTXt chunks have it."""
    plain = _png()
    data = b"Comment\0\0" + zlib.compress(name.encode("utf-8"))
    chunk = len(data).to_bytes(4) + b"zTXt" + data + zlib.crc32(b"zTXt" + data).to_bytes(4)
    return plain[:33] + chunk + plain[33:]


def _xlsx(name: str) -> bytes:
    book, sink = Workbook(), io.BytesIO()
    book.active.append(["gene", name])
    book.save(sink)
    return sink.getvalue()


def _xlsx_sheet(name: str) -> bytes:
    book, sink = Workbook(), io.BytesIO()
    book.active.title = name[:20]
    book.save(sink)
    return sink.getvalue()


def _parquet(name: str, *, where: str = "value") -> bytes:
    column = pa.array([name if where == "value" else "x", None])
    values = column.dictionary_encode() if where == "coded" else column
    values = pa.array([name, "x"]).dictionary_encode() if where == "coded" else values
    header = name if where == "header" else "a"
    metadata = {"note": name} if where == "metadata" else None
    sink = io.BytesIO()
    pq.write_table(pa.table([values], schema=pa.schema([(header, values.type)], metadata=metadata)), sink)
    return sink.getvalue()


def _zip(content: bytes, name: str = "inside.txt") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(name, content)
    return sink.getvalue()


def _page(content: bytes) -> bytes:
    return b'<img alt="" src="data:image/png;base64,' + base64.b64encode(content) + b'">'


PLANTED = {
    "text": NAME.encode(),
    "utf-16": f"x {NAME} y".encode("utf-16"),
    "csv": f"gene_id,p\n{NAME}.1,0.5\n".encode(),
    "entities": f"<td>{NAME[:3]}&#{ord(NAME[3])};{NAME[4:]}</td>".encode(),
    "divided by tags": f"<text><tspan>{NAME[:4]}</tspan><tspan>{NAME[4:]}</tspan></text>".encode(),
    "json escapes": json.dumps({"a": NAME}).replace("AT5", "\\u0041T5").encode(),
    "url": f"<a href='%41{NAME[1:]}.html'>".encode(),
    "base64 text": base64.b64encode(f"some words and {NAME}, and some more".encode()),
    "png": _png(Comment=f"best: {NAME}"),
    "deflated png": _packed_png(NAME),
    "png in a page": _page(_png(Title=NAME)),
    "svg": _picture(NAME, "svg", **{"svg.fonttype": "none"}),
    "pdf, type 42": _picture(NAME, "pdf", **{"pdf.fonttype": 42}),
    "pdf, type 3": _picture(NAME, "pdf", **{"pdf.fonttype": 3}),
    "pdf with a ligature": _picture(f"ffi fi {NAME} fl", "pdf", **{"pdf.fonttype": 42}),
    "xlsx": _xlsx(NAME),
    "xlsx sheet": _xlsx_sheet(NAME),
    "gzip": gzip.compress(NAME.encode()),
    "zip": _zip(NAME.encode()),
    "zip in zip": _zip(_zip(gzip.compress(NAME.encode()))),
    "zip member": _zip(b"", f"figures/top_{NAME}.svg"),
    "parquet": _parquet(NAME),
    "coded parquet": _parquet(NAME, where="coded"),
    "parquet header": _parquet(NAME, where="header"),
    "parquet metadata": _parquet(NAME, where="metadata"),
    "excel escape": b"<t>_x0041_T5G13930</t>",
    "other case": NAME.lower().encode(),
    "shortened": f"<text>{NAME[:5]}\u2026{NAME[-3:]}</text>".encode(),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_name_is_found_in_every_kind_of_file(kind: str) -> None:
    wanted = Wanted([NAME, "another"])
    assert leaks_in([("a/b", b"nothing"), ("c", PLANTED[kind])], wanted) == (Leak("c", 1),)
    assert leaks_in([("c", PLANTED[kind])], Wanted(["AT5G1393", "G13930", "AT5G13931"])) == ()


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "svg", "pdf"])
def test_odd_letters_are_found_where_they_are_escaped(kind: str) -> None:
    writers = {"xlsx": _xlsx, "parquet": _parquet}
    settings = {"svg.fonttype": "none", "pdf.fonttype": 42}
    content = writers[kind](ODD) if kind in writers else _picture(ODD, kind, **settings)
    assert leaks_in([("x", content)], Wanted([ODD, "β-gal"])) == (Leak("x", 2),)


def test_ligatures_of_a_pdf_are_letters() -> None:
    content = _picture("best of fi12 and office", "pdf", **{"pdf.fonttype": 42})
    assert leaks_in([("x.pdf", content)], Wanted(["FI12", "office", "fi1"])) == (Leak("x.pdf", 2),)


def test_file_names_count_and_so_do_names_of_several_words() -> None:
    wanted = Wanted(["young leaf", "M_12", NAME])
    assert leaks_in([(f"figures/top_{NAME}.png", b"")], wanted) == (Leak(f"figures/top_{NAME}.png", 1),)
    assert wanted.found_in("the  young\tleaf, M_12") == {"young leaf", "m_12"}
    assert wanted.found_in("young, leaf; m 12") == frozenset()


def test_names_that_are_ordinary_are_told_apart() -> None:
    own = "All samples; the target is ranked. <h2>A1</h2>"
    wanted = Wanted(["target", "12", "0.5", "a", "h2", "all samples", "2019-1", NAME, "targets"], own)
    assert wanted.ordinary == {"target", "12", "0.5", "a", "h2", "all samples", "2019-1"}
    assert wanted.searched == {NAME.lower(), "targets"}


def test_addresses_of_cells_and_packed_letters_are_no_names() -> None:
    assert leaks_in([("x.xlsx", _xlsx("gene"))], Wanted(["B1", "A1"])) == ()
    page = _page(_png(Comment="c") + b"\0" * 50)
    packed = base64.b64encode(_png(Comment="c"))
    inside = packed[20:24].decode()
    assert leaks_in([("p.html", page)], Wanted([inside])) == ()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ue000"), min_size=1, max_size=20))
def test_whatever_is_called_a_name_is_found_in_a_table(name: str) -> None:
    wanted = Wanted([name])
    table = pd.DataFrame({"n": [1.0], "gene_id": [name]}).to_csv(index=False).encode("utf-8")
    if wanted.searched and '"' not in name:
        assert leaks_in([("t.csv", table)], wanted) == (Leak("t.csv", 1),)
    assert len(wanted.searched) + len(wanted.ordinary) <= 1


@given(
    st.lists(st.sampled_from(["AB1", "ab12", "x-1", "μ2", "z z"]), max_size=6), st.sampled_from([",", " ", "_", "x"])
)
def test_the_index_finds_what_a_plain_search_finds(words: list[str], between: str) -> None:
    text = between.join(words).casefold()
    names = ["AB1", "ab12", "x-1", "μ2", "z z", "b1"]
    plain = {
        name.casefold()
        for name in names
        if re.search(rf"(?<![^\W_]){re.escape(name.casefold())}(?![^\W_])", text.replace("\u00b5", "\u03bc"))
    }
    assert Wanted(names).found_in(text) == plain


def test_a_file_packed_in_itself_too_often_is_refused() -> None:
    content = b"x"
    for _ in range(12):
        content = gzip.compress(content)
    with pytest.raises(ValueError, match="packed in more than"):
        list(texts_of(content))
