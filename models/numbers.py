"""Text cells to numbers, all columns of a table at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "NA", "NaN", "nan", "N/A", "#N/A", "null")
"""Cells of a number column that stand for a missing value."""

_NUMBER = r"^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf(?:inity)?))$"
_COMMA_NUMBER = r"^[+-]?\d+(?:,\d+)+(?:\.\d+)?(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Cells read as numbers.

    Attributes
    ----------
    cells : ndarray, shape=(n_rows, n_columns), dtype=float64
        Numbers; NaN where a cell is missing or text.
    is_text : ndarray, shape=(n_rows, n_columns), dtype=bool
        Cells that are neither a number nor missing.
    has_comma : ndarray, shape=(n_rows, n_columns), dtype=bool
        Those of them that would be numbers if a comma were allowed.
    """

    cells: npt.NDArray[np.float64]
    is_text: npt.NDArray[np.bool_]
    has_comma: npt.NDArray[np.bool_]


def parse_numbers(columns: Sequence[pa.Array]) -> Numbers:
    """Read columns as numbers; the missing cells are those of `MISSING` and nulls, blanks around a number are allowed.

    Parameters
    ----------
    columns : sequence of pyarrow.Array
        Columns of equal length, each large_string, integer or floating.
    """
    shape = (len(columns), len(columns[0]) if columns else 0)
    values = np.empty(shape)
    is_text, has_comma = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    texts = [index for index, column in enumerate(columns) if pa.types.is_large_string(column.type)]
    for index in set(range(len(columns))) - set(texts):
        values[index] = columns[index].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if texts:
        parsed = _parse(pa.concat_arrays([columns[index] for index in texts]))
        for whole, part in zip((values, is_text, has_comma), parsed, strict=True):
            whole[texts] = part.reshape(len(texts), shape[1])
    return Numbers(values.T, is_text.T, has_comma.T)


def _parse(cells: pa.Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    cells = pc.fill_null(pc.utf8_trim_whitespace(cells), "")
    missing = pc.is_in(cells, value_set=pa.array(MISSING, pa.large_string()))
    number = pc.match_substring_regex(cells, _NUMBER)
    values = pc.cast(pc.if_else(number, cells, pa.scalar(None, pa.large_string())), pa.float64())
    is_text = pc.invert(pc.or_(missing, number))
    has_comma = np.zeros(len(cells), dtype=bool)
    if pc.any(is_text).as_py():
        has_comma = np.asarray(pc.match_substring_regex(cells, _COMMA_NUMBER))
    return values.to_numpy(zero_copy_only=False), np.asarray(is_text), has_comma
