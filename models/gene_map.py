"""Which gene a sequence belongs to, from a table of two columns or from GFF3 or GTF."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

from configs.errors import TableError
from models.compressed import text_lines
from models.gene_ids import without_prefix

_Line: TypeAlias = tuple[int, str]  # number from 1, text
_Names: TypeAlias = tuple[str, ...]

FEATURE_COLUMNS = 9

_HEADER = re.compile(
    r"(?:(?:sequence|seq|transcript|tx|protein|peptide|gene|target|query|locus|isoform|mrna|cds|ensembl|stable"
    r"|version|name|symbol|ids?)[ _.-]*)+",
    re.IGNORECASE,
)
_KINDS = re.compile(r"gene|rna|transcript|cds|peptide|protein|locus|orf", re.IGNORECASE)
_EVIDENCE = re.compile(r"match|_hit", re.IGNORECASE)  # alignments that MAKER leaves beside its genes
_SEGMENT = re.compile(r".*cds[.:_-]?\d+", re.IGNORECASE)  # a piece of a CDS with an id of its own
_ATTRIBUTE = re.compile(
    r"(?:^|;) *(ID|Parent|Name|Alias|transcript_id|protein_id|gene_id|geneID|locus_tag|gene|Dbxref)=([^;]*)"
)
_OWN = ("ID", "Name", "Alias", "transcript_id", "protein_id")
_OF_GENE = ("gene_id", "geneID", "locus_tag", "gene")
_GTF = re.compile(r'\b(gene_id|transcript_id|protein_id) "([^"]+)"')
_NOT_UTF8 = re.compile(r"\\x[89a-f][0-9a-f]")  # as `text_lines` writes such a byte


def read_gene_map(content: bytes, name: str) -> dict[str, tuple[str, ...]]:
    """Read which gene the ids of sequences stand for.

    Parameters
    ----------
    content : bytes
        The file, gzip or plain, in UTF-8. A table of two columns parted by tabs, commas, semicolons or blanks, with or
        without a header; a row with an empty cell tells nothing and is passed over, as is a line that starts with
        ``#``. Or GFF3 [1]_: each id of a feature (ID, Name, Alias, transcript_id, protein_id) stands for the ids of
        the feature, of its parents up to the root, and of the gene that these name (gene_id, geneID, locus_tag, gene,
        Dbxref GeneID). Or GTF: transcript_id and protein_id stand for themselves and for gene_id.
    name : str
        Name of the file, for messages.

    Returns
    -------
    dict of str to tuple of str
        Id of a sequence to the names of its gene, each once; of several genes where the file gives several. A table is
        returned first column to second, as written, whichever of the two holds the genes.

    Raises
    ------
    TableError
        A damaged gzip, an id that is not UTF-8, a line with another number of columns, a file of another kind.

    References
    ----------
    .. [1] L. Stein, Generic Feature Format Version 3, 1.26,
       https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md
    """
    rows = _rows(text_lines(content, name))
    first = next(rows, None)
    if first is None:
        raise _error(name, None, "no rows")
    number, text = first
    if text.startswith(">") or "\x00" in text:
        raise _error(name, number, f"the line {text[:60]!r}")
    cells = text.split("\t")
    is_features = len(cells) == FEATURE_COLUMNS and cells[3].isdecimal() and cells[4].isdecimal()
    read = _read_features if is_features else _read_pairs
    genes = read(chain((first,), rows), name)
    if not genes:
        raise _error(name, number, "features without an id of a gene" if is_features else "a header without rows")
    return genes


def _rows(lines: Iterable[str]) -> Iterator[_Line]:
    """Yield what is neither empty nor a comment, up to the sequences that may close a GFF3."""
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\n")
        if line.startswith("##FASTA"):
            return
        if line and not line.startswith("#") and not line.isspace():
            yield number, line


def _error(name: str, line: int | None, found: str) -> TableError:
    return TableError(
        wanted="a table of two columns (sequence id, gene id), GFF3 or GTF",
        found=found,
        where=name if line is None else f"{name}, line {line}",
        remedy="Give homology.gene_map a file of one of these kinds, gzip or plain.",
    )


def _check_text(names: Iterable[str], name: str, line: int) -> None:
    for one in names:
        if _NOT_UTF8.search(one):
            raise TableError(
                wanted="ids in UTF-8",
                found=f"{one!r}",
                where=f"{name}, line {line}",
                remedy="Save the file as UTF-8 text.",
            )


class _Candidates:
    """Names of the gene of each id, while a file is read."""

    def __init__(self) -> None:
        self._names: dict[str, _Names | dict[str, None]] = {}

    def add(self, name: str, genes: _Names) -> None:
        """Let `name` stand for `genes`, besides those it stands for already."""
        before = self._names.setdefault(name, genes)
        if before is genes or before == genes:
            return
        if isinstance(before, tuple):  # most ids come once, and a tuple is small
            before = self._names[name] = dict.fromkeys(before)
        before.update(dict.fromkeys(genes))

    def finished(self) -> dict[str, _Names]:
        """Return the names of the gene of each id."""
        return {name: tuple(genes) for name, genes in self._names.items()}


# Tables


def _read_pairs(rows: Iterable[_Line], name: str) -> dict[str, _Names]:
    candidates = _Candidates()
    delimiter: str | None = None
    for index, (number, line) in enumerate(rows):
        if not index:
            delimiter = _delimiter(line)
        cells = [cell.strip().strip("\"'") for cell in line.split(delimiter)]
        if len(cells) != 2:
            columns = f"{len(cells)} column{'s' if len(cells) > 1 else ''}"
            raise _error(name, number, f"{columns} in the line {line[:60]!r}")
        if all(cells) and not (index == 0 and all(map(_HEADER.fullmatch, cells))):
            if "\\x" in line:
                _check_text(cells, name, number)
            candidates.add(cells[0], (cells[1],))
    return candidates.finished()


def _delimiter(line: str) -> str | None:
    """Return what parts two columns; None for blanks."""
    if "\t" in line:
        return "\t"
    return next((delimiter for delimiter in ",;" if line.count(delimiter) == 1), None)


# GFF3 and GTF


class _Feature(NamedTuple):
    """Ids of a feature, those of the gene that it names, and those of its parents."""

    own: _Names
    genes: _Names
    parents: _Names


def _read_features(rows: Iterable[_Line], name: str) -> dict[str, _Names]:
    candidates = _Candidates()
    features: dict[str, _Feature] = {}
    last = ""
    wanted: dict[str, bool] = {}
    for number, line in rows:
        if line.startswith(">"):
            break
        cells = line.split("\t")
        if len(cells) != FEATURE_COLUMNS:
            raise _error(name, number, f"{len(cells)} columns instead of {FEATURE_COLUMNS} in the line {line[:60]!r}")
        kind, attributes = cells[2], cells[8]
        if kind not in wanted:
            wanted[kind] = bool(_KINDS.search(kind)) and not _EVIDENCE.search(kind)
        if '_id "' in attributes:
            names = dict(_GTF.findall(attributes))
            _add_transcript(names, candidates)
            found: Iterable[str] = names.values()
        elif wanted[kind] and attributes != last:
            last = attributes
            found = _add_feature(attributes, features)
        else:
            continue
        if "\\x" in attributes:
            _check_text(found, name, number)
    _follow(features, candidates)
    return candidates.finished()


def _add_transcript(names: dict[str, str], candidates: _Candidates) -> None:
    """Add a row of GTF."""
    if "gene_id" in names:
        lineage = tuple(names[key] for key in ("protein_id", "transcript_id", "gene_id") if key in names)
        for position, name in enumerate(lineage):
            candidates.add(name, lineage[position:])


def _add_feature(attributes: str, features: dict[str, _Feature]) -> _Names:
    """Add a row of GFF3 and return its ids."""
    values: dict[str, list[str]] = {}
    for key, value in _ATTRIBUTE.findall(attributes):
        parts = [unquote(part) if "%" in part else part for part in value.split(",")]
        values[key] = [name for part in parts if (name := part.strip()) and len(name.split()) == 1]
    own = tuple(dict.fromkeys(name for key in _OWN for name in values.get(key, ())))
    if not own or (len(own) == 1 and _SEGMENT.fullmatch(own[0])):
        return ()
    numbers = [link for link in values.get("Dbxref", ()) if link.startswith("GeneID:")]
    named = [name for key in _OF_GENE for name in values.get(key, ())]
    genes = tuple(dict.fromkeys((*named, *numbers)))
    feature = _Feature(own, genes, tuple(values.get("Parent", ())))
    before = features.setdefault(own[0], feature)
    if before != feature:
        features[own[0]] = _Feature(*(tuple(dict.fromkeys((*a, *b))) for a, b in zip(before, feature, strict=True)))
    return own


def _follow(features: dict[str, _Feature], candidates: _Candidates) -> None:
    """Let each id of each feature stand for the ids of its line of parents."""
    for key, feature in features.items():
        lineage = _lineage(key, features)
        names = feature.own if feature.parents else (*feature.own, *feature.genes)
        for name in _both_ways(names):
            candidates.add(name, lineage)


def _both_ways(names: Iterable[str]) -> dict[str, None]:
    """Names with and without a prefix such as ``gene:``."""
    return dict.fromkeys(chain.from_iterable((name, without_prefix(name)) for name in names))


def _lineage(key: str, features: dict[str, _Feature]) -> _Names:
    """Return the ids of a feature and all its ancestors; a circle ends where it closes."""
    line = {key: None}
    names: dict[str, None] = {}
    waiting = [key]
    for name in waiting:
        feature = features.get(name)
        if feature is None:  # a parent that the file does not hold
            names.update(_both_ways((name,)))
            continue
        names.update(_both_ways((*feature.own, *feature.genes)))
        fresh = [parent for parent in feature.parents if parent not in line]
        line.update(dict.fromkeys(fresh))
        waiting.extend(fresh)
    return tuple(names)
