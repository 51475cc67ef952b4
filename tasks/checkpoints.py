"""Checkpoints of a training run: safetensors and JSON, from which a killed run goes on."""

import hashlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from tasks.places import output_error

logger = logging.getLogger("cairn.checkpoints")


class CheckpointFile:
    """The newest checkpoint of one training, `<key>.json` naming the tensor file and its hash.

    The JSON is renamed into place last, so a reader finds either the old checkpoint or the new one, whole.
    """

    def __init__(self, folder: str, key: str) -> None:
        self._folder = Path(folder)
        self._index = self._folder / f"{key}.json"
        self._key = key

    def save(self, tensors: bytes, metadata: dict[str, Any]) -> None:
        """Replace the checkpoint."""
        digest = hashlib.sha256(tensors).hexdigest()
        target = self._folder / f"{self._key}.{digest[:16]}.safetensors"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(target, tensors)
            index = {"tensors": target.name, "sha256": digest, "metadata": metadata}
            _write(self._index, json.dumps(index).encode())
        except OSError as error:
            raise output_error(error, str(self._folder)) from error
        self._remove_tensors(keep=target)

    def load(self) -> tuple[bytes, dict[str, Any]] | None:
        """Return the checkpoint, or None where there is none or where it is damaged (which is logged)."""
        try:
            index = json.loads(self._index.read_bytes())
            tensors = (self._folder / Path(index["tensors"]).name).read_bytes()
        except FileNotFoundError:
            return None
        except (json.JSONDecodeError, KeyError) as error:
            logger.warning("the checkpoint %s cannot be read (%s); training starts anew", self._index, error)
            return None
        if hashlib.sha256(tensors).hexdigest() != index["sha256"]:
            logger.warning("the checkpoint %s does not match its hash; training starts anew", self._index)
            return None
        metadata: dict[str, Any] = index["metadata"]
        return tensors, metadata

    def clear(self) -> None:
        """Remove the checkpoint once its training is done."""
        self._index.unlink(missing_ok=True)
        self._remove_tensors(keep=None)

    def _remove_tensors(self, keep: Path | None) -> None:
        for file in self._folder.glob(f"{self._key}.*.safetensors"):
            if file != keep:
                file.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
