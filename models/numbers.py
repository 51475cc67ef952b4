"""Text cells to numbers, all columns of a table at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING = ("", "NA", "NaN", "nan", "N/A", "#N/A", "null")
"""Cells of a number column that stand for a missing value."""

_NUMBER = r"^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf(?:inity)?))$"
_COMMA_NUMBER = r"^[+-]?\d*(?:[.,]\d+)*,\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$"
_DECIMAL = (
    r"^[+-]?(?:(?:0*|\d{4,}),\d+|\d+,(?:\d{1,2}|\d{4,})|\d{1,3}(?:\.\d{3})+,\d+)(?:[eE][+-]?\d+)?$"
    r"|^[+-]?\d*,\d+[eE][+-]?\d+$"
)
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})(?:[eE][+-]?\d+)?$"
_EITHER = r"^[+-]?[1-9]\d{0,2},\d{3}$"
_POINT = r"^[+-]?\d*\.\d*(?:[eE][+-]?\d+)?$"

Comma = Literal["decimal", "thousands", "unclear", "mixed"]
"""What commas mean in a table: decimals, groups of thousands, either, or something else in each cell."""


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


def parse_numbers(columns: Sequence[pa.Array], *, comma: Comma | None = None) -> Numbers:
    """Read columns as numbers; the missing cells are those of `MISSING` and nulls, blanks around a number are allowed.

    Parameters
    ----------
    columns : sequence of pyarrow.Array
        Columns of equal length, each large_string, integer or floating.
    comma : {'decimal', 'thousands'}, optional
        What a comma in a number means; without it, such cells are text.
    """
    shape = (len(columns), len(columns[0]) if columns else 0)
    values = np.empty(shape)
    is_text, has_comma = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    texts = [index for index, column in enumerate(columns) if pa.types.is_large_string(column.type)]
    for index in set(range(len(columns))) - set(texts):
        values[index] = columns[index].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if texts:
        cells = pa.concat_arrays([columns[index] for index in texts])
        parsed = _parse(cells if comma is None else _with_points(cells, comma))
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


def meaning_of_commas(columns: Sequence[pa.Array]) -> Comma | None:
    """Say what the commas in the numbers of a table mean, if all of them can mean one thing alone; None without any.

    Parameters
    ----------
    columns : sequence of pyarrow.Array
        Columns of values, each large_string, integer or floating.
    """
    texts = [column for column in columns if pa.types.is_large_string(column.type)]
    if not texts:
        return None
    cells = pc.utf8_trim_whitespace(pc.fill_null(pa.concat_arrays(texts), ""))
    written = cells.filter(pc.match_substring_regex(cells, _COMMA_NUMBER))
    if not len(written):
        return None
    decimal, thousands, either = (
        int(pc.sum(pc.match_substring_regex(written, kind)).as_py()) for kind in (_DECIMAL, _THOUSANDS, _EITHER)
    )
    if not decimal and not thousands and either == len(written):
        return "unclear"
    if decimal + either == len(written) and not pc.any(pc.match_substring_regex(cells, _POINT)).as_py():
        return "decimal"
    return "thousands" if thousands + either == len(written) else "mixed"


def _with_points(cells: pa.Array, comma: Comma) -> pa.Array:
    """Write the numbers that have commas as programs do; all other cells stay."""
    cells = pc.utf8_trim_whitespace(pc.fill_null(cells, ""))
    plain = pc.replace_substring(cells, "." if comma == "decimal" else ",", "")
    plain = pc.replace_substring(plain, ",", ".")
    return pc.if_else(pc.match_substring_regex(cells, _COMMA_NUMBER), plain, cells)
