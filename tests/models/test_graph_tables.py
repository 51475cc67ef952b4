import numpy as np
import pandas as pd
import pytest

from models.conditions import conditions_of, label_columns
from models.graph_tables import drawn_codes, graph_data
from models.latents import concatenated_latents, joint_features, latent_scale, latent_table

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
    tables = {"a": table("a", [[1], [2], [3]])}
    data = graph_data(tables, tables, sheet, roles)
    assert data.classes == {"tissue": ("leaf", "root")}
    np.testing.assert_array_equal(data.labels["tissue"], [1, -1, 0])
    np.testing.assert_array_equal(data.held_out, [False, False, True])


def test_labels_are_what_the_contract_does_not_name(sheet: pd.DataFrame) -> None:
    assert label_columns(sheet) == ("tissue",)


def test_conditions_need_enough_samples() -> None:
    frame = pd.DataFrame({"sample_id": list("abcdef"), "tissue": ["x", "x", "x", "y", "y", None]})
    assert conditions_of(frame, ["tissue"], minimum=3) == {"tissue=x": ("a", "b", "c")}


def partial_table(layer: str, values: dict[str, list[float]]) -> pd.DataFrame:
    latents = np.array(list(values.values()), dtype=np.float32)
    return latent_table(latents, fold="0", layer=layer, sample_ids=list(values), held_out=[False] * len(values))


def test_a_missing_layer_is_filled_in_from_the_nearest_training_samples() -> None:
    """By hand: seven training samples at 0 .. 6 in layer a; sample x at 1.2 lacks layer b.

    Its five nearest training samples in a are 1, 2, 0, 3 and 4; their values in b are 10 times as much: mean 20.
    """
    a = partial_table("a", {f"s{place}": [place] for place in range(7)} | {"x": [1.2]})
    b = partial_table("b", {f"s{place}": [10 * place] for place in range(7)})
    samples = [*(f"s{place}" for place in range(7)), "x"]
    train = np.array([True] * 7 + [False])
    filled = joint_features({"a": a, "b": b}, samples, train, standardised=False)
    np.testing.assert_allclose(filled[-1], [1.2, 20.0])
    np.testing.assert_allclose(filled[:7, 1], 10 * np.arange(7))
    scaled = joint_features({"a": a, "b": b}, samples, train, standardised=True)
    np.testing.assert_allclose(scaled[:7].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(scaled[-1, 1], (20 - 30) / np.std(10 * np.arange(7)), rtol=1e-6)


def test_held_out_samples_are_no_donors_and_a_layer_without_training_samples_is_the_mean() -> None:
    a = partial_table("a", {"s1": [0], "s2": [1], "x": [0.5], "y": [0.5]})
    b = partial_table("b", {"s1": [10], "s2": [20], "y": [1000]})
    c = partial_table("c", {"y": [7]})
    samples, train = ["s1", "s2", "x", "y"], np.array([True, True, False, False])
    filled = joint_features({"a": a, "b": b, "c": c}, samples, train, standardised=False)
    np.testing.assert_allclose(filled[2], [0.5, 15, 0])
    scaled = joint_features({"a": a, "b": b, "c": c}, samples, train, standardised=True)
    np.testing.assert_allclose(scaled[:, 2], 0)


def test_draws_become_codes_in_the_order_of_the_samples(sheet: pd.DataFrame) -> None:
    tables = {"a": table("a", [[1], [2], [3]])}
    data = graph_data(tables, tables, sheet, {"s1": "train", "s2": "inner", "s3": "held_out"})
    drawn = {"sample_id": ["s3", "s1", "s2"] * 2, "class": ["root", "leaf", None, "leaf", "root", None]}
    draws = pd.DataFrame({"label": "tissue", "draw": [0, 0, 0, 1, 1, 1], **drawn})
    assert drawn_codes(draws, data, SAMPLES)["tissue"].tolist() == [[0, -1, 1], [1, -1, 0]]
