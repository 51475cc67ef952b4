"""Search tables: each format found from its content, each value where it belongs, each damage named."""

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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

# HMMER 3.0 names no program at the end of its tables; HMMER 3.1b2 names the wrong mode for hmmscan. Rows of
# tab_30_hmmscan_001.out, headings and closing lines of pfamtab_31b2_hmmscan_001.out, of Biopython's tests.
HMMSCAN_30 = (
    b"#                                                               --- full sequence ---- --- best 1 domain ---- \n"
    b"# target name        accession  query name           accession    E-value  score  bias   E-value  score  bias \n"
    b"#------------------- ---------- -------------------- ---------- --------- ------ ----- --------- ------ -----\n"
    b"Globin               PF00042.17 gi|4885477|ref|NP_005359.1| -              6e-21   74.6   0.3   9.2e-21   74.0   "
    b"0.2   1.3   1   0   0   1   1   1   1 Globin\n"
    b"Ig_3                 PF13927.1  gi|126362951:116-221 -            1.4e-09   38.2   0.4   2.1e-09   37.6   0.3   "
    b"1.3   1   0   0   1   1   1   1 Immunoglobulin domain\n"
)
MODE_31B2 = (
    b"#\n# Program:         hmmscan\n# Version:         3.1b2 (February 2015)\n# Pipeline mode:   SEARCH\n# [ok]\n"
)


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


# Fields of HMMER's tables as its user guide counts them (chapter "Tabular output formats"), from 0; the first two are
# target and query, the next four lie on profile and sequence of hmmsearch.
DOMTBLOUT = {"subject": 0, "query": 3, "subject_length": 2, "query_length": 5, "evalue": 6, "bit_score": 7} | {
    "domain_evalue": 12,
    "domain_score": 13,
    "query_start": 15,
    "query_end": 16,
    "subject_start": 17,
    "subject_end": 18,
}
TBLOUT = {"subject": 0, "query": 2, "evalue": 4, "bit_score": 5}
NHMMER = (
    TBLOUT
    | {"evalue": 12, "bit_score": 13, "query_start": 4, "query_end": 5, "subject_length": 10}
    | {
        "subject_start": 6,
        "subject_end": 7,
    }
)
OUTFMT6 = {"query": 0, "subject": 1, "query_start": 6, "query_end": 7} | {
    "subject_start": 8,
    "subject_end": 9,
    "evalue": 10,
    "bit_score": 11,
}
CUSTOM = {"query": 0, "subject": 1, "evalue": 4, "bit_score": 5}


def plain_rows(path: Path, *, blanks: bool) -> Iterator[list[str]]:
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return (line.split() for line in lines) if blanks else csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("blastp.outfmt6.tsv", OUTFMT6),
        ("blastp.outfmt7.txt.gz", OUTFMT6),
        ("blastp.outfmt6_qcov.tsv.gz", CUSTOM),
        ("diamond.outfmt6.tsv", OUTFMT6),
        ("hmmsearch.domtblout", DOMTBLOUT),
        ("hmmsearch.tblout", TBLOUT),
        ("hmmer_examples/A0A089QRB9.domtbl", DOMTBLOUT),
        ("hmmer_examples/PF02826.domtbl", DOMTBLOUT),
        ("hmmer_examples/RREFam.domtbl", DOMTBLOUT),
        ("hmmer_examples/RREFam.scan.tbl", TBLOUT),
        ("hmmer_examples/RREFam.tbl", TBLOUT),
        ("hmmer_examples/bmyD1.tbl", NHMMER),
    ],
)
def test_every_number_of_the_real_tables_is_as_written(folder: Path, name: str, fields: dict[str, int]):
    rows = list(plain_rows(folder / name, blanks="." in name and "outfmt" not in name))
    frame = read(folder, name).frame
    for column in COLUMNS:
        if column not in fields:
            assert frame[column].isna().all()
        elif column in NUMBERS:
            assert frame[column].tolist() == [float(row[fields[column]]) for row in rows]
        else:
            assert frame[column].tolist() == [row[fields[column]] for row in rows]


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


