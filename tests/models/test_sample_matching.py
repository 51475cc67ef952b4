"""Names of tables matched with sample ids: exactly, by a map, by rules, or not at all."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.errors import SampleError
from configs.study import LayerConfig
from models.layer import Layer
from models.reading import read_layer
from models.sample_matching import EXACT, RULES, Rule, match_samples, read_sample_map, unite_layers

NAMES = st.text(string.ascii_letters + string.digits + "-._ ()/", min_size=1, max_size=6)
ENDINGS = st.sampled_from(["", " Peak area", ".mzML", ".mzML Peak area", ".raw", ".bam"])
FOLDERS = st.sampled_from(["", "run1/", "C:\\data\\"])


def matched(names: list[str], known: list[str], mapping: dict[str, str] | None = None) -> dict[str, str]:
    return dict(match_samples(names, known, mapping or {}, where="mets.csv").samples)


@pytest.mark.parametrize(
    ("name", "sample", "said"),
    [
        ("S1", "S1", EXACT),
        ("S1 Peak area", "S1", "without ' Peak area' or the like"),
        ("S1.Peak.height", "S1", "without ' Peak area' or the like"),
        ("LFQ intensity S1", "S1", "without ' Peak area' or the like"),
        ("S1.mzML", "S1", "without a file ending such as '.mzML'"),
        ("S1Aligned.sortedByCoord.out.bam", "S1", "without a file ending such as '.mzML'"),
        ("S1.raw", "S1.mzXML", "without a file ending such as '.mzML'"),
        ("/data/run 1/S1", "S1", "without a folder"),
        (r"D:\runs\S1", "S1", "without a folder"),
        ("s1", "S1", "with capital and small letters alike"),
        ("leaf-1", "leaf_1", "with '-', '.', '_' and blanks alike"),
        (" S1", "S1", "without blanks around it"),
        ("X1", "1", "as R writes names"),
        ("HL.60.TB.", "HL-60(TB)", "as R writes names"),
        (
            "out/s_1.mzML Peak area",
            "S-1",
            " and ".join(RULES[place].said for place in (1, 2, 3, 5, 6)),
        ),
    ],
)
def test_a_name_is_matched_and_the_rule_is_told(name: str, sample: str, said: str) -> None:
    found = match_samples([name], [sample, "another"], where="mets.csv")
    assert found.samples == {name: sample}
    assert found.rules == {name: said}
    note = f"mets.csv: 1 sample name matched {said}: {name!r} is {sample!r}."
    assert found.notes == (() if said == EXACT else (note,))


@pytest.mark.parametrize(
    ("name", "sample"), [("S1", "S10"), ("S1", "S2"), ("Fe-_1", "Fe+_1"), ("Name", "S1"), ("S1_2", "S1")]
)
def test_what_no_rule_makes_equal_is_no_sample(name: str, sample: str) -> None:
    assert matched([name], [sample]) == {}


def test_a_name_that_could_be_two_samples_shows_both() -> None:
    message = (
        r"^mets\.csv: wanted one sample for each name, and one name for each sample, found 'A-1', which could be "
        r"'A\.1' or 'A_1'\. Write the name .* samples\.map, the name in the table and the sample id\.$"
    )
    with pytest.raises(SampleError, match=message):
        matched(["A-1"], ["A.1", "A_1"])
    assert matched(["A-1"], ["A.1", "A_1"], {"A-1": "A_1"}) == {"A-1": "A_1"}


def test_two_names_of_one_sample_are_shown() -> None:
    with pytest.raises(SampleError, match=r"found 'S1', which could be 'S1\.mzML' or 'S1\.raw'"):
        matched(["S1.raw", "S1.mzML"], ["S1"])
    with pytest.raises(SampleError, match="found 'S1', which could be 'one' or 'uno'"):
        matched(["one", "uno"], ["S1"], {"one": "S1", "uno": "S1"})


def test_of_two_samples_the_one_that_needs_only_some_of_the_other_rules_is_meant() -> None:
    assert matched(["Sample_1.mzML"], ["Sample_1", "sample_1"]) == {"Sample_1.mzML": "Sample_1"}


def test_a_name_that_is_a_sample_leaves_no_room_for_one_like_it() -> None:
    found = match_samples(["S1", "s1"], ["S1"], where="mets.csv")
    assert found.samples == {"S1": "S1"}
    assert found.notes == ("mets.csv: 's1' was left out; it resembles 'S1', which the table has under its own name.",)


def test_a_map_of_what_the_study_does_not_have() -> None:
    with pytest.raises(SampleError, match=r"found 'S11', which it does not have\. Correct the map; nearest .*'S1'"):
        matched(["one"], ["S1"], {"one": "S11"})
    with pytest.raises(SampleError, match="found 'S1', mapped to 'S2', while the sample sheet has a sample 'S1'"):
        matched(["S1"], ["S1", "S2"], {"S1": "S2"})


def test_a_map_counts_without_a_sample_sheet() -> None:
    assert matched(["one", "S2"], [], {"one": "S1"}) == {"one": "S1", "S2": "S2"}


def test_maps_are_tables_of_two_columns() -> None:
    mapping, notes = read_sample_map(b"name\tsample\nrun 7\tS1\nrun 8\tS2\n", "map.tsv")
    assert mapping == {"run 7": "S1", "run 8": "S2"}
    assert notes == ("map.tsv: its first row, 'name', 'sample', was taken for the header.",)
    for text, says in (
        ("a,b,c\n1,2,3\n", "found 3 columns: 'a', 'b', 'c'. Remove the others."),
        ("a,b\n1,x\n2,\n", "map.csv, row 3: wanted two columns.* found an empty cell"),
        ("a,b\n1,x\n1,y\n", "row 3: wanted one sample id for each name, found 'x' and 'y' for '1'"),
    ):
        with pytest.raises(SampleError, match=says):
            read_sample_map(text.encode(), "map.csv")


@settings(max_examples=50)
@given(st.sets(NAMES, min_size=1, max_size=8), st.sets(NAMES, min_size=1, max_size=8))
def test_exact_wins_and_no_sample_has_two_names(names: set[str], known: set[str]) -> None:
    try:
        found = matched(sorted(names), sorted(known))
    except SampleError:
        return
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= known
    assert all(found[name] == name for name in names & known)


@settings(max_examples=40)
@given(
    st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=4), min_size=1, max_size=6, unique=True),
    st.permutations(RULES),
    st.data(),
)
def test_order_of_rules_names_and_samples_changes_nothing(
    known: list[str], rules: list[Rule], data: st.DataObject
) -> None:
    names = [f"{data.draw(FOLDERS)}{one}{data.draw(ENDINGS)}" for one in known]
    expected = dict(zip(names, known, strict=True))
    assert matched(names, known) == expected
    others, samples = data.draw(st.permutations(names)), data.draw(st.permutations(known))
    assert match_samples(others, samples, rules=rules).samples == expected


def layer(name: str, *samples: str) -> Layer:
    return Layer(name, np.ones((1, len(samples)), dtype=np.float32), ("f",), samples)


def test_layers_without_a_sheet_get_common_ids() -> None:
    genes, metabolites = layer("genes", "S1", "S2", "S3"), layer("mets", "S2.mzML Peak area", "s1", "S9")
    united, notes = unite_layers([genes, metabolites])
    assert united["genes"].sample_ids == ("S1", "S2", "S3")
    assert united["mets"].sample_ids == ("S2", "S1", "S9")
    other, _ = unite_layers([metabolites, genes])
    assert {name: one.sample_ids for name, one in other.items()} == {
        name: one.sample_ids for name, one in united.items()
    }
    assert "layer mets: 1 sample name matched with capital and small letters alike: 's1' is 'S1'." in notes


TABLE = b"id,S1.mzML Peak area,s-2,Comment\nM1,1,2,x\nM2,3,4,y\n"


def test_a_layer_is_read_under_the_ids_of_the_sheet() -> None:
    for content in (TABLE, b"id,M1,M2\nS1.mzML,1,3\ns-2,2,4\n"):
        known = frozenset({"S1", "s_2"})
        config = LayerConfig(path="mets.csv")
        reading = read_layer(
            content, "mets.csv", name="metabolome", config=config, unit="intensity", known_samples=known
        )
        assert reading.layer.sample_ids == ("S1", "s_2")
        assert reading.layer.values.tolist() == [[1, 2], [3, 4]]
        assert "mets.csv: 1 sample name matched with '-', '.', '_' and blanks alike: 's-2' is 's_2'." in reading.notes
