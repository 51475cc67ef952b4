"""What the figures of each stage are drawn from; imported only when something is drawn."""

import re
from collections.abc import Collection, Iterator
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from configs.artifact import Artifact
from configs.ranking import RankingConfig
from configs.study import CorrelationMethod
from models import figures, quality
from models.assembly import contributions
from models.conditions import label_columns
from models.figures import MEASURES, encode_figure
from models.fusion import additive
from models.heatmap import correlation_matrix
from models.methods import GRAPH
from tasks.records import ControlScores, FigureFiles, Homology, PairedLayers, PreparedStudy, Ranked, Validated
from tasks.store import Store

_HEATMAP_GENES, _HEATMAP_METABOLITES = 40, 30
_IMPORTANCES = (
    "Means over the folds. Reconstruction: how much of a gene's variance in held-out samples the autoencoder explains. "
    "Gradient: how much the latents respond to the gene. Graph: how much the graph network loses without the latents "
    "that the gene goes with. Kinds of importance that agree on nothing, Spearman near 0, do not confirm each other."
)
_TOP_GENES = (
    "Means over the folds with one standard deviation, and beside them the share of folds in which the gene is in the "
    "top 1%. The grey mark is what the permuted gene reaches on average. None of this sees a target: it "
    "is a prior, not an answer."
)

Picture = tuple[str, str, str, Figure]


def kept(pictures: Iterator[Picture], store: Store) -> tuple[FigureFiles, ...]:
    """Keep every picture as PNG, SVG and PDF, under a name that is safe as a file name."""
    files: dict[str, FigureFiles] = {}
    for wanted, title, caption, figure in pictures:
        name = _file_name(wanted, files)
        files[name] = FigureFiles(
            name=name,
            title=title,
            caption=caption,
            png=store.put(encode_figure(figure, format="png"), kind="figure", extension="png"),
            svg=store.put(encode_figure(figure, format="svg"), kind="figure", extension="svg"),
            pdf=store.put(encode_figure(figure, format="pdf"), kind="figure", extension="pdf"),
        )
    return tuple(files.values())


