"""Labels of a sample sheet, and subsets of samples in which a question can be asked again."""

from collections.abc import Sequence

import pandas as pd

from configs.tables import CONTRACTS


def label_columns(sheet: pd.DataFrame) -> tuple[str, ...]:
    """Return the label columns of a sample sheet: those that the contract `samples` does not name."""
    named = {column.name for column in CONTRACTS["samples"].columns}
    return tuple(str(column) for column in sheet.columns if column not in named)


def conditions_of(sheet: pd.DataFrame, labels: Sequence[str], *, minimum: int) -> dict[str, tuple[str, ...]]:
    """Return sample ids by `label=value` for every value with at least `minimum` samples, in sheet order."""
    found: dict[str, tuple[str, ...]] = {}
    for label in labels:
        for value, rows in sheet.groupby(label, sort=True):
            if len(rows) >= minimum:
                found[f"{label}={value}"] = tuple(rows["sample_id"])
    return found
