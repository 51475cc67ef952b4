"""Values of BLAST's and DIAMOND's tables: that they are numbers, and which columns they can be."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from configs.errors import TableError
from models.blast_columns import STANDARD, Columns
from models.search_lines import RERUN


def unnamed_columns(table: pd.DataFrame, numbers: npt.NDArray[np.int64], name: str) -> tuple[Columns, list[str]]:
    """Name the columns of an outfmt 6 table: the standard twelve, or found from the values when there are fewer."""
    width = table.shape[1]
    if width >= len(STANDARD):
        _check_standard(table, numbers, name)
        return Columns((*STANDARD, *[""] * (width - len(STANDARD)))), []
    position = _score_position(table)
    if position is None:
        raise TableError(
            wanted=f"{len(STANDARD)} tab-separated columns",
            found=f"{width}",
            where=f"{name}, line {numbers[0]}",
            remedy=RERUN,
        )
    names = ["qseqid", "sseqid"] + [""] * (width - 2)
    names[position : position + 2] = ["evalue", "bitscore"]
    note = (
        f"{name} has {width} columns without names: columns {position + 1} and {position + 2} were taken for E-value "
        "and bit score, and columns 1 and 2 for query and subject. Name them in the study file to have all of them "
        "read, or give an outfmt 7 table, which names its columns."
    )
    return Columns(tuple(names)), [note]


def _check_standard(table: pd.DataFrame, numbers: npt.NDArray[np.int64], name: str, *, enough: float = 0.95) -> None:
    """Raise TableError where the first twelve columns are not the standard ones, in another order for example.

    Identical, mismatched and gapped positions are parts of an alignment, so they are no more than its length; lengths
    and positions are whole; a bit score below 1 has no E-value above 10. `enough` of the rows have to fit.
    """
    columns = check_numbers(table.iloc[:, 2:12], STANDARD[2:12], numbers, name)
    whole = np.logical_and.reduce([np.mod(columns[key], 1) == 0 for key in STANDARD[3:10]])
    parts = columns["pident"] / 100 * columns["length"] + columns["mismatch"] + columns["gapopen"]
    fits = whole & (parts <= 1.02 * columns["length"] + 1) & ~((columns["bitscore"] < 1) & (columns["evalue"] > 10))
    if fits.mean() < enough:
        row = int(np.argmin(fits))
        raise TableError(
            wanted=f"the columns {' '.join(STANDARD)}",
            found=f"values that cannot be theirs, {' '.join(table.iloc[row, :12])!r}",
            where=f"{name}, line {numbers[row]}",
            remedy=RERUN,
        )


def _score_position(table: pd.DataFrame, *, min_rows: int = 5, max_correlation: float = -0.9) -> int | None:
    """Find the one neighbouring pair of columns that behaves as E-value and bit score, or None.

    E-values fall strictly with bit scores, are never negative, and small ones are written with an exponent.
    """
    if table.shape[0] < min_rows:
        return None
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    found = []
    for column in range(2, table.shape[1] - 1):
        evalue, score = values[:, column], values[:, column + 1]
        exponents = table[column].str.contains(r"\de-\d", regex=True).any()
        if exponents and np.isfinite(evalue).all() and np.isfinite(score).all() and (evalue >= 0).all():
            varies = np.ptp(evalue) > 0 and np.ptp(score) > 0
            if varies and stats.spearmanr(evalue, score).statistic <= max_correlation:
                found.append(column)
    return found[0] if len(found) == 1 else None


def check_numbers(
    table: pd.DataFrame, names: Sequence[str], numbers: npt.NDArray[np.int64], name: str
) -> dict[str, "pd.Series[float]"]:
    """Return the columns as float64, and raise for the first value that is no number, or an E-value below 0."""
    columns = {}
    for label, column in zip(names, table.columns, strict=True):
        values = _as_numbers(table[column])
        wrong = ~np.isfinite(values) | ((values < 0) & (label == "evalue"))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TableError(
                wanted=f"a number for {label.replace('_', ' ')}",
                found=repr(str(table[column].iloc[row])),
                where=f"{name}, line {numbers[row]}",
                remedy=RERUN,
            )
        columns[label] = values
    return columns


def _as_numbers(text: "pd.Series[str]") -> "pd.Series[float]":
    """Return the numbers, NaN where there is none."""
    try:  # many times faster than to_numeric on whole tables
        return pd.Series(text.to_numpy(dtype=np.object_).astype(np.float64), index=text.index)
    except ValueError:
        legacy = text.str.replace(r"^e-", "1e-", regex=True)  # legacy BLAST writes e-105
        return pd.to_numeric(legacy, errors="coerce").astype("float64")
