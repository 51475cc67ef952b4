"""Files that the user named."""

from pathlib import Path

from configs.artifact import SourceFile
from configs.errors import StudyFileError


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
