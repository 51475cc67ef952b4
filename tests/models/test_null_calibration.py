"""Whether p and the expected number of false genes hold in simulated studies, correlation and baits together."""

import numpy as np
import pytest

from configs.ranking import BaitConfig, RankingConfig
from models.bait_null import bait_null
from models.baits import bait_closeness, whitened_graph
from models.correlation import best_partner
from models.correlation_null import correlation_null
from models.ranking import TargetEvidence
from models.significance import expression_strata, group_permutations
from models.target_null import null_genes
from models.target_ranking import Judged, NullValues, TargetInputs, judge_target

GENES, MODULES, METABOLITES, LOADING = 300, 10, 4, 0.7
PATHWAY, BAITS = 6, 3
STUDIES, DRAWS = 8, 60
CONFIG = BaitConfig(neighbours=15)
NULL = np.arange(GENES - PATHWAY)
"""Genes that have nothing to do with the baits and metabolites; half of them follow modules."""


def replicated(rng, size, design, icc):
    between = np.repeat(rng.normal(size=(size, design[0])), design[1], axis=1)
    return np.sqrt(icc) * between + np.sqrt(1 - icc) * rng.normal(size=between.shape)


def following(leader, own):
    return np.sqrt(LOADING) * leader + np.sqrt(1 - LOADING) * own


def planted(rng, design, icc):
    """Return genes, the last of them a pathway that begins with its baits, and metabolites that follow it."""
    genes, pathway = replicated(rng, GENES, design, icc), replicated(rng, 1, design, icc)
    half = GENES // 2
    genes[:half] = following(replicated(rng, MODULES, design, icc)[np.arange(half) % MODULES], genes[:half])
    genes[-PATHWAY:] = following(pathway, genes[-PATHWAY:])
    return genes.astype(np.float32), following(pathway, replicated(rng, METABOLITES, design, icc))


def judged(genes, metabolites, design, *, seed) -> Judged:
    """Rank by correlation and baits alone, with default weights and fusion."""
    groups = tuple(f"group {number}" for number in np.repeat(np.arange(design[0]), design[1]))
    baits, graph = GENES - PATHWAY + np.arange(BAITS), whitened_graph(genes, CONFIG)
    close = bait_closeness(genes, baits, config=CONFIG, graph=graph)
    best = best_partner(genes, metabolites)
    strengths = {"correlation": best.strength, "bait": close.evidence()}
    stratum = expression_strata(genes, groups, np.isnan(best.strength))
    chosen = null_genes(stratum, draws=DRAWS, rows=METABOLITES, seed=seed, excluded=baits)
    order = group_permutations(groups, count=DRAWS, seed=seed)
    parts = {
        "correlation": correlation_null(genes[chosen], metabolites, order),
        "bait": bait_null(genes, close, chosen, order, graph=graph, config=CONFIG),
    }
    unnamed = [None] * GENES
    evidence = TargetEvidence("t", strengths, strengths, {}, np.ones(GENES, dtype=np.int64), unnamed, unnamed, unnamed)
    inputs = TargetInputs(
        evidence, NullValues(chosen, parts, stratum, groups), [strengths], baits=None, prepared=np.arange(GENES)
    )
    return judge_target(inputs, RankingConfig(weight_draws=20), seed=seed)


@pytest.mark.parametrize("design", [(7, 3), (12, 2)], ids=["7 groups of 3", "12 groups of 2"])
@pytest.mark.parametrize("icc", [0.0, 0.5, 0.9])
def test_p_holds_its_level_and_false_genes_are_not_too_few(design, icc):
    rng = np.random.default_rng(20240607)
    below, expected, true = np.zeros(2), np.zeros(2), np.zeros(2)
    for number in range(STUDIES):
        found = judged(*planted(rng, design, icc), design, seed=number)
        below += [(found.judgement.p[NULL] < alpha).mean() / STUDIES for alpha in (0.05, 0.01)]
        order = np.argsort(-found.judgement.score, kind="stable")
        table = found.false_in_top.set_index("top")["expected_false"]
        expected += table[[25, 100]].to_numpy() / STUDIES
        true += [np.isin(order[:top], NULL).sum() / STUDIES for top in (25, 100)]
    # A quarter of what is right is the least that a null of any use finds.
    assert 0.0125 < below[0] < 0.06
    assert below[1] < 0.015
    assert (expected >= true).all()
