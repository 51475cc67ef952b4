"""Graded homology: hand-worked grades, orders that hold for any hits, and real genes above decoys."""

from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from sklearn.metrics import roc_auc_score

from configs.errors import UserError
from configs.homology import FamilyConfig
from configs.tables import CONTRACTS
from models.gene_ids import GeneIds
from models.hits import Hits
from models.homology import GradedFamily, gene_side, grade_family, homology_evidence
from models.homology_tables import read_hits

GENES = GeneIds.of(["g1", "g2", "g3", "g4"])
SURE = "0.0"
"""An E-value whose significance is 1."""


def config(**changes: object) -> FamilyConfig:
    return FamilyConfig.model_validate({"tables": ("t",), **changes})


def blast(*rows: tuple[object, ...], name: str = "hits.tsv") -> Hits:
    """Make a table from (gene, member, member start, member end, E-value, bit score[, gene start, gene end])."""
    lines = []
    for gene, member, start, end, evalue, bits, *place in rows:
        first, last = place or (1, 90)
        lines.append(f"{gene}\t{member}\t40\t90\t9\t0\t{first}\t{last}\t{start}\t{end}\t{evalue}\t{bits}\n")
    return read_hits("".join(lines).encode(), name)


def turned(hits: Hits) -> Hits:
    """Return the table of a search the other way round."""
    names = {f"{a}{end}": f"{b}{end}" for a, b in (("query", "subject"), ("subject", "query")) for end in _ENDS}
    return replace(hits, frame=hits.frame.rename(columns=names)[hits.frame.columns])


_ENDS = ("", "_start", "_end", "_length")


def domain(
    target: str,
    query: str,
    on_profile: tuple[int, int],
    on_protein: tuple[int, int] = (12, 150),
    *,
    score: float = 80.0,
    evalue: str = "1e-20",
) -> str:
    (start, end), (first, last) = on_profile, on_protein
    return (
        f"{target} - 300 {query} PF1 100 0 {score} 0.0 1 1 1e-9 {evalue} 9.0 0.0 "
        f"{start} {end} {first} {last} {first} {last} 0.9 -\n"
    )


def domains(*rows: str, program: str | None = "hmmsearch") -> Hits:
    return read_hits(("".join(rows) + (f"# Program: {program}\n" if program else "")).encode(), "domains")


def family(*tables: Hits, lengths: dict[str, int] | None = None, **changes: object) -> GradedFamily:
    return grade_family(tables, GENES, family="f", config=config(**changes), lengths=lengths)


def graded(*tables: Hits, lengths: dict[str, int] | None = None, **changes: object) -> pd.DataFrame:
    return family(*tables, lengths=lengths, **changes).table.set_index("gene_id")


def grade_of(fit: float) -> object:
    return pytest.approx(0.01 + 0.99 * fit)


# The grade by hand


def test_score_and_coverage_of_the_member():
    hits = blast(
        ("g1", "A", 1, 100, SURE, 200.0),
        ("g2", "A", 1, 50, SURE, 100.0),
        ("g2", "B", 1, 80, SURE, 50.0),
    )
    table = graded(hits)
    # A is 100 long (largest end), best score of A 200 and of the family 200; B is 80 long, its best 50.
    # g2 by A: sqrt(100/200 * 100/200) * 50/100 = 0.25; by B: sqrt(50/50 * 50/200) * 80/80 = 0.5
    assert table.loc["g1", "grade"] == grade_of(1.0)
    assert table.loc["g2", "grade"] == grade_of(0.5)
    assert table.loc["g2", "best_member"] == "B"
    assert graded(hits, members=("A",)).loc["g2", "grade"] == grade_of(0.25)


@pytest.mark.parametrize(
    ("evalue", "significance"), [("0.0", 1.0), ("1e-95", 0.95), ("1e-15", 0.75), ("1e-5", 0.5), ("1", 0.0), ("8", 0.0)]
)
def test_significance(evalue: str, significance: float):
    # L / (L + 5), L = -log10 of the E-value
    table = graded(blast(("g1", "A", 1, 100, evalue, 200.0)), max_evalue=10)
    assert table.loc["g1", "grade"] == grade_of(significance)


