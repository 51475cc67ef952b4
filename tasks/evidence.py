"""Evidence by gene and target: correlation with its null, baits, homology."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Runtime
from tasks.records import CorrelationEvidence, PairedLayers, TargetQuestion
from tasks.stage import stage
from tasks.store import Store
from tasks.target_values import evidence_table, target_values
from tasks.workers import correlation_workers

if TYPE_CHECKING:
    from models.design_correlation import DesignCorrelation


@stage("correlation-evidence", version=2)
def correlate_targets(
    layers: PairedLayers, targets: dict[str, tuple[str, ...]], question: TargetQuestion, runtime: Runtime
) -> CorrelationEvidence:
    """Correlate every gene with each target's metabolites: in a study with times as level, rate and lag."""
    from models.correlation import best_partner
    from models.design import Design
    from models.design_correlation import design_correlation

    store, workers, method = Store(runtime.store), correlation_workers(runtime), question.method
    study = target_values(layers, store)
    design, genes = Design.of_samples(study.sheet, layers.shared), study.genes.values
    evidence, tables = [], []
    for target, members in targets.items():
        rows = study.course.shaped(study.members(members))
        best = best_partner(genes, rows.values, method=method, direction=question.direction, workers=workers)
        names = [members[rows.member[index]] if index >= 0 else None for index in best.index]
        evidence.append(evidence_table(target, study.genes.feature_ids, best.rho, best.strength, names))
        tested = np.flatnonzero(best.index >= 0)
        pairs = tested, best.index[tested]
        coefficients = design_correlation(genes, rows.values, pairs, design, method=method, workers=workers)
        shapes = [rows.shape[index] for index in pairs[1]]
        tables.append(_with_best(evidence[-1].iloc[tested], shapes, coefficients))
    return CorrelationEvidence(
        evidence=store.put_table(pd.concat(evidence, ignore_index=True), "evidence"),
        best=store.put_table(pd.concat(tables, ignore_index=True), "target_correlation"),
    )


def _with_best(evidence: pd.DataFrame, shapes: list[str | None], coefficients: "DesignCorrelation") -> pd.DataFrame:
    """Return the evidence of genes that have a best metabolite with its shape and all coefficients of the pair."""
    rows = evidence.reset_index(drop=True).rename(columns={"value": "rho", "detail": "metabolite_id"})
    pairs = rows[["target", "gene_id", "metabolite_id", "rho", "p"]]
    pairs = pairs.assign(shape=pd.Series(shapes, dtype="str"), n_samples=coefficients.n_samples)
    return pd.concat([pairs, coefficients.columns()], axis=1)
