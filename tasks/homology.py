"""Homology as evidence: every gene graded in every family, families compared, targets served."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime, SourceFile
from configs.homology import FamilyConfig, SearchTable
from models.hits import Hits
from tasks.files import file_content
from tasks.records import FamilyEvidence, Homology, Search, SequencesRead
from tasks.stage import stage
from tasks.store import Store
from tasks.target_values import evidence_table

if TYPE_CHECKING:
    from models.gene_ids import GeneIds


@stage("homology-evidence", version=2)
def grade_families(
    genes: Artifact,
    families: dict[str, FamilyEvidence],
    sequences: SequencesRead | None,
    gene_map: SourceFile | None,
    targets: tuple[str, ...],
    runtime: Runtime,
) -> Homology:
    """Grade the hits of each family, and give each gene its best grade among the families of each target."""
    from models.family_margins import compare_families
    from models.gene_ids import GeneIds
    from models.gene_map import read_gene_map
    from models.homology import grade_family, homology_evidence

    store = Store(runtime.store)
    gene_ids = store.get_layer(genes, "genes").feature_ids
    aliases = read_gene_map(file_content(gene_map), gene_map.name) if gene_map else {}
    known = GeneIds.of(gene_ids, aliases)
    lengths, said = _sequence_lengths(sequences, known, store)
    notes = [*known.notes, *said]
    graded = {}
    for name, family in families.items():
        hits, config = _all_hits(family, store), _with_searched_members(family)
        graded[name] = grade_family(hits, known, family=name, config=config, lengths=lengths, listed=family.listed)
        notes += graded[name].notes
    tables, best = compare_families({name: family.table for name, family in graded.items()})
    serving = {target: _serving(families, target) for target in targets}
    evidence = [
        evidence_table(target, gene_ids, value, value, list(family))
        for target, names in serving.items()
        if names
        for value, family in [homology_evidence(tables, gene_ids, families=names)]
    ]
    return Homology(
        hits={name: store.put_table(table, "homology_hits") for name, table in tables.items()},
        domains={name: store.put_table(family.domains, "homology_domains") for name, family in graded.items()},
        gene_families=store.put_table(best, "gene_families"),
        serving=serving,
        evidence=store.put_table(_joined(evidence), "evidence"),
        searches=tuple(search.facts for family in families.values() for search in family.searches),
        notes=tuple(notes),
    )


def _all_hits(family: FamilyEvidence, store: Store) -> list[Hits]:
    """Return the hits of the tables that were given and of the searches that were run."""
    from models.homology_tables import read_hits

    columns = [table.columns if isinstance(table, SearchTable) else None for table in family.config.tables]
    given = [
        read_hits(file_content(file), file.name, columns=names)
        for file, names in zip(family.tables, columns, strict=True)
    ]
    return [*given, *(_searched_hits(search, store) for search in family.searches)]


def _searched_hits(search: Search, store: Store) -> Hits:
    """Return the hits of a search that was run; profiles and references are its queries."""
    facts, table = search.facts, store.get_table(search.hits)
    name = f"{facts.program} of {facts.family}"
    if facts.program in {"hmmsearch", "phmmer"}:
        return Hits(table, "domtblout", name, profile_side="query", thresholds_applied=True)
    return Hits(table, "blast", name, thresholds_applied=True)


def _with_searched_members(family: FamilyEvidence) -> FamilyConfig:
    """Return the family with the ids that are members in search tables: those named, and those searched for.

    Searches that were run hold nothing but members, so that without tables nothing is left to tell.
    """
    config = family.config
    searched = (name for search in family.searches for name in search.members)
    members = tuple(dict.fromkeys((*config.members, *searched))) if config.members and family.tables else ()
    return config.model_copy(update={"members": members})


def _serving(families: dict[str, FamilyEvidence], target: str) -> tuple[str, ...]:
    chosen = ((name, family.config.targets) for name, family in families.items())
    return tuple(name for name, targets in chosen if not targets or target in targets)


def _sequence_lengths(
    sequences: SequencesRead | None, known: "GeneIds", store: Store
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the residues of each sequence, and how many sequences join genes; raises UserError where none does."""
    from models.gene_ids import require_joined

    if sequences is None:
        return {}, ()
    table = store.get_table(sequences.proteins)
    join = known.join(table["sequence_id"])
    require_joined(join, sequences.file, known)
    lengths = dict(zip(table["sequence_id"], table["sequence"].str.len().tolist(), strict=True))
    return lengths, (join.sentence(sequences.file),)


def _joined(evidence: list[pd.DataFrame]) -> pd.DataFrame:
    """Return one table; an empty one where no family serves any target, as when none is graded yet."""
    return pd.concat(evidence, ignore_index=True) if evidence else evidence_table("", (), np.empty(0), np.empty(0), [])
