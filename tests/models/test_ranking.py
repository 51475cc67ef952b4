import numpy as np
import pandas as pd
import pytest

from configs.errors import UserError
from configs.ranking import RankingConfig, WeightsConfig
from configs.ranking_tables import BAIT_PARTS
from configs.tables import CONTRACTS
from models.fusion import fuse, rank01
from models.ranking import Judgement, TargetEvidence, rank_target, top_membership
from models.significance import q_values
from models.target_ranking import NullValues, TargetInputs, judge_target

GENES = ["g3", "g1", "g2", "g5", "g4"]
WEIGHTS = {"correlation": 0.4, "autoencoder": 0.3, "graph": 0.2, "homology": 0.1, "bait": 0.4}


def evidence(**changes):
    # In the order of GENES; g5 has nothing, g4 has no correlation.
    correlation = np.array([-0.9, 0.2, 0.2, np.nan, np.nan])
    graph = np.array([1.0, 1.0, 1.0, np.nan, 4.0])
    parts = {
        "target": "all",
        "values": {"correlation": correlation, "graph": graph},
        "strengths": {"correlation": np.abs(correlation), "graph": graph},
        "bait_parts": {},
        "direction": np.array([-1, 1, 1, 0, 0]),
        "best_metabolite": ["m1", "m2", "m1", None, None],
        "shape": ["level", None, "lag", None, None],
        "family": [None, "P450", None, None, None],
    }
    return TargetEvidence(**(parts | changes))


def judgement(own, fusion="linear", **changes):
    unknown = np.full(len(GENES), np.nan)
    parts = {
        "score": fuse(own.ranks(), WEIGHTS, fusion),
        "p": np.array([0.01, 0.5, 0.4, np.nan, np.nan]),
        "rra_p": unknown,
        "stability": unknown,
        "rank_low": unknown,
        "rank_high": unknown,
        "weight_stability": unknown,
    }
    return Judgement(**(parts | changes))


def ranked(**changes):
    return rank_target(GENES, evidence(), judgement(evidence(), **changes))


def test_table_is_sorted_and_numbered_and_ends_with_genes_without_evidence():
    # Correlation ranks of three genes: g3 2/3, g1 and g2 0, mean 2/9 for g4; graph of four: g4 3/4, the others 0.
    # Weights 2/3 and 1/3: g3 4/9, g4 4/27 + 1/4 = 0.398, g1 and g2 0 and ordered by id, g5 nothing.
    table = ranked()
    assert table["gene_id"].tolist() == ["g3", "g4", "g1", "g2", "g5"]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(table["score"], [4 / 9, 4 / 27 + 1 / 4, 0, 0, np.nan])
    np.testing.assert_allclose(table["correlation_rank01"], [2 / 3, np.nan, 0, 0, np.nan])
    np.testing.assert_allclose(table["correlation"], [-0.9, np.nan, 0.2, 0.2, np.nan])


def test_columns_and_types_are_those_of_the_contract():
    contract = CONTRACTS["ranking"]
    assert contract.schema_version == 2
    kinds = {"string": "str", "float64": "float64"}
    table = ranked(rank_low=np.array([1.0, 2, 3, 5, 2]))
    for column in contract.columns:
        kind = kinds.get(column.dtype, "Int64" if column.nullable else "int64")
        assert str(table[column.name].dtype) == kind, column.name
        assert column.nullable or table[column.name].notna().all(), column.name
    assert table.columns.tolist() == [column.name for column in contract.columns]


def test_evidence_that_a_study_lacks_is_an_empty_column():
    table = ranked()
    for name in ("autoencoder", "homology", "bait"):
        assert table[[name, f"{name}_rank01"]].isna().all(axis=None)
    assert table[[f"bait_{part}" for part in BAIT_PARTS]].isna().all(axis=None)


def test_parts_of_the_bait_evidence_stand_beside_it():
    parts = {name: np.arange(5.0) + place for place, name in enumerate(BAIT_PARTS)}
    own = evidence(bait_parts=parts)
    table = rank_target(GENES, own, judgement(own)).set_index("gene_id")
    for name, values in parts.items():
        np.testing.assert_array_equal(table.loc[GENES, f"bait_{name}"], values)


