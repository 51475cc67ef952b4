"""The stages of a run, and which of them each one needs."""

from collections.abc import Collection
from typing import Literal

Stage = Literal["prepare", "train", "analyse", "explain", "rank", "report"]

STAGES: tuple[Stage, ...] = ("prepare", "train", "analyse", "explain", "rank", "report")

_NEEDS: dict[Stage, tuple[Stage, ...]] = {
    "prepare": (),
    "train": ("prepare",),
    "analyse": ("train",),
    "explain": ("train",),
    "rank": ("explain",),
    "report": ("analyse", "rank"),
}


def with_dependencies(stages: Collection[Stage]) -> tuple[Stage, ...]:
    """Return `stages` and all that they need, in the order of the run."""
    wanted: set[Stage] = set()
    waiting = list(stages)
    while waiting:
        stage = waiting.pop()
        wanted.add(stage)
        waiting += [needed for needed in _NEEDS[stage] if needed not in wanted]
    return tuple(stage for stage in STAGES if stage in wanted)
