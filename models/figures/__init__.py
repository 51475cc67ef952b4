"""Figures for people: arrays and frames in, matplotlib figures out, drawn without pyplot."""

from models.figures.correlation import MEASURES, importance_scatter, strongest_heatmap
from models.figures.families import family_domains
from models.figures.importance import top_importance
from models.figures.latents import latent_maps
from models.figures.quality import (
    densities,
    library_sizes,
    missing_by_feature,
    missing_by_sample,
    principal_components,
    sample_correlation,
)
from models.figures.ranking import false_in_top, negative_controls, rank_intervals, score_curve, top_genes
from models.figures.style import encode_figure
from models.figures.training import confusion, sample_graph, training_curves, validation_bars

__all__ = [
    "MEASURES",
    "confusion",
    "densities",
    "encode_figure",
    "false_in_top",
    "family_domains",
    "importance_scatter",
    "latent_maps",
    "library_sizes",
    "missing_by_feature",
    "missing_by_sample",
    "negative_controls",
    "principal_components",
    "rank_intervals",
    "sample_correlation",
    "sample_graph",
    "score_curve",
    "strongest_heatmap",
    "top_genes",
    "top_importance",
    "training_curves",
    "validation_bars",
]
