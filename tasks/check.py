"""Looking at a study without training: do the files fit, and what would run."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from configs.artifact import Runtime, SourceFile
from configs.errors import OutputError, counted
from configs.stages import STAGES
from configs.study import StudyConfig
from models.engine_choice import choose_engine, engine_note
from models.layer import Layer
from models.presets import parameter_count
from models.run_estimate import RunSize, estimate_sentence
from tasks import prepare
from tasks.check_families import check_families
from tasks.design import design_facts
from tasks.files import compounds_file, layer_files
from tasks.networks import hidden_widths_of
from tasks.records import FoldPlan, PreparedStudy, References, SampleMap, SamplesDerived, TableRead
from tasks.store import Store


class CheckReport(BaseModel):
    """What `cairn check` says: a sentence a layer, then facts, then what was guessed."""

    model_config = ConfigDict(frozen=True)

    layers: tuple[str, ...]
    facts: tuple[str, ...]
    notes: tuple[str, ...]


def check_study(study: StudyConfig, folder: Path) -> CheckReport:
    """Read and prepare everything, plan the folds, look up every id; raises UserError for what a run would refuse."""
    with tempfile.TemporaryDirectory(prefix="cairn-check-") as temporary, _temporary_files():
        runtime = Runtime(store=temporary, checkpoints=temporary, device=study.execution.device)
        prepared, levels, notes = prepare_study(study, folder, runtime)
        names = (study.layer_with("genes"), study.layer_with("metabolites"))
        references: References = prepare.look_up_ids.fn(
            prepared, *names, study.targets, study.named_baits(), levels, runtime
        )
        plan: FoldPlan = prepare.plan.fn(
            prepared.sheet,
            prepared.shared,
            study.validation,
            study.autoencoder.inner_share,
            study.seed,
            runtime,
        )
        store = Store(temporary)
        families = _check_annotation_and_families(study, folder, prepared, references, runtime)
        design, times = design_facts(prepared, study, store), _time_facts(prepared, store)
        overlap = _overlap_sentence(prepared, store)
        layers = tuple(_layer_sentence(study, prepared, store, name) for name in study.layers)
        estimate = estimate_sentence(_run_size(study, plan, references, prepared, store))
    facts = (
        overlap,
        *design.facts,
        design.power.sentence(),
        design.permutations,
        *times,
        f"Labels to predict: {', '.join(prepared.labels) or 'none, so the graph network is left out'}.",
        _plan_sentence(plan, study.validation.repeats),
        _stages_sentence(study, plan, prepared),
        estimate,
        *(f"Target {name}: {counted(len(ids), 'metabolite')}." for name, ids in references.targets.items()),
        *(f"Baits of {name}: {counted(len(ids), 'gene')}." for name, ids in references.baits.items()),
    )
    return CheckReport(layers=layers, facts=facts, notes=(*notes, *references.notes, *plan.notes, *families))


def _time_facts(prepared: PreparedStudy, store: Store) -> tuple[str, ...]:
    from models.time_shapes import TimeCourse

    said = TimeCourse.of_samples(store.get_table(prepared.sheet), prepared.shared).sentence()
    return () if said is None else (said,)


def _check_annotation_and_families(
    study: StudyConfig, folder: Path, prepared: PreparedStudy, references: References, runtime: Runtime
) -> tuple[str, ...]:
    if study.annotation is not None:
        prepare.read_descriptions.fn(SourceFile(path=str(folder / study.annotation)), runtime)
    return check_families(study, folder, prepared, tuple(references.targets), runtime) if study.families else ()


def prepare_study(
    study: StudyConfig, folder: Path, runtime: Runtime
) -> tuple[PreparedStudy, dict[str, int], tuple[str, ...]]:
    """Run stage 1 without Prefect; returns the prepared layers, the levels of metabolites and all notes."""
    sheet_path = study.samples.path
    read = None
    if sheet_path:
        read = prepare.read_samples.fn(SourceFile(path=str(folder / sheet_path)), study.samples, runtime)
    sample_map = SampleMap()
    if study.samples.map:
        sample_map = prepare.read_map.fn(SourceFile(path=str(folder / study.samples.map)), runtime)
    layers = {
        name: prepare.read_layer_table.fn(
            name,
            layer_files(folder, layer.path),
            layer,
            study.unit(name),
            read.table if read else None,
            sample_map.samples,
            runtime,
        )
        for name, layer in study.layers.items()
    }
    for name, config in study.layers.items():
        if config.compounds is not None:
            file = compounds_file(folder, config)
            layers[name] = prepare.group_compounds.fn(layers[name], name, file, config, runtime)
    tables = {name: layer.layer for name, layer in layers.items()}
    sheet: TableRead | SamplesDerived = read or prepare.derive_samples.fn(tables, runtime)
    if isinstance(sheet, SamplesDerived):
        tables = sheet.layers
    prepared = prepare.prepare.fn(
        tables,
        sheet.table,
        {name: study.unit(name) for name in study.layers},
        {name: study.role(name) for name in study.layers},
        study.preprocess,
        runtime,
    )
    notes = (
        *sample_map.notes,
        *sheet.notes,
        *(note for layer in layers.values() for note in layer.notes),
        *prepared.notes,
    )
    return prepared, layers[study.layer_with("metabolites")].levels, notes


@contextmanager
def _temporary_files() -> Iterator[None]:
    """Say of files that cannot be written what helps here: a check writes nowhere but to the temporary folder."""
    try:
        yield
    except OutputError as error:
        remedy = "A check needs some temporary space: free some, or name another folder in the variable TMPDIR."
        raise OutputError(wanted=error.wanted, found=error.found, where=error.where, remedy=remedy) from error


def _overlap_sentence(prepared: PreparedStudy, store: Store) -> str:
    counts = ", ".join(f"{name} {len(store.get_layer(kept, name).sample_ids)}" for name, kept in prepared.raw.items())
    return f"Samples by layer: {counts}; in every layer {len(prepared.shared)}."


def _stages_sentence(study: StudyConfig, plan: FoldPlan, prepared: PreparedStudy) -> str:
    graph = " and a graph network" if prepared.labels else ""
    networks = f"{counted(len(study.layers), 'autoencoder')}{graph}"
    n_trainings = len(plan.folds) + len(plan.split) + 1
    at_once = f"{study.execution.parallel_folds} at a time, {study.execution.folds}"
    return f"Stages: {', '.join(STAGES)}; {n_trainings} times {networks} are trained ({at_once})."


def _run_size(
    study: StudyConfig, plan: FoldPlan, references: References, prepared: PreparedStudy, store: Store
) -> RunSize:
    layers = {name: store.get_layer(kept, name) for name, kept in prepared.trainable.items()}
    genes, folds = layers[study.layer_with("genes")], len(plan.folds) // study.validation.repeats
    return RunSize(
        n_genes=len(genes.feature_ids),
        n_samples=len(genes.sample_ids),
        n_trainings=len(plan.folds) + len(plan.split) + 1,
        n_targets=len(references.targets),
        n_with_baits=len(references.baits.keys() | study.bait_sources().keys()),
        n_target_metabolites=sum(map(len, references.targets.values())),
        n_permuted_labels=study.validation.permutations * folds if prepared.labels else 0,
        n_permutations=study.ranking.permutations,
        preset=study.autoencoder.preset,
        dense_bytes=study.execution.parallel_folds * sum(_dense_bytes(study, layer) for layer in layers.values()),
        cores=os.cpu_count() or 1,
    )


def _dense_bytes(study: StudyConfig, layer: Layer) -> int:
    n_features, n_samples = layer.values.shape
    choice = choose_engine(study.autoencoder, n_features=n_features, rank=min(n_features, n_samples - 1))
    if choice.engine == "span":
        return 0
    from models.device import choose_device
    from models.memory import dense_training_bytes

    device, widths = choose_device(study.execution.device), hidden_widths_of(study, layer.name)
    return dense_training_bytes(n_features, n_samples, widths, study.autoencoder, device)


def _plan_sentence(plan: FoldPlan, repeats: int) -> str:
    times = f", dealt {repeats} times" if repeats > 1 else ""
    split = f", {len(plan.split)} that split replicates (optimistic)" if plan.split else ""
    return f"{len(plan.folds) // repeats} folds of whole groups{times}{split}, and the final fit."


def _layer_sentence(study: StudyConfig, prepared: PreparedStudy, store: Store, name: str) -> str:
    raw, ready = (store.get_layer(kept[name], name) for kept in (prepared.raw, prepared.trainable))
    widths = hidden_widths_of(study, name)
    n_features = len(ready.feature_ids)
    parameters = parameter_count(n_features, widths, study.autoencoder.latent)
    shape = "-".join(str(width) for width in (n_features, *widths, study.autoencoder.latent))
    return (
        f"Layer {name} ({study.role(name)}, {study.unit(name)}): {len(raw.feature_ids):,} features, {n_features:,} of "
        f"them used, {len(raw.sample_ids)} samples; autoencoder {shape} and back, {parameters:,} parameters, "
        f"{_engine(study, ready, widths)}."
    )


def _engine(study: StudyConfig, layer: Layer, widths: tuple[int, ...]) -> str:
    """Say which engine trains a layer; raises UserError where its memory is not there."""
    config = study.autoencoder
    n_features, n_samples = layer.values.shape
    choice = choose_engine(config, n_features=n_features, rank=min(n_features, n_samples - 1))
    said = engine_note(choice, latent=config.latent)
    if choice.engine == "span":
        return said
    from models.device import choose_device
    from models.memory import GIB, dense_training_bytes, require_memory

    device = choose_device(study.execution.device)
    needed = dense_training_bytes(n_features, n_samples, widths, config, device)
    require_memory(needed, device, trainings=study.execution.parallel_folds)
    return f"{said}, {needed / GIB:.1f} GiB to train"
