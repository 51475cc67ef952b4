import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import SampleError
from configs.study import ValidationConfig
from models.folds import FINAL, Plan, plan_folds, unevenness
from models.label_design import label_design_table


def _sheet(groups: list[str], **labels: list[str | None]) -> pd.DataFrame:
    ids = [f"s{number}" for number in range(len(groups))]
    frame = pd.DataFrame({"sample_id": ids, "group": groups, "batch": None, "time": np.nan})
    return frame.assign(**{name: pd.Series(values, dtype="str") for name, values in labels.items()})


def _series(n_groups: int = 7, replicates: int = 3) -> pd.DataFrame:
    groups = [f"g{number}" for number in range(n_groups) for _ in range(replicates)]
    tissue = ["root" if int(group[1:]) < n_groups // 2 else "leaf" for group in groups]
    return _sheet(groups, tissue=tissue)


def _planned(sheet: pd.DataFrame, n_folds: int = 5, seed: int = 1, shared: object = (), **config: object) -> Plan:
    config = ValidationConfig(**{"folds": n_folds, "repeats": 1, "scheme": "grouped", **config})
    ids = list(sheet["sample_id"])
    return plan_folds(sheet, ids, config=config, inner_share=0.2, seed=seed, shared_ids=shared)


def _plan(sheet: pd.DataFrame, n_folds: int = 5, seed: int = 1, shared: object = ()) -> pd.DataFrame:
    planned = _planned(sheet, n_folds, seed, shared)
    return planned.table[~planned.table["fold"].isin(planned.split)]


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
    assert list(final.columns) == ["fold", "repeat", "scheme", "sample_id", "group", "role"]
    assert (set(final["repeat"]), set(final["scheme"])) == ({0}, {"final"})


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
    held_out = _plan(sheet, shared=shared).query("role == 'held_out' and sample_id in @shared")
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
        plan_folds(_series(), ["s0", "s99"], config=ValidationConfig(), inner_share=0.2, seed=1)


def test_class_in_one_group_is_said_aloud() -> None:
    sheet = _sheet([f"g{number}" for number in range(6)], tissue=["rare"] + ["common"] * 3 + ["usual"] * 2)
    (note,) = _planned(sheet, n_folds=3).notes
    assert note.startswith("label tissue: the classes 'rare' lie in a single replicate group each")
    assert _planned(sheet, n_folds=3).split == ()


def test_label_with_one_group_a_class_gets_an_optimistic_replicate_split() -> None:
    sheet = _series().assign(stage=lambda frame: frame["group"].str.replace("g", "stage "))
    planned = _planned(sheet)
    (note,) = planned.notes
    assert note == (
        "label stage cannot be predicted with whole groups held out, since each of its 7 classes lies in a single "
        "replicate group. Single replicates are held out instead, and these scores are marked optimistic: they tell "
        "how alike replicates are, not whether a new group would be recognised."
    )
    split = planned.table[planned.table["scheme"] == "replicate_split"]
    assert tuple(split["fold"].unique()) == planned.split == ("split-0", "split-1", "split-2")
    held_out = split[split["role"] == "held_out"]
    assert (held_out.groupby(["fold", "group"]).size() == 1).all()
    assert sorted(held_out["sample_id"]) == sorted(sheet["sample_id"])


def test_replicate_split_can_be_refused_and_needs_replicates() -> None:
    sheet = _series().assign(stage=lambda frame: frame["group"])
    planned = _planned(sheet, replicate_split=False)
    assert planned.split == ()
    assert planned.notes[0].endswith("replicate group. It is not scored.")
    alone = _sheet([f"g{number}" for number in range(8)], tissue=["rare"] + ["common"] * 7)
    planned = _planned(alone, n_folds=4)
    assert planned.split == ()
    assert "since only the class common lies in more than one replicate group. It is not scored" in planned.notes[0]


def test_fewer_groups_than_folds_leave_one_group_out() -> None:
    planned = _planned(_series(4), scheme="auto")
    assert planned.folds == ("0", "1", "2", "3")
    assert planned.notes == (
        "There are 4 replicate groups, fewer than the 5 folds asked for, so each is held out in a fold of its own.",
    )
    held_out = planned.table[planned.table["role"] == "held_out"]
    assert len(held_out[["fold", "group"]].drop_duplicates()) == 4
    assert set(held_out["scheme"]) == {"leave_one_group_out"}
    assert len(_planned(_series(), scheme="leave_one_group_out").folds) == 7


def test_repeats_deal_the_groups_anew() -> None:
    planned = _planned(_series(12), n_folds=4, repeats=3)
    assert len(planned.folds) == 12
    assert planned.folds[3:6] == ("3", "r2-0", "r2-1")
    held_out = planned.table[planned.table["role"] == "held_out"]
    assert (held_out.groupby("repeat")["sample_id"].nunique() == 36).all()
    together = [
        frozenset(frozenset(rows["sample_id"]) for _, rows in part.groupby("fold"))
        for _, part in held_out.groupby("repeat")
    ]
    assert len(set(together)) == 3


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 5), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_classes_smaller_than_the_number_of_folds_are_never_held_out_whole(
    rare_groups: int, n_folds: int, seed: int
) -> None:
    groups = [f"g{number:02d}" for number in range(12)]
    sheet = _sheet(groups, tissue=["rare"] * rare_groups + ["common"] * (12 - rare_groups))
    training = _plan(sheet, n_folds, seed).query("role != 'held_out'").merge(sheet, on="sample_id")
    assert (training.groupby("fold")["tissue"].nunique() == 2).all()


def test_the_order_of_the_samples_changes_nothing() -> None:
    sheet = _series(9)
    shuffled = sheet.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(_planned(sheet, repeats=2).table, _planned(shuffled, repeats=2).table)


def test_unevenness_by_hand() -> None:
    # Two folds of two samples each; the second stratum has two samples, in one fold or in both.
    several = np.array([True, True])
    assert unevenness(np.array([[2.0, 2.0], [2.0, 0.0]]), several) == (1, 2 * 0.25 + 1)
    assert unevenness(np.array([[2.0, 1.0], [2.0, 1.0]]), several) == (0, 2 * 0.25 + 2 * 0.25)
    assert unevenness(np.array([[2.0, 1.0], [2.0, 0.0]]), np.array([True, False])) == (0, 2 * 0.25 + 1)


def test_label_design_counts_groups_of_classes() -> None:
    groups = ["a", "a", "b", "b", "c", "c"]
    sheet = _sheet(groups, tissue=["x", "y", "x", "y", "x", None], line=["p", "p", "q", "q", "q", "q"])
    table = label_design_table(sheet).set_index(["label", "class"])
    assert table["n_groups"].to_dict() == {("tissue", "x"): 3, ("tissue", "y"): 2, ("line", "p"): 1, ("line", "q"): 2}
    assert table["within_groups"].tolist() == [True, True, False, False]
    assert table["predictable"].tolist() == [True, True, False, False]
    assert label_design_table(_sheet(groups)).empty


def test_missing_labels_are_no_class() -> None:
    sheet = _sheet([f"g{number}" for number in range(8)], tissue=["root", None] * 4, place=[None, "north"] * 4)
    assert len(_plan(sheet, n_folds=4)) == 8 * 5
