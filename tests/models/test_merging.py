"""New samples merged into a study: hand-worked tables, and what holds for any."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import SampleError, TableError
from models.layer import Layer
from models.merging import SampleTables, TableFile, merge_layers, merge_tables, source_rows

NAN = np.nan


def layer(values: list[list[float]], features: str, samples: str, name: str = "transcriptome") -> Layer:
    return Layer(name, np.array(values, dtype=np.float32), tuple(features.split()), tuple(samples.split()))


def sheet(rows: dict[str, str | None], column: str = "group") -> pd.DataFrame:
    return pd.DataFrame({"sample_id": list(rows), column: list(rows.values())}, dtype="str")


STUDY = SampleTables({"transcriptome": layer([[1, 2], [3, NAN]], "a b", "s1 s2")}, sheet({"s1": "x", "s2": "y"}))


def same(one: Layer, other: Layer) -> bool:
    ids = (one.feature_ids, one.sample_ids) == (other.feature_ids, other.sample_ids)
    return ids and np.array_equal(one.values, other.values, equal_nan=True)


def test_features_are_joined_by_id_and_what_one_part_lacks_is_missing() -> None:
    merged, notes = merge_layers(STUDY.layers["transcriptome"], layer([[7], [5]], "c a", "s3"), name="batch2")
    assert same(merged, layer([[1, 2, 5], [3, NAN, NAN], [NAN, NAN, 7]], "a b c", "s1 s2 s3"))
    assert notes == (
        "batch2, layer transcriptome: 1 feature of the study not in it, missing for its samples: 'b'.",
        "batch2, layer transcriptome: 1 feature new to the study, missing for its earlier samples: 'c'.",
    )


def test_a_merge_says_what_is_new_and_orders_everything_by_id() -> None:
    arrival = SampleTables({"transcriptome": layer([[5, 6], [7, 8]], "b a", "s0 s3")}, sheet({"s3": "x", "s0": "y"}))
    merged = merge_tables(STUDY, arrival, name="batch2")
    assert same(merged.tables.layers["transcriptome"], layer([[7, 1, 2, 8], [5, 3, NAN, 6]], "a b", "s0 s1 s2 s3"))
    assert merged.new == {"transcriptome": ("s0", "s3"), "samples": ("s0", "s3")}
    assert merged.tables.sheet is not None
    assert merged.tables.sheet.to_dict("list") == {"sample_id": ["s0", "s1", "s2", "s3"], "group": ["y", "x", "y", "x"]}
    assert merged.notes == ()


def test_a_sample_that_is_there_with_the_same_values_adds_nothing() -> None:
    again = SampleTables({"transcriptome": layer([[NAN], [2]], "b a", "s2")}, sheet({"s2": "y"}))
    merged = merge_tables(STUDY, again, name="again")
    assert merged.new == {}
    assert same(merged.tables.layers["transcriptome"], STUDY.layers["transcriptome"])


def test_a_feature_that_an_arrival_lacks_is_a_missing_value() -> None:
    same_values = SampleTables({"transcriptome": layer([[2]], "a", "s2")}, sheet({"s2": "y"}))
    assert merge_tables(STUDY, same_values, name="batch2").new == {}  # 'b' is missing in the study, too
    with pytest.raises(SampleError, match="'s1'"):
        merge_layers(STUDY.layers["transcriptome"], layer([[1]], "a", "s1"), name="batch2")


@pytest.mark.parametrize(("values", "features"), [([[2], [9]], "a b"), ([[2], [NAN], [1]], "a b c")])
def test_a_sample_that_is_there_with_other_values_is_refused_by_name(values: list[list[float]], features: str) -> None:
    arrival = SampleTables({"transcriptome": layer(values, features, "s2")}, sheet({"s2": "y"}))
    with pytest.raises(SampleError, match=r"batch2.*other values for 1 sample of the study: 's2'"):
        merge_tables(STUDY, arrival, name="batch2")


def test_other_cells_of_the_sample_sheet_are_refused_and_empty_ones_filled() -> None:
    other = SampleTables({"transcriptome": layer([[2], [NAN]], "a b", "s2")}, sheet({"s2": "z"}))
    with pytest.raises(SampleError, match=r"sample sheet.*other cells for 1 sample of the study: 's2'"):
        merge_tables(STUDY, other, name="batch2")
    arrival = SampleTables(
        {"transcriptome": layer([[2], [1]], "a b", "s3")}, sheet({"s3": "late", "s1": "early"}, "stage")
    )
    merged = merge_tables(STUDY, arrival, name="batch2")
    assert merged.tables.sheet is not None
    rows = merged.tables.sheet.set_index("sample_id").astype("object").replace({NAN: None}).to_dict("index")
    assert rows == {
        "s1": {"group": "x", "stage": "early"},
        "s2": {"group": "y", "stage": None},
        "s3": {"group": None, "stage": "late"},
    }
    assert merged.notes == (
        "batch2: the sample sheet lacks the columns 'group', which are empty for its samples.",
        "batch2: the columns 'stage' are new, and empty for the earlier samples.",
    )


def test_new_samples_need_values_and_a_row() -> None:
    came = {"transcriptome": layer([[1]], "a", "s3")}
    with pytest.raises(SampleError, match=r"values of every new sample.*none for 's4'"):
        merge_tables(STUDY, SampleTables(came, sheet({"s3": "x", "s4": "x"})), name="batch2")
    with pytest.raises(SampleError, match=r"row of samples.tsv.*none for 's3'"):
        merge_tables(STUDY, SampleTables(came, sheet({"s1": "x"})), name="batch2")


def test_ids_of_another_kind_are_refused() -> None:
    with pytest.raises(TableError, match=r"features of the study, such as 'a', 'b', found none.*'AT1'"):
        merge_layers(STUDY.layers["transcriptome"], layer([[1]], "AT1", "s3"), name="batch2")


def test_a_study_without_a_sample_sheet_takes_tables_alone() -> None:
    bare = SampleTables(STUDY.layers)
    merged = merge_tables(bare, SampleTables({"transcriptome": layer([[4]], "a", "s3")}), name="batch2")
    assert merged.tables.sheet is None
    assert merged.new == {"transcriptome": ("s3",)}


def test_sources_name_the_file_of_every_sample() -> None:
    files = {"samples": TableFile("b/samples.tsv", "0" * 64), "metabolome": TableFile("b/metabolome.csv", "1" * 64)}
    rows = source_rows({"samples": ("s3", "s4"), "metabolome": ("s3",)}, files, 2)
    assert rows.to_numpy().tolist() == [
        ["s3", 2, "b/metabolome.csv", "1" * 64],
        ["s3", 2, "b/samples.tsv", "0" * 64],
        ["s4", 2, "b/samples.tsv", "0" * 64],
    ]


cells = st.one_of(st.just(NAN), st.floats(0, 100, width=32))


@st.composite
def arrivals(draw: st.DrawFn) -> list[SampleTables]:
    """Return three arrivals of different samples, each with some of five features, the first among them."""
    made = []
    for number in range(3):
        features = (
            "f0",
            *draw(st.permutations(draw(st.lists(st.sampled_from(["f1", "f2", "f3", "f4"]), unique=True)))),
        )
        samples = tuple(f"s{number}{place}" for place in range(draw(st.integers(1, 3))))
        rows = [[draw(cells) for _ in samples] for _ in features]
        table = Layer("transcriptome", np.array(rows, dtype=np.float32), features, samples)
        made.append(SampleTables({"transcriptome": table}, sheet(dict.fromkeys(samples, f"g{number}"))))
    return made


START = SampleTables({"transcriptome": layer([[1, 2]], "f0", "a b")}, sheet({"a": "x", "b": "y"}))


@settings(max_examples=5)
@given(arrivals())
def test_the_order_of_arrivals_changes_no_value(came: list[SampleTables]) -> None:
    results = []
    for order in (came, came[::-1], came[1:] + came[:1]):
        tables = START
        for one in order:
            tables = merge_tables(tables, one, name="one").tables
        results.append(tables)
    first = results[0]
    assert first.sheet is not None
    for other in results[1:]:
        assert same(first.layers["transcriptome"], other.layers["transcriptome"])
        assert other.sheet is not None
        assert first.sheet.equals(other.sheet)


@settings(max_examples=5)
@given(arrivals())
def test_merging_twice_is_merging_once(came: list[SampleTables]) -> None:
    once = merge_tables(START, came[0], name="one")
    twice = merge_tables(once.tables, came[0], name="one")
    assert twice.new == {}
    assert same(once.tables.layers["transcriptome"], twice.tables.layers["transcriptome"])
    assert once.tables.sheet is not None
    assert once.tables.sheet.equals(twice.tables.sheet)
