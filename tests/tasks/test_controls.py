"""Stand-ins of targets and baits, ranked as the real ones are."""

import numpy as np
import pandas as pd

from configs.ranking import RankingConfig, WeightsConfig
from models.fusion import fuse, rank01
from tasks.baits import score_baits
from tasks.controls import choose_controls, score_controls
from tasks.evidence import correlate_targets
from tasks.records import BaitEvidence, Controls, ControlScores, CorrelationEvidence, References
from tests.tasks.small_study import BAIT_CONFIG, BAITS, CONFIG, GENES, QUESTION, TARGETS, SmallStudy


def _chosen(study: SmallStudy, targets: dict[str, tuple[str, ...]] = TARGETS, seed: int = 1) -> Controls:
    references = References(targets=targets, baits=BAITS, notes=())
    return choose_controls.fn(study.layers, references, seed, study.runtime)


def _drawn(study: SmallStudy) -> tuple[CorrelationEvidence, BaitEvidence]:
    chosen = _chosen(study)
    return (
        correlate_targets.fn(study.layers, chosen.targets, QUESTION, study.runtime),
        score_baits.fn(study.layers.genes, study.graph, chosen.baits, BAIT_CONFIG, study.runtime),
    )


def _scored(
    study: SmallStudy,
    correlation: CorrelationEvidence | None,
    bait: BaitEvidence | None,
    config: RankingConfig = CONFIG,
) -> ControlScores:
    ranked = study.ranked if config is CONFIG else study.rank(config)
    return score_controls.fn(study.raw, study.evidence, ranked, correlation, bait, config, study.runtime)


def test_stand_ins_are_as_many_and_not_the_real_ones(small_study: SmallStudy) -> None:
    chosen = _chosen(small_study)
    assert list(chosen.targets) == ["acids", "sugars"]
    assert list(chosen.baits) == ["acids"]
    for drawn, real in ((chosen.targets, TARGETS), (chosen.baits, BAITS)):
        for target, ids in drawn.items():
            assert len(set(ids)) == len(real[target])
            assert not set(ids) & set(real[target])
    assert _chosen(small_study) == chosen
    assert _chosen(small_study, seed=2) != chosen


def test_a_target_of_all_metabolites_has_no_stand_in(small_study: SmallStudy) -> None:
    assert _chosen(small_study, {"all": small_study.metabolites.feature_ids}).targets == {}


def test_controls_are_listed_beside_the_real_scores_and_differ_from_them(small_study: SmallStudy) -> None:
    done = _scored(small_study, *_drawn(small_study))
    table = small_study.table(done.table)
    found = {target: list(rows["control"].unique()) for target, rows in table.groupby("target")}
    assert found == {"acids": ["real", "random_target", "shuffled_baits", "both"], "sugars": ["real", "random_target"]}
    ranking = small_study.table(small_study.ranked.ranking)
    scores = {key: rows["score"].to_numpy() for key, rows in table.groupby(["target", "control"])}
    for target in TARGETS:
        real = ranking.loc[ranking["target"] == target, "score"].dropna().to_numpy()
        np.testing.assert_allclose(scores[target, "real"], real)
        for control in found[target][1:]:
            assert not np.allclose(scores[target, control], real)
    assert scores["acids", "both"][:6].mean() < scores["acids", "real"][:6].mean()
    assert list(done.sentences) == ["acids", "sugars"]
    assert "with random metabolites and random genes as baits" in done.sentences["acids"]


def test_a_control_is_the_same_fusion_with_the_evidence_of_the_stand_in(small_study: SmallStudy) -> None:
    correlation, _ = _drawn(small_study)
    done = _scored(small_study, correlation, None)
    table = small_study.table(done.table)
    other = small_study.table(correlation.evidence)
    ranking = small_study.table(small_study.ranked.ranking)
    own = ranking[ranking["target"] == "sugars"].set_index("gene_id").loc[[*GENES, "constant"]]
    ranks = {name: rank01(own[name]) for name in ("autoencoder", "graph", "homology")}
    ranks["correlation"] = rank01(np.append(other.loc[other["target"] == "sugars", "strength"], np.nan))
    score = fuse(ranks, small_study.ranked.weights["sugars"], "log_tail")
    listed = table[(table["target"] == "sugars") & (table["control"] == "random_target")]
    np.testing.assert_allclose(listed["score"], np.sort(score)[::-1], rtol=1e-12)


def test_evidence_that_weighs_nothing_has_no_control(small_study: SmallStudy) -> None:
    correlation, bait = _drawn(small_study)
    done = _scored(small_study, correlation, bait, CONFIG.model_copy(update={"weights": WeightsConfig(bait=0)}))
    assert small_study.table(done.table)["control"].unique().tolist() == ["real", "random_target"]
    neither = WeightsConfig(correlation=0, bait=0)
    done = _scored(small_study, correlation, bait, CONFIG.model_copy(update={"weights": neither}))
    assert done == ControlScores(table=None, sentences={})


def test_a_stand_in_that_correlates_with_nothing_is_no_control(small_study: SmallStudy) -> None:
    correlation, _ = _drawn(small_study)
    none = small_study.table(correlation.evidence).assign(value=np.nan, strength=np.nan)
    empty = correlation.model_copy(update={"evidence": small_study.store.put_table(pd.DataFrame(none), "evidence")})
    only = WeightsConfig(correlation=1, autoencoder=0, graph=0, homology=0, bait=0)
    done = _scored(small_study, empty, None, CONFIG.model_copy(update={"weights": only}))
    assert done.table is None


def test_without_any_stand_in_there_is_no_table(small_study: SmallStudy) -> None:
    assert _scored(small_study, None, None) == ControlScores(table=None, sentences={})
