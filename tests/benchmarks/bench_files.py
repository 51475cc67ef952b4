"""Reading and writing a table at full size."""

import io
from collections.abc import Callable

import numpy as np

from configs.study import LayerConfig
from models.layer import Layer
from models.parquet import decode_frame, encode_frame
from models.reading import read_layer
from tests.benchmarks.measuring import measured
from tests.benchmarks.tables import Table

GENES, SAMPLES = 132_129, 21


def _layer() -> Layer:
    values = np.random.default_rng(1).lognormal(1, 2, (GENES, SAMPLES)).round(3).astype(np.float32)
    names = tuple(f"G{number:06d}" for number in range(GENES)), tuple(f"S{number:02d}" for number in range(SAMPLES))
    return Layer("transcriptome", values, *names)


def _text() -> bytes:
    sink = io.BytesIO()
    _layer().to_frame().to_csv(sink, sep="\t", index=False)
    return sink.getvalue()


def reading() -> Callable[[], object]:
    """Return the reading of a TSV file, from its bytes to a checked layer; it returns the bytes read."""
    content, config, known = _text(), LayerConfig(path="genes.tsv"), frozenset(_layer().sample_ids)

    def run() -> int:
        read_layer(content, "genes.tsv", name="transcriptome", config=config, unit="fpkm", known_samples=known)
        return len(content)

    return run


def writing() -> Callable[[], object]:
    """Return the writing of a layer as Parquet; it returns the bytes written."""
    layer = _layer()
    return lambda: len(encode_frame(layer.to_frame(), "layer"))


def reading_back() -> Callable[[], object]:
    """Return the reading of a layer from Parquet; it returns the bytes read."""
    content = encode_frame(_layer().to_frame(), "layer")

    def run() -> int:
        Layer.from_frame("transcriptome", decode_frame(content, "layer"))
        return len(content)

    return run


def files() -> Table:
    """Read a TSV, write its Parquet, read it back."""
    steps = {"read TSV": reading, "write Parquet": writing, "read Parquet": reading_back}
    found = {name: measured(step) for name, step in steps.items()}
    return Table(
        "Files",
        f"A table of {GENES:,} genes in {SAMPLES} samples.",
        ("step", "seconds", "MiB", "file, MB"),
        tuple(
            (name, f"{one.seconds:.2f}", f"{one.mib:,.0f}", f"{int(str(one.result)) / 1e6:.1f}")
            for name, one in found.items()
        ),
    )
