"""The parent flow: from the tables of a study to its ranking."""

import datetime as dt
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from pydantic import BaseModel, ConfigDict

from configs.artifact import Artifact, Runtime, SourceFile
from configs.stages import STAGES, Stage, with_dependencies
from configs.study import StudyConfig
from flows.steps import Steps, threads
from flows.train_fold import fold
from tasks import analyse, evidence, explain, pictures, prepare, rank, report
from tasks.networks import device_of, hidden_widths_of
from tasks.publish import publish_run
from tasks.records import (
    EvidenceArtifacts,
    Fold,
    FoldJob,
    FoldPlan,
    FoldTraining,
    Homology,
    PairedLayers,
    PreparedStudy,
    References,
    RunContent,
)

FINAL = "all"


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
        Fields of `Discovered`.
    """
    logger = get_run_logger()
    wanted = with_dependencies(stages)
    run = _Run(study, Path(folder).resolve())
    content = run.prepare()
    if "train" in wanted:
        content = run.train(content)
    if "analyse" in wanted:
        content = run.analyse(content)
    if "explain" in wanted:
        content = run.explain(content)
    if "rank" in wanted:
        content = run.rank(content)
    if "report" in wanted:
        content = run.report(content)
    target = out or str(Path("runs") / study.study / dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ"))
    content = content.model_copy(update={"timings": tuple(run.steps.timings), "device": device_of(run.runtime)})
    run_folder = publish_run(content, study, str(run.folder), target, run.runtime)
    for note in content.notes:
        logger.info(note)
    return Discovered(run_folder=run_folder, content=content).model_dump(mode="json")


def runtime_of(study: StudyConfig, folder: Path) -> Runtime:
    """Return where a study keeps its artifacts, and its checkpoints, which need a folder of this machine."""
    home = str(folder / ".cairn")
    url = study.store.url or home
    return Runtime(
        store=url,
        checkpoints=f"{home if '://' in url else url}/checkpoints",
        device=study.execution.device,
    )


class _Run:
    """One run of a study: the five stages, each taking what is known so far and adding to it."""

    def __init__(self, study: StudyConfig, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.runtime = runtime_of(study, folder)
        self.steps = Steps()

    def prepare(self) -> RunContent:
        """Stage 1: read, normalise, plan the folds, draw the quality figures."""
        study, runtime = self.study, self.runtime
        sheet_file = self._source(study.samples.path)
        read = None
        if sheet_file:
            read = self.steps.run(prepare.read_samples, sheet_file, study.samples, runtime)
        layers = {
            name: self.steps.run(
                prepare.read_layer_table,
                name,
                self._file(layer.path),
                layer,
                study.unit(name),
                read.table if read else None,
                runtime,
            )
            for name, layer in study.layers.items()
        }
        tables = {name: layer.layer for name, layer in layers.items()}
        sheet = read or self.steps.run(prepare.derive_samples, tables, runtime)
        prepared = self.steps.run(
            prepare.prepare,
            tables,
            sheet.table,
            {name: study.unit(name) for name in study.layers},
            {name: study.role(name) for name in study.layers},
            study.preprocess,
            runtime,
        )
        references = self.steps.run(
            prepare.look_up_ids,
            prepared,
            study.layer_with("genes"),
            study.layer_with("metabolites"),
            study.targets,
            study.baits,
            runtime,
        )
        plan = self.steps.run(
            prepare.plan,
            prepared.sheet,
            prepared.shared,
            study.validation.folds,
            study.autoencoder.inner_share,
            study.seed,
            runtime,
        )
        figures = self.steps.run(pictures.draw_quality, prepared, runtime)
        notes = [note for layer in layers.values() for note in layer.notes]
        return RunContent(
            prepared=prepared,
            references=references,
            plan=plan,
            figures=figures,
            notes=(*sheet.notes, *notes, *prepared.notes, *references.notes),
        )

    def train(self, content: RunContent) -> RunContent:
        """Stage 2: five folds and the final fit, side by side."""
        jobs = [self._job(content.prepared, content.plan, name) for name in (*content.plan.folds, FINAL)]
        futures = [fold.submit(job, self.runtime) for job in jobs]
        trained = self.steps.gather("fold", futures)
        folds = {training.fold: training for training in trained}
        validated = None
        held_out = [folds[name].graph for name in content.plan.folds]
        predictions = tuple(graph.predictions for graph in held_out if graph is not None)
        if predictions:
            validated = self.steps.run(analyse.validate, predictions, self.runtime)
        figures = self.steps.run(pictures.draw_training, self._histories(folds), validated, self.runtime)
        notes = (
            validated.verdicts
            if validated
            else ("The study has no label to predict: the graph network was left out, and there is no graph evidence.",)
        )
        return content.model_copy(
            update={
                "folds": folds,
                "validated": validated,
                "figures": (*content.figures, *figures),
                "notes": (*content.notes, *notes),
            }
        )

    def analyse(self, content: RunContent) -> RunContent:
        """Stage 3: maps of the latents, and correlation of every gene with every metabolite."""
        final = content.folds[FINAL]
        latents = {name: training.latents for name, training in final.layers.items()}
        layers = self._paired(content.prepared)
        embedding = self.steps.run(
            analyse.embed_latents, latents, content.prepared.shared, self.study.seed, self.runtime
        )
        correlations = self.steps.run(analyse.correlate, layers, self.study.correlation, self.runtime)
        attention = final.graph.attention if final.graph else None
        figures = self.steps.run(pictures.draw_analysis, layers, embedding, correlations.pairs, attention, self.runtime)
        return content.model_copy(
            update={
                "embedding": embedding,
                "correlations": correlations,
                "figures": (*content.figures, *figures),
                "notes": (*content.notes, *correlations.notes),
            }
        )

    def explain(self, content: RunContent) -> RunContent:
        """Stage 4: importance of every gene, on each fold's held-out samples."""
        prepared, gene_layer = content.prepared, self.study.layer_with("genes")
        futures = []
        for name in content.plan.folds:
            training = content.folds[name]
            futures.append(
                explain.explain_fold.submit(
                    Fold(name=name, plan=content.plan.table),
                    prepared.prepared[gene_layer],
                    training.layers[gene_layer],
                    {layer: trained.latents for layer, trained in training.layers.items()},
                    prepared.shared,
                    training.graph.latent_importance if training.graph else None,
                    self.runtime,
                )
            )
        importance = tuple(self.steps.gather("explain", futures))
        figures = self.steps.run(pictures.draw_importance, importance, self.runtime)
        return content.model_copy(update={"importance": importance, "figures": (*content.figures, *figures)})

    def rank(self, content: RunContent) -> RunContent:
        """Stage 5: evidence by target, fused into the ranking."""
        study, runtime = self.study, self.runtime
        genes = content.prepared.raw[study.layer_with("genes")]
        correlation = self.steps.run(
            evidence.correlate_targets,
            self._paired(content.prepared),
            content.plan,
            content.references.targets,
            study.ranking.permutations,
            study.seed,
            runtime,
        )
        homology = self._homology(genes, content.references)
        bait = None
        if content.references.baits:
            prepared = content.prepared.prepared[study.layer_with("genes")]
            bait = self.steps.run(
                evidence.score_baits, prepared, content.references.baits, study.ranking.bait_decay, runtime
            )
        annotation_file = self._source(study.annotation)
        annotation = None
        if annotation_file:
            annotation = self.steps.run(prepare.read_descriptions, annotation_file, runtime).table
        tables = EvidenceArtifacts(
            correlation=correlation.evidence,
            refits=correlation.refits,
            importance=content.importance,
            homology=homology.evidence if homology else None,
            bait=bait,
        )
        ranked = self.steps.run(rank.rank_genes, genes, tables, annotation, study.ranking, runtime)
        notes = (*(homology.notes if homology else ()), *ranked.notes)
        return content.model_copy(update={"homology": homology, "ranked": ranked, "notes": (*content.notes, *notes)})

    def report(self, content: RunContent) -> RunContent:
        """Draw the ranking and write workbook and page."""
        if content.ranked is None:
            return content
        figures = self.steps.run(pictures.draw_ranking, content.ranked, self.study.ranking, self.runtime)
        content = content.model_copy(update={"figures": (*content.figures, *figures)})
        reported = self.steps.run(
            report.write_report, content.for_report(), report.without_execution(self.study), self.runtime
        )
        return content.model_copy(update={"reported": reported})

    def _homology(self, genes: Artifact, references: References) -> Homology | None:
        families = self.study.families
        if not families:
            return None
        files = {name: tuple(self._file(table) for table in family.tables) for name, family in families.items()}
        return self.steps.run(evidence.grade_families, genes, families, files, tuple(references.targets), self.runtime)

    def _job(self, prepared: PreparedStudy, plan: FoldPlan, name: str) -> FoldJob:
        study = self.study
        return FoldJob(
            fold=Fold(name=name, plan=plan.table),
            layers=prepared.prepared,
            sheet=prepared.sheet,
            shared=prepared.shared,
            labels=prepared.labels,
            widths={layer: hidden_widths_of(study, layer) for layer in study.layers},
            autoencoder=study.autoencoder,
            graph=study.graph,
            seed=study.seed,
        )

    def _paired(self, prepared: PreparedStudy) -> PairedLayers:
        return PairedLayers(
            genes=prepared.prepared[self.study.layer_with("genes")],
            metabolites=prepared.prepared[self.study.layer_with("metabolites")],
            sheet=prepared.sheet,
            shared=prepared.shared,
        )

    def _histories(self, folds: dict[str, FoldTraining]) -> tuple[Artifact, ...]:
        layers = [training.history for done in folds.values() for training in done.layers.values()]
        graphs = [done.graph.history for done in folds.values() if done.graph]
        return (*layers, *graphs)

    def _file(self, path: str) -> SourceFile:
        return SourceFile(path=str(self.folder / path))

    def _source(self, path: str | None) -> SourceFile | None:
        return None if path is None else self._file(path)
