"""A first study file and sample sheet from a lab's own tables."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from configs.artifact import SourceFile
from configs.errors import OutputError, StudyFileError
from configs.loading import load_study
from configs.study import Role, SamplesConfig, Unit
from tasks.files import file_content, is_pattern, layer_files
from tasks.folders import put_files

if TYPE_CHECKING:
    import pandas as pd

    from models.first_study import LayerGuess, Line
    from models.looking import TableLook
    from models.reading import Reading
    from models.sheet_look import SheetLook

_ROLES: tuple[tuple[str, Role], ...] = (("transcriptome", "genes"), ("metabolome", "metabolites"))


@dataclass(frozen=True, slots=True)
class GivenTables:
    """Files that a first study is made from; `unit` is that of the expression table, None to guess it."""

    expression: Path
    metabolites: Path
    samples: Path | None = None
    sample_map: Path | None = None
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    content: dict[str, bytes]
    look: "TableLook"
    guess: "LayerGuess"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sample sheet, where it lies, and its text if it has to be written."""

    rows: "pd.DataFrame"
    path: str
    look: "SheetLook"
    notes: tuple[str, ...]
    text: str | None


def write_study(given: GivenTables, *, folder: Path, name: str) -> tuple[Path, tuple[str, ...]]:
    """Write a commented `study.yaml`, and `samples.tsv` where it is needed.

    Returns
    -------
    Path
        The study file.
    tuple of str
        What was guessed and decided, as plain sentences.

    Raises
    ------
    OutputError
        A study file is there already.
    StudyFileError
        A table is not there.
    TableError
        A table cannot be read.
    SampleError
        The samples of the tables and the sheet do not fit together.
    """
    from models.first_study import layer_lines, sample_lines, study_text
    from models.samples import check_samples

    target = folder / "study.yaml"
    _refuse_to_replace(target, "study file", "choose another folder with --folder.")
    paths = {"transcriptome": given.expression, "metabolome": given.metabolites}
    tables = {layer: _looked_at(paths[layer], folder, role, given.unit) for layer, role in _ROLES}
    sample_map = _sample_map(given.sample_map)
    sheet = None if given.samples is None else _sheet_of(given.samples, given, tables, folder)
    readings = {
        layer: _read(layer, table, frozenset() if sheet is None else _ids(sheet), sample_map)
        for layer, table in tables.items()
    }
    if sheet is None:
        readings, sheet = _sheet_from_names(readings)
    if sheet.text is not None:
        _refuse_to_replace(folder / sheet.path, "sample sheet", "name it with --samples, or choose another --folder.")
    ids = {layer: reading.layer.sample_ids for layer, reading in readings.items()}
    check_samples(ids, sheet.rows.rename(columns={sheet.look.sample.columns[0]: "sample_id"}))
    lines: list[Line] = [_section("layers")]
    for layer, table in tables.items():
        lines += layer_lines(layer, table.guess, table.look, readings[layer])
    map_path = None if given.sample_map is None else _relative(given.sample_map, folder)
    lines += sample_lines(sheet.path, map_path, sheet.look, sheet.notes)
    features = (readings[layer].layer.feature_ids for layer, _ in reversed(_ROLES))
    text = study_text(name, lines, *features)
    load_study(text, file=str(target))
    files = {target.name: text} | ({} if sheet.text is None else {sheet.path: sheet.text})
    put_files(folder, lambda temporary: _write(temporary, files))
    return target, tuple(note for line in lines if line.why for note in _said(line))


def _section(key: str) -> "Line":
    from models.first_study import Line

    return Line(key)


def _said(line: "Line") -> list[str]:
    sentences = line.why.splitlines()
    return [f"{line.key}: {sentence}" if line.value is not None else sentence for sentence in sentences]


def _write(folder: Path, files: dict[str, str]) -> None:
    for file_name, text in files.items():
        (folder / file_name).write_text(text, "utf-8")