def test_two_versions_of_hmmer_headers_are_read():
    old = read_hits(HMMSCAN_30, "t")
    assert (old.format, old.profile_side) == ("tblout", None)
    assert old.frame["subject"].tolist() == ["Globin", "Ig_3"]
    assert old.frame["query"].tolist() == ["gi|4885477|ref|NP_005359.1|", "gi|126362951:116-221"]
    assert old.frame["bit_score"].tolist() == [74.6, 38.2]
    new = read_hits(HMMSCAN_30 + MODE_31B2, "t")
    assert new.profile_side == "subject"
    assert new.frame.equals(old.frame)


def test_each_table_of_a_joined_file_is_cut_at_its_own_ruler():
    heading = b"# target name ...\n"
    short = b"#--- --- ----- ----- ---\ng 1  -   my p  12345" + TBL_NUMBERS
    long = b"#-------- --- ------ ----- ---\ngene two  -   prof 2 -    " + TBL_NUMBERS
    frame = read_hits(heading + short + heading + long, "t").frame
    assert list(zip(frame["subject"], frame["query"], strict=True)) == [("g 1", "my p"), ("gene two", "prof 2")]
    assert frame["evalue"].tolist() == [1.1e-11, 1.1e-11]  # an accession of digits is no E-value


def test_tabs_in_a_description_make_no_blast_table():
    hits = read_hits(DOMTBL_ROW.replace(b"-\n", b"Gypsy\tArabidopsis\tthaliana\n"), "stripped")
    assert (hits.format, hits.frame["bit_score"].tolist()) == ("domtblout", [385.3])


def test_marks_of_windows_are_taken_off():
    plain = read_hits(BLAST * 2, "b").frame
    windows = (BLAST * 2).replace(b"\n", b"\r\n")
    assert read_hits(b"\xef\xbb\xbf" + windows, "b").frame.equals(plain)
    assert read_hits(windows.decode().encode("utf-16"), "b").frame.equals(plain)  # ">" of PowerShell
    hmmer = (DOMTBL_HEADING + DOMTBL_ROW).replace(b"\n", b"\r\n")
    assert read_hits(b"\xef\xbb\xbf" + hmmer, "h").frame.equals(read_hits(DOMTBL_HEADING + DOMTBL_ROW, "h").frame)


# What a user names


def test_named_columns_are_read_without_a_guess(folder: Path):
    content = (folder / "blastp.outfmt6_qcov.tsv.gz").read_bytes()
    names = ("qseqid", "sseqid", "pident", "length", "evalue", "bitscore", "qcovs", "stitle")
    hits = read_hits(content, "t", columns=names)
    assert hits.notes == ()
    assert hits.frame.equals(read(folder, "blastp.outfmt6_qcov.tsv.gz").frame)


IDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="#,*"), min_size=1)
VALUES = st.floats(0, 1e300, allow_subnormal=False)
TABLE = st.lists(st.tuples(IDS, IDS, *[VALUES] * 8, IDS), min_size=1, max_size=3)
NAMES = ("qseqid", "sseqid", "evalue", "bitscore", "qstart", "qend", "sstart", "send", "qlen", "slen", "stitle")


