"""Tables for others: names replaced, free text dropped, small counts held back, values rounded."""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

import numpy as np
import pandas as pd

from configs.errors import CairnError
from configs.sharing import DIGITS, SHARING, SMALLEST_COUNT, Meaning, NameKind, TableSharing, Values
from configs.tables import CONTRACTS
from models.conditions import label_columns
from models.pseudonyms import PATTERN, Pseudonyms

WITHHELD = "withheld"
_NAME_KINDS = frozenset(get_args(NameKind))
_ALL_SAMPLES, _ALL_LAYERS, _GRAPH = "all samples", "all layers", "graph"
_PARTNERS: dict[str, NameKind] = {"metabolite": "metabolite", "bait": "gene", "homolog": "member"}
_PLAIN = frozenset({"word", "order", "cell", "measure", "likeness", "sequence_fact"})
_OWN = frozenset({_ALL_SAMPLES, _ALL_LAYERS, _GRAPH, ""})
_HOMOLOGY = {"card_evidence": ("evidence", "homology"), "card_partners": ("kind", "homolog")}


@dataclass(frozen=True, slots=True)
class SmallClasses:
    """Groups, batches, time series and classes of too few samples.

    Attributes
    ----------
    of_column : mapping of str to frozenset of str
        By column of the sample sheet: `group`, `batch`, `series` or a label.
    """

    of_column: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of_sheet(cls, sheet: pd.DataFrame, smallest: int) -> "SmallClasses":
        """Find the small classes of each column of a table of the contract `samples`."""
        columns = ("group", "batch", "series", *label_columns(sheet))
        return cls({column: _small(sheet[column].dropna().value_counts(), smallest) for column in columns})

    def of(self, column: str) -> frozenset[str]:
        """Return the small classes of a column."""
        return self.of_column.get(column, frozenset())


def _small(sizes: pd.Series, smallest: int) -> frozenset[str]:
    """Return the classes to pool; the pool itself must not be small, so the next larger joins it where it is."""
    rising = sizes.sort_values(kind="stable")
    count = int((rising < smallest).sum())
    while 0 < count < len(rising) and rising.iloc[:count].sum() < smallest:
        count += 1
    return frozenset(map(str, rising.index[:count]))


@dataclass(frozen=True, slots=True)
class Sharing:
    """How the tables of one run are shared.

    Attributes
    ----------
    pseudonyms : Pseudonyms
    features : mapping of str to {'gene', 'metabolite', 'feature'}
        What the features of each layer are.
    own_layers : frozenset of str
        Layers whose names are Cairn's own words and stay.
    small : SmallClasses
    smallest : int
        Counts below it are held back.
    values : {'rounded', 'exact'}
    """

    pseudonyms: Pseudonyms
    features: Mapping[str, NameKind]
    own_layers: frozenset[str] = frozenset()
    small: SmallClasses = SmallClasses()
    smallest: int = SMALLEST_COUNT
    values: Values = "rounded"

    @property
    def pool(self) -> str:
        """Name of the classes that are too small to be told apart."""
        return f"fewer than {self.smallest}"

    def name(self, kind: NameKind, name: str) -> str:
        """Return what stands for a name."""
        return name if kind == "layer" and name in self.own_layers else self.pseudonyms.of(kind, name)

    def class_name(self, column: str, name: str) -> str:
        """Return what stands for a class, or for all small ones of a column of the sample sheet."""
        kind = cast("NameKind", column if column in ("group", "batch", "series") else "class")
        return self.pool if name in self.small.of(column) else self.name(kind, name)

    def condition(self, condition: str) -> str:
        """Return what stands for `label=value`; all samples stay all samples."""
        if condition == _ALL_SAMPLES:
            return condition
        label, value = self._parts(condition)
        return f"{self.name('label', label)}={self.name('class', value)}"

    def is_small(self, condition: str) -> bool:
        """Say whether a condition is a small class."""
        if condition == _ALL_SAMPLES:
            return False
        label, value = self._parts(condition)
        return value in self.small.of(label)

    def _parts(self, condition: str) -> tuple[str, str]:
        """Return label and value; both may have an equals sign of their own, so that the known labels decide."""
        fitting = [label for label in self.small.of_column if condition.startswith(f"{label}=")]
        label = max(fitting, key=len, default=condition.partition("=")[0])
        return label, condition[len(label) + 1 :]


