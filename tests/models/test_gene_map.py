"""Gene maps as annotations write them, joined to the genes of an expression table; and files that are none."""

import gzip

import pytest

from configs.errors import TableError
from models.gene_ids import GeneIds
from models.gene_map import read_gene_map


def rows(*features: tuple[str, str]) -> bytes:
    """Make GFF or GTF from (type, attributes)."""
    return "".join(f"Chr1\tx\t{kind}\t10\t90\t.\t+\t.\t{attributes}\n" for kind, attributes in features).encode()


def joined(content: bytes, names: list[str], genes: list[str]) -> dict[str, str]:
    return dict(GeneIds.of(genes, read_gene_map(content, "map")).join(names).gene_of)


# Tables


@pytest.mark.parametrize(
    "text",
    [
        "XP_1\tLOC1\nXP_2\tLOC1\nXP_3\tLOC2\n",
        "protein_id\tgene_id\nXP_1\tLOC1\nXP_2\tLOC1\nXP_3\tLOC2\n",
        "TXNAME,GENEID\nXP_1,LOC1\nXP_2,LOC1\nXP_3,LOC2\n",
        '"Transcript stable ID version","Gene stable ID"\n"XP_1","LOC1"\n"XP_2","LOC1"\n"XP_3","LOC2"\n',
        "XP_1;LOC1\r\nXP_2;LOC1\r\n\r\nXP_3;LOC2\r\n",
        "# made by hand\nXP_1   LOC1\nXP_2 LOC1\n# end\nXP_3 LOC2",
        "\ufeffXP_1\tLOC1\nXP_1\tLOC1\nXP_2\tLOC1\nXP_3\tLOC2\nXP_4\t\n",
    ],
)
def test_tables(text: str):
    expected = {"XP_1": ("LOC1",), "XP_2": ("LOC1",), "XP_3": ("LOC2",)}
    assert read_gene_map(text.encode(), "map") == expected
    assert read_gene_map(gzip.compress(text.encode()), "map.gz") == expected


def test_ids_that_look_like_words_of_a_header_are_kept():
    assert read_gene_map(b"gene1\tgene2\ntx\tgene\n", "map") == {"gene1": ("gene2",), "tx": ("gene",)}


def test_a_sequence_of_two_genes_keeps_both():
    content = b"XP_1\tLOC1\nXP_1\tLOC2\nXP_1\tLOC1\nXP_2\tLOC2\n"
    assert read_gene_map(content, "map") == {"XP_1": ("LOC1", "LOC2"), "XP_2": ("LOC2",)}
    join = GeneIds.of(["LOC1", "LOC2"], read_gene_map(content, "map")).join(["XP_1", "XP_2"])
    assert join.ambiguous == {"XP_1": ("LOC1", "LOC2")}


def test_columns_the_other_way_round():
    genes = GeneIds.of(["LOC1", "LOC2"], read_gene_map(b"gene\tprotein\nLOC1\tXP_1\nLOC1\tXP_2\nLOC2\tXP_3\n", "map"))
    assert genes.join(["XP_1", "XP_2", "XP_3"]).gene_of == {"XP_1": "LOC1", "XP_2": "LOC1", "XP_3": "LOC2"}
    assert len(genes.notes) == 1


# GFF3

