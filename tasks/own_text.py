"""What Cairn and the file formats write themselves, whatever the study: words that give no name away."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import CodeType

from tasks.caching import ROOT

_ROOMS = ("configs", "models", "tasks")
_DEMO = "simulat"
"""Modules of simulated studies have names of genes, targets and labels, which are names like any other."""


@lru_cache(maxsize=1)
def own_text() -> str:
    """Return every text in the sources but docstrings, and the words of empty pictures and workbooks."""
    return "\n".join([*_source_texts(), _empty_picture(), *_empty_workbook()])


@lru_cache(maxsize=1)
def library_scripts() -> tuple[bytes, ...]:
    """Return the scripts that a page may have from an installed library, byte for byte."""
    if find_spec("bokeh") is None:
        return ()
    from bokeh.resources import Resources

    return tuple(script.encode("utf-8") for script in Resources(mode="inline").js_raw if script.strip())


def _source_texts() -> Iterator[str]:
    for room in _ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and _DEMO not in path.name and path.suffix not in {".pyc", ""}:
                yield from _literals(path) if path.suffix == ".py" else [path.read_text("utf-8", "replace")]


def _literals(path: Path) -> Iterator[str]:
    """Yield the texts of a module without docstrings, and the fields of its classes, which are shown as settings."""
    waiting = [compile(path.read_bytes(), str(path), "exec", dont_inherit=True, optimize=2)]
    while waiting:
        code = waiting.pop()
        yield from _texts(code.co_consts)
        waiting += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
        if "__qualname__" in code.co_names:
            yield from code.co_names


def _texts(constants: Iterable[object]) -> Iterator[str]:
    for constant in constants:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple | frozenset):
            yield from _texts(constant)


def _empty_picture() -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], label=" ")
    axes.legend()
    figure.colorbar(axes.imshow([[0, 1]]))
    axes.scatter([0, 1], [0, 1])
    axes.pcolormesh([[0, 1]])
    axes.bar([0], [1])
    content = io.BytesIO()
    FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    return content.getvalue().decode("utf-8")


def _empty_workbook() -> Iterator[str]:
    from openpyxl import Workbook

    content = io.BytesIO()
    Workbook().save(content)
    with zipfile.ZipFile(content) as packed:
        yield from (packed.read(name).decode("utf-8") for name in packed.namelist())
