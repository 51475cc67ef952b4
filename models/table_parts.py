"""Which part of a table holds ids and values: what its program tells, and what stands left of and below the values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from configs.errors import TableError, counted, first_of
from configs.study import LayerConfig, Unit
from models.grid import Grid, grid_of, those
from models.long_tables import widened
from models.raw_table import RawTable
from models.table_layout import is_number
from models.tool_formats import ToolTable, recognise, refuse_other_tables

_ANNOTATION = re.compile(
    r"(?:row |average |exact |monoisotopic |neutral |mol\.? |molecular )?"
    r"(?:m/?z|mass|weight(?: \[kda\])?|rt|ri|retention ?(?:time|index)?(?: ?[(\[]?(?:s|sec|min|minutes)[)\]]?)?|"
    r"mz(?:med|min|max)|rt(?:med|min|max)|charge|length|start|end|strand|chr(?:om(?:osome)?)?|fill ?%|s/n average|"
    r"pubchem(?: ?(?:c?id))?|kegg|hmdb|cas|entrez(?: ?id)?|ccs|msi ?level|annotation ?level)",
    re.IGNORECASE,
)
_STATISTIC = re.compile(
    r".*(?:t[- ]?test|fold[- ]?change|log2? ?fc|anova|vip\b|adj\.? ?p).*|fdr|padj|"
    r"(?:p|q)[-_. ]?(?:val|value|values)(?:[\W_].*)?|"
    r"(?:average|mean|median|se|sem|sd|stdev|cv|rsd)(?:\W.*)?|.+[_. -](?:mean|average|median|sd|sem|stdev)",
    re.IGNORECASE,
)
_SHEET_COLUMN = re.compile(r"#?(?:sample|file|run|library)(?:[_ .-]?(?:id|name|names))?|#?(?:sampleid|filename)", re.I)
_RAW_FILE = re.compile(r".+\.(?:mzml|mzxml|raw|bam|sam|cram|fastq(?:\.gz)?|fq(?:\.gz)?|d|wiff|cdf)", re.IGNORECASE)
_LABEL_ROWS = 5
"""Rows right below a header that may hold labels of the samples in place of values."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Ids and values of a table.

    Attributes
    ----------
    grid : Grid
        Ids and values, without what is known to be neither.
    id_column : int
        Position of the ids in the table.
    notes : tuple of str
        What was left out, and what is known of such a table.
    tool : ToolTable or None
        What is known of the program that wrote it.
    turned : bool or None
        Whether samples lie in rows; None where only the names of the samples can tell.
    header : tuple of str
        Names of the columns that `id_column` and the grid count, as written.
    """

    grid: Grid
    id_column: int
    notes: tuple[str, ...]
    tool: ToolTable | None = None
    turned: bool | None = None
    header: tuple[str, ...] = ()


def find_part(raw: RawTable, name: str, config: LayerConfig, unit: Unit | None, known: frozenset[str]) -> Part:
    """Find the ids and values of a table.

    Parameters
    ----------
    raw : RawTable
        Table.
    name : str
        Name of the layer, for messages.
    config : LayerConfig
        Column of ids, kind of values and orientation.
    unit : str or None
        Unit of the study, which chooses among several kinds of values.
    known : frozenset of str
        Samples of the sample sheet.

    Raises
    ------
    TableError
        For a table that is none of values, and for a kind of values that it does not have.
    """
    refuse_other_tables(raw)
    is_plain = config.orientation == "samples_in_rows"
    raw = raw if is_plain else widened(raw)
    tool = None if is_plain else recognise(raw)
    if tool is not None:
        return _part_of_tool(raw, tool, config, unit, known, where=f"layers.{name}.value")
    if config.value is not None:
        raise TableError(
            wanted=f"a table of a known program with the values {config.value!r}, which layers.{name}.value names",
            found=f"the columns {first_of(raw.header)}",
            where=raw.file,
            remedy="Remove value, or give the table as the program wrote it.",
        )
    chosen = _id_column(raw, config, f"layers.{name}.id_column")
    others = [index for index in range(len(raw.header)) if index != chosen]
    names, named = _names(raw, others)
    grid = grid_of(raw, chosen, others, names)
    if config.orientation == "auto":
        _refuse_sample_sheet(raw, grid)
        named = (*named, *_check_header(grid, known))
    said = [*named]
    if chosen and not config.id_column:
        said.append(f"{raw.file}: the ids are those of {raw.header[chosen]!r}.")
    if is_plain:
        return Part(grid, chosen, (*raw.notes, *said), None, True, raw.header)
    grid, notes = _without_description(raw, grid, known)
    grid, below = _without_other_rows(grid)
    return Part(
        grid,
        chosen,
        (*raw.notes, *said, *notes, *below),
        None,
        False if raw.form.label_column is not None else None,
        raw.header,
    )


def _part_of_tool(
    raw: RawTable, tool: ToolTable, config: LayerConfig, unit: Unit | None, known: frozenset[str], *, where: str
) -> Part:
    kind, values = tool.choose(config.value, unit, where)
    notes = [f"{raw.file} is a table of {tool.tool}; {kind} was read."]
    others = [one for one in tool.kinds if one != kind]
    if others:
        notes = [f"{notes[0][:-1]}; `{where}` may name {first_of(others)} instead."]
    if unit is not None and values.unit not in {unit, "intensity"}:
        notes.append(f"{raw.file}: {kind} has the unit {values.unit}, and the study says {unit}.")
    raw = raw.without_rows(tool.left_out)
    raw, failed = _without_failures(raw, values.columns)
    written = [raw.header[index] for index in values.columns]
    samples = written if len(known.intersection(written)) > len(known.intersection(values.samples)) else values.samples
    id_column = tool.id_column if config.id_column is None else raw.index(config.id_column, where[:-5] + "id_column")
    grid = grid_of(raw, id_column, values.columns, samples)
    return Part(grid, id_column, (*raw.notes, *notes, *tool.notes, *failed), tool, False, raw.header)


def _without_failures(raw: RawTable, columns: Sequence[int]) -> tuple[RawTable, tuple[str, ...]]:
    """Take values for missing that Cuffdiff could not find."""
    arrays, count = list(raw.columns), 0
    for index in columns:
        status = re.sub(r"_(?:FPKM|count)$", "_status", raw.header[index])
        if status == raw.header[index] or status not in raw.header:
            continue
        failed = pc.is_in(
            raw.columns[raw.header.index(status)], value_set=pa.array(["FAIL", "HIDATA"]).cast("large_string")
        )
        count += int(pc.sum(failed).as_py() or 0)
        arrays[index] = pc.if_else(failed, pa.scalar(None, pa.large_string()), arrays[index])
    note = f"{raw.file}: {counted(count, 'value')} with the status FAIL or HIDATA are missing."
    return (replace(raw, columns=tuple(arrays)), (note,)) if count else (raw, ())


def _id_column(raw: RawTable, config: LayerConfig, key: str) -> int:
    """Return the column that is named, else the first; left of sample information, the first without repeats."""
    if config.id_column is not None:
        return raw.index(config.id_column, key)
    for index in range(0 if raw.form.label_column is None else raw.form.label_column + 1):
        cells = raw.text(index)
        if all(map(str.strip, cells)) and len(set(cells)) == len(cells):
            return index
    return 0


def _names(raw: RawTable, columns: Sequence[int]) -> tuple[list[str], tuple[str, ...]]:
    """Return the names of columns; where they repeat, and a row of groups above tells them apart, with their groups."""
    names, groups = [raw.header[index] for index in columns], _groups(raw)
    joined = [f"{groups[index]} {raw.header[index]}".strip() for index in columns]
    if len(set(names)) == len(names) or len(set(joined)) < len(joined):
        return names, ()
    return joined, (f"{raw.file}: names of columns repeat, so each has its group before it, such as {joined[-1]!r}.",)


def _check_header(grid: Grid, known: frozenset[str]) -> tuple[str, ...]:
    """Refuse a table that begins with its values, or say so: the first row would be lost as its header."""
    names = grid.column_ids
    if known.intersection(names) or known.intersection(grid.row_ids) or not all(map(is_number, names)):
        return ()
    if len(names) == 1 or not all(name.strip().isdigit() for name in names):
        raise TableError(
            wanted="a header above the values",
            found=f"numbers in the first row: {first_of(names)}",
            where=grid.file,
            remedy="Write a first row with a name for the ids and one for each sample; if features are named by "
            "numbers and samples lie in rows, say `orientation: samples_in_rows`.",
        )
    return (f"{grid.file}: the first row, with the numbers {first_of(names)}, was taken for the header.",)


def _without_description(raw: RawTable, grid: Grid, known: frozenset[str]) -> tuple[Grid, tuple[str, ...]]:
    """Leave out columns that describe features: left of sample information, or by their names where no sheet tells."""
    label, groups = raw.form.label_column, _groups(raw)
    position = grid.positions - 1
    is_known = np.array([one in known for one in grid.column_ids], dtype=bool)
    left = (position <= label) & ~is_known if label is not None else np.zeros(len(position), dtype=bool)
    notes = [f"{grid.file}: left out the columns {first_of(those(grid.column_ids, left))}, which describe features."]
    notes = notes if left.any() else []
    if not known:
        named = [
            bool(_ANNOTATION.fullmatch(one.strip()) or _STATISTIC.fullmatch(one.strip()) or _STATISTIC.fullmatch(group))
            for one, group in zip(grid.column_ids, (groups[index] for index in position), strict=True)
        ]
        described = np.array(named, dtype=bool) & ~left & ~grid.without_numbers()
        if described.any() and not (described | left).all():
            listed = first_of(those(grid.column_ids, described))
            notes.append(f"{grid.file}: left out the number columns {listed}, which describe features by their names.")
            left |= described
    return grid.keep(columns=~left), tuple(notes)


def _groups(raw: RawTable) -> tuple[str, ...]:
    """Return the group that stands above each column in the row above the header, '' for none."""
    groups, last = [], ""
    row = raw.form.above[-1] if raw.form.above and raw.form.label_column is None else ()
    is_group_row = sum(bool(cell.strip()) for cell in row) > 1
    for index in range(len(raw.header)):
        cell = row[index].strip() if is_group_row and index < len(row) else ""
        last = cell or last
        groups.append(last)
    return tuple(groups)


def _without_other_rows(grid: Grid) -> tuple[Grid, tuple[str, ...]]:
    """Leave out rows without an id and a number, such as legends, and labels of samples right below the header."""
    numbers = grid.numbers
    has_number = (~np.isnan(numbers.cells) | numbers.has_comma).any(axis=1)
    nameless = np.asarray(np.array([not one.strip() for one in grid.row_ids], dtype=bool) & ~has_number)
    labels = _label_rows(grid, np.asarray(has_number))
    notes = []
    if nameless.any():
        places = ", ".join(map(str, grid.rows[nameless][:5]))
        notes.append(f"{grid.file}: left out {counted(int(nameless.sum()), 'row')} without id and number: {places}.")
    if labels.any():
        names = first_of(those(grid.row_ids, labels))
        notes.append(f"{grid.file}: left out the rows {names} below the header, which hold words in place of values.")
    return grid.keep(rows=~(nameless | labels)), tuple(notes)


def _label_rows(grid: Grid, has_number: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    labels = np.zeros(len(has_number), dtype=bool)
    first = int(np.argmax(has_number)) if has_number.any() else 0
    if 0 < first <= _LABEL_ROWS:
        values = ~grid.without_numbers()
        wordy = grid.numbers.is_text[:first][:, values].mean(axis=1) > 0.5 if values.any() else np.zeros(first, bool)
        labels[:first] = wordy
    return labels


def _refuse_sample_sheet(raw: RawTable, grid: Grid) -> None:
    """Refuse a sample sheet that is given in place of values."""
    cells = ~np.isnan(grid.numbers.cells) | grid.numbers.has_comma
    is_wordy = 2 * int((~cells.any(axis=0)).sum()) > cells.shape[1]
    ids = grid.row_ids
    lists_files = sum(_RAW_FILE.fullmatch(one.strip()) is not None for one in ids) > len(ids) / 2
    named = any(_SHEET_COLUMN.fullmatch(one.strip()) for one in raw.header[:3])
    gnps = any(one.startswith("ATTRIBUTE_") for one in raw.header)
    if gnps or (is_wordy and (named or lists_files)):
        raise TableError(
            wanted="a table of values, features by samples",
            found=f"a sample sheet{' of GNPS' if gnps else ''}, with the columns {first_of(raw.header)}",
            where=raw.file,
            remedy="Name it in samples.path, and give the table of values as the layer; if it does hold values, "
            "say `orientation: samples_in_rows`.",
        )
