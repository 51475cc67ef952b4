"""How the ids of FASTA files and search tables join the gene ids of the expression table."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from types import MappingProxyType
from typing import Literal, Self, TypeAlias

from configs.errors import UserError

Rule = Literal["exact", "map", "wrapper", "prefix", "ending", "letter", "gene", "case"]
"""What had to be done to an id until it joined, the last step that was needed."""

# An id after so many steps: the rule, what is looked up (several ids where a wrapper held several), endings are off.
_Level: TypeAlias = tuple[Rule, tuple[str, ...], bool]

NO_ALIASES: Mapping[str, Collection[str]] = MappingProxyType({})
NAMED = 10
"""Ids that a sentence names."""
SHARED = 0.05
"""Share of genes that may agree but for their ending before the ending is held to be part of the gene's name."""
SAMPLED = 1_000
"""Ids of each column that are tried, where neither column of a gene map holds a gene id as written."""

_TAGS = frozenset(("sp", "tr", "ref", "gb", "emb", "dbj", "gi", "gnl", "lcl", "pdb", "pir", "prf", "tpg", "tpe", "jgi"))
_BEFORE_OTHER_THINGS = frozenset(("gi", "gnl", "jgi"))  # a number or the name of a database follows
_NCBI_LOCAL = re.compile(r"[A-Z]{1,6}_?\d+\.\d+_(?:prot|cds|[a-z]*rna)_(.+)_\d+", re.IGNORECASE)
_PREFIX = re.compile(
    r"(?:(?:gene|transcript|m?rna|cds|protein|(?:poly)?peptide|pep)[:-]|geneid:|cds\.|evm\.(?:model|tu)\.)+(?=.)",
    re.IGNORECASE,
)
_KIND_LETTER = re.compile(r"(?<=\d)(_?)([TPtp])(?=\d{4})|(?<=^GSVIV)([TP])(?=\d)|(?<=_FG)[TP](?=\d)")
_DIGIT = re.compile(r"[0-9]")
_ENDING = re.compile(
    r"(.+)(?:(?=[._:-])(?:"
    r"[._-][tp]\d{1,3}|\.p|_i\d+|_seq\d+|-[rp][a-z]{1,2}|-0\d|-\d{3}"
    r"|[._:-](?:mrna|cds|pep|peptide|prot|protein|transcript|path|t?rna)(?:[.:_-]?\d+)?"
    r"|[._]v\d+|\.wm82\.a\d+|\.(?:tair|araport|msuv|itag|refgen_?v)\d+|\.refgen"
    r")|(?<=\d)v\d+)",
    re.IGNORECASE | re.DOTALL,
)

