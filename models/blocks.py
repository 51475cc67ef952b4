"""Long axes in pieces, so that the memory of what is worked on stays bounded."""

from collections.abc import Iterator


def blocks(size: int, step: int) -> Iterator[slice]:
    """Yield slices of `step` places, the last one up to `step` long, that cover `size` places in order."""
    return (slice(start, start + step) for start in range(0, size, step))
