"""Versions of a study's tables: each a folder of its own that is written whole or not at all and never changed.

Version 1 is the study as it stands beside its study file. Version 2 and later lie in `versions/0002/` and so on, with
the merged tables, every other file that the study names, and a study file that can be run like any other. Settings are
those of the study file at the time; tables are those of the version before with the new samples.
"""

import datetime as dt
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from configs.artifact import SourceFile
from configs.errors import StudyFileError
from configs.loading import load_study
from configs.study import StudyConfig
from models.layer import Layer
from models.merging import SHEET, SampleTables, TableFile, source_rows
from models.parquet import decode_frame, encode_frame
from tasks.caching import file_hash
from tasks.files import file_content, is_pattern
from tasks.places import MANIFEST, output_error, source_paths

FIRST = 1
VERSIONS, STUDY, RECORD, SOURCES, MERGED = "versions", "study.yaml", "version.json", "sample_sources.tsv", "merged"

_DIGITS = 4
_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Taken:
    """An arrival that a version has: its files with their hashes, and the samples that were new, by table."""

    name: str
    files: Mapping[str, str]
    samples: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A version before it is written; `sources` is of the contract `sample_sources`."""

    parent: int
    tables: SampleTables
    sources: pd.DataFrame
    taken: tuple[Taken, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """Number of the version that it becomes."""
        return self.parent + 1


class Versions:
    """All versions of one study; `study_file` is the file that its owner writes."""

    def __init__(self, study_file: Path) -> None:
        self.file = study_file.resolve()
        self.home = self.file.parent
        self.study = _loaded(self.file)
        self._folder = self.home / VERSIONS

    @contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other watchers of this machine out while the block runs; yields False where another is at work.

        What a watcher that was killed left half-written is removed.
        """
        try:
            self._folder.mkdir(exist_ok=True)
            lock = (self._folder / _LOCK).open("ab")
        except OSError as error:
            raise output_error(error, str(self._folder)) from error
        with lock:
            is_ours = _try_lock(lock.fileno())
            for left in self._folder.glob(".[0-9]*.*") if is_ours else ():
                shutil.rmtree(left)
            yield is_ours

    def current(self) -> int:
        """Return the number of the last version."""
        numbers = [
            int(path.parent.name) for path in self._folder.glob(f"[0-9]*/{RECORD}") if path.parent.name.isdigit()
        ]
        return max(numbers, default=FIRST)

    def folder(self, number: int) -> Path:
        """Return the folder of a version."""
        return self.home if number == FIRST else self._folder / named(number)

    def study_file(self, number: int) -> Path:
        """Return the study file of a version."""
        return self.file if number == FIRST else self.folder(number) / STUDY

    def run_folder(self, number: int) -> Path:
        """Return where the run of a version goes."""
        return self.home / "runs" / self.study.study / f"version-{named(number)}"

    def previous_run(self, number: int) -> str:
        """Return the finished run of the nearest earlier version, else the last other run, else nothing."""
        earlier = [self.run_folder(one) for one in range(number - 1, FIRST - 1, -1)]
        of_versions = [folder for folder in earlier if (folder / MANIFEST).is_file()]
        others = [file for file in self.run_folder(number).parent.glob(f"*/{MANIFEST}") if not _is_version(file.parent)]
        newest = sorted(others, key=lambda file: (file.stat().st_mtime, file.parent.name), reverse=True)
        return str(next(iter([*of_versions, *(file.parent for file in newest)]), ""))

    def key(self, number: int) -> str:
        """Return a name for a version that no other version of any study has."""
        digest = file_hash(str(self.folder(number) / RECORD))
        return f"cairn-{self.study.study}-{named(number)}-{digest[:16]}"

    def is_announced(self, number: int) -> bool:
        """Say whether a version was announced, as version 1 need not be."""
        return number == FIRST or self._announced(number).exists()

    def mark_announced(self, number: int) -> None:
        """Keep in mind that a version was announced."""
        self._announced(number).touch()

    def draft(self) -> Draft:
        """Return the last version, as what the next one starts from."""
        number = self.current()
        if number == FIRST:
            tables, files = self._first_tables()
            return Draft(number, tables, source_rows(tables.samples_by_table(), files, FIRST))
        folder = self.folder(number)
        sources = pd.read_csv(folder / SOURCES, sep="\t", dtype="str", keep_default_na=False)
        notes = self._changed_tables(sources)
        return Draft(number, self._merged_tables(folder), sources.astype({"version": "int64"}), notes=notes)

    def check(self, draft: Draft) -> None:
        """Check a draft as `cairn check` does; raises UserError for what a run would refuse."""
        with self._written(draft):
            pass

    def publish(self, draft: Draft) -> int:
        """Check a draft and make it the last version; returns its number."""
        with self._written(draft) as folder:
            folder.replace(self.folder(draft.number))
        return draft.number

    @contextmanager
    def _written(self, draft: Draft) -> Iterator[Path]:
        """Write a draft to a temporary folder beside its place, and check it there."""
        from tasks.check import check_study

        try:
            with tempfile.TemporaryDirectory(prefix=f".{named(draft.number)}.", dir=self._folder) as temporary:
                folder = Path(temporary) / "version"
                folder.mkdir()
                self._fill(folder, draft)
                check_study(_loaded(folder / STUDY), folder)
                yield folder
        except OSError as error:
            raise output_error(error, str(self._folder)) from error

    def _fill(self, folder: Path, draft: Draft) -> None:
        (folder / MERGED).mkdir()
        for name, layer in draft.tables.layers.items():
            (folder / MERGED / f"{name}.parquet").write_bytes(encode_frame(layer.to_frame(), "layer"))
        if draft.tables.sheet is not None:
            draft.tables.sheet.to_csv(folder / MERGED / "samples.tsv", sep="\t", index=False, lineterminator="\n")
        draft.sources.to_csv(folder / SOURCES, sep="\t", index=False, lineterminator="\n")
        paths = self._take_other_files(folder, self.folder(draft.parent))
        document = study_document(self.study, store=self._store(), paths=paths)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        (folder / STUDY).write_text(text, "utf-8")
        record = self._record(folder, draft)
        (folder / RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")

    def _record(self, folder: Path, draft: Draft) -> dict[str, Any]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {
            "study": self.study.study,
            "version": draft.number,
            "parent": draft.parent,
            "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            "arrivals": [
                {
                    "name": one.name,
                    "files": dict(one.files),
                    "new_samples": {table: list(ids) for table, ids in one.samples.items()},
                }
                for one in draft.taken
            ],
            "files": {path.relative_to(folder).as_posix(): file_hash(str(path)) for path in files},
            "notes": list(draft.notes),
        }

    def _take_other_files(self, folder: Path, parent: Path) -> dict[str, str]:
        """Put the files that do not grow into the version; returns the new paths of those that lie elsewhere."""
        moved = {}
        for path in _other_paths(self.study):
            source = self.home / path
            inside = source.resolve().is_relative_to(self.home) and not Path(path).is_absolute() and ".." not in path
            if not inside:
                moved[path] = str(source.resolve())
                continue
            target = folder / path
            if target.exists() or Path(path).parts[0] in {MERGED, STUDY, RECORD, SOURCES}:
                raise StudyFileError(
                    wanted=f"no file of the study under the names {STUDY}, {RECORD}, {SOURCES} and {MERGED}/",
                    found=repr(path),
                    where=str(self.file),
                    remedy="Rename the file: versions of the study use these names.",
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source, parent / path if parent != self.home else None, target)
        return moved

    def _first_tables(self) -> tuple[SampleTables, dict[str, TableFile]]:
        from models.reading import read_layer
        from models.samples import read_sheet_cells

        study = self.study
        paths = {name: layer.path for name, layer in study.layers.items()}
        if study.samples.path:
            paths[SHEET] = study.samples.path
        if patterns := [path for path in paths.values() if is_pattern(path) and not (self.home / path).is_file()]:
            raise StudyFileError(
                wanted="one file for each table of a study that grows",
                found=f"the pattern {patterns[0]!r}",
                where=str(self.file),
                remedy="Join these files into one table, and name that.",
            )
        if inside := [name for name, one in study.layers.items() if one.compounds and one.compounds.table is None]:
            raise StudyFileError(
                wanted="a table of its own in compounds.table, since the tables of a study that grows are merged",
                found="columns of the layer's table",
                where=f"{self.file}, layers.{inside[0]}.compounds",
                remedy="Copy the columns of ids, compounds and levels into a table, and name that.",
            )
        content = {name: file_content(SourceFile(path=str(self.home / path))) for name, path in paths.items()}
        sheet = None
        if study.samples.path:
            sheet, _ = read_sheet_cells(content[SHEET], Path(paths[SHEET]).name, config=study.samples)
        column, sample_map = study.samples.sample_column, self._sample_map()
        known = frozenset() if sheet is None else frozenset(sheet[column])
        layers = {
            name: read_layer(
                content[name],
                Path(config.path).name,
                name=name,
                config=config,
                unit=study.unit(name),
                known_samples=known,
                sample_map=sample_map,
            ).layer
            for name, config in study.layers.items()
        }
        files = {name: TableFile(path, hashlib.sha256(content[name]).hexdigest()) for name, path in paths.items()}
        return SampleTables(layers, sheet, column), files

    def _sample_map(self) -> dict[str, str]:
        from models.sample_matching import read_sample_map

        path = self.study.samples.map
        return {} if path is None else read_sample_map(file_content(SourceFile(path=str(self.home / path))), path)[0]

    def _merged_tables(self, folder: Path) -> SampleTables:
        from models.samples import read_sheet_cells

        layers = {
            name: Layer.from_frame(name, decode_frame((folder / MERGED / f"{name}.parquet").read_bytes(), "layer"))
            for name in self.study.layers
        }
        sheet = None
        if self.study.samples.path:
            file = folder / MERGED / "samples.tsv"
            sheet, _ = read_sheet_cells(file.read_bytes(), file.name, config=self.study.samples)
        return SampleTables(layers, sheet, self.study.samples.sample_column)

    def _changed_tables(self, sources: pd.DataFrame) -> tuple[str, ...]:
        """Say which tables of version 1 are no longer what the versions were made from."""
        first = sources[sources["version"] == str(FIRST)].drop_duplicates("file")
        known = dict(zip(first["file"], first["sha256"], strict=True))
        there = {file: sha for file, sha in known.items() if (self.home / file).is_file()}
        changed = [file for file, sha in there.items() if file_hash(str(self.home / file)) != sha]
        return tuple(
            f"{file} has changed since version 2 was made; versions go on from the table as it was." for file in changed
        )

    def _store(self) -> str:
        return self.study.store.url or str(self.home / ".cairn")

    def _announced(self, number: int) -> Path:
        return self._folder / f"{named(number)}.announced"


