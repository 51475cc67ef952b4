"""Searching the genes for families: HMMER in process, BLAST+ or DIAMOND where they are installed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from configs.artifact import Artifact, Runtime
from configs.errors import UserError, first_of, nearest
from tasks.files import file_content
from tasks.progress import tell_share
from tasks.records import FamilyFiles, Search, SearchFacts, SearchQuestion
from tasks.stage import stage
from tasks.store import Store
from tasks.workers import usable_cores

if TYPE_CHECKING:
    from pyhmmer.plan7 import HMM

    from models.hits import Hits
    from models.sequences import Protein

_BATCH = 2048
"""Proteins that are held at a time while they are searched."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The profiles and reference proteins of one family, and what to know about them."""

    profiles: tuple["HMM", ...]
    references: tuple["Protein", ...]
    notes: tuple[str, ...]


@stage("search-family", run_name="search-{family}")
def search_family(
    family: str, proteins: Artifact, files: FamilyFiles, question: SearchQuestion, runtime: Runtime
) -> tuple[Search, ...]:
    """Search all proteins for the profiles and for the reference proteins of one family."""
    wanted = wanted_members(family, files, question.members)
    database = _Database(family, proteins, Store(runtime.store))
    parts = [
        *([partial(_by_profiles, wanted.profiles)] if wanted.profiles else []),
        *([partial(_BY[question.program], wanted.references)] if wanted.references else []),
    ]
    return tuple(
        search(database, question, database.progress(number, len(parts)), runtime)
        for number, search in enumerate(parts)
    )


def _by_profiles(
    profiles: "Sequence[Profile]",
    database: "_Database",
    question: SearchQuestion,
    progress: Callable[[int], None],
    runtime: Runtime,
) -> Search:
    from models.hmmer_search import SearchSettings, search_profiles

    del runtime
    settings = SearchSettings(question.max_evalue, question.thresholds, usable_cores())
    found = search_profiles(
        profiles, database.batches, n_proteins=database.n_proteins, settings=settings, progress=progress
    )
    names = [profile.name for profile in profiles]
    return database.kept(found, _in_process("hmmsearch", database, found, len(names)), names)


def _by_phmmer(
    references: "Sequence[Protein]",
    database: "_Database",
    question: SearchQuestion,
    progress: Callable[[int], None],
    runtime: Runtime,
) -> Search:
    from models.hmmer_search import SearchSettings, search_references

    del runtime
    settings = SearchSettings(question.max_evalue, question.thresholds, usable_cores())
    found = search_references(
        references, database.batches, n_proteins=database.n_proteins, settings=settings, progress=progress
    )
    names = [protein.name for protein in references]
    return database.kept(found, _in_process("phmmer", database, found, len(names)), names)


def _by_program(
    references: "Sequence[Protein]",
    database: "_Database",
    question: SearchQuestion,
    progress: Callable[[int], None],
    runtime: Runtime,
) -> Search: ...


def _in_process(program: str, database: "_Database", hits: "Hits", n_queries: int) -> SearchFacts:
    return SearchFacts(
        family=database.family,
        program=program,
        version=f"HMMER of pyhmmer {version('pyhmmer')}",
        commands=(),
        n_queries=n_queries,
        n_sequences=database.n_proteins,
        n_hits=len(hits.frame),
        note=" ".join(hits.notes),
    )


def wanted_members(family: str, files: FamilyFiles, members: tuple[str, ...]) -> Wanted:
    """Read the profiles and references of a family, and keep those that are its members, all where none is named.

    Raises
    ------
    UserError
        The files hold none of the members.
    """
    from models.hmmer_search import profile_names, read_profiles

    from models.sequences import read_proteins

    profiles = [profile for file in files.profiles for profile in read_profiles(file_content(file), _name(file))]
    references = [protein for file in files.references for protein in read_proteins(file_content(file), _name(file))]
    if not members:
        return Wanted(tuple(profiles), tuple(references), ())
    named = set(members)
    chosen = tuple(profile for profile in profiles if named & profile_names(profile))
    known = tuple(protein for protein in references if protein.name in named)
    found = {name for profile in chosen for name in profile_names(profile)} | {protein.name for protein in known}
    absent = [member for member in members if member not in found]
    if len(absent) == len(members):
        there = [profile.name for profile in profiles] + [protein.name for protein in references]
        raise UserError(
            wanted=f"one of the members {first_of(members)}",
            found=f"none of them in {' and '.join(map(_name, (*files.profiles, *files.references)))}, "
            f"which hold {first_of(there)}",
            where=f"families.{family}.members",
            remedy=f"Nearest to {members[0]!r}: {nearest(members[0], there)}. Take ids from the files.",
        )
    notes = (f"Family {family}: its files lack {len(absent)} of its members ({first_of(absent)}).",) if absent else ()
    return Wanted(chosen, known, notes)


class _Database:
    """The proteins that are searched, and how far a search of them has come."""

    def __init__(self, family: str, proteins: Artifact, store: Store) -> None:
        self.family, self.n_proteins = family, proteins.rows or 0
        self._artifact, self._store = proteins, store

    def batches(self) -> "Iterator[Sequence[Protein]]":
        """Yield all proteins, some at a time."""
        from models.sequences import Protein

        for frame in self._store.iterate_table(self._artifact, _BATCH):
            yield [Protein(*row) for row in zip(frame["sequence_id"], frame["sequence"], strict=True)]

    def progress(self, part: int, parts: int) -> Callable[[int], None]:
        """Return what takes note of how many proteins the part of the search from 0 has seen."""
        step = f"search-{self.family}"
        return lambda seen: tell_share(step, (part + seen / self.n_proteins) / parts)

    def kept(self, hits: "Hits", facts: SearchFacts, members: Sequence[str]) -> Search:
        """Keep the hits of a search."""
        return Search(hits=self._store.put_table(hits.frame, "search_hits"), members=tuple(members), facts=facts)
