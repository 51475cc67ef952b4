"""Graded homology: hand-worked grades, and real families above decoys."""

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
from models.family_margins import compare_families
from models.gene_ids import GeneIds
from models.hits import Hits
from models.homology import gene_side, grade_family, homology_evidence
from models.homology_tables import read_hits

GENES = ["g1", "g2", "g3", "g4"]
KNOWN = GeneIds.of(GENES)


def config(**changes: object) -> FamilyConfig:
    return FamilyConfig.model_validate({"tables": ("t",), **changes})


def blast(*rows: tuple[str, str, int, int, str, float]) -> Hits:
    """Make a table from (gene, member, member start, member end, E-value, bit score)."""
    lines = [f"{g}\t{m}\t40\t90\t9\t0\t1\t90\t{start}\t{end}\t{e}\t{bits}\n" for g, m, start, end, e, bits in rows]
    return read_hits("".join(lines).encode(), "hits.tsv")


def domain(target: str, query: str, coordinates: tuple[int, int], *, score: float = 80.0, evalue: str = "1e-20") -> str:
    start, end = coordinates
    return (
        f"{target} - 300 {query} PF1 100 1e-20 {score} 0.0 1 1 1e-9 {evalue} 9.0 0.0 {start} {end} 12 150 9 160 0.9 -\n"
    )


def domains(*rows: str, program: str | None = "hmmsearch") -> Hits:
    return read_hits(("".join(rows) + (f"# Program: {program}\n" if program else "")).encode(), "domains")


def graded(*tables: Hits, **changes: object) -> pd.DataFrame:
    return grade_family(tables, KNOWN, family="f", config=config(**changes)).table.set_index("gene_id")


def significance(magnitude: float) -> float:
    return magnitude / (magnitude + 5)


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "homology_flavonoid"


def test_grade_by_hand():
    hits = blast(
        ("g1", "A", 1, 100, "1e-90", 200.0),
        ("g2", "A", 1, 50, "1e-40", 100.0),
        ("g2", "B", 1, 80, "1e-30", 50.0),
    )
    table = graded(hits)
    # A is 100 long (largest end), its best score is 200, the family's too; B is 80 long, its best 50; the length of the
    # proteins is not known. g1: 0.01 + 0.99 * sqrt(1 * 1) * 1 * 90 / 95
    # g2 by A: 0.01 + 0.99 * sqrt(0.5 * 0.5) * 0.5 * 40 / 45; by B: 0.01 + 0.99 * sqrt(1 * 0.25) * 1 * 30 / 35
    assert table.loc["g1", "grade"] == pytest.approx(0.01 + 0.99 * 90 / 95)
    assert table.loc["g2", "grade"] == pytest.approx(0.01 + 0.99 * 0.5 * 30 / 35)
    assert table.loc["g2", "best_member"] == "B"
    assert graded(hits, members=("A",)).loc["g2", "grade"] == pytest.approx(0.01 + 0.99 * 0.25 * 40 / 45)


def test_coverage_of_the_protein_counts_by_its_fourth_root():
    hits = blast(("g1", "A", 1, 90, "0.0", 200.0), ("g2", "A", 1, 90, "0.0", 200.0))
    lengths = {"g1": 90, "g2": 1440}
    table = grade_family([hits], KNOWN, family="f", config=config(), lengths=lengths).table.set_index("gene_id")
    assert table["protein_coverage"].to_dict() == pytest.approx({"g1": 1.0, "g2": 1 / 16})
    assert table["grade"].to_dict() == pytest.approx({"g1": 1.0, "g2": 0.01 + 0.99 / 2})


def placed(*rows: tuple[str, str, tuple[int, int], tuple[int, int], str, float]) -> Hits:
    """Make a BLAST table from (gene, member, ends on the gene, ends on the member, E-value, bit score)."""
    lines = [
        f"{g}\t{m}\t40\t90\t9\t0\t{on_gene[0]}\t{on_gene[1]}\t{on_member[0]}\t{on_member[1]}\t{e}\t{bits}\n"
        for g, m, on_gene, on_member, e, bits in rows
    ]
    return read_hits("".join(lines).encode(), "hits.tsv")


