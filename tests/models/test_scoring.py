import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from configs.errors import UserError
from configs.tables import CONTRACTS
from models.scoring import score_ranking


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


def ranking_of(targets, size=200):
    return pd.concat(
        [
            pd.DataFrame(
                {"target": target, "rank": range(1, size + 1), "gene_id": [f"g{n}" for n in range(1, size + 1)]}
            )
            for target in targets
        ],
        ignore_index=True,
    )


def truth_of(**columns):
    return pd.DataFrame(columns, dtype="str")


def test_measures_by_hand():
    # 200 genes, truth at ranks 1, 30 and 150. Others ahead: 0, 28, 147, so AUC = 1 - 175 / (3 * 197).
    # First 1% is 2 genes, which hold 1 of 3: 1/3 / (2/200) = 33.3 times chance.
    truth = truth_of(gene_id=["g1", "g30", "g150"], target=["gsl"] * 3)
    scores = score_ranking(ranking_of(["gsl"]), truth, members={})
    row = scores.table.iloc[0]
    assert scores.table.columns.tolist() == [column.name for column in CONTRACTS["scores"].columns]
    assert (row["target"], row["n_true"], row["n_genes"]) == ("gsl", 3, 200)
    assert row["auc"] == pytest.approx(1 - 175 / 591)
    assert row["recall_25"] == pytest.approx(1 / 3)
    assert row["recall_100"] == pytest.approx(2 / 3)
    assert row["enrichment_top_1_percent"] == pytest.approx(100 / 3)
    assert row["median_rank"] == 30
    assert scores.notes == ()


@settings(max_examples=25, deadline=None)
@given(st.sets(st.integers(1, 60), min_size=1, max_size=59))
def test_auc_is_that_of_scikit_learn(true_ranks):
    ranking = ranking_of(["all"], size=60)
    truth = truth_of(gene_id=[f"g{rank}" for rank in sorted(true_ranks)])
    found = score_ranking(ranking, truth, members={}).table["auc"].iloc[0]
    expected = roc_auc_score(ranking["rank"].isin(true_ranks), -ranking["rank"])
    assert found == pytest.approx(expected, abs=1e-12)


def test_truth_by_target_wins_over_metabolites():
    truth = truth_of(gene_id=["g1", "g2"], target=["one", "two"], metabolite_id=["m2", "m1"])
    table = score_ranking(ranking_of(["one", "two"]), truth, members={"one": ["m1"], "two": ["m2"]}).table
    assert table.set_index("target")["median_rank"].to_dict() == {"one": 1, "two": 2}


def test_truth_by_metabolite_finds_the_target_that_holds_or_is_it():
    truth = truth_of(gene_id=["g1", "g2", "g3"], metabolite_id=["m1", "two", "elsewhere"])
    scores = score_ranking(ranking_of(["one", "two"]), truth, members={"one": ["m1"], "two": ["m2"]})
    assert scores.table.set_index("target")["median_rank"].to_dict() == {"one": 1, "two": 2}
    assert scores.notes == ("1 of 3 truth rows belong to no target of the ranking.",)


def test_the_target_all_takes_every_row():
    truth = truth_of(gene_id=["g1", "g3"], target=["x", "y"])
    assert score_ranking(ranking_of(["all"]), truth, members={"all": []}).table["n_true"].tolist() == [2]


def test_unknown_genes_and_targets_without_truth_are_told():
    truth = truth_of(gene_id=["g1", "G2", "g1"], target=["one", "one", "one"])
    scores = score_ranking(ranking_of(["one", "two"]), truth, members={})
    assert scores.table["target"].tolist() == ["one"]
    assert scores.table["n_true"].tolist() == [1]
    assert scores.notes == (
        "1 of 2 truth genes are not in the ranking: 'G2'.",
        "Target 'two' has no truth gene and is left out.",
    )


def test_no_truth_gene_matches():
    with pytest.raises(UserError, match=r"truth\.tsv: wanted truth genes of the targets 'one', found 1 rows, none"):
        score_ranking(ranking_of(["one"]), truth_of(gene_id=["x"], target=["one"]), members={}, where="truth.tsv")


def test_truth_without_genes():
    with pytest.raises(UserError, match=r"wanted a column gene_id, .* found the columns 'gene', 'target'"):
        score_ranking(ranking_of(["one"]), truth_of(gene=["x"], target=["one"]), members={})


def test_rows_of_the_ranking_may_come_in_any_order(rng):
    ranking = ranking_of(["one"])
    truth = truth_of(gene_id=["g4", "g90"], target=["one"] * 2)
    shuffled = ranking.iloc[rng.permutation(len(ranking))]
    first, second = (score_ranking(table, truth, members={}).table for table in (ranking, shuffled))
    pd.testing.assert_frame_equal(first, second)
    assert np.isfinite(first["auc"]).all()
