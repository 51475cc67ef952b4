"""A study of a few dozen genes in a store of its own, for tests of the tasks that make a ranking.

Genes 0 to 5 and the metabolites m1 and m3 follow one activity. The last group has no metabolome, and two groups and two
genes are called as columns of tables are.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime, SourceFile
from configs.homology import FamilyConfig
from configs.ranking import BaitConfig, RankingConfig
from models.layer import Layer
from tasks.baits import build_gene_graph, score_baits
from tasks.certainty import permute_groups, refit_baits, refit_correlation
from tasks.evidence import correlate_targets
from tasks.homology import grade_families
from tasks.rank import rank_genes
from tasks.records import (
    BaitEvidence,
    CorrelationEvidence,
    EvidenceArtifacts,
    FamilyEvidence,
    FoldPlan,
    GeneGraphTables,
    Homology,
    NullEvidence,
    PairedLayers,
    Ranked,
    Refits,
    TargetInquiry,
    TargetQuestion,
)
from tasks.store import Store

GROUPS = ("target", "gene_id", "c", "d", "e", "f", "g", "no metabolome")
SAMPLES = tuple(f"s{number:02}" for number in range(16))
SHARED = SAMPLES[:14]
GENES = ("gene_id", "target", *(f"g{number:02}" for number in range(2, 40)))
TARGETS = {"acids": ("m1", "m3"), "sugars": ("m0",)}
BAITS = {"acids": ("gene_id", "target", "g02")}
BAIT_CONFIG = BaitConfig(neighbours=8)
QUESTION = TargetQuestion(method="spearman", direction="both", permutations=30)
CONFIG = RankingConfig(permutations=30, weight_draws=20, cards=5, bait=BAIT_CONFIG)
FAMILIES = {
    "P450": FamilyConfig(tables=("p450.tsv",), targets=("acids",)),
    "BAHD": FamilyConfig(tables=("bahd.tsv",), targets=("sugars",)),
}


class SmallStudy:
    """All that the tasks of the ranking read, and what they make of it, each made when it is asked for."""

    def __init__(self, folder: Path, baits: dict[str, tuple[str, ...]] | None = None) -> None:
        rng = np.random.default_rng(4)
        activity = np.repeat(rng.normal(size=8), 2)
        genes, metabolites = rng.normal(size=(40, 16)), rng.normal(size=(30, 16))
        genes[:6] = activity + 0.3 * genes[:6]
        metabolites[[1, 3]] = activity + 0.3 * metabolites[[1, 3]]
        self.baits = BAITS if baits is None else baits
        self.folder = folder
        self.runtime = Runtime(store=str(folder / "store"), checkpoints=str(folder / "checkpoints"), device="cpu")
        self.store = Store(self.runtime.store)
        self.genes = Layer("genes", genes.astype(np.float32), GENES, SAMPLES)
        ids = tuple(f"m{number}" for number in range(30))
        self.metabolites = Layer("metabolites", metabolites[:, :14].astype(np.float32), ids, SHARED)
        self.layers = PairedLayers(
            genes=self.store.put_layer(self.genes),
            metabolites=self.store.put_layer(self.metabolites),
            sheet=self.store.put_table(_sheet(), "samples"),
            shared=SHARED,
        )
        constant = np.vstack([self.genes.values, np.ones((1, 16), np.float32)])
        self.raw = self.store.put_layer(Layer("genes", constant, (*GENES, "constant"), SAMPLES))
        plan = self.store.put_table(_plan(), "folds")
        self.plan = FoldPlan(table=plan, labels=plan, folds=("0", "1"), split=(), notes=())

    @cached_property
    def correlation(self) -> CorrelationEvidence:
        return correlate_targets.fn(self.layers, TARGETS, QUESTION, self.runtime)

    @cached_property
    def graph(self) -> GeneGraphTables:
        return build_gene_graph.fn(self.layers.genes, BAIT_CONFIG, self.runtime)

    @cached_property
    def bait(self) -> BaitEvidence | None:
        if not self.baits:
            return None
        return score_baits.fn(self.layers.genes, self.graph, self.baits, BAIT_CONFIG, self.runtime)

    @cached_property
    def null(self) -> NullEvidence:
        inquiry = TargetInquiry(correlation=self.correlation, graph=self.graph if self.baits else None, bait=self.bait)
        return permute_groups.fn(self.layers, inquiry, TARGETS, QUESTION, BAIT_CONFIG, 1, self.runtime)

    @cached_property
    def refits(self) -> Refits:
        bait, genes, sheet = None, self.layers.genes, self.layers.sheet
        if self.bait:
            bait = refit_baits.fn(genes, sheet, self.bait, BAIT_CONFIG, self.runtime)
        return Refits(correlation=refit_correlation.fn(self.layers, TARGETS, QUESTION, self.runtime), bait=bait)

    @cached_property
    def homology(self) -> Homology:
        """Return hits of two families: g05, g02, g04 and g03 on P450 for the acids, g30 on BAHD for the sugars."""
        families = {}
        for name, genes in (("P450", ("g05", "g02", "g04", "g03")), ("BAHD", ("g30",))):
            path = self.folder / f"{name.lower()}.tsv"
            path.write_text("".join(_hit(gene, name, place) for place, gene in enumerate(genes)), "utf-8")
            tables = (SourceFile(path=str(path)),)
            families[name] = FamilyEvidence(config=FAMILIES[name], listed=False, tables=tables, searches=())
        return grade_families.fn(self.raw, families, None, None, tuple(TARGETS), self.runtime)

    @cached_property
    def evidence(self) -> EvidenceArtifacts:
        return EvidenceArtifacts(
            correlation=self.correlation.evidence,
            null=self.null,
            refits=self.refits,
            importance=tuple(self._importance(fold) for fold in self.plan.folds),
            homology=self.homology.evidence,
            bait=self.bait,
        )

    @cached_property
    def ranked(self) -> Ranked:
        return self.rank(CONFIG)

    def rank(self, config: RankingConfig) -> Ranked:
        """Rank the genes."""
        study = (self.raw, self.layers.genes, self.layers.sheet)
        return rank_genes.fn(study, self.plan, self.evidence, None, config, 1, self.runtime)

    def table(self, artifact: Artifact | None) -> pd.DataFrame:
        """Return a table of the store."""
        assert artifact is not None
        return self.store.get_table(artifact)

    def _importance(self, fold: str) -> Artifact:
        values = np.random.default_rng(int(fold)).random((3, len(GENES)))
        columns = dict(zip(("reconstruction", "gradient", "graph"), values, strict=True))
        return self.store.put_table(pd.DataFrame({"fold": fold, "gene_id": GENES, **columns}), "importance")


def _sheet() -> pd.DataFrame:
    columns = {"sample_id": SAMPLES, "group": np.repeat(GROUPS, 2), "batch": None, "time": np.nan, "series": None}
    return pd.DataFrame(columns).astype({"batch": "str", "series": "str", "group": "str"})


def _plan() -> pd.DataFrame:
    groups = np.repeat(GROUPS, 2)
    parts = [
        pd.DataFrame(
            {
                "fold": fold,
                "repeat": 1,
                "scheme": "grouped",
                "sample_id": SAMPLES,
                "group": groups,
                "role": np.where(np.isin(groups, held_out), "held_out", "train"),
            }
        )
        for fold, held_out in (("0", GROUPS[:4]), ("1", GROUPS[4:]))
    ]
    return pd.concat(parts, ignore_index=True)


def _hit(gene: str, family: str, place: int) -> str:
    """Return a line of outfmt 6 with a score that falls with the place."""
    length, bits = 400 - 60 * place, 700 - 150 * place
    columns = (gene, f"{family}_1", 90.0, length, 0, 0, 1, 400, 1, 400, f"1e-{180 - 40 * place}", bits)
    return "\t".join(map(str, columns)) + "\n"