def test_alignments_of_one_pair_add_up_where_they_do_not_overlap():
    hits = placed(
        ("g1", "A", (1, 60), (1, 60), "1e-30", 90.0),
        ("g1", "A", (57, 90), (57, 90), "1e-9", 30.0),  # 4 of 34 residues, more than a tenth, are counted already
        ("g1", "A", (61, 80), (90, 71), "1e-12", 40.0),  # a reverse strand
        ("g1", "A", (100, 160), (1, 60), "1e-20", 60.0),  # a repeat: another place on the gene, the same on the member
        ("g2", "A", (1, 100), (1, 100), "1e-50", 150.0),
    )
    found = grade_family([hits], KNOWN, family="f", config=config())
    row = found.table.set_index("gene_id").loc["g1"]
    assert (row["bit_score"], row["evalue"]) == (130.0, 1e-30)
    assert row["member_coverage"] == pytest.approx(0.8)  # 1-60 and 71-90 of 100
    domains_of_g1 = found.domains[found.domains["gene_id"] == "g1"]
    assert domains_of_g1["start"].tolist() == [1, 57, 61, 100]
    assert domains_of_g1["counted"].tolist() == [True, False, True, False]


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
    assert table["bit_score"].tolist() == [80.0] * 3  # of the full sequence: HMMER has added up the domains


def test_members_that_fit_different_parts_add_up():
    hits = placed(
        ("g1", "N", (1, 100), (1, 100), "1e-50", 100.0),
        ("g1", "C", (101, 150), (1, 50), "1e-20", 60.0),
        ("g1", "other", (1, 90), (1, 90), "1e-40", 90.0),  # lies on N
        ("g2", "N", (1, 100), (1, 100), "1e-50", 100.0),
    )
    table = graded(hits)
    assert table["n_members"].to_dict() == {"g1": 2, "g2": 1}
    assert table["bit_score"].to_dict() == {"g1": 160.0, "g2": 100.0}
    assert table["best_member"].tolist() == ["N", "N"]
    # both members whole; g2 has all that N gives and 100 of the 160 that the family's best gene has
    assert table.loc["g1", "grade"] == pytest.approx(0.01 + 0.99 * significance(50))
    assert table.loc["g2", "grade"] == pytest.approx(0.01 + 0.99 * (100 / 160) ** 0.5 * significance(50))


def test_a_further_weak_member_lowers_no_grade():
    alone = placed(("g1", "N", (1, 100), (1, 100), "1e-50", 100.0), ("g2", "C", (1, 300), (1, 300), "1e-90", 300.0))
    extra = ("g1", "C", (150, 170), (1, 20), "1e-6", 10.0)
    more = placed(
        ("g1", "N", (1, 100), (1, 100), "1e-50", 100.0), ("g2", "C", (1, 300), (1, 300), "1e-90", 300.0), extra
    )
    assert graded(more).loc["g1", "grade"] == pytest.approx(graded(alone).loc["g1", "grade"])
    assert graded(more).loc["g1", "n_members"] == 1


def test_isoforms_keep_their_alignments_to_themselves():
    hits = placed(
        ("g1.1", "A", (1, 50), (1, 50), "1e-30", 100.0),
        ("g1.2", "A", (51, 100), (51, 100), "1e-20", 80.0),
        ("g2.1", "A", (1, 100), (1, 100), "1e-50", 200.0),
    )
    table = graded(hits)
    assert table["sequence_id"].to_dict() == {"g2": "g2.1", "g1": "g1.1"}
    assert table.loc["g1", "member_coverage"] == pytest.approx(0.5)
    assert table.loc["g1", "bit_score"] == 100.0


def test_a_full_length_hit_beats_a_fragment_and_any_hit_beats_none():
    hits = blast(
        ("g1", "A", 1, 100, "1e-90", 300.0), ("g2", "A", 1, 30, "1e-12", 90.0), ("g3", "A", 1, 100, "1e-5", 0.1)
    )
    table = grade_family([hits], KNOWN, family="f", config=config()).table
    values, _ = homology_evidence({"f": table}, GENES, families=("f",))
    assert values[0] > values[1] > values[2] > values[3] == 0.0


def test_best_hits_of_both_directions():
    forward = blast(  # the genes are the queries
        ("g1", "A", 1, 100, "1e-90", 200.0),
        ("g2", "A", 1, 100, "1e-80", 190.0),
        ("g3", "Z", 1, 100, "1e-80", 150.0),
        ("g3", "A", 1, 100, "1e-70", 140.0),
    )
    backward = blast(("A", "g1", 1, 100, "1e-90", 200.0), ("A", "g2", 1, 100, "1e-80", 190.0))
    one_way = graded(forward, members=("A",))
    assert one_way["reciprocal"].isna().all()
    both = graded(forward, backward, members=("A",))
    assert both["reciprocal"].to_dict() == {"g1": "yes", "g2": "no", "g3": "no"}  # g3 fits Z, no member, better
    assert both.loc["g1", "grade"] >= one_way.loc["g1", "grade"]
    lowered = 0.01 + 0.8 * (one_way.loc["g3", "grade"] - 0.01)
    assert both.loc["g3", "grade"] == pytest.approx(lowered)


