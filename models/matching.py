"""Finding named features and members of families, and saying what is near where there is none."""

from bisect import bisect_left
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from configs.errors import UnknownIdError, UserError, first_of, nearest

NAMED = 5
"""Unknown ids that a message names."""
NEIGHBOURS = 100
"""Known ids on either side that are compared with an unknown one."""


def resolve_ids(wanted: Sequence[str], known: Sequence[str], *, what: str, where: str) -> npt.NDArray[np.int64]:
    """Find the row of each wanted id.

    Parameters
    ----------
    wanted : sequence of str
        Ids to find; repeated ones count once.
    known : sequence of str
        Ids of the table, in row order.
    what : str
        What the ids are, in the plural: `metabolites` or `baits`.
    where : str
        Key of the study file, or the file, that names them.

    Returns
    -------
    ndarray, dtype=int64
        Rows in the order of `wanted`, without repeats.

    Raises
    ------
    UnknownIdError
        If an id is not known. The message says how many are not, and names the first five and the known ids that
        are spelt most like them.
    """
    unique = list(dict.fromkeys(wanted))
    row = {name: index for index, name in enumerate(known)}
    unknown = [name for name in unique if name not in row]
    if unknown:
        raise UnknownIdError(
            wanted=f"{what} that the table holds",
            found=f"{len(unknown)} of {len(unique)} {what} that it does not hold: {_described(unknown, known)}",
            where=where,
            remedy="Correct the spelling, which is compared letter by letter, or leave these ids out; "
            f"{_remaining(len(unique) - len(unknown), what)}.",
        )
    return np.array([row[name] for name in unique], dtype=np.int64)


def _remaining(count: int, what: str) -> str:
    """Say how many ids are left without the unknown ones."""
    return f"no {what} would remain" if not count else f"{count} of the {what} would remain"


def _described(unknown: Sequence[str], known: Sequence[str]) -> str:
    """Name the first unknown ids, each with the known ids spelt most like it."""
    shelves = [_sorted_by(known, backwards=backwards) for backwards in (False, True)]
    parts = [f"{name!r} (nearest: {nearest(name, _look_alikes(name, shelves))})" for name in unknown[:NAMED]]
    more = f" and {len(unknown) - NAMED} more" if len(unknown) > NAMED else ""
    return ", ".join(parts) + more


def _look_alikes(name: str, shelves: Sequence[list[tuple[str, str]]]) -> list[str]:
    """Preselect known ids that begin or end like `name`, since comparing it with every id would take seconds."""
    found: dict[str, None] = {}
    for backwards, shelf in enumerate(shelves):
        key = name.lower()[::-1] if backwards else name.lower()
        place = bisect_left(shelf, (key, ""))
        found |= dict.fromkeys(original for _, original in shelf[max(0, place - NEIGHBOURS) : place + NEIGHBOURS])
    return list(found)


def _sorted_by(known: Sequence[str], *, backwards: bool) -> list[tuple[str, str]]:
    return sorted((name.lower()[::-1] if backwards else name.lower(), name) for name in known)


def no_member(members: Sequence[str], present: Collection[str], *, family: str, place: str, kind: str) -> UserError:
    """Return the error for a family of which a place holds no member.

    Parameters
    ----------
    members : sequence of str
        Members that the study file names, at least one.
    present : collection of str
        What the place holds.
    family : str
        Name of the family.
    place : str
        Where they were looked for, such as "the search tables".
    kind : str
        What to take ids from, such as "tables".
    """
    there = list(present)
    return UserError(
        wanted=f"one of the members {first_of(members)}",
        found=f"none of them in {place}, which hold {first_of(there)}",
        where=f"families.{family}.members",
        remedy=f"Nearest to {members[0]!r}: {nearest(members[0], there)}. Take ids from the {kind}.",
    )
