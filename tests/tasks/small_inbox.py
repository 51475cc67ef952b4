"""A small study with an inbox, for tests of what new samples become."""

from pathlib import Path

import numpy as np
import pandas as pd

SAMPLES = [f"s{number:02}" for number in range(8)]
STUDY = """study: small
layers:
  transcriptome: {path: data/expression.csv, id_column: gene, orientation: features_in_rows}
  metabolome: {path: metabolites.tsv, zeros: missing}
samples: {path: sheet.tsv}
annotation: ../names.tsv
validation: {folds: 2}
"""
FAMILY = "families: {P450: {tables: [hits/p450.tsv]}}\n"
HIT = "gene1\tq\t80\t300\t9\t0\t1\t300\t1\t300\t1e-50\t400\n"


def genes(samples: list[str], seed: int = 1) -> pd.DataFrame:
    return pd.DataFrame(values(20, samples, seed), [f"gene{row}" for row in range(20)], samples).rename_axis("gene")


def metabolites(samples: list[str], seed: int = 2) -> pd.DataFrame:
    return pd.DataFrame(values(3, samples, seed), [f"m{row}" for row in range(3)], samples).rename_axis("id")


def values(rows: int, samples: list[str], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2, 50, (rows, len(samples))).round(3)


def sheet(samples: list[str]) -> pd.DataFrame:
    tissues = ["leaf" if place % 2 else "root" for place in range(len(samples))]
    return pd.DataFrame({"sample_id": samples, "group": [f"g{name[-1]}" for name in samples], "tissue": tissues})


def write_study(tmp_path: Path) -> Path:
    """Write the study; returns its study file."""
    folder = tmp_path / "study"
    (folder / "data").mkdir(parents=True)
    (folder / "hits").mkdir()
    genes(SAMPLES).to_csv(folder / "data" / "expression.csv")
    metabolites(SAMPLES).replace({metabolites(SAMPLES).iloc[0, 0]: 0}).to_csv(folder / "metabolites.tsv", sep="\t")
    sheet(SAMPLES).to_csv(folder / "sheet.tsv", sep="\t", index=False)
    (folder / "hits" / "p450.tsv").write_text(HIT, "utf-8")
    (tmp_path / "names.tsv").write_text("gene_id\tdescription\ngene1\ta P450\n", "utf-8")
    (folder / "study.yaml").write_text(STUDY, "utf-8")
    return folder / "study.yaml"


def arrive(inbox: Path, name: str, samples: list[str], *, seed: int = 7) -> Path:
    folder = inbox / name
    folder.mkdir()
    genes(samples, seed).to_csv(folder / "transcriptome.csv")
    metabolites(samples, seed).to_csv(folder / "metabolome.tsv", sep="\t")
    sheet(samples).to_csv(folder / "samples.tsv", sep="\t", index=False)
    return folder
