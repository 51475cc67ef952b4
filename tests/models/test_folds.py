import logging

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import SampleError
from models.folds import FINAL, plan_folds


def _sheet(groups: list[str], **labels: list[str | None]) -> pd.DataFrame:
    ids = [f"s{number}" for number in range(len(groups))]
    frame = pd.DataFrame({"sample_id": ids, "group": groups, "batch": None, "time": np.nan})
    return frame.assign(**{name: pd.Series(values, dtype="str") for name, values in labels.items()})


def _series(n_groups: int = 7, replicates: int = 3) -> pd.DataFrame:
    groups = [f"g{number}" for number in range(n_groups) for _ in range(replicates)]
    tissue = ["root" if int(group[1:]) < n_groups // 2 else "leaf" for group in groups]
    return _sheet(groups, tissue=tissue)


def _plan(sheet: pd.DataFrame, n_folds: int = 5, seed: int = 1, **more: object) -> pd.DataFrame:
    return plan_folds(sheet, list(sheet["sample_id"]), n_folds=n_folds, inner_share=0.2, seed=seed, **more)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=6, max_size=14), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_groups_are_never_divided_and_every_sample_is_held_out_once(sizes: list[int], n_folds: int, seed: int) -> None:
    sheet = _sheet([f"g{number}" for number, size in enumerate(sizes) for _ in range(size)])
    try:
        folds = _plan(sheet, n_folds, seed)
    except SampleError:
        # Only tiny training parts may be refused: here a fold can hold half of six single samples.
        assert sum(sizes) < 2 * (3 + 2 * max(sizes))
        return
    roles = folds.groupby(["fold", "group"])["role"].nunique()
    assert (roles == 1).all()
    assert (folds.groupby("fold")["sample_id"].nunique() == len(sheet)).all()
    held_out = folds[folds["role"] == "held_out"]
    assert sorted(held_out["sample_id"]) == sorted(sheet["sample_id"])
    assert (folds[folds["role"] == "inner"].groupby("fold").size() >= 1).all()
    assert folds["fold"].nunique() == n_folds + 1


def test_final_fold_holds_nothing_out_but_stops_early() -> None:
    final = _plan(_series()).pipe(lambda folds: folds[folds["fold"] == FINAL])
    assert set(final["role"]) == {"train", "inner"}
    assert list(final.columns) == ["fold", "sample_id", "group", "role"]


def test_samples_and_classes_are_spread_evenly() -> None:
    # 10 groups of 2 samples, 5 of each class: five folds of one root group and one leaf group exist.
    groups = [f"g{number}" for number in range(10) for _ in range(2)]
    sheet = _sheet(groups, tissue=["root" if int(group[1:]) % 2 else "leaf" for group in groups])
    for seed in range(5):
        held_out = _plan(sheet, seed=seed).query("role == 'held_out'").merge(sheet, on="sample_id")
        assert held_out.groupby(["fold", "tissue"]).size().tolist() == [2] * 10


def test_shared_samples_are_spread_evenly() -> None:
    sheet = _sheet([f"g{number}" for number in range(20)])
    shared = [f"s{number}" for number in range(5)]
    held_out = _plan(sheet, shared_ids=shared).query("role == 'held_out' and sample_id in @shared")
    assert held_out.groupby("fold").size().tolist() == [1] * 5


def test_early_stopping_spares_the_only_group_of_a_class() -> None:
    groups = [f"g{number}" for number in range(8)]
    sheet = _sheet(groups, tissue=["rare"] + ["common"] * 7)
    for seed in range(10):
        folds = _plan(sheet, n_folds=4, seed=seed)
        assert "inner" not in set(folds.query("sample_id == 's0'")["role"])


def test_the_seed_decides() -> None:
    sheet = _sheet([f"g{number}" for number in range(12)])
    pd.testing.assert_frame_equal(_plan(sheet, seed=3), _plan(sheet, seed=3))
    assert not _plan(sheet, seed=3).equals(_plan(sheet, seed=4))


def test_more_folds_than_groups() -> None:
    message = r"sample sheet, group: wanted at least 5 replicate groups.*found 4 \('g0', 'g1', 'g2', 'g3'\).*at most 4"
    with pytest.raises(SampleError, match=message):
        _plan(_series(4))


def test_too_small_training_part() -> None:
    with pytest.raises(SampleError, match="at least 3 training samples in every fold, found 0 in fold 0"):
        _plan(_series(2), n_folds=2)


def test_sample_without_a_row() -> None:
    with pytest.raises(SampleError, match=r"no row for 1 of them \('s99'\)"):
        plan_folds(_series(), ["s0", "s99"], n_folds=2, inner_share=0.2, seed=1)


def test_class_in_one_group_is_said_aloud(caplog: pytest.LogCaptureFixture) -> None:
    sheet = _sheet([f"g{number}" for number in range(6)], tissue=["rare"] + ["common"] * 5)
    with caplog.at_level(logging.WARNING, "cairn.folds"):
        _plan(sheet, n_folds=3)
    assert "label tissue: the classes 'rare' lie in a single replicate group each" in caplog.text


def test_missing_labels_are_no_class() -> None:
    sheet = _sheet([f"g{number}" for number in range(8)], tissue=["root", None] * 4, place=[None, "north"] * 4)
    assert len(_plan(sheet, n_folds=4)) == 8 * 5