@given(TABLE, st.permutations(range(len(NAMES))), st.sampled_from("\t,@"))
def test_a_table_of_any_columns_reads_back_equal(rows: list[tuple[object, ...]], order: list[int], mark: str):
    if mark == "@" and any("@" in str(cell) for row in rows for cell in row):
        mark = "\t"
    text = "\n".join(mark.join(str(row[index]) for index in order) for row in rows)
    words = [*{"\t": ("6",), ",": ("10",), "@": ("7", "delim=@")}[mark], *(NAMES[index] for index in order)]
    frame = read_hits(text.encode(), "t", columns=words).frame
    wanted = pd.DataFrame(rows, columns=["query", "subject", *NUMBERS[:8], "title"]).reindex(columns=list(COLUMNS))
    assert frame["query"].tolist() == wanted["query"].tolist()
    assert frame["subject"].tolist() == wanted["subject"].tolist()
    assert frame[list(NUMBERS)].equals(wanted[list(NUMBERS)].astype("float64"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ("qseqid", "sseqid", "evalue", "length"),
            r"the columns of b: wanted a column for bit score \(bit score or bits",
        ),
        (
            ("qseqid", "sseqid", "evalue", "bitscore", "evalue"),
            r"wanted each column once, found 'evalue' more than once",
        ),
        (("std", "qlen", "QLEN"), r"wanted each column once, found 'qlen' more than once"),
        (("6", "delim=::", "std"), r"wanted a single character after delim=, found '::'"),
        (("qseqid", "sseqid", "evalue", "bitscore"), r"b, line 1: wanted 4 tab-separated columns, found 12\."),
        (("std", "qlen"), r"b, line 1: wanted 13 tab-separated columns, found 12\."),
        (("10", "std", "qlen"), r"b, line 1: wanted 13 comma-separated columns, found 1\."),
        (
            ("bitscore", "qseqid", "sseqid", *(f"c{i}" for i in range(8)), "evalue"),
            r"wanted a number for bit score, found",
        ),
    ],
)
def test_columns_that_do_not_fit_are_named(columns: tuple[str, ...], message: str):
    with pytest.raises(TableError, match=message):
        read_hits(BLAST, "b", columns=columns)


def test_columns_against_what_the_file_says_are_refused():
    text = b"# BLASTP 2.12.0+\n# Fields: query id, subject id, evalue, bit score\ng1\tP1\t1e-85\t263\n"
    assert len(read_hits(text, "b", columns=("qseqid", "sseqid", "evalue", "bitscore")).frame) == 1
    with pytest.raises(
        TableError, match=r"found the columns query id, subject id, evalue, bit score, as the file itself"
    ):
        read_hits(text, "b", columns=("sseqid", "qseqid", "evalue", "bitscore"))
    with pytest.raises(TableError, match=r"since the study file names its columns, found a HMMER table"):
        read_hits(DOMTBL_HEADING + DOMTBL_ROW, "b", columns=("std",))


def test_twelve_columns_of_another_order_are_no_standard_ones():
    # qseqid sseqid pident length qstart qend sstart send qlen slen evalue bitscore: the same search as BLAST above
    row = b"g1\tP1\t35.1\t462\t1\t444\t10\t464\t447\t469\t3.58e-85\t263\n"
    with pytest.raises(TableError, match=r"b, line 1: wanted the columns qseqid .* found values that cannot be theirs"):
        read_hits(row, "b")
    with pytest.raises(TableError, match=r"values that cannot be theirs"):
        read_hits(BLAST.replace(b"3.58e-85\t263", b"263\t3.58e-85"), "b")
    names = (*("qseqid", "sseqid", "pident", "length", "qstart", "qend"), *NAMES[6:10], "evalue", "bitscore")
    assert read_hits(row, "b", columns=names).frame["subject_end"].tolist() == [464]


def test_commas_part_the_columns_of_outfmt_10():
    comma = BLAST.replace(b"\t", b",")
    assert read_hits(comma, "b").frame.equals(read_hits(BLAST, "b").frame)
    titled = b"g1,P1,3.58e-85,263,acyltransferase, chloroplastic\n"
    names = ("qseqid", "sseqid", "evalue", "bitscore", "stitle")
    assert read_hits(titled, "b", columns=names).frame["bit_score"].tolist() == [263]
    with pytest.raises(
        TableError, match=r"line 1: wanted 5 comma-separated columns, found 6.*a name or title may hold"
    ):
        read_hits(titled, "b", columns=("10", "qseqid", "sseqid", "evalue", "bitscore", "taxon"))


# What a header says


