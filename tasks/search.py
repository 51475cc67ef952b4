"""Searching the genes for families: HMMER in process, BLAST+ or DIAMOND where they are installed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from configs.artifact import Artifact, Runtime
from configs.errors import first_of
from tasks.files import file_content
from tasks.programs import run_program
from tasks.progress import tell_share
from tasks.records import FamilyFiles, Search, SearchFacts, SearchQuestion
from tasks.stage import stage
from tasks.store import Store
from tasks.workers import usable_cores

if TYPE_CHECKING:
    from models.hits import Hits
    from models.hmmer_search import SearchSettings
    from models.profiles import Profile
    from models.sequences import Protein

_BATCH = 2048
"""Proteins that are held at a time while they are searched."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The profiles and reference proteins of one family, and what to know about them."""

    profiles: tuple["Profile", ...]
    references: tuple["Protein", ...]
    notes: tuple[str, ...]


@stage("search-family", run_name="search-{family}")
def search_family(
    family: str, proteins: Artifact, files: FamilyFiles, question: SearchQuestion, runtime: Runtime
) -> tuple[Search, ...]:
    """Search all proteins for the profiles and for the reference proteins of one family."""
    wanted = wanted_members(family, files, question.members)
    database = _Database(family, proteins, question, runtime)
    parts = [
        *([partial(database.by_profiles, wanted.profiles)] if wanted.profiles else []),
        *([partial(database.by_references, wanted.references)] if wanted.references else []),
    ]
    return tuple(search(_Progress(f"search-{family}", number, len(parts))) for number, search in enumerate(parts))


def wanted_members(family: str, files: FamilyFiles, members: tuple[str, ...]) -> Wanted:
    """Read the profiles and references of a family, and keep those that are its members, all where none is named.

    Raises
    ------
    UserError
        The files hold none of the members.
    """
    from models.matching import no_member
    from models.profiles import profile_names, read_profiles
    from models.sequences import read_proteins

    profiles = [profile for file in files.profiles for profile in read_profiles(file_content(file), file.name)]
    references = [protein for file in files.references for protein in read_proteins(file_content(file), file.name)]
    if not members:
        return Wanted(tuple(profiles), tuple(references), ())
    named = set(members)
    chosen = tuple(profile for profile in profiles if named & profile_names(profile))
    known = tuple(protein for protein in references if protein.name in named)
    found = {name for profile in chosen for name in profile_names(profile)} | {protein.name for protein in known}
    absent = [member for member in members if member not in found]
    if len(absent) == len(members):
        there = [profile.name for profile in profiles] + [protein.name for protein in references]
        place = " and ".join(file.name for file in (*files.profiles, *files.references))
        raise no_member(members, there, family=family, place=place, kind="files")
    notes = (f"Family {family}: its files lack {len(absent)} of its members ({first_of(absent)}).",) if absent else ()
    return Wanted(chosen, known, notes)


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far one of the searches of a step has come, counted from 0."""

    step: str
    number: int
    n_searches: int

    def tell(self, seen: int, n_proteins: int) -> None:
        """Say how many proteins the search has seen."""
        tell_share(self.step, (self.number + seen / n_proteins) / self.n_searches)


class _Database:
    """The proteins of the genes, to be searched for one family."""

    def __init__(self, family: str, proteins: Artifact, question: SearchQuestion, runtime: Runtime) -> None:
        self._family, self._proteins, self._question, self._runtime = family, proteins, question, runtime
        self._store, self._n_proteins = Store(runtime.store), proteins.rows or 0

    def by_profiles(self, profiles: "Sequence[Profile]", progress: _Progress) -> Search:
        """Search with hmmsearch in process."""
        from models.hmmer_search import search_profiles

        found = search_profiles(
            profiles,
            self._batches,
            n_proteins=self._n_proteins,
            settings=self._settings(),
            progress=lambda seen: progress.tell(seen, self._n_proteins),
        )
        return self._kept(found, [profile.name for profile in profiles], "hmmsearch", _hmmer_version(), ())

    def by_references(self, references: "Sequence[Protein]", progress: _Progress) -> Search:
        """Search with phmmer in process, or with the program that the study names."""
        from models.hmmer_search import search_references

        program, names = self._question.program, [protein.name for protein in references]
        if program == "phmmer":
            found = search_references(
                references,
                self._batches,
                n_proteins=self._n_proteins,
                settings=self._settings(),
                progress=lambda seen: progress.tell(seen, self._n_proteins),
            )
            return self._kept(found, names, program, _hmmer_version(), ())
        hits, run = run_program(
            program,
            ((protein.name, protein.sequence) for protein in references),
            ((protein.name, protein.sequence) for batch in self._batches() for protein in batch),
            max_evalue=self._question.max_evalue,
            cores=usable_cores(),
            timeout_seconds=self._runtime.timeout_seconds,
        )
        return self._kept(hits, names, program, run.version, run.commands)

    def _settings(self) -> "SearchSettings":
        from models.hmmer_search import SearchSettings

        return SearchSettings(self._question.max_evalue, self._question.thresholds, usable_cores())

    def _batches(self) -> "Iterator[Sequence[Protein]]":
        """Yield all proteins, some at a time."""
        from models.sequences import Protein

        for frame in self._store.iterate_table(self._proteins, _BATCH):
            yield [Protein(*row) for row in zip(frame["sequence_id"], frame["sequence"], strict=True)]

    def _kept(
        self, hits: "Hits", members: Sequence[str], program: str, version: str, commands: tuple[str, ...]
    ) -> Search:
        facts = SearchFacts(
            family=self._family,
            program=program,
            version=version,
            commands=commands,
            n_queries=len(members),
            n_sequences=self._n_proteins,
            n_hits=hits.frame["subject"].nunique(),
            note=" ".join(hits.notes),
        )
        return Search(hits=self._store.put_table(hits.frame, "search_hits"), members=tuple(members), facts=facts)


def _hmmer_version() -> str:
    return f"of pyhmmer {version('pyhmmer')}"
