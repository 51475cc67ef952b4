import time

import numpy as np
import pytest
from scipy.stats import rankdata

from configs.errors import UserError
from configs.tables import CONTRACTS
from models.bait_standing import auc_of
from models.calibration import leave_one_out
from models.fusion import fuse, rank01

WEIGHTS = {"correlation": 0.4, "autoencoder": 0.3, "graph": 0.2, "homology": 0.1, "bait": 0.4}


class Planted:
    """Evidences with baits among the first genes, and closeness to each bait as the pipeline has it."""

    def __init__(self, seed, *, n_genes=1_500, n_baits=10, shifts=None):
        rng = np.random.default_rng(seed)
        shifts = shifts or {}
        self.baits = rng.permutation(n_genes)[:n_baits]
        self.strengths = {name: rng.normal(size=n_genes) for name in ("correlation", "autoencoder", "graph")}
        self.closeness = rng.normal(size=(n_genes, n_baits))
        self.closeness[self.baits] = (self.closeness[self.baits] + self.closeness[self.baits].T) / np.sqrt(2)
        self.closeness[self.baits] += shifts.get("bait", 0.0)
        self.closeness[self.baits, np.arange(n_baits)] = np.nan
        self.strengths["bait"] = np.nanmean(self.closeness, axis=1)
        for name in self.strengths.keys() - {"bait"}:
            self.strengths[name][self.baits] += shifts.get(name, 0.0)

    def without(self, number):
        return np.nanmean(np.delete(self.closeness, number, axis=1), axis=1)

    def calibration(self, **changes):
        given = {"baits": self.baits, "weights": WEIGHTS, "seed": 3, **changes}
        return leave_one_out("t", given.pop("strengths", self.strengths), self.without, **given)


@pytest.fixture(scope="module")
def found():
    return Planted(0, shifts={"correlation": 2.0}).calibration()


def test_the_table_keeps_its_contract(found):
    contract = CONTRACTS["leave_one_out"]
    assert list(found.table.columns) == [column.name for column in contract.columns]
    assert not found.table[[c.name for c in contract.columns if not c.nullable]].isna().any().any()
    assert found.table["kind"].tolist() == ["evidence"] * 4 + ["fusion"] * 4 + ["calibrated"]
    assert found.table["method"].tolist()[4:] == ["log_tail", "linear", "reciprocal", "rra", "calibrated"]
    assert (found.table["target"] == "t").all()
    assert (found.table["n_baits"] == 10).all()


def test_the_evidence_that_was_planted_gets_the_weight(found):
    assert max(found.weights, key=found.weights.get) == "correlation"
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.weights["graph"] == 0
    rows = found.table.set_index("method")
    assert rows.loc["calibrated", "median_rank"] < rows.loc["linear", "median_rank"]
    assert rows.loc["correlation", "weight"] == found.weights["correlation"]
    assert np.isnan(rows.loc["log_tail", "weight"])


def test_the_verdict_names_what_helps_and_what_does_not(found):
    verdicts = found.table.set_index("method")["verdict"]
    assert verdicts["correlation"] == "finds left-out baits"
    assert verdicts["graph"] == verdicts["autoencoder"] == "adds nothing on its own"
    correlation = found.table.set_index("method").loc["correlation"]
    figures = f"AUC {correlation.auc:.2f}, 95% {correlation.auc_low:.2f}-{correlation.auc_high:.2f}"
    assert found.sentences[0] == f"correlation: finds left-out baits ({figures})"
    few = f"{correlation.n_baits} baits can show"
    assert found.sentences[2].startswith(f"graph: adds nothing on its own that {few} (AUC 0.")
    assert found.sentences[4] == "calibrated weights: correlation 1.00; 0 for autoencoder, graph, bait"


def test_places_are_those_of_whole_rankings():
    planted = Planted(1, shifts={"bait": 1.0, "correlation": 1.0})
    rows = planted.calibration().table.set_index("method")
    places = {"bait": [], "reciprocal": []}
    for number, bait in enumerate(planted.baits):
        strengths = {**planted.strengths, "bait": planted.without(number)}
        ranks = {name: rank01(values) for name, values in strengths.items()}
        places["bait"].append(rankdata(-strengths["bait"])[bait])
        places["reciprocal"].append(rankdata(-fuse(ranks, WEIGHTS, "reciprocal"))[bait])
    for method, those in places.items():
        assert rows.loc[method, "auc"] == pytest.approx(auc_of(np.array(those), 1_500).mean(), rel=1e-12)
        assert rows.loc[method, "median_rank"] == np.median(those)


def test_order_of_evidence_and_of_genes_does_not_matter():
    planted = Planted(2, shifts={"bait": 1.0, "correlation": 1.0})
    before = planted.calibration()
    turned = planted.calibration(strengths=dict(reversed(planted.strengths.items())))
    assert turned.sentences == before.sentences
    genes = np.random.default_rng(0).permutation(1_500)
    planted.strengths = {name: values[genes] for name, values in planted.strengths.items()}
    planted.closeness = planted.closeness[genes]
    planted.baits = np.argsort(genes)[planted.baits]
    moved = planted.calibration()
    assert moved.weights == pytest.approx(before.weights, abs=1e-9)
    np.testing.assert_allclose(moved.table["auc"], before.table["auc"], rtol=1e-12)


@pytest.mark.parametrize("n_baits", [3, 8])
def test_the_reported_figure_of_pure_noise_is_chance(n_baits):
    aucs = []
    for seed in range(60):
        table = Planted(seed, n_genes=300, n_baits=n_baits).calibration().table
        aucs.append(table.set_index("method").loc["calibrated", "auc"])
    # Left-out baits of one study share weights and closeness, hence the error from the spread over studies.
    assert abs(np.mean(aucs) - 0.5) < 3 * np.std(aucs, ddof=1) / np.sqrt(60)


def test_three_baits_are_enough_and_said_to_be_few():
    found = Planted(4, n_baits=3, shifts={"correlation": 3.0}).calibration()
    assert found.weights["correlation"] > 0
    assert "3 baits are few" in found.sentences[-1]


def test_two_baits_are_too_few():
    with pytest.raises(UserError, match="at least 3 baits of the target 't' to calibrate by, found 2"):
        Planted(5, n_baits=2).calibration()


def test_without_bait_evidence_the_rest_is_judged():
    planted = Planted(6, shifts={"correlation": 2.0})
    del planted.strengths["bait"]
    found = planted.calibration()
    assert "bait" not in found.weights
    assert found.table["kind"].tolist().count("evidence") == 3


def test_missing_values_and_absent_evidence_are_no_obstacle():
    planted = Planted(7, shifts={"correlation": 2.0})
    planted.strengths["homology"] = np.full(1_500, np.nan)
    planted.strengths["graph"][planted.baits[:2]] = np.nan
    found = planted.calibration()
    assert "homology" not in found.weights
    assert found.table["auc"].between(0, 1).all()


def test_weights_of_nothing_present_are_an_error():
    with pytest.raises(UserError, match="each with weight 0"):
        Planted(8).calibration(weights={"homology": 1.0})


def test_a_genome_is_quick():
    planted = Planted(9, n_genes=132_129, n_baits=5, shifts={"correlation": 2.0})
    start = time.perf_counter()
    planted.calibration()
    assert time.perf_counter() - start < 20
