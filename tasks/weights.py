"""The weights of a trained autoencoder as an ordinary file, for use outside Cairn."""

import json
from pathlib import Path
from typing import Any

from configs.artifact import Artifact
from configs.errors import OutputError, StudyFileError
from tasks.folders import put_files
from tasks.places import MANIFEST, no_finished_run
from tasks.store import Store


def write_weights(run_folder: Path, store: Store, target: Path, *, layer: str, fold: str) -> int:
    """Write the dense weights of one layer's autoencoder as safetensors, named as torch modules name them.

    A network of the span engine is written block by block, so a file may be larger than the memory.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    StudyFileError
        The folder is no finished run, or has no such layer or fold.
    OutputError
        The file cannot be written; nothing half-written stays.
    """
    networks = _networks(run_folder)
    if f"{layer}/{fold}" not in networks:
        raise StudyFileError(
            wanted="a layer and a fold that were trained",
            found=f"layer {layer!r} and fold {fold!r}; there are {', '.join(networks) or 'none'}",
            where=str(run_folder),
            remedy="Name them with --layer and --fold.",
        )
    content = store.get(Artifact.model_validate(networks[f"{layer}/{fold}"]["weights"]))
    if target.is_dir():
        raise OutputError(wanted="a file", found="a folder", where=str(target), remedy="Name a file in it.")
    if not target.parent.is_dir():
        raise OutputError(
            wanted="a folder for the file",
            found="no folder",
            where=str(target.parent),
            remedy="Make it, or name another.",
        )
    put_files(target.parent, lambda folder: _write(content, folder / target.name))
    return target.stat().st_size


def _write(content: bytes, file: Path) -> None:
    from models.autoencoder import decode_weights
    from models.materialise import materialise
    from models.span_engine import SpanAutoencoder

    fitted = decode_weights(content)
    with file.open("wb") as sink:
        if isinstance(fitted, SpanAutoencoder):
            materialise(fitted, sink)
        else:
            sink.write(content)


def _networks(run_folder: Path) -> dict[str, Any]:
    manifest = run_folder / MANIFEST
    if not manifest.is_file():
        raise no_finished_run(run_folder, MANIFEST)
    networks: dict[str, Any] = json.loads(manifest.read_text("utf-8"))["networks"]
    return networks
