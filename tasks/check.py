"""Looking at a study without training: do the files fit, and what would run."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from configs.artifact import Runtime, SourceFile
from configs.errors import OutputError, counted
from configs.study import StudyConfig
from models.engine_choice import choose_engine, engine_note
from models.layer import Layer
from models.presets import parameter_count
from tasks import prepare
from tasks.check_families import check_families
from tasks.design import design_facts
from tasks.networks import hidden_widths_of
from tasks.records import FoldPlan, PreparedStudy, References
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
        prepared, notes = prepare_study(study, folder, runtime)
        names = (study.layer_with("genes"), study.layer_with("metabolites"))
        references: References = prepare.look_up_ids.fn(prepared, *names, study.targets, study.named_baits(), runtime)
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
        layers = tuple(_layer_sentence(study, prepared, store, name) for name in study.layers)
    facts = (
        *design.facts,
        design.power.sentence(),
        design.permutations,
        *times,
        f"Labels to predict: {', '.join(prepared.labels) or 'none, so the graph network is left out'}.",
        _plan_sentence(plan, study.validation.repeats),
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


def prepare_study(study: StudyConfig, folder: Path, runtime: Runtime) -> tuple[PreparedStudy, tuple[str, ...]]:
    """Run stage 1 without Prefect; returns the prepared layers and all notes."""
    sheet_path = study.samples.path
    read = None
    if sheet_path:
        read = prepare.read_samples.fn(SourceFile(path=str(folder / sheet_path)), study.samples, runtime)
    layers = {
        name: prepare.read_layer_table.fn(
            name,
            SourceFile(path=str(folder / layer.path)),
            layer,
            study.unit(name),
            read.table if read else None,
            runtime,
        )
        for name, layer in study.layers.items()
    }
    tables = {name: layer.layer for name, layer in layers.items()}
    sheet = read or prepare.derive_samples.fn(tables, runtime)
    prepared = prepare.prepare.fn(
        tables,
        sheet.table,
        {name: study.unit(name) for name in study.layers},
        {name: study.role(name) for name in study.layers},
        study.preprocess,
        runtime,
    )
    notes = (*sheet.notes, *(note for layer in layers.values() for note in layer.notes), *prepared.notes)
    return prepared, notes


@contextmanager
def _temporary_files() -> Iterator[None]:
    """Say of files that cannot be written what helps here: a check writes nowhere but to the temporary folder."""
    try:
        yield
    except OutputError as error:
        remedy = "A check needs some temporary space: free some, or name another folder in the variable TMPDIR."
        raise OutputError(wanted=error.wanted, found=error.found, where=error.where, remedy=remedy) from error


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
