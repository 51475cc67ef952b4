import numpy as np

from models.layer import Layer


def test_ordered_by_ids_whatever_the_table_had() -> None:
    values = np.arange(6, dtype=np.float32).reshape(3, 2)
    layer = Layer("t", values, ("g2", "g10", "G1"), ("s2", "s1")).ordered()
    assert (layer.feature_ids, layer.sample_ids) == (("G1", "g10", "g2"), ("s1", "s2"))
    np.testing.assert_array_equal(layer.values, [[5, 4], [3, 2], [1, 0]])


def test_measured_counts_missing_values() -> None:
    values = np.array([[1, np.nan], [np.nan, np.nan], [1, 2]], dtype=np.float32)
    layer = Layer("t", values, ("a", "b", "c"), ("s1", "s2"))
    assert layer.measured(0.5).tolist() == [True, False, True]
    assert layer.measured(0.4).tolist() == [False, False, True]
