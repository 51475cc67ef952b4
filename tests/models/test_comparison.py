import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from models.comparison import comparison_predictions, validation_table, verdict
from models.methods import GRAPH, LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS


def _two_clouds(n: int = 20, distance: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    codes = np.arange(n) % 2
    features = np.random.default_rng(0).normal(size=(n, 3)) + distance * codes[:, None]
    return features.astype(np.float32), codes.astype(np.int64)


def test_clouds_are_told_apart_by_all_but_the_majority() -> None:
    features, codes = _two_clouds()
    train = np.arange(20) < 15  # eight of class 0, seven of class 1
    predictions = comparison_predictions(features, train, ~train, codes)
    assert list(predictions) == [MAJORITY, NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION]
    assert predictions[MAJORITY].codes.tolist() == [0] * 5
    assert predictions[MAJORITY].probability == pytest.approx(8 / 15)
    for method in (NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION):
        assert predictions[method].codes.tolist() == codes[15:].tolist()
    assert predictions[NEAREST_NEIGHBOURS].probability.tolist() == [1] * 5


def test_labels_of_held_out_samples_are_not_read() -> None:
    features, codes = _two_clouds(distance=1.0)
    train = np.arange(20) < 15
    one = comparison_predictions(features, train, ~train, codes)
    other = comparison_predictions(features, train, ~train, np.where(train, codes, 0))
    for method, prediction in one.items():
        np.testing.assert_array_equal(prediction.codes, other[method].codes)


def test_single_class_few_samples_and_no_label() -> None:
    features, codes = _two_clouds(6)
    train = np.arange(6) < 4
    single = comparison_predictions(features, train, ~train, np.ones(6, dtype=np.int64))
    assert all(prediction.codes.tolist() == [1, 1] for prediction in single.values())
    assert all(prediction.probability.tolist() == [1, 1] for prediction in single.values())
    assert set(comparison_predictions(features, train, ~train, codes)) == set(single)
    assert comparison_predictions(features, train, ~train, np.full(6, -1)) == {}
    assert comparison_predictions(features, train, np.zeros(6, dtype=bool), codes) == {}


def _predictions(truth: str, predicted: str, method: str = GRAPH) -> pd.DataFrame:
    frame = pd.DataFrame({"truth": list(truth), "predicted": list(predicted)})
    return frame.assign(fold="0", label="tissue", method=method, sample_id="s", probability=1.0)


def test_scores_by_hand() -> None:
    # a: 2 of 3 right; b: 1 of 1; c: 0 of 2, once taken for the unknown d.
    table = validation_table(_predictions("aaabcc", "aabbda"))
    row = table.iloc[0]
    assert (row["n_samples"], row["n_classes"]) == (6, 3)
    assert row["accuracy"] == pytest.approx(3 / 6)
    assert row["balanced_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    # F1: a 2*2/(2*2+1+1) = 2/3, b 2/(2+1) = 2/3, c 0, d 0; mean over the four.
    assert row["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 4)


def test_scores_equal_those_of_sklearn() -> None:
    generator = np.random.default_rng(0)
    truth, predicted = ("".join(generator.choice(list("abc"), 50)) for _ in range(2))
    row = validation_table(_predictions(truth, predicted)).iloc[0]
    assert row["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(list(truth), list(predicted)))


def test_folds_are_pooled_and_no_prediction_gives_an_empty_table() -> None:
    predictions = pd.concat([_predictions("aabb", "aabb"), _predictions("ab", "bb").assign(fold="1")])
    table = validation_table(predictions)
    assert table["n_samples"].tolist() == [6]
    empty = validation_table(predictions.iloc[:0])
    assert empty.empty
    assert list(empty.columns) == list(table.columns)
    assert empty.dtypes.equals(table.dtypes)


def _validation(n: int, n_classes: int = 2, **scores: float) -> pd.DataFrame:
    names = {"graph": GRAPH, "majority": MAJORITY, "neighbours": NEAREST_NEIGHBOURS, "regression": LOGISTIC_REGRESSION}
    rows = [
        {"label": "tissue", "method": names[name], "n_samples": n, "n_classes": n_classes, "balanced_accuracy": score}
        for name, score in scores.items()
    ]
    return pd.DataFrame(rows)


def test_verdict_on_a_label_that_is_carried() -> None:
    sentence = verdict(_validation(100, graph=0.8, majority=0.5, neighbours=0.78, regression=0.7), "tissue")
    assert sentence == (
        "tissue: the latents carry it, the best method (graph attention) reaching a held-out balanced accuracy of 0.80 "
        "where chance is 0.50 (n = 100 samples, standard error at least 0.05); the graph (0.80) cannot be told apart "
        "from the better of logistic regression and nearest neighbours (0.78)."
    )


def test_verdict_is_careful_with_few_samples() -> None:
    # Two standard errors above chance are 0.5 + 2 * sqrt(0.25 / 9) = 0.83.
    assert "do not demonstrably carry" in verdict(_validation(9, graph=0.8, majority=0.5), "tissue")
    assert "carry it" in verdict(_validation(9, graph=0.9, majority=0.5), "tissue")


def test_verdict_on_the_graph() -> None:
    assert "adds something over" in verdict(_validation(100, graph=0.9, regression=0.7), "tissue")
    assert "does worse than" in verdict(_validation(100, graph=0.6, regression=0.7), "tissue")


def test_verdict_without_evidence() -> None:
    assert "no sample with this label was held out" in verdict(_validation(9, graph=0.8), "place")
    assert "all 9 held-out samples have the same class" in verdict(_validation(9, 1, graph=1.0), "tissue")
