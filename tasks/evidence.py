"""Evidence by gene and target: correlation with its null, baits, homology."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.artifact import Artifact, Runtime, SourceFile
from configs.study import FamilyConfig
from models.layer import Layer
from models.seeds import derived_seed
from tasks.files import file_content
from tasks.folds import fold_roles
from tasks.records import CorrelationEvidence, FoldPlan, Homology, PairedLayers, TargetQuestion
from tasks.stage import stage
from tasks.store import Store
from tasks.workers import BAIT_BLOCK, correlation_workers, usable_cores

if TYPE_CHECKING:
    from models.design_correlation import DesignCorrelation


@stage("correlation-evidence")
def correlate_targets(
    layers: PairedLayers,
    plan: FoldPlan,
    targets: dict[str, tuple[str, ...]],
    question: TargetQuestion,
    seed: int,
    runtime: Runtime,
) -> CorrelationEvidence:
    """Correlate every gene with each target's metabolites, permute whole groups, and refit without each fold.

    In a study with times each metabolite is looked at as level, rate and lag. The null takes the best of all of them
    as well, so that p pays for the choice.
    """
    from models.correlation import best_partner
    from models.design import Design
    from models.design_correlation import design_correlation
    from models.significance import group_permutations, permutation_p
    from models.time_shapes import TimeCourse

    store, workers, shared = Store(runtime.store), correlation_workers(runtime), layers.shared
    method, direction = question.method, question.direction
    gene_layer = store.get_layer(layers.genes, "genes").restricted_to(shared)
    metabolite_layer = store.get_layer(layers.metabolites, "metabolites").restricted_to(shared)
    sheet, genes = store.get_table(layers.sheet), gene_layer.values
    design, course = Design.of_samples(sheet, shared), TimeCourse.of_samples(sheet, shared)
    kept = _kept_samples(store.get_table(plan.table), plan.folds, shared)

    def strongest(keep: npt.NDArray[np.bool_], values: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        shaped = course.taken(keep).shaped(values[:, keep])
        best = best_partner(genes[:, keep], shaped.values, method=method, direction=direction, workers=workers)
        return best.strength

    evidence, refits, tables = [], [], []
    for target, members in targets.items():
        values = metabolite_layer.values[metabolite_layer.positions_of(members)]
        rows = course.shaped(values)
        best = best_partner(genes, rows.values, method=method, direction=direction, workers=workers)
        draws = group_permutations(
            design.groups, count=question.permutations, seed=derived_seed(seed, "permutation", target)
        )
        p = permutation_p(best.strength, genes, rows.values, design.groups, draws, method=method, workers=workers)
        names = [members[rows.member[index]] if index >= 0 else None for index in best.index]
        evidence.append(_evidence(target, gene_layer, best.rho, best.strength, names, p))
        tested = np.flatnonzero(best.index >= 0)
        pairs = tested, best.index[tested]
        coefficients = design_correlation(genes, rows.values, pairs, design, method=method, workers=workers)
        shapes = [rows.shape[index] for index in pairs[1]]
        tables.append(_with_best(evidence[-1].iloc[tested], shapes, coefficients))
        refit = {fold: strongest(keep, values) for fold, keep in kept.items()}
        refits.append(pd.DataFrame({"target": target, "gene_id": gene_layer.feature_ids, **refit}))
    return CorrelationEvidence(
        evidence=store.put_table(pd.concat(evidence, ignore_index=True), "evidence"),
        refits=store.put_table(pd.concat(refits, ignore_index=True), "refits"),
        best=store.put_table(pd.concat(tables, ignore_index=True), "target_correlation"),
    )


@stage("bait-evidence")
def score_baits(genes: Artifact, baits: dict[str, tuple[str, ...]], decay: float, runtime: Runtime) -> Artifact:
    """Score every gene by its mutual rank to each target's known genes, over all samples of the gene layer."""
    from models.arithmetic import Workers
    from models.baits import bait_evidence

    store, workers = Store(runtime.store), Workers(threads=usable_cores(), block=BAIT_BLOCK)
    layer = store.get_layer(genes, "genes")
    tables = []
    for target, ids in baits.items():
        value = bait_evidence(layer.values, layer.positions_of(ids), decay=decay, workers=workers)
        tables.append(_evidence(target, layer, value, value, [None] * len(value), None))
    return store.put_table(pd.concat(tables, ignore_index=True), "evidence")


@stage("homology-evidence")
def grade_families(
    genes: Artifact,
    families: dict[str, FamilyConfig],
    files: dict[str, tuple[SourceFile, ...]],
    targets: tuple[str, ...],
    runtime: Runtime,
) -> Homology:
    """Grade the hits of each family, and give each gene its best grade among the families of each target."""
    from models.homology import grade_family, homology_evidence
    from models.homology_tables import read_hits

    store = Store(runtime.store)
    layer = store.get_layer(genes, "genes")
    graded: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    for name, config in families.items():
        hits = [read_hits(file_content(file), Path(file.path).name) for file in files[name]]
        family = grade_family(hits, layer.feature_ids, family=name, config=config)
        graded[name] = family.table
        notes += family.notes
    tables = []
    for target in targets:
        serving = [name for name, config in families.items() if not config.targets or target in config.targets]
        if serving:
            value, best = homology_evidence(graded, layer.feature_ids, families=serving)
            tables.append(_evidence(target, layer, value, value, list(best), None))
    return Homology(
        hits={name: store.put_table(table, "homology_hits") for name, table in graded.items()},
        evidence=store.put_table(pd.concat(tables, ignore_index=True), "evidence"),
        notes=tuple(notes),
    )


def _kept_samples(
    table: pd.DataFrame, folds: tuple[str, ...], shared: tuple[str, ...]
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return by fold which of the shared samples are not held out."""
    roles = {fold: fold_roles(table, fold) for fold in folds}
    return {fold: np.array([by_sample[sample] != "held_out" for sample in shared]) for fold, by_sample in roles.items()}


def _with_best(evidence: pd.DataFrame, shapes: list[str | None], coefficients: "DesignCorrelation") -> pd.DataFrame:
    """Return the evidence of genes that have a best metabolite with its shape and all coefficients of the pair."""
    rows = evidence.reset_index(drop=True).rename(columns={"value": "rho", "detail": "metabolite_id"})
    pairs = rows[["target", "gene_id", "metabolite_id", "rho", "p"]]
    pairs = pairs.assign(shape=pd.Series(shapes, dtype="str"), n_samples=coefficients.n_samples)
    return pd.concat([pairs, coefficients.columns()], axis=1)


def _evidence(
    target: str,
    layer: Layer,
    value: npt.NDArray[np.floating],
    strength: npt.NDArray[np.floating],
    detail: list[str | None],
    p: npt.NDArray[np.floating] | None,
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": target,
            "gene_id": pd.Series(layer.feature_ids, dtype="str"),
            "value": value,
            "strength": strength,
            "p": np.nan if p is None else p,
            "detail": pd.Series(detail, dtype="str"),
        }
    )
