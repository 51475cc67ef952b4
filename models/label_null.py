"""Labels as they would be by chance, with replicate groups and the balance of the folds kept."""

import numpy as np
import pandas as pd
from scipy.special import gammaln

from models.arrays import Float64Array, IntArray
from models.conditions import label_columns
from models.folds import unevenness
from models.seeds import derived_seed

_SWEEPS = 5
"""Proposals per group between two draws."""
_LARGEST_CYCLE = 4
"""Groups that change labels in one proposal, at most."""


def label_draws(
    sheet: pd.DataFrame, held_out: pd.DataFrame, *, count: int, seed: int
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Draw every label of a study by chance; see `permuted_labels`.

    Parameters
    ----------
    sheet : DataFrame
        Table of the contract `samples`.
    held_out : DataFrame
        Columns `fold` and `group`: which fold holds each group out.
    count : int
        Draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    draws : DataFrame
        Table of the contract `label_draws`.
    arrangements : dict of str to float
        By label, how many different arrangements there are.
    """
    groups, names = pd.factorize(sheet["group"], sort=True)
    by_group = held_out.drop_duplicates("group").set_index("group")["fold"]
    fold_of_group = pd.factorize(by_group[names])[0].astype(np.int64)
    tables, arrangements = [pd.DataFrame({"label": [], "draw": [], "sample_id": [], "class": []})], {}
    for label in label_columns(sheet):
        found, classes = pd.factorize(sheet[label], sort=True)
        codes = found.astype(np.int64)
        drawn = permuted_labels(codes, groups, fold_of_group, count=count, seed=derived_seed(seed, label))
        words = np.array([*classes, None], dtype=object)
        samples = np.tile(sheet["sample_id"].to_numpy(dtype=object), count)
        frame = pd.DataFrame({"label": label, "draw": np.repeat(np.arange(count), len(sheet)), "sample_id": samples})
        tables.append(frame.assign(**{"class": words[drawn.ravel()]}))
        arrangements[label] = n_arrangements(codes, groups)
    types = {"label": "str", "draw": "int64", "sample_id": "str", "class": "str"}
    return pd.concat(tables, ignore_index=True).astype(types), arrangements


def permuted_labels(codes: IntArray, groups: IntArray, fold_of_group: IntArray, *, count: int, seed: int) -> IntArray:
    """Draw labels that are independent of everything measured.

    Where a label is constant within every replicate group, whole groups exchange it; else it is shuffled within the
    groups. Missing labels stay missing where they are.

    The folds were dealt so that they hold the classes as evenly as can be, which plain permutations would not keep: a
    fold that holds out most of a class makes every method do worse than chance. So groups exchange labels in small
    cycles, and a cycle that makes the folds less even than they are is refused. These draws are a Markov chain that
    has the uniform distribution over all such arrangements.

    Parameters
    ----------
    codes : ndarray, shape=(n_samples,), dtype=int64
        Class of each sample, -1 where missing.
    groups : ndarray, shape=(n_samples,), dtype=int64
        Replicate group of each sample, from 0.
    fold_of_group : ndarray, shape=(n_groups,), dtype=int64
        Fold that holds each group out.
    count : int
        Draws.
    seed : int
        Seed of the draws.

    Returns
    -------
    ndarray, shape=(count, n_samples), dtype=int64
        Codes of each draw.
    """
    rng = np.random.default_rng(seed)
    known = codes >= 0
    drawn = np.tile(codes, (count, 1))
    if not known.any():
        return drawn
    if is_constant_within(codes, groups):
        labelled = np.unique(groups[known])
        place = np.searchsorted(labelled, groups[known])
        of_group = np.empty(len(labelled), dtype=np.int64)
        of_group[place] = codes[known]
        sizes = np.bincount(place).astype(np.float64)
        for row, label in zip(drawn, _chain(of_group, sizes, fold_of_group[labelled], count, rng), strict=True):
            row[known] = label[place]
        return drawn
    order = np.argsort(groups[known], kind="stable")
    for row in drawn:
        shuffled = np.lexsort((rng.random(known.sum()), groups[known]))
        values = row[known]
        values[order] = values[shuffled]
        row[known] = values
    return drawn


def is_constant_within(codes: IntArray, groups: IntArray) -> bool:
    """Say whether no group has samples of two classes; missing labels (-1) do not count."""
    known = codes >= 0
    pairs = pd.DataFrame({"group": groups[known], "code": codes[known]}).drop_duplicates()
    return len(pairs) == pairs["group"].nunique()


def n_arrangements(codes: IntArray, groups: IntArray) -> float:
    """Return how many different arrangements `permuted_labels` can make, the balance of the folds left aside."""
    known = codes >= 0
    if is_constant_within(codes, groups):
        label = pd.Series(codes[known]).groupby(groups[known]).first()
        return _orders(np.bincount(label)) if len(label) else 1.0
    table = pd.crosstab(groups[known], codes[known]).to_numpy()
    return float(np.prod([_orders(row) for row in table]))


def _orders(counts: IntArray) -> float:
    """Return n! / (n_1! n_2! ...)."""
    return float(np.round(np.exp(gammaln(counts.sum() + 1) - gammaln(counts + 1).sum())))


def _chain(
    label: IntArray, sizes: Float64Array, fold_of_group: IntArray, count: int, rng: np.random.Generator
) -> IntArray:
    """Return `count` labels by group, shape=(count, n_groups), none of them less even over the folds than `label`."""
    n_groups = len(label)
    held = np.zeros((int(fold_of_group.max()) + 1, int(label.max()) + 1))
    np.add.at(held, (fold_of_group, label), sizes)
    several = np.bincount(label) >= 2
    limit = unevenness(held, several)
    drawn = np.empty((count, n_groups), dtype=np.int64)
    current = label.copy()
    for row in drawn:
        for _ in range(_SWEEPS * n_groups):
            cycle = rng.permutation(n_groups)[: rng.integers(2, _LARGEST_CYCLE + 1)]
            old, new = current[cycle], current[np.roll(cycle, 1)]
            moved = held.copy()
            np.subtract.at(moved, (fold_of_group[cycle], old), sizes[cycle])
            np.add.at(moved, (fold_of_group[cycle], new), sizes[cycle])
            if unevenness(moved, several) <= limit:
                current[cycle], held = new, moved
        row[:] = current
    return drawn