def test_a_search_that_has_its_own_thresholds_is_not_asked_for_e_values_again():
    hits = blast(("g1", "A", 1, 100, "1e-3", 30.0))
    assert graded(hits).empty
    assert graded(replace(hits, thresholds_applied=True)).index.tolist() == ["g1"]


def test_search_and_scan_give_one_answer():
    search = domains(domain("g1", "P", (1, 40)), domain("g2", "P", (1, 90)))
    # hmmscan writes the profile as target, with its length as tlen
    swapped = [
        row.replace("- 300", "- 100", 1).replace("PF1 100", "PF1 300")
        for row in (domain("P", "g1", (1, 40)), domain("P", "g2", (1, 90)))
    ]
    for scan in (domains(*swapped, program="hmmscan"), domains(*swapped, program=None)):
        pd.testing.assert_frame_equal(graded(scan), graded(search))


def test_coverage_is_null_where_the_table_has_no_coordinates():
    first = "g1 - P PF1 1e-30 90.0 0.0 1e-30 90.0 0.0 1.0 1 0 0 1 1 1 1 -\n"
    second = "g2 - P PF1 1e-9 45.0 0.0 1e-9 45.0 0.0 1.0 1 0 0 1 1 1 1 -\n"
    table = graded(read_hits((first + second).encode(), "tbl"))
    assert table[["member_coverage", "protein_coverage"]].isna().all(axis=None)
    grades = {"g1": 0.01 + 0.99 * significance(30), "g2": 0.01 + 0.99 * 0.5 * significance(9)}
    assert table["grade"].to_dict() == pytest.approx(grades)


def test_weak_hits_are_no_hits_and_the_bound_itself_is_one():
    hits = blast(("g1", "A", 1, 100, "1e-5", 50.0), ("g2", "A", 1, 100, "1.1e-5", 49.0))
    assert graded(hits).index.tolist() == ["g1"]
    assert graded(hits, max_evalue=1e-3).index.tolist() == ["g1", "g2"]
    assert graded(hits, max_evalue=1e-9).empty


def test_table_keeps_its_contract():
    contract = CONTRACTS["homology_hits"]
    for table in (
        grade_family([blast(("g1", "A", 1, 9, "1e-9", 50.0))], KNOWN, family="f", config=config()).table,
        grade_family([read_hits(b"", "none")], KNOWN, family="f", config=config()).table,
        grade_family([blast(("g1", "A", 1, 9, "1", 5.0))], KNOWN, family="f", config=config()).table,
    ):
        assert table.columns.tolist() == [column.name for column in contract.columns]
        for column in contract.columns:
            wanted = "str" if column.dtype == "string" else column.dtype
            assert table[column.name].dtype == wanted


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(GENES),
            st.sampled_from(["A", "B"]),
            st.integers(1, 60),
            st.integers(60, 100),
            st.sampled_from(["1e-9", "0.0", "9"]),
            st.floats(-5, 900).map(lambda value: round(value, 1)),
        ),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_grades_lie_above_zero_and_ignore_the_order_of_rows(rows, random):
    table = graded(blast(*rows), max_evalue=10)
    assert table["grade"].between(0.01, 1.0 + 1e-12).all()
    assert table["member_coverage"].between(0.0, 1.0).all()
    assert set(table.index) == {row[0] for row in rows}
    random.shuffle(rows)
    pd.testing.assert_frame_equal(graded(blast(*rows), max_evalue=10), table)


@settings(deadline=None, max_examples=20)
@given(st.floats(50, 400), st.floats(50, 400), st.integers(20, 100), st.integers(20, 100))
def test_more_score_and_more_coverage_never_lower_a_grade(low, high, short, long):
    low, high = sorted((round(low, 1), round(high, 1)))
    short, long = sorted((short, long))
    best = ("g1", "A", 1, 100, "0.0", 500.0)
    worse = graded(blast(best, ("g2", "A", 1, short, "1e-9", low))).loc["g2", "grade"]
    assert graded(blast(best, ("g2", "A", 1, short, "1e-9", high))).loc["g2", "grade"] >= worse
    assert graded(blast(best, ("g2", "A", 1, long, "1e-9", low))).loc["g2", "grade"] >= worse


