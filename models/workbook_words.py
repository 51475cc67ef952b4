"""What every sheet and column of the workbook means, in words and units."""

from typing import NamedTuple

SCORE, SCIENTIFIC, COUNT, ONE_DECIMAL, GENERAL = "0.000", "0.00E+00", "#,##0", "#,##0.0", "General"
SMALL = "0.0000"
"""Number formats of Excel."""
TOP = "the top 1% (25 genes at least)"


class ColumnWord(NamedTuple):
    """Unit, meaning and number format of a column."""

    unit: str
    meaning: str
    number_format: str = GENERAL


SHEET_WORDS = {
    "target": "Genes in the order of their evidence for the target {name}, best first. An underlined gene leads "
    "to the sheet that says why it is there.",
    "sure": "How many of the best genes of each target are expected to be false, and how well each evidence finds "
    "known genes that are left out; the column `about` says which of the two a row is.",
    "why": "What each evidence says of the first genes of each target, whose sheet an underlined gene leads to.",
    "partners": "What the first genes of each target go with: metabolites of the target, known genes (baits), and "
    "members of gene families, each closest first.",
    "target_pairs": "Each gene with the metabolite of the target that it correlates with most strongly; the strongest "
    "of each target.",
    "families": "Genes with a hit in any family, each with the family that it fits best and the next one.",
    "family": "Genes with a hit in the gene family {name}, best first.",
    "pairs": "Gene-metabolite pairs with the strongest correlation among those that pass the false discovery rate.",
    "samples": "The sample sheet as it was read.",
    "qc": "One row a layer and sample: what came in.",
    "settings": "Every setting of the run.",
}

_RANKING = {
    "rank": ColumnWord("", "Place in the ranking; 1 is best.", COUNT),
    "rank_low": ColumnWord("", "Best rank of the gene when one replicate group at a time is left out.", COUNT),
    "rank_high": ColumnWord("", "Worst rank of the gene when one replicate group at a time is left out.", COUNT),
    "gene_id": ColumnWord("", "Gene, as named in the expression table."),
    "score": ColumnWord("", "Fused evidence (`ranking.fusion` in the settings). Compare within a sheet.", SCORE),
    "p": ColumnWord(
        "0 to 1",
        "How often the score would be this high if the correlation with the target and with the known genes were "
        "chance and the other evidence as it is. From permuting whole replicate groups; it says nothing of the other "
        "evidence.",
        SCIENTIFIC,
    ),
    "q": ColumnWord(
        "0 to 1",
        "Expected share of chance findings among the genes of this target whose p is as small "
        "(Benjamini-Hochberg). It follows p, not the rank.",
        SCIENTIFIC,
    ),
    "stability": ColumnWord(
        "0 to 1",
        f"Share of rankings, each without one replicate group, in which the gene is in {TOP}. Near 1: the place does "
        "not hang on a few samples.",
        SCORE,
    ),
    "weight_stability": ColumnWord(
        "0 to 1",
        "Share of rankings with other weights, each drawn between half and twice what it is (for `ranking.fusion: "
        f"rra`, each without one evidence), in which the gene is in {TOP}. Near 1: the place does not hang on how the "
        "evidence is weighed.",
        SCORE,
    ),
    "rra_p": ColumnWord(
        "0 to 1",
        "Robust rank aggregation: how often a gene would stand as high in its evidences if these were independent and "
        "by chance; corrected for their number. They are not quite independent and not all about the target: a second "
        "opinion on the order of the genes rather than a p-value.",
        SCIENTIFIC,
    ),
    "correlation": ColumnWord("", "Evidence as computed: strongest rho with a metabolite of the target.", SCORE),
    "autoencoder": ColumnWord("", "Evidence as computed: importance of the gene in the autoencoder, held out.", SCORE),
    "graph": ColumnWord("", "Evidence as computed: importance of the gene to the graph network, held out.", SCORE),
    "homology": ColumnWord("", "Evidence as computed: grade of the best search hit.", SCORE),
    "bait": ColumnWord(
        "",
        "Evidence as computed: co-expression with the known genes (baits) of the target, "
        "the mean of -ln(1 - share of genes below) over bait_whitened and bait_propagation.",
        SCORE,
    ),
    "bait_whitened": ColumnWord(
        "0 to 1",
        "Closeness to the baits by mutual rank, after what all genes share is weighed down; 1 is closest. Counts.",
        SMALL,
    ),
    "bait_propagation": ColumnWord(
        "0 to 1", "Closeness to the baits over the graph of co-expressed genes; high is close. Counts.", SMALL
    ),
    "bait_pearson": ColumnWord(
        "0 to 1", "Closeness to the baits by mutual rank of Pearson correlations; 1 is closest. For comparison.", SMALL
    ),
    "bait_spearman": ColumnWord(
        "0 to 1", "Closeness to the baits by mutual rank of Spearman correlations; 1 is closest. For comparison.", SMALL
    ),
    "bait_discriminant": ColumnWord(
        "", "How far the gene lies on the side of the baits rather than of all genes. For comparison.", SCORE
    ),
    "direction": ColumnWord(
        "-1 or 1", "Sign of the strongest correlation: 1 rises with the metabolite, -1 falls.", "0"
    ),
    "best_metabolite": ColumnWord("", "Metabolite of the target with the strongest correlation."),
    "shape": ColumnWord(
        "", "How the gene follows it: its level, its rate of change, or its level a time point later (lag)."
    ),
    "family": ColumnWord("", "Gene family of the best search hit."),
    "description": ColumnWord("", "Description from the annotation table."),
} | {
    f"{name}_rank01": ColumnWord(
        "0 to 1", f"Share of genes with weaker {name} evidence: 0.99 is among the best hundredth.", SCORE
    )
    for name in ("correlation", "autoencoder", "graph", "homology", "bait")
}

