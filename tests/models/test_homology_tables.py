"""Search tables: each format found from its content, each value where it belongs, each damage named."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from configs.errors import TableError
from models.hits import COLUMNS, NUMBERS, Hits
from models.homology_tables import read_hits, swap_coordinates

BLAST = b"g1\tP1\t35.1\t462\t275\t14\t1\t444\t10\t464\t3.58e-85\t263\n"
DOMTBL_HEADING = (
    b"#                                --- full sequence --- -------------- this domain -------------\n"
    b"# target name  accession  tlen query name  accession  qlen  E-value ...\n"
)
DOMTBL_ROW = (
    b"g1 - 508 p450 PF00067.19 463 1.1e-116 385.3 0.0 1 1 1e-118 1.4e-116 385.0 0.0 1 454 37 487 30 493 0.95 -\n"
)
TBL_RULER = b"#------------------- ---------- -------------------- ---------- --------- ------ -----\n"
TBL_NUMBERS = b"  1.1e-11  385.3   0.0  1.4e-11  385.0   0.0   1.0   1   0   0   1   1   1   1 a b\n"


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "homology_flavonoid"


def read(folder: Path, name: str) -> Hits:
    return read_hits((folder / name).read_bytes(), name)


# Row counts: its README (blast 3173, domains 162); the others by `grep -vc '^#'`.
@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [
        ("blastp.outfmt6.tsv", "blast", 3173),
        ("blastp.outfmt6_qcov.tsv.gz", "blast", 3173),
        ("blastp.outfmt7.txt.gz", "blast", 3173),
        ("diamond.outfmt6.tsv", "blast", 2790),
        ("hmmsearch.domtblout", "domtblout", 162),
        ("hmmsearch.tblout", "tblout", 125),
        ("hmmer_examples/A0A089QRB9.domtbl", "domtblout", 20),
        ("hmmer_examples/PF02826.domtbl", "domtblout", 38),
        ("hmmer_examples/RREFam.domtbl", "domtblout", 15),
        ("hmmer_examples/RREFam.scan.tbl", "tblout", 10),
        ("hmmer_examples/RREFam.tbl", "tblout", 10),
        ("hmmer_examples/bmyD1.tbl", "nhmmer_tblout", 2),
    ],
)
def test_real_tables_are_recognised_and_read_whole(folder: Path, name: str, kind: str, rows: int):
    hits = read(folder, name)
    assert (hits.format, len(hits.frame)) == (kind, rows)
    assert hits.frame.columns.tolist() == list(COLUMNS)
    assert (hits.frame[list(NUMBERS)].dtypes == np.float64).all()
    assert hits.frame[["query", "subject", "evalue", "bit_score"]].notna().all(axis=None)


def test_the_last_blast_row_is_as_written(folder: Path):
    # XP_013443944.2 UGT79B2_AT4G27560 25.602 457 283 13 4 440 5 424 1.92e-23 97.1
    row = read(folder, "blastp.outfmt6.tsv").frame.iloc[-1]
    assert (row["query"], row["subject"]) == ("XP_013443944.2", "UGT79B2_AT4G27560")
    assert row[["query_start", "query_end", "subject_start", "subject_end"]].tolist() == [4, 440, 5, 424]
    assert (row["evalue"], row["bit_score"]) == (1.92e-23, 97.1)


def test_three_layouts_of_one_search_hold_the_same_scores(folder: Path):
    plain, commented = read(folder, "blastp.outfmt6.tsv"), read(folder, "blastp.outfmt7.txt.gz")
    custom = read(folder, "blastp.outfmt6_qcov.tsv.gz")
    assert plain.frame.equals(commented.frame)
    scores = ["query", "subject", "evalue", "bit_score"]
    assert plain.frame[scores].equals(custom.frame[scores])
    assert "columns 5 and 6 were taken for E-value and bit score" in custom.notes[0]


def test_domain_coordinates_stand_with_the_profile(folder: Path):
    # NP_001268157.1 - 508 p450 PF00067.19 463 1.1e-116 385.3 ... hmm 1 454, ali 37 487
    row = read(folder, "hmmsearch.domtblout").frame.iloc[0]
    assert (row["query"], row["query_length"], row["query_start"], row["query_end"]) == ("p450", 463, 1, 454)
    assert (row["subject"], row["subject_length"]) == ("NP_001268157.1", 508)
    assert (row["subject_start"], row["subject_end"]) == (37, 487)
    assert (row["evalue"], row["bit_score"], row["domain_evalue"]) == (1.1e-116, 385.3, 1.4e-116)


def test_hmmscan_has_the_profile_as_its_target(folder: Path):
    hits = read(folder, "hmmer_examples/RREFam.scan.tbl")
    assert hits.profile_side == "subject"
    first = hits.frame.iloc[0]
    assert (first["query"], first["subject"]) == ("938293.PRJEB85.HG003688_1", "Proteusin_Epimerase_RRE")
    # profile first, so its length is tlen; hmm 5-90 lies on it, ali 12-101 on the query
    row = b"PROF PF1 100 g1 - 300 1e-20 70.0 0.0 1 1 1e-22 1e-20 69.0 0.0 5 90 12 101 10 105 0.95 what it is\n"
    scan = read_hits(DOMTBL_HEADING + row + b"# Program:         hmmscan\n# Pipeline mode:   SCAN\n", "s").frame.iloc[0]
    assert (scan["subject"], scan["subject_start"], scan["subject_end"], scan["subject_length"]) == ("PROF", 5, 90, 100)
    assert (scan["query"], scan["query_start"], scan["query_end"], scan["query_length"]) == ("g1", 12, 101, 300)


def test_swapping_coordinates_twice_changes_nothing():
    hits = read_hits(DOMTBL_HEADING + DOMTBL_ROW, "d")
    assert hits.profile_side is None
    assert swap_coordinates(hits).frame["subject_end"].tolist() == [454]
    assert swap_coordinates(swap_coordinates(hits)).frame.equals(hits.frame)


def test_comments_may_be_gone():
    hits = read_hits(DOMTBL_ROW, "stripped")
    assert (hits.format, hits.frame["query_length"].tolist()) == ("domtblout", [463])
    assert read_hits(b"g1 - p450 PF1" + TBL_NUMBERS, "stripped").format == "tblout"
    nhmmer = b"chr1 - bmyD - 107 1195 40444 39356 40464 39336 44660 - 2.7e-251 828.5 7.1 Bacillus\n"
    assert read_hits(nhmmer, "stripped").format == "nhmmer_tblout"


def test_names_with_blanks_are_cut_at_the_ruler():
    name, query = b"gene one           ", b"my profile          "
    row = b" ".join([name.ljust(20), b"-".ljust(10), query.ljust(20), b"PF1".ljust(10)])[:64] + TBL_NUMBERS
    heading = b"# target name        accession  query name           accession    E-value\n"
    frame = read_hits(heading + TBL_RULER + row, "t").frame
    assert (frame["query"][0], frame["subject"][0], frame["bit_score"][0]) == ("my profile", "gene one", 385.3)
    with pytest.raises(TableError, match=r"t, line 2: wanted a number in column 5 \(evalue\), found 'PF1'"):
        read_hits(heading + b"gene - my prof PF1" + TBL_NUMBERS, "t")


def test_further_columns_may_hold_blanks_quotes_and_hashes():
    frame = read_hits(BLAST.replace(b"263\n", b'263\t99\t# a "title [x\n') + b"\r\n", "b").frame
    assert frame["bit_score"].tolist() == [263.0]


def test_fields_line_orders_the_columns_and_gives_lengths():
    text = (
        b"# BLASTP 2.12.0+\n"
        b"# Fields: bit score, evalue, subject acc.ver, query acc.ver, subject length, s. start, s. end\n"
        b"263\t1e-85\tP1\tg1\t470\t10\t464\n"
    )
    row = read_hits(text, "b").frame.iloc[0]
    assert (row["query"], row["subject"], row["bit_score"], row["evalue"]) == ("g1", "P1", 263.0, 1e-85)
    assert (row["subject_length"], row["subject_start"], row["subject_end"]) == (470, 10, 464)
    assert np.isnan(row["query_length"])


def test_header_row_of_column_names_is_understood():
    text = b"qseqid\tsseqid\tevalue\tbitscore\tslen\ng1\tP1\t1e-85\t263\t470\n"
    frame = read_hits(text, "b").frame
    assert frame["subject_length"].tolist() == [470.0]
    assert frame["query"].tolist() == ["g1"]


def test_legacy_evalues_without_a_leading_digit():
    assert read_hits(BLAST.replace(b"3.58e-85", b"e-105"), "b").frame["evalue"].tolist() == [1e-105]


def test_ids_survive_byte_for_byte():
    frame = read_hits(BLAST.replace(b"g1", " gène,{1}".encode()).replace(b"P1", b"NA"), "b").frame
    assert frame["query"].tolist() == [" gène,{1}"]
    assert frame["subject"].tolist() == ["NA"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (gzip.compress(b""), "empty"),
        (b"# BLASTP 2.12.0+\n# Query: g1\n# 0 hits found\n# BLAST processed 1 queries\n", "blast"),
        (DOMTBL_HEADING + b"#\n# Program:         hmmsearch\n# [ok]\n", "domtblout"),
    ],
)
def test_no_hits_is_a_table_of_no_rows(content: bytes, kind: str):
    hits = read_hits(content, "none")
    assert (hits.format, len(hits.frame)) == (kind, 0)
    assert hits.frame.columns.tolist() == list(COLUMNS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BLAST + b"g2\tP1\t35.1\n" + BLAST, r"b, line 2: wanted 12 tab-separated columns, found 3\."),
        (b"g1\tP1\t35.1\t4\n", r"b, line 1: wanted 12 tab-separated columns, found 4\."),
        (BLAST + BLAST.replace(b"3.58e-85", b"low"), r"b, line 2: wanted a number for evalue, found 'low'"),
        (BLAST.replace(b"3.58e-85", b"-1"), r"b, line 1: wanted a number for evalue, found '-1'"),
        (BLAST.replace(b"263", b"nan"), r"b, line 1: wanted a number for bitscore, found 'nan'"),
        (
            b"# Fields: query id, evalue\ng1\t1e-5\n",
            r"wanted a column for subject .* found the columns query id, evalue",
        ),
        (b"# Fields: query id\n# Fields: subject id\n" + BLAST, r"found 2 different '# Fields:' lines"),
        (b">g1 protein\nMKV\n", r"b, line 1: wanted a search table .* with the line '>g1 protein'"),
        (b"# some notes\n", r"found a file of another kind, with the line '# some notes'"),
        (b"\x89PNG\x00\x00", r"found a file of another kind, with the line 'binary content'"),
        (gzip.compress(BLAST * 99)[:-12], r"b: wanted a whole gzip file, found one that ends too early or is damaged"),
        (
            DOMTBL_HEADING + b"g1 - 508 p450 PF1 463 1e-9 30.1\n",
            r"b, line 3: wanted 22 columns or more, separated by blanks, of a HMMER domtblout, found 8",
        ),
        (
            DOMTBL_HEADING + DOMTBL_ROW.replace(b"1.1e-116", b"tiny"),
            r"wanted a number in column 7 \(evalue\), found 'tiny'",
        ),
        (b"# Program: hmmscan\n# Program: hmmsearch\n" + DOMTBL_ROW, r"rows of hmmsearch and of hmmscan in one file"),
    ],
)
def test_damage_is_named_with_its_place(content: bytes, message: str):
    with pytest.raises(TableError, match=message):
        read_hits(content, "b")


def test_files_of_another_kind_are_refused(folder: Path):
    for name in ("families.hmm.gz", "targets.faa", "queries.faa", "README.md"):
        with pytest.raises(TableError, match="found a file of another kind"):
            read(folder, name)
    for name, width in (("truth.tsv", 4), ("query_families.tsv", 3)):
        with pytest.raises(TableError, match=f"line 1: wanted 12 tab-separated columns, found {width}"):
            read(folder, name)
