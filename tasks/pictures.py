"""Figures of every stage, each as PNG, SVG and PDF."""

from configs.artifact import Artifact, Runtime
from configs.ranking import RankingConfig
from configs.study import CorrelationMethod
from tasks.records import ControlScores, FigureFiles, Homology, PairedLayers, PreparedStudy, Ranked, Validated
from tasks.stage import stage
from tasks.store import Store

Pictures = tuple[FigureFiles, ...]


@stage("draw-quality")
def draw_quality(prepared: PreparedStudy, runtime: Runtime) -> Pictures:
    """Draw library size, missing values, principal components, sample correlation and densities."""
    from tasks.drawings import kept, quality_pictures

    store = Store(runtime.store)
    return kept(quality_pictures(prepared, store), store)


@stage("draw-training")
def draw_training(histories: tuple[Artifact, ...], validated: Validated | None, runtime: Runtime) -> Pictures:
    """Draw losses by epoch, and what held-out predictions reached."""
    from tasks.drawings import kept, training_pictures

    store = Store(runtime.store)
    return kept(training_pictures(histories, validated, store), store)


@stage("draw-analysis")
def draw_analysis(
    layers: PairedLayers,
    embedding: Artifact,
    pairs: Artifact,
    attention: Artifact | None,
    method: CorrelationMethod,
    runtime: Runtime,
) -> Pictures:
    """Draw the latents by label, the strongest correlations, and the sample graph."""
    from tasks.drawings import analysis_pictures, kept

    store = Store(runtime.store)
    return kept(analysis_pictures(layers, embedding, pairs, attention, method, store), store)


@stage("draw-importance")
def draw_importance(summary: Artifact, runtime: Runtime) -> Pictures:
    """Draw the best genes by each importance, and the importances against each other."""
    from tasks.drawings import importance_pictures, kept

    store = Store(runtime.store)
    return kept(importance_pictures(summary, store), store)


@stage("draw-ranking")
def draw_ranking(ranked: Ranked, controls: ControlScores | None, config: RankingConfig, runtime: Runtime) -> Pictures:
    """Draw of each target the top genes, how far their ranks hold, the scores, false genes, and negative controls."""
    from tasks.drawings import kept, ranking_pictures

    store = Store(runtime.store)
    return kept(ranking_pictures(ranked, controls, config, store), store)


@stage("draw-families")
def draw_families(homology: Homology, runtime: Runtime) -> Pictures:
    """Draw where the members of each family lie in the proteins of its best genes."""
    from tasks.drawings import family_pictures, kept

    store = Store(runtime.store)
    return kept(family_pictures(homology, store), store)
