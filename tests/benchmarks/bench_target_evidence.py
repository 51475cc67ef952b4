"""What the networks know of a target beyond correlation: planted studies, and real ones with known genes."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.simulation import SimulationConfig
from models.correlation import best_partner
from models.fusion import rank01, transform
from models.importance import spread_over_fits
from models.scoring import score_ranking
from models.target_evidence import METHODS, TargetScores, explain_targets
from models.target_summary import fits_table, target_gates
from tests.benchmarks.studies import (
    FOLDS,
    SEED,
    Study,
    arabidopsis,
    autoencoder_importance,
    ecoli,
    fold_fits,
    planted,
)
from tests.benchmarks.tables import Table
from tests.conftest import DATA

PROTEINS = 60
Floats = npt.NDArray[np.float64]


def target_evidence() -> Table:
    """Rank the genes of each study by each evidence, and score the rankings against the truth."""
    rows, findings = [], []
    for name, studies in _studies().items():
        scores = pd.concat([_scores(study) for study in studies], ignore_index=True)
        means = scores.groupby("evidence", sort=False)[["auc", "enrichment_top_1_percent"]].mean()
        opened = {method: scores.loc[scores["evidence"] == method, "opened"].mean() for method in METHODS}
        count = scores["evidence"].eq("correlation").sum()
        for evidence, mean in means.iterrows():
            share = f"{opened[evidence]:.0%}" if evidence in opened else ""
            numbers = (f"{mean['auc']:.3f}", f"{mean['enrichment_top_1_percent']:.1f}")
            rows.append((name, f"{count}", str(evidence), share, *numbers))
        findings += [_finding(name, scores, method) for method in METHODS]
    return Table(
        "Target-aware evidence",
        f"{FOLDS} folds over whole replicate groups, preset compact; mean over targets of the AUC, and of the share of "
        "true genes in the top 1% as times chance. A closed gate (held-out R2 not above 0) leaves a method out of the "
        "rows 'correlation + ...', which add -ln(1 - r) of both with equal weights.",
        ("study", "targets", "evidence", "gate open", "AUC", "top 1%"),
        tuple(rows),
        tuple(findings),
    )


def _finding(name: str, scores: pd.DataFrame, method: str) -> str:
    """Say what a method adds to correlation, with the spread over targets."""
    by_evidence = {evidence: rows.reset_index(drop=True) for evidence, rows in scores.groupby("evidence")}
    alone, both, own = (by_evidence[key] for key in ("correlation", f"correlation + {method}", method))
    gain = (both["auc"] - alone["auc"]).to_numpy()
    error = gain.std(ddof=1) / np.sqrt(len(gain))
    adds = "adds" if gain.mean() > 2 * error else "takes away" if gain.mean() < -2 * error else "adds nothing reliable:"
    opened = own["opened"]
    where = (
        f"where its gate is open ({opened.sum()} of {len(own)}), its AUC is {own['auc'][opened].mean():.3f} against "
    )
    return (
        f"{name}: with correlation, {method} {adds} {gain.mean():+.3f} AUC (standard error {error:.3f}); alone and "
        f"{where}{alone['auc'][opened].mean():.3f} of correlation."
    )


def _studies() -> dict[str, list[Study]]:
    """Return the studies by name; those of real data only where the folder of data sets is there."""
    few = {"genes": 5000, "metabolites": 300}
    studies = {
        "planted, 7 groups x 3": [planted(SimulationConfig(**few), seed) for seed in range(3)],
        "planted, 20 groups x 3": [
            planted(SimulationConfig(groups=20, active_groups=5, **few), seed) for seed in (1, 2)
        ],
    }
    if DATA.is_dir():
        studies |= {"E. coli, reactions": [ecoli()], "Arabidopsis, own transcript of proteins": [_some_proteins()]}
    return studies


def _some_proteins() -> Study:
    """Return the rosettes of Arabidopsis with a few of their proteins, chosen at random."""
    study = arabidopsis("rosettes")
    chosen = np.random.default_rng(SEED).choice(list(study.targets), PROTEINS, replace=False).tolist()
    truth = pd.DataFrame({"gene_id": chosen, "target": chosen})
    return replace(study, targets={name: [name] for name in chosen}, truth=truth)


def _scores(study: Study) -> pd.DataFrame:
    """Return the scores of every evidence, one row an evidence and target, in the same order of targets."""
    learnt, by_target, gates = _learnt(study)
    opened = gates.set_index(["target", "method"])["opened"]
    blocks = []
    for target, members in study.targets.items():
        values = study.metabolites.values[study.metabolites.positions_of(members)]
        correlation = best_partner(study.genes.values, values).strength
        evidence = {"correlation": correlation, **learnt}
        for method, strength in by_target[target].items():
            evidence[method] = strength
            evidence[f"correlation + {method}"] = _fused(correlation, strength if opened[target, method] else None)
        for name, strength in evidence.items():
            ranking = _ranking(study.genes.feature_ids, target, strength)
            table = score_ranking(ranking, study.truth, members={}).table
            blocks.append(table.assign(evidence=name, opened=bool(opened.get((target, name), default=True))))
    return pd.concat(blocks, ignore_index=True)


def _fused(correlation: Floats, strength: Floats | None) -> Floats:
    parts = [correlation] if strength is None else [correlation, strength]
    return np.sum([transform(rank01(part), "log_tail") for part in parts], axis=0)


def _ranking(gene_ids: tuple[str, ...], target: str, strength: Floats) -> pd.DataFrame:
    order = np.argsort(-np.nan_to_num(strength, nan=-np.inf), kind="stable")
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(1, len(order) + 1)
    return pd.DataFrame({"target": target, "rank": ranks, "gene_id": list(gene_ids)})


def _learnt(study: Study) -> tuple[dict[str, Floats], dict[str, dict[str, Floats]], pd.DataFrame]:
    """Return what the networks say: of all genes, of all genes for each target, and the gates."""
    general: dict[str, list[Floats]] = {"reconstruction": [], "gradient": []}
    folds: list[dict[str, TargetScores]] = []
    rows = {name: study.metabolites.positions_of(members) for name, members in study.targets.items()}
    for fold in fold_fits(study):
        for name, values in zip(general, autoencoder_importance(fold), strict=True):
            general[name].append(values)
        folds.append(explain_targets(fold.genes, fold.metabolites, rows, held_out=fold.held_out, groups=study.groups))
    fits = [fits_table(fold, str(number)) for number, fold in enumerate(folds)]
    gates = target_gates(pd.concat(fits), {str(number): 1 for number in range(len(folds))})
    by_target = {
        target: {
            method: np.abs(spread_over_fits(np.stack([fold[target].scores[method] for fold in folds])).mean)
            for method in METHODS
        }
        for target in study.targets
    }
    return {name: spread_over_fits(np.stack(values)).mean for name, values in general.items()}, by_target, gates
