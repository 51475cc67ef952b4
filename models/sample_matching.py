"""Sample names as tables write them, matched with the sample ids of a study: exactly, by a map, by rules that are told.

A rule takes off or evens out one thing that programs do to a name. Which rules a match needs is a set, so the order in
which rules are tried means nothing: of two samples that a name could be, it is the one whose rules are all among those
that the other needs as well, and where there is none, nobody can know and the match is refused.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from unicodedata import normalize

from configs.errors import SampleError, counted, first_of, nearest
from models.formats import read_table
from models.layer import Layer

EXACT, MAPPED = "exactly", "by samples.map"
NO_MAP: Mapping[str, str] = MappingProxyType({})

_MEASURE = re.compile(
    r"(?:[ ._]+(?:peak[ ._]?(?:area|height)|normalised[ ._]area|normalized[ ._]area|fpkm|rpkm|tpm|counts?|intensity))$"
    r"|^(?:lfq[ ._]intensity|intensity|ibaq)[ ._]+",
    re.IGNORECASE,
)
_FILE = re.compile(
    r"(?:[._]?Aligned)?(?:\.sortedByCoord)?(?:\.out)?(?:\.(?:sorted|dedup|markdup))*"
    r"\.(?:mzML|mzXML|mzData|raw|wiff2?|d|cdf|bam|sam|cram|(?:fastq|fq)(?:\.gz)?|(?:genes|isoforms)\.results|txt|tsv|csv)$",
    re.IGNORECASE,
)
_NOT_IN_R = re.compile(r"[^\w.]")
_R_START = re.compile(r"^(?:[^\W\d_]|\.(?!\d))")
_SEPARATOR = re.compile(r"[-. _]")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be taken off or evened out in a name.

    `said` tells of it in a note; `other_side` says which names it may make another name equal to.
    """

    said: str
    apply: Callable[[str], str]
    other_side: Callable[[str], bool] | None = None

    def allows(self, other: str) -> bool:
        """Say whether the rule may make a name equal to `other`."""
        return self.other_side is None or self.other_side(other)


def _as_in_r(name: str) -> str:
    written = _NOT_IN_R.sub(".", name)
    return written if _R_START.match(written) else f"X{written}"


RULES = (
    Rule("without blanks around it", lambda name: normalize("NFKC", name).strip()),
    Rule("without ' Peak area' or the like", lambda name: _MEASURE.sub("", name)),
    Rule("without a folder", lambda name: re.split(r"[/\\]", name)[-1]),
    Rule("without a file ending such as '.mzML'", lambda name: _FILE.sub("", name)),
    # Two names that R writes alike may differ in what R cannot write, so one of the two must have come from R.
    Rule("as R writes names", _as_in_r, other_side=lambda name: _as_in_r(name) == name),
    Rule("with '-', '.', '_' and blanks alike", lambda name: _SEPARATOR.sub("_", name)),
    Rule("with capital and small letters alike", str.casefold),
)
"""What is taken off first lies outermost in a name; a rule that changes nothing counts for nothing."""

Needs = frozenset[str]
Ways = frozenset[Needs]


@dataclass(frozen=True, slots=True)
class Matched:
    """Which name stands for which sample.

    Attributes
    ----------
    samples : mapping of str to str
        Sample id by name in the table; names that are no sample are left out.
    rules : mapping of str to str
        How each of them was matched, in words: `EXACT`, `MAPPED` or the rules.
    notes : tuple of str
        Plain sentences on whatever was not matched exactly.
    """

    samples: Mapping[str, str]
    rules: Mapping[str, str]
    notes: tuple[str, ...]


def match_samples(
    names: Sequence[str],
    known: Collection[str],
    mapping: Mapping[str, str] = NO_MAP,
    *,
    where: str = "the table",
    rules: Sequence[Rule] = RULES,
) -> Matched:
    """Match the names of a table with the samples of a study.

    Parameters
    ----------
    names : sequence of str
        Names in the table, samples and others.
    known : collection of str
        Sample ids of the study; when there are none, each name is its own sample unless `mapping` has it.
    mapping : mapping of str to str
        Sample id by name in a table, as the user gave it.
    where : str
        File for messages.
    rules : sequence of Rule
        What may be taken off or evened out; the order of names, samples and minimal sets of rules changes nothing.

    Returns
    -------
    Matched
        A name that is a sample id stands for that, whatever else resembles it. No sample has two names.

    Raises
    ------
    SampleError
        Where a name could be several samples, several names one sample, or `mapping` contradicts the table.
    """
    found = {name: name for name in names if not known or name in known}
    said = dict.fromkeys(found, EXACT)
    _take_mapped(names, known, mapping, (found, said), where)
    taken, notes = set(found.values()), []
    if known:
        rest = [name for name in dict.fromkeys(names) if name not in found]
        ways = _ways_by_sample(rest, known, rules)
        free = {name: {one: needs for one, needs in fits.items() if one not in taken} for name, fits in ways.items()}
        chosen = _unambiguous({name: _closest(fits) for name, fits in free.items() if fits}, where)
        found |= {name: sample for name, (sample, _) in chosen.items()}
        said |= {name: _in_words(needs, rules) for name, (_, needs) in chosen.items()}
        notes = _taken_notes({name: fits for name, fits in ways.items() if name not in chosen}, where)
    return Matched(found, said, (*_match_notes(found, said, where), *notes))


