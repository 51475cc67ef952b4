"""Table contracts: what every Parquet kind holds, column by column."""

from configs.change_tables import CHANGE_CONTRACTS
from configs.columns import Column, TableContract, contract, count, number, text
from configs.homology_tables import HOMOLOGY_CONTRACTS
from configs.ranking_tables import RANKING_CONTRACTS

_RHO = number("rho", "correlation by the study's method, -1 to 1")
_DESIGN_COLUMNS = (
    number("rho_between", "the method's correlation of group means, -1 to 1", nullable=True),
    number("rho_within", "correlation of what group means leave, -1 to 1", nullable=True),
    number("rho_given_batch", "correlation of what batch means leave, -1 to 1", nullable=True),
    count("n_groups", "replicate groups of the samples"),
)
"""Beside each correlation, what the design makes of it."""


def _spread(name: str, unit: str) -> tuple[Column, Column, Column]:
    """Return the columns of a measure over fits."""
    return (
        number(name, unit, nullable=True),
        number(f"{name}_sd", "standard deviation over the fits", nullable=True),
        number(f"{name}_top", "share of fits in the top 1% (at least 25 genes)", nullable=True),
    )


_ATTRIBUTION = "standard deviations of the predicted target for one of the gene, mean over held-out samples"
_PERTURBATION = "change of the reconstructed gene, standard deviations, for one of the target's metabolites"

