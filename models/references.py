"""Ids that the study file names, looked up in the tables."""

from collections.abc import Mapping, Sequence

import pandas as pd

from configs.errors import UnknownIdError, first_of
from configs.study import EVERYTHING, BaitSource
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
    sources: Mapping[str, BaitSource],
    hits: Mapping[str, pd.DataFrame],
    gene_ids: Sequence[str],
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Add the genes that fit a family best to the baits of the targets that ask for them.

    Parameters
    ----------
    baits : mapping of str to tuple of str
        Baits that the study file names, by target.
    sources : mapping of str to BaitSource
        By target.
    hits : mapping of str to DataFrame
        Table of the contract `homology_hits` by family, best grade first.
    gene_ids : sequence of str
        Genes that can be baits: those whose expression varies.

    Returns
    -------
    dict of str to tuple of str
        Baits by target, those that are named first; targets without any are left out.
    tuple of str
        Which genes each family gave.
    """
    known = frozenset(gene_ids)
    found, notes = {target: list(ids) for target, ids in baits.items()}, []
    for target, source in sources.items():
        for family in source.from_families:
            best = [gene for gene in hits[family]["gene_id"] if gene in known][: source.top]
            found.setdefault(target, []).extend(best)
            given = first_of(best, source.top) if best else "no gene whose expression varies"
            notes.append(f"baits.{target}: the family {family} gives {given}.")
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
