"""Cross-validation over whole replicate groups, and over single replicates where groups can tell nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import SampleError, first_of
from configs.study import FINAL, ValidationConfig
from models.conditions import label_columns
from models.label_design import label_designs, label_notes

Scheme = Literal["grouped", "leave_one_group_out", "replicate_split", "final"]

MIN_TRAINING_SAMPLES = 3
_DEALS = 20
"""Orders of the groups that are tried for each division into folds."""
_WHERE = "sample sheet, group"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who is held out when.

    Attributes
    ----------
    table : DataFrame
        Table of the contract `folds`, one row a fold and sample. Folds of the first repeat are '0', '1' ..., of
        repeat 2 'r2-0' ..., of the replicate split 'split-0' ...; the final fit is `FINAL`.
    folds : tuple of str
        Folds that hold whole groups out, of all repeats.
    split : tuple of str
        Folds that hold single replicates out, for the labels that whole groups can tell nothing about.
    notes : tuple of str
        What was decided and why, as plain sentences.
    """

    table: pd.DataFrame
    folds: tuple[str, ...]
    split: tuple[str, ...]
    notes: tuple[str, ...]


def plan_folds(
    sheet: pd.DataFrame,
    sample_ids: Sequence[str],
    *,
    config: ValidationConfig,
    inner_share: float,
    seed: int,
    shared_ids: Collection[str] = (),
) -> Plan:
    """Divide the samples into cross-validation folds that keep every replicate group whole.

    Groups are dealt out, largest first, to the fold that so far has the least of what the group brings: samples,
    samples that all layers share, classes of each label, and combinations of classes. Of 20 such deals the most even
    one is taken, first of all one that holds no class out altogether. The order of the samples does not matter.

    A label none or one of whose classes lies in more than one group cannot be predicted with whole groups held out.
    For such labels there are further folds, which hold out one replicate of every group at a time; what they give is
    optimistic, since the other replicates of the same group are learnt from.

    Parameters
    ----------
    sheet : DataFrame
        Table of the contract `samples`; every column beyond the named ones is taken for a label.
    sample_ids : sequence of str
        Samples to divide: all that occur in any layer.
    config : ValidationConfig
        Folds, scheme, repeats, and whether replicates may be split.
    inner_share : float
        Share of the training groups that early stopping looks at, at least one group.
    seed : int
        Seed of the order in which groups of equal size are dealt out.
    shared_ids : collection of str
        Samples that all layers have; spread evenly too.

    Returns
    -------
    Plan

    Raises
    ------
    SampleError
        If the sheet lacks a sample, there are fewer groups than folds, or a training part would be too small.
    """
    rows = _rows_of(sheet, sample_ids)
    groups = _Units.of(rows, rows["group"], _strata(rows, shared_ids))
    scheme, notes = _scheme(groups.names, config)
    n_folds = len(groups.names) if scheme == "leave_one_group_out" else config.folds
    dealer = _Dealer(rows, inner_share, np.random.default_rng(seed))
    final = dealer.fold(groups, np.zeros(len(groups.names), dtype=bool), _Fold(FINAL, 0, "final"))
    crossed = []
    for repeat in range(1, config.repeats + 1):
        prefix = "" if repeat == 1 else f"r{repeat}-"
        crossed += dealer.divide(groups, [_Fold(f"{prefix}{number}", repeat, scheme) for number in range(n_folds)])
    designs = label_designs(rows)
    wanted = [name for name, design in designs.items() if design.splittable] if config.replicate_split else []
    split = []
    if wanted:
        samples = _Units.of(rows, rows["sample_id"], np.hstack([_strata(rows, shared_ids), _dummies(rows["group"])]))
        n_splits = min(config.folds, max(designs[name].replicates for name in wanted))
        split = dealer.divide(samples, [_Fold(f"split-{number}", 1, "replicate_split") for number in range(n_splits)])
    return Plan(
        table=pd.concat([*crossed, *split, final], ignore_index=True),
        folds=_names_of(crossed),
        split=_names_of(split),
        notes=(*notes, *label_notes(designs, wanted)),
    )


