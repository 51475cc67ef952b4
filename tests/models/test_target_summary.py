"""Two folds, three genes, two targets by hand."""

import numpy as np
import pandas as pd

from configs.tables import CONTRACTS
from models.parquet import decode_frame, encode_frame
from models.target_evidence import ATTRIBUTION, PERTURBATION, Fit, TargetScores
from models.target_summary import (
    fits_table,
    gate_notes,
    importance_table,
    target_evidence,
    target_gates,
    target_summary,
)

GENES = ["a", "b", "c"]


def _fold(name: str, attribution: list[float], fit: Fit) -> tuple[pd.DataFrame, pd.DataFrame]:
    scores = {ATTRIBUTION: np.array(attribution), PERTURBATION: np.array([1.0, 2.0, 3.0])}
    absent = {method: np.full(3, np.nan) for method in scores}
    found = {
        "capsaicinoids": TargetScores(scores, {ATTRIBUTION: fit, PERTURBATION: Fit(3, 4.0, 5.0)}),
        "lignin": TargetScores(absent, {ATTRIBUTION: Fit(), PERTURBATION: Fit(3, 4.0, 5.0)}),
    }
    return importance_table(found, GENES, name), fits_table(found, name)


FOLDS = [_fold("0", [1.0, -2.0, np.nan], Fit(3, 9.0, 10.0)), _fold("1", [3.0, 2.0, np.nan], Fit(2, 6.0, 2.0))]
GATES = target_gates(pd.concat([fits for _, fits in FOLDS]), {"0": 1, "1": 1})
SUMMARY = target_summary([table for table, _ in FOLDS])


def test_gates_pool_the_folds_of_a_repeat_and_average_over_repeats() -> None:
    # One repeat: 1 - (9 + 6) / (10 + 2) = -0.25; two repeats: ((1 - 0.9) + (1 - 3)) / 2 = -0.95.
    np.testing.assert_allclose(GATES["r2"], [-0.25, 0.2, np.nan, 0.2])
    assert GATES["opened"].tolist() == [False, True, False, True]
    assert GATES["n_samples"].tolist() == [5, 6, 0, 6]
    apart = target_gates(pd.concat([fits for _, fits in FOLDS]), {"0": 1, "1": 2})
    np.testing.assert_allclose(apart["r2"], [-0.95, 0.2, np.nan, 0.2])


def test_summary_is_signed_and_stability_is_not() -> None:
    own = SUMMARY[SUMMARY["target"] == "capsaicinoids"]
    np.testing.assert_allclose(own["attribution"], [2, 0, np.nan])
    np.testing.assert_allclose(own["attribution_sd"], [2**0.5, 8**0.5, np.nan])
    np.testing.assert_allclose(own["attribution_top"], [1, 1, np.nan])
    assert SUMMARY.loc[SUMMARY["target"] == "lignin", "attribution"].isna().all()


def test_evidence_has_a_strength_only_behind_an_open_gate() -> None:
    closed = target_evidence(SUMMARY, GATES, ATTRIBUTION)
    np.testing.assert_allclose(closed["value"], [2, 0, np.nan, np.nan, np.nan, np.nan])
    assert closed["strength"].isna().all()
    opened = target_evidence(SUMMARY, GATES, PERTURBATION)
    np.testing.assert_allclose(opened["strength"], [1, 2, 3, np.nan, np.nan, np.nan])
    assert opened["detail"].unique().tolist() == ["held-out R2 0.20"]


def test_tables_are_as_the_contracts_say() -> None:
    importance, fits = FOLDS[0]
    tables = {
        "target_importance": importance,
        "target_fits": fits,
        "target_gates": GATES,
        "target_summary": SUMMARY,
        "evidence": target_evidence(SUMMARY, GATES, ATTRIBUTION),
    }
    for kind, table in tables.items():
        again = decode_frame(encode_frame(table, kind), kind)
        assert again.columns.tolist() == [column.name for column in CONTRACTS[kind].columns]
        assert len(again) == len(table)


def test_notes_say_where_nothing_is_added() -> None:
    one, other, shared = gate_notes(GATES)
    start = "capsaicinoids: the gene latents do not predict it in held-out samples (R2 -0.25)"
    assert one == f"{start}, so attribution adds nothing here."
    assert other.startswith("lignin: the gene latents could not be judged: too few samples have both layers")
    start = "capsaicinoids, lignin: the metabolome's latents reconstruct the genes in held-out samples (R2 0.20)"
    assert shared == f"{start}, so perturbation may add something."
