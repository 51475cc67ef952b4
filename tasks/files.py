"""Files that the user named."""

import glob
from pathlib import Path

from configs.artifact import SourceFile
from configs.errors import StudyFileError
from configs.study import LayerConfig


def file_content(file: SourceFile) -> bytes:
    """Return the bytes of a user's file; raises StudyFileError where there is none."""
    path = Path(file.path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudyFileError(
            wanted="a readable file",
            found="a folder" if path.is_dir() else (error.strerror or "an error").lower(),
            where=str(path),
            remedy="Correct the path in the study file; paths are relative to the folder of the study file.",
        ) from error


def is_pattern(path: str) -> bool:
    """Say whether a path of a study file may name several files, as quant/*/quant.sf does."""
    return glob.has_magic(path)


def compounds_file(folder: Path, layer: LayerConfig) -> SourceFile:
    """Return the file that tells of compounds: a table of its own, else the layer's, the first of several."""
    own = None if layer.compounds is None else layer.compounds.table
    return SourceFile(path=str(folder / own)) if own else next(iter(layer_files(folder, layer.path).values()))


def layer_files(folder: Path, path: str) -> dict[str, SourceFile]:
    """Return the files that the path of a layer names, by their paths from `folder`; one for a path without pattern.

    Raises
    ------
    StudyFileError
        No file fits a pattern.
    """
    if not is_pattern(path) or (folder / path).is_file():
        return {path: SourceFile(path=str(folder / path))}
    # What a pattern finds is named from the folder, so that a study that moves keeps its keys.
    names = sorted(
        Path(name).as_posix()
        for name in glob.glob(path, root_dir=folder, recursive=True)  # noqa: PTH207 - an absolute pattern is allowed
        if (folder / name).is_file()
    )
    if not names:
        raise StudyFileError(
            wanted="files that fit the pattern",
            found="none",
            where=str(folder / path),
            remedy="Correct the pattern, such as quant/*/quant.sf; it is relative to the folder of the study file.",
        )
    return {name: SourceFile(path=str(folder / name)) for name in names}
