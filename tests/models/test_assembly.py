"""Five genes, two folds, one target: the whole fusion by hand."""

import numpy as np
import pandas as pd
import pytest

from configs.ranking import RankingConfig
from models.assembly import EvidenceFrames, EvidenceTables, contributions
from models.ranking import rank_target
from models.target_ranking import Judged, NullValues, TargetInputs, judge_target

GENES = ["a", "b", "c", "d", "e"]
RISING = [0.1, 0.2, 0.3, 0.4, 0.5]


def evidence(values: list[float], details: list[str | None]) -> pd.DataFrame:
    columns = {"target": "t", "gene_id": GENES, "value": values, "strength": np.abs(values), "p": 0.5}
    return pd.DataFrame(columns | {"detail": details})


def importance(fold: str, graph: list[float]) -> pd.DataFrame:
    columns = {"fold": fold, "gene_id": GENES, "reconstruction": RISING, "gradient": RISING, "graph": graph}
    return pd.DataFrame(columns)


def frames(**changes: pd.DataFrame | None) -> EvidenceFrames:
    best = {"target": "t", "gene_id": GENES, "shape": ["level", "rate", None, "lag", "level"]}
    parts = {
        "correlation": evidence([0.1, -0.9, 0.3, 0.5, 0.7], ["m"] * 5),
        "best": pd.DataFrame(best),
        "importance": pd.concat([importance("0", RISING), importance("1", RISING)]),
        "homology": evidence([0.0, 0.0, 0.6, 0.0, 0.3], [None, None, "P450", None, "P450"]),
    }
    return EvidenceFrames(**(parts | changes))


@pytest.fixture
def tables() -> EvidenceTables:
    return EvidenceTables([*GENES, "dropped"], frames())


def judged(tables: EvidenceTables, fusion: str) -> Judged:
    """Judge the target by null values of two genes."""
    own = tables.of_target("t")
    stratum = np.array([0, 0, 0, 0, 0, -1])
    drawn = np.random.default_rng(1).random((20, 2)).astype(np.float32)
    null = NullValues(np.array([0, 3]), {"correlation": drawn}, stratum, tuple("aabbccdd"))
    refits = [{"correlation": own.strengths["correlation"]}]
    config = RankingConfig.model_validate({"fusion": fusion, "weight_draws": 20})
    return judge_target(TargetInputs(own, null, refits, None, np.arange(5)), config, seed=1)


def ranked(tables: EvidenceTables, fusion: str) -> tuple[pd.DataFrame, dict[str, float]]:
    done = judged(tables, fusion)
    table = rank_target(tables.gene_ids, tables.of_target("t"), done.judgement, descriptions={"a": "alpha"})
    return table, done.weights


def test_the_published_weights_by_hand(tables: EvidenceTables) -> None:
    ranking, weights = ranked(tables, "linear")
    # Ranks (rank - 1) / 5: |rho| .1 .9 .3 .5 .7 -> a 0, c .2, d .4, e .6, b .8; autoencoder and graph rise from a to e
    # 0 .2 .4 .6 .8; homology 0 three times -> 0, then e .3 -> rank 4 -> .6, c .6 -> rank 5 -> .8.
    by_hand = {
        "a": 0.4 * 0.0 + 0.3 * 0.0 + 0.2 * 0.0 + 0.1 * 0.0,
        "b": 0.4 * 0.8 + 0.3 * 0.2 + 0.2 * 0.2 + 0.1 * 0.0,
        "c": 0.4 * 0.2 + 0.3 * 0.4 + 0.2 * 0.4 + 0.1 * 0.8,
        "d": 0.4 * 0.4 + 0.3 * 0.6 + 0.2 * 0.6 + 0.1 * 0.0,
        "e": 0.4 * 0.6 + 0.3 * 0.8 + 0.2 * 0.8 + 0.1 * 0.6,
    }
    scores = ranking.set_index("gene_id")["score"]
    for gene, score in by_hand.items():
        assert scores[gene] == pytest.approx(score, abs=1e-12)
    assert weights == pytest.approx({"correlation": 0.4, "autoencoder": 0.3, "graph": 0.2, "homology": 0.1})
    assert ranking["gene_id"].tolist() == ["e", "d", "b", "c", "a", "dropped"]