_TARGET = ColumnWord("", "Target that the row is about.")

_SURE = {
    "about": ColumnWord("", "Whether the row is about false genes among the best, or about the worth of an evidence."),
    "target": _TARGET,
    "top": ColumnWord("genes", "So many of the best genes.", COUNT),
    "expected_false": ColumnWord(
        "genes",
        "As many would be there if no gene had to do with the target; rather too many than too few, and more than "
        "there are genes where the top is no better than chance.",
        ONE_DECIMAL,
    ),
    "share": ColumnWord("0 to 1", "The same as a share of them, at most 1.", SCORE),
    "method": ColumnWord("", "Evidence alone, or a way to fuse them, by which left-out known genes are looked for."),
    "kind": ColumnWord("", "An evidence, a fusion with the weights as set, or one with calibrated weights."),
    "n_baits": ColumnWord("genes", "Known genes (baits), each left out once.", COUNT),
    "auc": ColumnWord(
        "0 to 1",
        "Chance that a left-out known gene stands above a gene taken at random; 0.5 is what guessing gives.",
        SCORE,
    ),
    "auc_low": ColumnWord("0 to 1", "Lower bound of 95% of resamples of the known genes.", SCORE),
    "auc_high": ColumnWord("0 to 1", "Upper bound of 95% of resamples of the known genes.", SCORE),
    "recall_100": ColumnWord("0 to 1", "Share of the left-out known genes among the first 100.", SCORE),
    "top_1_percent": ColumnWord("0 to 1", "Share of the left-out known genes among the first 1%.", SCORE),
    "top_low": ColumnWord("0 to 1", "Lower bound of 95% of resamples, of the share among the first 1%.", SCORE),
    "top_high": ColumnWord("0 to 1", "Upper bound of 95% of resamples, of the share among the first 1%.", SCORE),
    "median_rank": ColumnWord("", "Median rank of the left-out known genes.", ONE_DECIMAL),
    "weight": ColumnWord("0 to 1", "Weight fitted to the known genes; 0 where the evidence does not help.", SCORE),
    "verdict": ColumnWord("", "The same in a sentence."),
}

