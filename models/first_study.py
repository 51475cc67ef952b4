"""A first study file as text: each line with the guess behind it as a comment."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from configs.errors import counted, first_of
from configs.study import LayerConfig, Role, Unit
from models.looking import TableLook
from models.reading import Reading
from models.sheet_look import Guess, SheetLook

_WIDTH = 110
_LEAST_LOGARITHM, _MOST_LOGARITHM = 3.0, 45.0
"""Peak areas of log2 or log10 that have no value below the first lie below the second."""
_COMPOUND = re.compile(
    r"compound(?:[-_ ](?:id|name))?|(?:metabolite|putative)[-_ ]name|annotation network number", re.I
)
_LEVEL = re.compile(r"(?:msi|annotation|identification|confidence)?[-_ ]?level", re.I)
_NO_SHEET = "There is no sample sheet"
_PEAK_TOOLS = ("MZmine", "MS-DIAL", "XCMS", "GNPS", "MaxQuant")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a study file; without a value it heads a section. `is_off` makes it a comment to take or leave."""

    key: str
    value: object = None
    why: str = ""
    depth: int = 0
    is_off: bool = False


@dataclass(frozen=True, slots=True)
class LayerGuess:
    """How a table is to be read, and why."""

    config: LayerConfig
    unit: Unit
    why_unit: str
    why_zeros: str


def guess_layer(look: TableLook, path: str, role: Role, unit: Unit | None) -> LayerGuess:
    """Guess how a table is to be read.

    Parameters
    ----------
    look : TableLook
        What the table seems to be.
    path : str
        Path for the study file.
    role : str
        What its features are.
    unit : str or None
        Unit that the user gave.
    """
    chosen, why = (unit, "as asked for") if unit is not None else _unit(look, role)
    zeros, why_zeros = _zeros(look, role, chosen)
    turned = look.samples_in_rows and look.tool is None
    config = LayerConfig(
        path=path, unit=chosen, zeros=zeros, orientation="samples_in_rows" if turned else "auto", id_column=_named(look)
    )
    return LayerGuess(config, chosen, why, why_zeros)


def _named(look: TableLook) -> str | None:
    """Return the column of ids where its name can be written down."""
    others = (*look.annotation_columns, *look.value_columns)
    return look.id_column if look.id_column.strip() and look.tool is None and look.id_column not in others else None


def _unit(look: TableLook, role: Role) -> tuple[Unit, str]:
    span = f"the values lie between {look.smallest:,.4g} and {look.largest:,.4g}"
    if look.tool is not None:
        return look.suggested_unit, f"what {look.tool} writes; {span}"
    if look.smallest < 0:
        return "log2", f"{span}, and only logarithms can be negative"
    if role == "genes":
        return look.suggested_unit, {
            "counts": f"{span} and are all whole numbers",
            "tpm": "each column sums to a million; say fpkm, counts or log2 if you know better",
            "fpkm": f"{span}, with fractions, and the columns do not sum to a million; RPKM counts as FPKM",
            "log2": f"{span}, with fractions: too low for anything but logarithms",
            "intensity": span,
        }[look.suggested_unit]
    if look.smallest >= _LEAST_LOGARITHM and look.largest <= _MOST_LOGARITHM and not look.whole_numbers:
        return "log2", f"{span}, as logarithms of peak areas do; if they are none, write intensity"
    return "intensity", f"{span}: peak areas, concentrations or shares; if they are logarithms, write log2"


def _zeros(look: TableLook, role: Role, unit: Unit) -> tuple[str, str]:
    share = f"{look.share_zero:.1%} of the values are 0"
    if not look.share_zero:
        return "real", f"no value is 0, so nothing hangs on this; {look.share_missing:.1%} of the cells are empty"
    if unit == "log2":
        return "real", f"{share}; on a scale of logarithms 0 is a value like any other"
    if role == "genes":
        return "real", f"{share}; a gene without reads is taken for not expressed"
    if look.tool is not None and look.tool.startswith(_PEAK_TOOLS):
        return "missing", f"{share}; {look.tool} writes 0 where it found no peak, which is not measured"
    return "real", f"{share}, taken as measured; if 0 means that no peak was found, write missing"


