"""Families of a gene beside each other: the best one, and by how much."""

from collections.abc import Mapping

import pandas as pd

_COLUMNS = {"gene_id": "str", "family": "str", "grade": "float64", "bit_score": "float64"}


def compare_families(tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Compare how well each gene fits several families.

    Near families find each other's genes (two P450s, two 2-oxoglutarate dependent dioxygenases). A grade compares the
    genes of a family, and the best gene of every family has a high one; what one gene says of several families are its
    bit scores, log-odds on one scale. Its best family is that of the highest bit score, and the margin is

    ``(b - b_other) / max(b, b_other)``

    with b_other the highest bit score in any other family, 0 where none has a hit.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Contract ``homology_hits`` by family.

    Returns
    -------
    tables : dict of str to DataFrame
        The same with ``margin``, -1 to 1, and ``rival``, the other family with the highest bit score, null where there
        is none.
    families : DataFrame
        Contract ``gene_families``: one row a gene, the best grade first. Of families with one bit score the one with
        the higher grade is the gene's, then the first by name.
    """
    nothing = pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in _COLUMNS.items()})
    hits = pd.concat([nothing, *(table[list(_COLUMNS)] for table in tables.values())], ignore_index=True)
    order = ["gene_id", "bit_score", "grade", "family"]
    hits = hits.sort_values(order, ascending=[True, False, False, True], ignore_index=True)
    by_gene = hits.groupby("gene_id")
    hits = hits.assign(place=by_gene.cumcount(), n_families=by_gene["family"].transform("size"))
    first, second = (hits[hits["place"] == place].set_index("gene_id") for place in (0, 1))
    return {name: _with_margin(table, first, second) for name, table in tables.items()}, _families(first, second)


def _with_margin(table: pd.DataFrame, first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Set a table against the best family of each gene, or against the second best where it is the best itself."""
    genes = table["gene_id"]
    leads = genes.map(first["family"]) == table["family"]
    rival = genes.map(first["family"]).where(~leads, genes.map(second["family"]))
    other = genes.map(first["bit_score"]).where(~leads, genes.map(second["bit_score"]))
    return table.assign(margin=_margin(table["bit_score"], other), rival=rival.astype("str"))


def _margin(bit_score: "pd.Series[float]", other: "pd.Series[float]") -> "pd.Series[float]":
    own, other = bit_score.clip(lower=0.0), other.astype("float64").fillna(0.0).clip(lower=0.0)
    larger = own.where(own >= other, other)
    return ((own - other) / larger.where(larger > 0, 1.0)).astype("float64")


def _families(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    other = second.reindex(first.index)
    families = pd.DataFrame(
        {
            "family": first["family"],
            "grade": first["grade"],
            "margin": _margin(first["bit_score"], other["bit_score"]),
            "second_family": other["family"].astype("str"),
            "second_grade": other["grade"],
            "n_families": first["n_families"].astype("int64"),
        }
    ).reset_index()
    return families.sort_values(["grade", "gene_id"], ascending=[False, True], ignore_index=True)
