"""Cache keys by content: what a stage computes from, never where its inputs lie."""

import ast
import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from pydantic import BaseModel

from configs.artifact import Artifact, Runtime, SourceFile
from tasks.result_files import UnusableRecordError, decode_record, stored_record
from tasks.store import Store
from tasks.transient import is_transient

logger = logging.getLogger("cairn.caching")

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    "captum",
    "numpy",
    "pandas",
    "pyarrow",
    "pyhmmer",
    "scipy",
    "scikit-learn",
    "torch",
    "torch-geometric",
    "umap-learn",
)
_ATTEMPTS = 1000


class UncacheableInputError(TypeError):
    """An input has no content that a key could be made from."""


@dataclass
class ContentKey(CachePolicy):
    """Key = stage + version + sources + library versions + inputs by content.

    An `Artifact` counts by its SHA-256, a `SourceFile` by its content, a config by its fields; a `Runtime` does not
    count; anything else but plain JSON values is refused. A record whose objects are gone from the store, or that is
    no JSON of our own, is passed over: the next free key is returned, and the stage runs again.

    `sources` is computed when the stage is defined: parsing Python in several threads at once fails in CPython 3.11
    (SystemError: AST constructor recursion depth mismatch), and Prefect would go on without a cache.
    """

    stage: str = ""
    version: int = 1
    sources: str = ""
    libraries: tuple[str, ...] = field(default=LIBRARIES)

    def compute_key(
        self, task_ctx: TaskRunContext, inputs: dict[str, Any], flow_parameters: dict[str, Any], **_: object
    ) -> str:
        """Return the key of this call."""
        del flow_parameters
        base = f"{self.stage}-{self.digest(inputs)}"
        runtime = next((value for value in inputs.values() if isinstance(value, Runtime)), None)
        if runtime is None:
            return base
        store = Store(runtime.store)
        candidates = (base if attempt == 0 else f"{base}-{attempt}" for attempt in range(_ATTEMPTS))
        return next(key for key in candidates if _is_free_or_whole(task_ctx, key, store))

    def digest(self, inputs: Mapping[str, Any]) -> str:
        """Return the SHA-256 of everything that the stage's outcome depends on."""
        content = {
            "stage": self.stage,
            "version": self.version,
            "sources": self.sources,
            "libraries": {name: version(name) for name in self.libraries},
            "inputs": {name: canonical(value) for name, value in inputs.items() if not isinstance(value, Runtime)},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _is_free_or_whole(task_ctx: TaskRunContext, key: str, store: Store) -> bool:
    content = stored_record(task_ctx.result_store, key)
    if content is None:
        return True
    try:
        artifacts = list(artifacts_in(decode_record(content)))
    except UnusableRecordError as error:
        logger.warning("the result record %s is passed over and its stage runs again: %s", key, error)
        return False
    try:
        return all(store.has(artifact) for artifact in artifacts)
    except Exception as error:
        if not is_transient(error):
            raise
        # A store that cannot be reached says nothing about its objects; whoever needs one tries again.
        logger.warning("the store %s cannot be asked for the result of %s: %s", store.url, key, error)
        return True


def artifacts_in(value: object) -> Iterator[Artifact]:
    """Yield every artifact reference inside a record, mapping or sequence."""
    if isinstance(value, Artifact):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from artifacts_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from artifacts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from artifacts_in(item)


def canonical(value: object) -> object:
    """Return plain JSON that stands for the content of `value`; raises UncacheableInputError where there is none."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Artifact):
        return {"artifact": value.sha256, "kind": value.kind}
    if isinstance(value, SourceFile):
        return {"file": file_hash(value.path)}
    if isinstance(value, BaseModel):
        return {name: canonical(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    message = f"no cache key can be made from a {type(value).__name__}; pass an Artifact, a config or a plain value"
    raise UncacheableInputError(message)


def file_hash(path: str) -> str:
    """Return the SHA-256 of a file's content."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache
def source_hash(module: str) -> str:
    """Return the SHA-256 of a module, of the `tasks` and `models` modules that it reaches, and data files beside them.

    Imports inside functions count like any other. `configs` does not: what a stage reads of it is among its inputs.
    """
    digest = hashlib.sha256()
    for path in sorted(_reached(module)):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _reached(module: str) -> set[Path]:
    files: set[Path] = set()
    waiting = [module]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        path = _file_of(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        files.add(path)
        files.update(other for other in _data_files(path.parent) if other.name.startswith(path.stem))
        waiting += _imports(path)
    return files


@lru_cache
def _data_files(folder: Path) -> tuple[Path, ...]:
    return tuple(path for path in folder.iterdir() if path.suffix not in {".py", ""})


def _file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@lru_cache
def _imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in found if name.split(".")[0] in {"models", "tasks"})