NCBI = rows(
    ("region", "ID=NC_003070.9:1..30427671;Dbxref=taxon:3702;Name=1"),
    (
        "gene",
        (
            "ID=gene-AT1G01010;Dbxref=Araport:AT1G01010,TAIR:AT1G01010,GeneID:839580;Name=NAC001;gbkey=Gene;gene=NAC001;"
            "gene_synonym=ANAC001,T25K16.1;locus_tag=AT1G01010"
        ),
    ),
    (
        "mRNA",
        (
            "ID=rna-NM_099983.2;Parent=gene-AT1G01010;Dbxref=GeneID:839580,Genbank:NM_099983.2;Name=NM_099983.2;gene=NAC001;"
            "locus_tag=AT1G01010;product=NAC domain containing protein 1;transcript_id=NM_099983.2"
        ),
    ),
    ("exon", "ID=exon-NM_099983.2-1;Parent=rna-NM_099983.2;transcript_id=NM_099983.2"),
    (
        "CDS",
        (
            "ID=cds-NP_171609.1;Parent=rna-NM_099983.2;Dbxref=GeneID:839580,Genbank:NP_171609.1;Name=NP_171609.1;"
            "gene=NAC001;locus_tag=AT1G01010;protein_id=NP_171609.1"
        ),
    ),
    (
        "CDS",
        (
            "ID=cds-NP_171609.1;Parent=rna-NM_099983.2;Dbxref=GeneID:839580,Genbank:NP_171609.1;Name=NP_171609.1;"
            "gene=NAC001;locus_tag=AT1G01010;protein_id=NP_171609.1"
        ),
    ),
)
NCBI_NAMES = [
    *("NP_171609.1", "NM_099983.2", "rna-NM_099983.2", "cds-NP_171609.1", "ref|NP_171609.1|"),
    "lcl|NC_003070.9_prot_NP_171609.1_1",
]


@pytest.mark.parametrize("gene", ["AT1G01010", "gene-AT1G01010", "NAC001", "GeneID:839580", "839580", "NM_099983.2"])
def test_ncbi(gene: str):
    assert joined(NCBI, NCBI_NAMES, [gene, "other"]) == dict.fromkeys(NCBI_NAMES, gene)


def test_ncbi_in_full():
    genes = ("gene-AT1G01010", "AT1G01010", "NAC001", "GeneID:839580", "839580")
    found = read_gene_map(NCBI, "map")
    assert set(found["NAC001"]) == set(genes)
    assert set(found["NP_171609.1"]) == {
        *genes,
        *("cds-NP_171609.1", "NP_171609.1", "rna-NM_099983.2", "NM_099983.2"),
    }
    assert set(found) == set(found["NP_171609.1"])


def test_ensembl_plants():
    content = b"##gff-version 3\n##sequence-region 1 1 30427671\n" + rows(
        ("chromosome", "ID=chromosome:1;Alias=CP002684.1,Chr1"),
        ("gene", "ID=gene:AT1G01010;Name=NAC001;biotype=protein_coding;gene_id=AT1G01010"),
        ("mRNA", "ID=transcript:AT1G01010.1;Parent=gene:AT1G01010;Name=NAC001-201;transcript_id=AT1G01010.1"),
        ("CDS", "ID=CDS:P_X7.1;Parent=transcript:AT1G01010.1;protein_id=P_X7.1"),
    )
    names = ["P_X7.1", "CDS:P_X7.1", "transcript:AT1G01010.1", "AT1G01010.1", "NAC001-201", "NAC001"]
    assert joined(content, names, ["AT1G01010"]) == dict.fromkeys(names, "AT1G01010")
    assert joined(content, names, ["gene:AT1G01010"]) == dict.fromkeys(names, "gene:AT1G01010")
    assert joined(content, names, ["gene:AT1G01010.2"]) == dict.fromkeys(names, "gene:AT1G01010.2")
    assert "chromosome:1" not in read_gene_map(content, "map")


def test_a_prefix_in_the_file_alone():
    content = rows(
        ("gene", "ID=gene:MD01G1000100"),
        ("mRNA", "ID=mRNA:XB7;Parent=gene:MD01G1000100"),
        ("CDS", "Parent=mRNA:XB7;protein_id=QP1.1"),
    )
    names = ["XB7", "mRNA:XB7", "QP1.1"]
    assert joined(content, names, ["MD01G1000100", "MD01G1000200"]) == dict.fromkeys(names, "MD01G1000100")