def layer_lines(name: str, guess: LayerGuess, look: TableLook, reading: Reading) -> list[Line]:
    """Return the lines of one layer."""
    layer, config = reading.layer, guess.config
    shape = f"{counted(len(layer.feature_ids), 'feature')} in {counted(len(layer.sample_ids), 'sample')}"
    tool = f"; written by {look.tool}" if look.tool else ""
    said = [f"{shape}, such as {layer.feature_ids[0]!r} in {layer.sample_ids[0]!r}{tool}."]
    said += [f"Decimal sign {look.decimal!r}, header in row {look.header_row}."] if look.header_row else []
    left = [column for column in look.annotation_columns if column]
    said += [f"Columns left out, as they hold no values: {first_of(left, 8)}."] if left else []
    lines = [
        Line(
            name,
            depth=1,
            why="\n".join(dict.fromkeys((*said, *(note for note in reading.notes if _NO_SHEET not in note)))),
        ),
        Line("path", config.path, depth=2),
        Line("unit", config.unit, guess.why_unit, depth=2),
        Line("zeros", config.zeros, guess.why_zeros, depth=2),
        Line("orientation", config.orientation, _why_orientation(config, reading), depth=2),
    ]
    if config.id_column is not None:
        lines.append(Line("id_column", config.id_column, "the column that names the features", depth=2))
    elif look.tool is not None:
        lines.append(Line("id_column", look.id_column, f"the ids that {look.tool} writes", depth=2, is_off=True))
    lines += _compound_lines(look) if name == "metabolome" else []
    if look.value_choices:
        why = f"the file has {first_of(look.value_choices, 8)}; the note above says which was read"
        lines.append(Line("value", look.value_choices[0], why, depth=2, is_off=True))
    return lines


def _compound_lines(look: TableLook) -> list[Line]:
    """Offer to group ions and to keep levels, where columns of such names were left out."""
    kinds = (("compound_column", _COMPOUND), ("level_column", _LEVEL))
    found = {
        key: column
        for key, pattern in kinds
        for column in reversed(look.annotation_columns)
        if pattern.fullmatch(column)
    }
    why = (
        "columns that seem to tell which ions are one compound, or how surely it is known; take away the # to use them"
    )
    return [Line("compounds", found, why, depth=2, is_off=True)] if found else []


def _why_orientation(config: LayerConfig, reading: Reading) -> str:
    if any(_NO_SHEET in note for note in reading.notes):
        return "without a sample sheet features are taken to lie in rows; samples_in_rows says otherwise"
    if config.orientation == "samples_in_rows":
        return "far more columns than rows: samples lie in rows"
    return "found from the sample names; features_in_rows and samples_in_rows are the other words"


def sample_lines(path: str, sample_map: str | None, look: SheetLook, notes: Sequence[str]) -> list[Line]:
    """Return the lines of the sample sheet."""
    lines = [Line("samples", why="\n".join(notes)), Line("path", path, depth=1)]
    lines += [Line("map", sample_map, "names in the tables and the samples they stand for", 1)] if sample_map else []
    lines += [
        Line("sample_column", look.sample.columns[0], look.sample.why, 1),
        Line("group_by", list(look.group.columns), look.group.why, 1),
        Line("labels", list(look.labels.columns), look.labels.why, 1),
        _single("batch_column", "batch", look.batch),
        _single("time_column", "hours", look.time),
    ]
    if look.time.columns:
        lines.append(Line("series_by", list(look.series.columns), look.series.why, 1))
    return lines


def _single(key: str, example: str, guess: Guess) -> Line:
    return Line(key, guess.columns[0] if guess.columns else example, guess.why, 1, is_off=not guess.columns)


def study_text(name: str, lines: Sequence[Line], metabolites: Sequence[str], genes: Sequence[str]) -> str:
    """Return the study file."""
    targets, baits = list(metabolites[:2]), list(genes[:2])
    further = [
        Line("targets", why="Metabolites that stand for a pathway; without any, all metabolites are one target."),
        Line("my_pathway", targets, depth=1, why="ids from your metabolite table"),
        Line("baits", why="Genes that you know to belong to that pathway, if you know some; they carry most signal."),
        Line("my_pathway", baits, depth=1, why="ids from your expression table"),
    ]
    off = [f"# {row}\n" for line in further for row in "".join(_written(line)).splitlines()]
    return "".join((*_commented(_HEADER, 0), *_written(Line("study", name)), *map(_text, lines), "\n", *off))


_HEADER = (
    "Made by `cairn init` from the tables themselves. A comment tells what each line was guessed from. Look at every "
    "line, above all at the units and at the replicate groups, and then run `cairn check` on this file."
)


def _text(line: Line) -> str:
    space = "\n" if line.depth == 0 else ""
    return space + "".join(_written(line))


def _written(line: Line) -> list[str]:
    value = "" if line.value is None else f" {_scalar(line.value)}"
    indent = "  " * line.depth
    text = f"{indent}{'# ' if line.is_off else ''}{_scalar(line.key)}:{value}"
    if line.why and "\n" not in line.why and len(text) + len(line.why) + 4 <= _WIDTH:
        return [f"{text}  # {line.why}\n"]
    return [*_commented(line.why, line.depth), f"{text}\n"]


def _commented(text: str, depth: int) -> list[str]:
    start = f"{'  ' * depth}# "
    return [
        f"{row}\n"
        for sentence in text.splitlines()
        for row in textwrap.wrap(sentence, _WIDTH, initial_indent=start, subsequent_indent=start)
    ]


def _scalar(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")
