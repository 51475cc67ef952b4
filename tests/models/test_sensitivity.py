import time
import tracemalloc

import numpy as np
import pytest

from configs.errors import UserError
from models.fusion import fuse, rank01
from models.ranking import top_membership
from models.sensitivity import weight_stability

WEIGHTS = {"correlation": 0.4, "autoencoder": 0.3, "bait": 0.4}


def random_ranks(n_genes, seed=0, missing=0.1):
    rng = np.random.default_rng(seed)
    return {name: rank01(np.where(rng.random(n_genes) < missing, np.nan, rng.normal(size=n_genes))) for name in WEIGHTS}


@pytest.mark.parametrize("fusion", ["log_tail", "linear", "reciprocal"])
def test_it_is_the_top_of_the_fusions_with_perturbed_weights(fusion):
    ranks = random_ranks(400)
    rng = np.random.default_rng(7)
    scores = []
    for _ in range(30):
        # One factor an evidence, in the order of the names.
        factors = dict(zip(sorted(WEIGHTS), np.exp(rng.uniform(-np.log(2), np.log(2), size=3)), strict=True))
        scores.append(fuse(ranks, {name: weight * factors[name] for name, weight in WEIGHTS.items()}, fusion))
    stability = weight_stability(ranks, WEIGHTS, fusion, draws=30, seed=7)
    np.testing.assert_allclose(stability, top_membership(np.stack(scores)), rtol=0, atol=1e-15)
    assert 0 < stability[stability > 0].min() < 1


def test_robust_rank_aggregation_leaves_out_one_evidence_at_a_time():
    ranks = random_ranks(400)
    fewer = [{name: 0 if name == out else weight for name, weight in WEIGHTS.items()} for out in sorted(WEIGHTS)]
    by_hand = top_membership(np.stack([fuse(ranks, weights, "rra") for weights in fewer]))
    np.testing.assert_array_equal(weight_stability(ranks, WEIGHTS, "rra", draws=5, seed=1), by_hand)


@pytest.mark.parametrize("fusion", ["log_tail", "linear", "reciprocal", "rra"])
def test_a_single_evidence_has_nothing_to_perturb(fusion):
    ranks = random_ranks(300, missing=0)
    stability = weight_stability(ranks, {"bait": 1, "correlation": 0}, fusion, draws=20, seed=0)
    np.testing.assert_array_equal(stability, ranks["bait"] >= 1 - 25 / 300)


def test_genes_best_in_everything_stay_and_the_order_of_evidence_does_not_matter():
    ranks = random_ranks(3_000, missing=0)
    best = {name: np.where(np.arange(3_000) < 5, 0.9999, rank) for name, rank in ranks.items()}
    stability = weight_stability(best, WEIGHTS, "log_tail", draws=40, seed=3)
    np.testing.assert_array_equal(stability[:5], 1)
    assert stability.sum() == pytest.approx(30)
    turned = weight_stability(dict(reversed(best.items())), WEIGHTS, "log_tail", draws=40, seed=3)
    np.testing.assert_array_equal(turned, stability)


def test_ties_at_the_edge_go_to_the_genes_that_come_first():
    ranks = {"bait": np.zeros(200), "correlation": np.zeros(200)}
    stability = weight_stability(ranks, WEIGHTS, "linear", draws=20, seed=0)
    np.testing.assert_array_equal(stability, np.arange(200) < 25)


def test_a_gene_without_evidence_is_never_in_the_top():
    ranks = {"bait": np.array([0.5, np.nan, 0.0]), "correlation": np.array([np.nan, np.nan, 0.0])}
    for fusion in ("linear", "rra"):
        np.testing.assert_array_equal(
            weight_stability(ranks, WEIGHTS, fusion, draws=20, seed=0) > 0, [True, False, True]
        )


def test_weights_of_nothing_present_are_an_error():
    with pytest.raises(UserError, match="each with weight 0"):
        weight_stability({"graph": np.array([0.0, 0.5])}, WEIGHTS, "linear", draws=20, seed=0)


def test_a_genome_is_quick_and_small():
    ranks = random_ranks(132_129, missing=0)
    start = time.perf_counter()
    weight_stability(ranks, WEIGHTS, "log_tail", draws=100, seed=0)
    assert time.perf_counter() - start < 8
    tracemalloc.start()
    weight_stability(ranks, WEIGHTS, "log_tail", draws=3, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 132_129 * 8
