"""The inbox that new samples arrive in: what is whole, what is in it, and where it goes afterwards.

An arrival is one sub-folder of the inbox. It holds `samples.tsv`, the sample sheet of the new samples with the columns
of the study's own, and one table a layer, named after the layer: `transcriptome.tsv`, `metabolome.csv`; every format
that a study may have will do (`.csv`, `.tsv`, `.xlsx`, `.parquet`, each also `.gz`). In a study without a sample sheet
there is no `samples.tsv`. A layer may be left out and arrive later. The inbox is a folder or any fsspec URL.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from configs.errors import StudyFileError, TableError, first_of, nearest
from configs.study import StudyConfig
from models.merging import SHEET, SampleTables
from tasks.places import output_error

PROCESSED, QUARANTINE = "processed", "quarantine"
REASON = "reason.txt"
CONVENTION = (
    "An arrival is a folder with samples.tsv and one table a layer, named after the layer, such as transcriptome.tsv."
)

_DONE = ".done"
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload")
_TIMES = ("mtime", "created", "LastModified", "last_modified")


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file of the inbox; `changed` is when it last changed, in seconds since 1970, infinite where nobody knows."""

    path: str
    n_bytes: int
    changed: float
    is_plain: bool = True

    @property
    def name(self) -> str:
        """Name without the folder."""
        return PurePosixPath(self.path).name

    @property
    def is_table(self) -> bool:
        """Whether it is neither hidden nor a marker."""
        return not self.name.startswith(".") and not self.name.endswith(_DONE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A sub-folder of the inbox, or a file that lies loose in it; `is_marked` says that a `.done` marker is there."""

    name: str
    path: str
    files: tuple[InboxFile, ...]
    changed: float
    is_marked: bool = False
    is_loose: bool = False

    def is_whole(self, now: float, quiet_seconds: float) -> bool:
        """Say whether nothing more is to come."""
        if not any(file.is_table for file in self.files) or any(file.name.endswith(_UNFINISHED) for file in self.files):
            return False
        return self.is_marked or now - self.changed >= quiet_seconds


class Inbox:
    """An inbox; `url` is a folder or any fsspec URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._files, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        protocol = self._files.protocol
        self._local = "file" in ((protocol,) if isinstance(protocol, str) else tuple(protocol))

    def arrivals(self) -> list[Arrival]:
        """Return all arrivals, whole or not, the first that came first."""
        entries = {PurePosixPath(entry["name"]).name: entry for entry in self._listed(self._root)}
        found = [
            self._arrival(name, entry, marked=f"{name}{_DONE}" in entries)
            for name, entry in entries.items()
            if not name.startswith(".") and not name.endswith(_DONE) and name not in {PROCESSED, QUARANTINE}
        ]
        return sorted(found, key=lambda arrival: (arrival.changed, arrival.name))

    def read(self, arrival: Arrival) -> dict[str, bytes] | None:
        """Return the tables of an arrival by file name; None where it changed meanwhile.

        Raises
        ------
        StudyFileError
            For a loose file, a folder in the folder, or a link.
        """
        if arrival.is_loose:
            raise _no_arrival(arrival.name, found="a file that lies loose in the inbox")
        if odd := [file.name for file in arrival.files if not file.is_plain]:
            raise _no_arrival(arrival.name, found=f"a folder or a link: {first_of(odd)}")
        content = {file.name: self._files.cat_file(file.path) for file in arrival.files if file.is_table}
        same = any(other.files == arrival.files for other in self.arrivals() if other.name == arrival.name)
        return content if same else None

    def file_away(self, arrival: Arrival, folder: str, *, reason: str | None = None) -> str:
        """Move an arrival into a folder of the inbox, with the reason why if there is one; returns its new place."""
        place = self._free(f"{self._root}/{folder}", arrival.name)
        try:
            self._move(arrival, place)
            if reason is not None:
                self._files.pipe_file(f"{place}/{REASON}", f"{reason}\n".encode())
        except OSError as error:
            raise output_error(error, place) from error
        return place

    def _listed(self, path: str) -> list[Mapping[str, Any]]:
        self._files.invalidate_cache()
        try:
            entries = self._files.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError) as error:
            if not self._local:
                return []
            raise StudyFileError(
                wanted="a folder that new samples arrive in",
                found="nothing there" if isinstance(error, FileNotFoundError) else "a file",
                where=self.url,
                remedy="Make the folder, or correct the path.",
            ) from error
        return [entry for entry in entries if str(entry["name"]).rstrip("/") != path]

    def _arrival(self, name: str, entry: Mapping[str, Any], *, marked: bool) -> Arrival:
        path = str(entry["name"]).rstrip("/")
        is_folder = entry["type"] == "directory"
        inside = self._listed(path) if is_folder else [entry]
        files = tuple(sorted((_file(one) for one in inside), key=lambda file: file.path))
        own = [_changed(entry)] if is_folder and math.isfinite(_changed(entry)) else []
        return Arrival(
            name=name,
            path=path,
            files=files,
            changed=max([file.changed for file in files] + own, default=math.inf),
            is_marked=marked or (is_folder and any(file.name.endswith(_DONE) for file in files)),
            is_loose=not is_folder,
        )

    def _free(self, folder: str, name: str) -> str:
        """Return a place in `folder` that nothing has yet."""
        places = (f"{folder}/{name}" if number == 1 else f"{folder}/{name}-{number}" for number in range(1, 10_000))
        return next(place for place in places if not self._files.exists(place))

    def _move(self, arrival: Arrival, place: str) -> None:
        """Move all files, with the marker beside them; a local folder at once."""
        marker = f"{self._root}/{arrival.name}{_DONE}"
        self._files.makedirs(str(PurePosixPath(place).parent), exist_ok=True)
        if self._local and not arrival.is_loose:
            Path(arrival.path).rename(place)
        else:
            self._files.makedirs(place, exist_ok=True)
            for file in arrival.files:
                self._files.mv(file.path, f"{place}/{file.name}")
            if not arrival.is_loose and self._files.isdir(arrival.path):
                self._files.rmdir(arrival.path)
        if self._files.exists(marker):
            self._files.mv(marker, f"{place}/{_DONE}")