def test_phytozome():
    content = rows(
        ("gene", "ID=Glyma.01G000100.Wm82.a2.v1;Name=Glyma.01G000100"),
        ("mRNA", "ID=T7.Wm82.a2.v1;Name=T7;pacid=30544134;longest=1;Parent=Glyma.01G000100.Wm82.a2.v1"),
        ("CDS", "ID=T7.Wm82.a2.v1.CDS.1;Parent=T7.Wm82.a2.v1;pacid=30544134"),
        ("CDS", "ID=T7.Wm82.a2.v1.CDS.2;Parent=T7.Wm82.a2.v1;pacid=30544134"),
        ("five_prime_UTR", "ID=T7.Wm82.a2.v1.five_prime_UTR.1;Parent=T7.Wm82.a2.v1"),
    )
    names = ["T7", "T7.p", "T7.Wm82.a2.v1"]
    assert joined(content, names, ["Glyma.01G000100"]) == dict.fromkeys(names, "Glyma.01G000100")
    assert set(read_gene_map(content, "map")) == {
        *("Glyma.01G000100.Wm82.a2.v1", "Glyma.01G000100", "T7.Wm82.a2.v1", "T7"),
    }


def test_maker_with_evidence_and_sequence():
    content = (
        rows(
            ("contig", "ID=Chr1;Name=Chr1"),
            ("protein_match", "ID=Chr1:hit:1;Name=sp|P12345|X"),
            ("match_part", "ID=Chr1:hsp:1;Parent=Chr1:hit:1;Name=AT1G01010"),
            ("gene", "ID=CSP_000001;Name=CSP_000001;Alias=maker-Chr1-gene-0.1"),
            ("mRNA", "ID=CSP_000001-RA;Parent=CSP_000001;Name=old%2C1;Note=Similar to X: a thing (Y)"),
            ("CDS", "ID=CSP_000001-RA:cds;Parent=CSP_000001-RA"),
        )
        + b"##FASTA\n>Chr1\nACGT\n"
    )
    names = ["CSP_000001-RA", "maker-Chr1-gene-0.1", "maker-Chr1-gene-0.1-mRNA-1", "old,1", "sp|P12345|X"]
    assert joined(content, names, ["CSP_000001"]) == dict.fromkeys(names[:4], "CSP_000001")
    assert "Chr1" not in read_gene_map(content, "map")
    assert read_gene_map(content.replace(b"##FASTA\n", b""), "map") == read_gene_map(content, "map")


def test_gffread_has_no_genes_of_their_own():
    content = rows(("transcript", "ID=MSTRG.1.2;geneID=MSTRG.1"), ("CDS", "Parent=MSTRG.1.2"))
    assert read_gene_map(content, "map")["MSTRG.1.2"] == ("MSTRG.1.2", "MSTRG.1")


def test_bacterial_coding_sequences_without_genes():
    content = rows(("CDS", "ID=EC_00010;Name=dnaA;gene=dnaA;locus_tag=EC_00010;protein_id=gnl|Prokka|EC_00010"))
    assert joined(content, ["dnaA", "gnl|Prokka|EC_00010"], ["EC_00010"]) == {
        "dnaA": "EC_00010",
        "gnl|Prokka|EC_00010": "EC_00010",
    }


def test_children_may_come_before_their_parents_and_parents_may_be_absent():
    content = rows(("CDS", "ID=c;Parent=m"), ("mRNA", "ID=m;Parent=g"), ("mRNA", "ID=n;Parent=h"), ("gene", "ID=g"))
    found = read_gene_map(content, "map")
    assert (found["c"], found["n"]) == (("c", "m", "g"), ("n", "h"))


def test_a_transcript_of_two_genes_is_ambiguous():
    content = rows(("gene", "ID=g1"), ("gene", "ID=g2"), ("mRNA", "ID=m;Parent=g1,g2"))
    join = GeneIds.of(["g1", "g2"], read_gene_map(content, "map")).join(["m"])
    assert join.ambiguous == {"m": ("g1", "g2")}


def test_circles_of_parents_end():
    content = rows(("gene", "ID=a;Parent=b"), ("mRNA", "ID=b;Parent=a"), ("mRNA", "ID=same;Parent=same"))
    assert read_gene_map(content, "map") == {"a": ("a", "b"), "b": ("b", "a"), "same": ("same",)}


def test_a_name_that_many_genes_share_is_ambiguous():
    content = rows(*(("gene", f"ID=g{n};Name=kinase;Note=x%20y") for n in range(3)))
    assert read_gene_map(content, "map")["kinase"] == ("g0", "kinase", "g1", "g2")
    assert "protein" not in read_gene_map(rows(("gene", "ID=g1;Name=a protein")), "map")


