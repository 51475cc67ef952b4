"""Evidence tables: what stands beside the correlation with a target."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.artifact import Runtime
from configs.ranking import Direction
from configs.study import CorrelationMethod
from models.correlation import best_partner
from models.layer import Layer
from models.time_shapes import TimeCourse
from tasks.certainty import refit_correlation
from tasks.evidence import correlate_targets
from tasks.records import PairedLayers, TargetQuestion
from tasks.store import Store
from tests.tasks.small_study import SmallStudy

SAMPLES = tuple(f"s{number:02}" for number in range(12))
SHEET = pd.DataFrame(
    {"sample_id": SAMPLES, "group": list("aabbccddeeff"), "batch": None, "time": np.nan, "series": None}
).astype({"batch": "str", "series": "str"})
LEFT_OUT = np.array([number < 2 for number in range(12)])
"""Samples of the group a."""
TARGETS = {"acids": ("m1", "m3"), "sugars": ("m0",)}


class Study:
    """A study of random genes and metabolites in a store of its own."""

    def __init__(self, folder: Path, sheet: pd.DataFrame) -> None:
        rng = np.random.default_rng(4)
        self.runtime = Runtime(store=str(folder / "store"), checkpoints=str(folder / "checkpoints"), device="cpu")
        self.store = Store(self.runtime.store)
        self.genes, self.metabolites = (rng.normal(size=(size, 12)).astype(np.float32) for size in (30, 4))
        self.genes[7] = 1.0
        ids = [tuple(f"{letter}{number}" for number in range(size)) for letter, size in (("g", 30), ("m", 4))]
        self.layers = PairedLayers(
            genes=self.store.put_layer(Layer("genes", self.genes, ids[0], SAMPLES)),
            metabolites=self.store.put_layer(Layer("metabolites", self.metabolites, ids[1], SAMPLES)),
            sheet=self.store.put_table(sheet, "samples"),
            shared=SAMPLES,
        )

    def correlate(self, method: CorrelationMethod = "spearman", direction: Direction = "both") -> list[pd.DataFrame]:
        """Return evidence, refits and best partners."""
        question = TargetQuestion(method=method, direction=direction, permutations=20)
        done = correlate_targets.fn(self.layers, TARGETS, question, self.runtime)
        refits = refit_correlation.fn(self.layers, TARGETS, question, self.runtime)
        return [self.store.get_table(table) for table in (done.evidence, refits, done.best)]


@pytest.mark.parametrize("method", ["spearman", "bicor"])
def test_each_gene_has_all_coefficients_with_its_best_metabolite(tmp_path: Path, method: CorrelationMethod) -> None:
    evidence, _, best = Study(tmp_path, SHEET).correlate(method)
    tested = evidence[evidence["gene_id"] != "g7"].reset_index(drop=True)
    assert best["gene_id"].tolist() == tested["gene_id"].tolist()
    assert best["metabolite_id"].tolist() == tested["detail"].tolist()
    np.testing.assert_array_equal(best["rho"], tested["value"])
    assert best["p"].isna().all()  # groups are permuted later
    assert best[["n_samples", "n_groups"]].drop_duplicates().to_numpy().tolist() == [[12, 6]]
    assert best[["rho_between", "rho_within"]].notna().all(axis=None)
    assert best["rho_given_batch"].isna().all()
    assert best["shape"].isna().all()


@pytest.mark.parametrize("direction", ["positive", "negative"])
def test_strength_is_signed_where_a_direction_is_asked_for(tmp_path: Path, direction: Direction) -> None:
    study = Study(tmp_path, SHEET)
    evidence, refits, _ = study.correlate(direction=direction)
    own = evidence[evidence["target"] == "acids"]
    expected = best_partner(study.genes, study.metabolites[[1, 3]], direction=direction)
    np.testing.assert_array_equal(own["strength"], expected.strength)
    np.testing.assert_array_equal(own["value"], expected.rho)
    again = best_partner(study.genes[:, ~LEFT_OUT], study.metabolites[[1, 3]][:, ~LEFT_OUT], direction=direction)
    np.testing.assert_array_equal(refits.loc[refits["target"] == "acids", "without a"], again.strength)


def test_times_make_the_best_of_level_rate_and_lag(tmp_path: Path) -> None:
    times = np.repeat([0.0, 1, 2, 3, 5, 8], 2)
    study = Study(tmp_path, SHEET.assign(time=times))
    evidence, refits, best = study.correlate()
    one_series = TimeCourse(times, np.zeros(12, np.int64))
    rows = one_series.shaped(study.metabolites[[1, 3]])
    expected = best_partner(study.genes, rows.values)
    own = evidence[evidence["target"] == "acids"]
    np.testing.assert_array_equal(own["strength"], expected.strength)
    names = [("m1", "m3")[rows.member[row]] if row >= 0 else None for row in expected.index]
    assert own["detail"].astype(object).where(own["detail"].notna(), None).tolist() == names
    first = best[best["target"] == "acids"]
    assert first["shape"].tolist() == [rows.shape[row] for row in expected.index if row >= 0]
    assert set(first["shape"]) == {"level", "rate", "lag"}
    assert set(first.loc[first["shape"] == "lag", "n_samples"]) == {10}
    kept = one_series.taken(~LEFT_OUT).shaped(study.metabolites[[1, 3]][:, ~LEFT_OUT])
    np.testing.assert_array_equal(
        refits.loc[refits["target"] == "acids", "without a"],
        best_partner(study.genes[:, ~LEFT_OUT], kept.values).strength,
    )


def test_a_family_grades_genes_for_the_targets_that_it_serves(small_study: SmallStudy) -> None:
    homology = small_study.homology
    assert homology.serving == {"acids": ("P450",), "sugars": ("BAHD",)}
    evidence = small_study.table(homology.evidence)
    assert len(evidence) == 2 * 41  # genes that do not vary are graded too
    graded = evidence[evidence["value"] > 0]
    acids, sugars = (graded[graded["target"] == target] for target in ("acids", "sugars"))
    assert acids.sort_values("value", ascending=False)["gene_id"].tolist() == ["g05", "g02", "g04", "g03"]
    assert sugars["gene_id"].tolist() == ["g30"]
    assert set(acids["detail"]) == {"P450"}
