"""A finished run as others may have it: the same records, from tables without names, free text and small counts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from configs.artifact import Artifact, Runtime
from configs.homology import FamilyConfig, HomologyConfig
from configs.sharing import SHARING, NameKind
from configs.study import DEFAULT_ROLES, FINAL, LayerConfig, SamplesConfig, StudyConfig
from tasks import pictures
from tasks.records import (
    BaitEvidence,
    ControlScores,
    Correlations,
    FigureFiles,
    FinishedRun,
    FoldPlan,
    FoldTraining,
    GeneGraphTables,
    GraphTraining,
    Homology,
    ImportanceSummary,
    LayerTraining,
    PairedLayers,
    PreparedStudy,
    Ranked,
    References,
    RunContent,
    TargetSummary,
    Validated,
)
from tasks.records import Cards as CardTables
from tasks.store import Store

if TYPE_CHECKING:
    import pandas as pd

    from models.shared_tables import Sharing

WITHHELD = "withheld"


class SharedRun:
    """The records of a run for others, each from tables that are written anew into a store of their own.

    Only what a bundle shows is made; all else is left out, or a reference to an empty object where a record asks for
    one. So nothing gets into a bundle that is not named here.
    """

    def __init__(self, finished: FinishedRun, sharing: "Sharing", runtime: Runtime) -> None:
        self._finished, self._sharing, self._runtime = finished, sharing, runtime
        self._from, self._to = Store(finished.store), Store(runtime.store)
        self._nothing = self._to.put(b"{}\n", kind=WITHHELD, extension="json")

    def tables(self) -> RunContent:
        """Return all that a bundle shows, but figures, page and workbook."""
        whole = self._finished.content
        return RunContent(
            prepared=self._prepared(whole.prepared),
            references=self._references(whole.references),
            plan=self._plan(whole.plan),
            folds=self._folds(whole.folds),
            validated=self._validated(whole.validated),
            embedding=self._optional(whole.embedding),
            correlations=self._correlations(whole.correlations),
            target_correlation=self._optional(whole.target_correlation),
            importance_summary=self._importance(whole.importance_summary),
            targets_explained=self._targets(whole.targets_explained),
            homology=self._homology(whole.homology),
            bait=self._bait(whole.bait),
            gene_graph=self._graph(whole.gene_graph),
            ranked=self._ranked(whole.ranked),
            controls=self._controls(whole.controls),
            cards=self._cards(whole.cards),
        )

    def study(self) -> StudyConfig:
        """Return the settings without names and places."""
        study, name = self._finished.study, self._sharing.name
        layers = {
            name("layer", layer): LayerConfig(
                path=WITHHELD, role=study.role(layer), unit=study.unit(layer), zeros=config.zeros
            )
            for layer, config in study.layers.items()
        }
        widths = {name("layer", layer): hidden for layer, hidden in study.autoencoder.widths.items()}
        families = {name("family", family): _without_names(config) for family, config in study.families.items()}
        update = {
            "study": name("study", study.study),
            "layers": layers,
            "samples": SamplesConfig(),
            "targets": {},
            "baits": {},
            "families": families,
            "homology": HomologyConfig(
                proteins=WITHHELD if study.homology.sequences else None,
                program=study.homology.program,
                thresholds=study.homology.thresholds,
            ),
            "annotation": None,
            "autoencoder": study.autoencoder.model_copy(update={"widths": widths}),
        }
        return study.model_copy(update=update)

    def _table(self, artifact: Artifact, *, layer: str = "", sharing: "Sharing | None" = None) -> Artifact:
        from models.shared_tables import share_table

        frame: pd.DataFrame = self._from.get_table(artifact)
        shared = share_table(frame, artifact.kind, sharing or self._sharing, layer=layer)
        return self._to.put_table(shared, artifact.kind, held_back=True)

    def _optional(self, artifact: Artifact | None) -> Artifact | None:
        return None if artifact is None else self._table(artifact)

    def _empty(self, artifact: Artifact) -> Artifact:
        """Return a table without rows, for what is read and not to be shown."""
        return self._to.put_table(self._from.get_table(artifact).head(0), artifact.kind)

    def _if_shared(self, artifact: Artifact) -> Artifact:
        return self._empty(artifact) if SHARING[artifact.kind].withheld else self._table(artifact)

    def _layers(self, layers: Mapping[str, Artifact]) -> dict[str, Artifact]:
        return {self._sharing.name("layer", name): self._table(table, layer=name) for name, table in layers.items()}

    def _prepared(self, prepared: PreparedStudy) -> PreparedStudy:
        from models.shared_tables import SmallClasses

        pseudonyms = self._sharing.pseudonyms
        return PreparedStudy(
            sheet=self._table(prepared.sheet),
            raw=self._layers(prepared.raw),
            prepared=self._layers(prepared.prepared),
            trainable={},
            quality=self._table(prepared.quality),
            dropped=self._table(prepared.dropped),
            shared=pseudonyms.of_all("sample", prepared.shared),
            labels=pseudonyms.of_all("label", prepared.labels),
            notes=(),
            design=self._table(prepared.sheet, sharing=replace(self._sharing, small=SmallClasses())),
        )

    def _references(self, references: References) -> References:
        by_target = self._by_target
        targets, baits = by_target("metabolite", references.targets), by_target("gene", references.baits)
        return References(targets=targets, baits=baits, notes=())

    def _by_target(self, kind: NameKind, named: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        pseudonyms = self._sharing.pseudonyms
        return {pseudonyms.of("target", target): pseudonyms.of_all(kind, names) for target, names in named.items()}

    def _plan(self, plan: FoldPlan) -> FoldPlan:
        return FoldPlan(table=self._nothing, labels=self._table(plan.labels), folds=(), split=(), notes=())

    def _folds(self, folds: Mapping[str, FoldTraining]) -> dict[str, FoldTraining]:
        """Return losses of every fold, and latents and attention of the final fit."""
        return {
            name: FoldTraining(
                fold=name,
                layers={
                    self._sharing.name("layer", layer): self._training(layer, training, is_final=name == FINAL)
                    for layer, training in fold.layers.items()
                },
                graph=self._graph_training(fold.graph, is_final=name == FINAL),
            )
            for name, fold in folds.items()
        }

    def _training(self, layer: str, training: LayerTraining, *, is_final: bool) -> LayerTraining:
        update = {
            "layer": self._sharing.name("layer", layer),
            "weights": self._nothing,
            "latents": self._table(training.latents) if is_final else self._nothing,
            "principal": self._nothing,
            "history": self._table(training.history),
            "note": "",
            "device": WITHHELD,
        }
        return training.model_copy(update=update)

    def _graph_training(self, graph: GraphTraining | None, *, is_final: bool) -> GraphTraining | None:
        if graph is None:
            return None
        return GraphTraining(
            weights=self._nothing,
            predictions=self._nothing,
            attention=self._table(graph.attention) if is_final else self._nothing,
            history=self._table(graph.history),
            latent_importance=(),
        )

    def _validated(self, validated: Validated | None) -> Validated | None:
        if validated is None:
            return None
        return Validated(
            validation=self._table(validated.validation),
            predictions=self._nothing,
            confusion=self._empty(validated.confusion),
            null=self._table(validated.null),
            verdicts=self._table(validated.verdicts),
            sentences=(),
        )

    def _correlations(self, found: Correlations | None) -> Correlations | None:
        if found is None:
            return None
        tables = {name: self._table(getattr(found, name)) for name in ("pairs", "listed", "top", "conditions")}
        return Correlations(**tables, notes=())

    def _importance(self, summary: ImportanceSummary | None) -> ImportanceSummary | None:
        return None if summary is None else ImportanceSummary(table=self._table(summary.table), notes=())

    def _targets(self, summary: TargetSummary | None) -> TargetSummary | None:
        if summary is None:
            return None
        return TargetSummary(table=self._table(summary.table), gates=self._table(summary.gates), evidence={}, notes=())

    def _homology(self, homology: Homology | None) -> Homology | None:
        if homology is None:
            return None
        pseudonyms = self._sharing.pseudonyms
        return Homology(
            hits={pseudonyms.of("family", family): self._table(table) for family, table in homology.hits.items()},
            domains={pseudonyms.of("family", family): self._empty(table) for family, table in homology.domains.items()},
            gene_families=self._table(homology.gene_families),
            serving=self._by_target("family", homology.serving),
            evidence=self._nothing,
            searches=(),
            notes=(),
        )

    def _bait(self, bait: BaitEvidence | None) -> BaitEvidence | None:
        if bait is None:
            return None
        return BaitEvidence(evidence=self._nothing, parts=self._table(bait.parts), closeness={}, notes=())

    def _graph(self, graph: GeneGraphTables | None) -> GeneGraphTables | None:
        return None if graph is None else GeneGraphTables(edges=self._table(graph.edges), reach=self._nothing)

    def _ranked(self, ranked: Ranked | None) -> Ranked | None:
        if ranked is None:
            return None
        weights = {self._sharing.pseudonyms.of("target", target): own for target, own in ranked.weights.items()}
        return Ranked(
            ranking=self._table(ranked.ranking),
            weights=weights,
            false_in_top=self._table(ranked.false_in_top),
            leave_one_out=self._optional(ranked.leave_one_out),
            verdicts={},
            notes=(),
        )

    def _controls(self, controls: ControlScores | None) -> ControlScores | None:
        return None if controls is None else ControlScores(table=self._optional(controls.table), sentences={})

    def _cards(self, cards: CardTables | None) -> CardTables | None:
        if cards is None:
            return None
        tables = {name: getattr(cards, name) for name in type(cards).model_fields}
        return CardTables.model_validate({name: self._if_shared(table) for name, table in tables.items()})

    def figures(self, content: RunContent) -> tuple[FigureFiles, ...]:
        """Draw anew, from what others may have, all figures but those of domains and of confused classes."""
        runtime, prepared = self._runtime, content.prepared
        drawn = [*pictures.draw_quality.fn(prepared, runtime)]
        if content.folds:
            histories = tuple(training.history for fold in content.folds.values() for training in _trainings(fold))
            training = pictures.draw_training.fn(histories, content.validated, runtime)
            drawn += [figure for figure in training if "confusion" not in figure.name]
        if content.importance_summary:
            drawn += pictures.draw_importance.fn(content.importance_summary.table, runtime)
        if content.ranked:
            ranking = self._finished.study.ranking
            drawn += pictures.draw_ranking.fn(content.ranked, content.controls, ranking, runtime)
        if content.embedding and content.correlations:
            final = content.folds.get(FINAL)
            attention = final.graph.attention if final and final.graph else None
            pairs = content.correlations.pairs
            paired, method = self._paired(prepared), self._finished.study.correlation.method
            drawn += pictures.draw_analysis.fn(paired, content.embedding, pairs, attention, method, runtime)
        return tuple(drawn)

    def _paired(self, prepared: PreparedStudy) -> PairedLayers:
        study = self._finished.study
        genes, metabolites = (
            prepared.prepared[self._sharing.name("layer", study.layer_with(role))] for role in ("genes", "metabolites")
        )
        return PairedLayers(genes=genes, metabolites=metabolites, sheet=prepared.sheet, shared=prepared.shared)


def _trainings(fold: FoldTraining) -> tuple[LayerTraining | GraphTraining, ...]:
    return (*fold.layers.values(), *((fold.graph,) if fold.graph else ()))


def _without_names(config: FamilyConfig) -> FamilyConfig:
    """Return what counts as a hit, and of what kind the files of a family are."""
    files = {
        kind: (WITHHELD,) if given else ()
        for kind, given in (
            ("tables", config.tables),
            ("profiles", config.profiles),
            ("references", config.references),
        )
    }
    return FamilyConfig(max_evalue=config.max_evalue, **files)


def own_layers(study: StudyConfig) -> frozenset[str]:
    """Return the layers whose names are Cairn's own."""
    return frozenset(DEFAULT_ROLES) & frozenset(study.layers)
