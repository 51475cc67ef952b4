"""Planted evidence on one target: p against a plain computation, and what may not change it."""

from dataclasses import replace

import numpy as np
import pytest

from configs.errors import UserError
from configs.ranking import RankingConfig, WeightsConfig
from configs.tables import CONTRACTS
from models.baits import BaitCloseness
from models.rank_aggregation import rank_aggregation_p
from models.ranking import TargetEvidence
from models.target_ranking import NullValues, TargetInputs, judge_target

N_GENES, N_DRAWS = 60, 20
NULL_GENES = np.arange(3, N_GENES, 4)
GROUPS = tuple(f"group {number}" for number in range(10))
FUSIONS = ("log_tail", "linear", "reciprocal", "rra")
ON_TARGET = ("correlation", "bait")


def evidence(strengths):
    size = len(strengths["correlation"])
    nobody = [None] * size
    return TargetEvidence("acids", strengths, strengths, {}, np.zeros(size, np.int64), nobody, nobody, nobody)


def planted(*, baits=True, **changes):
    """Return evidence with the first three genes on top; gene 59 has none, 58 no correlation and 57 no homology."""
    rng = np.random.default_rng(11)
    names = ("correlation", "autoencoder", "graph", "homology", "bait")
    strengths = {name: rng.random(N_GENES) for name in names}
    for name in ON_TARGET:
        strengths[name][:3] += 1
    strengths["correlation"][58] = np.nan
    strengths["homology"][57] = np.nan
    for values in strengths.values():
        values[59] = np.nan
    parts = {name: rng.random((N_DRAWS, len(NULL_GENES))).astype(np.float32) * 1.2 for name in ON_TARGET}
    stratum = np.arange(N_GENES) % 3
    stratum[59] = -1
    if not baits:
        del strengths["bait"], parts["bait"]
    inputs = TargetInputs(
        evidence=evidence(strengths),
        null=NullValues(NULL_GENES, parts, stratum, GROUPS),
        refits=[{"correlation": rng.permutation(strengths["correlation"])}, {}, {"homology": strengths["graph"]}],
        baits=None,
        prepared=np.arange(N_GENES),
    )
    return replace(inputs, **changes)


def with_strengths(inputs, **changes):
    return replace(inputs, evidence=evidence({**inputs.evidence.strengths, **changes}))


def with_baits(inputs, n_baits):
    """Return inputs with closeness to the first genes as baits."""
    rng = np.random.default_rng(5)
    close = rng.random((N_GENES, n_baits)).astype(np.float32)
    close[:n_baits] += 1
    close[np.arange(n_baits), np.arange(n_baits)] = np.nan
    baits = BaitCloseness(np.arange(n_baits), {"whitened": close, "propagation": close}, close)
    return replace(with_strengths(inputs, bait=baits.evidence()), baits=baits)


def judged(inputs, fusion="log_tail", **config):
    return judge_target(inputs, RankingConfig(fusion=fusion, weight_draws=20, **config), seed=7)


def share_below(observed, value):
    """Return the rank that a value has among those observed, which is that of the best gene at most."""
    known = observed[~np.isnan(observed)]
    return min(np.count_nonzero(known < value), len(known) - 1) / len(known)


def added(rank, fusion, n_genes):
    if fusion == "log_tail":
        return -np.log(1 - rank)
    return rank if fusion == "linear" else 1 / (60 + n_genes * (1 - rank))


def plain_part(strengths, values, weights, fusion):
    """Fuse one gene's correlation and bait evidence by hand; values are its own or those of a draw."""
    known = {name: value for name, value in values.items() if not np.isnan(value)}
    if not known:
        return np.nan
    if fusion == "rra":
        places = [[1 - share_below(strengths[name], value)] for name, value in known.items()]
        return -np.log10(rank_aggregation_p(np.array(places))[0])
    total = 0.0
    for name in values:
        n_genes = np.count_nonzero(~np.isnan(strengths[name]))
        if name in known:
            part = added(share_below(strengths[name], known[name]), fusion, n_genes)
        else:  # the mean over all genes, whose strengths differ
            part = np.mean([added(place / n_genes, fusion, n_genes) for place in range(n_genes)])
        total += weights[name] * part
    return total


def plain_p(inputs, weights, fusion):
    """Count null values that reach a gene's own, gene by gene."""
    strengths, null = inputs.evidence.strengths, inputs.null
    names = [name for name in ON_TARGET if name in strengths]
    shares = {name: weights[name] for name in names}
    drawn = np.array(
        [
            [
                plain_part(strengths, {name: float(null.parts[name][draw, place]) for name in names}, shares, fusion)
                for place in range(len(null.genes))
            ]
            for draw in range(len(next(iter(null.parts.values()))))
        ]
    )
    p = np.full(len(null.stratum), np.nan)
    for gene, stratum in enumerate(null.stratum):
        own = plain_part(strengths, {name: strengths[name][gene] for name in names}, shares, fusion)
        pool = drawn[:, null.stratum[null.genes] == stratum]
        pool = pool[~np.isnan(pool)]
        if not np.isnan(own):
            p[gene] = (1 + np.count_nonzero(pool >= own - 1e-12)) / (1 + pool.size)
    return p


