"""Studies that lie at a URL: their files are brought to this machine, and their run folder is taken back."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import fsspec

from configs.artifact import SourceFile
from configs.errors import StudyFileError
from tasks.allowed import is_url, place_at
from tasks.files import file_content
from tasks.places import MANIFEST, output_error


def fetched_home() -> Path:
    """Return the folder of this worker for files of studies at URLs."""
    from prefect.settings import get_current_settings

    return get_current_settings().home / "cairn" / "fetched"


def read_text(place: str) -> str:
    """Return the text of a file at a path or URL; raises StudyFileError that names it."""
    try:
        return _read(place).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyFileError(
            wanted="a study file", found="a file that is no UTF-8 text", where=place, remedy="Save it as UTF-8."
        ) from error


def folder_of(place: str) -> str:
    """Return the folder or URL prefix that a file lies in."""
    return place.rstrip("/").rpartition("/")[0] if is_url(place) else str(Path(place).parent)


def fetch_files(base: str, paths: Sequence[str], home: Path) -> Path:
    """Bring the files at `paths` below the URL `base` to a folder below `home`, and return that.

    The folder is named by the URL and by the version of each file, so it never changes: files that change at the URL
    come to another one, and what is there already is not fetched again.

    Raises
    ------
    StudyFileError
        A path leads out of `base`, or there is no such file.
    OutputError
        The folder cannot be written.
    """
    for path in paths:
        if "://" in path or "\\" in path or path.startswith("/") or ".." in PurePosixPath(path).parts:
            raise StudyFileError(
                wanted=f"a path relative to {base}, below it",
                found=repr(path),
                where=base,
                remedy="Files of a study at a URL lie beside or below its study file.",
            )
    filesystem, root = _connected(base)
    versions = {path: _version(filesystem, root, base, path) for path in paths}
    name = hashlib.sha256(json.dumps([base, sorted(versions.items())]).encode()).hexdigest()[:32]
    target = home / name
    if not target.is_dir():
        _fetch(filesystem, root, paths, target)
    return target


def move_to(folder: Path, url: str) -> None:
    """Move a run folder of this machine to a URL, its manifest last: where that stands, the rest does."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / MANIFEST]
    filesystem, root = _connected(url)
    try:
        for path in (*files, folder / MANIFEST):
            target = f"{root.rstrip('/')}/{path.relative_to(folder).as_posix()}"
            filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
            filesystem.put_file(str(path), target)
    except OSError as error:
        raise output_error(error, url) from error
    shutil.rmtree(folder)


def _read(place: str) -> bytes:
    if not is_url(place):
        return file_content(SourceFile(path=place))
    filesystem, path = _connected(place)
    try:
        content: bytes = filesystem.cat_file(path)
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise _unreadable(place, error) from error
    return content


def _version(filesystem: fsspec.AbstractFileSystem, root: str, base: str, path: str) -> str:
    """Return what changes when the file at a URL changes."""
    try:
        return str(filesystem.ukey(f"{root.rstrip('/')}/{path}"))
    except (FileNotFoundError, PermissionError) as error:
        raise _unreadable(place_at(base, path), error) from error


def _fetch(filesystem: fsspec.AbstractFileSystem, root: str, paths: Sequence[str], target: Path) -> None:
    """Fill a temporary folder and give it its name when whole; another run may have been faster."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching.", dir=target.parent) as temporary:
            whole = Path(temporary) / "files"
            for path in paths:
                (whole / path).parent.mkdir(parents=True, exist_ok=True)
                filesystem.get_file(f"{root.rstrip('/')}/{path}", str(whole / path))
            if not target.is_dir():
                whole.replace(target)
    except OSError as error:
        if not target.is_dir():
            raise output_error(error, str(target)) from error


def _connected(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the file system of a URL and the path on it."""
    try:
        filesystem, root = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise StudyFileError(
            wanted="a URL that can be reached",
            found=str(error).rstrip("."),
            where=url,
            remedy="Correct it, or install what it needs on the worker, such as cairn-omics[s3].",
        ) from error
    return filesystem, root


def _unreadable(place: str, error: OSError) -> StudyFileError:
    found = "no permission to read it" if isinstance(error, PermissionError) else "nothing there"
    return StudyFileError(
        wanted="a file",
        found=found,
        where=place,
        remedy="Correct the path, or put the file there; files of a study at a URL lie below its folder.",
    )
