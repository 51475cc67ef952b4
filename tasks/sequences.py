"""Sequences of the genes, read once for all families, and the members that a table gives to families."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import pandas as pd

from configs.artifact import Runtime, SourceFile
from configs.homology import FamilyConfig
from tasks.files import file_content
from tasks.records import FamiliesRead, SequencesRead
from tasks.stage import stage
from tasks.store import Store

if TYPE_CHECKING:
    from models.sequences import Protein

_BATCH = 4096
"""Sequences that are held at a time while a file is read."""


@stage("read-proteins")
def read_proteins(file: SourceFile, runtime: Runtime) -> SequencesRead:
    """Read a protein FASTA."""
    from models.sequences import read_proteins as read

    name = file.name
    proteins = Store(runtime.store).put_tables(_frames(read(file_content(file), name)), "proteins")
    return SequencesRead(proteins=proteins, file=name, left_out=0, notes=())


@stage("translate-transcripts")
def translate_transcripts(file: SourceFile, genetic_code: int, min_residues: int, runtime: Runtime) -> SequencesRead:
    """Read a transcript FASTA and keep the longest reading frame of each."""
    from models.sequences import translate_transcripts as translate

    name = file.name
    short = _Short()
    frames = translate(file_content(file), name, genetic_code=genetic_code, min_residues=min_residues)
    proteins = Store(runtime.store).put_tables(_frames(short.without(frames)), "proteins")
    note = f"{name}: the longest reading frame of {proteins.rows or 0:,} transcripts was taken as their protein."
    if short.count:
        have = "has none" if short.count == 1 else "have none"
        were = "was" if short.count == 1 else "were"
        note += f" {short.count:,} {have} of {min_residues} residues and {were} left out."
    return SequencesRead(proteins=proteins, file=name, left_out=short.count, notes=(note,))


class _Short:
    """Counts the transcripts that have no protein."""

    def __init__(self) -> None:
        self.count = 0

    def without(self, proteins: "Iterable[Protein]") -> "Iterator[Protein]":
        for protein in proteins:
            if protein.sequence:
                yield protein
            else:
                self.count += 1


def _frames(proteins: "Iterable[Protein]") -> Iterator[pd.DataFrame]:
    """Yield tables of the contract `proteins`, at least one."""
    iterator = iter(proteins)
    first = True
    while (batch := list(islice(iterator, _BATCH))) or first:
        first = False
        columns = {"sequence_id": [one.name for one in batch], "sequence": [one.sequence for one in batch]}
        yield pd.DataFrame(columns, dtype="str")


@stage("read-members")
def read_members(families: dict[str, FamilyConfig], file: SourceFile, runtime: Runtime) -> FamiliesRead:
    """Give each family without members of its own those that a table names."""
    del runtime
    from models.members import members_by_family

    name = file.name
    named = members_by_family(file_content(file), name)
    given = {family: config for family, config in families.items() if not config.members}
    found = {family: config.model_copy(update={"members": named.get(family, ())}) for family, config in given.items()}
    without = [family for family, config in found.items() if not config.members]
    notes = [f"{name} has no members of the family {family}: all of its files count." for family in without]
    return FamiliesRead(families={**families, **found}, notes=tuple(notes))