@pytest.mark.parametrize("baits", [True, False])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_p_is_that_of_a_plain_count(fusion, baits):
    inputs = planted(baits=baits)
    done = judged(inputs, fusion)
    np.testing.assert_allclose(done.judgement.p, plain_p(inputs, done.weights, fusion), rtol=1e-12)
    assert np.isnan(done.judgement.p).nonzero()[0].tolist() == ([59] if baits else [58, 59])
    assert done.judgement.p[:3].max() < np.nanmedian(done.judgement.p[3:])


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_draw_without_a_value_counts_as_a_gene_without_one(fusion):
    inputs = planted()
    parts = {name: values.copy() for name, values in inputs.null.parts.items()}
    parts["correlation"][::3] = np.nan
    parts["bait"][::6] = np.nan
    inputs = replace(inputs, null=replace(inputs.null, parts=parts))
    done = judged(inputs, fusion)
    np.testing.assert_allclose(done.judgement.p, plain_p(inputs, done.weights, fusion), rtol=1e-12)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_evidence_that_no_permutation_moves_cannot_change_p(fusion):
    before = judged(planted(), fusion)
    rng = np.random.default_rng(3)
    others = {name: np.append(rng.permutation(N_GENES - 1) * 1.0, np.nan) for name in ("autoencoder", "homology")}
    after = judged(with_strengths(planted(), **others), fusion)
    assert not np.allclose(before.judgement.score[:-1], after.judgement.score[:-1])
    np.testing.assert_array_equal(before.judgement.p, after.judgement.p)


def test_a_weight_of_zero_takes_evidence_out_of_p():
    weights = WeightsConfig(bait=0)
    with_bait = judged(planted(), weights=weights)
    np.testing.assert_array_equal(with_bait.judgement.p, judged(planted(baits=False), weights=weights).judgement.p)
    assert with_bait.weights["bait"] == 0


@pytest.mark.parametrize("fusion", FUSIONS)
def test_where_evidence_on_the_target_weighs_nothing_there_is_no_p(fusion):
    done = judged(planted(), fusion, weights=WeightsConfig(correlation=0, bait=0))
    assert np.isnan(done.judgement.p).all()
    assert np.isnan(done.judgement.score).nonzero()[0].tolist() == [59]
    assert done.sentences == ()
    # Chance on the target moves no gene: all of the top, and what ties with its last gene, would be there without it.
    assert (done.false_in_top["expected_false"] >= done.false_in_top["top"]).all()
    assert (done.false_in_top["share"] == 1).all()


def test_a_gene_whose_only_evidence_on_the_target_weighs_nothing_has_no_p_and_counts_in_full():
    inputs = planted()
    strengths = inputs.evidence.strengths
    best = {name: strengths[name].copy() for name in ("autoencoder", "graph", "homology")}
    for values in best.values():
        values[58] = 9
    inputs = with_strengths(inputs, **best)  # without a correlation
    weights = WeightsConfig(correlation=0.02, autoencoder=0.5, graph=0.5, homology=0.5, bait=0)
    done = judged(inputs, "linear", weights=weights)
    assert np.nanargmax(done.judgement.score) == 58
    assert np.isnan(done.judgement.p[58])
    assert (done.false_in_top["expected_false"] >= 1).all()


def test_all_weight_on_what_is_not_there_is_an_error():
    only = WeightsConfig(correlation=0, autoencoder=0, graph=0, homology=0, bait=1)
    with pytest.raises(UserError, match=r"ranking\.weights: (.|\n)* only, each with weight 0"):
        judged(planted(baits=False), weights=only)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("baits", [0, 2, 4])
