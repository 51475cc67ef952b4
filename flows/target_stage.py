"""Stage 5: from evidence on the targets to the ranking, its negative controls and its cards."""

from flows.context import Context
from flows.homology_stage import Searches, grade, start_searches
from flows.steps import Step, all_results
from tasks import baits, cards, certainty, controls, evidence, pictures, prepare, rank
from tasks.records import (
    ControlScores,
    CorrelationEvidence,
    EvidenceArtifacts,
    GeneGraphTables,
    Homology,
    NullEvidence,
    PairedLayers,
    Ranked,
    Refits,
    RunContent,
    TargetInquiry,
    TargetQuestion,
)
from tasks.ui_artifacts import show_ranking


class Early:
    """Steps of evidence that needs nothing but the tables; graph and searches only where the study asks for them."""

    def __init__(
        self,
        correlation: Step[CorrelationEvidence],
        graph: Step[GeneGraphTables] | None,
        searches: Searches | None,
    ) -> None:
        self.correlation, self.graph, self.searches = correlation, graph, searches


def start_evidence(run: Context, content: RunContent) -> Early:
    """Stage 5, first third: evidence that needs nothing but the tables."""
    early = start_on_targets(run, content)
    return Early(early.correlation, early.graph, start_searches(run) if run.study.families else None)


def start_on_targets(run: Context, content: RunContent) -> Early:
    """Start what is asked of the prepared layers alone."""
    study, runtime, references = run.study, run.runtime, content.references
    correlation = run.steps.start(
        evidence.correlate_targets, run.paired(content), references.targets, _question(run), runtime
    )
    graph = None
    if study.baits:
        prepared = content.prepared.prepared[run.genes]
        graph = run.steps.start(baits.build_gene_graph, prepared, study.ranking.bait, runtime)
    return Early(correlation, graph, None)


def inquire(run: Context, content: RunContent, early: Early) -> tuple[RunContent, EvidenceArtifacts]:
    """Stage 5, second third: families and the baits that they give, and how sure the evidence on the targets is."""
    homology = grade(run, content, early.searches) if early.searches else None
    if homology:
        run.pictures.append(run.steps.start(pictures.draw_families, homology, run.runtime))
        content = content.model_copy(update={"homology": homology, "notes": (*content.notes, *homology.notes)})
    return weigh_evidence(run, _with_family_baits(run, content, homology), early)


def weigh_evidence(run: Context, content: RunContent, early: Early) -> tuple[RunContent, EvidenceArtifacts]:
    """Score the baits, and say how sure the evidence on the targets is."""
    runtime, config = run.runtime, run.study.ranking
    layers, question, homology = run.paired(content), _question(run), content.homology
    correlation = early.correlation.result()
    graph, bait, references = early.graph.result() if early.graph else None, None, content.references
    if graph and references.baits:
        bait = run.steps.run(baits.score_baits, layers.genes, graph, references.baits, config.bait, runtime)
    inquiry = TargetInquiry(correlation=correlation, graph=graph, bait=bait)
    nulls = [_start_null(run, layers, inquiry, {target: members}) for target, members in references.targets.items()]
    refits = [run.steps.start(certainty.refit_correlation, layers, references.targets, question, runtime)]
    if bait:
        sheet = content.prepared.sheet
        refits.append(run.steps.start(certainty.refit_baits, layers.genes, sheet, bait, config.bait, runtime))
    refitted, drawn = all_results(refits), tuple(all_results(nulls))
    tables = EvidenceArtifacts(
        correlation=correlation.evidence,
        null=run.steps.run(certainty.gather_nulls, drawn, runtime),
        refits=Refits(correlation=refitted[0], bait=refitted[1] if bait else None),
        importance=(),
        homology=homology.evidence if homology else None,
        bait=bait,
    )
    update = {
        "target_correlation": tables.null.best,
        "bait": bait,
        "gene_graph": graph,
        "notes": (*content.notes, *(bait.notes if bait else ())),
    }
    return content.model_copy(update=update), tables


def _start_null(
    run: Context, layers: PairedLayers, inquiry: TargetInquiry, target: dict[str, tuple[str, ...]]
) -> Step[NullEvidence]:
    """Start the null of one target, which a cluster may draw anywhere: targets do not wait for each other."""
    name = f"permute-groups-{'-'.join(target)}"
    task = certainty.permute_groups.with_options(task_run_name=name)
    bait, seed = run.study.ranking.bait, run.study.seed
    return run.steps.start_as(name, task, layers, inquiry, target, _question(run), bait, seed, run.runtime)


def rank_targets(run: Context, content: RunContent, tables: EvidenceArtifacts) -> RunContent:
    """Stage 5, last third: all evidence fused into the ranking, its negative controls and its cards."""
    config, runtime = run.study.ranking, run.runtime
    tables = tables.model_copy(update={"importance": content.importance})
    file, annotation = run.optional_file(run.study.annotation), content.annotation
    if file and annotation is None:
        annotation = run.steps.run(prepare.read_descriptions, file, runtime).table
    prepared = content.prepared
    layers = (prepared.raw[run.genes], prepared.prepared[run.genes], prepared.sheet)
    ranked = run.steps.run(rank.rank_genes, layers, content.plan, tables, annotation, config, run.study.seed, runtime)
    show_ranking(ranked, runtime)
    controls = _control(run, content, tables, ranked) if config.negative_controls else None
    written = None
    if config.cards:
        about = (config, run.study.correlation.method)
        layers_of, members = run.paired(content), content.references.targets
        written = run.steps.run(cards.write_cards, layers_of, members, tables, ranked, content.homology, about, runtime)
    run.pictures.append(run.steps.start(pictures.draw_ranking, ranked, controls, config, runtime))
    said = (*ranked.notes, *(controls.sentences.values() if controls else ()))
    update = {
        "annotation": annotation,
        "evidence": tables,
        "ranked": ranked,
        "controls": controls,
        "cards": written,
        "notes": (*content.notes, *said),
    }
    return content.model_copy(update=update)


def _control(run: Context, content: RunContent, tables: EvidenceArtifacts, ranked: Ranked) -> ControlScores:
    """Rank stand-ins of the targets and of the baits in the same way."""
    study, runtime, layers = run.study, run.runtime, run.paired(content)
    config = study.ranking
    chosen = run.steps.run(controls.choose_controls, layers, content.references, study.seed, runtime)
    correlation = bait = None
    if chosen.targets:
        correlating = evidence.correlate_targets.with_options(task_run_name="correlation-evidence-controls")
        correlation = run.steps.run(correlating, layers, chosen.targets, _question(run), runtime)
    if chosen.baits and content.gene_graph:
        graph = content.gene_graph
        scoring = baits.score_baits.with_options(task_run_name="bait-evidence-controls")
        bait = run.steps.run(scoring, layers.genes, graph, chosen.baits, config.bait, runtime)
    genes = content.prepared.raw[run.genes]
    return run.steps.run(controls.score_controls, genes, tables, ranked, correlation, bait, config, runtime)


def _with_family_baits(run: Context, content: RunContent, homology: Homology | None) -> RunContent:
    sources = run.study.bait_sources()
    if not sources or homology is None:
        return content
    genes = content.prepared.prepared[run.genes]
    found = run.steps.run(baits.add_family_baits, content.references, sources, homology, genes, run.runtime)
    return content.model_copy(update={"references": found, "notes": (*content.notes, *found.notes)})


def _question(run: Context) -> TargetQuestion:
    ranking, method = run.study.ranking, run.study.correlation.method
    return TargetQuestion(method=method, direction=ranking.direction, permutations=ranking.permutations)
