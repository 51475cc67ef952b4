"""One look at the inbox: every whole arrival merged into one new version, every bad one put aside with the reason."""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from prefect import task
from pydantic import Field

from configs.errors import OutputError, StudyFileError, UserError, counted, first_of
from configs.watch import WatchConfig
from models.merging import TableFile, merge_tables, source_rows
from tasks.allowed import absolute, allowed_roots, check_allowed, is_url, place_at
from tasks.fetch import folder_of
from tasks.inbox import PROCESSED, QUARANTINE, Arrival, Inbox, tables_of
from tasks.places import source_paths
from tasks.records import Record
from tasks.versions import Draft, Taken, Versions, named


class Look(Record):
    """What a look at the inbox found.

    `version`, `study_file`, `out` and `previous` are those of the last version, `previous` being the run folder of the
    version before it or empty; `is_pending` says that it has not been announced yet, and `key` names it for good.
    `taken` are the arrivals that were merged now, `waiting` those that are still growing, `refused` those in quarantine
    with the reason. `is_busy` says that another watcher was at work, so that nothing was looked at.
    """

    study: str
    version: int
    study_file: str
    out: str
    previous: str
    key: str = ""
    is_pending: bool = False
    is_busy: bool = False
    samples: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    refused: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """Say what was found."""
        if self.is_busy:
            return ("Another watcher is at work on this study; nothing was done.",)
        said = [f"Put into quarantine: {name}. {reason}" for name, reason in self.refused.items()]
        if self.taken:
            came = f"{counted(len(self.samples), 'sample')} from {first_of(self.taken)}: {first_of(self.samples)}"
            said.append(f"Version {self.version} of {self.study} has new values of {came}.")
        if self.waiting:
            said.append(f"Still arriving: {first_of(self.waiting)}.")
        return (*said, *self.notes) or ("Nothing new.",)


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole arrival and its files."""

    arrival: Arrival
    content: dict[str, bytes]


def check_places(config: WatchConfig) -> None:
    """Raise ForbiddenPathError where study, inbox or a file of the study lies outside the allowed roots."""
    place = absolute(config.study_file)
    base = folder_of(place)
    roots = allowed_roots(os.environ, base)
    check_allowed([("study_file", place), ("inbox", absolute(config.inbox))], roots)
    if not is_url(place):
        study = Versions(Path(place)).study
        paths = [*source_paths(study), *source_paths(study, Path(base))]
        check_allowed([("a file of the study", place_at(base, path)) for path in paths], roots)


@task(name="look-at-inbox", task_run_name="look-at-inbox", persist_result=False)
def look_at_inbox(config: WatchConfig) -> Look:
    """Take all whole arrivals into one new version; see `take_arrivals`."""
    return take_arrivals(config)


@task(name="mark-announced", task_run_name="mark-announced-{version}", persist_result=False)
def mark_announced(study_file: str, version: int) -> None:
    """Keep in mind that the run of a version was asked for, so that it is asked for once."""
    Versions(Path(absolute(study_file))).mark_announced(version)


def take_arrivals(config: WatchConfig) -> Look:
    """Look at the inbox once.

    Parameters
    ----------
    config : WatchConfig
        Study and inbox.

    Returns
    -------
    Look
        What was found and done. Whole arrivals are merged in the order in which they came, and moved to `processed`;
        bad ones are moved to `quarantine` with a file `reason.txt`, and the last version stays what it was.

    Raises
    ------
    UserError
        The study itself cannot be read or checked, the inbox is not there, or something cannot be written.
    """
    place = absolute(config.study_file)
    if is_url(place):
        raise StudyFileError(
            wanted="a study file in a folder",
            found="a URL",
            where=config.study_file,
            remedy="Only the inbox may be a URL: versions are written beside the study file.",
        )
    versions, inbox = Versions(Path(place)), Inbox(config.inbox)
    with versions.locked() as is_ours:
        if not is_ours:
            return _look(versions).model_copy(update={"is_busy": True})
        return _Taking(versions, inbox).all_of(inbox.arrivals(), config.quiet_seconds)


class _Taking:
    """The work of one look."""

    def __init__(self, versions: Versions, inbox: Inbox) -> None:
        self._versions, self._inbox = versions, inbox
        self._refused: dict[str, str] = {}

    def all_of(self, arrivals: Sequence[Arrival], quiet_seconds: float) -> Look:
        """Take what is whole and leave what is not."""
        now = time.time()
        read = {one.name: self._read(one) for one in arrivals if one.is_whole(now, quiet_seconds)}
        whole = [_Whole(one, content) for one in arrivals if (content := read.get(one.name))]
        done = {one.arrival.name for one in whole} | set(self._refused)
        draft = self._publish(whole) if whole else None
        return _look(self._versions).model_copy(
            update={
                "samples": _new_samples(draft.taken) if draft else (),
                "taken": tuple(one.name for one in draft.taken) if draft else (),
                "waiting": tuple(one.name for one in arrivals if one.name not in done),
                "refused": self._refused,
                "notes": draft.notes if draft else (),
            }
        )

    def _publish(self, whole: Sequence[_Whole]) -> Draft:
        """Make one new version of all that can be merged, and clear the inbox of what was looked at.

        The check is made once for all; only where it fails is it made after each arrival, to find which one it is.
        """
        start = self._versions.draft()
        draft = self._grown(start, whole)
        try:
            self._write(draft)
        except OutputError:
            raise
        except UserError:
            self._versions.check(start)
            draft = self._grown(start, whole, checked=True)
            self._write(draft)
        place = f"{PROCESSED}/{named(self._versions.current())}"
        for one in whole:
            if one.arrival.name not in self._refused:
                self._inbox.file_away(one.arrival, place)
        return draft

    def _grown(self, draft: Draft, whole: Sequence[_Whole], *, checked: bool = False) -> Draft:
        """Merge one arrival after the other; what cannot be merged is put aside."""
        for one in whole:
            if one.arrival.name in self._refused:
                continue
            try:
                grown = _with_arrival(draft, one, self._versions)
                if checked and grown.taken != draft.taken:
                    self._versions.check(grown)
            except OutputError:
                raise
            except UserError as error:
                self._refuse(one.arrival, error)
            else:
                draft = grown
        return draft

    def _write(self, draft: Draft) -> None:
        if draft.taken:
            self._versions.publish(draft)

    def _read(self, arrival: Arrival) -> dict[str, bytes] | None:
        """Return the files of an arrival; None where it was refused or changed while it was read."""
        try:
            return self._inbox.read(arrival)
        except StudyFileError as error:
            self._refuse(arrival, error)
            return None

    def _refuse(self, arrival: Arrival, error: UserError) -> None:
        self._inbox.file_away(arrival, QUARANTINE, reason=str(error))
        self._refused[arrival.name] = str(error)


def _with_arrival(draft: Draft, one: _Whole, versions: Versions) -> Draft:
    """Return the draft with one more arrival, or with a note where it brings nothing new."""
    name, study = one.arrival.name, versions.study
    known = {sample for ids in draft.tables.samples_by_table().values() for sample in ids}
    tables, files, read = tables_of(one.content, study, known)
    merged = merge_tables(draft.tables, tables, name=name)
    if not merged.new:
        note = f"{name}: nothing new, the study has all of its samples with the same values."
        return replace(draft, notes=(*draft.notes, note))
    hashes = {file: hashlib.sha256(one.content[file]).hexdigest() for file in files.values()}
    places = {table: TableFile(f"{name}/{file}", hashes[file]) for table, file in files.items()}
    return replace(
        draft,
        tables=merged.tables,
        sources=pd.concat([draft.sources, source_rows(merged.new, places, draft.number)], ignore_index=True),
        taken=(*draft.taken, Taken(name, hashes, merged.new)),
        notes=(*draft.notes, *(f"{name}: {note}" for note in read), *merged.notes),
    )


def _new_samples(taken: Sequence[Taken]) -> tuple[str, ...]:
    return tuple(sorted({sample for one in taken for ids in one.samples.values() for sample in ids}))


def _look(versions: Versions) -> Look:
    """Return the last version, before anything is said of the inbox."""
    number = versions.current()
    return Look(
        study=versions.study.study,
        version=number,
        study_file=str(versions.study_file(number)),
        out=str(versions.run_folder(number)),
        previous=versions.previous_run(number),
        key="" if versions.is_announced(number) else versions.key(number),
        is_pending=not versions.is_announced(number),
    )