def test_gene_side_is_the_column_with_more_genes():
    assert gene_side(blast(("g1", "A", 1, 9, "0", 9.0)), KNOWN)[0] == "query"
    assert gene_side(blast(("A", "g1", 1, 9, "0", 9.0)), KNOWN)[0] == "subject"
    baits = blast(("g1", "g2", 1, 9, "0", 9.0), ("g1", "g3", 1, 9, "0", 9.0))
    assert gene_side(baits, KNOWN)[0] == "subject"
    fewer_others = blast(("g1", "g1", 1, 9, "0", 9.0), ("x", "g1", 1, 9, "0", 9.0))
    assert gene_side(fewer_others, KNOWN)[0] == "subject"


def test_ids_of_another_study_are_refused_with_the_first_of_each():
    with pytest.raises(UserError) as caught:
        gene_side(blast(("x1", "A", 1, 9, "0", 9.0)), KNOWN)
    assert str(caught.value) == (
        "hits.tsv: wanted gene ids of the expression table, such as 'g1', 'g2', 'g3', found the queries 'x1' and the "
        "subjects 'A'. Search with the same genes, under the same ids, as the expression table, or give a gene map."
    )


def test_members_that_the_tables_lack():
    hits = blast(("g1", "CHS_grape", 1, 9, "1e-9", 50.0), ("g2", "DFR_grape", 1, 9, "1e-9", 50.0))
    found = grade_family([hits], KNOWN, family="f", config=config(members=("CHS_grape", "CHI_grape")))
    assert found.table["gene_id"].tolist() == ["g1"]
    said = "The genes are the queries of hits.tsv: 2 of 2 ids of it join a gene of the expression table as written."
    assert found.notes == (said, "Family 'f': no hits for 1 of its members ('CHI_grape').")
    with pytest.raises(
        UserError, match=r"families\.f\.members: .*'CHS_grape', 'DFR_grape'.*Nearest to 'CHS_grap': 'CHS_grape'"
    ):
        grade_family([hits], KNOWN, family="f", config=config(members=("CHS_grap",)))
    unlisted = grade_family([hits], KNOWN, family="f", config=config(members=("CHS_grap",)), listed=False)
    assert unlisted.table.empty
    assert unlisted.notes[1:] == ("Family 'f': no hits for 1 of its members ('CHS_grap').",)


def test_hits_outside_the_study_and_empty_searches_are_noted():
    hits = blast(("g1", "A", 1, 9, "1e-9", 50.0), ("g9", "A", 1, 9, "1e-9", 50.0))
    found = grade_family([hits], KNOWN, family="f", config=config())
    assert found.table["gene_id"].tolist() == ["g1"]
    assert " ".join(found.notes) == (
        "The genes are the queries of hits.tsv: 1 of 2 ids of it joins a gene of the expression table as written; "
        "1 fits none: 'g9'."
    )
    empty = grade_family([read_hits(b"", "none")], KNOWN, family="f", config=config())
    assert empty.notes == ("Family 'f': the search tables hold no hits.",)


def test_evidence_takes_the_best_family_that_serves_the_target():
    first = grade_family(
        [blast(("g1", "A", 1, 100, "0", 100.0), ("g2", "A", 1, 100, "1e-9", 50.0))], KNOWN, family="b", config=config()
    )
    second = grade_family(
        [blast(("g2", "Z", 1, 100, "0", 90.0), ("g1", "Z", 1, 100, "0", 90.0))], KNOWN, family="a", config=config()
    )
    tables = {"b": first.table, "a": second.table}
    values, family = homology_evidence(tables, GENES, families=("a", "b"))
    assert values.tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0])
    assert family.tolist() == ["a", "a", None, None]
    values, family = homology_evidence(tables, GENES, families=("b",))
    assert values.tolist() == pytest.approx([1.0, 0.01 + 0.99 * 0.5 * significance(9), 0.0, 0.0])
    assert family.tolist() == ["b", "b", None, None]
    values, family = homology_evidence(tables, GENES, families=())
    assert np.isnan(values).all()
    assert family.tolist() == [None] * 4