_WORDS: Mapping[Rule, str] = MappingProxyType(
    {
        "exact": "as written",
        "map": "through the gene map",
        "wrapper": "without the name of a database",
        "prefix": "without a prefix",
        "ending": "without an ending",
        "letter": "with the letter for a transcript or protein read as that for a gene",
        "gene": "without a prefix or ending of the gene",
        "case": "but for capital letters",
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class IdJoin:
    """Which ids join which gene.

    Attributes
    ----------
    gene_of : mapping of str to str
        Gene of each id that joins one.
    rules : mapping of Rule to int
        Number of ids that joined by each rule, in the order in which the rules are tried.
    examples : mapping of Rule to (str, str)
        An id and its gene for each of these rules.
    unjoined : tuple of str
        Ids that fit no gene.
    ambiguous : mapping of str to tuple of str
        Ids that fit several genes, and those genes; they are not joined.
    """

    gene_of: Mapping[str, str]
    rules: Mapping[Rule, int]
    examples: Mapping[Rule, tuple[str, str]]
    unjoined: tuple[str, ...]
    ambiguous: Mapping[str, tuple[str, ...]]

    @property
    def n_ids(self) -> int:
        """Number of distinct ids that were to be joined."""
        return len(self.gene_of) + len(self.unjoined) + len(self.ambiguous)

    def sentence(self, what: str) -> str:
        """Say how many ids of `what`, a file or table, join a gene and by which rules, and name those that do not."""
        if not self.n_ids:
            return f"{what} holds no ids."
        parts = [self._joined(what)]
        if self.unjoined:
            names = _listed(len(self.unjoined), map(repr, self.unjoined))
            parts.append(f"{_fit(len(self.unjoined))} none{names}")
        if self.ambiguous:
            shown = (f"{name!r} ({_some(genes)})" for name, genes in self.ambiguous.items())
            parts.append(f"{_fit(len(self.ambiguous))} several genes{_listed(len(self.ambiguous), shown)}")
        return "; ".join(parts) + "."

    def _joined(self, what: str) -> str:
        joined, total = len(self.gene_of), self.n_ids
        if not joined:
            which = "The only id" if total == 1 else f"None of the {total:,} ids"
            return f"{which} of {what} joins {'no' if total == 1 else 'a'} gene of the expression table"
        ids = f"{total:,} id{'s' if total > 1 else ''} of {what}"
        count = f"{joined:,} of {ids} join{'s' if joined == 1 else ''} a gene of the expression table"
        if len(self.rules) == 1:
            return f"{count} {self._rule(*self.rules)}"
        return f"{count}: " + ", ".join(f"{number:,} {self._rule(rule)}" for rule, number in self.rules.items())

    def _rule(self, rule: Rule) -> str:
        name, gene = self.examples[rule]
        return _WORDS[rule] if rule == "exact" else f"{_WORDS[rule]} (such as {name!r} to {gene!r})"


@dataclass(frozen=True, slots=True, eq=False)
class _Index:
    """Genes by their id, by their id without wrapper and prefix, and by their id without endings too."""

    whole: Mapping[str, tuple[str, ...]]
    bare: Mapping[str, tuple[str, ...]]
    stems: Mapping[str, tuple[str, ...]]
    endings_are_versions: bool

    def find(self, levels: Sequence[_Level]) -> tuple[str, ...]:
        """Return the genes of the first level that fits any, by their id or else by what is left of it."""
        found = (_genes_of(forms, self.whole) for _, forms, _ in levels)
        return next(filter(None, found), ()) or self.find_bare(levels)

    def find_bare(self, levels: Sequence[_Level]) -> tuple[str, ...]:
        """Return the genes of the first level that fits what is left of a gene's id."""
        for _, forms, cut in levels:
            genes = _genes_of(forms, self.bare)
            if not genes and (self.endings_are_versions or not cut):
                genes = _genes_of(forms, self.stems)
            if genes:
                return genes
        return ()

    def folded(self) -> "_Index":
        """Return the index with all names in lower case."""
        whole, bare, stems = (_lower(names) for names in (self.whole, self.bare, self.stems))
        return _Index(whole, bare, stems, self.endings_are_versions)


@dataclass(frozen=True, slots=True, eq=False)
class GeneIds:
    """The gene ids of the expression table, made ready to be joined.

    Attributes
    ----------
    gene_ids : tuple of str
        Distinct, in the order given.
    aliases : mapping of str to collection of str
        Foreign id to candidate gene ids.
    notes : tuple of str
        What the reader of the report should know about the gene map.
    """

    gene_ids: tuple[str, ...]
    aliases: Mapping[str, Collection[str]]
    notes: tuple[str, ...]
    _written: _Index
    _folded: _Index

    @classmethod
    def of(cls, gene_ids: Iterable[str], aliases: Mapping[str, Collection[str]] = NO_ALIASES) -> Self:
        """Make ready the ids of an expression table.

        Parameters
        ----------
        gene_ids : iterable of str
            Ids of the expression table.
        aliases : mapping of str to collection of str
            What `read_gene_map` read: foreign ids and the genes that each may stand for. Where the genes turn out to
            be on the other side, it is turned round and `notes` say so.

        Returns
        -------
        GeneIds
        """
        distinct = tuple(dict.fromkeys(gene_ids))
        written = _index(distinct)
        folded = written.folded()
        plain = cls(distinct, NO_ALIASES, (), written, folded)
        turned, notes = plain._turned(aliases)
        return cls(distinct, turned, notes, written, folded)

    def join(self, ids: Iterable[str]) -> IdJoin:
        """Join ids to genes.

        An id joins a gene of the same name, else the gene that the map names, else it is looked up again after each
        of these steps, with the map and without: the names of databases are taken off (``sp|P12345|NAME_ARATH``),
        then prefixes (``gene:``), then endings one by one from the right (``.1``, ``-RA``, ``_P001``, ``.p1``), then
        the letter of a transcript or protein inside the id is read as ``g`` (``Os01t0100100-01``). Then prefixes and
        endings of the genes are taken off too, and last upper and lower case are held to be the same. Endings are
        taken off both sides only where the genes still differ without them, as versions do and isoforms do not.
        A number is no ending where no other digit would be left (``PB.1``).

        Parameters
        ----------
        ids : iterable of str
            Ids as they stand in a FASTA file or search table; they may repeat.

        Returns
        -------
        IdJoin
            An id that the map gives to a gene that the expression table lacks joins nothing.
        """
        gene_of: dict[str, str] = {}
        rule_of: dict[str, Rule] = {}
        unjoined: list[str] = []
        ambiguous: dict[str, tuple[str, ...]] = {}
        for name in dict.fromkeys(ids):
            rule, genes = self._find(name)
            if len(genes) == 1:
                gene_of[name], rule_of[name] = genes[0], rule
            elif genes:
                ambiguous[name] = genes
            else:
                unjoined.append(name)
        counts = Counter(rule_of.values())
        rules = {rule: counts[rule] for rule in _WORDS if rule in counts}
        examples = {rule: (name, gene_of[name]) for name, rule in reversed(rule_of.items())}
        return IdJoin(gene_of, rules, examples, tuple(unjoined), ambiguous)

    def _find(self, name: str) -> tuple[Rule, tuple[str, ...]]:
        if genes := self._written.whole.get(name):
            return "exact", genes
        levels: list[_Level] = []
        for level in _levels(name):
            rule, forms, _ = level
            if genes := _genes_of(forms, self._written.whole):
                return rule, genes
            if self.aliases and (named := [gene for form in forms for gene in self.aliases.get(form, ())]):
                return "map", self._named(named)
            levels.append(level)
        return self._on_both_sides(levels)

    def _on_both_sides(self, levels: Sequence[_Level]) -> tuple[Rule, tuple[str, ...]]:
        """Genes that fit once their own prefixes and endings are off, or capital letters do not count."""
        if genes := self._written.find_bare(levels):
            return "gene", genes
        folded = [(rule, tuple([form.lower() for form in forms]), cut) for rule, forms, cut in levels]
        return "case", self._folded.find(folded)

    def _plainly(self, name: str) -> tuple[str, ...]:
        """Genes that fit a name without the map."""
        levels = list(_levels(name))
        found = (_genes_of(forms, self._written.whole) for _, forms, _ in levels)
        return next(filter(None, found), ()) or self._on_both_sides(levels)[1]

    def _named(self, candidates: Collection[str]) -> tuple[str, ...]:
        """Genes that the map names: as written, or else by the same rules as other ids."""
        exact = _genes_of(candidates, self._written.whole)
        return exact or tuple(dict.fromkeys(gene for name in candidates for gene in self._plainly(name)))

    def _turned(self, aliases: Mapping[str, Collection[str]]) -> tuple[Mapping[str, Collection[str]], tuple[str, ...]]:
        """Return the map with the genes on the right, and what is to be said of it."""
        if not aliases:
            return aliases, ()
        left, right = aliases.keys(), set(chain.from_iterable(aliases.values()))
        in_left, in_right = (sum(name in self._written.whole for name in names) for names in (left, right))
        if not in_left and not in_right:
            in_left, in_right = (
                sum(bool(self._named((name,))) for name in islice(names, SAMPLED)) for names in (left, sorted(right))
            )
        if in_left > in_right:
            turned: dict[str, list[str]] = {}
            for gene, names in aliases.items():
                for name in names:
                    turned.setdefault(name, []).append(gene)
            return turned, (
                "The gene map is read from its second column to its first, since only the first holds genes.",
            )
        if in_right:
            return aliases, ()
        shown = f"{_some(left)} to {_some(sorted(right))}"
        return aliases, (f"The gene map names no gene of the expression table; it goes from {shown}.",)


def require_joined(join: IdJoin, what: str, genes: GeneIds) -> None:
    """Raise where ids were to be joined and none of them is.

    Parameters
    ----------
    join : IdJoin
        What `GeneIds.join` returned.
    what : str
        The file or table whose ids they are, for the message.
    genes : GeneIds
        The genes.

    Raises
    ------
    UserError
        With three ids of both sides.
    """
    if join.gene_of or not join.n_ids:
        return
    several = [f"{name!r} ({_some(found)})" for name, found in islice(join.ambiguous.items(), 3)]
    found = (
        f"{_some(join.unjoined)}, which fit none" if join.unjoined else f"{', '.join(several)}, which fit several genes"
    )
    raise UserError(
        wanted=f"ids that fit gene ids of the expression table, such as {_some(genes.gene_ids)}",
        found=found,
        where=what,
        remedy="Give homology.gene_map, a table of two columns (sequence id, gene id) or a GFF3 or GTF file that holds "
        "both, or a file of the annotation that the expression table was made with.",
    )


def without_prefix(name: str) -> str:
    """Return an id without a prefix that tells its kind, such as ``gene:`` or ``rna-``."""
    matched = _PREFIX.match(name)
    return name[matched.end() :] if matched else name


def _levels(name: str) -> Iterator[_Level]:
    """Yield what is looked up for an id, one step after the other; first the id as it is."""
    forms: tuple[str, ...] = (name,)
    yield "exact", forms, False
    unwrapped = _unwrapped(name)
    if unwrapped != forms:
        yield "wrapper", unwrapped, False
    bare = tuple([without_prefix(form) for form in unwrapped])
    if bare != unwrapped:
        yield "prefix", bare, False
    for stems in _endings_off(bare):
        yield "ending", stems, True
    exchanged = tuple([_with_gene_letter(form) for form in bare])
    if exchanged != bare:
        yield "letter", exchanged, False
        for stems in _endings_off(exchanged):
            yield "letter", stems, True


def _with_gene_letter(name: str) -> str:
    """Read the letter of a transcript or protein inside an id as that of a gene."""
    return _KIND_LETTER.sub(_gene_letter, name, count=1)


def _gene_letter(found: re.Match[str]) -> str:
    gap, letter = found[1] or "", found[2] or found[3]
    return gap if letter is None else f"{gap}{'G' if letter.isupper() else 'g'}"


def _unwrapped(name: str) -> tuple[str, ...]:
    """Return the ids inside the names of databases: ``gi|1|ref|NP_1.1|``, ``Gene.1::name::g.1::m.1``."""
    parts: list[str] = [name]
    if "|" in name:
        words = name.split("|")
        pairs = pairwise(("", *words))
        parts = [
            word
            for before, word in pairs
            if word and word.lower() not in _TAGS and before.lower() not in _BEFORE_OTHER_THINGS
        ]
    if "::" in name:
        parts = [piece for part in parts for piece in part.split("::")[:2] if piece]
    if "rna_" in name or "cds_" in name or "prot_" in name:
        parts = [matched[1] if (matched := _NCBI_LOCAL.fullmatch(part)) else part for part in parts]
    return tuple(parts)


def _endings_off(forms: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the forms with one more ending off each time."""
    while forms := tuple([stem for form in forms if (stem := _stem(form))]):
        yield forms


def _stem(name: str) -> str:
    """Return the id without its last ending; nothing where it has none."""
    if name.isalnum():
        return ""
    head, _, tail = name.rpartition(".")
    if len(tail) <= 3 and tail.isdecimal():
        return head if _DIGIT.search(head) else ""
    matched = _ENDING.fullmatch(name)
    return matched[1] if matched else ""


def _index(genes: Sequence[str]) -> _Index:
    bare: dict[str, tuple[str, ...]] = {}
    stems: dict[str, tuple[str, ...]] = {}
    first_stems: Counter[str] = Counter()
    for gene in genes:
        if gene.isalnum():
            continue
        levels = list(_levels(gene))[1:]
        for form in dict.fromkeys(form for _, forms, cut in levels if not cut for form in forms):
            _add(bare, form, gene)
        cut = list(dict.fromkeys(form for _, forms, cut in levels if cut for form in forms))
        for form in cut:
            _add(stems, form, gene)
        first_stems.update(cut[:1])
    alone = sum(number == 1 for number in first_stems.values())
    return _Index({gene: (gene,) for gene in genes}, bare, stems, alone >= (1 - SHARED) * first_stems.total())


def _lower(names: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    lowered: dict[str, tuple[str, ...]] = {}
    for name, genes in names.items():
        before = lowered.get(name.lower())
        lowered[name.lower()] = tuple(dict.fromkeys((*before, *genes))) if before else genes
    return lowered


def _add(names: dict[str, tuple[str, ...]], name: str, gene: str) -> None:
    names[name] = (*names.get(name, ()), gene)


def _genes_of(forms: Collection[str], names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if len(forms) == 1:
        (form,) = forms
        return names.get(form, ())
    return tuple(dict.fromkeys(gene for form in forms for gene in names.get(form, ())))


def _some(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in islice(names, 3))


def _fit(number: int) -> str:
    return f"{number:,} fit{'s' if number == 1 else ''}"


def _listed(number: int, shown: Iterable[str]) -> str:
    """Name all when they are few, else the first ten as examples."""
    return f"{', such as' if number > NAMED else ':'} {', '.join(islice(shown, NAMED))}"
