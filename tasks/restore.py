"""Bundles and tables of others, with the names back in, for the owner of the key."""

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa

from configs.errors import KeyFileError, OutputError, TableError, counted
from models.pseudonyms import PATTERN, Pseudonyms
from models.restoring import Restored, restore
from tasks.places import output_error
from tasks.share import BUNDLE, BUNDLE_FORMAT
from tasks.share_key import read_key

_SAFE = re.compile(r"[^A-Za-z0-9_-]+")
_ENDING = "-restored"


@dataclass(frozen=True, slots=True)
class RestoredPlace:
    """Where names are back, how many of them, how many pseudonyms are of another key, and which files are as before."""

    place: Path
    n_names: int
    n_unknown: int
    unchanged: tuple[str, ...]

    def sentences(self) -> tuple[str, ...]:
        """Say what was done."""
        said = [f"{counted(self.n_names, 'name')} put back."]
        if self.n_unknown:
            said.append(f"{counted(self.n_unknown, 'pseudonym')} of another key, or of no key, stayed.")
        if self.unchanged:
            kinds = ", ".join(sorted({PurePosixPath(name).suffix or name for name in self.unchanged}))
            said.append(
                f"{counted(len(self.unchanged), 'file')} ({kinds}) still show pseudonyms, since pictures cannot be "
                "written again; each has an SVG beside it that can. Pictures in the page stay, too."
            )
        return tuple(said)


def restore_names(place: Path, key: Path, out: Path | None = None) -> RestoredPlace:
    """Give the names back in a bundle (ZIP file or folder) or in a table or page made from one.

    Parameters
    ----------
    place : Path
        Bundle or file.
    key : Path
        Key file of the bundle.
    out : Path, optional
        What to write, a folder for a bundle; beside it with the ending `-restored` when not given. It must not exist.

    Raises
    ------
    KeyFileError
        The key is of another bundle, or cannot be used.
    TableError
        There is nothing that names could be given back in.
    OutputError
        The target exists or cannot be written.
    """
    kept = read_key(key)
    names = kept.names
    files = dict(_files_of(place))
    _check_key(files, kept.pseudonyms(), place, key)
    done = {file: _restored(content, file, names, place) for file, content in files.items()}
    known = frozenset[str]().union(*(one.known for one in done.values()))
    unknown = frozenset[str]().union(*(one.unknown for one in done.values()))
    if not known:
        raise _no_pseudonyms(place, key, found=len(unknown))
    is_file = place.is_file() and place.suffix.lower() != ".zip"
    ending = place.suffix if is_file else ""
    target = out or place.with_name(f"{place.stem if place.is_file() else place.name}{_ENDING}{ending}")
    _write(done, target.resolve(), names, is_file=is_file)
    unchanged = tuple(file for file, one in done.items() if one.content is files[file])
    return RestoredPlace(target, len(known), len(unknown), unchanged)


def _files_of(place: Path) -> Iterator[tuple[str, bytes]]:
    """Yield relative path and content of each file of a bundle, or of the one file that was given."""
    try:
        if place.is_dir():
            for path in sorted(place.rglob("*")):
                if path.is_file():
                    yield path.relative_to(place).as_posix(), path.read_bytes()
        elif place.suffix.lower() == ".zip":
            with zipfile.ZipFile(place) as packed:
                yield from ((name, packed.read(name)) for name in packed.namelist() if not name.endswith("/"))
        else:
            yield place.name, place.read_bytes()
    except (OSError, zipfile.BadZipFile) as error:
        raise TableError(
            wanted="a bundle of `cairn share`, or a table or page made from one",
            found=getattr(error, "strerror", None) or "a file that is no ZIP file",
            where=str(place),
            remedy="Give the ZIP file or folder as it was received, or one file of it.",
        ) from error


def _check_key(files: dict[str, bytes], pseudonyms: Pseudonyms, place: Path, key: Path) -> None:
    """Raise KeyFileError where a bundle says that it was made with another key."""
    about = files.get(BUNDLE)
    if about is None:
        return
    try:
        facts = json.loads(about)
    except ValueError:
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != BUNDLE_FORMAT:
        raise TableError(
            wanted=f"a bundle whose {BUNDLE} says {BUNDLE_FORMAT}",
            found="something else",
            where=str(place),
            remedy="Give the bundle as it was received.",
        )
    if facts.get("key") != pseudonyms.fingerprint:
        raise KeyFileError(
            wanted=f"the key that {place} was made with",
            found="another key",
            where=str(key),
            remedy="Look for the share-key.json beside the run that the bundle came from.",
        )


def _restored(content: bytes, file: str, names: dict[str, str], place: Path) -> Restored:
    try:
        return restore(content, file, names)
    except (UnicodeDecodeError, zipfile.BadZipFile, pa.ArrowInvalid) as error:
        raise TableError(
            wanted="a file of the kind that its name says, in UTF-8 if it is text",
            found="something else",
            where=f"{place}: {file}" if place.name != file else str(place),
            remedy="Save it again as CSV in UTF-8, or leave it out.",
        ) from error


def _no_pseudonyms(place: Path, key: Path, *, found: int) -> KeyFileError | TableError:
    if found:
        return KeyFileError(
            wanted=f"the key that the pseudonyms in {place} were made with",
            found=f"a key that knows none of {counted(found, 'pseudonym')} there",
            where=str(key),
            remedy="Look for the share-key.json beside the run that they came from.",
        )
    return TableError(
        wanted="pseudonyms such as gene-k3v7q2xw5dab",
        found="none",
        where=str(place),
        remedy="Give a bundle of `cairn share`, or a CSV, TSV, JSON, HTML, SVG, Parquet, XLSX or text file of it.",
    )


def _write(done: dict[str, Restored], target: Path, names: dict[str, str], *, is_file: bool) -> None:
    if target.exists():
        raise OutputError(
            wanted="a new file" if is_file else "a new folder",
            found="one of that name",
            where=str(target),
            remedy="Choose another name with --out, or remove it first.",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".cairn-restore-", dir=target.parent) as temporary:
            home = Path(temporary) / "bundle"
            for file, one in done.items():
                path = _place_in(home, file, names)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(one.content)
            shutil.move(next(home.iterdir()) if is_file else home, target)
    except OSError as error:
        raise output_error(error, str(target)) from error


def _place_in(home: Path, file: str, names: dict[str, str]) -> Path:
    """Return where a file goes: its path with names, as far as they can be file names, never outside the folder."""
    named = PATTERN.sub(lambda match: _SAFE.sub("-", names.get(match.group(), match.group())), file)
    path = (home / named).resolve()
    if not path.is_relative_to(home.resolve()):
        raise TableError(
            wanted="files inside the bundle",
            found="one that would go elsewhere",
            where=file,
            remedy="Do not use this bundle: it was not written by Cairn.",
        )
    return path
