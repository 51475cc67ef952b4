"""Ids of sequences to genes: the styles of real annotations, what must never join, and the sentence."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from configs.errors import UserError
from models.gene_ids import GeneIds, require_joined


def gene_of(name: str, *genes: str, aliases: dict[str, tuple[str, ...]] | None = None) -> str | None:
    return GeneIds.of(genes, aliases or {}).join([name]).gene_of.get(name)


STYLES = [
    # TAIR, Araport; Phytozome with the tags of its GFF3
    ("AT1G01010.1", "AT1G01010"),
    ("AT1G01010.1.p1", "AT1G01010"),
    ("At1g01010.2", "AT1G01010"),
    ("ATCG00020.1", "ATCG00020"),
    ("AT1G01010.1.TAIR10", "AT1G01010"),
    ("AT1G01010.1.Araport11.447", "AT1G01010"),
    ("AT1G01010.1", "AT1G01010.Araport11.447"),
    ("Glyma.01G000100.1.p", "Glyma.01G000100"),
    ("Glyma.01G000100.1.Wm82.a2.v1", "Glyma.01G000100"),
    ("Glyma.01G000100.1.p", "Glyma.01G000100.Wm82.a2.v1"),
    ("Potri.001G000400.2.p", "Potri.001G000400"),
    ("Pp3c1_100V3.1.p", "Pp3c1_100"),
    ("Glyma01g00210.1|PACid:16242666", "Glyma01g00210"),
    # Ensembl Plants
    ("transcript:AT1G01010.1", "AT1G01010"),
    ("CDS:AT1G01010.1", "gene:AT1G01010"),
    ("AT1G01010.1", "gene:AT1G01010"),
    ("TraesCS1A02G000100.1", "TraesCS1A02G000100"),
    ("HORVU.MOREX.r3.1HG0000010.1", "HORVU.MOREX.r3.1HG0000010"),
    ("BRADI_1g00200v3", "BRADI_1g00200v3"),
    ("Vitvi01g00001.t01", "Vitvi01g00001"),
    # RefSeq and GenBank
    ("gene-LOC107017000", "LOC107017000"),
    ("LOC107017000", "gene-LOC107017000"),
    ("rna-NM_099983.2", "NM_099983"),
    ("ref|NP_171609.1|", "NP_171609.1"),
    ("gi|15223276|ref|NP_171609.1|", "NP_171609.1"),
    ("lcl|NC_003070.9_prot_NP_171609.1_1", "NP_171609.1"),
    ("lcl|NC_003070.9_cds_NP_171609.1_1", "NP_171609"),
    ("gnl|WGS:JABC|LOCUS_00010", "LOCUS_00010"),
    ("gene-AXX17_AT1G00010", "AXX17_AT1G00010"),
    # UniProt
    ("sp|P42813|RNS1_ARATH", "P42813"),
    ("tr|Q9S725.2|4CL2_ARATH", "Q9S725"),
    # SGN
    ("Solyc01g005000.3.1", "Solyc01g005000.3"),
    ("Solyc01g005000.3.1", "Solyc01g005000.2"),
    ("Solyc01g005000.2.1", "Solyc01g005000"),
    ("mRNA:Solyc01g005000.3.1", "gene:Solyc01g005000.3"),
    ("Capana02g002339", "Capana02g002339"),
    ("Soltu.DM.01G000010.1", "Soltu.DM.01G000010"),
    ("Niben101Scf00059g04003.1", "Niben101Scf00059g04003"),
    # MAKER, EVidenceModeler, funannotate, VectorBase
    ("maker-Chr1-augustus-gene-0.2-mRNA-1", "maker-Chr1-augustus-gene-0.2"),
    ("CSP_000001-RA", "CSP_000001"),
    ("CSP_000001-PA", "CSP_000001"),
    ("CSP_000001-RA", "CSP_000001-PA"),
    ("evm.model.Chr1.12", "evm.TU.Chr1.12"),
    ("FUN_000001-T1", "FUN_000001"),
    # AUGUSTUS, BRAKER, GMAP
    ("g1.t1", "g1"),
    ("anno1.g10.t2.cds", "anno1.g10"),
    ("jg12.t1", "jg12"),
    ("AT1G01010.mrna1", "AT1G01010"),
    ("AT1G01010.1.path1", "AT1G01010.1"),
    # Trinity and TransDecoder, old and new
    ("TRINITY_DN100_c0_g1_i3.p1", "TRINITY_DN100_c0_g1"),
    ("TRINITY_DN100_c0_g1_i3.p1", "TRINITY_DN100_c0_g1_i3"),
    ("Gene.12::TRINITY_DN100_c0_g1_i1::g.12::m.12", "TRINITY_DN100_c0_g1"),
    ("TRINITY_DN100_c0_g1_i1::chr1:5-90(+)", "TRINITY_DN100_c0_g1_i1"),
    ("cds.comp10_c0_seq1|m.7", "comp10_c0"),
    # PacBio, StringTie
    ("PB.1.1", "PB.1"),
    ("PB.1.1.p1", "PB.1"),
    ("MSTRG.1.2", "MSTRG.1"),
    ("MSTRG.1.2.p1", "MSTRG.1.2"),
    # Maize
    ("Zm00001eb000010_P001", "Zm00001eb000010"),
    ("Zm00001eb000010_T002", "Zm00001eb000010"),
    ("GRMZM2G000001_T01", "GRMZM2G000001"),
    ("AC147602.5_FGP004", "AC147602.5_FG004"),
    ("Zm00001d027230_P001.RefGen_V4", "Zm00001d027230"),
    # Rice, coffee, grape: the letter inside the id
    ("LOC_Os01g01010.1", "LOC_Os01g01010"),
    ("LOC_Os01g01010.1.MSUv7.0", "LOC_Os01g01010"),
    ("Os01t0100100-01", "Os01g0100100"),
    ("OS01T0100100-01", "OS01G0100100"),
    ("Cc01_p00010", "Cc01_g00010"),
    ("GSVIVT01012345001", "GSVIVG01012345001"),
    # Other endings
    ("Dcr01G1234_mrna", "Dcr01G1234"),
    ("Dcr01G1234_cds", "Dcr01G1234"),
    ("Dcr01G1234.pep", "Dcr01G1234"),
]


@pytest.mark.parametrize(("name", "gene"), STYLES)
def test_styles_of_annotations(name: str, gene: str):
    genes = ("AT9G99990", gene, "LOC1", "Solyc12g099990.2", "TRINITY_DN9_c9_g9")
    assert gene_of(name, *genes) == gene


NEVER = [
    ("PB.1.1", ("PB", "PB.2", "PB.3")),
    ("PB.1.1", ("PB.2",)),
    ("MSTRG.7", ("MSTRG", "MSTRG.71")),
    ("g1.t1", ("g", "g10", "g11.t1")),
    ("GRMZM2G000001_T01", ("GRMZM2G000002", "GRMZM2G00000")),
    ("Os01g0100100", ("Os01g0100200", "Os01g01001")),
    ("LOC_Os01g01010.1", ("Os01g01010", "LOC_Os01g01011")),
    ("Capana02g002339", ("Capana02g00233", "Capana02g")),
    ("TRINITY_DN100_c0_g1_i1", ("TRINITY_DN100_c0_g2", "TRINITY_DN100_c0", "TRINITY_DN100_c0_g10")),
    ("PGSC0003DMT400000001", ("PGSC0003DMT400000002",)),
    ("LOCUS_00010", ("LOCUS", "LOCUS_00011")),
    ("UGT79B-2", ("UGT79B-1", "UGT79B")),
    ("gi|839580|ref|NP_171609.1|", ("839580",)),
    ("gnl|g1|LOCUS_7", ("g1",)),
    ("", ("AT1G01010",)),
    ("|", ("AT1G01010",)),
    (".1", ("AT1G01010",)),
    ("gene:", ("AT1G01010",)),
]


@pytest.mark.parametrize(("name", "genes"), NEVER)
def test_what_must_not_join(name: str, genes: tuple[str, ...]):
    join = GeneIds.of(genes).join([name])
    assert join.gene_of == {}
    assert join.unjoined == (name,)


def test_the_least_stripped_gene_wins():
    genes = ("AT1G01010", "AT1G01010.1", "PB.1", "PB.1.1")
    assert gene_of("AT1G01010.1.p1", *genes) == "AT1G01010.1"
    assert gene_of("AT1G01010.2.p1", *genes) == "AT1G01010"
    assert gene_of("PB.1.1", *genes) == "PB.1.1"
    assert gene_of("PB.1.2", *genes) == "PB.1"


def test_numbers_that_tell_genes_apart_are_not_taken_off_both_sides():
    genes = [f"maker-Chr{c}-gene-0.{n}" for c in range(5) for n in range(1, 4)]
    assert gene_of("maker-Chr1-gene-0.9-mRNA-1", *genes, "maker-Chr7-gene-0.1") is None
    assert gene_of("maker-Chr7-gene-0.2-mRNA-1", *genes, "maker-Chr7-gene-0.1") is None
    isoforms = [f"AT1G0{n}010.{isoform}" for n in range(5) for isoform in (1, 2)]
    assert gene_of("AT1G09010.3", *isoforms, "AT1G09010.1") is None
    assert gene_of("AT1G09010", *isoforms, "AT1G09010.1") == "AT1G09010.1"


def test_an_id_that_fits_several_genes_is_ambiguous():
    join = GeneIds.of(["Solyc01g005000.2", "Solyc01g005000.3"]).join(["Solyc01g005000"])
    assert join.ambiguous == {"Solyc01g005000": ("Solyc01g005000.2", "Solyc01g005000.3")}
    assert join.unjoined == ()
    join = GeneIds.of(["P12345", "RNS1_ARATH"]).join(["sp|P12345|RNS1_ARATH"])
    assert join.ambiguous == {"sp|P12345|RNS1_ARATH": ("P12345", "RNS1_ARATH")}
    join = GeneIds.of(["AbcA1", "ABCa1"]).join(["abca1"])
    assert join.ambiguous == {"abca1": ("AbcA1", "ABCa1")}


def test_the_map():
    aliases = {"NP_171609.1": ("AT1G01010",), "XP_1": ("gene:B2",), "XP_2": ("C3.1",), "XP_3": ("A1", "B2")}
    genes = GeneIds.of(["AT1G01010", "B2", "C3", "A1", "XP_4"], {**aliases, "XP_4.1": ("B2",), "XP_5": ("Z9", "A1")})
    join = genes.join(["ref|NP_171609.1|", "NP_171609.1", "XP_1", "XP_2.p1", "XP_3", "XP_4", "XP_4.1", "XP_5"])
    assert join.gene_of == {
        "ref|NP_171609.1|": "AT1G01010",
        "NP_171609.1": "AT1G01010",
        "XP_1": "B2",
        "XP_2.p1": "C3",
        "XP_4": "XP_4",
        "XP_4.1": "B2",
        "XP_5": "A1",
    }
    assert join.ambiguous == {"XP_3": ("A1", "B2")}
    assert join.rules == {"exact": 1, "map": 6}
    assert genes.notes == ()


def test_the_map_is_believed_where_the_expression_table_lacks_its_gene():
    join = GeneIds.of(["ABC1"], {"ABC1.5": ("XYZ2",), "other": ("ABC1",)}).join(["ABC1.5", "ABC1.6"])
    assert join.gene_of == {"ABC1.6": "ABC1"}
    assert join.unjoined == ("ABC1.5",)


def test_a_map_from_gene_to_sequence_is_turned_round():
    genes = GeneIds.of(["A1", "B2"], {"A1": ("XP_1", "XP_2"), "B2": ("XP_3",), "C3": ("XP_4",)})
    assert genes.join(["XP_1", "XP_2.1", "XP_3", "XP_4"]).gene_of == {"XP_1": "A1", "XP_2.1": "A1", "XP_3": "B2"}
    assert genes.notes == (
        "The gene map is read from its second column to its first, since only the first holds genes.",
    )
    prefixed = GeneIds.of(["gene:A1", "gene:B2"], {"A1": ("XP_1",), "B2": ("XP_3",)})
    assert prefixed.join(["XP_1"]).gene_of == {"XP_1": "gene:A1"}
    assert len(prefixed.notes) == 1


def test_a_map_of_other_genes_is_said():
    genes = GeneIds.of(["A1"], {"XP_1": ("LOC7",)})
    assert genes.notes == ("The gene map names no gene of the expression table; it goes from 'XP_1' to 'LOC7'.",)


def test_sentence():
    genes = GeneIds.of(["AT1G01010", "AT1G01020", "Solyc1g1.2", "Solyc1g1.3"])
    names = ["AT1G01010", "AT1G01010.1", "AT1G01020.1", "transcript:AT1G01020", "x", "Solyc1g1"]
    assert genes.join(names).sentence("proteins.faa") == (
        "4 of 6 ids of proteins.faa join a gene of the expression table: 1 as written, "
        "1 without a prefix (such as 'transcript:AT1G01020' to 'AT1G01020'), "
        "2 without an ending (such as 'AT1G01010.1' to 'AT1G01010'); 1 fits none: 'x'; "
        "1 fits several genes: 'Solyc1g1' ('Solyc1g1.2', 'Solyc1g1.3')."
    )
    assert genes.join(["AT1G01010"]).sentence("a.faa") == (
        "1 of 1 id of a.faa joins a gene of the expression table as written."
    )
    assert genes.join(["AT1G01010", "AT1G01020"]).sentence("a.faa") == (
        "2 of 2 ids of a.faa join a gene of the expression table as written."
    )
    assert genes.join(["x"]).sentence("a.faa") == (
        "The only id of a.faa joins no gene of the expression table; 1 fits none: 'x'."
    )
    assert genes.join([]).sentence("a.faa") == "a.faa holds no ids."


def test_sentence_names_the_first_ten_and_groups_thousands():
    genes = GeneIds.of([f"AT1G{n:05d}" for n in range(1200)])
    join = genes.join([*(f"AT1G{n:05d}" for n in range(1200)), *(f"x{n}" for n in range(1500))])
    assert join.sentence("p.faa") == (
        "1,200 of 2,700 ids of p.faa join a gene of the expression table as written; 1,500 fit none, such as "
        "'x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8', 'x9'."
    )


def test_repeated_ids_count_once():
    join = GeneIds.of(["A1"]).join(["A1", "A1", "A1.1", "x", "x"])
    assert (join.n_ids, join.rules, join.unjoined) == (3, {"exact": 1, "ending": 1}, ("x",))


def test_nothing_joined():
    genes = GeneIds.of(["AT1G01010", "AT1G01020", "AT1G01030", "AT1G01040"])
    with pytest.raises(UserError) as caught:
        require_joined(genes.join(["XP_1", "XP_2", "XP_3", "XP_4"]), "proteins.faa", genes)
    assert str(caught.value) == (
        "proteins.faa: wanted ids that fit gene ids of the expression table, such as 'AT1G01010', 'AT1G01020', "
        "'AT1G01030', found 'XP_1', 'XP_2', 'XP_3', which fit none. Give homology.gene_map, a table of two columns "
        "(sequence id, gene id) or a GFF3 or GTF file that holds both, or a file of the annotation that the expression "
        "table was made with."
    )


def test_nothing_joined_since_all_is_ambiguous():
    genes = GeneIds.of(["Solyc1g1.2", "Solyc1g1.3"])
    with pytest.raises(UserError, match=r"found 'Solyc1g1' \('Solyc1g1\.2', 'Solyc1g1\.3'\), which fit several genes"):
        require_joined(genes.join(["Solyc1g1"]), "p.faa", genes)


def test_one_id_is_enough_and_no_ids_are_no_error():
    genes = GeneIds.of(["A1"])
    require_joined(genes.join(["A1", "x"]), "p.faa", genes)
    require_joined(genes.join([]), "p.faa", genes)
    assert genes.join([]).n_ids == 0


PARTS = st.sampled_from(
    ["gene:", "rna-", "sp|", "|", "::", "PB", "g", "AT1G", "1", "01", ".", "_", "-", "t1", "RA", "P001"]
)
IDS = st.lists(PARTS, min_size=1, max_size=7).map("".join)


@given(
    st.lists(IDS, max_size=12), st.lists(IDS, max_size=12), st.dictionaries(IDS, st.lists(IDS, max_size=3), max_size=4)
)
def test_invariants(genes: list[str], ids: list[str], aliases: dict[str, list[str]]):
    join = GeneIds.of(genes, aliases).join([*genes, *ids])
    assert all(join.gene_of[gene] == gene for gene in genes)
    assert set(join.gene_of.values()) == set(genes)
    assert sorted([*join.gene_of, *join.unjoined, *join.ambiguous]) == sorted({*genes, *ids})
    assert sum(join.rules.values()) == len(join.gene_of)
    assert all(len(found) > 1 for found in join.ambiguous.values())
    backwards = GeneIds.of(reversed(genes), aliases).join(reversed([*genes, *ids]))
    assert backwards.gene_of == join.gene_of