def count_resembling(names: Iterable[str], known: Collection[str]) -> int:
    """Count the names that are, or could be, some sample."""
    distinct = dict.fromkeys(names)
    return len(_ways_by_sample(distinct, known, RULES)) if known else 0


def renamed(layer: Layer, samples: Mapping[str, str]) -> Layer:
    """Return the layer under the sample ids of a study; names that `samples` lacks stay as they are."""
    return replace(layer, sample_ids=tuple(samples.get(name, name) for name in layer.sample_ids))


def unite_layers(layers: Iterable[Layer]) -> tuple[dict[str, Layer], tuple[str, ...]]:
    """Give the samples of all layers common ids, where no sample sheet does.

    Parameters
    ----------
    layers : iterable of Layer
        Layers as they were read.

    Returns
    -------
    layers : dict of str to Layer
        By name. Of the names that stand for one sample, the shortest is its id; of equally short ones the first.
    notes : tuple of str
        What was matched by which rule.

    Raises
    ------
    SampleError
        Where a name could be several samples, or several names one sample.
    """
    given = list(layers)
    members: dict[str, list[str]] = {}
    matches: dict[str, Mapping[str, str]] = {}
    notes: list[str] = []
    for layer in sorted(given, key=lambda layer: layer.name):
        matched = match_samples(layer.sample_ids, members.keys(), where=f"layer {layer.name}")
        notes += matched.notes
        matches[layer.name] = matched.samples
        for name in layer.sample_ids:
            members.setdefault(matched.samples.get(name, name), []).append(name)
    ids = {key: min(names, key=lambda name: (len(name), name)) for key, names in members.items()}
    if len(set(ids.values())) < len(ids):
        ids = {key: key for key in ids}
    united = {
        layer.name: renamed(layer, {name: ids[matches[layer.name].get(name, name)] for name in layer.sample_ids})
        for layer in given
    }
    return united, tuple(notes)