def _file_name(wanted: str, taken: Collection[str]) -> str:
    """Return a name of letters, digits, `_` and `-` that is not taken: labels are the user's own words."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", wanted)
    numbered = (plain if number == 1 else f"{plain}-{number}" for number in count(1))
    return next(name for name in numbered if name not in taken)


def importance_pictures(summary: Artifact, store: Store) -> Iterator[Picture]:
    """Draw the best genes by each importance, and the importances against each other."""
    table = store.get_table(summary)
    yield _picture("explain_top", "Genes that matter most to the networks", _TOP_GENES, figures.top_importance(table))
    means = table[["reconstruction", "gradient", "graph"]].dropna(axis="columns", how="all")
    drawn = figures.importance_scatter(means)
    yield _picture("explain_importance", "Importances against each other", _IMPORTANCES, drawn)


def quality_pictures(prepared: PreparedStudy, store: Store) -> Iterator[Picture]:
    """Draw library size, missing values, densities, sample correlation and principal components."""
    table, sheet = store.get_table(prepared.quality), store.get_table(prepared.sheet)
    raw = {name: store.get_layer(artifact, name) for name, artifact in prepared.raw.items()}
    ready = {
        name: store.get_layer(artifact, name).restricted_to(raw[name].sample_ids)  # in the order of the sheet
        for name, artifact in prepared.prepared.items()
    }
    missing = {name: quality.feature_missing(layer) for name, layer in raw.items()}
    yield _picture(
        "quality_missing_by_sample",
        "Missing values by sample",
        "Share of features without a value, before anything is filled in.",
        figures.missing_by_sample(table),
    )
    yield _picture(
        "quality_missing_by_feature",
        "Missing values by feature",
        "How many features lack a value, by the share of samples in which they lack it.",
        figures.missing_by_feature(missing),
    )
    for name, layer in ready.items():
        scores, explained = quality.principal_scores(layer.values)
        yield _picture(
            f"quality_library_size_{name}",
            f"Library size, {name}",
            "Sum of each sample's values as given. One that is far off is a failed or mislabelled sample, or holds a "
            "wrong value.",
            figures.library_sizes(table, name),
        )
        yield _picture(
            f"quality_density_{name}",
            f"Densities, {name}",
            "Every line is a sample. Before and after look alike where preparation takes the logarithm and no more.",
            figures.densities(
                _densities(quality.log_scale(raw[name].values)),
                _densities(layer.values),
                name,
                before_label="as given, log2(x + 1) where no value is negative",
            ),
        )
        yield _picture(
            f"quality_sample_correlation_{name}",
            f"Sample correlation, {name}",
            "Spearman correlation over all features, prepared. Replicates should form blocks.",
            figures.sample_correlation(quality.sample_correlation(layer.values), layer.sample_ids),
        )
        for label in prepared.labels or ("group",):
            yield _picture(
                f"quality_pca_{name}_{label}",
                f"Principal components, {name} by {label}",
                "Samples on the first two components of the prepared layer, named where there is room.",
                figures.principal_components(
                    scores, explained, layer.sample_ids, sheet.set_index("sample_id")[label], label
                ),
            )


def _densities(values: np.ndarray[Any, Any]) -> list[tuple[Any, Any]]:
    x, curves = quality.density(values)
    return [(x, curve) for curve in curves]


def training_pictures(histories: tuple[Artifact, ...], validated: Validated | None, store: Store) -> Iterator[Picture]:
    """Draw losses by epoch, and what held-out predictions reached."""
    history = pd.concat([store.get_table(artifact) for artifact in histories], ignore_index=True)
    yield _picture(
        "training_curves",
        "Loss by epoch",
        "Training samples dashed, early-stopping samples solid, a colour a fold. Training goes back to the dot. A "
        "solid line that does not fall means that what is learnt does not carry to other samples. The graph network "
        "stops by the share of early-stopping samples that are wrong, summed over the labels.",
        figures.training_curves(history),
    )
    if validated is None:
        return
    validation, table = store.get_table(validated.validation), store.get_table(validated.confusion)
    yield _picture(
        "validation",
        "Held-out balanced accuracy",
        "Each sample predicted by models trained without it, mean over the repeats. Thin lines: 95% of resamples of "
        "whole replicate groups and repeats. p: permuted labels. A method whose line crosses the dashed one may guess. "
        "Optimistic: replicates of the held-out samples were learnt from.",
        figures.validation_bars(validation, highlight=GRAPH),
    )
    for label in validation["label"].unique():
        yield _picture(
            f"validation_confusion_{label}",
            f"Confusion, {label}",
            "Held-out samples by true and predicted class, graph attention network, mean number over the repeats.",
            figures.confusion(table, str(label), GRAPH),
        )


def analysis_pictures(
    layers: PairedLayers,
    embedding: Artifact,
    pairs: Artifact,
    attention: Artifact | None,
    method: CorrelationMethod,
    store: Store,
) -> Iterator[Picture]:
    """Draw the latents by label, the strongest correlations, and the sample graph."""
    points, sheet = store.get_table(embedding), store.get_table(layers.sheet)
    labels = label_columns(sheet)
    for label in labels or ("group",):
        yield _picture(
            f"latents_{label}",
            f"Latents by {label}",
            "Final fit; a map shows what was learnt from these samples, not what holds for new ones.",
            figures.latent_maps(points, sheet, label),
        )
    listed = store.get_table(pairs)
    strongest = listed[listed["condition"] == "all samples"].head(5000)
    genes = list(dict.fromkeys(strongest["gene_id"]))[:_HEATMAP_GENES]
    metabolites = list(dict.fromkeys(strongest["metabolite_id"]))[:_HEATMAP_METABOLITES]
    if genes:
        rho = correlation_matrix(
            _rows(store, layers.genes, layers.shared, genes),
            _rows(store, layers.metabolites, layers.shared, metabolites),
            method=method,
        )
        yield _picture(
            "correlation_strongest",
            "Strongest gene-metabolite correlations",
            f"{MEASURES[method]} over all shared samples, for the genes and metabolites of the pairs with the "
            "smallest p. They are the strongest of all pairs and need not be of a target.",
            figures.strongest_heatmap(rho, genes, metabolites, measure=MEASURES[method]),
        )
    if attention is not None:
        plane = points[(points["method"] == "PCA") & (points["space"] == "all layers")]
        label = labels[0]
        yield _picture(
            "sample_graph",
            "Which samples the graph network listens to",
            f"Final fit, on the principal components of the latents, coloured by {label}.",
            figures.sample_graph(plane, store.get_table(attention), sheet.set_index("sample_id")[label]),
        )


def _rows(store: Store, artifact: Artifact, shared: tuple[str, ...], features: list[str]) -> np.ndarray[Any, Any]:
    layer = store.get_layer(artifact, "layer").restricted_to(shared)
    return layer.values[layer.positions_of(features)]


def ranking_pictures(
    ranked: Ranked, controls: ControlScores | None, config: RankingConfig, store: Store
) -> Iterator[Picture]:
    """Draw of each target the top genes, how far their ranks hold, the scores, false genes, and negative controls."""
    ranking, false = store.get_table(ranked.ranking), store.get_table(ranked.false_in_top)
    drawn = store.get_table(controls.table) if controls and controls.table else None
    for target, rows in ranking.groupby("target", sort=False):
        yield from _target_pictures(str(target), rows, ranked.weights[str(target)], config)
        yield _picture(
            f"ranking_false_{target}",
            f"How many of the best are false, {target}",
            "How many of the best would stand as high if no gene had to do with the target; dashed line: all of them. "
            "Genes of the pathway count as chance too, so the numbers are too high rather than too low.",
            figures.false_in_top(false[false["target"] == target]),
        )
        if drawn is not None and (drawn["target"] == target).any():
            yield _picture(
                f"ranking_controls_{target}",
                f"Negative controls, {target}",
                "The same ranking with metabolites and baits drawn at random, once. Scores come from ranks, so a "
                "control comes close by construction; the gap shows how far the evidences agree on the same genes.",
                figures.negative_controls(drawn[drawn["target"] == target]),
            )


def _target_pictures(
    target: str, rows: pd.DataFrame, weights: dict[str, float], config: RankingConfig
) -> Iterator[Picture]:
    if additive(config.fusion):
        yield _picture(
            f"ranking_top_{target}",
            f"Top genes, {target}",
            "What each evidence adds to the score. A gene that rests on a single colour deserves more doubt.",
            figures.top_genes(rows, contributions(rows, weights, config.fusion)),
        )
    yield _picture(
        f"ranking_intervals_{target}",
        f"Rank intervals, {target}",
        "Dot: rank with all samples. Bar: best and worst rank when one replicate group at a time is left out, and with "
        "it the networks that learnt from it; a dot off its bar needs all of them.",
        figures.rank_intervals(rows),
    )
    yield _picture(
        f"ranking_scores_{target}",
        f"Score by rank, {target}",
        "Every gene; a kink near the top sets the best genes apart.",
        figures.score_curve(rows),
    )


def family_pictures(homology: Homology, store: Store) -> Iterator[Picture]:
    """Draw the domains of each family's best genes; a family without positions in proteins has no picture."""
    for family, artifact in homology.hits.items():
        domains = store.get_table(homology.domains[family])
        if domains["start"].notna().any():
            yield _picture(
                f"family_{family}",
                f"Domains, {family}",
                "Proteins of the best genes to scale, dashed where only the end of the last alignment is known. Boxes "
                "on the line are what the score adds up; pale ones below it do not count.",
                figures.family_domains(store.get_table(artifact), domains),
            )


def _picture(name: str, title: str, caption: str, figure: Figure) -> Picture:
    return name, title, caption, figure
