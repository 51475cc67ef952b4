import numpy as np
import pandas as pd
from scipy.stats import rankdata

from models.parquet import decode_frame, encode_frame
from models.refits import rank_stability, refit_columns, refits_from


def test_best_and_worst_rank_over_refits_are_those_of_scipy():
    scores = np.random.default_rng(3).normal(size=(6, 80))
    ranks = rankdata(-scores, axis=1)
    found = rank_stability(scores)
    np.testing.assert_array_equal(found.low, ranks.min(axis=0))
    np.testing.assert_array_equal(found.high, ranks.max(axis=0))
    np.testing.assert_allclose(found.top_share, (ranks <= 25).mean(axis=0))


def test_genes_without_a_score_come_last_and_ties_take_the_order_of_the_table():
    found = rank_stability(np.array([[np.nan, 1.0, 1.0, 2.0]]))
    assert found.low.tolist() == [4, 2, 3, 1]
    assert found.high.tolist() == [4, 2, 3, 1]


def test_without_any_refit_nothing_is_known():
    found = rank_stability(np.empty((0, 3)))
    assert np.isnan([found.top_share, found.low, found.high]).all()


def test_groups_may_be_called_as_the_fixed_columns_are():
    groups = ("target", "gene_id", "", "without a", "β,{x}")
    refits = {name: np.full(2, float(place)) for place, name in enumerate(groups)}
    table = pd.DataFrame({"target": ["t", "t"], "gene_id": ["a", "b"], **refit_columns(refits)})
    table = table.astype({"target": "str", "gene_id": "str"})
    kept = decode_frame(encode_frame(table, "refits"), "refits")
    assert kept["gene_id"].tolist() == ["a", "b"]
    found = refits_from(kept)
    assert list(found) == list(refits)
    for name, values in refits.items():
        np.testing.assert_array_equal(found[name], values)