def test_families_beside_each_other():
    near = grade_family(
        [blast(("g1", "A", 1, 9, "0", 100.0), ("g2", "A", 1, 9, "0", 80.0))], KNOWN, family="F3H", config=config()
    )
    other = grade_family(
        [blast(("g1", "Z", 1, 9, "0", 90.0), ("g3", "Z", 1, 9, "0", 50.0))], KNOWN, family="FLS", config=config()
    )
    tables, families = compare_families({"F3H": near.table, "FLS": other.table})
    assert tables["F3H"].set_index("gene_id")["margin"].to_dict() == pytest.approx({"g1": 0.1, "g2": 1.0})
    assert tables["FLS"].set_index("gene_id")["margin"].to_dict() == pytest.approx({"g1": -0.1, "g3": 1.0})
    assert tables["FLS"].set_index("gene_id")["rival"].dropna().to_dict() == {"g1": "F3H"}
    assert families.set_index("gene_id")["family"].to_dict() == {"g1": "F3H", "g2": "F3H", "g3": "FLS"}
    row = families.set_index("gene_id").loc["g1"]
    assert (row["second_family"], row["n_families"], row["margin"]) == ("FLS", 2, pytest.approx(0.1))
    for kind, table in (("gene_families", families), ("gene_families", compare_families({})[1])):
        assert table.columns.tolist() == [column.name for column in CONTRACTS[kind].columns]


def grades(folder: Path, *names: str) -> tuple[pd.Series, pd.Series]:
    """Return each protein's grade and whether it is a flavonoid gene, all queries and profiles as one family."""
    with (folder / "targets.faa").open() as lines:
        proteins = [line[1:].split()[0] for line in lines if line.startswith(">")]
    truth = pd.read_csv(folder / "truth.tsv", sep="\t")["gene_id"]
    tables = [read_hits((folder / name).read_bytes(), name) for name in names]
    table = grade_family(tables, GeneIds.of(proteins), family="flavonoid", config=config()).table
    values, _ = homology_evidence({"flavonoid": table}, proteins, families=("flavonoid",))
    grade = pd.Series(values, index=proteins)
    return grade, grade.index.isin(truth)


@pytest.mark.parametrize("name", ["blastp.outfmt6.tsv", "blastp.outfmt6_qcov.tsv.gz", "diamond.outfmt6.tsv"])
def test_flavonoid_genes_stand_above_bacterial_decoys(folder: Path, name: str):
    grade, positive = grades(folder, name)
    assert (len(grade), positive.sum()) == (562, 62)
    assert roc_auc_score(positive, grade) >= 0.95


def test_profiles_and_references_together(folder: Path):
    grade, positive = grades(folder, "blastp.outfmt6.tsv", "hmmsearch.domtblout")
    assert roc_auc_score(positive, grade) >= 0.98


def test_profiles_alone_where_the_profiles_know_the_family(folder: Path):
    grade, positive = grades(folder, "hmmsearch.domtblout")
    # 7 of the 62 (GST, laccase, H+-ATPase ...) have no profile among the 40
    assert (positive & (grade == 0)).sum() == 7
    known = (grade > 0) | ~positive
    assert roc_auc_score(positive[known], grade[known]) >= 0.98


@pytest.mark.parametrize(
    "name", ["blastp.outfmt6.tsv", "blastp.outfmt7.txt.gz", "blastp.outfmt6_qcov.tsv.gz", "diamond.outfmt6.tsv"]
)
def test_families_are_called_right_and_genes_stand_above_decoys(folder: Path, name: str):
    queries = pd.read_csv(folder / "query_families.tsv", sep="\t")
    truth = pd.read_csv(folder / "truth.tsv", sep="\t").set_index("gene_id")["pathway"]
    with (folder / "targets.faa").open() as lines:
        proteins = [line[1:].split()[0] for line in lines if line.startswith(">")]
    columns = (
        ["qseqid", "sseqid", "pident", "length", "evalue", "bitscore", "qcovs", "stitle"] if "qcov" in name else None
    )
    hits, known = read_hits((folder / name).read_bytes(), name, columns=columns), GeneIds.of(proteins)
    tables, families = compare_families(
        {
            family: grade_family([hits], known, family=family, config=config(members=tuple(ids)), listed=False).table
            for family, ids in queries.groupby("family")["query_id"]
        }
    )
    called = families.set_index("gene_id")["family"].reindex(truth.index).dropna()
    assert len(called) == (59 if "diamond" in name else 60)
    assert (called == truth[called.index]).sum() >= len(called) - 5
    grade = pd.Series(homology_evidence(tables, proteins, families=list(tables))[0], index=proteins)
    positive = grade.index.isin(truth.index)
    assert grade[~positive].max() < grade[positive].median()
    assert roc_auc_score(positive, grade) >= (0.97 if "diamond" in name else 0.98)  # three of the 62 have no hit there
