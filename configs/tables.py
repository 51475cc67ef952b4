"""Table contracts: what every Parquet kind holds, column by column."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Dtype = Literal["string", "float32", "float64", "int32", "int64", "bool"]


class Column(BaseModel):
    """One column: `unit` is free text, `nullable` says whether a value may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: Dtype
    unit: str = ""
    nullable: bool = False


class TableContract(BaseModel):
    """What a Parquet kind holds.

    `further` is the dtype of the columns beyond the named ones (samples of a layer, labels of a sample sheet,
    dimensions of a latent); without it no further column is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    schema_version: int
    columns: tuple[Column, ...]
    further: Dtype | None = None


def _text(name: str, *, nullable: bool = False) -> Column:
    return Column(name=name, dtype="string", nullable=nullable)


def _number(name: str, unit: str = "", *, nullable: bool = False) -> Column:
    return Column(name=name, dtype="float64", unit=unit, nullable=nullable)


def _count(name: str, unit: str = "", *, nullable: bool = False) -> Column:
    return Column(name=name, dtype="int64", unit=unit, nullable=nullable)


def _contract(kind: str, *columns: Column, further: Dtype | None = None, version: int = 1) -> TableContract:
    return TableContract(kind=kind, schema_version=version, columns=columns, further=further)


_RHO = _number("rho", "correlation by the study's method, -1 to 1")
_DESIGN_COLUMNS = (
    _number("rho_between", "the method's correlation of group means, -1 to 1", nullable=True),
    _number("rho_within", "correlation of what group means leave, -1 to 1", nullable=True),
    _number("rho_given_batch", "correlation of what batch means leave, -1 to 1", nullable=True),
    _count("n_groups", "replicate groups of the samples"),
)
"""Beside each correlation, what the design makes of it."""


def _spread(name: str, unit: str) -> tuple[Column, Column, Column]:
    """Return the columns of a measure over fits."""
    return (
        _number(name, unit, nullable=True),
        _number(f"{name}_sd", "standard deviation over the fits", nullable=True),
        _number(f"{name}_top", "share of fits in the top 1% (at least 25 genes)", nullable=True),
    )


_ATTRIBUTION = "standard deviations of the predicted target for one of the gene, mean over held-out samples"
_PERTURBATION = "change of the reconstructed gene, standard deviations, for one of the target's metabolites"

EVIDENCES = ("correlation", "autoencoder", "graph", "homology", "bait")
"""Names of the evidences, in the order of the ranking's columns."""
TARGET_EVIDENCES = ("correlation", "homology", "bait")
"""Evidences on a target: another target, another ranking."""
GLOBAL_EVIDENCES = ("autoencoder", "graph")
"""Evidences on genes in general, the same for every target: a prior."""

