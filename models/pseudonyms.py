"""Pseudonyms: names in place of names, the same for the same secret, that nobody without it can trace or guess."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from configs.errors import CairnError
from configs.sharing import NameKind

SECRET_BYTES = 32
_CODE_BYTES, _CODE_LENGTH = 10, 12  # 12 characters of 5 bits
_PRINT = "fingerprint of a key of shared bundles"
PATTERN = re.compile(rf"(?:{'|'.join(get_args(NameKind))})-[a-z2-7]{{{_CODE_LENGTH}}}(?![A-Za-z0-9])")
"""What a pseudonym looks like."""


class Pseudonyms:
    """Pseudonyms of one secret, and which name each of them stands for.

    A pseudonym is the kind of the name, a hyphen and 60 bits of HMAC-SHA256 (RFC 2104) over kind and name, as in
    ``gene-k3v7q2xw5dab``. So it depends on nothing but secret, kind and name: runs of one lab fit together, two kinds
    do not give each other away, and who lacks the secret cannot try out names from a catalogue. Among a million genes
    two share a pseudonym with a chance of 4e-7, which is an error rather than a mix-up.

    Parameters
    ----------
    secret : bytes
        At least 32 bytes.
    known : mapping of str to str, optional
        Names by pseudonym that were given out before.
    """

    def __init__(self, secret: bytes, known: Mapping[str, str] | None = None) -> None:
        if len(secret) < SECRET_BYTES:
            message = f"a secret of {SECRET_BYTES} bytes is needed, found {len(secret)}"
            raise ValueError(message)
        self._secret = secret
        self._names: dict[str, str] = dict(known or {})
        self._given: dict[tuple[NameKind, str], str] = {}

    @property
    def fingerprint(self) -> str:
        """What tells one key from another, and nothing of the secret."""
        return hmac.digest(self._secret, _PRINT.encode(), hashlib.sha256).hex()[:16]

    @property
    def names(self) -> Mapping[str, str]:
        """Names by the pseudonyms that have been given out."""
        return self._names

    def originals(self) -> frozenset[str]:
        """Return the names for which a pseudonym was asked of this object."""
        return frozenset(name for _, name in self._given)

    def of(self, kind: NameKind, name: str) -> str:
        """Return the pseudonym of a name; raises CairnError where another name has the same."""
        found = self._given.get((kind, name))
        if found is not None:
            return found
        code = hmac.digest(self._secret, f"{kind}\0{name}".encode("utf-8", "surrogatepass"), hashlib.sha256)
        letters = base64.b32encode(code[:_CODE_BYTES]).decode("ascii").lower()[:_CODE_LENGTH]
        pseudonym = f"{kind}-{letters}"
        if self._names.setdefault(pseudonym, name) != name:
            message = f"two names of the kind {kind} have the same pseudonym; share with another key"
            raise CairnError(message)
        self._given[kind, name] = pseudonym
        return pseudonym

    def of_all(self, kind: NameKind, names: Iterable[str]) -> tuple[str, ...]:
        """Return the pseudonyms of names, sorted: the order of the names is not theirs to tell."""
        return tuple(sorted(self.of(kind, name) for name in names))


def pseudonyms_in(text: str) -> Iterator[str]:
    """Yield everything in `text` that looks like a pseudonym."""
    yield from (match.group() for match in PATTERN.finditer(text))
