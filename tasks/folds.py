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
