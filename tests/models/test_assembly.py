"""Five genes, two folds, one target: the whole fusion by hand."""

import numpy as np
import pandas as pd
import pytest

from configs.ranking import RankingConfig
from models.assembly import EvidenceTables, contributions, rank_study

GENES = ["a", "b", "c", "d", "e"]


def evidence(values: list[float], details: list[str | None], p: float = 0.5) -> pd.DataFrame:
    columns = {"target": "t", "gene_id": GENES, "value": values, "strength": np.abs(values), "p": p, "detail": details}
    return pd.DataFrame(columns)


def importance(fold: str, reconstruction: list[float], gradient: list[float], graph: list[float]) -> pd.DataFrame:
    columns = {"fold": fold, "gene_id": GENES, "reconstruction": reconstruction, "gradient": gradient, "graph": graph}
    return pd.DataFrame(columns)


@pytest.fixture
def tables() -> EvidenceTables:
    rising = [0.1, 0.2, 0.3, 0.4, 0.5]
    return EvidenceTables(
        [*GENES, "dropped"],
        correlation=evidence([0.1, -0.9, 0.3, 0.5, 0.7], ["m"] * 5),
        importance=pd.concat([importance("0", rising, rising, rising), importance("1", rising, rising, rising)]),
        refits=pd.DataFrame({"target": "t", "gene_id": GENES, "0": rising, "1": rising}),
        homology=evidence([0.0, 0.0, 0.6, 0.0, 0.3], [None, None, "P450", None, "P450"]),
        bait=None,
    )


def test_the_published_weights_by_hand(tables: EvidenceTables) -> None:
    ranking, weights = rank_study(tables, {"a": "alpha"}, RankingConfig(fusion="linear"))
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
    assert weights == {"t": pytest.approx({"correlation": 0.4, "autoencoder": 0.3, "graph": 0.2, "homology": 0.1})}
    assert ranking["gene_id"].tolist() == ["e", "d", "b", "c", "a", "dropped"]


def test_a_gene_without_evidence_is_last_and_has_no_score(tables: EvidenceTables) -> None:
    ranking, _ = rank_study(tables, {}, RankingConfig())
    last = ranking.iloc[-1]
    assert last["gene_id"] == "dropped"
    assert np.isnan(last["p"])


def test_sign_family_and_metabolite_come_along(tables: EvidenceTables) -> None:
    ranking, _ = rank_study(tables, {"a": "alpha"}, RankingConfig())
    rows = ranking.set_index("gene_id")
    assert rows.loc["b", "direction"] == -1
    assert rows.loc["c", "family"] == "P450"
    assert rows.loc["e", "best_metabolite"] == "m"
    assert rows.loc["a", "description"] == "alpha"


@pytest.mark.parametrize("fusion", ["linear", "log_tail"])
def test_contributions_add_up_to_the_score(tables: EvidenceTables, fusion: str) -> None:
    config = RankingConfig.model_validate({"fusion": fusion})
    ranking, weights = rank_study(tables, {}, config)
    scored = ranking.dropna(subset="score")
    parts = contributions(scored, weights["t"], config.fusion)
    np.testing.assert_allclose(parts[list(weights["t"])].sum(axis=1), scored["score"])
