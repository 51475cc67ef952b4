"""Evidence from known genes: the gene graph, closeness to baits, and genes that homology makes baits."""

import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.ranking import BaitConfig
from configs.study import BaitSource
from tasks.records import BaitEvidence, GeneGraphTables, Homology, References
from tasks.stage import stage
from tasks.store import Store
from tasks.target_values import evidence_table
from tasks.workers import usable_cores


@stage("gene-graph")
def build_gene_graph(genes: Artifact, config: BaitConfig, runtime: Runtime) -> GeneGraphTables:
    """Join genes that are among each other's closest partners, over all samples of the gene layer."""
    from models.arithmetic import Workers
    from models.bait_tables import graph_tables
    from models.baits import whitened_graph

    store = Store(runtime.store)
    layer = store.get_layer(genes, "genes")
    graph = whitened_graph(layer.values, config, Workers(threads=usable_cores()))
    edges, reach = graph_tables(graph, layer.feature_ids)
    return GeneGraphTables(edges=store.put_table(edges, "gene_graph"), reach=store.put_table(reach, "gene_reach"))


@stage("family-baits")
def add_family_baits(
    references: References, sources: dict[str, BaitSource], homology: Homology, genes: Artifact, runtime: Runtime
) -> References:
    """Make baits of the best genes of the families that targets name."""
    from models.references import family_baits

    store = Store(runtime.store)
    layer = store.get_layer(genes, "genes")
    hits = {name: store.get_table(table) for name, table in homology.hits.items()}
    baits, notes = family_baits(references.baits, sources, hits, layer.feature_ids)
    return references.model_copy(update={"baits": baits, "notes": notes})


@stage("bait-evidence", version=2)
def score_baits(
    genes: Artifact, graph: GeneGraphTables, baits: dict[str, tuple[str, ...]], config: BaitConfig, runtime: Runtime
) -> BaitEvidence:
    """Score every gene by its closeness to each target's known genes, over all samples of the gene layer."""
    from models.arithmetic import Workers
    from models.bait_tables import closeness_tables, graph_from, parts_table
    from models.baits import bait_closeness

    store, workers = Store(runtime.store), Workers(threads=usable_cores())
    layer = store.get_layer(genes, "genes")
    partners = graph_from(store.get_table(graph.edges), store.get_table(graph.reach))
    evidence, parts, closeness, notes = [], [], {}, []
    for target, ids in baits.items():
        index = layer.positions_of(ids)
        close = bait_closeness(layer.values, index, config=config, graph=partners, workers=workers)
        value = close.evidence()
        evidence.append(evidence_table(target, layer.feature_ids, value, value, [None] * len(value)))
        parts.append(parts_table(close, layer.feature_ids, target))
        tables = closeness_tables(close, layer.feature_ids)
        closeness[target] = {part: store.put_table(table, "bait_closeness") for part, table in tables.items()}
        notes.append(_note(target, len(close.baits)))
    return BaitEvidence(
        evidence=store.put_table(pd.concat(evidence, ignore_index=True), "evidence"),
        parts=store.put_table(pd.concat(parts, ignore_index=True), "bait_parts"),
        closeness=closeness,
        notes=tuple(notes),
    )


def _note(target: str, n_baits: int) -> str:
    if n_baits == 1:
        return f"{target}: one bait, which therefore has no bait evidence itself."
    return f"{target}: {n_baits} baits; each is scored by the others alone."