@pytest.mark.parametrize(
    ("header", "note"),
    [
        (b"# BLASTP 2.2.26 [Sep-21-2011]", None),
        (b"# BLASTP 2.12.0+", None),
        (b"# DIAMOND v2.1.3. http://github.com/x\n# Invocation: diamond blastp -q q.faa -d t", None),
        (
            b"# DIAMOND v2.1.3. http://github.com/x\n# Invocation: diamond blastx -q q",
            "DIAMOND blastx.*its queries are nu",
        ),
        (b"# BLASTX 2.12.0+", "was written by BLASTX: positions and lengths of its queries are nucleotides"),
        (b"# TBLASTN 2.2.26+", "was written by TBLASTN: positions and lengths of its subjects are nucleotides"),
        (b"# BLASTN 2.12.0+", "was written by BLASTN: positions and lengths of its queries and subjects are nucl"),
        (b"# MMseqs 13.45", "was written by MMseqs; its columns were read by their names"),
    ],
)
def test_programs_of_the_header_are_told(header: bytes, note: str | None):
    fields = (
        b"# Fields: Query id, Subject id, % identity, alignment length, mismatches, gap openings, q. start, q. end, "
        b"s. start, s. end, e-value, bit score\n"
    )
    hits = read_hits(header + b"\n# Query: g1\n# Database: t\n" + fields + BLAST, "b")
    assert hits.frame.equals(read_hits(BLAST, "b").frame)
    if note is None:
        assert hits.notes == ()
    else:
        assert re.search(note, " ".join(hits.notes))


def test_nucleotide_profiles_are_told(folder: Path):
    assert "nhmmer, which compares nucleotides" in read(folder, "hmmer_examples/bmyD1.tbl").notes[0]


def test_names_of_diamond_are_read_with_those_it_leaves_empty():
    # diamond blastp --header --outfmt 6 qseqid corrected_bitscore sseqid evalue bitscore corrected_bitscore, 2.1.3
    text = (
        b"# DIAMOND v2.1.3. http://github.com/bbuchfink/diamond\n# Fields: Query ID, , Subject ID, Expected value, "
        b"Bit score, \nAT1G03940\t1188\tAT1G03940\t0.0\t952\t1188\n"
    )
    row = read_hits(text, "d").frame.iloc[0]
    assert (row["query"], row["subject"], row["evalue"], row["bit_score"]) == ("AT1G03940", "AT1G03940", 0.0, 952)


def test_a_row_of_names_may_come_again_or_as_a_comment():
    names, row = b"qseqid\tsseqid\tevalue\tbitscore\n", b"g1\tP1\t1e-85\t263\n"
    assert len(read_hits(names + row + names + row, "b").frame) == 2
    assert len(read_hits(b"#" + names + row, "b").frame) == 1
    assert len(read_hits(names, "b").frame) == 0


def test_queries_without_a_hit_are_left_out_and_counted():
    # diamond blastp --unal 1
    hits = read_hits(BLAST + b"g2\t*" + b"\t-1" * 10 + b"\n", "d")
    assert hits.frame["query"].tolist() == ["g1"]
    assert hits.notes == ("d: 1 rows name a query without a hit ('*') and were left out.",)
    assert len(read_hits(b"g2\t*" + b"\t-1" * 10 + b"\n", "d").frame) == 0


