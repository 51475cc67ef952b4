"""The ordinary dense weights of a span autoencoder, written block by block: the whole may be larger than the memory."""

import json
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from models.arrays import Float32Array
from models.span_engine import SpanAutoencoder

_ROWS = 256
"""Rows of a weight matrix that are held at once."""


def materialise(fitted: SpanAutoencoder, sink: BinaryIO) -> int:
    """Write the weights of the wide network as a safetensors file, as `torch` modules hold them.

    The first layer's weights are A Q^T / unit, the last layer's unit Q B, its bias unit Q d; all others stay.
    The file is what `DenseAutoencoder` writes, and `decode_weights` reads it.

    Parameters
    ----------
    fitted : SpanAutoencoder
        A trained network.
    sink : binary file
        Where to write.

    Returns
    -------
    int
        Bytes written.
    """
    shapes = _shapes(fitted)
    header: dict[str, object] = {"__metadata__": {"engine": "dense"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * int(np.prod(shape))
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    # A safetensors file: the length of a JSON header as little-endian uint64, the header, the tensors end to end.
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    sink.write(len(text).to_bytes(8, "little") + text)
    for name in shapes:
        for block in _blocks(fitted, name):
            sink.write(np.ascontiguousarray(block, dtype="<f4").data)
    return 8 + len(text) + end


def _shapes(fitted: SpanAutoencoder) -> dict[str, list[int]]:
    n_features, last = len(fitted.basis.vectors), _last(fitted)
    shapes = {name: list(value.shape) for name, value in fitted.network.state_dict().items()}
    shapes["encoder.0.weight"][1] = n_features
    shapes[f"{last}.weight"][0] = shapes[f"{last}.bias"][0] = n_features
    return shapes


def _blocks(fitted: SpanAutoencoder, name: str) -> Iterator[Float32Array]:
    """Yield the rows of one tensor of the wide network, a few at a time."""
    value = fitted.network.state_dict()[name].cpu().numpy()
    vectors, unit, last = fitted.basis.vectors, np.float32(fitted.basis.unit), _last(fitted)
    if name == "encoder.0.weight":
        left, right = value / unit, vectors.T
    elif name in (f"{last}.weight", f"{last}.bias"):
        left, right = vectors * unit, value
    else:
        yield value
        return
    for start in range(0, len(left), _ROWS):
        yield left[start : start + _ROWS] @ right


def _last(fitted: SpanAutoencoder) -> str:
    return f"decoder.{len(fitted.network.decoder) - 1}"
