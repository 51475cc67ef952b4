"""Where a deployed run may read and write: a person at the Prefect UI names paths on the worker."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from configs.errors import UserError

SETTING = "CAIRN_ALLOWED_ROOTS"
_LOCAL = {"file", "local"}
_BETWEEN = re.compile(rf"{re.escape(os.pathsep)}(?!//)")
"""What stands between two roots; the colon of a URL does not."""
_CLIMBING = {"", ".", ".."}


class ForbiddenPathError(UserError):
    """A deployed run names a place outside the allowed roots."""


def is_url(place: str) -> bool:
    """Say whether a place is elsewhere than in this machine's file system."""
    scheme, separator, _ = place.partition("://")
    return bool(separator) and scheme not in _LOCAL


def absolute(place: str) -> str:
    """Return a URL as it is, and anything else as an absolute path.

    A file:// URL becomes a path, so that what is checked is what is opened, whoever opens it.
    """
    if is_url(place):
        return place
    return str(Path.cwd() / (place.partition("://")[2] if "://" in place else place))


def place_at(base: str, path: str) -> str:
    """Return the URL or absolute path that `path` is as seen from `base`, a folder or a URL prefix."""
    if "://" in path or Path(path).is_absolute():
        return absolute(path)
    return f"{base.rstrip('/')}/{path}" if is_url(base) else str(Path(absolute(base)) / path)


def allowed_roots(environment: Mapping[str, str], own: str) -> tuple[str, ...]:
    """Return the roots that the environment allows; without the setting, nothing but `own`, the study's folder."""
    given = tuple(root.strip() for root in _BETWEEN.split(environment.get(SETTING, "")) if root.strip())
    return given or (own,)


def check_allowed(places: Iterable[tuple[str, str]], roots: tuple[str, ...]) -> None:
    """Raise ForbiddenPathError for the first place that lies in none of `roots`, links followed.

    Parameters
    ----------
    places : iterable of tuple of str
        What a place is for, and its URL or absolute path.
    roots : tuple of str
        Folders and URL prefixes.
    """
    for what, place in places:
        if not any(_within(place, root) for root in roots):
            raise ForbiddenPathError(
                wanted=f"a place in {' or '.join(map(repr, roots))}",
                found=repr(place) if is_url(place) else _with_link(Path(place)),
                where=what,
                remedy=f"Move it there, or let whoever runs the worker add its folder to {SETTING}.",
            )


def _within(place: str, root: str) -> bool:
    if is_url(place) != is_url(root) or "::" in place:  # fsspec chains file systems by `::`
        return False
    if not is_url(place):
        return Path(place).resolve().is_relative_to(Path(absolute(root)).resolve())
    inner, outer = _parts(place), _parts(root)
    return not _CLIMBING & set(inner) and inner[: len(outer)] == outer


def _parts(url: str) -> list[str]:
    """Return protocol, bucket or host, and each part of the path."""
    protocol, _, rest = url.partition("://")
    return [protocol, *re.split(r"[/?#]", rest.rstrip("/"))]


def _with_link(path: Path) -> str:
    resolved = path.resolve()
    return repr(str(path)) if resolved == path else f"'{path}', which is '{resolved}'"
