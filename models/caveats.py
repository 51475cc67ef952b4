"""What the reader of a report must know before anything else."""

from collections.abc import Mapping, Sequence

import pandas as pd

from configs.ranking_tables import EVIDENCES
from models.design import Power


def caveats(
    groups: Sequence[str],
    power: Power,
    verdicts: pd.DataFrame | None,
    weights: Mapping[str, Mapping[str, float]],
) -> tuple[str, ...]:
    """Say what limits a study, most serious first.

    Parameters
    ----------
    groups : sequence of str
        Replicate group of each sample that p comes from.
    power : Power
        What these groups can show.
    verdicts : DataFrame or None
        Table of the contract `verdicts`; None where the study has no label to predict.
    weights : mapping of str to mapping of str to float
        Weight of each evidence by target; an evidence that is not named is absent.

    Returns
    -------
    tuple of str
        Sentences; none where nothing limits the study.
    """
    return (*_group_caveats(groups, power), *_label_caveats(verdicts), *_evidence_caveats(weights))


def _group_caveats(groups: Sequence[str], power: Power) -> list[str]:
    said = []
    if len(set(groups)) == len(groups):
        said.append(
            "Every sample is its own replicate group. If some samples are replicates of each other, say so with "
            "`group_by` under `samples`: as it is, replicates stand on both sides of the folds, and held-out "
            "accuracies, p and q look better than they are."
        )
    if not power.one_gene_can_pass:
        said.append(power.sentence())
    return said


def _label_caveats(verdicts: pd.DataFrame | None) -> list[str]:
    if verdicts is None:
        return []
    lost = verdicts.loc[~verdicts["carried"] & ~verdicts["optimistic"], "label"].tolist()
    split = verdicts.loc[verdicts["optimistic"], "label"].tolist()
    said = []
    if lost:
        said.append(
            f"No method predicts {_listed(lost)} of held-out samples demonstrably better than chance. What the graph "
            "network says about genes rests on such predictions."
        )
    if split:
        said.append(
            f"The classes of {_listed(split)} lie in single replicate groups, so their held-out scores come from "
            "splitting replicates and are optimistic: they do not say that a new group would be recognised."
        )
    return said


def _evidence_caveats(weights: Mapping[str, Mapping[str, float]]) -> list[str]:
    by_absence: dict[tuple[str, ...], list[str]] = {}
    for target, present in weights.items():
        by_absence.setdefault(tuple(name for name in EVIDENCES if name not in present), []).append(target)
    return [
        f"{', '.join(targets)}: there is no {' and no '.join(absent)} evidence, so the ranking rests on "
        f"{_listed([name for name in EVIDENCES if name not in absent])}."
        for absent, targets in by_absence.items()
        if absent
    ]


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