def tables_of(
    content: Mapping[str, bytes], study: StudyConfig, known: Iterable[str]
) -> tuple[SampleTables, dict[str, str], tuple[str, ...]]:
    """Read the tables of an arrival with the readers of the study's own.

    Parameters
    ----------
    content : mapping of str to bytes
        Files by name.
    study : StudyConfig
        Study that they are for.
    known : iterable of str
        Samples that the study has.

    Returns
    -------
    tables : SampleTables
        Tables.
    files : dict of str to str
        File name by table, the sheet among them.
    notes : tuple of str
        What was decided while they were read.

    Raises
    ------
    TableError
        For a file named after no layer, two of one layer, no table of any layer, or a table that cannot be read.
    SampleError
        For a sample sheet that cannot be used, or a table without any sample of it.
    """
    from models.reading import read_layer
    from models.samples import read_sheet_cells

    files = _files_by_table(list(content), study)
    sheet = None
    notes: tuple[str, ...] = ()
    if SHEET in files:
        sheet, notes = read_sheet_cells(content[files[SHEET]], files[SHEET], config=study.samples)
    column = study.samples.sample_column
    samples = frozenset() if sheet is None else frozenset({*known, *sheet[column]})
    readings = {
        name: read_layer(
            content[file], file, name=name, config=study.layers[name], unit=study.unit(name), known_samples=samples
        )
        for name, file in files.items()
        if name != SHEET
    }
    said = (*notes, *(note for reading in readings.values() for note in reading.notes))
    return SampleTables({name: reading.layer for name, reading in readings.items()}, sheet, column), files, said


def _files_by_table(names: Sequence[str], study: StudyConfig) -> dict[str, str]:
    """Return the file of each layer and of the sample sheet."""
    wanted = [*study.layers, *([SHEET] if study.samples.path else [])]
    files: dict[str, str] = {}
    for name in sorted(names):
        table = name.split(".")[0]
        if table not in wanted:
            close = nearest(table, wanted)
            raise _bad_files(wanted, repr(name), f"Rename or remove it; the nearest name is {close}. {CONVENTION}")
        if table in files:
            raise _bad_files(wanted, f"{files[table]!r} and {name!r} for one", "Keep one of them.")
        files[table] = name
    if not set(files) & set(study.layers):
        raise _bad_files(wanted, first_of(names), CONVENTION)
    if study.samples.path and SHEET not in files:
        raise _bad_files(wanted, f"{first_of(names)} without a sample sheet", f"Add samples.tsv. {CONVENTION}")
    return files


def _bad_files(wanted: Sequence[str], found: str, remedy: str) -> TableError:
    return TableError(
        wanted=f"one file for each of {', '.join(wanted)}, named after it", found=found, where="arrival", remedy=remedy
    )


def _no_arrival(name: str, *, found: str) -> StudyFileError:
    return StudyFileError(wanted="a folder of plain files", found=found, where=name, remedy=CONVENTION)


def _file(entry: Mapping[str, Any]) -> InboxFile:
    plain = entry["type"] == "file" and not entry.get("islink", False)
    return InboxFile(str(entry["name"]).rstrip("/"), int(entry.get("size") or 0), _changed(entry), plain)


def _changed(entry: Mapping[str, Any]) -> float:
    """Return the latest time that a file system tells; on Linux `created` is when the inode changed last."""
    times = [entry[name] for name in _TIMES if entry.get(name) is not None]
    seconds = [one.timestamp() if isinstance(one, dt.datetime) else one for one in times]
    return max((float(one) for one in seconds if isinstance(one, int | float)), default=math.inf)
