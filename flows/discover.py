"""The parent flow: from the tables of a study to its ranking."""

import datetime as dt
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict

from configs.artifact import Artifact
from configs.errors import CorruptObjectError
from configs.stages import STAGES, Stage, with_dependencies
from configs.study import FINAL, StudyConfig
from flows.cancelling import cancel_descendants, end_at_once_when_terminated
from flows.context import Context
from flows.steps import Step, all_results, threads
from flows.target_stage import inquire, rank_targets, start_evidence
from flows.train_fold import fold
from tasks import (
    analyse,
    explain,
    explain_targets,
    permuted,
    pictures,
    prepare,
    report,
)
from tasks.changes import compare_with_previous, read_previous
from tasks.files import compounds_file, layer_files
from tasks.lineage import record_lineage
from tasks.live import let_loggers_speak
from tasks.networks import hidden_widths_of
from tasks.publish import publish_run
from tasks.records import (
    Correlations,
    Explained,
    Fold,
    FoldJob,
    FoldTraining,
    LayerPair,
    LayerRead,
    NamedLayer,
    RunContent,
    SampleMap,
    SamplesDerived,
    TableRead,
    TargetFold,
    Validated,
)
from tasks.ui_artifacts import show_quality, show_summary, show_validation

_DAMAGED_OBJECTS = 3
"""Damaged or missing objects of the store that one run makes again."""

_NO_LABEL = "No label to predict: the graph network is left out, and there is no graph evidence."


class Discovered(BaseModel):
    """Where a run left its results."""

    model_config = ConfigDict(frozen=True)

    run_folder: str
    content: RunContent