def share_table(frame: pd.DataFrame, kind: str, sharing: Sharing, *, layer: str = "") -> pd.DataFrame:
    """Return a table as others may have it.

    Parameters
    ----------
    frame : DataFrame
        Table of the contract `kind`.
    kind : str
        Contract of `configs.tables`.
    sharing : Sharing
        Pseudonyms, and what is held back.
    layer : str
        Layer of a table of the contract `layer`.

    Returns
    -------
    DataFrame
        The same columns; headers are replaced where they are names. Rows on small classes are left out, and the order
        of the rows does not tell that of the names.

    Raises
    ------
    CairnError
        A column is not declared in `configs.sharing`.
    """
    declared = SHARING[kind]
    rows = _without_small(frame, declared, sharing)
    work = _Columns(rows, kind, sharing, layer)
    shared = pd.DataFrame({work.header(column): work.values(column) for column in map(str, rows.columns)})
    shared = _in_tenths_where_homology(shared, kind)
    if kind == "ranking":
        shared = _ties_by_pseudonym(shared)
    shared = _sorted(shared, declared.order).reset_index(drop=True)
    named = [column.name for column in CONTRACTS[kind].columns]
    return work.rounded(shared[[*named, *sorted(set(map(str, shared)) - set(named))]])


def names_in_table(frame: pd.DataFrame, kind: str) -> frozenset[str]:
    """Return every text of a table of the contract `kind` that a table for others must not hold.

    Those are the values of columns of names and of free text, and headers that are names; label and value of each
    condition by themselves.
    """
    declared = SHARING[kind]
    found: set[str] = set()
    for column in map(str, frame.columns):
        meaning = declared.columns.get(column, declared.further)
        if column not in declared.columns and declared.further_names in _NAME_KINDS:
            found.add(column.removeprefix(declared.prefix))
        if meaning not in _PLAIN:
            found |= set(map(str, frame[column].dropna().unique()))
    conditions = {part for name in frame.get("condition", ()) for part in str(name).partition("=")[::2]}
    return frozenset((found | conditions) - _OWN)


def unreplaced(table: pd.DataFrame, kind: str, own: Collection[str]) -> int:
    """Count values in the columns of names of a shared table that are no pseudonyms, nor among Cairn's `own` words."""
    return sum(not _is_replaced(name, own) for name in names_in_table(table, kind))


def _is_replaced(name: str, own: Collection[str]) -> bool:
    return name in own or all(PATTERN.fullmatch(part) for part in name.split("="))


class _Columns:
    """One table, column by column."""

    def __init__(self, rows: pd.DataFrame, kind: str, sharing: Sharing, layer: str) -> None:
        self._rows, self._sharing, self._layer = rows, sharing, layer
        self._declared, self._contract = SHARING[kind], CONTRACTS[kind]

    def meaning(self, column: str) -> Meaning:
        """Return what a column means."""
        found = self._declared.columns.get(column, self._declared.further)
        if found is None:
            message = f"the column {column!r} of {self._contract.kind!r} is not declared in configs.sharing"
            raise CairnError(message)
        return found

    def header(self, column: str) -> str:
        """Return what stands for the header of a column."""
        kind, prefix = self._declared.further_names, self._declared.prefix
        if column in self._declared.columns or kind not in _NAME_KINDS:
            return column
        return prefix + self._sharing.name(cast("NameKind", kind), column.removeprefix(prefix))

    def values(self, column: str) -> pd.Series:
        """Return what stands for the values of a column."""
        values, meaning = self._rows[column], self.meaning(column)
        if meaning == "free":
            nullable = {one.name: one.nullable for one in self._contract.columns}
            return pd.Series(None if nullable[column] else WITHHELD, index=values.index, dtype="str")
        if meaning == "sequence_fact":
            return pd.Series(np.nan, index=values.index, dtype="float64")
        if meaning == "cell":
            return values.astype("Int64" if values.dtype.kind in "iu" else "Float64").mask(
                values < self._sharing.smallest
            )
        if meaning == "likeness":
            return _tenths(values)
        if meaning in ("word", "order", "measure"):
            return values
        return self._renamed(column, meaning)

    def _renamed(self, column: str, meaning: Meaning) -> pd.Series:
        values, sharing = self._rows[column].astype(object), self._sharing
        if meaning == "partner":
            kinds = self._rows["kind"].map(_PARTNERS)
            pairs = zip(kinds, values, strict=True)
            return pd.Series([sharing.name(kind, name) for kind, name in pairs], index=values.index, dtype="str")
        if meaning == "feature_of_layer":
            pairs = zip(self._rows["layer"], values, strict=True)
            named = [sharing.name(sharing.features[layer], name) for layer, name in pairs]
            return pd.Series(named, index=values.index, dtype="str")
        rename = self._renaming(column, meaning)
        known = {name: rename(str(name)) for name in values.dropna().unique()}
        return values.map(known).astype("str")

    def _renaming(self, column: str, meaning: Meaning) -> Callable[[str], str]:
        sharing = self._sharing
        if meaning == "condition":
            return sharing.condition
        if meaning in ("space", "part"):
            return lambda name: name if name in (_ALL_LAYERS, _GRAPH) else sharing.name("layer", name)
        if meaning == "feature":
            kind = sharing.features.get(self._layer, "feature")
            return lambda name: sharing.name(kind, name)
        if meaning in ("group", "batch", "series") or (meaning == "class" and column not in self._declared.columns):
            return lambda name: sharing.class_name(column, name)
        return lambda name: sharing.name(cast("NameKind", meaning), name)

    def rounded(self, table: pd.DataFrame) -> pd.DataFrame:
        """Round the measured columns of a table."""
        if self._sharing.values == "exact":
            return table
        measured = {
            str(column): _rounded(table[column])
            for column in table
            if self._declared.columns.get(str(column), self._declared.further) == "measure"
        }
        return table.assign(**measured)


