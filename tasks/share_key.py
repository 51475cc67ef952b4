"""The key of shared bundles: a secret, and the names behind the pseudonyms that were made with it."""

import os
import secrets
import stat
import uuid
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from configs.errors import KeyFileError
from models.pseudonyms import SECRET_BYTES, Pseudonyms
from tasks.places import output_error

KEY_FILE = "share-key.json"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MODE = 0o600


class ShareKey(BaseModel):
    """What the owner of a bundle keeps.

    The names are kept beside the secret, rather than found again from the run: the key then opens every bundle that was
    made with it, when run and store are long gone, and tables that others computed from a bundle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["cairn share key 1"] = "cairn share key 1"
    secret: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64,}$")]
    names: dict[str, str] = {}

    @classmethod
    def new(cls) -> "ShareKey":
        """Make a key from the random numbers of the operating system."""
        return cls(secret=secrets.token_hex(SECRET_BYTES))

    def pseudonyms(self) -> Pseudonyms:
        """Return the pseudonyms of this key."""
        return Pseudonyms(bytes.fromhex(self.secret), self.names)


def read_key(path: Path) -> ShareKey:
    """Read a key file.

    Raises
    ------
    KeyFileError
        It is not there, is no key, or others on this machine can read it.
    """
    wanted = "the key file of shared bundles"
    try:
        if os.name == "posix" and path.stat().st_mode & _OTHERS:
            raise KeyFileError(
                wanted="a key file that only its owner can read",
                found=f"one with the permissions {stat.filemode(path.stat().st_mode)[1:]}",
                where=str(path),
                remedy=f"Whoever has read it can undo your bundles. If nobody has: chmod 600 {path}",
            )
        return ShareKey.model_validate_json(path.read_bytes())
    except OSError as error:
        raise KeyFileError(
            wanted=wanted,
            found=(error.strerror or "nothing that can be read").lower(),
            where=str(path),
            remedy="`cairn share RUN_DIR` writes one, share-key.json beside the run folder if no other name is given.",
        ) from error
    except ValidationError as error:
        raise KeyFileError(
            wanted=wanted,
            found="a file of another kind",
            where=str(path),
            remedy="Give the share-key.json that was written when the bundle was made.",
        ) from error


def write_key(key: ShareKey, path: Path) -> None:
    """Write a key file that only its owner can read, whole or not at all; raises OutputError where that fails."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(key.model_dump_json() + "\n")
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise output_error(error, str(path)) from error