def test_direction_partner_shape_family_and_q():
    table = ranked().set_index("gene_id")
    assert table.loc["g3", "direction"] == -1
    assert pd.isna(table.loc["g4", "direction"])
    assert table.loc["g3", "best_metabolite"] == "m1"
    assert pd.isna(table.loc["g5", "best_metabolite"])
    assert table.loc["g2", "shape"] == "lag"
    assert table.loc["g1", "family"] == "P450"
    np.testing.assert_allclose(table.loc[["g3", "g2", "g1"], "q"], q_values(np.array([0.01, 0.4, 0.5])))
    assert pd.isna(table.loc["g4", "q"])


def test_what_says_how_sure_a_gene_is_follows_it_and_is_absent_without_a_score():
    sure = np.array([1.0, 0.2, 0.4, 0.0, 0.6])
    names = ("stability", "weight_stability", "rank_low", "rank_high")
    table = ranked(**dict.fromkeys(names[:2], sure), **dict.fromkeys(names[2:], np.array([1.0, 4, 3, 5, 2])))
    rows = table.set_index("gene_id")
    for name in names[:2]:
        assert rows.loc[["g3", "g1", "g2", "g4"], name].tolist() == [1.0, 0.2, 0.4, 0.6]
    for name in names[2:]:
        assert rows.loc[["g3", "g1", "g2", "g4"], name].tolist() == [1, 4, 3, 2]
    assert rows.loc["g5", list(names)].isna().all()


def test_descriptions_follow_the_genes():
    described = {"g4": "a, b {c}", "g9": "not here"}
    table = rank_target(GENES, evidence(), judgement(evidence()), descriptions=described).set_index("gene_id")
    assert table.loc["g4", "description"] == "a, b {c}"
    assert pd.isna(table.loc["g3", "description"])


def inputs(own):
    null = NullValues(np.array([1, 2]), {"correlation": np.ones((20, 2), np.float32)}, np.zeros(5, int), tuple("aabb"))
    return TargetInputs(own, null, [{}], None, np.arange(5))


def test_score_is_the_fusion_of_the_ranks():
    parts = evidence()
    done = judge_target(inputs(parts), RankingConfig(weight_draws=20), seed=1)
    table = rank_target(GENES, parts, done.judgement).set_index("gene_id")
    score = fuse({name: rank01(values) for name, values in parts.strengths.items()}, WEIGHTS, "log_tail")
    np.testing.assert_array_equal(table.loc[GENES, "score"], score)


def test_genes_may_come_in_any_order():
    order = [4, 2, 0, 1, 3]
    parts = evidence()
    lists = {name: [getattr(parts, name)[place] for place in order] for name in ("best_metabolite", "shape", "family")}
    moved = evidence(
        values={name: values[order] for name, values in parts.values.items()},
        strengths={name: values[order] for name, values in parts.strengths.items()},
        direction=parts.direction[order],
        **lists,
    )
    table = rank_target([GENES[place] for place in order], moved, judgement(moved, p=judgement(parts).p[order]))
    pd.testing.assert_frame_equal(table, ranked())


def test_no_weight_on_what_is_present_is_an_error():
    weights = WeightsConfig(correlation=0, autoencoder=0, graph=0, bait=0, homology=1)
    with pytest.raises(UserError, match="found evidence 'correlation', 'graph' only, each with weight 0"):
        judge_target(inputs(evidence()), RankingConfig(weights=weights), seed=1)


def test_top_membership_counts_refits():
    scores = np.tile(np.arange(100.0), (4, 1))
    scores[3, 0] = 200
    share = top_membership(scores)
    # The top 25 of 100: genes 75 to 99; in the fourth refit gene 0 pushes gene 75 out.
    assert share[0] == 0.25
    assert share[75] == 0.75
    assert (share[76:] == 1).all()
    assert (share[1:75] == 0).all()


def test_top_membership_takes_one_percent_of_many_and_no_gene_without_score():
    scores = np.full((1, 5000), np.nan)
    assert top_membership(scores).sum() == 0
    assert top_membership(np.zeros((1, 5000))).tolist() == [1.0] * 50 + [0.0] * 4950
    assert top_membership(np.zeros((2, 10))).tolist() == [1.0] * 10