def _refuse_to_replace(file: Path, what: str, remedy: str) -> None:
    if file.exists():
        raise OutputError(
            wanted=f"a folder without a {what}",
            found="one that has one",
            where=str(file),
            remedy=f"Move it away, or {remedy}" if what == "study file" else f"Move it away, {remedy}",
        )


def _looked_at(path: Path, folder: Path, role: Role, unit: Unit | None) -> _Table:
    from models.first_study import guess_layer
    from models.looking import look_at_table

    if not path.is_file() and not is_pattern(str(path)):
        found = "a folder" if path.is_dir() else "nothing there"
        raise StudyFileError(wanted="a table", found=found, where=str(path), remedy="Correct the path.")
    content = {name: file_content(file) for name, file in layer_files(Path(), str(path)).items()}
    first = next(iter(content))
    look = look_at_table(content[first], Path(first).name)
    guess = guess_layer(look, _relative(path, folder), role, unit if role == "genes" else None)
    return _Table(content, look, guess)


def _read(layer: str, table: _Table, known: frozenset[str], sample_map: dict[str, str]) -> "Reading":
    from models.reading import read_layer_of_files

    guess = table.guess
    return read_layer_of_files(
        table.content, name=layer, config=guess.config, unit=guess.unit, known_samples=known, sample_map=sample_map
    )


def _sample_map(path: Path | None) -> dict[str, str]:
    from models.sample_matching import read_sample_map

    return {} if path is None else read_sample_map(file_content(SourceFile(path=str(path))), path.name)[0]


def _ids(sheet: _Sheet) -> frozenset[str]:
    return frozenset(sheet.rows[sheet.look.sample.columns[0]])


def _sheet_of(path: Path, given: GivenTables, tables: dict[str, _Table], folder: Path) -> _Sheet:
    """Look at the sample sheet that was given; where it serves several tables, its own rows go into a new one."""
    from models.reading import read_text_table
    from models.samples import read_sheet_cells
    from models.sheet_look import look_at_sheet, rows_of_tables, sample_column

    content = file_content(SourceFile(path=str(path)))
    cells, file = read_text_table(content, path.name), path.name
    names = {layer: [*table.look.sample_names, *_sample_map(given.sample_map)] for layer, table in tables.items()}
    sample = sample_column(cells, names, file)
    rows, why = rows_of_tables(cells, sample.columns[0], [str(given.expression), str(given.metabolites)], file)
    if why:
        text = rows.to_csv(sep="\t", index=False, lineterminator="\n")
        return _Sheet(rows, "samples.tsv", look_at_sheet(rows, sample), (why,), text)
    config = SamplesConfig(sample_column=sample.columns[0])
    rows, notes = read_sheet_cells(content, file, config=config)
    return _Sheet(rows, _relative(path, folder), look_at_sheet(rows, sample), notes, None)


def _sheet_from_names(readings: dict[str, "Reading"]) -> tuple[dict[str, "Reading"], _Sheet]:
    """Make a sample sheet of the names in the tables."""
    from models.sample_matching import unite_layers
    from models.samples import samples_from_names
    from models.sheet_look import Guess, look_at_sheet

    united, matched = unite_layers([reading.layer for reading in readings.values()])
    named = {layer: replace(reading, layer=united[layer]) for layer, reading in readings.items()}
    ids = dict.fromkeys(one for reading in named.values() for one in reading.layer.sample_ids)
    rows, notes = samples_from_names(list(ids))
    rows = rows.drop(columns=["batch", "time", "series"])
    look = look_at_sheet(rows, Guess(("sample_id",), "written by `cairn init`"))
    said = ("There was no sample sheet, so samples.tsv was made of the sample names; correct it.", *matched, *notes)
    text = rows.to_csv(sep="\t", index=False, lineterminator="\n")
    return named, _Sheet(rows, "samples.tsv", look, said, text)


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
