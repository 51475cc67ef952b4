import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.tables import CONTRACTS
from models.layer import Layer
from models.parquet import ContractError, decode_frame, encode_frame


def dropped(**changes: object) -> pd.DataFrame:
    return pd.DataFrame({"layer": ["a"], "feature_id": ["x"], "reason": ["constant"], **changes})


def test_equal_tables_have_equal_bytes_and_come_back() -> None:
    frame = dropped(feature_id=["ünï,{code}"])
    assert encode_frame(frame, "dropped") == encode_frame(frame.copy(), "dropped")
    pd.testing.assert_frame_equal(decode_frame(encode_frame(frame, "dropped"), "dropped"), frame)


def test_the_order_of_columns_is_the_contract_s() -> None:
    turned = dropped()[["reason", "feature_id", "layer"]]
    assert encode_frame(turned, "dropped") == encode_frame(dropped(), "dropped")


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        (dropped().drop(columns="reason"), r"columns missing \['reason'\]"),
        (dropped(more=["x"]), r"columns too many \['more'\]"),
        (dropped(reason=[None]), "'?reason'?: string not null.* 1 null"),
        (dropped(reason=[3]), "table 'dropped'"),
    ],
)
def test_a_table_that_breaks_its_contract_is_refused(frame: pd.DataFrame, part: str) -> None:
    with pytest.raises(ContractError, match=part):
        encode_frame(frame, "dropped")


def test_a_table_of_another_kind_is_refused() -> None:
    with pytest.raises(ContractError, match="wanted a table 'qc' version 1, found 'dropped' version '1'"):
        decode_frame(encode_frame(dropped(), "dropped"), "qc")


def test_every_file_tells_its_kind_and_version() -> None:
    metadata = pq.read_schema(pa.BufferReader(encode_frame(dropped(), "dropped"))).metadata
    assert metadata[b"kind"] == b"dropped"
    assert metadata[b"schema_version"] == str(CONTRACTS["dropped"].schema_version).encode()


def test_a_layer_restricts_to_samples_and_finds_features() -> None:
    layer = Layer("t", np.arange(6, dtype=np.float32).reshape(2, 3), ("g1", "g2"), ("a", "b", "c"))
    part = layer.restricted_to(("c", "a"))
    assert part.sample_ids == ("c", "a")
    np.testing.assert_array_equal(part.values, [[2, 0], [5, 3]])
    np.testing.assert_array_equal(layer.positions_of(["g2", "g1"]), [1, 0])
    with pytest.raises(KeyError, match="unknown"):
        layer.columns_of(("unknown",))
