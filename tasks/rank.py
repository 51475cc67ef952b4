"""Stage 5: all evidence fused into one ranking per target, with how sure it is."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.ranking import CALIBRATED, RankingConfig
from configs.ranking_tables import EVIDENCES
from configs.study import FINAL
from models.arrays import Float64Array
from models.assembly import EvidenceFrames, EvidenceTables
from models.fusion import additive
from models.layer import Layer
from models.target_ranking import Judged, NullValues, TargetInputs, judge_target
from tasks.certainty import closeness_of
from tasks.records import EvidenceArtifacts, FoldPlan, Ranked
from tasks.stage import stage
from tasks.store import Store


@stage("rank", version=2, run_name="rank")
def rank_genes(
    study: tuple[Artifact, Artifact, Artifact],
    plan: FoldPlan,
    evidence: EvidenceArtifacts,
    annotation: Artifact | None,
    config: RankingConfig,
    seed: int,
    runtime: Runtime,
) -> Ranked:
    """Fuse the evidence; every gene of the table is ranked for every target.

    `study` are the genes as they were read, the prepared genes, and the sample sheet.
    """
    from models.ranking import rank_target

    store = Store(runtime.store)
    ranking = _Ranking(study, plan, evidence, config, seed, store)
    described = None if annotation is None else store.get_table(annotation)
    descriptions = {} if described is None else dict(described.dropna().itertuples(index=False, name=None))
    judged, blocks = {}, []
    for target in ranking.tables.targets:
        inputs = ranking.inputs(target)
        judged[target] = ranking.judge(inputs)
        blocks.append(
            rank_target(ranking.tables.gene_ids, inputs.evidence, judged[target].judgement, descriptions=descriptions)
        )
    return _ranked(pd.concat(blocks, ignore_index=True), judged, config, store)


class _Ranking:
    """What the rankings of all targets share."""

    def __init__(
        self,
        study: tuple[Artifact, Artifact, Artifact],
        plan: FoldPlan,
        evidence: EvidenceArtifacts,
        config: RankingConfig,
        seed: int,
        store: Store,
    ) -> None:
        from models.design import Design

        raw, prepared, sheet = study
        self._evidence, self._config, self._seed, self._store = evidence, config, seed, store
        self.tables = EvidenceTables(store.get_layer(raw, "genes").feature_ids, evidence_frames(evidence, store))
        self._genes: Layer = store.get_layer(prepared, "genes")
        self._prepared = self.tables.rows(pd.Index(self._genes.feature_ids)).astype(np.int64)
        self._groups = Design.of_samples(store.get_table(sheet), self._genes.sample_ids).groups
        self._held_out = _folds_without(store.get_table(plan.table))
        refits = evidence.refits
        self._refits = {"correlation": store.get_table(refits.correlation)}
        if refits.bait:
            self._refits["bait"] = store.get_table(refits.bait)

    def inputs(self, target: str) -> TargetInputs:
        """Gather what one target is judged by."""
        evidence, bait = self.tables.of_target(target), self._evidence.bait
        has_baits = bait is not None and target in bait.closeness
        return TargetInputs(
            evidence=evidence,
            null=self._null(target, evidence.strengths),
            refits=self._without_groups(target),
            baits=closeness_of(bait, target, self._store) if bait is not None and has_baits else None,
            prepared=self._prepared,
        )

    def judge(self, inputs: TargetInputs) -> Judged:
        """Judge one target."""
        return judge_target(inputs, self._config, seed=self._seed)

    def _null(self, target: str, strengths: Mapping[str, Float64Array]) -> NullValues:
        from models.significance import expression_strata
        from models.target_null import null_parts

        rows, parts = null_parts(self._store.get_table(self._evidence.null.tables[target]))
        own = [strengths[name][self._prepared] for name in ("correlation", "bait") if name in strengths]
        stratum = np.full(len(self.tables.gene_ids), -1, dtype=np.int64)
        absent = np.all([np.isnan(values) for values in own], axis=0)
        stratum[self._prepared] = expression_strata(self._genes.values, self._groups, absent)
        return NullValues(self._prepared[rows], parts, stratum, self._groups)

    def _without_groups(self, target: str) -> list[dict[str, Float64Array]]:
        """Return by replicate group the strengths without it, those of the networks that did not learn from it."""
        from models.refits import refits_from

        rows = {name: table[table["target"] == target] for name, table in self._refits.items()}
        found = {name: (table["gene_id"], refits_from(table)) for name, table in rows.items() if len(table)}
        refits = []
        for group in dict.fromkeys(group for _, by_group in found.values() for group in by_group):
            changed = self.tables.learnt_without(self._held_out.get(group, frozenset()))
            for name, (genes, by_group) in found.items():
                if group in by_group:
                    changed[name] = self.tables.spread(genes, by_group[group])
            refits.append(changed)
        return refits


def evidence_frames(evidence: EvidenceArtifacts, store: Store) -> EvidenceFrames:
    """Read the tables that evidence comes in."""
    bait = evidence.bait
    return EvidenceFrames(
        correlation=store.get_table(evidence.correlation),
        best=store.get_table(evidence.null.best),
        importance=pd.concat([store.get_table(artifact) for artifact in evidence.importance], ignore_index=True),
        homology=None if evidence.homology is None else store.get_table(evidence.homology),
        bait=None if bait is None else store.get_table(bait.evidence),
        bait_parts=None if bait is None else store.get_table(bait.parts),
    )


def _folds_without(plan: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Return by replicate group the folds whose networks did not learn from it."""
    held_out = plan[(plan["role"] == "held_out") & (plan["fold"] != FINAL)]
    return {str(group): frozenset(rows["fold"]) for group, rows in held_out.groupby("group")}


def _ranked(ranking: pd.DataFrame, judged: dict[str, Judged], config: RankingConfig, store: Store) -> Ranked:
    calibrations = {target: one.calibration for target, one in judged.items() if one.calibration is not None}
    tables = [calibration.table for calibration in calibrations.values()]
    weights = {target: one.weights for target, one in judged.items()}
    notes = [note for target, one in judged.items() for note in (_weight_note(target, one, config), *one.sentences)]
    return Ranked(
        ranking=store.put_table(ranking, "ranking"),
        weights=weights,
        false_in_top=store.put_table(
            pd.concat([one.false_in_top for one in judged.values()], ignore_index=True), "false_in_top"
        ),
        leave_one_out=store.put_table(pd.concat(tables, ignore_index=True), "leave_one_out") if tables else None,
        verdicts={target: calibration.sentences for target, calibration in calibrations.items()},
        notes=tuple(notes),
    )


def _weight_note(target: str, judged: Judged, config: RankingConfig) -> str:
    absent = [name for name in EVIDENCES if name not in judged.weights]
    missing = f"; it has no {' and no '.join(absent)} evidence" if absent else ""
    if not additive(config.fusion):
        counted = ", ".join(name for name, weight in judged.weights.items() if weight > 0)
        return f"{target}: evidence that counts, without weights as the fusion is {config.fusion}: {counted}{missing}."
    listed = ", ".join(f"{name} {weight:.3f}" for name, weight in judged.weights.items())
    calibrated = "calibrated " if config.weights == CALIBRATED and judged.calibration else ""
    return f"{target}: {calibrated}weights {listed}{missing + ', so the others were renormalised' if absent else ''}."
