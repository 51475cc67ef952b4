"""The parent flow: from the tables of a study to its ranking."""

import datetime as dt
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict

from configs.artifact import Artifact, Runtime, SourceFile
from configs.stages import STAGES, Stage, with_dependencies
from configs.study import FINAL, StudyConfig
from flows.steps import Step, Steps, all_results, threads
from flows.train_fold import fold
from tasks import (
    analyse,
    baits,
    cards,
    certainty,
    controls,
    evidence,
    explain,
    explain_targets,
    permuted,
    pictures,
    prepare,
    rank,
    report,
)
from tasks.networks import hidden_widths_of
from tasks.publish import publish_run
from tasks.records import (
    ControlScores,
    CorrelationEvidence,
    Correlations,
    EvidenceArtifacts,
    Explained,
    FigureFiles,
    Fold,
    FoldJob,
    FoldTraining,
    GeneGraphTables,
    Homology,
    LayerPair,
    LayerRead,
    NamedLayer,
    PairedLayers,
    Ranked,
    Refits,
    RunContent,
    TargetFold,
    TargetInquiry,
    TargetQuestion,
    Validated,
)

_NO_LABEL = "No label to predict: the graph network is left out, and there is no graph evidence."


class Discovered(BaseModel):
    """Where a run left its results."""

    model_config = ConfigDict(frozen=True)

    run_folder: str
    content: RunContent


