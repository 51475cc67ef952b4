"""Target-aware scores of all fits put together: gates, evidence, and sentences that say where they add nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from models.importance import spread_over_fits
from models.target_evidence import ATTRIBUTION, METHODS, PERTURBATION, TargetScores


def importance_table(scores: Mapping[str, TargetScores], gene_ids: Sequence[str], fold: str) -> pd.DataFrame:
    """Return the scores of one fold as a table of the contract `target_importance`."""
    genes = pd.Series(list(gene_ids), dtype="str")
    tables = [
        pd.DataFrame({"fold": fold, "target": target, "gene_id": genes, **found.scores})
        for target, found in scores.items()
    ]
    return pd.concat(tables, ignore_index=True)


def fits_table(scores: Mapping[str, TargetScores], fold: str) -> pd.DataFrame:
    """Return what the scores of one fold rest on as a table of the contract `target_fits`."""
    rows = [
        {"fold": fold, "target": target, "method": method, **asdict(fit)}
        for target, found in scores.items()
        for method, fit in found.fits.items()
    ]
    return pd.DataFrame(rows)


def target_gates(fits: pd.DataFrame, repeats: Mapping[str, int]) -> pd.DataFrame:
    """Say which methods may speak for which targets.

    Parameters
    ----------
    fits : DataFrame
        Table of the contract `target_fits`, all folds.
    repeats : mapping of str to int
        Repeat of the cross-validation by fold.

    Returns
    -------
    DataFrame
        Table of the contract `target_gates`, targets and methods in order of first appearance. In each repeat R2 is
        1 - sum of squared errors / sum of squares about the training mean, over the held-out samples of its folds; `r2`
        is the mean over repeats, and the gate is open where it is above 0.
    """
    used = fits[fits["n_samples"] > 0]
    rows = []
    for target, method in fits[["target", "method"]].drop_duplicates().itertuples(index=False, name=None):
        own = used[(used["target"] == target) & (used["method"] == method)]
        sums = own.groupby(own["fold"].map(repeats))[["squared_error", "total_square"]].sum()
        sums = sums[sums["total_square"] > 0]
        r2 = float((1 - sums["squared_error"] / sums["total_square"]).mean()) if len(sums) else np.nan
        rows.append(
            {
                "target": target,
                "method": method,
                "r2": r2,
                "n_samples": int(own["n_samples"].sum()),
                "n_folds": len(own),
                "opened": bool(r2 > 0),
            }
        )
    return pd.DataFrame(rows)


def target_summary(folds: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the scores of all folds together, gene by gene.

    Parameters
    ----------
    folds : sequence of DataFrame
        Tables of the contract `target_importance`, one a fold, all with the same rows.

    Returns
    -------
    DataFrame
        Table of the contract `target_summary`. A gene is in the top of a fold by the size of its score there, whatever
        its sign; mean and spread are of the signed scores, so that what changes its sign from fold to fold comes out
        small.
    """
    targets = folds[0]["target"]
    tables = []
    for target in targets.unique():
        own = (targets == target).to_numpy()
        table = pd.DataFrame({"target": target, "gene_id": folds[0].loc[own, "gene_id"].reset_index(drop=True)})
        for method in METHODS:
            values = np.stack([fold[method].to_numpy(np.float64)[own] for fold in folds])
            spread = spread_over_fits(values, np.abs(values))
            table[method], table[f"{method}_sd"], table[f"{method}_top"] = spread.mean, spread.sd, spread.top
        tables.append(table.assign(n_fits=np.int64(len(folds))))
    return pd.concat(tables, ignore_index=True)


def target_evidence(summary: pd.DataFrame, gates: pd.DataFrame, method: str) -> pd.DataFrame:
    """Return what one method says as a table of the contract `evidence`.

    Parameters
    ----------
    summary : DataFrame
        Table of the contract `target_summary`.
    gates : DataFrame
        Table of the contract `target_gates`.
    method : {'attribution', 'perturbation'}

    Returns
    -------
    DataFrame
        `value` is the mean over the folds, signed; `strength` its size, NaN where the gate is not open; `p` NaN;
        `detail` the held-out R2.
    """
    own = gates[gates["method"] == method].set_index("target")
    value = summary[method].to_numpy(np.float64)
    opened = summary["target"].map(own["opened"]).to_numpy(dtype=bool)
    detail = {str(target): f"held-out R2 {r2:.2f}" for target, r2 in own["r2"].items()}
    return pd.DataFrame(
        {
            "target": summary["target"],
            "gene_id": summary["gene_id"],
            "value": value,
            "strength": np.where(opened, np.abs(value), np.nan),
            "p": np.nan,
            "detail": summary["target"].map(detail).astype("str"),
        }
    )


def gate_notes(gates: pd.DataFrame) -> tuple[str, ...]:
    """Say in plain words where the target-aware scores may help and where they add nothing.

    Parameters
    ----------
    gates : DataFrame
        Table of the contract `target_gates`.

    Returns
    -------
    tuple of str
        One sentence a target on attribution; on perturbation one for all targets whose gate is the same.
    """
    alone = gates[gates["method"] == ATTRIBUTION]
    said = [
        _sentence(f"{target}: the gene latents", "predict it", r2, ATTRIBUTION)
        for target, r2 in zip(alone["target"], alone["r2"], strict=True)
    ]
    for _, rows in gates[gates["method"] == PERTURBATION].groupby("r2", sort=False, dropna=False):
        who = f"{', '.join(rows['target'])}: the metabolome's latents"
        said.append(_sentence(who, "reconstruct the genes", float(rows["r2"].iloc[0]), PERTURBATION))
    return tuple(said)


def _sentence(who: str, what: str, r2: float, method: str) -> str:
    if np.isnan(r2):
        return f"{who} could not be judged: too few samples have both layers, or nothing varies; no {method} here."
    if r2 > 0:
        return f"{who} {what} in held-out samples (R2 {r2:.2f}), so {method} may add something."
    return f"{who} do not {what} in held-out samples (R2 {r2:.2f}), so {method} adds nothing here."
