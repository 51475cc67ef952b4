"""Families from files to grades: sequences, members, searches by every program, and what a user gets wrong."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from configs.artifact import Runtime, SourceFile
from configs.errors import TableError, UserError
from configs.homology import FamilyConfig, Program
from models.layer import Layer
from tasks.homology import grade_families
from tasks.records import FamilyEvidence, FamilyFiles, Homology, SearchQuestion, SequencesRead
from tasks.search import search_family, wanted_members
from tasks.sequences import read_members, read_proteins, translate_transcripts
from tasks.store import Store

SAMPLES = tuple("abcdef")
PATHWAYS = {"CHS": "references", "DFR": "references", "P450": "profiles"}


class FlavonoidStudy:
    """The flavonoid proteins as genes of a study: 62 of known families and 500 decoys, their expression noise."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.runtime = Runtime(store=str(folder / "store"), checkpoints=str(folder))
        self.store, self.data = Store(self.runtime.store), data
        self.read: SequencesRead = read_proteins.fn(self.file("targets.faa"), self.runtime)
        self.gene_ids = tuple(self.store.get_table(self.read.proteins)["sequence_id"])
        values = np.random.default_rng(1).normal(size=(len(self.gene_ids), len(SAMPLES))).astype(np.float32)
        self.genes = self.store.put_layer(Layer("genes", values, self.gene_ids, SAMPLES))
        self.truth = pd.read_csv(data / "truth.tsv", sep="\t")

    def file(self, name: str) -> SourceFile:
        return SourceFile(path=str(self.data / name))

    def families(self) -> dict[str, FamilyConfig]:
        """Return two families by their references, out of one file, and one by a profile's accession."""
        given = {name: FamilyConfig.model_validate({"references": "queries.faa"}) for name in ("CHS", "DFR")}
        named = read_members.fn(given, self.file("query_families.tsv"), self.runtime).families
        return {**named, "P450": FamilyConfig(profiles=("families.hmm.gz",), members=("PF00067",))}

    def search(self, program: Program = "phmmer") -> dict[str, FamilyEvidence]:
        """Search all families."""
        return {name: self.evidence(name, config, program) for name, config in self.families().items()}

    def evidence(self, name: str, config: FamilyConfig, program: Program) -> FamilyEvidence:
        files = FamilyFiles.of(config, self.file)
        question = SearchQuestion(
            members=config.members, max_evalue=config.max_evalue, thresholds="gathering", program=program
        )
        found = search_family.fn(name, self.read.proteins, files, question, self.runtime)
        return FamilyEvidence(config=config, listed=True, tables=(), searches=found)

    def grade(self, families: dict[str, FamilyEvidence]) -> Homology:
        return grade_families.fn(self.genes, families, self.read, None, ("flavonoids",), self.runtime)