def named(number: int) -> str:
    """Return a version's number as its folder is called."""
    return f"{number:0{_DIGITS}d}"


def study_document(study: StudyConfig, *, store: str, paths: Mapping[str, str]) -> dict[str, Any]:
    """Return the study file of a version: the same settings and store, the merged tables, and moved paths."""
    document: dict[str, Any] = study.model_dump(mode="json", exclude_unset=True)
    for name, layer in study.layers.items():
        kept = layer.model_dump(mode="json", exclude_unset=True, include={"role", "unit", "zeros"})
        place = {"path": f"{MERGED}/{name}.parquet", "orientation": "features_in_rows", "id_column": "feature_id"}
        if layer.compounds is not None:
            told = layer.compounds.model_dump(mode="json", exclude_unset=True)
            kept["compounds"] = told | {"table": paths.get(told["table"], told["table"])}
        document["layers"][name] = place | kept
    if study.samples.path:
        document["samples"]["path"] = f"{MERGED}/samples.tsv"
    # The merged tables have the sample ids already.
    document.get("samples", {}).pop("map", None)
    document["store"] = {"url": store}
    if study.annotation:
        document["annotation"] = paths.get(study.annotation, study.annotation)
    for section in (document.get("homology", {}), *document.get("families", {}).values()):
        for key in ("proteins", "transcripts", "gene_map", "member_table", "tables", "profiles", "references"):
            if section.get(key):
                section[key] = _moved(section[key], paths)
    return document