# GTF


def test_gtf():
    content = rows(
        ("gene", 'gene_id "LOC1"; transcript_id ""; db_xref "GeneID:7"; gbkey "Gene";'),
        ("transcript", 'gene_id "LOC1"; transcript_id "XM_1.1"; gene "LOC1";'),
        ("CDS", 'gene_id "LOC1"; transcript_id "XM_1.1"; protein_id "XP_1.1"; exon_number "1";'),
        ("CDS", 'gene_id "LOC1"; transcript_id "XM_1.1"; protein_id "XP_1.1"; exon_number "2";'),
    )
    assert read_gene_map(content, "map") == {
        "LOC1": ("LOC1",),
        "XM_1.1": ("XM_1.1", "LOC1"),
        "XP_1.1": ("XP_1.1", "XM_1.1", "LOC1"),
    }
    assert joined(content, ["XP_1.1", "XM_1.1"], ["LOC1"]) == {"XP_1.1": "LOC1", "XM_1.1": "LOC1"}
    assert joined(content, ["XP_1.1"], ["XM_1.1"]) == {"XP_1.1": "XM_1.1"}


def test_gtf_of_augustus_and_stringtie():
    braker = rows(("gene", "g1"), ("transcript", "g1.t1"), ("CDS", 'transcript_id "g1.t1"; gene_id "g1";'))
    assert read_gene_map(braker, "map") == {"g1.t1": ("g1.t1", "g1"), "g1": ("g1",)}
    stringtie = rows(("exon", 'gene_id "MSTRG.1"; transcript_id "rna-X"; exon_number "1"; cov "3.1";'))
    assert read_gene_map(stringtie, "map") == {"rna-X": ("rna-X", "MSTRG.1"), "MSTRG.1": ("MSTRG.1",)}


# Files that cannot be used


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"map: wanted a table of two columns .*, found no rows"),
        (b"# only\n# comments\n", r"map: .* found no rows"),
        (b"transcript_id\tgene_id\n", r"map, line 1: .* found a header without rows"),
        (b"a\tb\n\na\tb\tc\n", r"map, line 3: .* found 3 columns in the line 'a\\tb\\tc'"),
        (b"AT1G01010\nAT1G01020\n", r"map, line 1: .* found 1 column in the line 'AT1G01010'"),
        (b"a,b\nc\n", r"map, line 2: .* found 1 column in the line 'c'"),
        (b">AT1G01010.1\nMEDQVGFG\n", r"map, line 1: .* found the line '>AT1G01010\.1'"),
        ("a\tb\n".encode("utf-16"), r"map, line 1: .* found the line "),
        (b"a\tb\nc\tJos\xe9\n", r"map, line 2: wanted ids in UTF-8, found 'Jos\\\\xe9'. Save the file as UTF-8"),
        (rows(("gene", "ID=a")) + b"Chr1\tx\tgene\n", r"map, line 2: .* found 3 columns instead of 9"),
        (rows(("gene", "ID=a"), ("gene", "ID=b\\xe9")), r"map, line 2: wanted ids in UTF-8"),
        (rows(("gene", "ID=a")).replace(b"ID=a", b"ID=a\xe9"), r"map, line 1: wanted ids in UTF-8"),
        (rows(("repeat", "ID=a"), ("exon", "Parent=x")), r"map, line 1: .* found features without an id of a gene"),
        (gzip.compress(b"a\tb\n" * 999)[:-12], r"map: wanted a whole gzip file"),
        (b"PK\x03\x04 a workbook", r"map: wanted a plain or gzip file"),
    ],
)
def test_unusable_files(content: bytes, message: str):
    with pytest.raises(TableError, match=message):
        read_gene_map(content, "map")


def test_a_note_in_another_encoding_does_no_harm():
    content = rows(("gene", "ID=g1;Note=x"), ("mRNA", "ID=m;Parent=g1")).replace(b"Note=x", b"Note=\xe9")
    assert read_gene_map(content, "map")["m"] == ("m", "g1")