def test_coverage_of_the_protein_counts_by_its_fourth_root():
    hits = blast(("g1", "A", 1, 100, SURE, 200.0, 11, 70))  # 60 residues
    table = graded(hits, lengths={"g1": 960})
    assert table.loc["g1", "protein_coverage"] == 0.0625
    assert table.loc["g1", "grade"] == grade_of(0.5)
    unknown = graded(hits, lengths={"g2": 960})
    assert np.isnan(unknown.loc["g1", "protein_coverage"])
    assert unknown.loc["g1", "grade"] == grade_of(1.0)
    # the length that HMMER writes comes first: 150 of 300
    assert graded(domains(domain("g1", "P", (1, 100), (1, 150))), lengths={"g1": 150}).loc["g1", "grade"] == grade_of(
        0.5**0.25
    )


def test_alignments_of_one_pair_add_up():
    hits = blast(
        ("g1", "A", 31, 60, "1e-30", 90.0, 101, 130),
        ("g1", "A", 1, 33, "1e-20", 60.0, 71, 103),  # shares three residues with the first, a tenth of its 30
        ("g1", "A", 5, 20, "1e-9", 30.0, 201, 216),  # aligned to another place, but the member's residues are taken
        ("g1", "A", 90, 71, "1e-12", 40.0, 160, 141),  # a reverse strand
        ("g1", "A", 61, 70, "1e-40", 20.0, 125, 134),  # the protein's residues are taken
        ("g2", "A", 1, 100, "1e-50", 150.0),
    )
    found = family(hits, lengths={"g1": 200})
    row = found.table.set_index("gene_id").loc["g1"]
    assert (row["bit_score"], row["evalue"], row["n_members"]) == (190.0, 1e-40, 1)
    assert row["member_coverage"] == pytest.approx(0.8)  # 1-60 and 71-90 of 100
    assert row["protein_coverage"] == pytest.approx(0.4)  # 71-130 and 141-160 of 200
    # the best of A and of the family is 190 then: 150 / 190 for g2, significance 50/55
    assert found.table.set_index("gene_id").loc["g2", "grade"] == grade_of(150 / 190 * 50 / 55)
    rows = found.domains[found.domains["gene_id"] == "g1"]
    assert rows["start"].tolist() == [71, 101, 125, 141, 201]
    assert rows["counted"].tolist() == [True, True, False, True, False]


def test_without_places_the_best_alignment_counts():
    # as -outfmt '6 qseqid sseqid pident length evalue bitscore' gives it
    rows = [("g1", 50.0), ("g1", 90.0), ("g2", 180.0), ("g3", 20.0), ("g4", 10.0)]
    text = "query\tsubject\tevalue\tbitscore\n" + "".join(f"{gene}\tA\t0\t{bits}\n" for gene, bits in rows)
    table = graded(read_hits(text.encode(), "few.tsv"))
    assert table.loc["g1", "bit_score"] == 90.0
    assert table.loc["g1", "grade"] == grade_of(0.5)
    assert table[["member_coverage", "protein_coverage"]].isna().all(axis=None)


def test_coverage_of_a_profile_by_its_domains():
    hits = domains(
        domain("g1", "P", (1, 40)),
        domain("g1", "P", (31, 70)),
        domain("g1", "P", (71, 100), evalue="4.5e+02"),  # a stray domain that HMMER does not include
        domain("g2", "P", (21, 45), evalue="0.5"),  # the only one, so it counts
        domain("g3", "Q", (1, 100)),
    )
    table = graded(hits)
    assert table["member_coverage"].to_dict() == pytest.approx({"g1": 0.7, "g2": 0.25, "g3": 1.0})
    assert set(table["bit_score"]) == {80.0}  # of the full sequence, which adds up the domains already