def _moved(value: Any, paths: Mapping[str, str]) -> Any:  # noqa: ANN401 - a part of a study file
    if isinstance(value, str):
        return paths.get(value, value)
    if isinstance(value, list):
        return [_moved(one, paths) for one in value]
    return {**value, "path": _moved(value["path"], paths)}


def _other_paths(study: StudyConfig) -> list[str]:
    """Return the paths of the files that do not grow, each once."""
    grown = {study.samples.path, study.samples.map, *(layer.path for layer in study.layers.values())}
    return list(dict.fromkeys(path for path in source_paths(study) if path not in grown))


def _link_or_copy(source: Path, earlier: Path | None, target: Path) -> None:
    """Copy a file; where the version before has the same, share it, since no version ever changes."""
    try:
        if earlier is not None and earlier.is_file() and file_hash(str(earlier)) == file_hash(str(source)):
            os.link(earlier, target)
            return
    except FileNotFoundError as error:
        raise _no_file(source) from error
    except OSError as error:  # a file system without links
        if error.errno not in {errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EMLINK}:
            raise
    try:
        shutil.copyfile(source, target)
    except FileNotFoundError as error:
        raise _no_file(source) from error


def _no_file(path: Path) -> StudyFileError:
    remedy = "Put it back, or correct the study file."
    return StudyFileError(wanted="a file that the study names", found="nothing there", where=str(path), remedy=remedy)


def _is_version(folder: Path) -> bool:
    return folder.name.startswith("version-")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _loaded(file: Path) -> StudyConfig:
    text = file_content(SourceFile(path=str(file)))
    try:
        return load_study(text.decode("utf-8-sig"), file=str(file))
    except UnicodeDecodeError as error:
        remedy = "`cairn init` writes a first one."
        found = "a file that is no UTF-8 text"
        raise StudyFileError(wanted="a study file", found=found, where=str(file), remedy=remedy) from error
