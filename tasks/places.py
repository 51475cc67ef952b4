"""Places on the disk that the user named: are they there, and can they be written."""

import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from configs.errors import OutputError, StudyFileError
from configs.study import StudyConfig
from tasks.files import layer_files

MANIFEST = "manifest.json"
CONTENT = "content.json"
"""What a new ranking of a finished run is made from."""
_NOT_WRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}
_FULL = {
    errno.ENOSPC: "a full disk",
    errno.EDQUOT: "a full quota",
    errno.EFBIG: "a limit on the size of files",
}


def check_output_folder(place: Path, *, marker: str = MANIFEST, what: str = "run") -> None:
    """Raise OutputError where `place` has files but not the one named `marker`, or cannot be written."""
    remedy = "Choose another folder with --out." if what == "run" else "Choose another folder."
    if place.is_dir() and any(place.iterdir()) and not (place / marker).is_file():
        raise OutputError(
            wanted=f"a new folder, an empty one, or an earlier {what}",
            found="a folder with other files",
            where=str(place),
            remedy=remedy,
        )
    existing = next(parent for parent in (place, *place.parents) if parent.exists())
    if not existing.is_dir():
        raise OutputError(wanted="a folder", found="a file", where=str(existing), remedy=remedy)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise output_error(error, str(place)) from error


def check_run_inputs(study: StudyConfig, folder: Path, out: Path | None) -> None:
    """Raise UserError for a file that is not there or a run folder that cannot be written, before anything starts."""
    for path in source_paths(study, folder):
        if not (folder / path).is_file():
            raise StudyFileError(
                wanted="a file",
                found="nothing there" if not (folder / path).exists() else "a folder",
                where=str(folder / path),
                remedy="Correct the path in the study file; paths are relative to the folder of the study file.",
            )
    check_output_folder(out.resolve() if out else Path("runs").resolve() / study.study / "new")


def no_finished_run(folder: Path, missing: str) -> StudyFileError:
    """Return the error for a folder that should be that of a finished run."""
    return StudyFileError(
        wanted="the folder of a finished run",
        found=f"no {missing} in it",
        where=str(folder),
        remedy="Give the folder that `cairn run` printed.",
    )


def source_paths(study: StudyConfig, folder: Path | None = None) -> Iterator[str]:
    """Yield the paths of all tables that a study names; where its `folder` is given, the files of each pattern."""
    for layer in study.layers.values():
        yield from [layer.path] if folder is None else layer_files(folder, layer.path)
    compounds = (layer.compounds for layer in study.layers.values())
    yield from (one.table for one in compounds if one is not None and one.table is not None)
    yield from (path for path in (study.samples.path, study.samples.map, study.annotation) if path is not None)
    yield from study.homology.paths()
    yield from dict.fromkeys(path for family in study.families.values() for path in family.paths())


def output_error(error: OSError, where: str) -> OSError | OutputError:
    """Turn a full disk or a missing permission into an error that says what to do; any other error stays."""
    if error.errno in _FULL:
        return OutputError(
            wanted="room to write",
            found=_FULL[error.errno],
            where=where,
            remedy="Free some space or choose another place, and run again; finished work is kept.",
        )
    if error.errno in _NOT_WRITABLE:
        return OutputError(
            wanted="a place that can be written",
            found=(error.strerror or "no permission").lower(),
            where=where,
            remedy="Choose another place, or change its permissions.",
        )
    return error
