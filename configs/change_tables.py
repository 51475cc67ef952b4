"""Contracts of the tables that follow a study from version to version."""

from configs.columns import contract, count, number, text

TOP = (25, 100)
"""Best genes of two rankings that are compared as sets."""

CHANGE_CONTRACTS = (
    # Which file brought which sample: a row a sample and file. Version 1 is the study as it was first written.
    contract("sample_sources", text("sample_id"), count("version", "from 1"), text("file"), text("sha256")),
    # What is compared of the ranking of an earlier run.
    contract("previous_ranking", text("target"), text("gene_id"), count("rank"), number("stability", nullable=True)),
    # Genes among the 100 best of a target now or before, the best now first; a rank is null where the gene is not in
    # that ranking. Change is new_in_25, new_in_100, left_25, left_100, moved or stayed.
    contract(
        "changes",
        text("target"),
        text("gene_id"),
        text("change"),
        count("rank", nullable=True),
        count("previous_rank", nullable=True),
        count("shift", "places gained since the last version", nullable=True),
        number("stability", "share of leave-one-group-out refits in the top 1%", nullable=True),
        number("previous_stability", "the same in the last version", nullable=True),
    ),
    # How alike two rankings of a target are as a whole.
    contract(
        "agreement",
        text("target"),
        count("n_genes"),
        count("n_previous", "genes of the last version"),
        count("n_both", "genes of both"),
        number("jaccard_25", "genes in both tops over genes in either, 0 to 1"),
        number("jaccard_100", "genes in both tops over genes in either, 0 to 1"),
        number("spearman", "ranks of the genes of both, -1 to 1", nullable=True),
        number("rank_biased_overlap", "persistence 0.98, 0 to 1"),
    ),
)
