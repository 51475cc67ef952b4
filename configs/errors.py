"""Every error that Cairn raises on purpose.

The root decides the exit status of the command line: 2 for what the user gave, 1 for our own failures.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class CairnError(Exception):
    """Root of all errors raised on purpose."""

    exit_status = 1


class UserError(CairnError):
    """Something that the user gave cannot be used.

    Parameters
    ----------
    wanted : str
        What was wanted, as a noun phrase.
    found : str
        What was found instead.
    where : str
        File, row, column or key of the study file.
    remedy : str
        What to do, as a full sentence.
    """

    exit_status = 2

    def __init__(self, *, wanted: str, found: str, where: str, remedy: str) -> None:
        self.wanted, self.found, self.where, self.remedy = wanted, found, where, remedy
        super().__init__(f"{where}: wanted {wanted}, found {found}. {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the four parts, so that the error survives a process boundary."""
        return (_rebuild, (type(self), self.wanted, self.found, self.where, self.remedy))


class StudyFileError(UserError):
    """The study file is missing, is no YAML, or asks for something that does not exist."""


class TableError(UserError):
    """A table cannot be read or holds values that cannot be used."""


class SampleError(UserError):
    """The samples of layers and sample sheet do not fit together."""


class UnknownIdError(UserError):
    """A target or bait names ids that no table holds."""


class OutputError(UserError):
    """The output cannot be written."""


class KeyFileError(UserError):
    """The key of shared bundles cannot be used."""


class LeakError(UserError):
    """A bundle for others would hold names that it must not hold."""


class CorruptObjectError(CairnError):
    """A stored object is absent, or its bytes do not match its name."""


class TrainingError(CairnError):
    """Training produced a non-finite loss."""


class FoldError(CairnError):
    """A fold could not be trained elsewhere; the message says which one, and why."""


class LostWorkError(CairnError, ConnectionError):
    """The process that did a piece of work is gone, and nothing is wrong with the work: trying again can help."""


def _rebuild(kind: type[UserError], wanted: str, found: str, where: str, remedy: str) -> UserError:
    return kind(wanted=wanted, found=found, where=where, remedy=remedy)


def first_of(names: Iterable[str], count: int = 5) -> str:
    """Join the first `count` names for a message, and say how many more there are."""
    listed = list(names)
    text = ", ".join(repr(name) for name in listed[:count])
    return text if len(listed) <= count else f"{text} and {len(listed) - count} more"


def counted(count: int, what: str) -> str:
    """Write a number with what it counts, as '1 gene' or '1,200 genes'."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def nearest(name: str, known: Sequence[str], count: int = 3) -> str:
    """Name the closest known spellings of `name`, or say that nothing is close."""
    lowered = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), list(lowered), n=count, cutoff=0.6)
    return ", ".join(repr(lowered[match]) for match in close) if close else "nothing similar"