def read_sample_map(content: bytes, file: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read a map of sample names.

    Parameters
    ----------
    content : bytes
        Bytes of a table with a header and two columns: the name in a table, and the sample id.
    file : str
        File name for messages.

    Returns
    -------
    mapping : dict of str to str
        Sample id by name.
    notes : tuple of str
        What was taken for the header.

    Raises
    ------
    SampleError
        Where there are not two columns, a cell is empty, or a name has two sample ids.
    TableError
        Where the file is no table.
    """
    table = read_table(content, file)
    wanted = "two columns, the name in the table and the sample id, with a header above"
    if len(table.header) != 2:
        found = f"{counted(len(table.header), 'column')}: {first_of(table.header)}"
        raise SampleError(wanted=wanted, found=found, where=file, remedy="Remove the others.")
    mapping: dict[str, str] = {}
    for row, name, sample in zip(table.rows, table.text(0), table.text(1), strict=True):
        if not name or not sample:
            found, remedy = "an empty cell", "Fill it in, or remove the row."
            raise SampleError(wanted=wanted, found=found, where=f"{file}, row {row}", remedy=remedy)
        if mapping.setdefault(name, sample) != sample:
            raise SampleError(
                wanted="one sample id for each name",
                found=f"{mapping[name]!r} and {sample!r} for {name!r}",
                where=f"{file}, row {row}",
                remedy="Remove the row that is wrong.",
            )
    notes = (*table.notes, f"{file}: its first row, {first_of(table.header)}, was taken for the header.")
    return mapping, notes


# --- the map ----------------------------------------------------------------------------------------------------


def _take_mapped(
    names: Sequence[str],
    known: Collection[str],
    mapping: Mapping[str, str],
    taken: tuple[dict[str, str], dict[str, str]],
    where: str,
) -> None:
    """Add what the map says to the samples and rules found so far."""
    found, said = taken
    wanted = {name: mapping[name] for name in names if name in mapping and mapping[name] != name}
    if unknown := [sample for sample in wanted.values() if known and sample not in known]:
        raise SampleError(
            wanted="sample ids of the sample sheet in samples.map",
            found=f"{first_of(unknown)}, which it does not have",
            where=where,
            remedy=f"Correct the map; nearest to {unknown[0]!r}: {nearest(unknown[0], list(known))}.",
        )
    if clash := [name for name in wanted if known and name in known]:
        raise SampleError(
            wanted="names in samples.map that are no sample ids themselves",
            found=f"{clash[0]!r}, mapped to {wanted[clash[0]]!r}, while the sample sheet has a sample {clash[0]!r}",
            where=where,
            remedy="A name that is a sample id stands for that sample; rename the column, or correct the map.",
        )
    found |= wanted
    said |= dict.fromkeys(wanted, MAPPED)
    _check_one_name(found, where)


# --- rules ------------------------------------------------------------------------------------------------------


def _forms(name: str, rules: Sequence[Rule]) -> dict[str, Ways]:
    """Return every way to write a name, with the sets of rules that lead to it."""
    forms: dict[str, Ways] = {name: frozenset([frozenset()])}
    for rule in sorted(rules, key=_ORDER.__getitem__):
        for form, ways in list(forms.items()):
            written = rule.apply(form)
            if written and written != form:
                forms[written] = forms.get(written, frozenset()) | {way | {rule.said} for way in ways}
    return forms


_ORDER = {rule: place for place, rule in enumerate(RULES)}
_PLACES = {rule.said: place for place, rule in enumerate(RULES)}
_DEMANDING = frozenset(rule.said for rule in RULES if rule.other_side is not None)


def _ways_by_sample(names: Iterable[str], known: Iterable[str], rules: Sequence[Rule]) -> dict[str, dict[str, Ways]]:
    """Return the samples that each name could be, each with the sets of rules that make them equal."""
    index: dict[str, list[tuple[str, Ways]]] = defaultdict(list)
    for sample in known:
        for form, ways in _forms(sample, rules).items():
            index[form].append((sample, ways))
    found: dict[str, dict[str, Ways]] = {}
    for name in names:
        fits: dict[str, Ways] = {}
        for form, ways in _forms(name, rules).items():
            for sample, others in index.get(form, ()):
                pairs = ((one, two) for one in ways for two in others)
                if needs := frozenset(one | two for one, two in pairs if _may_be(one, name, two, sample)):
                    fits[sample] = fits.get(sample, frozenset()) | needs
        if fits:
            found[name] = fits
    return found


def _may_be(one: Needs, name: str, two: Needs, sample: str) -> bool:
    """Say whether each rule of one side allows the other side."""
    return all(
        (rule.said not in one or rule.allows(sample)) and (rule.said not in two or rule.allows(name)) for rule in RULES
    )


def _least(ways: Ways) -> Needs:
    """Return the smallest set of rules; of equally small ones that of the plainest rules."""
    return min(ways, key=lambda way: (len(way), bool(way & _DEMANDING), sorted(_PLACES[said] for said in way)))


def _closest(fits: Mapping[str, Ways]) -> dict[str, Needs]:
    """Return the one sample whose rules are among those of every other sample, else all of them."""
    fewest = {sample: _least(ways) for sample, ways in fits.items()}
    for sample, ways in fits.items():
        others = [way for other, others in fits.items() if other != sample for way in others]
        if any(all(way < other for other in others) for way in ways):
            return {sample: fewest[sample]}
    return fewest


def _unambiguous(fits: Mapping[str, Mapping[str, Needs]], where: str) -> dict[str, tuple[str, Needs]]:
    for name in sorted(fits):
        if len(fits[name]) > 1:
            raise _ambiguous(name, fits[name], where)
    chosen = {name: next(iter(fit.items())) for name, fit in fits.items()}
    _check_one_name({name: sample for name, (sample, _) in chosen.items()}, where)
    return chosen


def _check_one_name(samples: Mapping[str, str], where: str) -> None:
    """Refuse two names of one sample."""
    names: dict[str, list[str]] = defaultdict(list)
    for name, sample in samples.items():
        names[sample].append(name)
    for sample in sorted(names):
        if len(names[sample]) > 1:
            raise _ambiguous(sample, names[sample], where)


def _either(names: Iterable[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names)[:4])


def _ambiguous(name: str, candidates: Iterable[str], where: str) -> SampleError:
    return SampleError(
        wanted="one sample for each name, and one name for each sample",
        found=f"{name!r}, which could be {_either(candidates)}",
        where=where,
        remedy="Write the name as the study writes its sample, or name a table of two columns in samples.map, "
        "the name in the table and the sample id.",
    )


# --- what is said -----------------------------------------------------------------------------------------------


def _in_words(needs: Needs, rules: Sequence[Rule]) -> str:
    return " and ".join(rule.said for rule in sorted(rules, key=_ORDER.__getitem__) if rule.said in needs)


def _match_notes(found: Mapping[str, str], said: Mapping[str, str], where: str) -> list[str]:
    by_rule: dict[str, list[str]] = defaultdict(list)
    for name, rule in said.items():
        by_rule[rule].append(name)
    exact = len(by_rule.pop(EXACT, ()))
    notes = [
        f"{where}: {counted(len(names), 'sample name')} matched {rule}: {names[0]!r} is {found[names[0]]!r}."
        for rule, names in sorted(by_rule.items())
    ]
    return [*notes, f"{where}: {counted(exact, 'sample name')} matched exactly."] if notes and exact else notes


def _taken_notes(left: Mapping[str, Mapping[str, Ways]], where: str) -> list[str]:
    """Name what resembles a sample that the table has under another name."""
    return [
        f"{where}: {name!r} was left out; it resembles {_either(fits)}, which the table has under its own name."
        for name, fits in sorted(left.items())
    ]
