"""Events that a progress display can follow: steps that start and end, and how far a step has come."""

import logging

logger = logging.getLogger("cairn.steps")


def announce(step: str, *, ended: str = "") -> None:
    """Log that a step started, or how it ended."""
    logger.debug("%s: %s", step, ended or "started", extra={"step": step, "ended": ended})


def tell_share(step: str, share: float) -> None:
    """Log which share of a step is done, 0 to 1."""
    logger.debug("%s: %.0f%%", step, 100 * share, extra={"step": step, "share": share})
