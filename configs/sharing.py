"""What every column of every table means to somebody who must not learn names, and what a shared bundle does with it.

Every column of every contract is declared here, so that a new column cannot slip into a bundle unseen: a test demands
it, and a table with a column that is not declared is refused.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

NameKind = Literal[
    "study",
    "layer",
    "gene",
    "sequence",
    "metabolite",
    "feature",
    "sample",
    "group",
    "batch",
    "series",
    "label",
    "class",
    "target",
    "family",
    "member",
]
"""Kinds of names that a pseudonym stands for; the same id as a gene and as a sample has two pseudonyms."""
Meaning = Literal[
    NameKind,
    "condition",  # label=value, or all samples
    "space",  # a layer, or all layers together
    "part",  # a layer, or the graph network
    "partner",  # metabolite, gene or member of a family, as the column `kind` says
    "feature_of_layer",  # gene, metabolite or other feature, as the column `layer` says
    "word",  # of Cairn's own: a method, a role, a fold's number
    "free",  # sentences: dropped
    "order",  # ranks, places and numbers that count no samples: kept
    "cell",  # counts samples or replicate groups: held back where it is small
    "measure",  # a number that was computed or measured: rounded
    "likeness",  # a share that anyone with the sequences can compute: kept in tenths
    "sequence_fact",  # a number that names the gene to anyone with the sequences: dropped
]
Values = Literal["rounded", "exact"]

SMALLEST_COUNT = 5
"""Counts of samples and replicate groups below this are held back."""
DIGITS = 3
"""Significant digits of a rounded number."""


class TableSharing(BaseModel):
    """How a table is shared.

    `columns` says what each named column means. `further` says it for the values of the columns beyond the named ones
    and `further_names` for their headers, which begin with `prefix`. Rows are sorted by `order`, since the order of a
    table of all genes is that of their ids; an empty one leaves the rows as they are. A table that is `withheld` is
    part of no bundle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[str, Meaning]
    further: Meaning | None = None
    further_names: Meaning | None = None
    prefix: str = ""
    order: tuple[str, ...] = ()
    withheld: bool = False


def _table(
    columns: dict[Meaning, str],
    *,
    further: tuple[Meaning, Meaning] | None = None,
    prefix: str = "",
    order: str = "",
    withheld: bool = False,
) -> TableSharing:
    """Return how a table is shared; `columns` has names in one text, `further` the meaning of headers and values."""
    return TableSharing(
        columns={name: meaning for meaning, names in columns.items() for name in names.split()},
        further_names=further[0] if further else None,
        further=further[1] if further else None,
        prefix=prefix,
        order=tuple(order.split()),
        withheld=withheld,
    )


_CORRELATION = "rho p rho_between rho_within rho_given_batch"
_EVIDENCES = "correlation autoencoder graph bait"
_RANKS = "correlation_rank01 autoencoder_rank01 graph_rank01 bait_rank01"
_PARTS = "bait_whitened bait_propagation bait_pearson bait_spearman bait_discriminant"
_SUMMARY = "reconstruction_pooled reconstruction_null reconstruction_p"


def _spread(*names: str) -> str:
    return " ".join(f"{name} {name}_sd {name}_top" for name in names)