def test_members_that_fit_different_parts_add_up():
    hits = domains(
        domain("g1", "N", (1, 100), (1, 100), score=200),
        domain("g1", "C", (1, 50), (96, 195), score=100),  # five residues are shared, less than a tenth
        domain("g2", "N", (1, 100), (1, 100), score=100),
        domain("g2", "C", (1, 100), (51, 150), score=90),  # the same place: no more than the better one
        domain("g3", "C", (1, 100), (101, 250), score=150),
    )
    found = family(hits)
    table = found.table.set_index("gene_id")
    assert table["n_members"].to_dict() == {"g1": 1, "g2": 1, "g3": 1}
    # g1 by N alone: sqrt(200/200 * 200/200), as no other gene has more, 100 of 300 residues;
    # by N and C: sqrt(300/350), 150 of 200 profile columns, 195 of 300 residues: less, so N alone is its grade
    assert table.loc["g1", "grade"] == grade_of((1 / 3) ** 0.25)
    # g1 adds up to 300, against which the others are held: sqrt(90/150 * 90/300) is above sqrt(100/200 * 100/300)
    assert table.loc["g2", "best_member"] == "C"
    assert table.loc["g2", "grade"] == grade_of((90 / 150 * 90 / 300) ** 0.5 * (1 / 3) ** 0.25)
    assert table.loc["g3", "grade"] == grade_of((150 / 150 * 150 / 300) ** 0.5 * 0.5**0.25)
    whole = domains(
        domain("g1", "N", (1, 100), (1, 100), score=200),
        domain("g1", "C", (1, 100), (101, 300), score=150),
        domain("g2", "N", (1, 100), (1, 300), score=200),
    )
    found = family(whole)
    row = found.table.set_index("gene_id").loc["g1"]
    assert row[["best_member", "n_members", "bit_score", "member_coverage", "protein_coverage"]].tolist() == [
        *("N", 2, 350.0, 1.0, 1.0)
    ]
    assert row["grade"] == grade_of(1.0)
    assert found.table.set_index("gene_id").loc["g2", "grade"] == grade_of((200 / 350) ** 0.5)
    assert found.domains["member"].tolist() == ["N", "C", "N"]
    assert found.domains["counted"].all()


def test_isoforms_are_not_put_together():
    hits = blast(
        ("g1.1", "A", 1, 50, SURE, 100.0, 1, 50),
        ("g1.2", "A", 51, 100, SURE, 90.0, 51, 100),
        ("g2.1", "A", 1, 100, SURE, 100.0),
    )
    found = family(hits)
    row = found.table.set_index("gene_id").loc["g1"]
    assert row[["sequence_id", "member_coverage", "bit_score"]].tolist() == ["g1.1", 0.5, 100.0]
    assert found.domains["sequence_id"].tolist() == ["g2.1", "g1.1"]


def test_search_and_scan_give_one_answer():
    search = domains(domain("g1", "P", (1, 40)), domain("g2", "P", (1, 90)))
    # hmmscan writes the profile as target, with its length as tlen
    swapped = [
        row.replace("- 300", "- 100", 1).replace("PF1 100", "PF1 300")
        for row in (domain("P", "g1", (1, 40)), domain("P", "g2", (1, 90)))
    ]
    for scan in (domains(*swapped, program="hmmscan"), domains(*swapped, program=None)):
        pd.testing.assert_frame_equal(family(scan).table, family(search).table)
        pd.testing.assert_frame_equal(family(scan).domains, family(search).domains)
        assert graded(scan, search)["reciprocal"].isna().all()  # one comparison, not two directions


def test_coverage_is_null_where_the_table_has_no_coordinates():
    first = "g1 - P PF1 0 90.0 0.0 1e-30 90.0 0.0 1.0 1 0 0 1 1 1 1 -\n"
    second = "g2 - P PF1 0 45.0 0.0 1e-9 45.0 0.0 1.0 1 0 0 1 1 1 1 -\n"
    other = "g1 - Q PF1 0 80.0 0.0 1e-9 45.0 0.0 1.0 1 0 0 1 1 1 1 -\n"
    table = graded(read_hits((first + second + other).encode(), "tbl"))
    assert table[["member_coverage", "protein_coverage"]].isna().all(axis=None)
    assert table["n_members"].tolist() == [1, 1]
    assert table["grade"].to_dict() == pytest.approx({"g1": 1.0, "g2": 0.505})