_WHY = {
    "target": _TARGET,
    "gene_id": ColumnWord("", "Gene, as named in the expression table."),
    "evidence": ColumnWord("", "Evidence that the row is about."),
    "value": ColumnWord("", "Evidence as computed, as in the sheet of the target.", SMALL),
    "rank01": ColumnWord("0 to 1", "Share of genes with weaker evidence.", SCORE),
    "strength": ColumnWord("", "What is compared with chance: larger is stronger evidence.", SCORE),
    "null_percentile": ColumnWord("0 to 1", "Share of values by chance that are smaller than the gene's.", SCORE),
    "contribution": ColumnWord(
        "", "What the evidence adds to the score; none for `ranking.fusion: rra`, where nothing adds up.", SCORE
    ),
}

_PARTNERS = {
    "target": _TARGET,
    "gene_id": ColumnWord("", "Gene, as named in the expression table."),
    "kind": ColumnWord("", "A metabolite of the target, a known gene (bait), or a member of a gene family (homolog)."),
    "place": ColumnWord("", "Place within the kind; 1 is closest.", COUNT),
    "partner": ColumnWord("", "Metabolite, bait, or profile or reference protein of the family."),
    "value": ColumnWord(
        "", "Correlation with a metabolite, mutual rank with a bait (1 is closest), or grade of a homolog.", SCORE
    ),
    "detail": ColumnWord("", "How the gene follows a metabolite over time, or family and E-value of a homolog."),
}

_ALIKE = "Families that are alike hit each other's genes: near 0, both fit."

_FAMILIES = {
    "gene_id": ColumnWord("", "Gene with a hit."),
    "family": ColumnWord("", "Family that it fits best: that of the most bits."),
    "grade": ColumnWord("0 to 1", "How well it fits; the homology evidence of targets that the family serves.", SCORE),
    "margin": ColumnWord("0 to 1", f"Bits less those of the second family, over the bits. {_ALIKE}", SCORE),
    "second_family": ColumnWord("", "Family that it fits next best; empty when no other has a hit."),
    "second_grade": ColumnWord("0 to 1", "How well it fits the second family.", SCORE),
    "n_families": ColumnWord("families", "Families in which the gene has a hit.", COUNT),
}

_FAMILY = {
    "gene_id": ColumnWord("", "Gene with a hit."),
    "sequence_id": ColumnWord("", "Sequence of the gene with the best grade, as the search names it."),
    "best_member": ColumnWord("", "Profile or reference protein with the best hit."),
    "n_members": ColumnWord("members", "Profiles or reference proteins that the bit score adds up.", COUNT),
    "evalue": ColumnWord("", "Hits this good expected by chance in the search; small is strong.", SCIENTIFIC),
    "bit_score": ColumnWord(
        "bits", "Alignment score, added up; does not depend on the size of the search.", ONE_DECIMAL
    ),
    "member_coverage": ColumnWord(
        "0 to 1", "Share of the profiles or references that the alignments cover; low for a fragment.", SCORE
    ),
    "protein_coverage": ColumnWord("0 to 1", "Share of the gene's protein that the alignments cover.", SCORE),
    "reciprocal": ColumnWord(
        "",
        "Yes where the gene is the best hit of its best member as well; no lowers the grade. Empty where the search "
        "went one way only.",
    ),
    "grade": ColumnWord("0 to 1", "How well the gene fits the family; the homology evidence of the ranking.", SCORE),
    "margin": ColumnWord(
        "-1 to 1",
        f"Bits less those in the rival, over the larger of the two. {_ALIKE} Below 0, the rival fits better.",
        SCORE,
    ),
    "rival": ColumnWord("", "Other family with the most bits; empty when no other has a hit."),
}

