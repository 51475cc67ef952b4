"""Contracts of the tables of homology: searched sequences, hits, domains, grades and families of genes."""

from configs.columns import Column, contract, count, number, text

HOMOLOGY_CONTRACTS = (
    # One row a gene with a hit, the best grade first. The grade is that of the gene's best sequence.
    contract(
        "homology_hits",
        text("family"),
        text("gene_id"),
        text("sequence_id"),
        text("best_member"),
        count("n_members", "profiles or references that the score adds up"),
        number("evalue"),
        number("bit_score", "bits, added up"),
        number("member_coverage", "share of the profiles or references, 0 to 1", nullable=True),
        number("protein_coverage", "share of the gene's protein, 0 to 1", nullable=True),
        text("reciprocal", nullable=True),
        number("grade", "0 to 1"),
        number("margin", "bits less those of the best other family, over the larger of the two, -1 to 1"),
        text("rival", nullable=True),
        version=2,
    ),
    # One row an alignment or domain of a sequence that a family's table grades; positions from 1, inclusive.
    contract(
        "homology_domains",
        text("family"),
        text("gene_id"),
        text("sequence_id"),
        text("member"),
        number("start", "residue of the protein", nullable=True),
        number("end", "residue of the protein", nullable=True),
        number("length", "residues of the protein", nullable=True),
        number("member_start", nullable=True),
        number("member_end", nullable=True),
        number("member_length", nullable=True),
        number("bit_score", "bits", nullable=True),
        number("evalue"),
        Column(name="counted", dtype="bool", unit="adds to score and coverage"),
    ),
    # One row a gene with a hit in any family.
    contract(
        "gene_families",
        text("gene_id"),
        text("family"),
        number("grade", "0 to 1"),
        number("margin", "bits less those of the second family, over the former, 0 to 1"),
        text("second_family", nullable=True),
        number("second_grade", "0 to 1", nullable=True),
        count("n_families", "families with a hit"),
    ),
    # Sequences that are searched, in the order of their file.
    contract("proteins", text("sequence_id"), text("sequence")),
    # The hits of a search that Cairn ran; columns as `models.hits.Hits` describes them.
    contract(
        "search_hits",
        text("query"),
        text("subject"),
        *(
            number(name, nullable=True)
            for name in (
                *("evalue", "bit_score", "query_start", "query_end", "subject_start", "subject_end"),
                *("query_length", "subject_length", "domain_evalue", "domain_score"),
            )
        ),
    ),
)
