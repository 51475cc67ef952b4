"""Negative controls: the ranking again with a random target of matched variance, and with shuffled baits."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.ranking import RankingConfig
from models.arrays import Float64Array
from models.seeds import derived_seed
from tasks.records import (
    BaitEvidence,
    Controls,
    ControlScores,
    CorrelationEvidence,
    EvidenceArtifacts,
    PairedLayers,
    Ranked,
    References,
)
from tasks.stage import stage
from tasks.store import Store


@stage("choose-controls")
def choose_controls(layers: PairedLayers, references: References, seed: int, runtime: Runtime) -> Controls:
    """Draw metabolites that vary like each target's, and genes that are expressed like its baits."""
    from models.negative_controls import random_target, shuffled_baits

    store = Store(runtime.store)
    genes, metabolites = store.get_layer(layers.genes, "genes"), store.get_layer(layers.metabolites, "metabolites")
    targets, baits = {}, {}
    for target, members in references.targets.items():
        rows = metabolites.positions_of(members)
        drawn = random_target(metabolites.values, rows, seed=derived_seed(seed, "random target", target))
        if drawn is not None:
            targets[target] = tuple(metabolites.feature_ids[row] for row in drawn)
    for target, ids in references.baits.items():
        rows = genes.positions_of(ids)
        drawn = shuffled_baits(genes.values, rows, seed=derived_seed(seed, "shuffled baits", target))
        if drawn is not None:
            baits[target] = tuple(genes.feature_ids[row] for row in drawn)
    return Controls(targets=targets, baits=baits)


@stage("score-controls")
def score_controls(
    genes: Artifact,
    evidence: EvidenceArtifacts,
    ranked: Ranked,
    correlation: CorrelationEvidence | None,
    bait: BaitEvidence | None,
    config: RankingConfig,
    runtime: Runtime,
) -> ControlScores:
    """Fuse the controls as the targets were fused, and say how the best scores compare."""
    from models.assembly import EvidenceTables
    from models.negative_controls import control_sentence, control_table
    from tasks.rank import evidence_frames

    store = Store(runtime.store)
    tables = EvidenceTables(store.get_layer(genes, "genes").feature_ids, evidence_frames(evidence, store))
    drawn = {
        "correlation": None if correlation is None else store.get_table(correlation.evidence),
        "bait": None if bait is None else store.get_table(bait.evidence),
    }
    parts, sentences = [], {}
    for target in tables.targets:
        strengths = tables.of_target(target).strengths
        changed = {
            name: tables.columns(table, target, ("strength",))["strength"]
            for name, table in drawn.items()
            if table is not None and name in strengths and (table["target"] == target).any()
        }
        scores = _scores(strengths, changed, ranked.weights[target], config)
        if len(scores) > 1:
            parts.append(control_table(target, scores))
            sentences[target] = control_sentence(target, scores)
    table = store.put_table(pd.concat(parts, ignore_index=True), "negative_controls") if parts else None
    return ControlScores(table=table, sentences=sentences)


def _scores(
    strengths: Mapping[str, Float64Array],
    changed: Mapping[str, Float64Array],
    weights: Mapping[str, float],
    config: RankingConfig,
) -> dict[str, Float64Array]:
    """Return the fused score of all genes for the real target and for each control that can be run."""
    from models.fusion import fuse, rank01

    names = {"correlation": "random_target", "bait": "shuffled_baits"}
    replaced = {"real": {}, **{names[name]: {name: values} for name, values in changed.items()}}
    if len(changed) > 1:
        replaced["both"] = dict(changed)
    found = {}
    for control, other in replaced.items():
        usable = {name: values for name, values in {**strengths, **other}.items() if not np.isnan(values).all()}
        found[control] = fuse({name: rank01(values) for name, values in usable.items()}, weights, config.fusion)
    return found
