from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import SampleError
from configs.study import SamplesConfig
from models.parquet import encode_frame
from models.samples import check_samples, read_sample_sheet, sample_notes, samples_from_names, usable_samples

SHEET = """sample_id,group,tissue,batch,time,note
a1,a,leaf,x,0h,n1
a2,a,leaf,y,0h,n2
b1,b,root,x,6h,n3
b2,b,root,y,6h,n4
"""


def read(text: str, **config):
    return read_sample_sheet(text.encode(), "samples.csv", config=SamplesConfig(**config))


def refused(text: str, match: str, **config) -> None:
    with pytest.raises(SampleError, match=match):
        read(text, **config)


def sheet_of(*samples: str) -> pd.DataFrame:
    return samples_from_names(samples)[0]


def test_columns_of_the_contract():
    frame, notes = read(SHEET)
    assert list(frame.columns) == ["sample_id", "group", "batch", "time", "series", "tissue"]
    assert frame["time"].tolist() == [0.0, 0.0, 6.0, 6.0]
    assert frame["batch"].tolist() == ["x", "y", "x", "y"]
    assert notes == (
        "2 replicate groups come from group.",
        "The labels are 'tissue'.",
        "No labels, as they hold numbers, one value or too many: 'note'.",
    )
    assert encode_frame(frame, "samples")


def test_without_a_group_column_each_sample_is_a_group():
    frame, notes = read("sample_id,sex\na,f\nb,m\nc,f\nd,m\n")
    assert frame["group"].tolist() == ["a", "b", "c", "d"]
    assert frame["batch"].isna().all()
    assert "replicates will not be kept together; `samples.group_by`" in notes[0]


def test_several_group_columns_are_joined_and_may_be_labels():
    text = SHEET.replace("group", "geography")
    frame, _ = read(text, group_by=("tissue", "geography"), labels=("tissue",))
    assert frame["group"].tolist() == ["leaf|a", "leaf|a", "root|b", "root|b"]
    assert list(frame.columns[5:]) == ["tissue"]
    assert list(read(text, group_by=("tissue", "geography"))[0].columns[5:]) == ["geography", "tissue"]


def test_other_names_and_missing_label_cells():
    text = "run,plot,day,kind\n1,p,1,x\n2,p,2,\n3,q,1,y\n4,q,2,x\n5,q,2,y\n"
    frame, _ = read(text, sample_column="run", group_by=("plot",), time_column="day", labels=("kind",))
    assert frame["sample_id"].tolist() == ["1", "2", "3", "4", "5"]
    assert frame["time"].tolist() == [1, 2, 1, 2, 2]
    assert frame["kind"].isna().tolist() == [False, True, False, False, False]
    assert encode_frame(frame, "samples")


def test_times_that_are_no_numbers_are_left_out():
    frame, notes = read(SHEET.replace("6h", "late"))
    assert frame["time"].isna().all()
    assert "The column 'time' holds 'late', which are no numbers; times were left out." in notes


COURSE = """sample_id,group,tissue,time
a1,a,leaf,0h
a2,a,leaf,0h
b1,b,root,0h
b2,b,root,0h
c1,c,leaf,6h
c2,c,root,
"""


def test_time_series_come_from_columns():
    frame, notes = read(COURSE, path="samples.csv", series_by=("tissue",))
    assert frame["series"].fillna("none").tolist() == ["leaf", "leaf", "root", "root", "leaf", "none"]
    assert "2 time series come from tissue." in notes
    both, _ = read(COURSE, path="samples.csv", series_by=("tissue", "group"))
    assert both["series"].tolist()[:3] == ["leaf|a", "leaf|a", "root|b"]
    assert encode_frame(both, "samples")


def test_without_series_by_all_samples_are_one_series_and_groups_at_one_time_are_mentioned():
    frame, notes = read(COURSE)
    assert frame["series"].isna().all()
    assert [note for note in notes if "several replicate groups at one time" in note]
    assert not [note for note in read(SHEET)[1] if "several replicate groups" in note]


def test_time_series_need_times_and_a_column():
    ask = {"path": "samples.csv", "series_by": ("tissue",)}
    refused("sample_id,group,tissue\na,x,l\n", "wanted times of the samples, .* found no column 'time'", **ask)
    refused(SHEET.replace("6h", "late"), "found no number in the column 'time'", **ask)
    refused(SHEET, r"'tisue' that samples\.series_by names, .* 'tissue'", path="samples.csv", series_by=("tisue",))
    blank = COURSE.replace("b2,b,root", "b2,b,")
    refused(blank, r"column 'tissue': wanted a time series for every sample with a time, found none for 'b2'", **ask)
    assert read(COURSE.replace("c2,c,root", "c2,c,"), **ask)
    with pytest.raises(ValidationError, match="series_by names columns of a sample sheet"):
        SamplesConfig(series_by=("tissue",))


