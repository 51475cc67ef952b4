"""Graded families of a few genes in a store, for tests of what is drawn and told of them."""

import numpy as np
import pandas as pd

from tasks.records import Homology, SearchFacts
from tasks.store import Store

GENES = tuple(f"g{place:02d}" for place in range(30))


def small_homology(store: Store, searches: tuple[SearchFacts, ...] = ()) -> Homology:
    """Keep three families: CHS with positions, `plain` without any, `none` without a hit; CHS serves `acids` alone."""
    tables = {"CHS": (GENES, 1.0), "plain": (GENES[:2], np.nan), "none": ((), np.nan)}
    return Homology(
        hits={name: store.put_table(_hits(name, genes), "homology_hits") for name, (genes, _) in tables.items()},
        domains={
            name: store.put_table(_domains(name, genes, start), "homology_domains")
            for name, (genes, start) in tables.items()
        },
        gene_families=store.put_table(_gene_families(), "gene_families"),
        serving={"acids": ("CHS", "plain", "none"), "sugars": ("plain", "none")},
        evidence=store.put(b"", kind="evidence", extension="parquet"),
        notes=(),
        searches=searches,
    )


def _hits(family: str, genes: tuple[str, ...]) -> pd.DataFrame:
    grades = np.linspace(0.9, 0.1, len(GENES))[: len(genes)]
    columns = {
        "family": family,
        "gene_id": pd.Series(genes, dtype="str"),
        "sequence_id": pd.Series([f"{gene}.1" for gene in genes], dtype="str"),
        "best_member": "q",
        "n_members": np.ones(len(genes), dtype=np.int64),
        "evalue": 1e-50,
        "bit_score": 300.0,
        "member_coverage": 0.5,
        "protein_coverage": np.nan,
        "reciprocal": pd.Series([None] * len(genes), dtype="str"),
        "grade": grades,
        "margin": grades,
        "rival": pd.Series([None] * len(genes), dtype="str"),
    }
    return pd.DataFrame(columns).astype(dict.fromkeys(("family", "best_member"), "str"))


def _domains(family: str, genes: tuple[str, ...], start: float) -> pd.DataFrame:
    numbers = {"start": start, "end": start + 99, "length": 200.0}
    member = {"member_start": np.nan, "member_end": np.nan, "member_length": np.nan}
    scores = {"bit_score": 300.0, "evalue": 1e-50, "counted": np.ones(len(genes), dtype=bool)}
    names = _hits(family, genes)[["family", "gene_id", "sequence_id"]].assign(member=pd.Series("q", range(len(genes))))
    return names.assign(**numbers, **member, **scores).astype({"member": "str"})


def _gene_families() -> pd.DataFrame:
    grades = _hits("CHS", GENES)["grade"]
    second = pd.Series(["plain"] * 2 + [None] * (len(GENES) - 2), dtype="str")
    columns = {
        "gene_id": pd.Series(GENES, dtype="str"),
        "family": pd.Series(["CHS"] * len(GENES), dtype="str"),
        "grade": grades,
        "margin": 0.0,
        "second_family": second,
        "second_grade": grades.where(second.notna()),
        "n_families": second.notna().astype("int64") + 1,
    }
    return pd.DataFrame(columns)