@flow(
    name="discover",
    flow_run_name="discover-{study.study}",
    result_serializer="json",
    task_runner=threads(2),
    on_cancellation=[cancel_descendants],
    on_crashed=[cancel_descendants],
    on_failure=[cancel_descendants],
)
def discover(
    study: StudyConfig,
    folder: str = ".",
    out: str | None = None,
    stages: tuple[Stage, ...] = STAGES,
    previous: str | None = None,
) -> dict[str, Any]:
    """Find the genes of a pathway.

    Parameters
    ----------
    study : StudyConfig
        The study file.
    folder : str
        Folder that the study file's paths are relative to.
    out : str, optional
        Run folder; `runs/<study>/<timestamp>` when not given.
    stages : tuple of Stage
        Stages to run; what they depend on is run as well.
    previous : str, optional
        Run folder of an earlier version of the study; the report says what has changed since.

    Returns
    -------
    dict
        Fields of `Discovered`: plain JSON, since a pydantic result of a flow does not come back as one.
    """
    let_loggers_speak()
    end_at_once_when_terminated()
    target = out or str(Path("runs") / study.study / dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ"))
    content, run_folder = _published(study, Path(folder).resolve(), with_dependencies(stages), previous or None, target)
    for note in content.notes:
        get_run_logger().info(note)
    return Discovered(run_folder=run_folder, content=content).model_dump(mode="json")


def _published(
    study: StudyConfig, folder: Path, stages: tuple[Stage, ...], previous: str | None, target: str
) -> tuple[RunContent, str]:
    """Run and publish; a damaged object is removed when found, so what made it runs again, the rest is cached."""
    damaged = 0
    while True:
        run = _Run(study, folder, stages, previous)
        try:
            content = run.all_stages()
            run_folder = publish_run(content, study, str(folder), target, run.runtime)
        except CorruptObjectError as error:
            damaged += 1
            if damaged > _DAMAGED_OBJECTS:
                raise
            get_run_logger().warning("%s", error)
        else:
            show_summary(content, run_folder, run.runtime)
            record_lineage(run_folder, run.runtime)
            return content, run_folder


class _Run(Context):
    """One run of a study: each stage takes what is known so far and adds to it.

    Whatever does not wait for the networks (correlation, baits, homology, quality figures) is started before them, so
    that it fills the time in which the trainings leave a core free.
    """

    def __init__(
        self, study: StudyConfig, folder: Path, stages: tuple[Stage, ...], previous: str | None = None
    ) -> None:
        super().__init__(study, folder)
        self.stages = stages
        self.previous = read_previous(previous, self.runtime) if previous else None

    def all_stages(self) -> RunContent:
        """Run the wanted stages and gather the figures."""
        content = self.prepare()
        trainings = self.start_training(content) if "train" in self.stages else {}
        correlations = self.start_correlation(content) if "analyse" in self.stages else None
        early = start_evidence(self, content) if "rank" in self.stages else None
        embedding = self.start_embedding(content, trainings) if "analyse" in self.stages else None
        tables = None
        if early is not None:
            content, tables = inquire(self, content, early)
        if trainings:
            content = self.finish_training(content, trainings)
        if "explain" in self.stages:
            content = self.explain(content)
        if tables is not None:
            content = self.compare(rank_targets(self, content, tables))
        if correlations is not None and embedding is not None:
            content = self.analyse(content, correlations, embedding)
        figures = tuple(figure for pictures_of_stage in all_results(self.pictures) for figure in pictures_of_stage)
        content = content.model_copy(update={"figures": figures})
        if "report" in self.stages:
            plain = report.without_execution(self.study)
            reported = self.steps.run(report.write_report, content, plain, self.runtime)
            content = content.model_copy(update={"reported": reported})
        return content.model_copy(update={"timings": tuple(self.steps.timings)})

    def prepare(self) -> RunContent:
        """Stage 1: read, normalise, look up ids, plan the folds."""
        study, runtime, names = self.study, self.runtime, tuple(self.study.layers)
        sheet_file = self.optional_file(study.samples.path)
        given = self.steps.run(prepare.read_samples, sheet_file, study.samples, runtime) if sheet_file else None
        known = given.table if given else None
        map_file = self.optional_file(study.samples.map)
        sample_map = self.steps.run(prepare.read_map, map_file, runtime) if map_file else SampleMap()
        reading = [self._start_reading(name, known, sample_map) for name in names]
        layers = {name: self._grouped(name, read) for name, read in zip(names, all_results(reading), strict=True)}
        tables = {name: layer.layer for name, layer in layers.items()}
        sheet: TableRead | SamplesDerived = given or self.steps.run(prepare.derive_samples, tables, runtime)
        if isinstance(sheet, SamplesDerived):
            tables = sheet.layers
        units, roles = {name: study.unit(name) for name in names}, {name: study.role(name) for name in names}
        prepared = self.steps.run(prepare.prepare, tables, sheet.table, units, roles, study.preprocess, runtime)
        references = self.steps.run(
            prepare.look_up_ids,
            prepared,
            self.genes,
            self.metabolites,
            study.targets,
            study.named_baits(),
            layers[self.metabolites].levels,
            runtime,
        )
        config, inner_share = study.validation, study.autoencoder.inner_share
        plan = self.steps.run(prepare.plan, prepared.sheet, prepared.shared, config, inner_share, study.seed, runtime)
        self.pictures.append(self.steps.start(pictures.draw_quality, prepared, runtime))
        show_quality(prepared, runtime)
        said = [note for layer in layers.values() for note in layer.notes]
        notes = (*sample_map.notes, *sheet.notes, *said, *prepared.notes, *references.notes, *plan.notes)
        return RunContent(prepared=prepared, references=references, plan=plan, notes=notes)

    def start_training(self, content: RunContent) -> dict[str, Step[FoldTraining]]:
        """Stage 2: the final fit and all folds, side by side; the final fit first, since the maps wait for it."""
        names = (FINAL, *content.plan.folds, *content.plan.split)
        return {
            name: self.steps.start_as(f"fold-{name}", fold, self._job(content, name), self.runtime) for name in names
        }

    def finish_training(self, content: RunContent, trainings: dict[str, Step[FoldTraining]]) -> RunContent:
        """Gather the folds and score the held-out predictions."""
        folds = {training.fold: training for training in all_results(list(trainings.values()))}
        validated = self.validate(content, folds) if content.prepared.labels else None
        trained = tuple(layer.note for layer in folds[FINAL].layers.values())
        notes = (*trained, *(validated.sentences if validated else (_NO_LABEL,)))
        self.pictures.append(self.steps.start(pictures.draw_training, _histories(folds), validated, self.runtime))
        update = {"folds": folds, "validated": validated, "notes": (*content.notes, *notes)}
        return content.model_copy(update=update)

    def validate(self, content: RunContent, folds: dict[str, FoldTraining]) -> Validated:
        """Score held-out predictions against permuted labels, which the folds of the first repeat are trained on."""
        sheet, study, runtime = content.prepared.sheet, self.study, self.runtime
        count = study.validation.permutations
        draws = self.steps.run(permuted.permute_labels, sheet, content.plan, count, study.seed, runtime)
        started = [
            self.steps.start_as(
                f"predict-permuted-fold-{name}",
                permuted.predict_permuted,
                self._fold(content, name),
                folds[name],
                sheet,
                draws,
                study.graph,
                study.seed,
                runtime,
            )
            for name in content.plan.folds[: len(content.plan.folds) // study.validation.repeats]
        ]
        chance = tuple(all_results(started))
        graphs = [folds[name].graph for name in (*content.plan.folds, *content.plan.split)]
        predictions = tuple(graph.predictions for graph in graphs if graph is not None)
        validated = self.steps.run(analyse.validate, predictions, chance, draws, sheet, study.seed, runtime)
        show_validation(validated, runtime)
        return validated

    def start_correlation(self, content: RunContent) -> Step[Correlations]:
        """Stage 3, first half: correlation of every gene with every metabolite."""
        return self.steps.start(analyse.correlate, self.paired(content), self.study.correlation, self.runtime)

    def start_embedding(self, content: RunContent, trainings: dict[str, Step[FoldTraining]]) -> Step[Artifact]:
        """Stage 3, second half: maps of the final fit's latents."""
        latents = _latents(trainings[FINAL].result())
        shared, seed = content.prepared.shared, self.study.seed
        return self.steps.start(analyse.embed_latents, latents, shared, seed, self.runtime)

    def analyse(self, content: RunContent, started: Step[Correlations], mapping: Step[Artifact]) -> RunContent:
        """Gather both halves of stage 3 and draw them."""
        correlations, embedding = started.result(), mapping.result()
        graph = content.folds[FINAL].graph
        attention = graph.attention if graph else None
        paired, method = self.paired(content), self.study.correlation.method
        drawing = self.steps.start(
            pictures.draw_analysis, paired, embedding, correlations.pairs, attention, method, self.runtime
        )
        self.pictures.append(drawing)
        notes = (*content.notes, *correlations.notes)
        return content.model_copy(update={"embedding": embedding, "correlations": correlations, "notes": notes})

    def compare(self, content: RunContent) -> RunContent:
        """Say what changed since the earlier run that was named, if one was."""
        if self.previous is None or content.ranked is None:
            return content
        ranking, sheet = content.ranked.ranking, content.prepared.sheet
        found = self.steps.run(compare_with_previous, ranking, sheet, self.previous, self.runtime)
        said = (f"Since the last version: {found.samples}", *found.sentences.values())
        return content.model_copy(update={"changes": found, "notes": (*content.notes, *said)})

    def explain(self, content: RunContent) -> RunContent:
        """Stage 4: importance of every gene, on each fold's held-out samples, as such and for each target."""
        study, runtime, plan = self.study, self.runtime, content.plan
        explaining = [self._start_explaining(content, name) for name in plan.folds]
        by_target = [self._start_explaining_targets(content, name) for name in plan.folds]
        explained = dict(zip(plan.folds, all_results(explaining), strict=True))
        genes = content.prepared.prepared[self.genes]
        summary = self.steps.run(
            explain.summarise_importance, explained, genes, plan, study.explain, study.seed, runtime
        )
        self.pictures.append(self.steps.start(pictures.draw_importance, summary.table, runtime))
        found = dict(zip(plan.folds, all_results(by_target), strict=True))
        targets = self.steps.run(explain_targets.summarise_targets, found, plan, runtime)
        update = {
            "importance": tuple(one.importance for one in explained.values()),
            "importance_summary": summary,
            "targets_explained": targets,
            "notes": (*content.notes, *summary.notes, *targets.notes),
        }
        return content.model_copy(update=update)

    def _start_reading(self, name: str, sheet: Artifact | None, sample_map: SampleMap) -> Step[LayerRead]:
        config = self.study.layers[name]
        files, unit = layer_files(self.folder, config.path), self.study.unit(name)
        read, samples = prepare.read_layer_table, sample_map.samples
        return self.steps.start_as(f"read-layer-{name}", read, name, files, config, unit, sheet, samples, self.runtime)

    def _grouped(self, name: str, read: LayerRead) -> LayerRead:
        config = self.study.layers[name]
        if config.compounds is None:
            return read
        file = compounds_file(self.folder, config)
        return self.steps.run(prepare.group_compounds, read, name, file, config, self.runtime)

    def _start_explaining(self, content: RunContent, name: str) -> Step[Explained]:
        return self.steps.start_as(
            f"explain-fold-{name}",
            explain.explain_fold,
            self._fold(content, name),
            content.prepared.trainable[self.genes],
            self.genes,
            content.folds[name],
            content.prepared.shared,
            self.study.explain,
            self.runtime,
        )

    def _start_explaining_targets(self, content: RunContent, name: str) -> Step[TargetFold]:
        trainable = content.prepared.trainable
        genes, metabolites = (NamedLayer(name=one, layer=trainable[one]) for one in (self.genes, self.metabolites))
        return self.steps.start_as(
            f"explain-targets-fold-{name}",
            explain_targets.explain_targets_of_fold,
            self._fold(content, name),
            LayerPair(genes=genes, metabolites=metabolites),
            content.folds[name],
            content.references.targets,
            self.runtime,
        )

    def _job(self, content: RunContent, name: str) -> FoldJob:
        study, prepared = self.study, content.prepared
        return FoldJob(
            fold=self._fold(content, name),
            layers=prepared.trainable,
            sheet=prepared.sheet,
            labels=prepared.labels,
            widths={layer: hidden_widths_of(study, layer) for layer in study.layers},
            autoencoder=study.autoencoder,
            graph=study.graph,
            seed=study.seed,
        )

    def _fold(self, content: RunContent, name: str) -> Fold:
        return Fold(name=name, plan=content.plan.table, max_missing=self.study.preprocess.max_missing)


def _latents(training: FoldTraining) -> dict[str, Artifact]:
    return {name: layer.latents for name, layer in training.layers.items()}


def _histories(folds: dict[str, FoldTraining]) -> tuple[Artifact, ...]:
    layers = [training.history for done in folds.values() for training in done.layers.values()]
    return (*layers, *(done.graph.history for done in folds.values() if done.graph))