@dataclass(frozen=True, slots=True)
class _Fold:
    """Name of a fold, the repeat that it belongs to, and how its samples were chosen."""

    name: str
    repeat: int
    scheme: Scheme


@dataclass(frozen=True, slots=True, eq=False)
class _Units:
    """What is dealt out whole: groups, or single samples.

    Attributes
    ----------
    names : ndarray of str, shape=(n_units,)
        Sorted names.
    members : ndarray, shape=(n_samples,), dtype=int64
        Unit of each sample.
    counts : ndarray, shape=(n_units, n_strata), dtype=float64
        How much of each stratum a unit holds.
    """

    names: npt.NDArray[np.str_]
    members: npt.NDArray[np.intp]
    counts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: pd.DataFrame, unit: pd.Series, strata: npt.NDArray[np.float64]) -> Self:
        """Sum the strata of the samples by unit."""
        names, members = np.unique(unit.to_numpy(dtype=str), return_inverse=True)
        counts = np.zeros((len(names), strata.shape[1]))
        np.add.at(counts, members, strata)
        return cls(names, members, counts)


def _names_of(parts: Sequence[pd.DataFrame]) -> tuple[str, ...]:
    return tuple(str(part["fold"].iloc[0]) for part in parts)


def _scheme(groups: npt.NDArray[np.str_], config: ValidationConfig) -> tuple[Scheme, tuple[str, ...]]:
    """Return how to divide the groups, and what to say about it."""
    if config.scheme == "leave_one_group_out":
        return "leave_one_group_out", ()
    if config.folds <= len(groups):
        return "grouped", ()
    if config.scheme == "auto":
        note = (
            f"There are {len(groups)} replicate groups, fewer than the {config.folds} folds asked for, so each is "
            "held out in a fold of its own."
        )
        return "leave_one_group_out", (note,)
    raise SampleError(
        wanted=f"at least {config.folds} replicate groups, one for each fold",
        found=f"{len(groups)} ({first_of(map(str, groups))})",
        where=_WHERE,
        remedy=f"Lower validation.folds to at most {len(groups)}, set validation.scheme to auto, or name finer groups "
        "with samples.group_by.",
    )


def _rows_of(sheet: pd.DataFrame, sample_ids: Sequence[str]) -> pd.DataFrame:
    """Return the rows of the samples, ordered by sample id, so that the order of tables changes nothing."""
    if absent := sorted(set(sample_ids) - set(sheet["sample_id"])):
        raise SampleError(
            wanted="a row for every sample of the layers",
            found=f"no row for {len(absent)} of them ({first_of(absent)})",
            where="sample sheet, sample_id",
            remedy="Add these samples to the sample sheet.",
        )
    return sheet.set_index("sample_id", drop=False).loc[sorted(sample_ids)].reset_index(drop=True)


def _strata(rows: pd.DataFrame, shared_ids: Collection[str]) -> npt.NDArray[np.float64]:
    """Return what is to be balanced, shape=(n_samples, n_strata); each kind of stratum weighs as much as the others."""
    labels = rows[list(label_columns(rows))]
    everyone = np.ones((len(rows), 1))
    shared = rows["sample_id"].isin(list(shared_ids)).to_numpy(dtype=float)[:, None]
    kinds = [everyone, shared, *(_dummies(labels[name]) for name in labels.columns)]
    if labels.shape[1] > 1:
        kinds.append(_dummies(labels.astype("str").fillna("").agg("\x1f".join, axis=1)))
    return np.concatenate(kinds, axis=1)


def _dummies(column: pd.Series) -> npt.NDArray[np.float64]:
    return pd.get_dummies(column, dtype=float).to_numpy()


