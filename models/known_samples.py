"""Tables as they were read, under the sample ids of the study."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from configs.study import LayerConfig
from models.sample_matching import NO_MAP, count_resembling, match_samples
from models.table_parts import Part

Known = frozenset[str]


def named_as_known(
    parts: Sequence[Part], config: LayerConfig, known: Known, sample_map: Mapping[str, str] = NO_MAP
) -> tuple[list[Part], tuple[str, ...]]:
    """Write sample ids in place of the names that the files have.

    Parameters
    ----------
    parts : sequence of Part
        Ids and values of the files of one layer.
    config : LayerConfig
        Orientation of the layer.
    known : frozenset of str
        Samples of the sample sheet; when there are none, only `sample_map` changes a name.
    sample_map : mapping of str to str
        Sample id by name.

    Returns
    -------
    parts : list of Part
        With samples renamed; names that are no sample stay.
    notes : tuple of str
        What was matched by which rule.

    Raises
    ------
    SampleError
        Where a name could be several samples, or several names one sample.
    """
    if len(parts) > 1 and all(len(part.grid.column_ids) == 1 and part.turned is False for part in parts):
        names = [part.grid.column_ids[0] for part in parts]
        matched = match_samples(names, known, sample_map, where=f"{len(parts)} files")
        columns = ((matched.samples.get(name, name),) for name in names)
        return [
            replace(part, grid=replace(part.grid, column_ids=ids)) for part, ids in zip(parts, columns, strict=True)
        ], matched.notes
    named = [_named(part, config, known, sample_map) for part in parts]
    return [part for part, _ in named], tuple(note for _, notes in named for note in notes)


def best_naming(ways: Sequence[Sequence[str]], known: Known, sample_map: Mapping[str, str] = NO_MAP) -> Sequence[str]:
    """Return the way to name the samples of files that agrees most with the sheet, exactly or by rules."""
    named = known | sample_map.keys()
    return max(ways, key=lambda way: (len(named.intersection(way)), count_resembling(way, known)))


def _named(
    part: Part, config: LayerConfig, known: Known, sample_map: Mapping[str, str]
) -> tuple[Part, tuple[str, ...]]:
    grid = part.grid
    textual = grid.without_numbers()
    # A column of text is no sample, unless its name says so; then the text in it is refused later.
    columns = [one for one, is_text in zip(grid.column_ids, textual, strict=True) if not is_text or one in known]
    turned = _samples_lie_down(part, config, columns, (known, sample_map))
    names = grid.row_ids if turned else columns
    samples = match_samples(names, known, sample_map, where=grid.file)
    if turned:
        named = replace(grid, row_ids=_renamed(grid.row_ids, samples.samples))
    else:
        named = replace(grid, column_ids=_renamed(grid.column_ids, samples.samples))
    return replace(part, grid=named), samples.notes


def _renamed(ids: Sequence[str], samples: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(samples.get(one, one) for one in ids)


def _samples_lie_down(
    part: Part, config: LayerConfig, columns: Sequence[str], samples: tuple[Known, Mapping[str, str]]
) -> bool:
    """Say whether the rows are the samples: as told, else where more names are known, else where more resemble one."""
    known, sample_map = samples
    if part.turned is not None or config.orientation != "auto":
        return config.orientation == "samples_in_rows" if part.turned is None else part.turned
    rows, named = part.grid.row_ids, known | sample_map.keys()
    across, down = len(named.intersection(columns)), len(named.intersection(rows))
    if across or down or not known:
        return down > across
    shorter, longer = sorted((columns, rows), key=len)
    found = shorter if count_resembling(shorter, known) else longer
    return found is rows
