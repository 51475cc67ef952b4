"""Real studies of the scoreboard: known genes left out one at a time, and the genes of what was measured."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from configs.ranking import BaitConfig
from models.baits import bait_closeness, combined, whitened_graph
from models.correlation import best_partner
from models.gene_graph import GeneGraph
from tests.benchmarks.scoreboard_methods import POSITIVE, Board, Question, board, shown_parts
from tests.benchmarks.studies import Floats, Study, arabidopsis, ecoli, nci60, prior_evidence, tomato
from tests.conftest import DATA

Integers = npt.NDArray[np.int64]
FIELD = "field practice: mean {} to the baits"
SIGNED = "correlation, positive"
FEWEST_ENZYMES = 4
FEWEST, MOST = 5, 40
"""Genes of a subsystem that is asked after."""


def glucosinolates(organ: str) -> Board:
    """Leave out each gene of glucosinolate synthesis, its regulation and transport."""
    study, priors = _arabidopsis(organ)
    listed = pd.read_csv(DATA / "arabidopsis_wallomics" / "truth_glucosinolate_pathway.tsv", sep="\t")["gene_id"]
    baits = _rows(study, listed)
    return board(
        f"Arabidopsis, glucosinolates, {organ}",
        f"{len(baits)} genes of glucosinolate synthesis, regulation and transport in 30 samples of 10 groups, each "
        "left out in turn; no glucosinolate was measured, so there is no correlation.",
        _left_out(study, priors, baits),
    )


def own_transcripts(organ: str) -> Board:
    """Find the transcript of each protein by the protein's abundance."""
    study, priors = _arabidopsis(organ)
    return board(
        f"Arabidopsis, own transcript of each protein, {organ}",
        f"The positive control: {len(study.targets)} proteins, each a target whose one true gene is its own.",
        _linked(study, priors),
    )


def falcarindiol() -> Board:
    """Leave out each of the four genes of the falcarindiol cluster."""
    study = tomato()
    baits = _rows(study, study.truth["gene_id"])
    return board(
        "Tomato, falcarindiol cluster",
        f"{len(baits)} genes of one cluster among {len(study.genes.feature_ids):,}, each left out in turn; 24 samples "
        "of 12 groups.",
        _left_out(study, prior_evidence(study), baits, method="Pearson"),
    )


def ecoli_links() -> Board:
    """Find the enzymes of each metabolite."""
    study, priors = _ecoli()
    return board(
        "E. coli, enzymes of metabolites",
        f"{len(study.targets)} metabolites whose enzymes are known from the model iJO1366 (grade A), "
        f"{len(study.truth)} links; a growth series of 29 samples without replicates or labels.",
        _linked(study, priors),
    )


def ecoli_subsystems() -> Board:
    """Leave out each gene of each subsystem of metabolism."""
    study, priors = _ecoli()
    links = pd.read_csv(DATA / "ecoli_growth29" / "truth.tsv", sep="\t").query("grade in ('A', 'B')")
    found = {str(name): _rows(study, rows["gene_id"]) for name, rows in links.groupby("pathway")}
    graph = whitened_graph(study.genes.values, BaitConfig())
    asked = {name: rows for name, rows in found.items() if FEWEST <= len(rows) <= MOST}
    return board(
        "E. coli, subsystems",
        f"{len(asked)} subsystems of iJO1366 of {FEWEST} to {MOST} genes, each gene left out in turn; the mean over "
        "subsystems.",
        (
            question
            for name, rows in asked.items()
            for question in _left_out(study, priors, rows, graph=graph, unit=name)
        ),
    )


def nci60_links() -> Board:
    """Find the enzymes of each metabolite in human cell lines."""
    study, priors = _nci60()
    return board(
        "NCI-60, enzymes of metabolites",
        f"{len(study.targets)} metabolites whose enzymes are known from Human-GEM (grade A), {len(study.truth)} links "
        f"among {len(study.genes.feature_ids):,} genes; 20 cell lines.",
        _linked(study, priors),
    )


def ecoli_enzymes() -> Board:
    """Leave out each enzyme of each metabolite, the others and the metabolite known."""
    return _enzymes("E. coli, enzymes of metabolites, the other enzymes known", *_ecoli())


