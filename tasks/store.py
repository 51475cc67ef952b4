"""The artifact store: immutable files named by the SHA-256 of their content."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import fsspec
import pandas as pd

from configs.artifact import Artifact, Extension
from configs.errors import CorruptObjectError
from configs.tables import CONTRACTS
from models.layer import Layer
from models.parquet import decode_frame, encode_frame, iterate_frames, write_frames
from tasks.places import output_error


class Store:
    """Objects under `url`, laid out as `objects/<2 hex>/<sha256>.<ext>`.

    A write goes to a temporary name and is renamed when whole; a read checks length and hash.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._filesystem, self._root = fsspec.core.url_to_fs(url)
        self._local = "file" in self._protocols()

    def put(
        self, content: bytes, *, kind: str, extension: Extension, rows: int | None = None, schema_version: int = 1
    ) -> Artifact:
        """Keep `content` and return its reference; an object that is whole already is not written again."""
        digest = hashlib.sha256(content).hexdigest()
        artifact = _named(digest, extension, len(content), kind=kind, rows=rows, schema_version=schema_version)
        if not self.has(artifact):
            self._write(self._path(artifact), content)
        return artifact

    def has(self, artifact: Artifact) -> bool:
        """Say whether the object is there with its full length."""
        path = self._path(artifact)
        try:
            return bool(self._filesystem.size(path) == artifact.n_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def get(self, artifact: Artifact) -> bytes:
        """Return the bytes of an object; raises CorruptObjectError when absent or when length or hash differ."""
        path = self._path(artifact)
        try:
            content: bytes = self._filesystem.cat_file(path)
        except FileNotFoundError as error:
            message = (
                f"the object {artifact.uri} ({artifact.kind}) is not in the store {self.url}; run again to make it"
            )
            raise CorruptObjectError(message) from error
        if len(content) != artifact.n_bytes or hashlib.sha256(content).hexdigest() != artifact.sha256:
            self._filesystem.rm_file(path)
            message = (
                f"the object {artifact.uri} ({artifact.kind}) in the store {self.url} does not match its name; "
                "it was removed, run again to make it anew"
            )
            raise CorruptObjectError(message)
        return content

    def put_table(self, frame: pd.DataFrame, kind: str) -> Artifact:
        """Keep a table of the contract `kind`."""
        return self.put(
            encode_frame(frame, kind),
            kind=kind,
            extension="parquet",
            rows=len(frame),
            schema_version=CONTRACTS[kind].schema_version,
        )

    def put_tables(self, frames: Iterable[pd.DataFrame], kind: str) -> Artifact:
        """Keep a table of the contract `kind` that comes in pieces, at least one, without holding all of it."""
        home = f"{self._root.rstrip('/')}/objects" if self._local else None
        try:
            if home:
                self._filesystem.makedirs(home, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=home) as folder:
                return self._put_file(Path(folder) / "table.parquet", frames, kind)
        except OSError as error:
            raise output_error(error, self.url) from error

    def get_table(self, artifact: Artifact) -> pd.DataFrame:
        """Return a table."""
        return decode_frame(self.get(artifact), artifact.kind)

    def iterate_table(self, artifact: Artifact, rows: int) -> Iterator[pd.DataFrame]:
        """Yield a table in pieces of at most `rows` rows."""
        yield from iterate_frames(self.get(artifact), artifact.kind, rows)

    def put_layer(self, layer: Layer) -> Artifact:
        """Keep a layer."""
        return self.put_table(layer.to_frame(), "layer")

    def get_layer(self, artifact: Artifact, name: str) -> Layer:
        """Return a layer under the name `name`."""
        return Layer.from_frame(name, self.get_table(artifact))

    def _put_file(self, file: Path, frames: Iterable[pd.DataFrame], kind: str) -> Artifact:
        """Write frames to a file and move it to the place that its hash gives it."""
        with file.open("wb") as sink:
            rows = write_frames(frames, kind, sink)
        with file.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        version = CONTRACTS[kind].schema_version
        artifact = _named(digest, "parquet", file.stat().st_size, kind=kind, rows=rows, schema_version=version)
        if not self.has(artifact):
            path = self._path(artifact)
            self._filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            if self._local:
                file.replace(path)
            else:
                self._filesystem.put_file(str(file), path)
        return artifact

    def _protocols(self) -> tuple[str, ...]:
        protocol = self._filesystem.protocol
        return (protocol,) if isinstance(protocol, str) else tuple(protocol)

    def _path(self, artifact: Artifact) -> str:
        return f"{self._root.rstrip('/')}/{artifact.uri}"

    def _write(self, path: str, content: bytes) -> None:
        """Write through a temporary name where the file system renames, at once where a put is atomic."""
        temporary = f"{path}.{uuid.uuid4().hex}.part" if self._local else path
        try:
            self._filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            self._filesystem.pipe_file(temporary, content)
            if self._local:
                self._filesystem.mv(temporary, path)
        except OSError as error:
            self._discard(temporary)
            raise output_error(error, self.url) from error

    def _discard(self, temporary: str) -> None:
        if self._local and self._filesystem.exists(temporary):
            self._filesystem.rm_file(temporary)


def _named(
    digest: str, extension: Extension, n_bytes: int, *, kind: str, rows: int | None, schema_version: int
) -> Artifact:
    """Return the reference of an object, placed by its hash."""
    return Artifact(
        uri=f"objects/{digest[:2]}/{digest}.{extension}",
        sha256=digest,
        kind=kind,
        n_bytes=n_bytes,
        rows=rows,
        schema_version=schema_version,
    )