def test_absent_columns_name_the_nearest():
    refused(SHEET, r"wanted the column 'tisue' that samples\.labels names, .* 'tissue'", labels=("tisue",))
    refused(SHEET, r"wanted the column 'groups' that samples\.group_by names, .* 'group'", group_by=("groups",))
    refused(SHEET, r"'sample' that samples\.sample_column names", sample_column="sample")
    refused(SHEET, r"'batches' that samples\.batch_column names, .* 'batch'", batch_column="batches")


def test_bad_sheets():
    refused(SHEET + "a1,a,leaf,x,0h,n\n", r"^samples\.csv: wanted each sample id once, found 1 duplicated .* 'a1'\.")
    refused(SHEET + ",a,leaf,x,0h,n\n", "wanted a sample id in every row, found 1 rows without one")
    refused(SHEET + "c1,,leaf,x,0h,n\n", "wanted a replicate group for every sample, found none for 'c1'")
    refused("sample_id,a,a\ns,1,2\n", "found the repeated columns 'a'")


def test_labels_need_two_classes_and_a_free_name():
    refused(SHEET.replace("root", "leaf"), "column 'tissue': .* found the one class 'leaf'", labels=("tissue",))
    refused(SHEET, "wanted a label under a free name, found 'group'", labels=("group",))
    refused("sample_id,kind\na,\nb,\n", "found empty cells alone", labels=("kind",))


def test_real_sheets(shared_data: Path):
    content = (shared_data / "tomato_falcarindiol" / "samples.tsv").read_bytes()
    config = SamplesConfig(group_by=("treatment", "hours"), time_column="hours")
    frame, notes = read_sample_sheet(content, "samples.tsv", config=config)
    assert [note for note in notes if "several replicate groups at one time (hours)" in note]
    assert frame.groupby("group").size().eq(3).all()
    assert frame["group"].nunique() == 21
    assert list(frame.columns[5:]) == ["treatment"]


# --- from names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "groups", "labels"),
    [
        (
            ["leaf_north_1", "leaf_north_2", "leaf_south_1", "leaf_south_2", "root_north_1", "root_north_2"],
            ["leaf_north"] * 2 + ["leaf_south"] * 2 + ["root_north"] * 2,
            [["leaf"] * 4 + ["root"] * 2, ["north", "north", "south", "south", "north", "north"]],
        ),
        (["T0.rep1", "T0.rep2", "T12.rep1"], ["T0", "T0", "T12"], []),
        (["WT1", "WT2", "KO1", "KO2"], ["WT", "WT", "KO", "KO"], [["WT", "WT", "KO", "KO"]]),
        (["x-a", "x-b", "y-a", "y-b"], ["x", "x", "y", "y"], [["x", "x", "y", "y"]]),
        (["a_b_1", "a_b_2", "c_1", "c_2"], ["a_b", "a_b", "c", "c"], []),
        (["M01", "M02", "M03"], ["M01", "M02", "M03"], []),
        (["leaf_T0", "leaf_T6", "root_T0", "root_T6"], ["leaf_T0", "leaf_T6", "root_T0", "root_T6"], []),
    ],
)
def test_sheet_from_names(names, groups, labels):
    frame, notes = samples_from_names(names)
    assert frame["sample_id"].tolist() == names
    assert frame["group"].tolist() == groups
    assert [frame[column].tolist() for column in frame.columns[5:]] == labels
    assert len(notes) == 1 + len(labels)
    assert encode_frame(frame, "samples")


@given(st.lists(st.text(min_size=1), unique=True))
@settings(deadline=None, max_examples=50)
def test_any_names_give_a_sheet_with_every_sample_in_one_group(names):
    frame, notes = samples_from_names(names)
    assert frame["sample_id"].tolist() == names
    assert frame["group"].notna().all()
    assert notes


# --- samples against layers -------------------------------------------------------------------------------------

NAMES = tuple(f"s{index}" for index in range(8))


def test_shared_samples_keep_the_order_of_the_sheet():
    layers = {"genes": NAMES[::-1], "metabolites": (*NAMES[1:], "other")}
    sheet = sheet_of(*NAMES, "absent")
    assert check_samples(layers, sheet) == NAMES[1:]
    assert usable_samples(layers, sheet) == {"genes": NAMES, "metabolites": NAMES[1:]}
    assert sample_notes(layers, sheet) == (
        "1 samples of the sheet are in no layer: 'absent'.",
        "1 samples are in some layers only and serve those alone: 's0'.",
    )


def test_layers_without_shared_samples_name_both():
    match = "genes has 's0', 's1', 's2', 's3', 's4' and 3 more, metabolites has 'm0', 'm1'"
    with pytest.raises(SampleError, match=match):
        check_samples({"genes": NAMES, "metabolites": ("m0", "m1")}, sheet_of(*NAMES))


def test_fewer_than_six_shared_samples():
    match = (
        r"wanted at least 6 samples .* found 5 \('s0', .*\), where the sheet has 8 .* genes has 8, metabolites has 5"
    )
    with pytest.raises(SampleError, match=match):
        check_samples({"genes": NAMES, "metabolites": NAMES[:5]}, sheet_of(*NAMES))
    with pytest.raises(SampleError, match="found 5"):
        check_samples({"genes": NAMES}, sheet_of(*NAMES[:5]))