@pytest.mark.parametrize("fusion", ["linear", "log_tail", "reciprocal", "rra"])
def test_a_gene_without_evidence_is_last_and_has_no_score(tables: EvidenceTables, fusion: str) -> None:
    last = ranked(tables, fusion)[0].iloc[-1]
    assert last["gene_id"] == "dropped"
    for name in ("score", "p", "q", "stability", "rank_low", "rank_high", "weight_stability", "rra_p"):
        assert pd.isna(last[name]), name


def test_sign_family_metabolite_and_shape_come_along(tables: EvidenceTables) -> None:
    rows = ranked(tables, "log_tail")[0].set_index("gene_id")
    assert rows.loc["b", "direction"] == -1
    assert rows.loc["c", "family"] == "P450"
    assert rows.loc["e", "best_metabolite"] == "m"
    assert rows.loc["b", "shape"] == "rate"
    assert pd.isna(rows.loc["c", "shape"])
    assert rows.loc["a", "description"] == "alpha"


@pytest.mark.parametrize("fusion", ["linear", "log_tail", "reciprocal"])
def test_contributions_add_up_to_the_score(tables: EvidenceTables, fusion: str) -> None:
    ranking, weights = ranked(tables, fusion)
    config = RankingConfig.model_validate({"fusion": fusion})
    scored = ranking.dropna(subset="score")
    parts = contributions(scored, weights, config.fusion)
    assert parts["gene_id"].tolist() == scored["gene_id"].tolist()
    np.testing.assert_allclose(parts[list(weights)].sum(axis=1), scored["score"])


def test_contributions_add_up_where_no_gene_has_a_correlation() -> None:
    none = evidence([np.nan] * 5, [None] * 5)
    tables = EvidenceTables(GENES, frames(correlation=none))
    own = tables.of_target("t")
    null = NullValues(np.empty(0, np.int64), {}, np.full(5, -1), tuple("aabb"))
    config = RankingConfig(weight_draws=20)
    done = judge_target(TargetInputs(own, null, [{}], None, np.arange(5)), config, seed=1)
    ranking = rank_target(GENES, own, done.judgement)
    assert sorted(done.weights) == ["autoencoder", "graph", "homology"]
    parts = contributions(ranking, done.weights, config.fusion)
    np.testing.assert_allclose(parts[list(done.weights)].sum(axis=1), ranking["score"])


def test_what_the_networks_learnt_without_a_group_is_that_of_the_folds_that_held_it_out() -> None:
    falling = RISING[::-1]
    tables = EvidenceTables(GENES, frames(importance=pd.concat([importance("0", RISING), importance("1", falling)])))
    assert np.argsort(tables.learnt_without({"0"})["graph"]).tolist() == [0, 1, 2, 3, 4]
    assert np.argsort(tables.learnt_without({"1", "split"})["graph"]).tolist() == [4, 3, 2, 1, 0]
    np.testing.assert_allclose(tables.learnt_without(set())["graph"], 0.4)  # no fold held it out: all of them


def test_without_any_graph_network_there_is_no_graph_evidence() -> None:
    tables = EvidenceTables(GENES, frames(importance=importance("0", [np.nan] * 5), homology=None))
    assert sorted(tables.of_target("t").strengths) == ["autoencoder", "correlation"]


def test_genes_may_come_in_another_order_in_each_table() -> None:
    order = [3, 0, 4, 2, 1]
    plain = frames()
    moved = {name: getattr(plain, name).iloc[order] for name in ("correlation", "best", "homology")}
    tables = EvidenceTables(GENES, frames(**moved))
    wanted = EvidenceTables(GENES, plain)
    for name, values in wanted.of_target("t").strengths.items():
        np.testing.assert_array_equal(tables.of_target("t").strengths[name], values)
    assert tables.of_target("t").shape == ["level", "rate", None, "lag", "level"]
