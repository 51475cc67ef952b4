"""What the cards of the best genes hold, against SciPy, pandas and tables worked by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, percentileofscore, spearmanr

from configs.ranking_tables import EVIDENCES
from models.card_records import CardTables, carded, target_cards
from models.cards import (
    Members,
    Partner,
    best_homologs,
    best_metabolites,
    card_chance,
    card_evidence,
    card_expression,
    card_samples,
    nearest_baits,
    partner_table,
    share_below,
)
from models.layer import Layer
from models.parquet import decode_frame, encode_frame


def _block() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "target": pd.Series(["t"] * 4, dtype="str"),
            "rank": [2, 1, 3, 4],
            "gene_id": pd.Series(["b", "a", "c", "d"], dtype="str"),
            "score": [2.0, 3.0, 1.0, np.nan],
            "description": pd.Series([None, "kinase", None, None], dtype="str"),
        }
    )
    for name in EVIDENCES:
        frame[name] = np.nan
        frame[f"{name}_rank01"] = np.nan
    frame["correlation"], frame["correlation_rank01"] = [0.5, -0.9, 0.1, np.nan], [0.25, 0.5, 0.0, np.nan]
    frame["homology"], frame["homology_rank01"] = [np.nan, np.nan, 0.7, np.nan], [np.nan, np.nan, 0.0, np.nan]
    return frame


def _contributions() -> pd.DataFrame:
    return pd.DataFrame({"gene_id": ["a", "b", "c", "d"], "correlation": [3.0, 2.0, 0.5, np.nan]})


def _kept(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Store a table and fetch it, which its contract must allow."""
    return decode_frame(encode_frame(frame, kind), kind)


def test_cards_are_those_of_the_best_genes_with_a_score():
    assert carded(_block(), 2)["gene_id"].tolist() == ["a", "b"]
    assert carded(_block(), 100)["gene_id"].tolist() == ["a", "b", "c"]


def test_evidence_comes_by_gene_and_only_what_the_target_has():
    table = _kept(
        card_evidence(
            _block(),
            _contributions(),
            {"correlation": np.array([0.99, np.nan])},
            {"correlation": np.array([4.5, 1.5])},
            count=2,
        ),
        "card_evidence",
    )
    expected = pd.DataFrame(
        {
            "target": "t",
            "gene_id": ["a", "a", "b", "b"],
            "evidence": ["correlation", "homology"] * 2,
            "value": [-0.9, np.nan, 0.5, np.nan],
            "rank01": [0.5, np.nan, 0.25, np.nan],
            "strength": [4.5, np.nan, 1.5, np.nan],
            "null_percentile": [0.99, np.nan, np.nan, np.nan],
            "contribution": [3.0, np.nan, 2.0, np.nan],
        }
    )
    pd.testing.assert_frame_equal(table, expected)


@pytest.mark.parametrize("count", [0, 5])
def test_a_target_without_a_card_gives_an_empty_table_of_the_contract(count: int):
    block = _block().assign(score=np.nan) if count else _block()
    assert _kept(card_evidence(block, _contributions(), count=count), "card_evidence").empty
    assert target_cards(block, _tables(), count=count) == []


def test_a_target_without_any_evidence_has_no_row():
    block = _block().assign(**dict.fromkeys(EVIDENCES, np.nan), **{f"{name}_rank01": np.nan for name in EVIDENCES})
    assert _kept(card_evidence(block, _contributions(), count=5), "card_evidence").empty


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=6),
    st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=9),
)
def test_the_null_percentile_is_scipys_strict_one(values: list[float], pool: list[float]):
    expected = [percentileofscore(pool, value, kind="strict") / 100 for value in values]
    np.testing.assert_allclose(share_below(np.array(values), np.array(pool)), expected, rtol=1e-12)
    each = np.tile(pool, (len(values), 1))
    np.testing.assert_array_equal(share_below(np.array(values), each), share_below(np.array(values), np.array(pool)))


