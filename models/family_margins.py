"""Families of a gene beside each other: the best one, and by how much."""

from collections.abc import Mapping

import pandas as pd

_NO_GENES = {"gene_id": "str", "family": "str", "grade": "float64", "bit_score": "float64"}


def compare_families(tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Compare the families of each gene.

    Near families find each other's genes (two P450s, two 2-oxoglutarate dependent dioxygenases), and the study's best
    gene is graded high in each of them. Between families, therefore, a grade is weighed with

        b / max(b in all families of the gene)

    b the gene's bit score in the family, so that the family whose members fit the gene itself better comes first.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Contract ``homology_hits`` by family.

    Returns
    -------
    tables : dict of str to DataFrame
        The same, grades as they were, with ``margin``, the weighed grade less the highest one in any other family, -1
        to 1 (the grade itself where no other family has a hit), and ``rival``, that family, null where there is none.
    families : DataFrame
        Contract ``gene_families``: one row a gene, the best grade first. The family is the one with the highest
        weighed grade, on a tie the one with the higher bit score, then the first by name.
    """
    hits = _weighed(tables)
    by_gene = hits.groupby("gene_id")
    hits = hits.assign(place=by_gene.cumcount(), n_families=by_gene["family"].transform("size"))
    first, second = (hits[hits["place"] == place].set_index("gene_id") for place in (0, 1))
    compared = {}
    for name, table in tables.items():
        own = table["gene_id"].map(hits.loc[hits["family"] == name].set_index("gene_id")["weighed"])
        leads = table["gene_id"].map(first["family"]) == name
        rival, other = (
            table["gene_id"].map(first[column]).where(~leads, table["gene_id"].map(second[column]))
            for column in ("family", "weighed")
        )
        compared[name] = table.assign(margin=own.astype("float64") - other.fillna(0.0), rival=rival.astype("str"))
    return compared, _families(first, second)


def _weighed(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the hits of all families with their weighed grade, the best of each gene first."""
    none = pd.DataFrame({column: pd.Series(dtype=dtype) for column, dtype in _NO_GENES.items()})
    hits = pd.concat([none, *(table[list(_NO_GENES)] for table in tables.values())], ignore_index=True)
    highest = hits.groupby("gene_id")["bit_score"].transform("max")
    weighed = hits["grade"] * (hits["bit_score"] / highest.where(highest > 0)).fillna(1.0)
    order = ["gene_id", "weighed", "bit_score", "family"]
    return hits.assign(weighed=weighed).sort_values(order, ascending=[True, False, False, True], ignore_index=True)


def _families(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    other = second.reindex(first.index)
    families = pd.DataFrame(
        {
            "family": first["family"],
            "grade": first["grade"],
            "margin": first["weighed"] - other["weighed"].fillna(0.0),
            "second_family": other["family"].astype("str"),
            "second_grade": other["grade"],
            "n_families": first["n_families"].astype("int64"),
        }
    ).reset_index()
    return families.sort_values(["grade", "gene_id"], ascending=[False, True], ignore_index=True)
