import numpy as np
import pytest

from configs.errors import UserError
from models.arithmetic import Workers
from models.baits import bait_evidence


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def dense(expression, baits, decay):
    """Score every gene from the full correlation matrix, one pair at a time; closer means by more than 1e-6."""
    correlation = np.corrcoef(expression)
    genes = range(len(expression))
    scores = []
    for gene in genes:
        terms = []
        for bait in baits:
            if bait == gene:
                continue
            close = correlation[gene, bait] + 1e-6
            of_gene = 1 + sum(correlation[bait, other] > close for other in genes if other not in (bait, gene))
            of_bait = 1 + sum(correlation[gene, other] > close for other in genes if other not in (bait, gene))
            terms.append(np.exp(-(np.sqrt(of_gene * of_bait) - 1) / decay))
        scores.append(np.mean(terms) if terms else np.nan)
    return np.array(scores)


@pytest.mark.parametrize("workers", [Workers(block=7), Workers(threads=2, block=16), Workers()])
def test_blocks_equal_the_dense_loop(rng, workers):
    expression = rng.normal(size=(40, 12))
    expression[:10] += rng.normal(size=12)
    found = bait_evidence(expression, [2, 5, 31], decay=10.0, workers=workers)
    np.testing.assert_allclose(found, dense(expression, [2, 5, 31], 10.0), rtol=1e-12)


def test_more_partners_than_an_eight_bit_counter_holds(rng):
    expression = rng.normal(size=(600, 8))
    found = bait_evidence(expression, [17], workers=Workers(block=550))
    np.testing.assert_allclose(found, dense(expression, [17], 50.0), rtol=1e-12, equal_nan=True)


def test_mutual_rank_by_hand():
    # Genes 0 and 1 rise together and gene 2 falls: gene 1 and bait 0 are each other's first partner, MR = 1.
    # Gene 2 is second for bait 0. For gene 2, bait 0 (r = -1.000) and gene 1 (r = -0.98) leave the bait second: MR = 2.
    expression = np.array([[1.0, 2, 3, 4], [1, 2, 3, 5], [4, 3, 2, 1]])
    found = bait_evidence(expression, [0], decay=50.0)
    assert np.isnan(found[0])
    np.testing.assert_allclose(found[1:], [1.0, np.exp(-1 / 50)])


def test_a_repeated_bait_counts_once(rng):
    expression = rng.normal(size=(20, 9))
    np.testing.assert_array_equal(bait_evidence(expression, [3, 4, 4]), bait_evidence(expression, [4, 3]))


def test_missing_expression_counts_as_the_mean(rng):
    expression = rng.normal(size=(20, 9))
    filled = expression.copy()
    expression[6, 2] = np.nan
    filled[6, 2] = np.nanmean(expression[6])
    np.testing.assert_allclose(bait_evidence(expression, [6, 7]), bait_evidence(filled, [6, 7]))


def test_constant_genes_and_baits_are_left_out(rng):
    expression = rng.normal(size=(20, 9)).astype(np.float32)
    expression[[4, 11]] = 0.1
    found = bait_evidence(expression, [3, 4])
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 4, 11]
    varied = np.delete(np.arange(20), [4, 11])
    np.testing.assert_allclose(found[varied], bait_evidence(expression[varied], [3]))


def test_all_baits_constant_is_an_error():
    expression = np.vstack([np.ones((2, 5)), np.arange(5.0)])
    with pytest.raises(UserError, match="found 2 baits, all with the same expression in every sample"):
        bait_evidence(expression, [0, 1])


def test_no_bait_is_an_error(rng):
    with pytest.raises(UserError, match="found no bait"):
        bait_evidence(rng.normal(size=(3, 5)), [])


def test_genes_may_come_in_any_order(rng):
    expression = rng.normal(size=(30, 10))
    order = rng.permutation(30)
    baits = [int(np.flatnonzero(order == bait)[0]) for bait in (1, 8)]
    np.testing.assert_allclose(bait_evidence(expression[order], baits), bait_evidence(expression, [1, 8])[order])