@pytest.fixture(scope="module")
def study(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> FlavonoidStudy:
    return FlavonoidStudy(tmp_path_factory.mktemp("flavonoids"), shared_data / "homology_flavonoid")


@pytest.mark.parametrize("program", ["phmmer", "blast", "diamond"])
def test_families_find_their_genes(study: FlavonoidStudy, program: Program) -> None:
    if program != "phmmer" and shutil.which({"blast": "blastp", "diamond": "diamond"}[program]) is None:
        pytest.skip(f"{program} is not installed")
    homology = study.grade(study.search(program))
    best = study.store.get_table(homology.gene_families).set_index("gene_id")["family"]
    for family in ("CHS", "DFR"):
        members = study.truth.loc[study.truth["pathway"] == family, "gene_id"]
        assert best[members].eq(family).all()
    evidence = study.store.get_table(homology.evidence)
    assert list(evidence["gene_id"]) == list(study.gene_ids)
    pathways = ("CHS", "DFR", "C4H", "F3-H", "F3-5-H-a", "F3-5-H-b", "FNS2", "F2H")
    wanted = study.truth.loc[study.truth["pathway"].isin(pathways), "gene_id"]
    positive = evidence["gene_id"].isin(wanted)
    decoy = ~evidence["gene_id"].isin(study.truth["gene_id"])
    grades = evidence["value"]
    assert grades[positive].min() > grades[decoy].max()
    assert roc_auc_score(positive[positive | decoy], grades[positive | decoy]) == 1.0


def test_a_search_says_with_what_it_was_made(study: FlavonoidStudy) -> None:
    homology = study.grade(study.search())
    facts = {one.family: one for one in homology.searches}
    assert [facts[name].program for name in PATHWAYS] == ["phmmer", "phmmer", "hmmsearch"]
    assert [facts[name].n_queries for name in PATHWAYS] == [29, 73, 1]
    assert {one.n_sequences for one in homology.searches} == {562}
    assert facts["P450"].note.startswith("1 of 1 profiles were searched with their own gathering thresholds")
    assert homology.notes[0] == "562 of 562 ids of targets.faa join a gene of the expression table as written."
    assert len(homology.notes) == len(set(homology.notes))
    domains = study.store.get_table(homology.domains["P450"])
    assert set(domains["member"]) == {"p450"}
    assert domains["counted"].any()


def test_transcripts_give_what_their_proteins_give(study: FlavonoidStudy, tmp_path: Path) -> None:
    codons = dict(zip("ACDEFGHIKLMNPQRSTVWYX", CODONS.split(), strict=True))
    proteins = study.store.get_table(study.read.proteins)
    chosen = proteins[proteins["sequence_id"].isin(study.truth["gene_id"])]
    complement = str.maketrans("ACGTN", "TGCAN")
    lines = []
    for place, row in enumerate(chosen.itertuples()):
        dna = "CTAGTTAG" + "".join(codons[letter] for letter in row.sequence) + "TAATAG"
        lines.append(f">{row.sequence_id}.t1\n{dna if place % 2 else dna.translate(complement)[::-1]}\n")
    file = tmp_path / "transcripts.fna.gz"
    file.write_bytes(gzip.compress(("".join(lines) + ">short\nACGTAATAA\n").encode()))
    read = translate_transcripts.fn(SourceFile(path=str(file)), 1, 30, study.runtime)
    assert (read.proteins.rows, read.left_out) == (len(chosen), 1)
    assert " ".join(read.notes) == (
        f"transcripts.fna.gz: the longest reading frame of {len(chosen)} transcripts was taken as their protein. "
        "1 has none of 30 residues and was left out."
    )
    again = study.store.get_table(read.proteins).set_index("sequence_id")["sequence"]
    for row in chosen.itertuples():
        assert row.sequence in again[f"{row.sequence_id}.t1"]


CODONS = "GCT TGC GAT GAA TTC GGT CAC ATT AAA TTA ATG AAC CCG CAG CGT TCA ACC GTT TGG TAC NNN"
"""Codons of the amino acids in alphabetical order; leucine and serine are stops on the other strand."""


def test_an_unknown_member_is_named_with_the_nearest(study: FlavonoidStudy) -> None:
    files = FamilyFiles(profiles=(study.file("families.hmm.gz"),), references=())
    with pytest.raises(UserError) as error:
        wanted_members("P450", files, ("P45O", "PF99999"))
    assert str(error.value).startswith(
        "families.P450.members: wanted one of the members 'P45O', 'PF99999', found none of them in families.hmm.gz, "
        "which hold 'p450', 'UDPGT'"
    )
    assert str(error.value).endswith("Nearest to 'P45O': 'p450'. Take ids from the files.")
    wanted = wanted_members("P450", files, ("PF00067", "PF99999"))
    assert [profile.name for profile in wanted.profiles] == ["p450"]
    assert wanted.notes == ("Family P450: its files lack 1 of its members ('PF99999').",)


def test_sequences_of_other_genes_are_refused(study: FlavonoidStudy, tmp_path: Path) -> None:
    file = tmp_path / "other.faa"
    file.write_text(">Zm00001eb000010_P001\nMKVLAAGIVGLPGSGKTT\n", "utf-8")
    read = read_proteins.fn(SourceFile(path=str(file)), study.runtime)
    with pytest.raises(UserError, match=r"other\.faa: wanted ids that fit gene ids .* Give homology\.gene_map"):
        grade_families.fn(study.genes, {}, read, None, ("flavonoids",), study.runtime)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tgroup\nx\tCHS\n", r"members\.tsv: wanted a column 'family'.* found the columns 'id', 'group'"),
        ("id\tfamily\nx\t\n", r"members\.tsv, row 2: wanted a member and a family in every row, found an empty cell"),
    ],
)
def test_a_member_table_needs_members_and_families(
    study: FlavonoidStudy, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "members.tsv").write_text(text, "utf-8")
    given = {"CHS": FamilyConfig.model_validate({"references": "q.faa"})}
    with pytest.raises(TableError, match=message):
        read_members.fn(given, SourceFile(path=str(tmp_path / "members.tsv")), study.runtime)


def test_a_family_that_the_member_table_lacks_keeps_all_of_its_files(study: FlavonoidStudy) -> None:
    given = {
        "CHS": FamilyConfig.model_validate({"references": "queries.faa"}),
        "named": FamilyConfig(references=("queries.faa",), members=("x",)),
        "own": FamilyConfig.model_validate({"references": "own.faa"}),
    }
    read = read_members.fn(given, study.file("query_families.tsv"), study.runtime)
    assert [len(config.members) for config in read.families.values()] == [29, 1, 0]
    assert list(read.families) == list(given)
    assert read.notes == ("query_families.tsv has no members of the family own: all of its files count.",)
