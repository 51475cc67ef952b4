"""Ids that the study file names, looked up in the tables."""

from collections.abc import Mapping, Sequence

import pandas as pd

from configs.errors import UnknownIdError, first_of
from configs.study import EVERYTHING, FamilyConfig
from models.layer import Layer
from models.matching import resolve_ids


def usable_targets(
    targets: Mapping[str, tuple[str, ...]], raw: Layer, prepared: Layer
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the metabolites of each target that vary, and notes on those that do not.

    Raises
    ------
    UnknownIdError
        An id is in no table, or a target has no metabolite that varies.
    """
    if not targets:
        return {EVERYTHING: prepared.feature_ids}, (
            "No target is named: every metabolite counts as one target, 'all'.",
        )
    return _usable(targets, raw, prepared, what="metabolites", section="targets")


def usable_baits(
    baits: Mapping[str, tuple[str, ...]], raw: Layer, prepared: Layer
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the baits of each target whose expression varies, and notes; raises UnknownIdError as for targets."""
    return _usable(baits, raw, prepared, what="baits", section="baits")


def family_baits(
    baits: Mapping[str, tuple[str, ...]],
    families: Mapping[str, FamilyConfig],
    hits: Mapping[str, pd.DataFrame],
    targets: Sequence[str],
    gene_ids: Sequence[str],
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Add the genes that fit a family best to the baits of the targets that it serves.

    Parameters
    ----------
    baits : mapping of str to tuple of str
        Baits by target, as the study file names them.
    families : mapping of str to FamilyConfig
        Those with a `bait_grade`.
    hits : mapping of str to DataFrame
        Table of the contract `homology_hits` by family.
    targets, gene_ids : sequence of str
        All targets, and the genes that can be baits: those whose expression varies.

    Returns
    -------
    dict of str to tuple of str
        Baits by target, those of the study file first; targets without any are left out.
    tuple of str
        A note for each family.
    """
    known = frozenset(gene_ids)
    found = {target: list(baits.get(target, ())) for target in targets}
    notes = []
    for name, family in families.items():
        graded = hits[name]
        good = [gene for gene in graded.loc[graded["grade"] >= family.bait_grade, "gene_id"] if gene in known]
        serving = [target for target in targets if not family.targets or target in family.targets]
        for target in serving:
            found[target] += good
        genes = f"{len(good)} genes" if len(good) != 1 else "1 gene"
        notes.append(
            f"Family {name}: {genes} graded at least {family.bait_grade:g} count as baits of {', '.join(serving)}."
        )
    return {target: tuple(dict.fromkeys(ids)) for target, ids in found.items() if ids}, tuple(notes)


def _usable(
    wanted: Mapping[str, tuple[str, ...]], raw: Layer, prepared: Layer, *, what: str, section: str
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    kept = set(prepared.feature_ids)
    usable: dict[str, tuple[str, ...]] = {}
    notes: list[str] = []
    for target, ids in wanted.items():
        where = f"{section}.{target}"
        found = [raw.feature_ids[index] for index in resolve_ids(ids, raw.feature_ids, what=what, where=where)]
        usable[target] = tuple(name for name in found if name in kept)
        lost = [name for name in found if name not in kept]
        if not usable[target]:
            raise UnknownIdError(
                wanted=f"at least one of the {what} to vary between samples",
                found=f"{len(lost)} that were dropped as constant or mostly missing: {first_of(lost)}",
                where=where,
                remedy="Name others, or raise preprocess.max_missing.",
            )
        if lost:
            notes.append(
                f"{where}: {len(lost)} of {len(found)} cannot be used (constant or mostly missing): {first_of(lost)}."
            )
    return usable, tuple(notes)
