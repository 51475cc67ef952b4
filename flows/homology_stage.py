"""Homology: the genes' sequences read once, each family searched, and everything graded."""

from configs.homology import FamilyConfig
from flows.context import Context
from flows.steps import Step
from tasks import homology, search, sequences
from tasks.records import FamilyEvidence, FamilyFiles, Homology, RunContent, Search, SearchQuestion, SequencesRead


class Searches:
    """The searches of all families, at work; `read` are the sequences, if the study names any."""

    def __init__(
        self,
        families: dict[str, FamilyConfig],
        started: dict[str, Step[tuple[Search, ...]]],
        read: SequencesRead | None,
        notes: tuple[str, ...],
    ) -> None:
        self.families, self.started, self.read, self.notes = families, started, read, notes


def start_searches(run: Context) -> Searches:
    """Read the sequences and start a search of each family that has profiles or references."""
    config, runtime = run.study.homology, run.runtime
    families: dict[str, FamilyConfig] = dict(run.study.families)
    notes: tuple[str, ...] = ()
    if config.member_table:
        named = run.steps.run(sequences.read_members, families, run.file(config.member_table), runtime)
        families, notes = named.families, named.notes
    read = _sequences(run)
    started = {}
    for name, family in families.items():
        if read and family.is_searched:
            started[name] = run.steps.start_as(
                f"search-{name}",
                search.search_family,
                name,
                read.proteins,
                FamilyFiles.of(family, run.file),
                SearchQuestion(
                    members=family.members,
                    max_evalue=family.max_evalue,
                    thresholds=config.thresholds,
                    program=config.program,
                ),
                runtime,
            )
    return Searches(families, started, read, notes)


def grade(run: Context, content: RunContent, searches: Searches) -> Homology:
    """Wait for the searches, and grade every gene in every family."""
    genes, targets, config = content.prepared.raw[run.genes], tuple(content.references.targets), run.study.homology
    families = {
        name: FamilyEvidence(
            config=family,
            listed=bool(run.study.families[name].members),
            tables=tuple(map(run.file, family.table_paths())),
            searches=searches.started[name].result() if name in searches.started else (),
        )
        for name, family in searches.families.items()
    }
    gene_map = run.optional_file(config.gene_map)
    graded = run.steps.run(homology.grade_families, genes, families, searches.read, gene_map, targets, run.runtime)
    said = (*searches.notes, *(searches.read.notes if searches.read else ()), *graded.notes)
    return graded.model_copy(update={"notes": said})


def _sequences(run: Context) -> SequencesRead | None:
    config = run.study.homology
    if config.proteins:
        return run.steps.run(sequences.read_proteins, run.file(config.proteins), run.runtime)
    if config.transcripts:
        file, code, shortest = run.file(config.transcripts), config.genetic_code, config.min_residues
        return run.steps.run(sequences.translate_transcripts, file, code, shortest, run.runtime)
    return None
