"""Writing several files into a folder, all of them or none."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from configs.errors import OutputError
from tasks.places import output_error


def put_files(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary folder, then move its files into `folder`, replacing those of the same name.

    Raises
    ------
    OutputError
        The folder cannot be written or the disk is full; a folder that was made for this is gone again.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing.", dir=folder) as temporary:
            write(Path(temporary))
            for file in sorted(Path(temporary).iterdir()):
                file.replace(folder / file.name)
    except (FileExistsError, NotADirectoryError) as error:
        remedy = "Choose another folder."
        raise OutputError(wanted="a folder", found="a file in its place", where=str(folder), remedy=remedy) from error
    except OSError as error:
        if made and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise output_error(error, str(folder)) from error
