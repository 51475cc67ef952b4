"""Ions of one compound made one feature, and how surely each compound is known.

A mass spectrometer sees one compound as several features: adducts, isotopes and fragments. What stands for the
compound is by default its most intense ion, by the mean over samples: it has the best ratio of signal to noise, is
missing least often, and its values stay as they were measured, while a sum mixes ions that saturate and drop out
differently. Levels are those of the Metabolomics Standards Initiative (Sumner et al. 2007,
doi:10.1007/s11306-007-0082-2): 1 identified, 2 putatively annotated, 3 putatively characterised class, 4 unknown;
5, a mass alone, is that of Schymanski et al. 2014, doi:10.1021/es5002105.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from configs.errors import TableError, counted, first_of
from configs.study import CompoundsConfig, LayerConfig
from models.formats import read_table
from models.layer import Layer

DOUBTFUL_LEVEL = 3
"""From this level on, what a metabolite is called is not known well enough to rest on."""
_LEVEL = re.compile(r"^\D*([1-5])[a-e]?\)?$", re.IGNORECASE)
_NONE = frozenset({"", "0", "na", "n/a", "nan", "null", "none", "-"})


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a table tells of features.

    Attributes
    ----------
    compounds : mapping of str to str
        Compound by feature id, as far as it has one.
    levels : mapping of str to int
        MSI level by feature id, 1 to 5, as far as it is told.
    notes : tuple of str
        Plain sentences.
    """

    compounds: Mapping[str, str]
    levels: Mapping[str, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A layer with one feature a compound, and the level of each feature that has one."""

    layer: Layer
    levels: Mapping[str, int]
    notes: tuple[str, ...]


def annotation_of(content: bytes, file: str, config: LayerConfig, feature_ids: Sequence[str]) -> Annotation:
    """Read which compound each feature is an ion of, and at which level it is annotated.

    Parameters
    ----------
    content : bytes
        Bytes of the table that tells it.
    file : str
        File name for messages.
    config : LayerConfig
        Layer; its `compounds` name the columns.
    feature_ids : sequence of str
        Features of the layer.

    Raises
    ------
    TableError
        For a column that is absent, a level other than 1 to 5, a table of none of the features, or one that says
        different things of one feature.
    """
    asked = config.compounds or CompoundsConfig(compound_column="compound")
    table = read_table(content, file, sheet=config.sheet if asked.table is None else None)
    key = "layers.*.compounds"
    column = asked.feature_column or (config.id_column if asked.table is None else None)
    ids = table.text(0 if column is None else table.index(column, f"{key}.feature_column"))
    known = set(feature_ids)
    if not known & set(ids):
        raise TableError(
            wanted=f"ids of the layer's features, such as {first_of(feature_ids, 3)}",
            found=f"{first_of(ids, 3)}",
            where=f"{file}, column {table.header[0] if column is None else column!r}",
            remedy="Name the column of the feature ids in compounds.feature_column.",
        )
    rows = [(place, one, row) for place, (one, row) in enumerate(zip(ids, table.rows, strict=True)) if one in known]
    compounds: dict[str, str] = {}
    levels: dict[str, int] = {}
    if asked.compound_column is not None:
        cells = table.text(table.index(asked.compound_column, f"{key}.compound_column"))
        for place, feature, row in rows:
            if cells[place].strip().lower() not in _NONE:
                _put(compounds, feature, cells[place].strip(), f"{file}, row {row}")
    if asked.level_column is not None:
        cells = table.text(table.index(asked.level_column, f"{key}.level_column"))
        for place, feature, row in rows:
            if cells[place].strip().lower() not in _NONE:
                where = f"{file}, row {row}, column {asked.level_column!r}"
                _put(levels, feature, _level(cells[place], where), where)
    return Annotation(compounds, levels, table.notes if asked.table is not None else ())


def grouped(layer: Layer, annotation: Annotation, *, take: Literal["most_intense", "sum"], is_log: bool) -> Grouped:
    """Make one feature of the ions of each compound.

    Parameters
    ----------
    layer : Layer
        Features as they were measured.
    annotation : Annotation
        Compound and level of the features.
    take : {'most_intense', 'sum'}
        What stands for a compound: the ion with the largest mean, a missing value counting as none, or the sum of all
        ions, missing where all are.
    is_log : bool
        Whether values are logarithms to base 2; they are summed and averaged as 2 to their power.

    Returns
    -------
    Grouped
        A compound stands where its first ion stood and is named by its compound; the best level of its ions is its
        own, since one ion that is identified identifies the compound. Features without a compound stay as they are.

    Raises
    ------
    TableError
        Where a compound is called like a feature that is no ion of it.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for row, feature in enumerate(layer.feature_ids):
        members[annotation.compounds.get(feature, feature)].append(row)
    _check_names(layer, annotation)
    values = [_stands_for(layer.values[rows], take, is_log=is_log) for rows in members.values()]
    levels = {name: found for name, rows in members.items() if (found := _best(layer, rows, annotation)) is not None}
    merged = {name: rows for name, rows in members.items() if len(rows) > 1}
    notes = [*annotation.notes]
    if annotation.compounds:
        rule = "the ion with the largest mean stands for each" if take == "most_intense" else "the ions were summed"
        ions = sum(map(len, merged.values()))
        notes.append(
            f"{layer.name}: {counted(ions, 'feature')} are ions of {counted(len(merged), 'compound')} and {rule}; "
            f"{len(layer.feature_ids):,} features became {len(members):,}."
        )
    if levels:
        counts = ", ".join(f"{list(levels.values()).count(one)} of level {one}" for one in sorted(set(levels.values())))
        notes.append(f"{layer.name}: annotation levels: {counts}, {len(members) - len(levels)} without one.")
    stacked = np.ascontiguousarray(np.stack(values)).astype(np.float32)
    return Grouped(Layer(layer.name, stacked, tuple(members), layer.sample_ids), levels, tuple(notes))


def level_words(levels: Mapping[str, int]) -> str:
    """Say at which level the metabolites of a target are annotated, the first ten by name."""
    counts = ", ".join(f"{list(levels.values()).count(one)} at level {one}" for one in sorted(set(levels.values())))
    named = ", ".join(f"{metabolite} {level}" for metabolite, level in list(levels.items())[:10])
    return f"Annotation of its metabolites (MSI level): {counts} ({named}{', ...' if len(levels) > 10 else ''})."


def level_notes(targets: Mapping[str, Sequence[str]], levels: Mapping[str, int]) -> tuple[str, ...]:
    """Flag the targets that rest on metabolites of which no more than a class is known.

    Parameters
    ----------
    targets : mapping of str to sequence of str
        Metabolites by target.
    levels : mapping of str to int
        MSI level by metabolite; one without a level is not judged.
    """
    notes = []
    for target, ids in targets.items():
        doubtful = [one for one in ids if levels.get(one, 0) >= DOUBTFUL_LEVEL]
        if doubtful:
            share = "only " if len(doubtful) == len(ids) else ""
            listed = ", ".join(f"{one!r} (level {levels[one]})" for one in doubtful[:5])
            more = f" and {len(doubtful) - 5} more" if len(doubtful) > 5 else ""
            notes.append(
                f"Target {target} rests {share}on metabolites annotated at level 3 or worse, which may not be what "
                f"they are called: {listed}{more}."
            )
    return tuple(notes)


def _put(found: dict[str, int] | dict[str, str], feature: str, value: int | str, where: str) -> None:
    """Keep what is said of a feature; raises TableError where another row says something else."""
    kept: dict[str, int | str] = found  # type: ignore[assignment]
    if kept.setdefault(feature, value) != value:
        raise TableError(
            wanted="one compound and one level for each feature",
            found=f"{kept[feature]!r} and {value!r} for {feature!r}",
            where=where,
            remedy="Remove the row that is wrong.",
        )


def _level(cell: str, where: str) -> int:
    found = _LEVEL.match(cell.strip())
    if found is None:
        raise TableError(
            wanted="an annotation level from 1 to 5, such as 2 or 'MSI level 2'",
            found=repr(cell),
            where=where,
            remedy="Correct the cell, or leave it empty where the level is not known.",
        )
    return int(found.group(1))


def _check_names(layer: Layer, annotation: Annotation) -> None:
    own = {feature for feature in layer.feature_ids if feature not in annotation.compounds}
    clash = [name for name in dict.fromkeys(annotation.compounds.values()) if name in own]
    if clash:
        raise TableError(
            wanted="compounds with names of their own",
            found=f"{clash[0]!r}, which is also a feature that belongs to no compound",
            where=f"layers.{layer.name}.compounds",
            remedy="Rename the compound, or give that feature its compound too.",
        )


def _stands_for(
    ions: npt.NDArray[np.float32], take: Literal["most_intense", "sum"], *, is_log: bool
) -> npt.NDArray[np.float64]:
    if len(ions) == 1:
        return np.asarray(ions[0], dtype=np.float64)
    plain = np.exp2(ions.astype(np.float64)) if is_log else ions.astype(np.float64)
    if take == "most_intense":
        strongest = int(np.argmax(np.nan_to_num(plain).mean(axis=1)))
        return np.asarray(ions[strongest], dtype=np.float64)
    total = np.where(np.isnan(plain).all(axis=0), np.nan, np.nansum(plain, axis=0))
    return np.asarray(np.log2(total) if is_log else total, dtype=np.float64)


def _best(layer: Layer, rows: Sequence[int], annotation: Annotation) -> int | None:
    told = [annotation.levels[one] for row in rows if (one := layer.feature_ids[row]) in annotation.levels]
    return min(told, default=None)