def test_every_fusion_runs_and_says_how_sure_it_is(fusion, baits):
    inputs = with_baits(planted(), baits) if baits else planted(baits=False)
    done = judged(inputs, fusion)
    found = done.judgement
    scored = ~np.isnan(found.score)
    assert scored.sum() == (N_GENES if baits else N_GENES - 1)  # baits reach gene 59 too
    assert (found.rank_low <= found.rank_high).all()
    assert ((found.rank_low >= 1) & (found.rank_high <= N_GENES)).all()
    for values in (found.stability, found.weight_stability, found.rra_p[scored]):
        assert ((values >= 0) & (values <= 1)).all()
    table, contract = done.false_in_top, CONTRACTS["false_in_top"]
    assert table.columns.tolist() == [column.name for column in contract.columns]
    assert table["top"].tolist() == [10, 25, 50]
    assert table["share"].between(0, 1).all()
    assert sum(done.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize("n_baits", [2, 3])
def test_weights_are_calibrated_from_three_baits_on(n_baits):
    inputs = with_baits(planted(), n_baits)
    done = judged(inputs, weights="calibrated")
    given = judged(inputs)
    if n_baits < 3:
        assert done.calibration is None
        assert done.weights == given.weights
        assert done.sentences[0] == (
            "acids: weights cannot be calibrated with fewer than 3 baits; the default weights are used."
        )
    else:
        assert done.calibration is not None
        assert done.weights == pytest.approx(done.calibration.weights)
        assert done.weights != given.weights
        assert given.calibration is not None  # left-out baits are told of in any case
        assert not any("cannot be calibrated" in sentence for sentence in done.sentences)


def test_calibration_looks_up_baits_among_all_genes_of_the_study():
    """The prepared layer lacks the first ten genes, so that bait 0 of it is gene 10."""
    inputs = with_baits(planted(), 3)
    prepared = np.arange(10, N_GENES)
    close = {name: part[:-10] for name, part in inputs.baits.parts.items()}
    baits = BaitCloseness(inputs.baits.baits, close, inputs.baits.mutual_rank[:-10])
    bait = np.full(N_GENES, np.nan)
    bait[prepared] = baits.evidence()
    top = np.zeros(N_GENES)
    top[10:13] = [3, 2, 1]
    done = judged(replace(with_strengths(inputs, bait=bait, homology=top), baits=baits, prepared=prepared))
    rows = done.calibration.table.set_index("method")
    assert rows.loc["homology", "median_rank"] == 2


def test_a_target_without_any_correlation_is_judged_by_its_baits():
    inputs = with_strengths(planted(), correlation=np.full(N_GENES, np.nan))
    null = replace(inputs.null, parts={"bait": inputs.null.parts["bait"]})
    inputs = replace(inputs, null=null, refits=[{}, {"correlation": inputs.evidence.strengths["correlation"]}])
    for fusion in FUSIONS:
        done = judged(inputs, fusion)
        assert sorted(done.weights) == ["autoencoder", "bait", "graph", "homology"]
        assert np.isnan(done.judgement.p).nonzero()[0].tolist() == [59]
        assert done.judgement.p[:3].max() < np.nanmedian(done.judgement.p)
        alone = judged(replace(inputs, evidence=evidence_without(inputs, "correlation"), refits=[{}, {}]), fusion)
        np.testing.assert_array_equal(done.judgement.p, alone.judgement.p)
        np.testing.assert_array_equal(done.judgement.score, alone.judgement.score)
        np.testing.assert_array_equal(done.judgement.rank_high, alone.judgement.rank_high)


def evidence_without(inputs, name):
    strengths = {other: values for other, values in inputs.evidence.strengths.items() if other != name}
    return replace(inputs.evidence, strengths=strengths, values=strengths)


def test_without_refits_stability_is_not_known():
    found = judged(planted(refits=[])).judgement
    assert np.isnan([found.stability, found.rank_low, found.rank_high]).all()
    assert not np.isnan(found.p[:3]).any()


def test_a_refit_that_leaves_nothing_to_fuse_does_not_count():
    nothing = {"correlation": np.full(N_GENES, np.nan)}
    only = WeightsConfig(correlation=1, autoencoder=0, graph=0, homology=0, bait=0)
    lame = judged(planted(baits=False, refits=[{}, nothing]), weights=only).judgement
    sound = judged(planted(baits=False, refits=[{}]), weights=only).judgement
    np.testing.assert_array_equal(lame.stability, sound.stability)
    np.testing.assert_array_equal(lame.rank_high, sound.rank_high)


def test_where_every_gene_is_a_bait_no_gene_has_a_null_and_p_is_one():
    none = NullValues(np.empty(0, np.int64), {}, planted().null.stratum, GROUPS)
    p = judged(planted(null=none)).judgement.p
    assert set(p[:59]) == {1.0}


def test_the_same_seed_gives_the_same_and_another_only_other_perturbed_weights():
    first, again = judged(planted()).judgement, judged(planted()).judgement
    other = judge_target(planted(), RankingConfig(weight_draws=20), seed=8).judgement
    np.testing.assert_array_equal(first.weight_stability, again.weight_stability)
    for name in ("score", "p", "stability", "rra_p"):
        np.testing.assert_array_equal(getattr(first, name), getattr(other, name))
    assert not np.array_equal(first.weight_stability, other.weight_stability)
