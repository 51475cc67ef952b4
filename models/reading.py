"""Tables of a study to layers: orientation, ids and numbers, each checked and every decision said aloud."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import SampleError, TableError, counted, first_of
from configs.study import DEFAULT_ROLES, LayerConfig, Role, Unit
from models.annotated_data import is_hdf5, read_annotated_data
from models.formats import read_table
from models.grid import Grid, those
from models.known_samples import best_naming, named_as_known
from models.layer import Layer
from models.numbers import parse_numbers
from models.raw_table import RawTable
from models.sample_matching import NO_MAP
from models.table_checks import check_ids, check_numbers, check_samples, read_commas
from models.table_parts import Part, find_part
from models.tool_formats import part_that_differs

_KINDS: dict[Role, str] = {"genes": "gene", "metabolites": "metabolite", "features": "feature"}
_USUAL_NAMES = frozenset({"quant", "abundance", "t_data", "gene_abund", "genes", "isoforms"})
_SHOWN_NOTES = 12
"""Sentences on single files that are shown where a layer lies in many."""
_DESCRIPTIONS = ("description", "annotation", "product", "function")


@dataclass(frozen=True, slots=True)
class Reading:
    """A layer and what was decided while it was read.

    Attributes
    ----------
    layer : Layer
        The table as given, features down and samples across.
    notes : tuple of str
        Plain sentences.
    """

    layer: Layer
    notes: tuple[str, ...]


def read_text_table(content: bytes, name: str, *, sheet: str | None = None) -> pd.DataFrame:
    """Read a CSV, TSV, XLSX or Parquet file, gzipped or not, as text.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    name : str
        File name for messages.
    sheet : str, optional
        Worksheet of a workbook; the first by default.

    Returns
    -------
    DataFrame
        One text column a column of the file, named as written there (names may repeat); empty cells are NaN and
        all others as they stand, 'NA' included.

    Raises
    ------
    TableError
        Where the file is empty, damaged or no table.
    """
    return _frame(read_table(content, name, sheet=sheet))


def _frame(raw: RawTable) -> pd.DataFrame:
    texts = {index: [cell or None for cell in raw.text(index)] for index in range(len(raw.header))}
    frame = pd.DataFrame(texts, dtype="str")
    frame.columns = pd.Index(raw.header)
    return frame


def read_layer(
    content: bytes,
    file: str,
    *,
    name: str,
    config: LayerConfig,
    unit: Unit,
    known_samples: frozenset[str],
    sample_map: Mapping[str, str] = NO_MAP,
) -> Reading:
    """Read one omics table.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.
    name : str
        Name of the layer.
    config : LayerConfig
        Sheet, id column, orientation and the meaning of zeros.
    unit : Unit
        Unit of the values; all but log2 forbid negative ones.
    known_samples : frozenset of str
        Samples of the sample sheet. Other samples are left out; when it is empty, every sample is taken and the
        orientation `auto` means features in rows.
    sample_map : mapping of str to str
        Sample ids by names in the table, as the user gave them.

    Returns
    -------
    Reading
        Values are parsed in double precision and stored as float32; the samples have the ids of the sheet.

    Raises
    ------
    TableError
        For ids that are empty or repeat, text, decimal commas, negative or infinite values, or a sample without values.
    SampleError
        Where the table holds no sample of the sample sheet, or nobody can know which one a name stands for.
    """
    part = _part(content, file, name, config, unit, known_samples)
    if part.tool is not None and part.tool.is_one_sample:
        part = _with_sample_names([part], [file], known_samples, sample_map)[0]
    parts, matched = named_as_known([part], config, known_samples, sample_map)
    values, features, samples, notes = _checked(parts[0], name, config, unit, known_samples)
    return _reading(name, values, (features, samples), config, (*notes, *matched))


def read_layer_of_files(
    files: Mapping[str, bytes],
    *,
    name: str,
    config: LayerConfig,
    unit: Unit,
    known_samples: frozenset[str],
    sample_map: Mapping[str, str] = NO_MAP,
) -> Reading:
    """Read one omics table that lies in several files, as quantification programs write them: one a sample.

    A feature that is absent from some files is missing there. Where each file has one column of values, its sample is
    named by the part of the path that differs between the files, else samples are named as in the files.

    Parameters
    ----------
    files : mapping of str to bytes
        Bytes of the files by path.
    name, config, unit, known_samples, sample_map
        As for `read_layer`.

    Returns
    -------
    Reading
        All samples side by side, features in the order in which they come first.

    Raises
    ------
    TableError
        As for `read_layer`, and where two files hold the same sample.
    SampleError
        Where the files hold no sample of the sample sheet, or nobody can know which one a name stands for.
    """
    if len(files) == 1:
        (path, content), *_ = files.items()
        file = path if (path.count("/") and _is_usual_name(path)) else path.rsplit("/", 1)[-1]
        return read_layer(
            content, file, name=name, config=config, unit=unit, known_samples=known_samples, sample_map=sample_map
        )
    parts = [_part(content, path, name, config, unit, known_samples) for path, content in files.items()]
    notes: tuple[str, ...] = (f"{name}: {len(parts)} files were joined, such as {first_of(files, 2)}.",)
    if all(len(part.grid.column_ids) == 1 for part in parts):
        parts = _with_sample_names(parts, list(files), known_samples, sample_map)
        names = first_of([part.grid.column_ids[0] for part in parts], 3)
        notes = (*notes, f"{name}: the samples are named by the part of the path that differs, such as {names}.")
    parts, matched = named_as_known(parts, config, known_samples, sample_map)
    parts, further = _known_parts(parts, name, known_samples)
    read = [_checked(part, name, config, unit, known_samples) for part in parts]
    values, features, samples, absent = _joined_files(read, name, list(files))
    said = _said_of_files(parts, [one for *_, one in read])
    shown = tuple(said)[:_SHOWN_NOTES]
    if len(said) > len(shown):
        shown = (*shown, f"{name}: {counted(len(said) - len(shown), 'more sentence')} like these on further files.")
    return _reading(name, values, (features, samples), config, (*notes, *shown, *matched, *further, *absent))


def _part(content: bytes, file: str, name: str, config: LayerConfig, unit: Unit, known: frozenset[str]) -> Part:
    if not is_hdf5(content):
        return find_part(read_table(content, file, sheet=config.sheet), name, config, unit, known)
    raw = read_annotated_data(content, file, value=config.value, modality=config.sheet)
    plain = config.model_copy(update={"value": None, "orientation": "auto"})
    return replace(find_part(raw, name, plain, unit, known), turned=False)


def _checked(
    part: Part, name: str, config: LayerConfig, unit: Unit, known: frozenset[str]
) -> tuple[npt.NDArray[np.float64], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the values of a table, features down and samples across, their ids, and all that was decided."""
    grid = part.grid
    turned, notes = _orientation(part, name, config, known)
    grid, left_out = _choose_rows(grid, known) if turned else _choose_columns(grid, known)
    kind = _KINDS[config.role or DEFAULT_ROLES.get(name, "features")]
    kinds = ("sample", kind) if turned else (kind, "sample")
    check_ids(grid.row_ids, grid.rows, f"{grid.file}, rows", kinds[0])
    check_ids(grid.column_ids, grid.positions, f"{grid.file}, columns", kinds[1])
    grid, commas = read_commas(grid)
    check_numbers(grid, name, unit, has_sheet=bool(known))
    features, samples = (grid.column_ids, grid.row_ids) if turned else (grid.row_ids, grid.column_ids)
    values = grid.numbers.cells.T if turned else grid.numbers.cells
    if config.zeros == "missing":
        values = np.where(values == 0, np.nan, values)
    check_samples(values, samples, grid.file)
    return values, features, samples, (*part.notes, *notes, *left_out, *commas)


