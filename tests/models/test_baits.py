import numpy as np
import pytest

from configs.errors import UserError
from configs.ranking import BaitConfig
from configs.ranking_tables import BAIT_PARTS
from models.baits import COMBINED, RIDGES, bait_closeness, combined, discriminant_ridge
from models.coexpression import unit_rows
from models.fusion import rank01

CONFIG = BaitConfig(neighbours=10)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def pathway(rng, *, n_genes=400, n_samples=24):
    """Plant ten genes of one pathway under a contrast that most genes follow."""
    contrast = np.repeat([1.0, -1.0], n_samples // 2)
    expression = rng.normal(size=(n_genes, 1)) * 2 * contrast + rng.normal(size=(n_genes, n_samples))
    expression[:10] += 1.5 * rng.normal(size=n_samples)
    return expression


def test_the_value_of_a_gene_is_the_mean_over_the_other_baits(rng):
    close = bait_closeness(pathway(rng), np.array([0, 1, 2]), config=CONFIG)
    for name, value in close.values().items():
        part = close.parts[name].astype(np.float64)
        assert np.isnan(part[[0, 1, 2], [0, 1, 2]]).all()
        np.testing.assert_allclose(value, np.nanmean(part, axis=1), rtol=1e-6)
        np.testing.assert_allclose(close.values(without=1)[name][:1], part[0, 2:], rtol=1e-6)


def test_leaving_a_bait_out_is_never_having_had_it(rng):
    expression = pathway(rng)
    all_three = bait_closeness(expression, np.array([0, 1, 2]), config=CONFIG)
    without = bait_closeness(expression, np.array([0, 2]), config=CONFIG)
    np.testing.assert_allclose(all_three.evidence(without=1), without.evidence(), rtol=1e-5)


def test_whitening_finds_hidden_genes_that_a_contrast_drowns(rng):
    close = bait_closeness(pathway(rng), np.array([0, 1, 2]), config=CONFIG)
    values = {**close.values(), "combined": close.evidence()}
    place = {name: (value[:, None] < value[3:10]).sum(axis=0).mean() for name, value in values.items()}
    place = {name: len(close.evidence()) - below for name, below in place.items()}
    assert place["whitened"] < 12
    assert place["combined"] < 12
    assert place["pearson"] > 2 * place["whitened"]


def test_evidence_is_the_mean_tail_of_both_parts(rng):
    close = bait_closeness(pathway(rng), np.array([0, 5]), config=CONFIG)
    values = close.values()
    expected = -(np.log1p(-rank01(values["whitened"])) + np.log1p(-rank01(values["propagation"]))) / 2
    np.testing.assert_allclose(combined(values), expected)
    assert tuple(close.parts) == BAIT_PARTS
    assert set(COMBINED) < set(BAIT_PARTS)


def test_one_bait_is_enough_and_has_no_evidence_itself(rng):
    close = bait_closeness(pathway(rng), np.array([3, 3]), config=CONFIG)
    evidence = close.evidence()
    assert np.flatnonzero(np.isnan(evidence)).tolist() == [3]
    assert np.isnan(close.evidence(without=0)).all()


def test_constant_genes_and_baits_are_left_out(rng):
    expression = pathway(rng).astype(np.float32)
    expression[[4, 11]] = 0.1
    close = bait_closeness(expression, np.array([3, 4]), config=CONFIG)
    assert close.baits.tolist() == [3]
    assert np.flatnonzero(np.isnan(close.evidence())).tolist() == [3, 4, 11]


def test_genes_may_come_in_any_order(rng):
    expression = pathway(rng)
    order = rng.permutation(len(expression))
    baits = np.array([int(np.flatnonzero(order == bait)[0]) for bait in (1, 8)])
    shuffled = bait_closeness(expression[order], baits, config=CONFIG).evidence()
    np.testing.assert_allclose(
        shuffled, bait_closeness(expression, np.array([1, 8]), config=CONFIG).evidence()[order], rtol=1e-4
    )


def test_the_ridge_is_the_one_by_which_left_out_baits_stand_out_most(rng):
    unit, baits = unit_rows(pathway(rng)), np.array([0, 1, 2, 3])
    z = unit.astype(np.float64) * np.sqrt(unit.shape[1])
    mean, covariance = z.mean(axis=0), np.cov(z.T, bias=True)
    scores = []
    for ridge in RIDGES:
        inverse = np.linalg.inv(covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance)))
        heights = []
        for bait in baits:
            direction = inverse @ (z[np.setdiff1d(baits, bait)].mean(axis=0) - mean)
            value = (z - mean) @ direction
            heights.append(value[bait] / value.std())
        scores.append(np.mean(heights))
    assert discriminant_ridge(unit, baits) == RIDGES[int(np.argmax(scores))]
    assert discriminant_ridge(unit, baits[:1]) == 0.1


def test_other_samples_change_the_mutual_ranks_and_leave_the_walk(rng):
    expression = pathway(rng)
    close = bait_closeness(expression, np.array([0, 1]), config=CONFIG)
    fewer = close.with_whitened(expression[:, 3:], CONFIG)
    alone = bait_closeness(expression[:, 3:], np.array([0, 1]), config=CONFIG)
    np.testing.assert_allclose(fewer.parts["whitened"], alone.parts["whitened"], rtol=1e-5)
    np.testing.assert_array_equal(fewer.parts["propagation"], close.parts["propagation"])


def test_all_baits_constant_is_an_error():
    expression = np.vstack([np.ones((2, 5)), np.arange(5.0)])
    with pytest.raises(UserError, match="found 2 baits, all with the same expression in every sample"):
        bait_closeness(expression, np.array([0, 1]), config=CONFIG)


def test_no_bait_is_an_error(rng):
    with pytest.raises(UserError, match="found no bait"):
        bait_closeness(rng.normal(size=(3, 5)), np.array([], dtype=np.int64), config=CONFIG)