_CONTRACTS = (
    # A layer: features down, one float32 column a sample; missing values are NaN.
    _contract("layer", _text("feature_id"), further="float32"),
    # The sample sheet; further columns are labels.
    _contract(
        "samples",
        _text("sample_id"),
        _text("group"),
        _text("batch", nullable=True),
        _number("time", nullable=True),
        further="string",
    ),
    _contract(
        "qc",
        _text("layer"),
        _text("sample_id"),
        _number("library_size", "sum of the values as given"),
        _count("features_detected", "features above zero"),
        _number("missing_share", "share of features"),
        _number("zero_share", "share of features"),
        _number("median", "prepared scale", nullable=True),
        _number("mean_correlation", "mean Spearman with the other samples", nullable=True),
    ),
    _contract("dropped", _text("layer"), _text("feature_id"), _text("reason")),
    # One row a fold and sample; role is train, inner (early stopping) or held_out. The scheme is grouped,
    # leave_one_group_out, replicate_split (optimistic) or final, which is in no repeat.
    _contract(
        "folds",
        _text("fold"),
        _count("repeat", "from 1; 0 for the final fit"),
        _text("scheme"),
        _text("sample_id"),
        _text("group"),
        _text("role"),
    ),
    # Which classes a fold of whole groups can both learn and hold out.
    _contract(
        "label_design",
        _text("label"),
        _text("class"),
        _count("n_samples"),
        _count("n_groups", "replicate groups that have the class"),
        Column(name="within_groups", dtype="bool", unit="the label varies within a replicate group"),
        Column(name="predictable", dtype="bool", unit="with whole groups held out"),
    ),
    _contract(
        "history",
        _text("fold"),
        _text("part"),
        _count("epoch"),
        _number("train_loss", "mean squared error or cross-entropy"),
        _number("inner_loss", "mean squared error, or class-weighted share of wrong samples", nullable=True),
    ),
    # Latents of one fold: one row a layer and sample, one float32 column a dimension (z000, z001, ...).
    _contract(
        "latents",
        _text("fold"),
        _text("layer"),
        _text("sample_id"),
        Column(name="held_out", dtype="bool"),
        further="float32",
    ),
    _contract(
        "predictions",
        _text("fold"),
        _count("repeat", "from 1; 0 for the final fit"),
        _text("scheme"),
        _text("label"),
        _text("method"),
        _text("sample_id"),
        _text("truth"),
        _text("predicted"),
        _number("probability", "of the predicted class"),
    ),
    # Labels that permuting made, by draw; null where the label is missing.
    _contract(
        "label_draws", _text("label"), _count("draw", "from 0"), _text("sample_id"), _text("class", nullable=True)
    ),
    # Held-out predictions of permuted labels; truth is the permuted class.
    _contract(
        "null_predictions",
        _text("fold"),
        _text("label"),
        _text("method"),
        _count("draw", "from 0"),
        _text("sample_id"),
        _text("truth"),
        _text("predicted"),
    ),
    # Held-out scores, mean over the repeats; low and high bound 95% of resamples of whole groups and repeats.
    _contract(
        "validation",
        _text("label"),
        _text("method"),
        _text("scheme"),
        Column(name="optimistic", dtype="bool", unit="replicates of held-out samples were learnt from"),
        _count("n_samples", "held-out samples"),
        _count("n_groups"),
        _count("n_classes"),
        _count("n_repeats"),
        _number("balanced_accuracy", "0 to 1"),
        _number("low", "0 to 1"),
        _number("high", "0 to 1"),
        _number("p", "permuted labels, first repeat", nullable=True),
        _number("accuracy", "0 to 1"),
        _number("macro_f1", "0 to 1"),
        _number("mcc", "-1 to 1"),
    ),
    _contract(
        "confusion",
        _text("label"),
        _text("scheme"),
        _text("method"),
        _text("truth"),
        _text("predicted"),
        _number("n_samples", "mean over the repeats"),
    ),
    _contract(
        "label_null",
        _text("label"),
        _text("method"),
        _count("draw", "from 0"),
        _number("balanced_accuracy", "0 to 1"),
    ),
    # One row a label: do the latents carry it, and does the graph add anything to plain methods on the same latents?
    _contract(
        "verdicts",
        _text("label"),
        _text("scheme"),
        Column(name="optimistic", dtype="bool", unit="replicates of held-out samples were learnt from"),
        Column(name="carried", dtype="bool", unit="p of the best method on latents is at most 0.05"),
        _text("best_method"),
        _text("plain_method", nullable=True),
        _number("chance", "0 to 1"),
        _number("balanced_accuracy", "of the best method, 0 to 1"),
        _number("low", "0 to 1"),
        _number("high", "0 to 1"),
        _number("p", "permuted labels, best of the methods on latents", nullable=True),
        _number("smallest_p", "that the design allows", nullable=True),
        _number("graph_gain", "balanced accuracy above the better plain method", nullable=True),
        _number("graph_gain_low", nullable=True),
        _number("graph_gain_high", nullable=True),
        _text("sentence"),
    ),
    # Node attention: how much `target_sample` listened to `source_sample` (mean over heads).
    _contract(
        "attention", _text("fold"), _text("source_sample"), _text("target_sample"), _number("attention", "0 to 1")
    ),
    _contract("embedding", _text("method"), _text("space"), _text("sample_id"), _number("x"), _number("y")),
    # Gene-metabolite pairs that pass the false discovery rate; condition is `label=value`, or `all samples`.
    _contract(
        "pairs",
        _text("condition"),
        _text("gene_id"),
        _text("metabolite_id"),
        _count("n_samples"),
        _RHO,
        _number("p", "two-sided"),
        _number("q", "Benjamini-Hochberg over all pairs of the condition"),
        *_DESIGN_COLUMNS,
        version=2,
    ),
    # Strongest partners over all samples, whatever passes: side is `gene` or `metabolite`, whose partners these are.
    _contract(
        "top_pairs",
        _text("side"),
        _count("rank", "from 1"),
        _text("gene_id"),
        _text("metabolite_id"),
        _count("n_samples"),
        _RHO,
        _number("p", "two-sided"),
        *_DESIGN_COLUMNS,
        version=2,
    ),
    # Each gene with the metabolite of the target that it correlates with most strongly.
    _contract(
        "target_correlation",
        _text("target"),
        _text("gene_id"),
        _text("metabolite_id"),
        _count("n_samples"),
        _RHO,
        _number("p", "permutation of whole groups"),
        *_DESIGN_COLUMNS,
    ),
    _contract(
        "conditions",
        _text("condition"),
        _count("n_samples"),
        _count("n_pairs", "pairs tested"),
        _count("n_passing", "pairs with q <= alpha"),
        _number("smallest_p", nullable=True),
    ),
    # Per gene: importances of one fold, on its held-out samples.
    _contract(
        "importance",
        _text("fold"),
        _text("gene_id"),
        _number("reconstruction", "held-out explained variance, 1 at best", nullable=True),
        _number("gradient", "root mean square of dz/dx, or integrated gradient, standardised latents", nullable=True),
        _number("graph", "held-out loss increase, carried by |correlation|", nullable=True),
    ),
    # Per gene: what the autoencoder makes of one fold's held-out samples, scaled; one further column a sample.
    _contract("reconstructed", _text("gene_id"), further="float32"),
    # Per gene: importances over all fits, one a fold and repeat.
    _contract(
        "importance_summary",
        _text("gene_id"),
        *(column for name in ("reconstruction", "gradient", "graph") for column in _spread(name, "mean over the fits")),
        _number("reconstruction_pooled", "explained variance of all held-out samples of a repeat", nullable=True),
        _number("reconstruction_null", "mean of the same with the gene's groups permuted", nullable=True),
        _number("reconstruction_p", "share of permutations that reach reconstruction_pooled", nullable=True),
        _count("n_fits"),
    ),
    # Per gene and target: what one fold says, on its held-out samples.
    _contract(
        "target_importance",
        _text("fold"),
        _text("target"),
        _text("gene_id"),
        _number("attribution", _ATTRIBUTION, nullable=True),
        _number("perturbation", _PERTURBATION, nullable=True),
    ),
    # How well one fold's held-out samples were predicted by what the method rests on.
    _contract(
        "target_fits",
        _text("fold"),
        _text("target"),
        _text("method"),
        _count("n_samples", "held-out samples"),
        _number("squared_error", "sum over held-out samples"),
        _number("total_square", "the same of guessing the training mean"),
    ),
    # Whether a method may speak for a target; r2 is the mean over repeats, each pooled over its folds.
    _contract(
        "target_gates",
        _text("target"),
        _text("method"),
        _number("r2", "held-out, 1 at best, 0 is the training mean", nullable=True),
        _count("n_samples", "held-out predictions"),
        _count("n_folds"),
        Column(name="opened", dtype="bool"),
    ),
    _contract(
        "target_summary",
        _text("target"),
        _text("gene_id"),
        *_spread("attribution", _ATTRIBUTION),
        *_spread("perturbation", _PERTURBATION),
        _count("n_fits"),
    ),
    # Per gene and target; a gene without the evidence has a null.
    _contract(
        "evidence",
        _text("target"),
        _text("gene_id"),
        _number("value", nullable=True),
        _number("strength", "what the rank is taken from; larger is stronger", nullable=True),
        _number("p", nullable=True),
        _text("detail", nullable=True),
    ),
    # Strength of the correlation without each fold's samples: one further column a fold.
    _contract("refits", _text("target"), _text("gene_id"), further="float64"),
    _contract(
        "homology_hits",
        _text("family"),
        _text("gene_id"),
        _text("best_member"),
        _number("evalue"),
        _number("bit_score", "bits"),
        _number("coverage", "share of the profile or reference, 0 to 1", nullable=True),
        _number("grade", "0 to 1"),
    ),
    _contract("annotation", _text("gene_id"), _text("description", nullable=True)),
    _contract(
        "ranking",
        _text("target"),
        _count("rank"),
        _text("gene_id"),
        _number("score", nullable=True),
        _number("p", "permutation of whole groups", nullable=True),
        _number("q", "Benjamini-Hochberg within the target", nullable=True),
        _number("stability", "share of leave-one-fold-out refits in the top 1%", nullable=True),
        *(_number(name, nullable=True) for name in EVIDENCES),
        *(_number(f"{name}_rank01", "0 to 1", nullable=True) for name in EVIDENCES),
        _count("direction", "sign of the strongest correlation", nullable=True),
        _text("best_metabolite", nullable=True),
        _text("family", nullable=True),
        _text("description", nullable=True),
    ),
    # How well left-out baits are found; kind is `evidence` (alone), `fusion` (the weights given) or `calibrated`.
    _contract(
        "leave_one_out",
        _text("target"),
        _text("method"),
        _text("kind"),
        _count("n_baits"),
        _number("auc", "0 to 1, mean over the left-out baits"),
        _number("auc_low", "95% bootstrap over baits"),
        _number("auc_high"),
        _number("recall_100", "share of left-out baits in the first 100"),
        _number("top_1_percent", "share of left-out baits in the first 1%"),
        _number("top_low", "95% bootstrap over baits"),
        _number("top_high"),
        _number("median_rank"),
        _number("weight", "calibrated, of an evidence; 0 where it does not help", nullable=True),
        _text("verdict", nullable=True),
    ),
    _contract(
        "scores",
        _text("target"),
        _count("n_true", "truth genes in the ranking"),
        _count("n_genes"),
        _number("auc", "0 to 1"),
        _number("recall_25", "0 to 1"),
        _number("recall_100", "0 to 1"),
        _number("enrichment_top_1_percent", "times chance"),
        _number("median_rank"),
    ),
)

CONTRACTS: dict[str, TableContract] = {contract.kind: contract for contract in _CONTRACTS}