_CONTRACTS = (
    # A layer: features down, one float32 column a sample; missing values are NaN.
    contract("layer", text("feature_id"), further="float32"),
    # The sample sheet; further columns are labels. Samples without a series are one, as far as they have times.
    contract(
        "samples",
        text("sample_id"),
        text("group"),
        text("batch", nullable=True),
        number("time", nullable=True),
        text("series", nullable=True),
        further="string",
        version=2,
    ),
    contract(
        "qc",
        text("layer"),
        text("sample_id"),
        number("library_size", "sum of the values as given"),
        count("features_detected", "features above zero"),
        number("missing_share", "share of features"),
        number("zero_share", "share of features"),
        number("median", "prepared scale", nullable=True),
        number("mean_correlation", "mean Spearman with the other samples", nullable=True),
    ),
    contract("dropped", text("layer"), text("feature_id"), text("reason")),
    # One row a fold and sample; role is train, inner (early stopping) or held_out. The scheme is grouped,
    # leave_one_group_out, replicate_split (optimistic) or final, which is in no repeat.
    contract(
        "folds",
        text("fold"),
        count("repeat", "from 1; 0 for the final fit"),
        text("scheme"),
        text("sample_id"),
        text("group"),
        text("role"),
    ),
    # Which classes a fold of whole groups can both learn and hold out.
    contract(
        "label_design",
        text("label"),
        text("class"),
        count("n_samples"),
        count("n_groups", "replicate groups that have the class"),
        Column(name="within_groups", dtype="bool", unit="the label varies within a replicate group"),
        Column(name="predictable", dtype="bool", unit="with whole groups held out"),
    ),
    contract(
        "history",
        text("fold"),
        text("part"),
        count("epoch"),
        number("train_loss", "mean squared error or cross-entropy"),
        number("inner_loss", "mean squared error, or class-weighted share of wrong samples", nullable=True),
    ),
    # Latents of one fold: one row a layer and sample, one float32 column a dimension (z000, z001, ...).
    contract(
        "latents",
        text("fold"),
        text("layer"),
        text("sample_id"),
        Column(name="held_out", dtype="bool"),
        further="float32",
    ),
    contract(
        "predictions",
        text("fold"),
        count("repeat", "from 1; 0 for the final fit"),
        text("scheme"),
        text("label"),
        text("method"),
        text("sample_id"),
        text("truth"),
        text("predicted"),
        number("probability", "of the predicted class"),
    ),
    # Labels that permuting made, by draw; null where the label is missing.
    contract("label_draws", text("label"), count("draw", "from 0"), text("sample_id"), text("class", nullable=True)),
    # Held-out predictions of permuted labels; truth is the permuted class.
    contract(
        "null_predictions",
        text("fold"),
        text("label"),
        text("method"),
        count("draw", "from 0"),
        text("sample_id"),
        text("truth"),
        text("predicted"),
    ),
    # Held-out scores, mean over the repeats; low and high bound 95% of resamples of whole groups and repeats.
    contract(
        "validation",
        text("label"),
        text("method"),
        text("scheme"),
        Column(name="optimistic", dtype="bool", unit="replicates of held-out samples were learnt from"),
        count("n_samples", "held-out samples"),
        count("n_groups"),
        count("n_classes"),
        count("n_repeats"),
        number("balanced_accuracy", "0 to 1"),
        number("low", "0 to 1"),
        number("high", "0 to 1"),
        number("p", "permuted labels, first repeat", nullable=True),
        number("accuracy", "0 to 1"),
        number("macro_f1", "0 to 1"),
        number("mcc", "-1 to 1"),
    ),
    contract(
        "confusion",
        text("label"),
        text("scheme"),
        text("method"),
        text("truth"),
        text("predicted"),
        number("n_samples", "mean over the repeats"),
    ),
    contract(
        "label_null",
        text("label"),
        text("method"),
        count("draw", "from 0"),
        number("balanced_accuracy", "0 to 1"),
    ),
    # One row a label: do the latents carry it, and does the graph add anything to plain methods on the same latents?
    contract(
        "verdicts",
        text("label"),
        text("scheme"),
        Column(name="optimistic", dtype="bool", unit="replicates of held-out samples were learnt from"),
        Column(name="carried", dtype="bool", unit="p of the best method on latents is at most 0.05"),
        text("best_method"),
        text("plain_method", nullable=True),
        number("chance", "0 to 1"),
        number("balanced_accuracy", "of the best method, 0 to 1"),
        number("low", "0 to 1"),
        number("high", "0 to 1"),
        number("p", "permuted labels, best of the methods on latents", nullable=True),
        number("smallest_p", "that the design allows", nullable=True),
        number("graph_gain", "balanced accuracy above the better plain method", nullable=True),
        number("graph_gain_low", nullable=True),
        number("graph_gain_high", nullable=True),
        text("sentence"),
    ),
    # Node attention: how much `target_sample` listened to `source_sample` (mean over heads).
    contract("attention", text("fold"), text("source_sample"), text("target_sample"), number("attention", "0 to 1")),
    contract("embedding", text("method"), text("space"), text("sample_id"), number("x"), number("y")),
    # Gene-metabolite pairs that pass the false discovery rate; condition is `label=value`, or `all samples`.
    contract(
        "pairs",
        text("condition"),
        text("gene_id"),
        text("metabolite_id"),
        count("n_samples"),
        _RHO,
        number("p", "two-sided"),
        number("q", "Benjamini-Hochberg over all pairs of the condition"),
        *_DESIGN_COLUMNS,
        version=2,
    ),
    # Strongest partners over all samples, whatever passes: side is `gene` or `metabolite`, whose partners these are.
    contract(
        "top_pairs",
        text("side"),
        count("rank", "from 1"),
        text("gene_id"),
        text("metabolite_id"),
        count("n_samples"),
        _RHO,
        number("p", "two-sided"),
        *_DESIGN_COLUMNS,
        version=2,
    ),
    # Each gene with the metabolite of the target that it correlates with most strongly; shape is level, rate or lag
    # of the metabolite over time, null in a study without times.
    contract(
        "target_correlation",
        text("target"),
        text("gene_id"),
        text("metabolite_id"),
        text("shape", nullable=True),
        count("n_samples"),
        _RHO,
        number("p", "permutation of whole groups; null until they are permuted", nullable=True),
        *_DESIGN_COLUMNS,
        version=2,
    ),
    contract(
        "conditions",
        text("condition"),
        count("n_samples"),
        count("n_pairs", "pairs tested"),
        count("n_passing", "pairs with q <= alpha"),
        number("smallest_p", nullable=True),
    ),
    # Per gene: importances of one fold, on its held-out samples.
    contract(
        "importance",
        text("fold"),
        text("gene_id"),
        number("reconstruction", "held-out explained variance, 1 at best", nullable=True),
        number("gradient", "root mean square of dz/dx, or integrated gradient, standardised latents", nullable=True),
        number("graph", "held-out loss increase, carried by |correlation|", nullable=True),
    ),
    # Per gene: what the autoencoder makes of one fold's held-out samples, scaled; one further column a sample.
    contract("reconstructed", text("gene_id"), further="float32"),
    # Per gene: importances over all fits, one a fold and repeat.
    contract(
        "importance_summary",
        text("gene_id"),
        *(column for name in ("reconstruction", "gradient", "graph") for column in _spread(name, "mean over the fits")),
        number("reconstruction_pooled", "explained variance of all held-out samples of a repeat", nullable=True),
        number("reconstruction_null", "mean of the same with the gene's groups permuted", nullable=True),
        number("reconstruction_p", "share of permutations that reach reconstruction_pooled", nullable=True),
        count("n_fits"),
    ),
    # Per gene and target: what one fold says, on its held-out samples.
    contract(
        "target_importance",
        text("fold"),
        text("target"),
        text("gene_id"),
        number("attribution", _ATTRIBUTION, nullable=True),
        number("perturbation", _PERTURBATION, nullable=True),
    ),
    # How well one fold's held-out samples were predicted by what the method rests on.
    contract(
        "target_fits",
        text("fold"),
        text("target"),
        text("method"),
        count("n_samples", "held-out samples"),
        number("squared_error", "sum over held-out samples"),
        number("total_square", "the same of guessing the training mean"),
    ),
    # Whether a method may speak for a target; r2 is the mean over repeats, each pooled over its folds.
    contract(
        "target_gates",
        text("target"),
        text("method"),
        number("r2", "held-out, 1 at best, 0 is the training mean", nullable=True),
        count("n_samples", "held-out predictions"),
        count("n_folds"),
        Column(name="opened", dtype="bool"),
    ),
    contract(
        "target_summary",
        text("target"),
        text("gene_id"),
        *_spread("attribution", _ATTRIBUTION),
        *_spread("perturbation", _PERTURBATION),
        count("n_fits"),
    ),
    *HOMOLOGY_CONTRACTS,
    *RANKING_CONTRACTS,
    *CHANGE_CONTRACTS,
)

CONTRACTS: dict[str, TableContract] = {contract.kind: contract for contract in _CONTRACTS}
