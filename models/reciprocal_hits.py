"""Reciprocal best hits: a gene and a member that find each other first."""

from collections.abc import Collection, Sequence
from typing import Literal

import pandas as pd

Side = Literal["query", "subject"]
"""Column of a search table."""


def reciprocal_genes(
    rows: pd.DataFrame, directions: Sequence[Side | None], members: Collection[str]
) -> frozenset[str] | None:
    """Return the genes that are the best hit of their own best member.

    Where BLAST, DIAMOND or phmmer searched both ways, genes among members and members among genes, a gene is reciprocal
    if its best member (of all in the table, by the score of the best alignment) belongs to the family and has that
    gene for its best hit, ties included [1]_.

    Parameters
    ----------
    rows : DataFrame
        ``table`` : int, ``gene_id`` : str, ``sequence_id`` : str, ``member`` : str, ``bit_score`` : float64; a
        sequence that joins no gene, gene null, stands for itself.
    directions : sequence of {'query', 'subject'} or None
        What the genes were in the search of each table; None where HMMER scanned a library of profiles with them,
        which is the same comparison as a search with the profiles.
    members : collection of str
        Members of the family; all when empty.

    Returns
    -------
    frozenset of str or None
        None where the same members were not searched both ways.

    References
    ----------
    .. [1] Moreno-Hagelsieb G, Latimer K. Choosing BLAST options for better detection of orthologs as reciprocal best
       hits. Bioinformatics 24:319 (2008). https://doi.org/10.1093/bioinformatics/btm585
    """
    if not {"query", "subject"} <= set(directions):
        return None
    rows = rows.assign(gene_id=rows["gene_id"].fillna(rows["sequence_id"]))
    direction = rows["table"].map(dict(enumerate(directions)))
    forward, backward = rows[direction == "query"], rows[direction == "subject"]
    searched = set(forward["member"]) & set(backward["member"])
    if not (searched.intersection(members) if members else searched):
        return None
    forward = forward[forward["table"].isin(forward.loc[forward["member"].isin(searched), "table"])]
    best_member = forward[forward["bit_score"] == forward.groupby("gene_id")["bit_score"].transform("max")]
    best_gene = backward[backward["bit_score"] == backward.groupby("member")["bit_score"].transform("max")]
    pairs = best_member[["gene_id", "member"]].merge(best_gene[["gene_id", "member"]])
    return frozenset(pairs.loc[pairs["member"].isin(members) if members else slice(None), "gene_id"])
