"""Roles of samples in a fold."""

import pandas as pd

from models.layer import Layer


def fold_roles(plan: pd.DataFrame, fold: str) -> dict[str, str]:
    """Return role by sample id in one fold."""
    rows = plan[plan["fold"] == fold]
    return dict(zip(rows["sample_id"], rows["role"], strict=True))


def samples_with(layer: Layer, roles: dict[str, str], role: str) -> tuple[str, ...]:
    """Return the samples of `layer` that play `role`, in the order of the layer."""
    return tuple(sample for sample in layer.sample_ids if roles.get(sample) == role)


def fold_repeats(plan: pd.DataFrame, folds: tuple[str, ...]) -> dict[str, int]:
    """Return the repeat of the cross-validation that each of `folds` belongs to."""
    repeats = plan.drop_duplicates("fold").set_index("fold")["repeat"]
    return {fold: int(repeats[fold]) for fold in folds}


def groups_of(plan: pd.DataFrame, samples: tuple[str, ...]) -> list[str]:
    """Return the replicate group of each sample."""
    groups = plan.drop_duplicates("sample_id").set_index("sample_id")["group"]
    return [str(group) for group in groups.loc[list(samples)]]
