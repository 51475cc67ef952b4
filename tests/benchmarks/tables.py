"""Tables of results as Markdown."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import psutil
import torch

LIBRARIES = ("numpy", "scipy", "torch", "pandas", "pyarrow", "prefect")


@dataclass(frozen=True, slots=True)
class Table:
    """One table: a heading, a sentence on what was measured, the cells, and what follows from them."""

    title: str
    about: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    findings: tuple[str, ...] = ()


def machine() -> tuple[str, ...]:
    """Say on what the figures were measured."""
    names = [line for line in _cpu_lines() if line]
    memory = psutil.virtual_memory().total / 2**30
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    processor = names[0] if names else platform.machine()
    return (
        f"Processor: {processor}, {psutil.cpu_count()} cores, {memory:.0f} GiB; GPU: {gpu}.",
        f"Python {platform.python_version()}, {versions}.",
    )


def _cpu_lines() -> list[str]:
    with open("/proc/cpuinfo", encoding="utf-8") as stream:  # noqa: PTH123 - no file of ours
        return [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]


def rendered(table: Table) -> str:
    """Return the table as Markdown."""
    lines = [f"## {table.title}", "", table.about, ""]
    lines += ["| " + " | ".join(table.header) + " |", "|" + "---|" * len(table.header)]
    lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    lines += ["", *(f"- {finding}" for finding in table.findings)]
    return "\n".join(lines).rstrip() + "\n"


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of log(value) over log(size), by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])