def _reading(
    name: str,
    values: npt.NDArray[np.float64],
    ids: tuple[tuple[str, ...], tuple[str, ...]],
    config: LayerConfig,
    notes: tuple[str, ...],
) -> Reading:
    """Return the layer in single precision; what is said of zeros goes where the study says what they mean."""
    notes = tuple(note for note in notes if config.zeros == "real" or "`zeros: missing`" not in note)
    return Reading(Layer(name, np.ascontiguousarray(values, dtype=np.float32), *ids), notes)


def _said_of_files(parts: Sequence[Part], notes: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Say once what is the same of several files."""
    alike: dict[str, list[str]] = {}
    for part, own in zip(parts, notes, strict=True):
        for note in own:
            alike.setdefault(note.replace(part.grid.file, ""), []).append(note)
    more = {key: f" So it is with {counted(len(own) - 1, 'further file')}." for key, own in alike.items()}
    return tuple(own[0] + (more[key] if len(own) > 1 else "") for key, own in alike.items())


def _is_usual_name(path: str) -> bool:
    """Say whether a program names all its files like this, so that the folder names the sample."""
    return path.rsplit("/", 1)[-1].split(".", 1)[0].lower() in _USUAL_NAMES


def _with_sample_names(
    parts: Sequence[Part], files: Sequence[str], known: frozenset[str], sample_map: Mapping[str, str]
) -> list[Part]:
    """Name the one sample of each file by its path, in the way that most samples of the sheet agree with."""
    stems = [path.rsplit("/", 1)[-1] for path in files]
    ways = [part_that_differs(files), stems, [stem.split(".")[0] for stem in stems]]
    if len(files) == 1:
        alone = files[0].rsplit("/", 2)[-2] if _is_usual_name(files[0]) and "/" in files[0] else stems[0].split(".")[0]
        ways = [[alone], *ways]
    names = best_naming(ways, known, sample_map)
    return [
        replace(part, grid=replace(part.grid, column_ids=(name,)), turned=False)
        for part, name in zip(parts, names, strict=True)
    ]


def _known_parts(parts: list[Part], name: str, known: frozenset[str]) -> tuple[list[Part], tuple[str, ...]]:
    """Leave out the files that hold one sample which is not in the sample sheet."""
    kept = [part for part in parts if part.turned is not False or not known or known & set(part.grid.column_ids)]
    if len(kept) == len(parts) or not kept:
        return parts, ()
    left_out = [one for part in parts if part not in kept for one in part.grid.column_ids]
    return kept, (f"{name}: left out the samples {first_of(left_out)}, which are not in the sample sheet.",)


def _joined_files(
    read: Sequence[tuple[npt.NDArray[np.float64], tuple[str, ...], tuple[str, ...], tuple[str, ...]]],
    name: str,
    files: Sequence[str],
) -> tuple[npt.NDArray[np.float64], tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    samples = tuple(sample for _, _, ids, _ in read for sample in ids)
    where = f"layers.{name}.path, {len(files)} files"
    check_ids(samples, np.arange(len(samples)) + 1, where, "sample")
    features = dict.fromkeys(feature for _, ids, _, _ in read for feature in ids)
    rows = {feature: row for row, feature in enumerate(features)}
    values = np.full((len(rows), len(samples)), np.nan)
    start = 0
    for cells, ids, own, _ in read:
        values[[rows[feature] for feature in ids], start : start + len(own)] = cells
        start += len(own)
    absent = len(rows) - len(set(rows).intersection(*(ids for _, ids, _, _ in read)))
    notes = (f"{name}: {counted(absent, 'id')} are not in every file; their values are missing there.",)
    return values, tuple(rows), samples, notes if absent else ()


def read_annotation(content: bytes, name: str) -> pd.DataFrame:
    """Read gene descriptions.

    Parameters
    ----------
    content : bytes
        Bytes of a table whose first column holds gene ids.
    name : str
        File name for messages.

    Returns
    -------
    DataFrame
        Contract `annotation`. The description is the column named description, annotation, product or function, else
        all further text columns joined by '; '. Descriptions of a repeated gene are joined likewise.
    """
    raw = read_table(content, name)
    described = [i for i, title in enumerate(raw.header) if i and title.strip().lower() in _DESCRIPTIONS]
    chosen = described[:1] or _text_columns(raw)
    cells = zip(*(raw.text(index) for index in chosen), strict=True) if chosen else [()] * len(raw.rows)
    genes = raw.text(0)
    joined = pd.Series([_joined(row) for row in cells], index=pd.Index(genes, dtype="str"), dtype="str")
    if joined.index.has_duplicates:
        joined = joined.groupby(level=0, sort=False).agg(_joined)
    joined = joined[joined.index != ""]
    return pd.DataFrame({"gene_id": joined.index, "description": joined.where(joined != "").to_numpy()}, dtype="str")


def _text_columns(raw: RawTable) -> list[int]:
    numbers = parse_numbers(raw.columns[1:])
    return (np.flatnonzero(numbers.is_text.any(axis=0)) + 1).tolist()


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(text for text in texts if text))


def _member(ids: Sequence[str], known: frozenset[str]) -> npt.NDArray[np.bool_]:
    return np.fromiter((one in known for one in ids), dtype=bool, count=len(ids))


def _orientation(part: Part, name: str, config: LayerConfig, known: frozenset[str]) -> tuple[bool, tuple[str, ...]]:
    """Return whether samples lie in rows, and how that was found."""
    grid = part.grid
    across, down = len(known & set(grid.column_ids)), len(known & set(grid.row_ids))
    turned = config.orientation == "samples_in_rows"
    if config.orientation != "auto" or part.turned is not None:
        turned = turned if part.turned is None else part.turned
        if known and not (down if turned else across):
            raise _no_samples(grid, known, "rows" if turned else "columns")
        return turned, ()
    if not known:
        note = f"There is no sample sheet, so {grid.file} was taken to have features in rows"
        return False, (f"{note}; `layers.{name}.orientation: samples_in_rows` turns it.",)
    if not across and not down:
        raise _no_samples(grid, known, "rows or columns")
    if down > across:
        return True, (f"{grid.file} has samples in rows ({down} of the {len(known)} known samples); it was turned.",)
    return False, (f"{grid.file} has samples in columns ({across} of the {len(known)} known samples).",)


def _no_samples(grid: Grid, known: frozenset[str], axis: str) -> SampleError:
    found = f"columns named {first_of(grid.column_ids, 3)} and rows named {first_of(grid.row_ids, 3)}"
    return SampleError(
        wanted=f"samples of the sample sheet ({first_of(sorted(known), 3)}) in {axis}",
        found=found,
        where=grid.file,
        remedy="Write the sample ids in the table and in the sample sheet alike, or name a table of two columns in "
        "samples.map, the name in the table and the sample id.",
    )


def _choose_columns(grid: Grid, known: frozenset[str]) -> tuple[Grid, tuple[str, ...]]:
    """Leave out the columns that are no samples."""
    textual = grid.without_numbers()
    kept = _member(grid.column_ids, known) if known else ~textual
    notes = [
        f"{grid.file}: left out the {kind} columns {first_of(those(grid.column_ids, mask))}{reason}."
        for kind, reason, mask in (
            ("text", "", ~kept & textual),
            ("number", ", which are not in the sample sheet", ~kept & ~textual),
        )
        if mask.any()
    ]
    if not kept.any():
        raise TableError(
            wanted="columns of numbers, one a sample",
            found=f"text alone in the columns {first_of(grid.column_ids)}",
            where=grid.file,
            remedy="Give the table of values, not its annotation.",
        )
    return grid.keep(columns=kept), tuple(notes)


def _choose_rows(grid: Grid, known: frozenset[str]) -> tuple[Grid, tuple[str, ...]]:
    """Leave out the rows that are no samples, and the columns of text."""
    notes = []
    rows = _member(grid.row_ids, known) if known else np.ones(len(grid.row_ids), dtype=bool)
    if not rows.all():
        names = first_of(those(grid.row_ids, ~rows))
        notes.append(f"{grid.file}: left out the rows {names}, which are not in the sample sheet.")
    textual = grid.without_numbers()
    if textual.any():
        notes.append(f"{grid.file}: left out the text columns {first_of(those(grid.column_ids, textual))}.")
    if textual.all():
        raise TableError(
            wanted="columns of numbers, one a feature",
            found=f"text alone in the columns {first_of(grid.column_ids)}",
            where=grid.file,
            remedy="Give the table of values, not the sample sheet.",
        )
    return grid.keep(rows=rows, columns=~textual), tuple(notes)
