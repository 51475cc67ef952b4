"""Cross-validation over whole replicate groups."""

import logging
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import SampleError, first_of
from configs.study import FINAL
from models.conditions import label_columns

MIN_TRAINING_SAMPLES = 3
_WHERE = "sample sheet, group"

_log = logging.getLogger("cairn.folds")


def plan_folds(
    sheet: pd.DataFrame,
    sample_ids: Sequence[str],
    *,
    n_folds: int,
    inner_share: float,
    seed: int,
    shared_ids: Collection[str] = (),
) -> pd.DataFrame:
    """Divide the samples into cross-validation folds that keep every replicate group whole.

    Groups are dealt out, largest first, to the fold that so far has the least of what the group brings: samples,
    samples that all layers share, classes of each label, and combinations of classes.

    Parameters
    ----------
    sheet : DataFrame
        Table of the contract `samples`; every column beyond the named ones is taken for a label.
    sample_ids : sequence of str
        Samples to divide: all that occur in any layer.
    n_folds : int
        Number of folds.
    inner_share : float
        Share of the training groups that early stopping looks at, at least one group.
    seed : int
        Seed of the order in which groups of equal size are dealt out.
    shared_ids : collection of str
        Samples that all layers have; spread evenly too.

    Returns
    -------
    DataFrame
        Table of the contract `folds`: folds '0' .. and `FINAL`, one row a fold and sample, role `train`, `inner` or
        `held_out`.

    Raises
    ------
    SampleError
        If the sheet lacks a sample, there are fewer groups than folds, or a training part would be too small.
    """
    rows = _rows_of(sheet, sample_ids)
    strata = _strata(rows, shared_ids)
    groups, members = np.unique(rows["group"].to_numpy(dtype=str), return_inverse=True)
    _require_enough_groups(groups, n_folds)
    _warn_about_confined_labels(rows)
    counts = _sum_by_group(strata, members, len(groups))
    generator = np.random.default_rng(seed)
    fold_of_group = _deal(counts, n_folds, generator)
    parts = []
    for number, name in enumerate([*map(str, range(n_folds)), FINAL]):
        held_out = np.zeros(len(groups), dtype=bool) if name == FINAL else fold_of_group == number
        inner = _inner_groups(counts, ~held_out, inner_share, generator)
        parts.append(_fold_rows(rows, name, held_out[members], inner[members]))
    return pd.concat(parts, ignore_index=True)


def _rows_of(sheet: pd.DataFrame, sample_ids: Sequence[str]) -> pd.DataFrame:
    if absent := sorted(set(sample_ids) - set(sheet["sample_id"])):
        raise SampleError(
            wanted="a row for every sample of the layers",
            found=f"no row for {len(absent)} of them ({first_of(absent)})",
            where="sample sheet, sample_id",
            remedy="Add these samples to the sample sheet.",
        )
    return sheet.set_index("sample_id", drop=False).loc[list(sample_ids)].reset_index(drop=True)


def _strata(rows: pd.DataFrame, shared_ids: Collection[str]) -> npt.NDArray[np.float64]:
    """Return what is to be balanced, shape=(n_samples, n_strata); each kind of stratum weighs as much as the others."""
    labels = rows[list(label_columns(rows))]
    everyone = np.ones((len(rows), 1))
    shared = rows["sample_id"].isin(list(shared_ids)).to_numpy(dtype=float)[:, None]
    kinds = [everyone, shared]
    kinds.extend(pd.get_dummies(labels[name], dtype=float).to_numpy() for name in labels.columns)
    if labels.shape[1] > 1:
        joint = labels.astype("str").fillna("").agg("\x1f".join, axis=1)
        kinds.append(pd.get_dummies(joint, dtype=float).to_numpy())
    return np.concatenate(kinds, axis=1)


def _sum_by_group(
    strata: npt.NDArray[np.float64], members: npt.NDArray[np.intp], n_groups: int
) -> npt.NDArray[np.float64]:
    counts = np.zeros((n_groups, strata.shape[1]))
    np.add.at(counts, members, strata)
    return counts


def _deal(counts: npt.NDArray[np.float64], n_folds: int, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal groups to folds so that the sum of squares of what the folds hold grows the least."""
    share = counts / np.maximum(counts.sum(axis=0), 1)
    order = generator.permutation(len(counts))
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    held = np.zeros((n_folds, counts.shape[1]))
    fold_of_group = np.zeros(len(counts), dtype=np.intp)
    for group in order:
        growth = held @ share[group]
        fold = int(np.lexsort((held[:, 0], growth.round(12)))[0])
        fold_of_group[group] = fold
        held[fold] += share[group]
    return fold_of_group


def _inner_groups(
    counts: npt.NDArray[np.float64],
    training: npt.NDArray[np.bool_],
    inner_share: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Choose the groups of early stopping, sparing those that alone carry a class in the training part."""
    candidates = list(generator.permutation(np.flatnonzero(training)))
    wanted = max(1, round(inner_share * len(candidates)))
    inner = np.zeros(len(counts), dtype=bool)
    for _ in range(min(wanted, len(candidates))):
        left = counts[training & ~inner].sum(axis=0)
        cost = [(int(((counts[g] > 0) & (left == counts[g])).sum()), counts[g, 1] == 0) for g in candidates]
        chosen = candidates.pop(min(range(len(candidates)), key=cost.__getitem__))
        inner[chosen] = True
    return inner


def _fold_rows(
    rows: pd.DataFrame, name: str, held_out: npt.NDArray[np.bool_], inner: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    role = np.select([held_out, inner], ["held_out", "inner"], default="train")
    n_train = int((role == "train").sum())
    if n_train < MIN_TRAINING_SAMPLES:
        raise SampleError(
            wanted=f"at least {MIN_TRAINING_SAMPLES} training samples in every fold",
            found=f"{n_train} in fold {name} beside its held-out and early-stopping groups",
            where=_WHERE,
            remedy="Give more replicate groups (samples.group_by), so that fewer samples leave at once, "
            "or lower validation.folds if a fold of few groups is the cause.",
        )
    columns = {"fold": name, "sample_id": rows["sample_id"], "group": rows["group"], "role": role}
    return pd.DataFrame(columns).astype("str")


def _require_enough_groups(groups: npt.NDArray[np.str_], n_folds: int) -> None:
    if n_folds > len(groups):
        raise SampleError(
            wanted=f"at least {n_folds} replicate groups, one for each fold",
            found=f"{len(groups)} ({first_of(map(str, groups))})",
            where=_WHERE,
            remedy=f"Lower validation.folds to at most {len(groups)}, or name finer groups with samples.group_by.",
        )


def _warn_about_confined_labels(rows: pd.DataFrame) -> None:
    """Say which labels have classes that no fold can both learn and hold out."""
    for label in label_columns(rows):
        groups_of_class = rows.groupby(label)["group"].nunique()
        confined = groups_of_class.index[groups_of_class == 1].astype(str)
        if len(confined):
            _log.warning(
                "label %s: the classes %s lie in a single replicate group each, so held-out samples of them cannot be "
                "predicted; groups are kept whole all the same",
                label,
                first_of(confined),
            )
