"""Contracts of the tables from evidence to the ranking, and the names of evidences."""

from configs.columns import Column, contract, count, number, small_count, text

EVIDENCES = ("correlation", "autoencoder", "graph", "homology", "bait")
"""Names of the evidences, in the order of the ranking's columns."""
BAIT_PARTS = ("whitened", "propagation", "pearson", "spearman", "discriminant")
"""Measures of closeness to baits; the evidence is made of the first two."""

_MUTUAL_RANK = "mean over baits and decays of exp(-(MR - 1) / decay), 0 to 1, MR by"
_CLOSENESS = {
    "whitened": f"{_MUTUAL_RANK} cosine after ridge whitening",
    "propagation": "chance of a walk from the baits over the gene graph, mean over baits",
    "pearson": f"{_MUTUAL_RANK} Pearson's correlation",
    "spearman": f"{_MUTUAL_RANK} Spearman's correlation",
    "discriminant": "value on the ridge discriminant between baits and all genes",
}
TARGET_EVIDENCES = ("correlation", "homology", "bait")
"""Evidences on a target: another target, another ranking."""
NULL_PARTS = ("correlation", "bait")
"""Evidences on the target that are drawn anew under the null."""

RANKING_CONTRACTS = (
    # Per gene and target; a gene without the evidence has a null.
    contract(
        "evidence",
        text("target"),
        text("gene_id"),
        number("value", nullable=True),
        number("strength", "what the rank is taken from; larger is stronger", nullable=True),
        number("p", nullable=True),
        text("detail", nullable=True),
    ),
    # Strength of an evidence without each replicate group's samples: one further column a group, `without <group>`.
    contract("refits", text("target"), text("gene_id"), further="float64", version=2),
    # Genes that are among each other's closest partners after whitening, each pair once.
    contract(
        "gene_graph",
        text("gene_id"),
        text("partner_id"),
        Column(name="mutual_rank", dtype="float32", unit="geometric mean of both ranks, from 1"),
    ),
    # Every gene of the graph, and how alike the last partner is that it looks at; null where it has none.
    contract(
        "gene_reach", text("gene_id"), Column(name="reach", dtype="float32", unit="cosine, -1 to 1", nullable=True)
    ),
    # Closeness of each gene to each bait of one target: one further column a bait, `bait <gene>`.
    contract("bait_closeness", text("gene_id"), further="float32"),
    # What bait evidence is made of, and the measures that are shown beside it.
    contract(
        "bait_parts",
        text("target"),
        text("gene_id"),
        *(number(name, _CLOSENESS[name], nullable=True) for name in BAIT_PARTS),
        text("nearest_bait", nullable=True),
        number("nearest_mutual_rank", "after whitening, from 1", nullable=True),
    ),
    # Null values of one target, a row a permutation and gene, permutation by permutation.
    contract(
        "null_evidence",
        small_count("draw", "permutation of whole groups, from 0"),
        small_count("gene", "row of the gene layer, from 0"),
        small_count("stratum", "genes of like expression, from 0"),
        *(Column(name=name, dtype="float32", unit="strength", nullable=True) for name in NULL_PARTS),
    ),
    # How many of the best genes of a target chance alone would bring there.
    contract(
        "false_in_top",
        text("target"),
        count("top", "best genes that are looked at"),
        number("expected_false", "genes, if no gene had to do with the target"),
        number("share", "of the top, at most 1"),
    ),
    contract("annotation", text("gene_id"), text("description", nullable=True)),
    contract(
        "ranking",
        text("target"),
        count("rank"),
        text("gene_id"),
        number("score", nullable=True),
        number("p", "permutation of whole groups", nullable=True),
        number("q", "Benjamini-Hochberg within the target", nullable=True),
        number("stability", "share of leave-one-group-out refits in the top 1%", nullable=True),
        count("rank_low", "best rank over these refits", nullable=True),
        count("rank_high", "worst rank over these refits", nullable=True),
        number("weight_stability", "share of perturbed weights that leave it in the top 1%", nullable=True),
        number("rra_p", "robust rank aggregation, Bonferroni over the gene's evidences", nullable=True),
        *(number(name, nullable=True) for name in EVIDENCES),
        *(number(f"{name}_rank01", "0 to 1", nullable=True) for name in EVIDENCES),
        *(number(f"bait_{name}", _CLOSENESS[name], nullable=True) for name in BAIT_PARTS),
        count("direction", "sign of the strongest correlation", nullable=True),
        text("best_metabolite", nullable=True),
        text("shape", nullable=True),
        text("family", nullable=True),
        text("description", nullable=True),
        version=2,
    ),
    # How well left-out baits are found; kind is `evidence` (alone), `fusion` (the weights given) or `calibrated`.
    contract(
        "leave_one_out",
        text("target"),
        text("method"),
        text("kind"),
        count("n_baits"),
        number("auc", "0 to 1, mean over the left-out baits"),
        number("auc_low", "95% bootstrap over baits"),
        number("auc_high"),
        number("recall_100", "share of left-out baits in the first 100"),
        number("top_1_percent", "share of left-out baits in the first 1%"),
        number("top_low", "95% bootstrap over baits"),
        number("top_high"),
        number("median_rank"),
        number("weight", "calibrated, of an evidence; 0 where it does not help", nullable=True),
        text("verdict", nullable=True),
    ),
    # Best scores of each target and of the same ranking with a random target, with shuffled baits, and with both;
    # control is real, random_target, shuffled_baits or both.
    contract(
        "negative_controls",
        text("target"),
        text("control"),
        count("place", "1 to 100 at most"),
        number("score", "as in the ranking"),
    ),
    # Why a gene is ranked: one row an evidence that the study has.
    contract(
        "card_evidence",
        text("target"),
        text("gene_id"),
        text("evidence"),
        number("value", "as computed", nullable=True),
        number("rank01", "share of genes with weaker evidence, 0 to 1", nullable=True),
        number("strength", "what is compared with chance", nullable=True),
        number("null_percentile", "share of chance values below the gene's, 0 to 1", nullable=True),
        number("contribution", "to the score", nullable=True),
        version=2,
    ),
    # Histogram of the strengths that chance gives: one row a bin, low included, high in the last bin alone.
    contract(
        "card_chance",
        text("target"),
        text("evidence"),
        number("low", "strength"),
        number("high", "strength"),
        count("n_values", "of chance"),
    ),
    # What the gene goes with; kind is metabolite, bait or homolog.
    contract(
        "card_partners",
        text("target"),
        text("gene_id"),
        text("kind"),
        count("place", "from 1 within the kind"),
        text("partner"),
        number("value", "correlation, mutual rank, or grade"),
        text("detail", nullable=True),
    ),
    contract(
        "card_expression",
        text("gene_id"),
        text("group"),
        count("n_samples", "with a value"),
        number("mean", "prepared log2 expression"),
        number("sd", "prepared log2 expression", nullable=True),
    ),
    # The gene and its best metabolite sample by sample.
    contract(
        "card_samples",
        text("target"),
        text("gene_id"),
        text("sample_id"),
        text("group"),
        number("expression", "prepared log2 expression", nullable=True),
        text("metabolite_id", nullable=True),
        number("abundance", "prepared log2 abundance of the metabolite", nullable=True),
    ),
    contract(
        "scores",
        text("target"),
        count("n_true", "truth genes in the ranking"),
        count("n_genes"),
        number("auc", "0 to 1"),
        number("recall_25", "0 to 1"),
        number("recall_100", "0 to 1"),
        number("enrichment_top_1_percent", "times chance"),
        number("median_rank"),
    ),
)
