"""From the text of a study file to a `StudyConfig`, with errors that a person can act on."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from configs.errors import StudyFileError, nearest
from configs.simulation import SimulationConfig
from configs.study import StudyConfig

ConfigT = TypeVar("ConfigT", bound=BaseModel)

SET = "--set"
REMEDY = "Correct it; README shows a complete study file."


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error and not a silent overwrite."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            context = "while reading a mapping"
            raise yaml.constructor.ConstructorError(
                context, node.start_mark, f"the key {key!r} stands there twice", key_node.start_mark
            )
        seen.add(key)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)


def load_study(text: str, *, file: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Read a study file.

    Parameters
    ----------
    text : str
        YAML content.
    file : str
        Name for messages.
    overrides : sequence of str
        `key.sub=value` settings that replace what the file says; the value is read as YAML.

    Raises
    ------
    StudyFileError
        No YAML mapping, a misspelt key (with the nearest right one), or a value out of bounds.
    """
    return _validated(StudyConfig, _parse(text, file), overrides, file)


def study_from(document: Mapping[str, Any], *, file: str, overrides: Sequence[str] = ()) -> StudyConfig:
    """Return the study that plain settings describe; raises StudyFileError as above."""
    return _validated(StudyConfig, document, overrides, file)


def load_simulation(overrides: Sequence[str]) -> SimulationConfig:
    """Return the settings of a simulation, `key=value` replacing defaults; raises StudyFileError as above."""
    return _validated(SimulationConfig, {}, overrides, SET)


def _validated(model: type[ConfigT], document: Mapping[str, Any], overrides: Sequence[str], file: str) -> ConfigT:
    for override in overrides:
        document = _with_override(document, override)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = [_problem(model, details["loc"], details["type"], details["msg"]) for details in error.errors()]
        found = "; ".join(problems)
        where = file if not overrides or file == SET else f"{file} with {SET} {' '.join(overrides)}"
        raise StudyFileError(wanted="valid settings", found=found, where=where, remedy=REMEDY) from error


def _parse(text: str, file: str) -> dict[str, Any]:
    try:
        document = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        found = " ".join(str(error).split())
        raise StudyFileError(wanted="YAML", found=found, where=file, remedy=REMEDY) from error
    if not isinstance(document, dict):
        found = "an empty file" if document is None else "a list" if isinstance(document, list) else "plain text"
        raise StudyFileError(wanted="settings, study and layers among them", found=found, where=file, remedy=REMEDY)
    return document


def _with_override(document: Mapping[str, Any], override: str) -> dict[str, Any]:
    key, separator, value = override.partition("=")
    if not separator or not key:
        raise StudyFileError(
            wanted="key=value, for example ranking.weights.correlation=0.6",
            found=repr(override),
            where="--set",
            remedy="Write the key with dots, an equals sign and the value.",
        )
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise StudyFileError(
            wanted="a YAML value", found=repr(value), where=f"--set {key}", remedy="Quote the value."
        ) from error
    return _replaced(document, key.split("."), parsed, key)


def _replaced(document: Mapping[str, Any], path: Sequence[str], value: object, key: str) -> dict[str, Any]:
    head, rest = path[0], path[1:]
    if not rest:
        return {**document, head: value}
    below = document.get(head)
    if below is not None and not isinstance(below, Mapping):
        raise StudyFileError(
            wanted="a section", found=f"the value {below!r}", where=f"--set {key}", remedy=f"{head!r} has no keys."
        )
    return {**document, head: _replaced(below or {}, rest, value, key)}


def _problem(model: type[BaseModel], location: tuple[int | str, ...], kind: str, message: str) -> str:
    location = tuple(part for part in location if not str(part).startswith("<"))  # the kind of one that may be two
    place = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        name = str(location[-1])
        return f"the key {place!r} does not exist (nearest: {nearest(name, _keys_at(model, location[:-1]))})"
    if kind == "string_type":
        message = f"{message.lower()} (put ids that look like numbers or yes/no in quotes)"
    text = message.removeprefix("Value error, ")
    return f"{place}: {text}" if place else text


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """Return the keys of the section at `location`."""
    section = model
    parts = iter(location)
    for part in parts:
        fields = section.model_fields
        annotation: object = fields[str(part)].annotation if str(part) in fields else None
        inner = _section_in(annotation)
        if inner is None:
            return []
        if annotation is not inner:  # a mapping of sections: the next part is the user's own name
            next(parts, None)
        section = inner
    return list(section.model_fields)


def _section_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for argument in get_args(annotation) if (found := _section_in(argument))), None)