def test_weak_hits_are_no_hits_and_the_bound_itself_is_one():
    hits = blast(("g1", "A", 1, 100, "1e-5", 50.0), ("g2", "A", 1, 100, "1.1e-5", 49.0))
    assert graded(hits).index.tolist() == ["g1"]
    assert graded(hits, max_evalue=1e-3).index.tolist() == ["g1", "g2"]
    assert graded(hits, max_evalue=1e-9).empty
    assert graded(replace(hits, thresholds_applied=True), max_evalue=1e-9).index.tolist() == ["g1", "g2"]


# Both directions


FORWARD = (
    ("g1", "A", 1, 100, SURE, 200.0),
    ("g2", "A", 1, 100, SURE, 180.0),
    ("g3", "Z", 1, 100, SURE, 300.0),  # fits a member of another family better
    ("g3", "B", 1, 100, SURE, 150.0),
)
BACKWARD = (
    ("A", "g1", 1, 90, SURE, 200.0, 1, 100),
    ("A", "g2", 1, 90, SURE, 180.0, 1, 100),
    ("B", "g3", 1, 90, SURE, 150.0, 1, 100),
    ("Z", "g3", 1, 90, SURE, 300.0, 1, 100),
)


def test_hits_that_are_not_reciprocal_are_graded_lower():
    one_way = graded(blast(*FORWARD), members=("A", "B"))
    both = graded(blast(*FORWARD), blast(*BACKWARD, name="back.tsv"), members=("A", "B"))
    assert one_way["reciprocal"].isna().all()
    assert both["reciprocal"].to_dict() == {"g1": "yes", "g2": "no", "g3": "no"}
    assert one_way["grade"].to_dict() == pytest.approx({"g1": 1.0, "g2": 0.901, "g3": 0.01 + 0.99 * 0.75**0.5})
    assert both["grade"].to_dict() == pytest.approx({"g1": 1.0, "g2": 0.7228, "g3": 0.01 + 0.8 * 0.99 * 0.75**0.5})
    assert graded(blast(*FORWARD), blast(*BACKWARD)).loc["g3", "reciprocal"] == "yes"  # Z is a member now


def test_equal_hits_are_both_best_and_a_stranger_may_be_the_best():
    twins = blast(("g1", "A", 1, 9, SURE, 50.0), ("g2", "A", 1, 9, SURE, 50.0))
    assert graded(twins, turned(twins))["reciprocal"].tolist() == ["yes", "yes"]
    stranger = turned(blast(("g1", "A", 1, 9, SURE, 50.0), ("s", "A", 1, 9, SURE, 60.0)))
    assert graded(twins, stranger)["reciprocal"].tolist() == ["no", "no"]


def test_tables_of_other_members_are_no_second_direction():
    profiles = domains(domain("g1", "P", (1, 100)))
    assert graded(blast(*FORWARD), profiles)["reciprocal"].isna().all()


# Orders that hold for any hits


rows_of_any_kind = st.lists(
    st.tuples(
        st.sampled_from(["g1", "g1.2", "g2", "g3"]),
        st.sampled_from(["A", "B", "C"]),
        st.integers(1, 60),
        st.integers(60, 100),
        st.sampled_from(["1e-9", "0.0", "9"]),
        st.floats(-5, 900).map(lambda value: round(value, 1)),
        st.integers(1, 60),
        st.integers(40, 100),
    ),
    min_size=1,
    max_size=14,
)


@settings(deadline=None, max_examples=10)
@given(rows_of_any_kind, st.randoms(use_true_random=False))
def test_grades_lie_above_zero_and_ignore_the_order_of_rows(rows, random):
    lengths = {"g1": 100, "g2": 100}
    found = family(blast(*rows), max_evalue=10, lengths=lengths)
    assert found.table["grade"].between(0.01, 1.0).all()
    assert found.table["grade"].is_monotonic_decreasing
    assert found.table["member_coverage"].between(0.0, 1.0).all()
    assert set(found.table["gene_id"]) == {row[0][:2] for row in rows}
    counted = found.domains[found.domains["counted"]]
    assert counted.groupby("gene_id")["bit_score"].apply(lambda bits: bits.clip(lower=0).sum()).to_dict() == (
        pytest.approx(found.table.set_index("gene_id")["bit_score"].to_dict())
    )
    random.shuffle(rows)
    again = family(blast(*rows), max_evalue=10, lengths=lengths)
    pd.testing.assert_frame_equal(again.table, found.table)
    pd.testing.assert_frame_equal(again.domains, found.domains)