def _without_small(frame: pd.DataFrame, declared: TableSharing, sharing: Sharing) -> pd.DataFrame:
    """Leave out rows that are about one small class; samples stay, since each is a row of its own."""
    meanings = declared.columns
    if "sample" in meanings.values():
        return frame
    keep = pd.Series(True, index=frame.index)
    for column, meaning in meanings.items():
        if meaning == "condition":
            keep &= ~frame[column].map(sharing.is_small).astype(bool)
        elif meaning in ("group", "batch", "series"):
            keep &= ~frame[column].isin(sharing.small.of(meaning))
        elif meaning == "class":
            pairs = zip(frame["label"], frame[column], strict=True)
            keep &= np.array([name not in sharing.small.of(label) for label, name in pairs], dtype=np.bool_)
    return frame[keep]


def _ties_by_pseudonym(ranking: pd.DataFrame) -> pd.DataFrame:
    """Order genes of equal score by their pseudonyms: they stand in the order of their ids."""
    target = pd.Series(pd.factorize(ranking["target"])[0], index=ranking.index)
    keys = pd.DataFrame({"target": target, "score": -ranking["score"], "gene_id": ranking["gene_id"]})
    ordered = ranking.loc[keys.sort_values(["target", "score", "gene_id"], na_position="last", kind="stable").index]
    return ordered.assign(rank=ordered.groupby("target", sort=False)["rank"].transform(sorted))


def _in_tenths_where_homology(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Give numbers of homology in tenths where they stand among those of other evidences."""
    column, word = _HOMOLOGY.get(kind, ("", ""))
    if not column:
        return table
    rows = table[column] == word
    named = [name for name, meaning in SHARING[kind].columns.items() if meaning == "measure" or name == "rank01"]
    return table.assign(**{name: table[name].where(~rows, _tenths(table[name])) for name in named})


def _sorted(table: pd.DataFrame, order: tuple[str, ...]) -> pd.DataFrame:
    if not order:
        return table
    columns = [column.removeprefix("-") for column in order]
    return table.sort_values(columns, ascending=[not column.startswith("-") for column in order], kind="stable")


def _tenths(values: pd.Series) -> pd.Series:
    return (values.astype("float64") * 10).map(math.trunc, na_action="ignore") / 10


def _rounded(values: pd.Series) -> pd.Series:
    """Round to the significant digits that are shared; whole numbers stay whole."""
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.floor(np.log10(np.abs(numbers)))
    # A scale of at most 1e300 keeps the smallest p from turning into an infinite product.
    scale = 10.0 ** np.clip(DIGITS - 1 - np.where(np.isfinite(power), power, 0), -300, 300)
    return pd.Series(np.round(numbers * scale) / scale, index=values.index).astype(values.dtype)
