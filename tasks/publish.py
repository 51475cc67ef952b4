"""The run folder: everything a person takes away, written whole or not at all."""

import datetime as dt
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from prefect import task

from configs.artifact import Artifact, Runtime
from configs.study import FINAL, StudyConfig
from tasks.allowed import absolute
from tasks.caching import LIBRARIES, artifacts_in, file_hash
from tasks.places import CONTENT, MANIFEST, check_output_folder, output_error, source_paths
from tasks.records import FinishedRun, InputFile, RunContent
from tasks.store import Store


@task(name="publish", task_run_name="publish", persist_result=False)
def publish_run(
    content: RunContent,
    study: StudyConfig,
    folder: str,
    target: str,
    runtime: Runtime,
    inputs: tuple[InputFile, ...] | None = None,
) -> str:
    """Write the run folder; returns the folder's absolute path.

    The folder is made under a temporary name beside its place and renamed when whole. A folder that holds an
    earlier run is replaced; any other folder that is not empty is left alone.

    `inputs` are those of an earlier run, where this one is made from its artifacts; otherwise they are looked at.

    Raises
    ------
    OutputError
        The place cannot be written, is full, or holds something else.
    """
    place = Path(target).resolve()
    check_output_folder(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as temporary:
            written = Path(temporary) / "run"
            _write_all(written, content, Store(runtime.store))
            given = inputs_of(study, Path(folder)) if inputs is None else inputs
            finished = FinishedRun(study=study, content=content, inputs=given, store=absolute(runtime.store))
            (written / CONTENT).write_text(finished.model_dump_json() + "\n", "utf-8")
            manifest = _manifest(content, study, given)
            (written / MANIFEST).write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", "utf-8")
            if place.exists():
                shutil.rmtree(place)
            written.replace(place)
    except OSError as error:
        raise output_error(error, str(place)) from error
    return str(place)


def _write_all(target: Path, content: RunContent, store: Store) -> None:
    for folder in ("figures", "tables"):
        (target / folder).mkdir(parents=True)
    for name, artifact in tables_of(content):
        write_csv(store.get(artifact), target / "tables" / f"{name}.csv")
    for figure in content.figures:
        files = (("png", figure.png), ("svg", figure.svg), ("pdf", figure.pdf))
        for extension, drawn in files:
            if drawn:
                (target / "figures" / f"{figure.name}.{extension}").write_bytes(store.get(drawn))
    if content.ranked:
        ranking = store.get(content.ranked.ranking)
        (target / "ranking.parquet").write_bytes(ranking)
        write_csv(ranking, target / "ranking.csv")
    if content.reported:
        (target / "ranking.xlsx").write_bytes(store.get(content.reported.workbook))
        (target / "report.html").write_bytes(store.get(content.reported.html))


def tables_of(content: RunContent) -> Iterator[tuple[str, Artifact]]:
    """Yield the name and artifact of every table that goes into the run folder's `tables`."""
    yield "samples", content.prepared.sheet
    yield "quality", content.prepared.quality
    yield "dropped_features", content.prepared.dropped
    yield "fold_plan", content.plan.table
    yield "label_design", content.plan.labels
    if content.validated:
        yield "validation", content.validated.validation
        yield "predictions", content.validated.predictions
        yield "confusion", content.validated.confusion
        yield "label_null", content.validated.null
        yield "verdicts", content.validated.verdicts
    final = content.folds.get(FINAL)
    if final:
        yield from ((f"latents_{name}", training.latents) for name, training in final.layers.items())
        if final.graph:
            yield "attention", final.graph.attention
    if content.embedding:
        yield "latent_maps", content.embedding
    if content.importance_summary:
        yield "importance", content.importance_summary.table
    if content.targets_explained:
        yield "target_importance", content.targets_explained.table
        yield "target_gates", content.targets_explained.gates
    if content.correlations:
        yield "correlated_pairs", content.correlations.listed
        yield "top_pairs", content.correlations.top
        yield "correlation_conditions", content.correlations.conditions
    yield from _ranking_tables(content)
    if content.homology:
        yield "gene_families", content.homology.gene_families
        yield from ((f"family_{name}", table) for name, table in content.homology.hits.items())
        yield from ((f"domains_{name}", table) for name, table in content.homology.domains.items())


def _ranking_tables(content: RunContent) -> Iterator[tuple[str, Artifact]]:
    """Yield the tables behind the ranking, and those that say how sure it is."""
    ranked, controls, cards = content.ranked, content.controls, content.cards
    named = {
        "target_correlation": content.target_correlation,
        "bait_evidence": content.bait.parts if content.bait else None,
        "gene_graph": content.gene_graph.edges if content.gene_graph else None,
        "false_in_top": ranked.false_in_top if ranked else None,
        "leave_one_out": ranked.leave_one_out if ranked else None,
        "negative_controls": controls.table if controls else None,
        "card_evidence": cards.evidence if cards else None,
        "card_partners": cards.partners if cards else None,
        "card_expression": cards.expression if cards else None,
        "card_samples": cards.samples if cards else None,
        "card_chance": cards.chance if cards else None,
        "changes": content.changes.table if content.changes else None,
        "change_agreement": content.changes.agreement if content.changes else None,
    }
    yield from ((name, artifact) for name, artifact in named.items() if artifact is not None)


def write_csv(parquet: bytes, path: Path) -> None:
    """Write a table of the store as CSV, piece by piece."""
    table = pa.parquet.ParquetFile(pa.BufferReader(parquet))
    options = pa.csv.WriteOptions(quoting_style="needed")
    with pa.csv.CSVWriter(str(path), table.schema_arrow, write_options=options) as writer:
        for batch in table.iter_batches():
            writer.write_batch(batch)


def inputs_of(study: StudyConfig, folder: Path) -> tuple[InputFile, ...]:
    """Return the files that a study names, as they are."""
    return tuple(
        InputFile(path=path, sha256=file_hash(str(folder / path)), n_bytes=(folder / path).stat().st_size)
        for path in dict.fromkeys(source_paths(study, folder))
    )


def _manifest(content: RunContent, study: StudyConfig, inputs: tuple[InputFile, ...]) -> dict[str, Any]:
    kept = {artifact.sha256: artifact for artifact in artifacts_in(content)}
    return {
        "study": study.model_dump(mode="json"),
        "seed": study.seed,
        "inputs": [file.model_dump() for file in inputs],
        "artifacts": [artifact.model_dump(mode="json") for artifact in sorted(kept.values(), key=lambda a: a.uri)],
        "ranking": content.ranked.ranking.sha256 if content.ranked else None,
        "weights": content.ranked.weights if content.ranked else {},
        "searches": [facts.model_dump(mode="json") for facts in content.homology.searches] if content.homology else [],
        "networks": {
            f"{name}/{fold}": training.model_dump(mode="json", include={"parameters", "engine", "epochs", "weights"})
            for fold, done in content.folds.items()
            for name, training in done.layers.items()
        },
        "steps": [timing.model_dump(mode="json") for timing in content.timings],
        "notes": list(content.notes),
        "devices": sorted({layer.device for done in content.folds.values() for layer in done.layers.values()}),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in ("cairn-omics", "prefect", *LIBRARIES)},
        "finished": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    }
