"""The artifact store: immutable files named by the SHA-256 of their content."""

import hashlib
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from configs.artifact import Artifact, Extension
from configs.errors import CorruptObjectError
from configs.tables import CONTRACTS
from models.layer import Layer
from models.parquet import decode_frame, encode_frame, iterate_frames, write_frames
from tasks.remote import faults_of, is_object_store, no_bucket, open_place, place_error, protocols


class Store:
    """Objects under `url`, laid out as `objects/<2 hex>/<sha256>.<ext>`.

    A write goes to a temporary name and is renamed when whole, or on S3 is atomic by itself; a read checks length and
    hash. A fault that may pass is an OSError, whatever the store is made of; one that cannot is an OutputError.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._filesystem, self._root = open_place(url)
        self._local = "file" in protocols(self._filesystem)
        self._faults = faults_of(self._filesystem)

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
            with self._speaking():
                return bool(self._filesystem.size(path) == artifact.n_bytes)
        except FileNotFoundError:
            return False

    def get(self, artifact: Artifact) -> bytes:
        """Return the bytes of an object; raises CorruptObjectError when absent or when length or hash differ."""
        path = self._path(artifact)
        try:
            with self._speaking():
                content: bytes = self._filesystem.cat_file(path)
        except FileNotFoundError as error:
            message = (
                f"the object {artifact.uri} ({artifact.kind}) is not in the store {self.url}; run again to make it"
            )
            raise CorruptObjectError(message) from error
        if len(content) != artifact.n_bytes or hashlib.sha256(content).hexdigest() != artifact.sha256:
            with self._speaking():
                self._filesystem.rm_file(path)
            message = (
                f"the object {artifact.uri} ({artifact.kind}) in the store {self.url} does not match its name; "
                "it was removed, run again to make it anew"
            )
            raise CorruptObjectError(message)
        return content

    def put_table(self, frame: pd.DataFrame, kind: str, *, held_back: bool = False) -> Artifact:
        """Keep a table of the contract `kind`; with `held_back`, values may be absent anywhere."""
        return self.put(
            encode_frame(frame, kind, held_back=held_back),
            kind=kind,
            extension="parquet",
            rows=len(frame),
            schema_version=CONTRACTS[kind].schema_version,
        )

    def put_tables(self, frames: Iterable[pd.DataFrame], kind: str) -> Artifact:
        """Keep a table of the contract `kind` that comes in pieces, at least one, without holding all of it."""
        home = f"{self._root.rstrip('/')}/objects" if self._local else None
        with self._writing():
            if home:
                self._filesystem.makedirs(home, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=home) as folder:
                return self._put_file(Path(folder) / "table.parquet", frames, kind)

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
            self._make_folder(path)
            if self._local:
                file.replace(path)
            else:
                self._filesystem.put_file(str(file), path)
        return artifact

    def _path(self, artifact: Artifact) -> str:
        return f"{self._root.rstrip('/')}/{artifact.uri}"

    def _write(self, path: str, content: bytes) -> None:
        """Write through a temporary name where the file system renames, at once where a put is atomic."""
        temporary = f"{path}.{uuid.uuid4().hex}.part" if self._local else path
        with self._writing():
            self._make_folder(path)
            try:
                self._filesystem.pipe_file(temporary, content)
                if self._local:
                    self._filesystem.mv(temporary, path)
            finally:
                self._discard(temporary)

    def _make_folder(self, path: str) -> None:
        if not is_object_store(self._filesystem):
            self._filesystem.makedirs(path.rsplit("/", 1)[0], exist_ok=True)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn errors of the file system into ours, except that an object is not there."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            raise FileNotFoundError(*error.args) from error
        except self._faults as error:
            told = place_error(error, self.url)
            if told is error:
                raise
            raise told from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn errors of a write into ours."""
        try:
            yield
        except self._faults as error:
            absent = isinstance(error, FileNotFoundError) and is_object_store(self._filesystem)
            told = no_bucket(self.url) if absent else place_error(error, self.url)
            if told is error:
                raise
            raise told from error

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