def test_missing_values_and_draws_give_no_percentile():
    pool = np.array([[0.0, np.nan, 2.0], [np.nan, np.nan, np.nan], [0.0, 1.0, 2.0]])
    np.testing.assert_array_equal(share_below(np.array([1.0, 1.0, np.nan]), pool), [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(share_below(np.array([1.0]), np.empty(0)), [np.nan])


@pytest.mark.parametrize(("method", "reference"), [("spearman", spearmanr), ("pearson", pearsonr)])
def test_best_metabolites_are_the_strongest_by_scipy(method, reference):
    rng = np.random.default_rng(0)
    genes, metabolites = rng.normal(size=(3, 12)), rng.normal(size=(9, 12))
    ids = [f"m{row}" for row in range(9)]
    found = best_metabolites("t", ["a", "b", "c"], genes, Members(ids, metabolites), method=method)
    for gene, values in zip("abc", genes, strict=True):
        rho = np.array([reference(values, row).statistic for row in metabolites])
        own = [partner for partner in found if partner.gene_id == gene]
        order = np.argsort(-np.abs(rho))[:5]
        assert [partner.partner for partner in own] == [ids[row] for row in order]
        assert [partner.place for partner in own] == [1, 2, 3, 4, 5]
        np.testing.assert_allclose([partner.value for partner in own], rho[order], atol=1e-9)


def test_a_direction_leaves_only_its_sign():
    genes = np.arange(6.0)[None]
    metabolites = np.array([[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 5, 4.0], [1, 1, 1, 1, 1, 1]])
    members = Members(["up", "down", "nearly", "flat"], metabolites)

    def names(direction):
        return [partner.partner for partner in best_metabolites("t", ["a"], genes, members, direction=direction)]

    assert names("both") == ["up", "down", "nearly"]
    assert names("positive") == ["up", "nearly"]
    assert names("negative") == ["down"]


def test_a_metabolite_with_shapes_counts_once_in_its_strongest():
    genes = np.arange(6.0)[None]
    values = np.array([[0, 2, 1, 3, 4, 5], [0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 0, 1.0]])
    members = Members(["m", "m", "n"], values, shapes=["level", "rate", "level"])
    found = best_metabolites("t", ["a"], genes, members)
    assert [(partner.partner, partner.detail, partner.place) for partner in found] == [
        ("m", "rate", 1),
        ("n", "level", 2),
    ]


def test_more_samples_make_an_equal_correlation_stronger_and_untestable_pairs_are_left_out():
    genes = np.vstack([np.arange(10.0), np.ones(10)])
    whole, part = np.arange(10.0), np.arange(10.0)
    whole[[0, 1]], part[[0, 1]] = [1, 0], [1, 0]
    part[6:] = np.nan
    few = np.where(np.arange(10) < 3, np.arange(10.0), np.nan)
    found = best_metabolites("t", ["a", "flat"], genes, Members(["part", "few", "whole"], np.stack([part, few, whole])))
    assert [(partner.gene_id, partner.partner) for partner in found] == [("a", "whole"), ("a", "part")]
    np.testing.assert_allclose(found[1].value, spearmanr(genes[0, :6], part[:6]).statistic)


def test_nearest_baits_come_by_mutual_rank_and_never_a_bait_itself():
    ranks = np.array([[3.0, 1.5, 20.0], [np.nan, 2.0, 2.0], [np.nan, np.nan, np.nan]])
    found = nearest_baits("t", ["a", "x", "y"], ranks, ["x", "y", "z"], count=2)
    assert found == [
        Partner("t", "a", "bait", 1, "y", 1.5, None),
        Partner("t", "a", "bait", 2, "x", 3.0, None),
        Partner("t", "x", "bait", 1, "y", 2.0, None),
        Partner("t", "x", "bait", 2, "z", 2.0, None),
    ]
    assert nearest_baits("t", ["a"], np.empty((1, 0)), []) == []


def test_best_homologs_come_by_grade_over_all_families():
    hits = {
        "P450": pd.DataFrame(
            {"gene_id": ["a", "b"], "best_member": ["CYP1", "CYP2"], "grade": [0.5, 1.0], "evalue": [1e-20, 0.0]}
        ),
        "GT": pd.DataFrame(
            {"gene_id": ["a", "z"], "best_member": ["UGT", "UGT"], "grade": [0.9, 1], "evalue": [0.5, 1]}
        ),
    }
    assert best_homologs("t", ["a", "b", "c"], hits) == [
        Partner("t", "a", "homolog", 1, "UGT", 0.9, "GT, E-value 0.5"),
        Partner("t", "a", "homolog", 2, "CYP1", 0.5, "P450, E-value 1.0e-20"),
        Partner("t", "b", "homolog", 1, "CYP2", 1.0, "P450, E-value below 1e-300"),
    ]


def test_partners_make_a_table_of_the_contract_also_when_there_are_none():
    found = [Partner("t", "a", "bait", 1, "y", 1.5, None), Partner("t", "a", "metabolite", 1, "m", -0.5, "rate")]
    table = _kept(partner_table(found), "card_partners")
    assert table["detail"].isna().tolist() == [True, False]
    assert _kept(partner_table([]), "card_partners").empty


def test_expression_by_group_is_what_pandas_says_and_each_gene_stands_once():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(3, 7)).astype(np.float32)
    values[0, 2] = np.nan
    values[1, 5:] = np.nan
    groups = ["leaf", "root", "leaf", "root", "seed", "leaf", "leaf"]
    table = _kept(card_expression(["a", "b", "a"], values, groups), "card_expression")
    assert table["gene_id"].unique().tolist() == ["a", "b"]
    assert table.loc[table["gene_id"] == "a", "group"].tolist() == ["leaf", "root", "seed"]
    long = pd.DataFrame(values[:2].astype(np.float64).T, columns=["a", "b"]).assign(group=groups)
    expected = (
        long.melt("group", var_name="gene_id").groupby(["gene_id", "group"])["value"].agg(["count", "mean", "std"])
    )
    np.testing.assert_allclose(table[["n_samples", "mean", "sd"]], expected.to_numpy(), rtol=1e-12, equal_nan=True)


def test_a_group_without_any_value_is_left_out_and_no_gene_gives_no_row():
    table = card_expression(["a"], np.array([[1.0, np.nan]]), ["x", "y"])
    assert table["group"].tolist() == ["x"]
    assert np.isnan(table["sd"][0])
    assert _kept(card_expression([], np.empty((0, 2)), ["x", "y"]), "card_expression").empty


def _tables() -> CardTables:
    other = partner_table([Partner("u", "a", "bait", 1, "y", 1.5, None)])
    partners = pd.concat([partner_table([Partner("t", "b", "metabolite", 1, "m", -0.5, None)]), other])
    expression = card_expression(["a", "b"], np.array([[1.0, 3.0], [2.0, 2.0]]), ["x", "x"])
    samples = card_samples(partners[partners["target"] == "t"], *_layers(), ["x", "x", "y"])
    evidence = card_evidence(_block(), _contributions(), count=2)
    chance = pd.concat([card_chance(name, {"correlation": np.array([1.0, 2.0])}) for name in ("t", "other")])
    return CardTables(evidence, partners, expression, samples, [_domains()], chance)


def test_chance_values_are_counted_in_equal_bins():
    null = {
        "correlation": np.array([[0.0, 1.0, np.nan], [3.0, 3.0, 2.0]], dtype=np.float32),
        "bait": np.array([np.nan]),
    }
    table = _kept(card_chance("t", null), "card_chance")
    assert set(table["evidence"]) == {"correlation"}
    assert len(table) == 30
    np.testing.assert_allclose(table["low"], np.arange(30) / 10)
    np.testing.assert_allclose(table["high"], np.arange(1, 31) / 10)
    filled = table[table["n_values"] > 0]
    assert filled["low"].round(1).tolist() == [0.0, 1.0, 2.0, 2.9]
    assert filled["n_values"].tolist() == [1, 1, 1, 2]
    assert _kept(card_chance("t", {}), "card_chance").empty


def _layers() -> tuple[Layer, Layer]:
    genes = Layer("genes", np.array([[1, 3, 2], [2, 2, np.nan]], dtype=np.float32), ("a", "b"), ("s1", "s2", "s3"))
    metabolites = Layer("metabolites", np.array([[5, 4], [7, 8]], dtype=np.float32), ("k", "m"), ("s3", "s1"))
    return genes, metabolites


def _domains() -> pd.DataFrame:
    row = {
        "family": "F",
        "gene_id": "b",
        "sequence_id": "b.1",
        "member": "P",
        "start": 3.0,
        "end": 9.0,
        "counted": True,
    }
    lost = row | {"start": np.nan, "end": np.nan}
    return pd.DataFrame([row, lost])


def test_cards_are_put_together_by_gene_and_target():
    first, second = target_cards(_block(), _tables(), count=2)
    assert (first.gene_id, first.rank, first.description) == ("a", 1, "kinase")
    assert (second.gene_id, second.rank, second.description) == ("b", 2, None)
    assert [row["evidence"] for row in first.evidence] == ["correlation", "homology"]
    assert list(first.partners) == []
    assert [row["partner"] for row in second.partners] == ["m"]
    assert [row["mean"] for row in first.expression] == [2.0]
    assert len(target_cards(_block(), _tables(), count=1)) == 1
    assert list(first.samples) == []
    assert [(row["sample_id"], row["group"]) for row in second.samples] == [("s1", "x"), ("s2", "x"), ("s3", "y")]
    np.testing.assert_array_equal([row["expression"] for row in second.samples], [2.0, 2.0, np.nan])
    np.testing.assert_array_equal([row["abundance"] for row in second.samples], [8.0, np.nan, 7.0])
    assert [(row["member"], row["start"]) for row in second.domains] == [("P", 3.0)]
    assert {row["target"] for row in first.chance} == {"t"}
    assert sum(int(str(row["n_values"])) for row in first.chance) == 2
