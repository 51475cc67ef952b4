"""Independent seeds from one."""

import hashlib


def derived_seed(seed: int, *purpose: str) -> int:
    """Return a seed in [0, 2**32) that depends on `seed` and `purpose` alone, so that order of work never matters."""
    digest = hashlib.sha256("/".join((str(seed), *purpose)).encode()).digest()
    return int.from_bytes(digest[:4], "big")
