"""Result records as Prefect keeps them: read only where they are plain JSON of our own records.

Prefect decodes a record by the serializer that the record itself names, pickle included, and imports the classes that
it names. Whoever can write the folder of the result records could run code in every reader; so a record is looked at as
text first.
"""

import json
from collections.abc import Iterator
from typing import Any, cast

from prefect.results import ResultStore
from prefect.serializers import JSONSerializer
from prefect.utilities.importtools import from_qualified_name
from pydantic import BaseModel, ValidationError

_ROOMS = {"tasks", "configs"}


class UnusableRecordError(ValueError):
    """A result record is not plain JSON, or names a class that is none of our records."""


def stored_record(results: ResultStore, key: str) -> bytes | None:
    """Return a result record as it is stored, or None where there is none."""
    try:
        # As Prefect itself reads it; `_sync` matters where an event loop runs.
        return cast("bytes", cast("Any", results.result_storage).read_path(key, _sync=True))
    except (FileNotFoundError, ValueError):  # Prefect's local folder says ValueError for what is not there
        return None


def decode_record(content: bytes) -> Any:  # noqa: ANN401 - any stage's result
    """Return the result in a record; raises UnusableRecordError for anything but JSON of our own records."""
    try:
        record = json.loads(content)
        if record["metadata"]["serializer"] != JSONSerializer().model_dump():
            message = f"its serializer is {record['metadata']['serializer']!r}"
            raise UnusableRecordError(message)
        for name in _classes(json.loads(record["result"])):
            _require_own(name)
        return JSONSerializer().loads(record["result"].encode())
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, ValidationError) as error:
        message = f"it is no result record ({error})"
        raise UnusableRecordError(message) from error


def _classes(value: object) -> Iterator[str]:
    """Yield the class names that Prefect's decoder would import."""
    if isinstance(value, dict):
        yield from (str(value[mark]) for mark in ("__class__", "__exc_type__") if mark in value)
        for item in value.values():
            yield from _classes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _classes(item)


def _require_own(name: str) -> None:
    """Raise UnusableRecordError unless `name` is a record class of `tasks` or `configs`."""
    parts = name.split(".")
    own = parts[0] in _ROOMS and all(part.isidentifier() for part in parts)
    try:
        kind = from_qualified_name(name) if own else None
    except (ImportError, AttributeError):
        kind = None
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        message = f"it names {name!r}, which is none of Cairn's records"
        raise UnusableRecordError(message)