hit_of_a_gene = st.tuples(
    *(st.integers(20, 100), st.integers(0, 80), st.integers(50, 400), st.integers(20, 100))
)  # columns of the member, -log10 of the E-value, bits, residues of the protein


@settings(deadline=None, max_examples=15)
@given(hit_of_a_gene, hit_of_a_gene)
def test_a_hit_that_is_better_in_every_way_is_graded_no_lower(one, other):
    worse, better = np.minimum(one, other), np.maximum(one, other)
    fragment = better // np.array([2, 1, 2, 2])
    rows = [
        (gene, "A", 1, columns, f"1e-{exponent}", float(bits), 1, residues)
        for gene, (columns, exponent, bits, residues) in (("g2", worse), ("g3", better), ("g4", fragment))
    ]
    best = ("g1", "A", 1, 100, SURE, 500.0)
    grade = graded(blast(best, *rows), lengths=dict.fromkeys(GENES.gene_ids, 100), max_evalue=10)["grade"]
    assert grade["g3"] >= grade["g2"] >= 0.01
    assert grade["g3"] > grade["g4"] if better[1] else grade["g3"] == 0.01


@settings(deadline=None, max_examples=10)
@given(rows_of_any_kind, st.integers(1, 60), st.integers(1, 40), st.integers(1, 100))
def test_a_further_domain_lowers_no_grade_of_its_gene(rows, start, length, columns):
    before = graded(blast(*rows), max_evalue=10)
    own = [row[5] for row in rows if row[0] == "g1"]
    further = ("g1", "D", 1, columns, "1e-9", min([1.0, *own]), start, start + length)
    after = graded(blast(*rows, further), max_evalue=10)
    assert after.loc["g1", "grade"] >= before["grade"].get("g1", 0.0)


# Which column holds the genes, and what is said


def test_gene_side_is_the_column_with_more_genes():
    def side(*pairs: tuple[str, str]) -> str:
        return gene_side(blast(*((query, subject, 1, 9, "0", 9.0) for query, subject in pairs)), GENES)[0]

    assert side(("g1", "A")) == "query"
    assert side(("A", "g1.1")) == "subject"
    assert side(("g1", "g2"), ("g1", "g3")) == "subject"
    assert side(("g1", "g1"), ("x", "g1")) == "subject"  # fewer others


def test_the_side_and_what_joined_are_said_for_each_table():
    hits = blast(("g1", "A", 1, 9, "1e-9", 50.0), ("g9", "A", 1, 9, "1e-9", 50.0))
    back = blast(("A", "g1", 1, 9, "1e-9", 50.0), name="back.tsv")
    found = family(hits, back)
    assert found.table["gene_id"].tolist() == ["g1"]
    first, second = found.notes
    assert first == (
        "The genes are the queries of hits.tsv: 1 of 2 ids of it joins a gene of the expression table as written; "
        "1 fits none: 'g9'."
    )
    assert second.startswith("The genes are the subjects of back.tsv: 1 of 1 id of it joins")
    assert family(replace(hits, thresholds_applied=True)).notes == ()  # a search of ours says so elsewhere


def test_ids_of_another_study_are_refused_with_the_first_of_each():
    with pytest.raises(UserError) as caught:
        gene_side(blast(("x1", "A", 1, 9, "0", 9.0)), GENES)
    assert str(caught.value) == (
        "hits.tsv: wanted gene ids of the expression table, such as 'g1', 'g2', 'g3', found the queries 'x1' and the "
        "subjects 'A'. Search with the same genes, under the same ids, as the expression table, or give a gene map."
    )


