"""Stage 1: from the user's files to prepared layers, a sample sheet and a fold plan."""

import pandas as pd

from configs.artifact import Artifact, Runtime, SourceFile
from configs.study import LayerConfig, PreprocessConfig, Role, SamplesConfig, Unit, ValidationConfig
from models.conditions import label_columns
from models.layer import Layer
from tasks.files import file_content
from tasks.records import (
    FoldPlan,
    LayerRead,
    PreparedStudy,
    References,
    SampleMap,
    SamplesDerived,
    TableRead,
)
from tasks.stage import stage
from tasks.store import Store


@stage("read-samples")
def read_samples(file: SourceFile, config: SamplesConfig, runtime: Runtime) -> TableRead:
    """Read the sample sheet."""
    from models.samples import read_sample_sheet

    sheet, notes = read_sample_sheet(file_content(file), file.name, config=config)
    return TableRead(table=Store(runtime.store).put_table(sheet, "samples"), notes=notes)


@stage("read-sample-map")
def read_map(file: SourceFile, runtime: Runtime) -> SampleMap:
    """Read which names in the tables stand for which samples."""
    from models.sample_matching import read_sample_map

    del runtime
    samples, notes = read_sample_map(file_content(file), file.name)
    return SampleMap(samples=samples, notes=notes)


@stage("read-layer", run_name="read-layer-{name}")
def read_layer_table(
    name: str,
    files: dict[str, SourceFile],
    config: LayerConfig,
    unit: Unit,
    sheet: Artifact | None,
    sample_map: dict[str, str],
    runtime: Runtime,
) -> LayerRead:
    """Read one omics table, in one file or several, features down and samples across under the ids of the study."""
    from models.reading import read_layer_of_files

    store = Store(runtime.store)
    known = frozenset(store.get_table(sheet)["sample_id"]) if sheet else frozenset()
    content = {path: file_content(file) for path, file in files.items()}
    reading = read_layer_of_files(
        content, name=name, config=config, unit=unit, known_samples=known, sample_map=sample_map
    )
    return LayerRead(layer=store.put_layer(reading.layer), notes=reading.notes)


@stage("group-compounds")
def group_compounds(read: LayerRead, name: str, file: SourceFile, config: LayerConfig, runtime: Runtime) -> LayerRead:
    """Make one feature of the ions of each compound, and keep the annotation levels; `file` is what tells of them."""
    from models.compounds import annotation_of, grouped

    if config.compounds is None:
        return read
    store = Store(runtime.store)
    layer = store.get_layer(read.layer, name)
    annotation = annotation_of(file_content(file), file.name, config, layer.feature_ids)
    found = grouped(layer, annotation, take=config.compounds.take, is_log=config.unit == "log2")
    return LayerRead(layer=store.put_layer(found.layer), notes=(*read.notes, *found.notes), levels=dict(found.levels))


@stage("samples-from-names")
def derive_samples(layers: dict[str, Artifact], runtime: Runtime) -> SamplesDerived:
    """Match the sample names of the layers with each other, and make a sample sheet of them."""
    from models.sample_matching import unite_layers
    from models.samples import samples_from_names

    store = Store(runtime.store)
    united, matched = unite_layers([store.get_layer(artifact, name) for name, artifact in layers.items()])
    sheet, notes = samples_from_names(list(dict.fromkeys(one for name in layers for one in united[name].sample_ids)))
    kept = {name: store.put_layer(layer) for name, layer in united.items()}
    return SamplesDerived(table=store.put_table(sheet, "samples"), layers=kept, notes=(*matched, *notes))


@stage("read-annotation")
def read_descriptions(file: SourceFile, runtime: Runtime) -> TableRead:
    """Read gene descriptions for display."""
    from models.reading import read_annotation

    frame = read_annotation(file_content(file), file.name)
    return TableRead(table=Store(runtime.store).put_table(frame, "annotation"), notes=())


@stage("prepare")
def prepare(
    layers: dict[str, Artifact],
    sheet: Artifact,
    units: dict[str, Unit],
    roles: dict[str, Role],
    config: PreprocessConfig,
    runtime: Runtime,
) -> PreparedStudy:
    """Normalise, transform and filter every layer, and check that the samples fit together."""
    from models.preprocess import prepare_layer
    from models.quality import sample_quality
    from models.samples import check_samples, sample_notes, usable_samples

    store = Store(runtime.store)
    samples = store.get_table(sheet)
    raw = {name: store.get_layer(artifact, name) for name, artifact in layers.items()}
    ids = {name: layer.sample_ids for name, layer in raw.items()}
    shared, usable = check_samples(ids, samples), usable_samples(ids, samples)
    notes = sample_notes(ids, samples)
    raw = {name: layer.restricted_to(usable[name]) for name, layer in raw.items()}
    ready = {
        name: prepare_layer(layer, unit=units[name], role=roles[name], config=config) for name, layer in raw.items()
    }
    used = {sample for members in usable.values() for sample in members}
    samples = samples[samples["sample_id"].isin(used)].reset_index(drop=True)
    labels = label_columns(samples)
    quality = pd.concat([sample_quality(raw[name], ready[name].layer) for name in raw], ignore_index=True)
    dropped = pd.concat([result.dropped for result in ready.values()], ignore_index=True)
    return PreparedStudy(
        sheet=store.put_table(samples, "samples"),
        raw={name: store.put_layer(layer) for name, layer in raw.items()},
        prepared={name: store.put_layer(result.layer.ordered()) for name, result in ready.items()},
        trainable={name: store.put_layer(result.trainable.ordered()) for name, result in ready.items()},
        quality=store.put_table(quality, "qc"),
        dropped=store.put_table(dropped, "dropped"),
        shared=shared,
        labels=labels,
        notes=(*notes, *(note for result in ready.values() for note in result.notes)),
    )


@stage("plan-folds")
def plan(
    sheet: Artifact, shared: tuple[str, ...], config: ValidationConfig, inner_share: float, seed: int, runtime: Runtime
) -> FoldPlan:
    """Divide replicate groups into folds, and say which labels they can tell anything about."""
    from models.folds import plan_folds
    from models.label_design import label_design_table

    store = Store(runtime.store)
    samples = store.get_table(sheet)
    planned = plan_folds(
        samples, list(samples["sample_id"]), config=config, inner_share=inner_share, seed=seed, shared_ids=shared
    )
    return FoldPlan(
        table=store.put_table(planned.table, "folds"),
        labels=store.put_table(label_design_table(samples), "label_design"),
        folds=planned.folds,
        split=planned.split,
        notes=planned.notes,
    )


@stage("look-up-ids")
def look_up_ids(
    prepared: PreparedStudy,
    genes: str,
    metabolites: str,
    targets: dict[str, tuple[str, ...]],
    baits: dict[str, tuple[str, ...]],
    levels: dict[str, int],
    runtime: Runtime,
) -> References:
    """Find the ids of targets and baits in the tables, before anything long starts."""
    from models.compounds import level_notes
    from models.references import usable_baits, usable_targets

    store = Store(runtime.store)

    def both(name: str) -> tuple[Layer, Layer]:
        return store.get_layer(prepared.raw[name], name), store.get_layer(prepared.prepared[name], name)

    found_targets, target_notes = usable_targets(targets, *both(metabolites))
    found_baits, bait_notes = usable_baits(baits, *both(genes))
    told = {target: {one: levels[one] for one in ids if one in levels} for target, ids in found_targets.items()}
    notes = (*target_notes, *bait_notes, *level_notes(found_targets if levels else {}, levels))
    return References(targets=found_targets, baits=found_baits, notes=notes, target_levels=told if levels else {})
