"""Looking at gene families without searching: do files, members and ids fit, and what would be searched."""

from pathlib import Path

from configs.artifact import Runtime, SourceFile
from configs.errors import counted
from configs.homology import FamilyConfig
from configs.study import StudyConfig
from tasks import homology, sequences
from tasks.programs import find_program
from tasks.records import FamilyEvidence, FamilyFiles, PreparedStudy, SequencesRead
from tasks.search import wanted_members


def check_families(
    study: StudyConfig, folder: Path, prepared: PreparedStudy, targets: tuple[str, ...], runtime: Runtime
) -> tuple[str, ...]:
    """Read all that tells the members of families, grade what search tables tell; raises what a run would raise."""
    look = _Look(study, folder, runtime)
    families, notes = look.families()
    read = look.sequences()
    searched = [look.search_sentence(name, family, read) for name, family in families.items() if family.is_searched]
    graded = homology.grade_families.fn(
        prepared.raw[study.layer_with("genes")],
        {name: look.evidence(name, family) for name, family in families.items() if family.tables},
        read,
        look.optional(study.homology.gene_map),
        targets,
        runtime,
    )
    found = [
        f"Family {name}: {counted(table.rows or 0, 'gene')} with a hit in its tables."
        for name, table in graded.hits.items()
    ]
    return (*notes, *(read.notes if read else ()), *searched, *found, *graded.notes)


class _Look:
    """The files of a study's families, read without Prefect."""

    def __init__(self, study: StudyConfig, folder: Path, runtime: Runtime) -> None:
        self._study, self._folder, self._runtime = study, folder, runtime

    def file(self, path: str) -> SourceFile:
        return SourceFile(path=str(self._folder / path))

    def optional(self, path: str | None) -> SourceFile | None:
        return None if path is None else self.file(path)

    def families(self) -> tuple[dict[str, FamilyConfig], tuple[str, ...]]:
        """Return the families with their members."""
        table = self._study.homology.member_table
        if table is None:
            return self._study.families, ()
        read = sequences.read_members.fn(self._study.families, self.file(table), self._runtime)
        return read.families, read.notes

    def sequences(self) -> SequencesRead | None:
        """Return the sequences of the genes."""
        config = self._study.homology
        if config.proteins:
            return sequences.read_proteins.fn(self.file(config.proteins), self._runtime)
        if config.transcripts:
            file = self.file(config.transcripts)
            return sequences.translate_transcripts.fn(file, config.genetic_code, config.min_residues, self._runtime)
        return None

    def evidence(self, name: str, family: FamilyConfig) -> FamilyEvidence:
        """Return what is known of a family without a search."""
        tables = tuple(map(self.file, family.table_paths()))
        listed = bool(self._study.families[name].members)
        return FamilyEvidence(config=family, listed=listed, tables=tables, searches=())

    def search_sentence(self, name: str, family: FamilyConfig, read: SequencesRead | None) -> str:
        """Say what a run would search for; raises UserError where it could not."""
        wanted = wanted_members(name, FamilyFiles.of(family, self.file), family.members)
        program = self._study.homology.program
        if wanted.references and program != "phmmer":
            find_program(program)
        parts = [
            *([f"{counted(len(wanted.profiles), 'profile')} by hmmsearch"] if wanted.profiles else []),
            *([f"{counted(len(wanted.references), 'reference protein')} by {program}"] if wanted.references else []),
        ]
        count = read.proteins.rows or 0 if read else 0
        return " ".join(
            (f"Family {name}: a run searches {count:,} proteins with {' and '.join(parts)}.", *wanted.notes)
        )