def test_iterations_and_missing_rows_are_told():
    fields = b"# Fields: query id, subject id, evalue, bit score\n"
    row = b"g1\tP1\t1e-85\t263\n"
    rounds = b"".join(b"# PSIBLAST 2.12.0+\n# Iteration: %d\n# Query: g1\n" % i + fields + row for i in (1, 2))
    hits = read_hits(rounds + b"\nSearch has CONVERGED!\n# BLAST processed 2 queries\n", "b")
    assert len(hits.frame) == 2
    assert "several iterations" in hits.notes[0]
    cut = read_hits(fields + b"# 3 hits found\n" + row, "b")
    assert cut.notes == ("b announces 3 hits and holds 1: it was filtered or cut short.",)


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
        (b"# some notes\n", r"found a file of another kind, with the line '# some notes'"),
        (gzip.compress(BLAST * 99)[:-12], r"b: wanted a whole gzip file, found one that ends too early or is damaged"),
        (
            DOMTBL_HEADING + b"g1 - 508 p450 PF1 463 1e-9 30.1\n",
            r"b, line 3: wanted 22 columns or more, separated by blanks, of a HMMER domtblout, found 8",
        ),
        (
            DOMTBL_HEADING + DOMTBL_ROW.replace(b"1.1e-116", b"tiny"),
            r"wanted a number in column 7 \(evalue\), found 'tiny'",
        ),
        (HMMSCAN_30 + DOMTBL_HEADING, r"rows of tblout and of domtblout in one file"),
        (b"# Program: cmsearch\n" + DOMTBL_ROW, r"wanted a table of hmmsearch, .* found one of cmsearch"),
        (b"# Program: hmmscan\n# Program: hmmsearch\n" + DOMTBL_ROW, r"rows of hmmsearch and of hmmscan in one file"),
    ],
)
def test_damage_is_named_with_its_place(content: bytes, message: str):
    with pytest.raises(TableError, match=message):
        read_hits(content, "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b">g1 protein\nMKV\n", r"line 1: wanted a search table of BLAST, DIAMOND or HMMER, found a FASTA file\. Name"),
        (b"HMMER3/f [3.1b2 | February 2015]\nNAME  p450\n", r"found a file of profiles\. Name it under profiles"),
        (b"HMMER2.0  [2.3.2]\nNAME  p450\n", r"found a file of profiles"),
        (b"# STOCKHOLM 1.0\n", r"found an alignment\. Make a profile of it with hmmbuild"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE BlastOutput>\n', r"found an XML report \(outfmt 5.* with -outfmt 6 or 7"),
        (b'{\n"BlastOutput2": [\n', r"found a JSON report \(outfmt 12"),
        (b"Blast4-archive ::= {\n", r"found an ASN\.1 report .* blast_formatter turns 11 into 6"),
        (b"BLASTP 2.12.0+\n\n\nReference: Stephen F. Altschul\n", r"found a report for reading \(outfmt 0 to 4\)"),
        (b"@HD\tVN:1.5\tSO:query\n", r"found a SAM file"),
        (b"# hmmsearch :: search profile(s) against a sequence database\n# HMMER 3.3.2\n", r"HMMER report for reading"),
        (b"# Sequence scores\n# ---------------\n#\n# name  bits\n", r"found a HMMER table of --pfamtblout"),
        (b"#target name accession query name accession mdl mdl from\n", r"found a table of cmsearch or cmscan"),
        (b"\x89PNG\x00\x00", r"b: wanted a search table of BLAST, DIAMOND or HMMER, found a binary file"),
        (b"PK\x03\x04...", r"found a file packed with zip"),
        (b"BZh91AY", r"found a file packed with bzip2\. Unpack it, or pack it with gzip"),
        (b"\x6b\xe3\x3e\x6d\x47\x53\x0e\x3c\x01", r"found a DIAMOND archive .* diamond view --daa FILE --outfmt 6"),
    ],
)
def test_files_of_a_known_other_kind_are_named(content: bytes, message: str):
    with pytest.raises(TableError, match=message):
        read_hits(content, "b")


def test_files_of_another_kind_are_refused(folder: Path):
    for name, found in (
        ("families.hmm.gz", "a file of profiles"),
        ("targets.faa", "a FASTA file"),
        ("queries.faa", "a FASTA file"),
        ("README.md", "a file of another kind, with the line '- `queries"),
    ):
        with pytest.raises(TableError, match=f"found {found}"):
            read(folder, name)
    for name, width in (("truth.tsv", 4), ("query_families.tsv", 3)):
        with pytest.raises(TableError, match=f"line 1: wanted 12 tab-separated columns, found {width}"):
            read(folder, name)
