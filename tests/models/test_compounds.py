"""Ions of one compound as one feature, and levels of annotation."""

import numpy as np
import pytest

from configs.errors import TableError
from configs.study import CompoundsConfig, LayerConfig
from models.compounds import Annotation, annotation_of, grouped, level_notes, level_words
from models.layer import Layer

TABLE = b"""id,compound,MSI,adduct,S1,S2
F1,rutin,MSI level 2,[M+H]+,1,2
F2,rutin,3,[M+Na]+,10,30
F3,,,[M+H]+,5,6
F4,quercetin,4a,[M+H]+,,7
F5,quercetin,,[M+K]+,2,3
"""
LAYER = Layer(
    "metabolome",
    np.array([[1, 2], [10, 30], [5, 6], [np.nan, 7], [2, 3]], dtype=np.float32),
    ("F1", "F2", "F3", "F4", "F5"),
    ("S1", "S2"),
)


def config(**words: str) -> LayerConfig:
    settings = {"compound_column": "compound", "level_column": "MSI"} | words
    return LayerConfig(path="mets.csv", compounds=CompoundsConfig.model_validate(settings))


def annotation(content: bytes = TABLE, **words: str) -> Annotation:
    return annotation_of(content, "mets.csv", config(**words), LAYER.feature_ids)


def test_the_ion_with_the_largest_mean_stands_for_a_compound() -> None:
    found = grouped(LAYER, annotation(), take="most_intense", is_log=False)
    assert found.layer.feature_ids == ("rutin", "F3", "quercetin")
    # Quercetin: F4 has the mean (0 + 7) / 2, a missing value counting as none, F5 (2 + 3) / 2.
    np.testing.assert_array_equal(found.layer.values, np.array([[10, 30], [5, 6], [np.nan, 7]], np.float32))
    assert found.levels == {"rutin": 2, "quercetin": 4}
    assert found.notes == (
        (
            "metabolome: 4 features are ions of 2 compounds and the ion with the largest mean stands for each; "
            "5 features became 3."
        ),
        "metabolome: annotation levels: 1 of level 2, 1 of level 4, 1 without one.",
    )


def test_ions_may_be_summed_and_logarithms_are_summed_as_what_they_stand_for() -> None:
    plain = grouped(LAYER, annotation(), take="sum", is_log=False).layer.values
    np.testing.assert_array_equal(plain, np.array([[11, 32], [5, 6], [2, 10]], np.float32))
    logarithms = Layer("metabolome", np.log2(LAYER.values), LAYER.feature_ids, LAYER.sample_ids)
    summed = grouped(logarithms, annotation(), take="sum", is_log=True).layer.values
    np.testing.assert_allclose(2**summed, plain, rtol=1e-6)


def test_levels_alone_group_nothing() -> None:
    only = CompoundsConfig(level_column="MSI")
    told = annotation_of(TABLE, "mets.csv", LayerConfig(path="mets.csv", compounds=only), LAYER.feature_ids)
    found = grouped(LAYER, told, take="most_intense", is_log=False)
    assert found.layer.feature_ids == LAYER.feature_ids
    assert found.levels == {"F1": 2, "F2": 3, "F4": 4}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((b"MSI level 2", b"good"), r"row 2, column 'MSI': wanted an annotation level from 1 to 5.* found 'good'\."),
        ((b"F2,rutin", b"F1,rutin"), "wanted one compound and one level for each feature, found 2 and 3 for 'F1'"),
        ((b"compound", b"name"), r"wanted the column 'compound' that layers\.\*\.compounds\.compound_column names"),
        ((b"\nF", b"\nG"), r"wanted ids of the layer's features, such as 'F1'.* compounds\.feature_column\."),
    ],
)
def test_tables_that_cannot_tell_are_refused(change: tuple[bytes, bytes], says: str) -> None:
    with pytest.raises(TableError, match=says):
        annotation(TABLE.replace(*change))


def test_a_compound_needs_a_name_of_its_own() -> None:
    with pytest.raises(TableError, match="compounds: wanted compounds with names of their own, found 'F3'"):
        grouped(LAYER, annotation(TABLE.replace(b"rutin", b"F3")), take="sum", is_log=False)


def test_something_must_be_asked_for() -> None:
    with pytest.raises(ValueError, match="name a compound_column, a level_column or both"):
        CompoundsConfig()


def test_a_target_at_level_3_or_worse_is_flagged() -> None:
    levels = {"rutin": 2, "quercetin": 4, "F3": 3}
    notes = level_notes({"sure": ["rutin"], "both": ["rutin", "quercetin"], "poor": ["F3"], "unknown": ["F9"]}, levels)
    said = "metabolites annotated at level 3 or worse, which may not be what they are called:"
    assert notes == (
        f"Target both rests on {said} 'quercetin' (level 4).",
        f"Target poor rests only on {said} 'F3' (level 3).",
    )


def test_levels_of_a_target_are_said_in_numbers_and_names() -> None:
    assert level_words({"rutin": 2, "quercetin": 4, "kaempferol": 2}) == (
        "Annotation of its metabolites (MSI level): 2 at level 2, 1 at level 4 (rutin 2, quercetin 4, kaempferol 2)."
    )