SHARING: dict[str, TableSharing] = {
    "layer": _table({"feature": "feature_id"}, further=("sample", "measure"), order="feature_id"),
    "samples": _table(
        {"sample": "sample_id", "group": "group", "batch": "batch", "series": "series", "measure": "time"},
        further=("label", "class"),
        order="sample_id",
    ),
    "qc": _table(
        {
            "layer": "layer",
            "sample": "sample_id",
            "measure": "library_size features_detected missing_share zero_share median mean_correlation",
        },
        order="layer sample_id",
    ),
    "dropped": _table({"layer": "layer", "feature_of_layer": "feature_id", "word": "reason"}, order="layer feature_id"),
    # Which samples are held out together tells which are of one small group, fold by fold.
    "folds": _table(
        {"word": "fold scheme role", "order": "repeat", "sample": "sample_id", "group": "group"}, withheld=True
    ),
    "label_design": _table(
        {"label": "label", "class": "class", "cell": "n_samples n_groups", "order": "within_groups predictable"}
    ),
    "history": _table({"word": "fold", "part": "part", "order": "epoch", "measure": "train_loss inner_loss"}),
    "latents": _table(
        {"word": "fold", "layer": "layer", "sample": "sample_id", "order": "held_out"},
        further=("word", "measure"),
        order="sample_id",
    ),
    # By fold, as above.
    "predictions": _table(
        {
            "word": "fold scheme method",
            "order": "repeat",
            "label": "label",
            "sample": "sample_id",
            "class": "truth predicted",
            "measure": "probability",
        },
        withheld=True,
    ),
    "label_draws": _table({"label": "label", "order": "draw", "sample": "sample_id", "class": "class"}, withheld=True),
    "null_predictions": _table(
        {
            "word": "fold method",
            "label": "label",
            "order": "draw",
            "sample": "sample_id",
            "class": "truth predicted",
        },
        withheld=True,
    ),
    "validation": _table(
        {
            "label": "label",
            "word": "method scheme",
            "order": "optimistic n_classes n_repeats",
            "cell": "n_samples n_groups",
            "measure": "balanced_accuracy low high p accuracy macro_f1 mcc",
        }
    ),
    # Cells of a few samples each.
    "confusion": _table(
        {"label": "label", "word": "scheme method", "class": "truth predicted", "cell": "n_samples"}, withheld=True
    ),
    "label_null": _table({"label": "label", "word": "method", "order": "draw", "measure": "balanced_accuracy"}),
    "verdicts": _table(
        {
            "label": "label",
            "word": "scheme best_method plain_method",
            "order": "optimistic carried",
            "measure": "chance balanced_accuracy low high p smallest_p graph_gain graph_gain_low graph_gain_high",
            "free": "sentence",
        }
    ),
    "attention": _table(
        {"word": "fold", "sample": "source_sample target_sample", "measure": "attention"},
        order="fold source_sample target_sample",
    ),
    "embedding": _table(
        {"word": "method", "space": "space", "sample": "sample_id", "measure": "x y"}, order="space method sample_id"
    ),
    "pairs": _table(
        {
            "condition": "condition",
            "gene": "gene_id",
            "metabolite": "metabolite_id",
            "cell": "n_samples n_groups",
            "measure": f"q {_CORRELATION}",
        },
        order="condition p gene_id metabolite_id",
    ),
    "top_pairs": _table(
        {
            "word": "side",
            "order": "rank",
            "gene": "gene_id",
            "metabolite": "metabolite_id",
            "cell": "n_samples n_groups",
            "measure": _CORRELATION,
        },
        order="side rank gene_id metabolite_id",
    ),
    "target_correlation": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "metabolite": "metabolite_id",
            "word": "shape",
            "cell": "n_samples n_groups",
            "measure": _CORRELATION,
        },
        order="target gene_id",
    ),
    "conditions": _table(
        {"condition": "condition", "cell": "n_samples", "order": "n_pairs n_passing", "measure": "smallest_p"}
    ),
    "importance": _table(
        {"word": "fold", "gene": "gene_id", "measure": "reconstruction gradient graph"}, withheld=True
    ),
    "reconstructed": _table({"gene": "gene_id"}, further=("sample", "measure"), withheld=True),
    "importance_summary": _table(
        {
            "gene": "gene_id",
            "measure": f"{_spread('reconstruction', 'gradient', 'graph')} {_SUMMARY}",
            "order": "n_fits",
        },
        order="gene_id",
    ),
    "target_importance": _table(
        {"word": "fold", "target": "target", "gene": "gene_id", "measure": "attribution perturbation"}, withheld=True
    ),
    "target_fits": _table(
        {"word": "fold method", "target": "target", "cell": "n_samples", "measure": "squared_error total_square"},
        withheld=True,
    ),
    "target_gates": _table(
        {"target": "target", "word": "method", "measure": "r2", "cell": "n_samples", "order": "n_folds opened"}
    ),
    "target_summary": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "measure": _spread("attribution", "perturbation"),
            "order": "n_fits",
        },
        order="target gene_id",
    ),
    "homology_hits": _table(
        {
            "family": "family rival",
            "gene": "gene_id",
            "sequence": "sequence_id",
            "member": "best_member",
            "word": "reciprocal",
            "order": "n_members",
            "sequence_fact": "evalue bit_score member_coverage protein_coverage",
            "likeness": "grade margin",
        },
        order="-grade gene_id",
    ),
    # Lengths and positions name a protein to anyone who has the sequences.
    "homology_domains": _table(
        {
            "family": "family",
            "gene": "gene_id",
            "sequence": "sequence_id",
            "member": "member",
            "sequence_fact": "start end length member_start member_end member_length bit_score evalue",
            "order": "counted",
        },
        withheld=True,
    ),
    "gene_families": _table(
        {
            "gene": "gene_id",
            "family": "family second_family",
            "likeness": "grade margin second_grade",
            "order": "n_families",
        },
        order="gene_id",
    ),
    "proteins": _table({"sequence": "sequence_id", "free": "sequence"}, withheld=True),
    "search_hits": _table(
        {
            "sequence": "query subject",
            "sequence_fact": "evalue bit_score query_start query_end subject_start subject_end query_length "
            "subject_length domain_evalue domain_score",
        },
        withheld=True,
    ),
    "evidence": _table(
        {"target": "target", "gene": "gene_id", "measure": "value strength p", "free": "detail"}, withheld=True
    ),
    "refits": _table(
        {"target": "target", "gene": "gene_id"}, further=("group", "measure"), prefix="without ", withheld=True
    ),
    "gene_graph": _table({"gene": "gene_id partner_id", "measure": "mutual_rank"}, order="gene_id partner_id"),
    "gene_reach": _table({"gene": "gene_id", "measure": "reach"}, order="gene_id", withheld=True),
    "bait_closeness": _table({"gene": "gene_id"}, further=("gene", "measure"), prefix="bait ", withheld=True),
    "bait_parts": _table(
        {
            "target": "target",
            "gene": "gene_id nearest_bait",
            "measure": "whitened propagation pearson spearman discriminant nearest_mutual_rank",
        },
        order="target gene_id",
    ),
    "null_evidence": _table({"order": "draw gene stratum", "measure": "correlation bait"}, withheld=True),
    "false_in_top": _table({"target": "target", "order": "top", "measure": "expected_false share"}),
    "annotation": _table({"gene": "gene_id", "free": "description"}, withheld=True),
    "ranking": _table(
        {
            "target": "target",
            "order": f"rank rank_low rank_high direction {_RANKS}",
            "gene": "gene_id",
            "measure": f"score p q stability weight_stability rra_p {_EVIDENCES} {_PARTS}",
            "likeness": "homology homology_rank01",
            "metabolite": "best_metabolite",
            "word": "shape",
            "family": "family",
            "free": "description",
        }
    ),
    "leave_one_out": _table(
        {
            "target": "target",
            "word": "method kind verdict",
            "order": "n_baits",
            "measure": "auc auc_low auc_high recall_100 top_1_percent top_low top_high median_rank weight",
        }
    ),
    "negative_controls": _table({"target": "target", "word": "control", "order": "place", "measure": "score"}),
    "card_evidence": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "word": "evidence",
            "order": "rank01",
            "measure": "value strength null_percentile contribution",
        }
    ),
    "card_chance": _table({"target": "target", "word": "evidence", "order": "n_values", "measure": "low high"}),
    "card_partners": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "word": "kind",
            "order": "place",
            "partner": "partner",
            "measure": "value",
            "free": "detail",
        }
    ),
    "card_expression": _table(
        {"gene": "gene_id", "group": "group", "cell": "n_samples", "measure": "mean sd"}, order="gene_id group"
    ),
    # The best genes sample by sample: what a public data set of the same samples would be recognised by.
    "card_samples": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "sample": "sample_id",
            "group": "group",
            "metabolite": "metabolite_id",
            "measure": "expression abundance",
        },
        withheld=True,
    ),
    "scores": _table(
        {
            "target": "target",
            "order": "n_true n_genes",
            "measure": "auc recall_25 recall_100 enrichment_top_1_percent median_rank",
        },
        withheld=True,
    ),
    "sample_sources": _table({"sample": "sample_id", "order": "version", "free": "file sha256"}, withheld=True),
    "previous_ranking": _table(
        {"target": "target", "gene": "gene_id", "order": "rank", "measure": "stability"}, withheld=True
    ),
    "changes": _table(
        {
            "target": "target",
            "gene": "gene_id",
            "word": "change",
            "order": "rank previous_rank shift",
            "measure": "stability previous_stability",
        },
        withheld=True,
    ),
    "agreement": _table(
        {
            "target": "target",
            "order": "n_genes n_previous n_both",
            "measure": "jaccard_25 jaccard_100 spearman rank_biased_overlap",
        },
        withheld=True,
    ),
}
"""How each contract of `configs.tables` is shared."""