def nci60_enzymes() -> Board:
    """Leave out each enzyme of each metabolite, the others and the metabolite known."""
    return _enzymes("NCI-60, enzymes of metabolites, the other enzymes known", *_nci60())


def _enzymes(title: str, study: Study, priors: Mapping[str, Floats]) -> Board:
    found = {target: _rows(study, rows["gene_id"]) for target, rows in study.truth.groupby("target")}
    asked = {str(target): rows for target, rows in found.items() if FEWEST_ENZYMES <= len(rows) <= MOST}
    graph = whitened_graph(study.genes.values, BaitConfig())
    about = (
        f"{len(asked)} metabolites with {FEWEST_ENZYMES} to {MOST} enzymes, each enzyme left out in turn; the mean "
        "over metabolites. Correlation with the metabolite and closeness to baits at once."
    )

    def questions() -> Iterator[Question]:
        for target, rows in asked.items():
            values = study.metabolites.values[study.metabolites.positions_of(study.targets[target])]
            evidence = {"correlation": best_partner(study.genes.values, values).strength, **priors}
            yield from _left_out(study, evidence, rows, graph=graph, unit=target)

    return board(title, about, questions())


@cache
def _arabidopsis(organ: str) -> tuple[Study, dict[str, Floats]]:
    study = arabidopsis(organ)
    return study, prior_evidence(study)


@cache
def _nci60() -> tuple[Study, dict[str, Floats]]:
    study = nci60()
    return study, prior_evidence(study)


@cache
def _ecoli() -> tuple[Study, dict[str, Floats]]:
    study = ecoli()
    return study, prior_evidence(study)


def _rows(study: Study, genes: Sequence[str] | pd.Series) -> Integers:
    """Return the rows of the genes that the study has, each once, in order."""
    return np.flatnonzero(pd.Index(study.genes.feature_ids).isin(genes))


def _linked(study: Study, priors: Mapping[str, Floats]) -> Iterator[Question]:
    """Ask after the genes of each metabolite, by correlation and what is known of genes in general."""
    for target, members in study.targets.items():
        values = study.metabolites.values[study.metabolites.positions_of(members)]
        strength = best_partner(study.genes.values, values).strength
        true = _rows(study, study.truth.loc[study.truth["target"] == target, "gene_id"])
        signed = best_partner(study.genes.values, values, direction="positive").strength
        yield Question(
            [(target,) * len(true)],
            [true],
            {"correlation": strength, **priors},
            alone={SIGNED: signed},
            variants={POSITIVE: {"correlation": signed}},
        )


def _left_out(
    study: Study,
    priors: Mapping[str, Floats],
    baits: Integers,
    *,
    graph: GeneGraph | None = None,
    unit: str = "",
    method: str = "Spearman",
) -> Iterator[Question]:
    """Ask after each bait by the others, which are known and do not compete with it."""
    closeness = bait_closeness(study.genes.values, baits, config=BaitConfig(), graph=graph)
    plain = _correlations(study.genes.values, baits, method)
    for number, bait in enumerate(baits):
        parts = closeness.values(without=number)
        yield Question(
            [(unit or str(bait),)],
            [np.array([bait])],
            {"bait": combined(parts), **priors},
            left_out=np.delete(baits, number),
            known=np.delete(baits, number),
            alone={FIELD.format(method): _mean_without(plain, number), **shown_parts(parts)},
        )


def _correlations(expression: npt.NDArray[np.float32], baits: Integers, method: str) -> Floats:
    """Return the correlation of each gene with each bait, shape=(n_genes, n_baits); NaN with itself."""
    values = rankdata(expression, axis=1) if method == "Spearman" else expression.astype(np.float64)
    centred = values - values.mean(axis=1, keepdims=True)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    found = unit @ unit[baits].T
    found[baits, np.arange(len(baits))] = np.nan
    return found


def _mean_without(matrix: Floats, column: int) -> Floats:
    """Return each gene's mean over all columns but one."""
    return np.nanmean(np.delete(matrix, column, axis=1), axis=1)