def test_members_that_the_tables_lack():
    hits = blast(("g1", "CHS_grape", 1, 9, "1e-9", 50.0), ("g2", "DFR_grape", 1, 9, "1e-9", 50.0))
    found = family(hits, members=("CHS_grape", "CHI_grape"))
    assert found.table["gene_id"].tolist() == ["g1"]
    assert found.notes[1:] == ("Family 'f': no hits for 1 of its members ('CHI_grape').",)
    with pytest.raises(
        UserError, match=r"families\.f\.members: .*'CHS_grape', 'DFR_grape'.*Nearest to 'CHS_grap': 'CHS_grape'"
    ):
        family(hits, members=("CHS_grap",))
    quiet = grade_family([hits], GENES, family="f", config=config(members=("CHS_grap",)), listed=False)
    assert quiet.table.empty


def test_empty_searches_are_noted():
    assert family(read_hits(b"", "none")).notes == ("Family 'f': the search tables hold no hits.",)


def test_tables_keep_their_contracts():
    for found in (
        family(blast(("g1", "A", 1, 9, "1e-9", 50.0))),
        family(blast(*FORWARD), blast(*BACKWARD)),
        family(read_hits(b"", "none")),
        family(blast(("g1", "A", 1, 9, "1", 5.0))),
    ):
        for kind, table in (("homology_hits", found.table), ("homology_domains", found.domains)):
            columns = CONTRACTS[kind].columns
            assert table.columns.tolist() == [column.name for column in columns]
            for column in columns:
                assert table[column.name].dtype == ("str" if column.dtype == "string" else column.dtype)
                assert column.nullable or table[column.name].notna().all()


def test_evidence_takes_the_best_family_that_serves_the_target():
    first = family(blast(("g1", "A", 1, 100, "0", 100.0), ("g2", "A", 1, 100, "0", 50.0))).table
    second = family(blast(("g2", "Z", 1, 100, "0", 90.0), ("g1", "Z", 1, 100, "0", 90.0))).table
    tables, genes = {"b": first, "a": second}, GENES.gene_ids
    values, best = homology_evidence(tables, genes, families=("a", "b"))
    assert values.tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0])
    assert best.tolist() == ["a", "a", None, None]
    values, best = homology_evidence(tables, genes, families=("b",))
    assert values.tolist() == pytest.approx([1.0, 0.505, 0.0, 0.0])
    assert best.tolist() == ["b", "b", None, None]
    values, best = homology_evidence(tables, genes, families=())
    assert np.isnan(values).all()
    assert best.tolist() == [None] * 4


# Real genes, all queries and profiles as one family


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "homology_flavonoid"


def grades(folder: Path, *names: str) -> tuple[pd.Series, pd.Series]:
    """Return each protein's grade and whether it is a flavonoid gene."""
    with (folder / "targets.faa").open() as lines:
        proteins = [line[1:].split()[0] for line in lines if line.startswith(">")]
    truth = pd.read_csv(folder / "truth.tsv", sep="\t")["gene_id"]
    tables = [read_hits((folder / name).read_bytes(), name) for name in names]
    table = grade_family(tables, GeneIds.of(proteins), family="flavonoid", config=config()).table
    values, _ = homology_evidence({"flavonoid": table}, proteins, families=("flavonoid",))
    grade = pd.Series(values, index=proteins)
    return grade, grade.index.isin(truth)


def test_profiles_and_references_together(folder: Path):
    grade, positive = grades(folder, "blastp.outfmt6.tsv", "hmmsearch.domtblout")
    assert (len(grade), positive.sum()) == (562, 62)
    assert roc_auc_score(positive, grade) >= 0.98


@pytest.mark.parametrize("name", ["hmmsearch.domtblout", "hmmsearch.tblout"])
def test_profiles_alone_where_the_profiles_know_the_family(folder: Path, name: str):
    grade, positive = grades(folder, name)
    # 7 of the 62 (GST, laccase, H+-ATPase ...) have no profile among the 40
    assert (positive & (grade == 0)).sum() == 7
    known = (grade > 0) | ~positive
    assert roc_auc_score(positive[known], grade[known]) >= 0.98
