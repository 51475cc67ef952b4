"""Which labels the design of a study lets held-out samples tell anything about."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pandas as pd

from configs.errors import first_of
from models.conditions import label_columns


@dataclass(frozen=True, slots=True)
class LabelDesign:
    """How the classes of one label lie in the replicate groups.

    Attributes
    ----------
    label : str
        Label.
    learnable : tuple of str
        Classes of at least two groups: one can be held out while another is learnt from.
    confined : tuple of str
        Classes of a single group, which nothing can predict once that group is held out.
    within_groups : bool
        Whether some group holds several classes.
    replicates : int
        Samples with the label in the largest group.
    """

    label: str
    learnable: tuple[str, ...]
    confined: tuple[str, ...]
    within_groups: bool
    replicates: int

    @property
    def predictable(self) -> bool:
        """Whether whole groups can be held out: two classes at least must be learnable."""
        return len(self.learnable) >= 2

    @property
    def splittable(self) -> bool:
        """Whether replicates of a group can be held out one by one where groups cannot."""
        return not self.predictable and self.replicates >= 2


def label_designs(sheet: pd.DataFrame) -> dict[str, LabelDesign]:
    """Return the design of each label of `sheet`, a table of the contract `samples`."""
    return {label: _design(sheet, label) for label in label_columns(sheet)}


def _design(sheet: pd.DataFrame, label: str) -> LabelDesign:
    known = sheet[sheet[label].notna()]
    groups_of_class = known.groupby(label)["group"].nunique()
    classes_of_group = known.groupby("group")[label].nunique()
    learnable = groups_of_class.index[groups_of_class >= 2]
    return LabelDesign(
        label=label,
        learnable=tuple(map(str, learnable)),
        confined=tuple(map(str, groups_of_class.index.difference(learnable))),
        within_groups=bool((classes_of_group > 1).any()),
        replicates=int(known["group"].value_counts().max()) if len(known) else 0,
    )


def label_design_table(sheet: pd.DataFrame) -> pd.DataFrame:
    """Return the contract `label_design`: one row a class of each label of `sheet`."""
    tables = [pd.DataFrame(columns=["label", "class"])]
    for label, design in label_designs(sheet).items():
        found = sheet.groupby(label).agg(n_samples=("sample_id", "size"), n_groups=("group", "nunique"))
        rows = found.rename_axis("class").reset_index()
        rows.insert(0, "label", label)
        rows["within_groups"] = design.within_groups
        rows["predictable"] = design.predictable & rows["class"].isin(list(design.learnable))
        tables.append(rows)
    frame = pd.concat(tables, ignore_index=True)
    types = {"label": "str", "class": "str", "n_samples": "int64", "n_groups": "int64"}
    types |= dict.fromkeys(("within_groups", "predictable"), "bool")
    return frame.reindex(columns=list(types)).astype(types)


def label_notes(designs: Mapping[str, LabelDesign], split: Collection[str]) -> tuple[str, ...]:
    """Say which labels, or classes of them, whole groups cannot tell anything about.

    Parameters
    ----------
    designs : mapping of str to LabelDesign
        Designs by label.
    split : collection of str
        Labels that are scored with single replicates held out.
    """
    return tuple(note for design in designs.values() if (note := _note(design, is_split=design.label in split)))


def _note(design: LabelDesign, *, is_split: bool) -> str:
    if not design.confined:
        return ""
    if design.predictable:
        return (
            f"label {design.label}: the classes {first_of(design.confined)} lie in a single replicate group each, so "
            "that nothing can predict them once that group is held out; scores are of the samples of the other classes."
        )
    alone = (
        f"each of its {len(design.confined)} classes lies in a single replicate group"
        if not design.learnable
        else f"only the class {design.learnable[0]} lies in more than one replicate group"
    )
    remedy = (
        "Single replicates are held out instead, and these scores are marked optimistic: they tell how alike "
        "replicates are, not whether a new group would be recognised."
        if is_split
        else "It is not scored."
    )
    return f"label {design.label} cannot be predicted with whole groups held out, since {alone}. {remedy}"