_PAIRS = {
    "condition": ColumnWord("", "Samples used: a label and its value, or all samples."),
    "gene_id": ColumnWord("", "Gene of the pair."),
    "metabolite_id": ColumnWord("", "Metabolite of the pair."),
    "n_samples": ColumnWord("samples", "Samples behind the correlation.", COUNT),
    "rho": ColumnWord(
        "-1 to 1", "Correlation by the method of the settings: Spearman, Pearson or biweight midcorrelation.", SCORE
    ),
    "p": ColumnWord("0 to 1", "Two-sided p of the correlation; takes samples as independent.", SCIENTIFIC),
    "q": ColumnWord(
        "0 to 1",
        "Benjamini-Hochberg over all pairs of the condition. Replicates are not independent, so it is too small "
        "wherever they resemble each other; the q of the ranking is not.",
        SCIENTIFIC,
    ),
    "rho_between": ColumnWord(
        "-1 to 1",
        "The same correlation of the means of the replicate groups, each counted once: do conditions with much of the "
        "one have much of the other? None below 4 groups.",
        SCORE,
    ),
    "rho_within": ColumnWord(
        "-1 to 1",
        "Correlation of what is left when the mean of the group is subtracted: do replicates differ alike? None "
        "without replicates.",
        SCORE,
    ),
    "rho_given_batch": ColumnWord(
        "-1 to 1", "Partial correlation given the batch: what is left when the mean of the batch is subtracted.", SCORE
    ),
    "n_groups": ColumnWord("groups", "Replicate groups behind the correlation.", COUNT),
}

_TARGET_PAIRS = {
    "target": _TARGET,
    **{name: word for name, word in _PAIRS.items() if name not in ("condition", "q")},
    "metabolite_id": ColumnWord("", "Metabolite of the target that the gene correlates with most strongly."),
    "shape": _RANKING["shape"],
    "p": ColumnWord(
        "0 to 1",
        "How often a correlation with any metabolite of the target would be this strong by chance, from permuting "
        "whole replicate groups.",
        SCIENTIFIC,
    ),
}

_SAMPLES = {
    "sample_id": ColumnWord("", "Sample, as named in the tables."),
    "group": ColumnWord("", "Biological replicate group; never divided between folds."),
    "batch": ColumnWord("", "Batch."),
    "time": ColumnWord("as given", "Time.", GENERAL),
    "series": ColumnWord("", "Time series that the sample belongs to; all samples are one where there is none."),
}

_QC = {
    "layer": ColumnWord("", "Table that the row is about."),
    "sample_id": ColumnWord("", "Sample, as named in the tables."),
    "library_size": ColumnWord("as given", "Sum of the values of the sample.", COUNT),
    "features_detected": ColumnWord("features", "Features above zero.", COUNT),
    "missing_share": ColumnWord("0 to 1", "Share of features without a value.", SCORE),
    "zero_share": ColumnWord("0 to 1", "Share of features that are zero.", SCORE),
    "median": ColumnWord("prepared scale", "Median over the features.", SCORE),
    "mean_correlation": ColumnWord(
        "-1 to 1", "Mean Spearman correlation with the other samples; an outlier is low.", SCORE
    ),
}

_SETTINGS = {
    "setting": ColumnWord("", "Key in the study file."),
    "value": ColumnWord("", "Value in this run; defaults included."),
}

COLUMN_WORDS: dict[str, dict[str, ColumnWord]] = {
    "target": _RANKING,
    "sure": _SURE,
    "why": _WHY,
    "partners": _PARTNERS,
    "target_pairs": _TARGET_PAIRS,
    "families": _FAMILIES,
    "family": _FAMILY,
    "pairs": _PAIRS,
    "samples": _SAMPLES,
    "qc": _QC,
    "settings": _SETTINGS,
}
"""Words by kind of sheet and column."""

FURTHER = {"samples": ColumnWord("", "Label of the sample sheet, as given.")}
"""Words for the columns that no contract names, by kind of sheet."""