class _Dealer:
    """Deals units to folds, and chooses those that early stopping looks at."""

    def __init__(self, rows: pd.DataFrame, inner_share: float, generator: np.random.Generator) -> None:
        self._rows, self._inner_share, self._generator = rows, inner_share, generator

    def divide(self, units: _Units, folds: Sequence[_Fold]) -> list[pd.DataFrame]:
        """Deal all units to the folds as evenly as can be."""
        deals = [_deal(units.counts, len(folds), self._generator) for _ in range(_DEALS)]
        fold_of_unit = min(deals, key=lambda deal: _unevenness_of(units.counts, deal))
        return [self.fold(units, fold_of_unit == number, fold) for number, fold in enumerate(folds)]

    def fold(self, units: _Units, held_out: npt.NDArray[np.bool_], fold: _Fold) -> pd.DataFrame:
        """Return the rows of one fold, contract `folds`."""
        inner = _inner_units(units.counts, ~held_out, self._inner_share, self._generator)
        role = np.select([held_out[units.members], inner[units.members]], ["held_out", "inner"], default="train")
        _require_training_samples(int((role == "train").sum()), fold.name)
        ids, groups = self._rows["sample_id"].astype("str"), self._rows["group"].astype("str")
        frame = pd.DataFrame({"sample_id": ids, "group": groups, "role": pd.Series(role, dtype="str")})
        frame.insert(0, "fold", fold.name)
        frame.insert(1, "repeat", np.int64(fold.repeat))
        frame.insert(2, "scheme", fold.scheme)
        return frame


def _deal(counts: npt.NDArray[np.float64], n_folds: int, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal units to folds so that the sum of squares of what the folds hold grows the least."""
    share = counts / np.maximum(counts.sum(axis=0), 1)
    order = generator.permutation(len(counts))
    order = order[np.argsort(-counts[order, 0], kind="stable")]
    held = np.zeros((n_folds, counts.shape[1]))
    fold_of_unit = np.zeros(len(counts), dtype=np.intp)
    for unit in order:
        growth = held @ share[unit]
        fold = int(np.lexsort((held[:, 0], growth.round(12)))[0])
        fold_of_unit[unit] = fold
        held[fold] += share[unit]
    return fold_of_unit


def unevenness(held: npt.NDArray[np.float64], several: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Return how uneven a division is; smaller is better.

    Parameters
    ----------
    held : ndarray, shape=(n_folds, n_strata), dtype=float64
        How much of each stratum a fold holds out.
    several : ndarray, shape=(n_strata,), dtype=bool
        Strata of at least two units.

    Returns
    -------
    lost : int
        Strata of at least two units that one fold holds out altogether.
    squares : float
        Sum over folds and strata of the squared share of the stratum that the fold holds.
    """
    total = held.sum(axis=0)
    lost = int(((held == total) & several).any(axis=0).sum())
    return lost, float(np.square(held / np.maximum(total, 1)).sum().round(9))


def _unevenness_of(counts: npt.NDArray[np.float64], fold_of_unit: npt.NDArray[np.intp]) -> tuple[int, float]:
    held = np.zeros((int(fold_of_unit.max()) + 1, counts.shape[1]))
    np.add.at(held, fold_of_unit, counts)
    return unevenness(held, (counts > 0).sum(axis=0) >= 2)


def _inner_units(
    counts: npt.NDArray[np.float64],
    training: npt.NDArray[np.bool_],
    inner_share: float,
    generator: np.random.Generator,
) -> npt.NDArray[np.bool_]:
    """Choose the units of early stopping, sparing those that alone carry a class in the training part."""
    candidates = list(generator.permutation(np.flatnonzero(training)))
    wanted = max(1, round(inner_share * len(candidates)))
    inner = np.zeros(len(counts), dtype=bool)
    for _ in range(min(wanted, len(candidates))):
        left = counts[training & ~inner].sum(axis=0)
        cost = [(int(((counts[u] > 0) & (left == counts[u])).sum()), counts[u, 1] == 0) for u in candidates]
        chosen = candidates.pop(min(range(len(candidates)), key=cost.__getitem__))
        inner[chosen] = True
    return inner


def _require_training_samples(n_train: int, fold: str) -> None:
    if n_train < MIN_TRAINING_SAMPLES:
        raise SampleError(
            wanted=f"at least {MIN_TRAINING_SAMPLES} training samples in every fold",
            found=f"{n_train} in fold {fold} beside its held-out and early-stopping groups",
            where=_WHERE,
            remedy="Give more replicate groups (samples.group_by), so that fewer samples leave at once, "
            "or lower validation.folds if a fold of few groups is the cause.",
        )
