"""A whole study of flavonoid families: do their genes stand above bacterial decoys by homology alone."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import roc_auc_score

from models.sequences import read_proteins
from tests.benchmarks.bench_pipeline import command_line, watched_run
from tests.benchmarks.tables import Table
from tests.conftest import DATA

FOLDER = DATA / "homology_flavonoid"
PROGRAMS = {"phmmer": "", "blast": "blastp", "diamond": "diamond"}
SAMPLES = tuple(f"s{number:02}" for number in range(12))
WEIGHTS = {"correlation": 0, "autoencoder": 0, "graph": 0, "bait": 0, "homology": 1}


def _write_study(folder: Path) -> list[str]:
    """Write a study whose genes are the proteins of the data set, their expression noise; returns the families."""
    random = np.random.default_rng(7)
    genes = [protein.name for protein in read_proteins((FOLDER / "targets.faa").read_bytes(), "targets.faa")]
    for name, ids in (("genes", genes), ("metabolites", [f"m{number}" for number in range(12)])):
        values = random.lognormal(2, 1, (len(ids), len(SAMPLES))).round(3)
        pd.DataFrame(values, index=ids, columns=SAMPLES).to_csv(folder / f"{name}.tsv", sep="\t", index_label="id")
    sheet = {"sample_id": SAMPLES, "group": np.repeat(list("abcd"), 3), "tissue": np.repeat(["leaf", "root"] * 2, 3)}
    pd.DataFrame(sheet).to_csv(folder / "samples.tsv", sep="\t", index=False)
    families = sorted(set(pd.read_csv(FOLDER / "query_families.tsv", sep="\t")["family"]))
    study = {
        "study": "flavonoids",
        "layers": {"transcriptome": {"path": "genes.tsv"}, "metabolome": {"path": "metabolites.tsv"}},
        "samples": {"path": "samples.tsv"},
        "targets": {"flavonoids": ["m1", "m2"]},
        "families": {family: {"references": str(FOLDER / "queries.faa")} for family in families},
        "homology": {
            "proteins": str(FOLDER / "targets.faa"),
            "member_table": str(FOLDER / "query_families.tsv"),
        },
        "validation": {"repeats": 1},
        "ranking": {"weights": WEIGHTS, "permutations": 20, "negative_controls": False},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study), "utf-8")
    return families


def families() -> Table:
    """Run the study once with each program that is installed, and judge ranking and families by the truth."""
    truth = pd.read_csv(FOLDER / "truth.tsv", sep="\t").set_index("gene_id")["pathway"]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        count = len(_write_study(folder))
        environment = {**os.environ, "PREFECT_HOME": str(folder / "prefect"), "NO_COLOR": "1"}
        for program, executable in PROGRAMS.items():
            if executable and shutil.which(executable) is None:
                rows.append((program, "not installed", "", "", ""))
                continue
            words = ("--only", "rank", "--set", f"homology.program={program}", "--out", str(folder / program))
            seconds, _ = watched_run(
                command_line("run", str(folder / "study.yaml"), *words), environment, folder / "log"
            )
            ranking = pd.read_csv(folder / program / "ranking.csv")
            best = pd.read_csv(folder / program / "tables" / "gene_families.csv").set_index("gene_id")["family"]
            called = best.reindex(truth.index).dropna()
            # by the score: the genes without a hit are level, and their order in the ranking is that of their ids
            area = roc_auc_score(ranking["gene_id"].isin(truth.index), ranking["score"])
            right = f"{(called == truth[called.index]).sum()} of {len(called)}"
            decoys = (~best.index.isin(truth.index)).sum()
            rows.append((program, f"{area:.3f}", right, str(decoys), f"{seconds:.0f}"))
    return Table(
        "Families in a whole study",
        "`cairn run --only rank` on 62 flavonoid genes of Arabidopsis and grape among 500 bacterial decoys, expression "
        f"and metabolites noise, {count} families by reference proteins of other plants, homology the only weight.",
        ("references searched with", "AUC of the ranking", "families called right", "decoys with a hit", "run, s"),
        tuple(rows),
        ("Two genes have no hit with any program, which bounds the AUC.",),
    )
