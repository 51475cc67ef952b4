"""Tables of quantification programs, known by their headers: which columns hold ids and which hold values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from configs.errors import TableError, counted, first_of
from configs.study import Unit
from models.long_tables import READ_GROUPS
from models.numbers import parse_numbers
from models.raw_table import RawTable

Header = Sequence[str]


@dataclass(frozen=True, slots=True)
class Values:
    """One kind of values in a table.

    Attributes
    ----------
    unit : str
        Unit of the values.
    columns : tuple of int
        Positions of the columns, one a sample.
    samples : tuple of str
        Names of the samples; one '' where the whole file is one sample.
    """

    unit: Unit
    columns: tuple[int, ...]
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ToolTable:
    """A table whose program is known.

    Attributes
    ----------
    tool : str
        Program and kind of table.
    id_column : int
        Position of the column of ids.
    kinds : mapping of str to Values
        Kinds of values by the name that `layers.NAME.value` gives, the usual one first.
    left_out : ndarray, shape=(n_rows,), dtype=bool
        Rows that are no features of the study, such as decoys.
    is_one_sample : bool
        Whether the file holds one sample, named by the file.
    notes : tuple of str
        What to know of such a table.
    """

    tool: str
    id_column: int
    kinds: Mapping[str, Values]
    left_out: npt.NDArray[np.bool_]
    is_one_sample: bool = False
    notes: tuple[str, ...] = ()

    def choose(self, value: str | None, unit: Unit | None, where: str) -> tuple[str, Values]:
        """Return the kind of values that is asked for, else that of the unit, else the usual one.

        Raises
        ------
        TableError
            Where `value` names none of the kinds.
        """
        if value is not None:
            for name, values in self.kinds.items():
                if name.lower() == value.lower():
                    return name, values
            raise TableError(
                wanted=f"the values {value!r}",
                found=f"a table of {self.tool} with {first_of(self.kinds, 10)}",
                where=where,
                remedy="Name one of these as value.",
            )
        alike = [one for one in self.kinds.items() if one[1].unit == unit and unit != "intensity"]
        return next(iter(alike or self.kinds.items()))


@dataclass(frozen=True, slots=True)
class _OneSample:
    """A program that writes one file a sample, known by the columns that it always writes."""

    tool: str
    columns: tuple[str, ...]
    id_name: str
    kinds: Mapping[str, Unit]
    note: str = ""


@dataclass(frozen=True, slots=True)
class _ManySamples:
    """A program that writes all samples into one table, known by columns; values are known by a pattern.

    The first group of each pattern is the name of the sample.
    """

    tool: str
    columns: tuple[str, ...]
    id_name: str
    kinds: Mapping[str, tuple[str, Unit]]
    note: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)


def _frozen(**kinds: Unit) -> Mapping[str, Unit]:
    return MappingProxyType(kinds)


_TRANSCRIPTS = "Its rows are transcripts; a table of genes sums them."
_ONE_SAMPLE = (
    _OneSample(
        "RSEM genes.results",
        ("gene_id", "transcript_id(s)", "length", "effective_length", "expected_count", "TPM", "FPKM"),
        "gene_id",
        _frozen(FPKM="fpkm", TPM="tpm", expected_count="counts"),
    ),
    _OneSample(
        "RSEM isoforms.results",
        ("transcript_id", "gene_id", "length", "effective_length", "expected_count", "TPM", "FPKM"),
        "transcript_id",
        _frozen(FPKM="fpkm", TPM="tpm", expected_count="counts"),
        _TRANSCRIPTS,
    ),
    _OneSample(
        "Salmon quant.sf",
        ("Name", "Length", "EffectiveLength", "TPM", "NumReads"),
        "Name",
        _frozen(TPM="tpm", NumReads="counts"),
    ),
    _OneSample(
        "kallisto abundance.tsv",
        ("target_id", "length", "eff_length", "est_counts", "tpm"),
        "target_id",
        _frozen(tpm="tpm", est_counts="counts"),
        _TRANSCRIPTS,
    ),
    _OneSample(
        "StringTie t_data.ctab",
        (
            "t_id",
            "chr",
            "strand",
            "start",
            "end",
            "t_name",
            "num_exons",
            "length",
            "gene_id",
            "gene_name",
            "cov",
            "FPKM",
        ),
        "t_name",
        _frozen(FPKM="fpkm", cov="intensity"),
        _TRANSCRIPTS,
    ),
    _OneSample(
        "StringTie gene abundance",
        ("Gene ID", "Gene Name", "Reference", "Strand", "Start", "End", "Coverage", "FPKM", "TPM"),
        "Gene ID",
        _frozen(FPKM="fpkm", TPM="tpm", Coverage="intensity"),
    ),
    _OneSample(
        "Cufflinks FPKM tracking",
        ("tracking_id", "class_code", "gene_id", "tss_id", "locus", "FPKM", "FPKM_conf_lo", "FPKM_conf_hi"),
        "tracking_id",
        _frozen(FPKM="fpkm"),
    ),
)
_CONDITIONS = (
    "Its columns are conditions, each summed up from its replicates; genes.read_group_tracking of the same run has "
    "the replicates, which replicate groups, folds and controls need."
)
_AREAS = "A 0 is a peak that was not found; `zeros: missing` says so."
_MANY_SAMPLES = (
    _ManySamples(
        "Cuffdiff FPKM tracking",
        ("tracking_id", "class_code", "nearest_ref_id", "gene_id", "tss_id", "locus"),
        "tracking_id",
        MappingProxyType({"FPKM": (r"(.+)_FPKM", "fpkm")}),
        _CONDITIONS,
    ),
    _ManySamples(
        "Cuffdiff count tracking",
        ("tracking_id",),
        "tracking_id",
        MappingProxyType({"count": (r"(.+)_count", "counts")}),
        _CONDITIONS,
    ),
    _ManySamples(
        "Cuffdiff read group tracking",
        (READ_GROUPS,),
        READ_GROUPS,
        MappingProxyType(
            {
                "FPKM": (r"FPKM (.+)", "fpkm"),
                "raw_frags": (r"raw_frags (.+)", "counts"),
                "internal_scaled_frags": (r"internal_scaled_frags (.+)", "counts"),
                "external_scaled_frags": (r"external_scaled_frags (.+)", "counts"),
            }
        ),
    ),
    _ManySamples(
        "MaxQuant proteinGroups",
        ("Protein IDs", "Majority protein IDs", "Fasta headers"),
        "Protein IDs",
        MappingProxyType(
            {
                "LFQ intensity": (r"LFQ intensity (.+)", "intensity"),
                "Intensity": (r"Intensity (.+)", "intensity"),
                "iBAQ": (r"iBAQ (?!peptides)(.+)", "intensity"),
                "MS/MS count": (r"MS/MS count (.+)", "counts"),
            }
        ),
        "A 0 is a protein that was not found; `zeros: missing` says so.",
        MappingProxyType({"Reverse": "decoys (REV__)", "Potential contaminant": "contaminants (CON__)"}),
    ),
    _ManySamples(
        "MZmine feature table",
        ("row ID", "row m/z", "row retention time"),
        "row ID",
        MappingProxyType(
            {
                "Peak area": (r"(.+?) (?:filtered )?Peak area", "intensity"),
                "Peak height": (r"(.+?) (?:filtered )?Peak height", "intensity"),
            }
        ),
        _AREAS,
    ),
    _ManySamples(
        "MZmine feature table",
        ("id", "mz", "rt"),
        "id",
        MappingProxyType(
            {"area": (r"datafile:(.+):area", "intensity"), "height": (r"datafile:(.+):height", "intensity")}
        ),
        _AREAS,
    ),
)
_FEATURE_COUNTS = ("Geneid", "Chr", "Start", "End", "Strand", "Length")
_MSDIAL = ("Alignment ID", "Average Rt(min)", "Average Mz", "Metabolite name")
_XCMS_COLUMNS = frozenset(
    ("mz", "mzmed", "mzmin", "mzmax", "rt", "rtmed", "rtmin", "rtmax", "npeaks", "isotopes", "adduct", "pcgroup")
) | frozenset(
    ("peakidx", "ms_level", "fold", "tstat", "pvalue", "anova", "metlin", "name", "updown", "qvalue", "maxint")
)
_XCMS = (("mzmed", "rtmed", "npeaks"), ("mz", "mzmin", "mzmax", "rt", "rtmin", "rtmax"))
_RPKM = re.compile(r"(RPKM|FPKM|TPM)", re.IGNORECASE)
_READS = re.compile(
    r"(?:uniq|unique|total)?_?(?:reads?|read_?count|counts?)(?:_?num(?:ber)?)?(?:\(\d+\))?", re.IGNORECASE
)
_UNITS: Mapping[str, Unit] = MappingProxyType({"rpkm": "fpkm", "fpkm": "fpkm", "tpm": "tpm"})


def recognise(table: RawTable) -> ToolTable | None:
    """Return what is known of a table whose program is known, else None."""
    return next((found for known in _KNOWN for found in known(table)), None)


def refuse_other_tables(table: RawTable) -> None:
    """Raise TableError for tables of known programs that hold no values of genes or metabolites."""
    header = set(table.header)
    for columns, kind, remedy in _REFUSED:
        if columns <= header:
            raise TableError(
                wanted="a table of values, features by samples", found=kind, where=table.file, remedy=remedy
            )


_SHEET_REMEDY = "Name it in samples.path, and give the table of values as the layer."
_REFUSED = (
    (
        {"file", "condition", "replicate_num", "total_mass"},
        "read_groups.info of Cuffdiff, a sample sheet",
        _SHEET_REMEDY,
    ),
    (
        {"test_id", "gene_id", "sample_1", "sample_2", "log2(fold_change)"},
        "differences of Cuffdiff between conditions",
        "Give genes.read_group_tracking or genes.fpkm_tracking of the same run.",
    ),
    ({"baseMean", "log2FoldChange", "padj"}, "results of DESeq2", "Give the table of counts that went into it."),
    ({"logFC", "PValue", "FDR"}, "results of edgeR", "Give the table of counts that went into it."),
    ({"logFC", "AveExpr", "adj.P.Val"}, "results of limma", "Give the table of values that went into it."),
    ({"e_id", "rcount", "ucount", "mrcount"}, "exon counts of StringTie (e_data.ctab)", "Give t_data.ctab instead."),
    ({"i_id", "rcount", "ucount", "mrcount"}, "intron counts of StringTie (i_data.ctab)", "Give t_data.ctab instead."),
)


def _one_sample(table: RawTable) -> Iterator[ToolTable]:
    for known in _ONE_SAMPLE:
        if not set(known.columns) <= set(table.header):
            continue
        kinds = {
            name: Values(unit, (table.header.index(name),), ("",))
            for name, unit in known.kinds.items()
            if name in table.header
        }
        notes = (known.note,) if known.note else ()
        yield ToolTable(known.tool, table.header.index(known.id_name), kinds, _none(table), True, notes)


def _rpkm_of_one_sample(table: RawTable) -> Iterator[ToolTable]:
    """Know files as GEO has them: an id, the reads, the length, and RPKM."""
    header = table.header
    values = [index for index, name in enumerate(header) if _RPKM.fullmatch(name.strip())]
    reads = [index for index, name in enumerate(header) if _READS.fullmatch(name.strip())]
    others = [name for index, name in enumerate(header) if index and index not in {*values, *reads}]
    known = all(
        re.search(r"length|coverage|symbol|name|chr|start|end|strand|desc", one, re.IGNORECASE) for one in others
    )
    if values and others and known:
        kinds = {header[i]: Values(_UNITS[header[i].strip().lower()], (i,), ("",)) for i in values}
        kinds |= {header[index].split("(")[0]: Values("counts", (index,), ("",)) for index in reads[:1]}
        yield ToolTable(f"{header[values[0]]} of one sample", 0, kinds, _none(table), True)


def _many_samples(table: RawTable) -> Iterator[ToolTable]:
    for known in _MANY_SAMPLES:
        if not set(known.columns) <= set(table.header):
            continue
        kinds = {name: _matching(table.header, pattern, unit) for name, (pattern, unit) in known.kinds.items()}
        kinds = {name: values for name, values in kinds.items() if values.columns}
        if not kinds:
            continue
        left_out, notes = _none(table), [known.note] if known.note else []
        for column, kind in known.left_out.items():
            mask = _marked(table, column)
            left_out |= mask
            if mask.any():
                notes.append(f"{table.file}: left out {counted(int(mask.sum()), 'row')} of {kind}.")
        yield ToolTable(known.tool, table.header.index(known.id_name), kinds, left_out, False, tuple(notes))


def _matching(header: Header, pattern: str, unit: Unit) -> Values:
    found = [(index, match[1]) for index, name in enumerate(header) if (match := re.fullmatch(pattern, name.strip()))]
    return Values(unit, tuple(index for index, _ in found), tuple(name for _, name in found))


def _feature_counts(table: RawTable) -> Iterator[ToolTable]:
    if table.header[: len(_FEATURE_COUNTS)] != _FEATURE_COUNTS or len(table.header) == len(_FEATURE_COUNTS):
        return
    others = [index for index in range(len(_FEATURE_COUNTS), len(table.header)) if table.header[index] != "gene_name"]
    samples = tuple(part_that_differs([re.sub(r"\.[bs]am$", "", table.header[index]) for index in others]))
    kinds = {"counts": Values("counts", tuple(others), samples)}
    yield ToolTable("featureCounts", 0, kinds, _none(table))


def _ms_dial(table: RawTable) -> Iterator[ToolTable]:
    """Know an alignment of MS-DIAL: samples stand right of the label column, and means and deviations after them."""
    label = table.form.label_column
    if not set(_MSDIAL) <= set(table.header) or label is None:
        return
    summaries = {"NA", "Average", "Stdev", ""}
    columns = [
        index
        for index in range(label + 1, len(table.header))
        if table.header[index].strip() and not any(row[index].strip() in summaries for row in table.form.above[-1:])
    ]
    kinds = {"height or area": Values("intensity", tuple(columns), tuple(table.header[index] for index in columns))}
    yield ToolTable("MS-DIAL alignment", 0, kinds, _none(table), False, (_AREAS,))


def _xcms(table: RawTable) -> Iterator[ToolTable]:
    header = [name.strip() for name in table.header]
    if not any(set(columns) <= set(header) for columns in _XCMS):
        return
    rest = [index for index, name in enumerate(header) if index and name and name not in _XCMS_COLUMNS]
    classes = _classes_of_xcms(table, header, rest)
    rest = [index for index in rest if index not in classes]
    if not rest:
        return
    notes = ["A missing value is a peak that was not found."]
    if classes:
        names = first_of([header[index] for index in classes])
        notes.append(f"{table.file}: left out {names}, which count peaks by class.")
    kinds = {"into": Values("intensity", tuple(rest), tuple(header[index] for index in rest))}
    yield ToolTable("XCMS feature table", 0, kinds, _none(table), False, tuple(notes))


def _classes_of_xcms(table: RawTable, header: Header, rest: Sequence[int]) -> tuple[int, ...]:
    """Find the columns that count the peaks of each class of samples: together they give `npeaks` in every row."""
    if "npeaks" not in header:
        return ()
    start = header.index("npeaks")
    after = [index for index in rest if index > start]
    cells = parse_numbers([table.columns[index] for index in (start, *after)]).cells
    with np.errstate(over="ignore", invalid="ignore"):
        totals = np.cumsum(np.nan_to_num(cells[:, 1:], nan=-1.0), axis=1)
    same = np.flatnonzero((totals == cells[:, :1]).all(axis=0))
    return tuple(after[: int(same[0]) + 1]) if len(same) and start + 1 in after else ()


def _marked(table: RawTable, column: str) -> npt.NDArray[np.bool_]:
    prefix = {"Reverse": "REV__", "Potential contaminant": "CON__"}[column]
    ids = table.text(table.header.index("Protein IDs"))
    named = np.array([all(one.startswith(prefix) for one in cell.split(";")) for cell in ids], dtype=bool)
    if column not in table.header:
        return named
    marked = [cell.strip() == "+" for cell in table.text(table.header.index(column))]
    return np.asarray(named | np.array(marked, dtype=bool))


def _none(table: RawTable) -> npt.NDArray[np.bool_]:
    return np.zeros(len(table.rows), dtype=bool)


_KNOWN: tuple[Callable[[RawTable], Iterator[ToolTable]], ...] = (
    _one_sample,
    _feature_counts,
    _many_samples,
    _ms_dial,
    _xcms,
    _rpkm_of_one_sample,
)


def part_that_differs(paths: Sequence[str]) -> list[str]:
    """Return the part of each path that tells it from the others, without the ending that all share.

    Parameters
    ----------
    paths : sequence of str
        Paths with slashes, each once.
    """
    parts = [re.split(r"[/\\]", path) for path in paths]
    if len(paths) < 2:
        return [one[-1] for one in parts]
    while all(len(one) > 1 for one in parts) and len({one[0] for one in parts}) == 1:
        parts = [one[1:] for one in parts]
    while all(len(one) > 1 for one in parts) and len({one[-1] for one in parts}) == 1:
        parts = [one[:-1] for one in parts]
    names = [one[-1] for one in parts]
    names = names if len(set(names)) == len(paths) else ["/".join(one) for one in parts]
    ending = _common_ending(names)
    return [name[: len(name) - len(ending)] for name in names]


def _common_ending(names: Sequence[str]) -> str:
    """Return the longest ending that all names share and that begins with a mark between words."""
    shortest = min(len(name) for name in names)
    same = next(
        (size for size in range(shortest) if len({name[len(name) - size - 1 :] for name in names}) > 1), shortest
    )
    ending = names[0][len(names[0]) - same :] if same else ""
    starts = [at for at, mark in enumerate(ending) if mark in "._- "]
    return next((ending[at:] for at in starts if all(len(name) > len(ending) - at for name in names)), "")
