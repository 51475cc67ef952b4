"""AnnData (.h5ad) and MuData (.h5mu) files, where the package that reads them is installed."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from configs.errors import TableError, first_of, nearest
from models.raw_table import Form, RawTable

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLACES = (0, 512, 1024, 2048)
"""Where the signature may stand; MuData writes a line of its own above."""
_MAIN = "X"
_KINDS = frozenset({"array", "csr_matrix", "csc_matrix"})
_MOST_CELLS = 1_000_000_000


def is_hdf5(content: bytes) -> bool:
    """Say whether a file is HDF5, as .h5ad and .h5mu files are."""
    return any(content.startswith(_SIGNATURE, place) for place in _PLACES)


def read_annotated_data(content: bytes, file: str, *, value: str | None, modality: str | None) -> RawTable:
    """Read the values of an .h5ad or .h5mu file.

    Parameters
    ----------
    content : bytes
        Bytes of the file.
    file : str
        File name for messages.
    value : str or None
        Layer of the file, or 'X' for its main values; the main values for None.
    modality : str or None
        Modality of an .h5mu file; may be left out where it has one alone.

    Returns
    -------
    RawTable
        Features down and samples across, as the rest of the readers have it.

    Raises
    ------
    TableError
        Where the package is not installed, or the file is damaged, of another kind, or has no such values.
    """
    try:
        import h5py  # noqa: PLC0415 - an optional extra
        from anndata._io.specs.registry import IORegistryError  # noqa: PLC0415 - raised by read_elem, not public
        from anndata.io import read_elem  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise TableError(
            wanted="the package anndata, which reads .h5ad and .h5mu files",
            found="none that can be used",
            where=file,
            remedy="Install it with `pip install 'cairn-omics[h5ad]'`, or give the values as CSV or Parquet.",
        ) from error
    try:
        with h5py.File(io.BytesIO(content), "r") as stored:
            group, part = _modality(stored, file, modality)
            place = _place(group, file, value)
            samples, features = (_names(group[axis], read_elem) for axis in ("obs", "var"))
            _check_size(len(samples), len(features), file)
            cells = read_elem(_values(group[place], file))
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, IORegistryError) as error:
        raise TableError(
            wanted="a whole .h5ad or .h5mu file",
            found=f"a damaged one ({error})",
            where=file,
            remedy="Write or copy the file again.",
        ) from error
    dense = np.asarray(cells.toarray() if hasattr(cells, "toarray") else cells, dtype=np.float64)
    columns = (pa.array(features, pa.large_string()), *(pa.array(row) for row in np.ascontiguousarray(dense)))
    note = f"{file}: {place} of {part} was read, {len(samples)} samples of {len(features)} features."
    rows = np.arange(len(features), dtype=np.int64) + 1
    return RawTable(file, ("", *samples), columns, rows, (note,), Form(samples_in_rows=True))


def _modality(stored: Any, file: str, modality: str | None) -> tuple[Any, str]:  # noqa: ANN401 - an HDF5 group
    if "mod" not in stored:
        if {"obs", "var"} <= set(stored):
            return stored, "the file"
        raise TableError(
            wanted="an .h5ad or .h5mu file",
            found=f"an HDF5 file with {first_of(stored)}",
            where=file,
            remedy="Write it with AnnData, or give the values as CSV or Parquet.",
        )
    names = list(stored["mod"])
    chosen = modality or (names[0] if len(names) == 1 else None)
    if chosen not in names:
        raise TableError(
            wanted="the name of a modality in sheet" if modality is None else f"the modality {modality!r}",
            found=f"the modalities {first_of(names)}",
            where=file,
            remedy="Name one of them as sheet.",
        )
    return stored["mod"][chosen], f"the modality {chosen!r}"


def _place(group: Any, file: str, value: str | None) -> str:  # noqa: ANN401 - an HDF5 group
    layers = list(group["layers"]) if "layers" in group else []
    if value in (None, _MAIN) and _MAIN in group:
        return _MAIN
    if value in layers:
        return f"layers/{value}"
    raise TableError(
        wanted=f"the values {value or _MAIN!r}",
        found=f"the layers {first_of(layers)}" if layers else "no layers",
        where=file,
        remedy=f"Name another layer as value; the nearest is {nearest(value or _MAIN, layers)}.",
    )


def _names(axis: Any, read_elem: Callable[[Any], Any]) -> list[str]:  # noqa: ANN401 - an HDF5 group
    """Return the ids of an axis without its other columns, which may be of any kind."""
    if hasattr(axis, "keys"):
        return [str(name) for name in read_elem(axis[axis.attrs.get("_index", "_index")])]
    return [str(name) for name in read_elem(axis).index]


def _values(stored: Any, file: str) -> Any:  # noqa: ANN401 - an HDF5 group
    kind = str(stored.attrs.get("encoding-type", "array"))
    if kind in _KINDS:
        return stored
    remedy = "Write it as a dense or sparse matrix."
    raise TableError(wanted="a matrix of numbers", found=f"values of the kind {kind!r}", where=file, remedy=remedy)


def _check_size(samples: int, features: int, file: str) -> None:
    if samples * features > _MOST_CELLS:
        raise TableError(
            wanted="a table of samples",
            found=f"{samples:,} of {features:,} features, as of single cells",
            where=file,
            remedy="Sum up the cells of each sample first.",
        )
