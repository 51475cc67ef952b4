import numpy as np
import pytest

from models.arithmetic import Workers
from models.coexpression import unit_rows
from models.mutual_rank import closeness, mutual_ranks


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def by_pairs(unit, baits):
    """Rank from the full matrix, one pair at a time; closer means by more than 1e-6."""
    likeness = (unit @ unit.T).astype(np.float64)
    genes = [gene for gene in range(len(unit)) if unit[gene].any()]
    ranks = np.full((len(unit), len(baits)), np.nan)
    for gene in genes:
        for column, bait in enumerate(baits):
            if gene == bait:
                continue
            close = likeness[gene, bait] + 1e-6
            of_gene = 1 + sum(likeness[bait, other] > close for other in genes if other not in (bait, gene))
            of_bait = 1 + sum(likeness[gene, other] > close for other in genes if other not in (bait, gene))
            ranks[gene, column] = np.sqrt(of_gene * of_bait)
    return ranks


@pytest.mark.parametrize("workers", [Workers(), Workers(threads=2, block=16)])
def test_ranks_equal_those_of_the_full_matrix(rng, workers):
    expression = rng.normal(size=(150, 12))
    expression[:10] += rng.normal(size=12)
    expression[70] = 2.0
    unit, baits = unit_rows(expression), np.array([2, 5, 131])
    found = mutual_ranks(unit, baits, exact_to=400.0, workers=workers)
    np.testing.assert_allclose(found, by_pairs(unit, baits), rtol=1e-6)


def test_mutual_rank_by_hand():
    # Genes 0 and 1 rise together and gene 2 falls: gene 1 and bait 0 are each other's first partner, MR = 1.
    # Gene 2 is second for bait 0. For gene 2, bait 0 (r = -1.000) and gene 1 (r = -0.98) leave the bait second: MR = 2.
    unit = unit_rows(np.array([[1.0, 2, 3, 4], [1, 2, 3, 5], [4, 3, 2, 1]]))
    np.testing.assert_allclose(mutual_ranks(unit, np.array([0]), exact_to=10.0)[:, 0], [np.nan, 1, 2])


def test_small_ranks_are_exact_and_large_ones_near_where_ranks_are_estimated(rng, monkeypatch):
    loading = rng.normal(size=(3000, 5))
    unit = unit_rows(loading @ rng.normal(size=(5, 15)) + rng.normal(size=(3000, 15)))
    baits = np.array([0, 1500, 2999])
    exact = mutual_ranks(unit, baits, exact_to=50.0)
    monkeypatch.setattr("models.mutual_rank.SAMPLED", 500)
    found = mutual_ranks(unit, baits, exact_to=50.0)
    small = exact <= 50
    assert small.sum() > 50
    np.testing.assert_array_equal(found[small], exact[small])
    large = exact > 200
    assert np.median(np.abs(found[large] / exact[large] - 1)) < 0.03


def test_closeness_is_the_mean_over_decays():
    found = closeness(np.array([[1.0, 11.0, np.nan]]), (5.0, 10.0))
    np.testing.assert_allclose(found[0], [1.0, (np.exp(-2) + np.exp(-1)) / 2, np.nan], rtol=1e-6)