@flow(name="discover", flow_run_name="discover-{study.study}", task_runner=threads(2))
def discover(
    study: StudyConfig, folder: str = ".", out: str | None = None, stages: tuple[Stage, ...] = STAGES
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

    Returns
    -------
    dict
        Fields of `Discovered`: plain JSON, since a pydantic result of a flow does not come back as one.
    """
    run = _Run(study, Path(folder).resolve(), with_dependencies(stages))
    content = run.all_stages()
    target = out or str(Path("runs") / study.study / dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ"))
    run_folder = publish_run(content, study, str(run.folder), target, run.runtime)
    for note in content.notes:
        get_run_logger().info(note)
    return Discovered(run_folder=run_folder, content=content).model_dump(mode="json")


def runtime_of(study: StudyConfig, folder: Path) -> Runtime:
    """Return where a study keeps its artifacts, and its checkpoints, which need a folder of this machine."""
    home = str(folder / ".cairn")
    url = study.store.url or home
    return Runtime(
        store=url,
        checkpoints=f"{home if '://' in url else url}/checkpoints",
        device=study.execution.device,
        parallel_folds=study.execution.parallel_folds,
    )


class _Run:
    """One run of a study: each stage takes what is known so far and adds to it.

    Whatever does not wait for the networks (correlation, baits, homology, quality figures) is started before them, so
    that it fills the time in which the trainings leave a core free.
    """

    def __init__(self, study: StudyConfig, folder: Path, stages: tuple[Stage, ...]) -> None:
        self.study, self.folder, self.stages = study, folder, stages
        self.runtime = runtime_of(study, folder)
        self.steps = Steps()
        self.genes, self.metabolites = study.layer_with("genes"), study.layer_with("metabolites")
        self._pictures: list[Step[tuple[FigureFiles, ...]]] = []

    def all_stages(self) -> RunContent:
        """Run the wanted stages and gather the figures."""
        content = self.prepare()
        trainings = self.start_training(content) if "train" in self.stages else {}
        correlations = self.start_correlation(content) if "analyse" in self.stages else None
        early = self.start_evidence(content) if "rank" in self.stages else None
        embedding = self.start_embedding(content, trainings) if "analyse" in self.stages else None
        tables = None
        if early is not None:
            content, tables = self.inquire(content, early)
        if trainings:
            content = self.finish_training(content, trainings)
        if "explain" in self.stages:
            content = self.explain(content)
        if tables is not None:
            content = self.rank(content, tables)
        if correlations is not None and embedding is not None:
            content = self.analyse(content, correlations, embedding)
        figures = tuple(figure for pictures_of_stage in all_results(self._pictures) for figure in pictures_of_stage)
        content = content.model_copy(update={"figures": figures})
        if "report" in self.stages:
            plain = report.without_execution(self.study)
            reported = self.steps.run(report.write_report, content, plain, self.runtime)
            content = content.model_copy(update={"reported": reported})
        return content.model_copy(update={"timings": tuple(self.steps.timings)})

    def prepare(self) -> RunContent:
        """Stage 1: read, normalise, look up ids, plan the folds."""
        study, runtime, names = self.study, self.runtime, tuple(self.study.layers)
        sheet_file = self._optional_file(study.samples.path)
        given = self.steps.run(prepare.read_samples, sheet_file, study.samples, runtime) if sheet_file else None
        known = given.table if given else None
        reading = [self._start_reading(name, known) for name in names]
        layers = dict(zip(names, all_results(reading), strict=True))
        tables = {name: layer.layer for name, layer in layers.items()}
        sheet = given or self.steps.run(prepare.derive_samples, tables, runtime)
        units, roles = {name: study.unit(name) for name in names}, {name: study.role(name) for name in names}
        prepared = self.steps.run(prepare.prepare, tables, sheet.table, units, roles, study.preprocess, runtime)
        references = self.steps.run(
            prepare.look_up_ids, prepared, self.genes, self.metabolites, study.targets, study.baits, runtime
        )
        config, inner_share = study.validation, study.autoencoder.inner_share
        plan = self.steps.run(prepare.plan, prepared.sheet, prepared.shared, config, inner_share, study.seed, runtime)
        self._pictures.append(self.steps.start(pictures.draw_quality, prepared, runtime))
        said = [note for layer in layers.values() for note in layer.notes]
        notes = (*sheet.notes, *said, *prepared.notes, *references.notes, *plan.notes)
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
        self._pictures.append(self.steps.start(pictures.draw_training, _histories(folds), validated, self.runtime))
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
        return self.steps.run(analyse.validate, predictions, chance, draws, sheet, study.seed, runtime)

    def start_correlation(self, content: RunContent) -> Step[Correlations]:
        """Stage 3, first half: correlation of every gene with every metabolite."""
        return self.steps.start(analyse.correlate, self._paired(content), self.study.correlation, self.runtime)

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
        drawing = self.steps.start(
            pictures.draw_analysis, self._paired(content), embedding, correlations.pairs, attention, self.runtime
        )
        self._pictures.append(drawing)
        notes = (*content.notes, *correlations.notes)
        return content.model_copy(update={"embedding": embedding, "correlations": correlations, "notes": notes})

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
        self._pictures.append(self.steps.start(pictures.draw_importance, summary.table, runtime))
        found = dict(zip(plan.folds, all_results(by_target), strict=True))
        targets = self.steps.run(explain_targets.summarise_targets, found, plan, runtime)
        update = {
            "importance": tuple(one.importance for one in explained.values()),
            "importance_summary": summary,
            "targets_explained": targets,
            "notes": (*content.notes, *summary.notes, *targets.notes),
        }
        return content.model_copy(update=update)

    def start_evidence(self, content: RunContent) -> "_Early":
        """Stage 5, first third: evidence that needs nothing but the tables."""
        study, runtime, references = self.study, self.runtime, content.references
        correlation = self.steps.start(
            evidence.correlate_targets, self._paired(content), references.targets, self._question(), runtime
        )
        graph = homology = None
        if references.baits or any(family.bait_grade for family in study.families.values()):
            prepared = content.prepared.prepared[self.genes]
            graph = self.steps.start(baits.build_gene_graph, prepared, study.ranking.bait, runtime)
        if study.families:
            files = {name: tuple(map(self._file, family.tables)) for name, family in study.families.items()}
            raw = content.prepared.raw[self.genes]
            targets = tuple(references.targets)
            homology = self.steps.start(evidence.grade_families, raw, study.families, files, targets, runtime)
        return _Early(correlation, graph, homology)

    def inquire(self, content: RunContent, early: "_Early") -> tuple[RunContent, EvidenceArtifacts]:
        """Stage 5, second third: baits, and how sure the evidence on the targets is."""
        runtime, config, seed = self.runtime, self.study.ranking, self.study.seed
        layers, question = self._paired(content), self._question()
        correlation, homology = early.correlation.result(), early.homology.result() if early.homology else None
        content = self._with_family_baits(content, homology)
        graph, bait, references = early.graph.result() if early.graph else None, None, content.references
        if graph and references.baits:
            bait = self.steps.run(baits.score_baits, layers.genes, graph, references.baits, config.bait, runtime)
        inquiry = TargetInquiry(correlation=correlation, graph=graph, bait=bait)
        null = self.steps.start(
            certainty.permute_groups, layers, inquiry, references.targets, question, config.bait, seed, runtime
        )
        refits = [self.steps.start(certainty.refit_correlation, layers, references.targets, question, runtime)]
        if bait:
            sheet = content.prepared.sheet
            refits.append(self.steps.start(certainty.refit_baits, layers.genes, sheet, bait, config.bait, runtime))
        refitted = all_results(refits)
        tables = EvidenceArtifacts(
            correlation=correlation.evidence,
            null=null.result(),
            refits=Refits(correlation=refitted[0], bait=refitted[1] if bait else None),
            importance=(),
            homology=homology.evidence if homology else None,
            bait=bait,
        )
        said = (*(homology.notes if homology else ()), *(bait.notes if bait else ()))
        update = {
            "target_correlation": tables.null.best,
            "homology": homology,
            "bait": bait,
            "gene_graph": graph,
            "notes": (*content.notes, *said),
        }
        return content.model_copy(update=update), tables

    def rank(self, content: RunContent, tables: EvidenceArtifacts) -> RunContent:
        """Stage 5, last third: all evidence fused into the ranking, its negative controls and its cards."""
        config, runtime = self.study.ranking, self.runtime
        tables = tables.model_copy(update={"importance": content.importance})
        file, annotation = self._optional_file(self.study.annotation), None
        if file:
            annotation = self.steps.run(prepare.read_descriptions, file, runtime).table
        prepared = content.prepared
        layers = (prepared.raw[self.genes], prepared.prepared[self.genes], prepared.sheet)
        ranked = self.steps.run(
            rank.rank_genes, layers, content.plan, tables, annotation, config, self.study.seed, runtime
        )
        controls = self._control(content, tables, ranked) if config.negative_controls else None
        written = None
        if config.cards:
            about = (config, self.study.correlation.method)
            layers_of, members = self._paired(content), content.references.targets
            written = self.steps.run(
                cards.write_cards, layers_of, members, tables, ranked, content.homology, about, runtime
            )
        self._pictures.append(self.steps.start(pictures.draw_ranking, ranked, controls, config, runtime))
        said = (*ranked.notes, *(controls.sentences.values() if controls else ()))
        update = {"ranked": ranked, "controls": controls, "cards": written, "notes": (*content.notes, *said)}
        return content.model_copy(update=update)

    def _control(self, content: RunContent, tables: EvidenceArtifacts, ranked: Ranked) -> ControlScores:
        """Rank stand-ins of the targets and of the baits in the same way."""
        study, runtime, layers = self.study, self.runtime, self._paired(content)
        config = study.ranking
        chosen = self.steps.run(controls.choose_controls, layers, content.references, study.seed, runtime)
        correlation = bait = None
        if chosen.targets:
            correlation = self.steps.run(evidence.correlate_targets, layers, chosen.targets, self._question(), runtime)
        if chosen.baits and content.gene_graph:
            graph = content.gene_graph
            bait = self.steps.run(baits.score_baits, layers.genes, graph, chosen.baits, config.bait, runtime)
        genes = content.prepared.raw[self.genes]
        return self.steps.run(controls.score_controls, genes, tables, ranked, correlation, bait, config, runtime)

    def _with_family_baits(self, content: RunContent, homology: Homology | None) -> RunContent:
        families = {name: family for name, family in self.study.families.items() if family.bait_grade}
        if not families or homology is None:
            return content
        genes = content.prepared.prepared[self.genes]
        found = self.steps.run(baits.add_family_baits, content.references, families, homology, genes, self.runtime)
        return content.model_copy(update={"references": found, "notes": (*content.notes, *found.notes)})

    def _question(self) -> TargetQuestion:
        ranking, method = self.study.ranking, self.study.correlation.method
        return TargetQuestion(method=method, direction=ranking.direction, permutations=ranking.permutations)

    def _start_reading(self, name: str, sheet: Artifact | None) -> Step[LayerRead]:
        config = self.study.layers[name]
        file, unit = self._file(config.path), self.study.unit(name)
        read = prepare.read_layer_table
        return self.steps.start_as(f"read-layer-{name}", read, name, file, config, unit, sheet, self.runtime)

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
            f"explain-targets-{name}",
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

    def _paired(self, content: RunContent) -> PairedLayers:
        prepared = content.prepared
        return PairedLayers(
            genes=prepared.prepared[self.genes],
            metabolites=prepared.prepared[self.metabolites],
            sheet=prepared.sheet,
            shared=prepared.shared,
        )

    def _file(self, path: str) -> SourceFile:
        return SourceFile(path=str(self.folder / path))

    def _optional_file(self, path: str | None) -> SourceFile | None:
        return None if path is None else self._file(path)


class _Early:
    """Steps of evidence that needs nothing but the tables; graph and homology only where the study asks for them."""

    def __init__(
        self,
        correlation: Step[CorrelationEvidence],
        graph: Step[GeneGraphTables] | None,
        homology: Step[Homology] | None,
    ) -> None:
        self.correlation, self.graph, self.homology = correlation, graph, homology


def _latents(training: FoldTraining) -> dict[str, Artifact]:
    return {name: layer.latents for name, layer in training.layers.items()}


def _histories(folds: dict[str, FoldTraining]) -> tuple[Artifact, ...]:
    layers = [training.history for done in folds.values() for training in done.layers.values()]
    return (*layers, *(done.graph.history for done in folds.values() if done.graph))
