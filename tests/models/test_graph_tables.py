import numpy as np
import pandas as pd
import pytest

from models.conditions import conditions_of, label_columns
from models.graph_tables import graph_data
from models.latents import concatenated_latents, latent_scale, latent_table

SAMPLES = ["s1", "s2", "s3"]


@pytest.fixture
def sheet() -> pd.DataFrame:
    columns = {"sample_id": SAMPLES, "group": ["g1", "g1", "g2"], "batch": None, "time": np.nan}
    return pd.DataFrame({**columns, "tissue": ["root", None, "leaf"]})


def table(layer: str, values: list[list[float]]) -> pd.DataFrame:
    latents = np.array(values, dtype=np.float32)
    return latent_table(latents, fold="0", layer=layer, sample_ids=SAMPLES, held_out=[False, False, True])


def test_latents_of_layers_stand_side_by_side_by_name() -> None:
    tables = {"b": table("b", [[1], [2], [3]]), "a": table("a", [[10, 11], [20, 21], [30, 31]])}
    np.testing.assert_array_equal(concatenated_latents(tables, ["s3", "s1"]), [[30, 31, 3], [10, 11, 1]])


def test_latent_scale_looks_at_training_samples_alone() -> None:
    scale = latent_scale(table("a", [[1, 5], [3, 5], [100, 9]]), {"s1": "train", "s2": "train", "s3": "held_out"})
    np.testing.assert_allclose(scale, [1.0, 1.0])  # standard deviation of 1 and 3; a constant dimension counts as 1


def test_a_missing_label_is_masked(sheet: pd.DataFrame) -> None:
    roles = {"s1": "train", "s2": "inner", "s3": "held_out"}
    data = graph_data({"a": table("a", [[1], [2], [3]])}, sheet, roles)
    assert data.classes == {"tissue": ("leaf", "root")}
    np.testing.assert_array_equal(data.labels["tissue"], [1, -1, 0])
    np.testing.assert_array_equal(data.held_out, [False, False, True])


def test_labels_are_what_the_contract_does_not_name(sheet: pd.DataFrame) -> None:
    assert label_columns(sheet) == ("tissue",)


def test_conditions_need_enough_samples() -> None:
    frame = pd.DataFrame({"sample_id": list("abcdef"), "tissue": ["x", "x", "x", "y", "y", None]})
    assert conditions_of(frame, ["tissue"], minimum=3) == {"tissue=x": ("a", "b", "c")}
