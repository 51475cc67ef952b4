"""Stage 5: all evidence fused into one ranking per target."""

import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.ranking import RankingConfig
from tasks.records import EvidenceArtifacts, Ranked
from tasks.stage import stage
from tasks.store import Store


@stage("rank")
def rank_genes(
    genes: Artifact,
    evidence: EvidenceArtifacts,
    annotation: Artifact | None,
    config: RankingConfig,
    runtime: Runtime,
) -> Ranked:
    """Fuse the evidence; every gene of the table is ranked for every target."""
    from models.assembly import EvidenceTables, rank_study

    store = Store(runtime.store)

    def optional(artifact: Artifact | None) -> pd.DataFrame | None:
        return None if artifact is None else store.get_table(artifact)

    tables = EvidenceTables(
        store.get_layer(genes, "genes").feature_ids,
        correlation=store.get_table(evidence.correlation),
        importance=pd.concat([store.get_table(artifact) for artifact in evidence.importance], ignore_index=True),
        refits=store.get_table(evidence.refits),
        homology=optional(evidence.homology),
        bait=optional(evidence.bait),
    )
    described = optional(annotation)
    descriptions = {} if described is None else dict(described.dropna().itertuples(index=False, name=None))
    ranking, weights = rank_study(tables, descriptions, config)
    notes = tuple(_weight_note(target, used, config) for target, used in weights.items())
    return Ranked(ranking=store.put_table(ranking, "ranking"), weights=weights, notes=notes)


def _weight_note(target: str, used: dict[str, float], config: RankingConfig) -> str:
    absent = [name for name in config.weights.model_dump() if name not in used]
    listed = ", ".join(f"{name} {weight:.3f}" for name, weight in used.items())
    missing = (
        f"; the study has no {' and no '.join(absent)} evidence, so the others were renormalised" if absent else ""
    )
    return f"{target}: weights {listed}{missing}."
