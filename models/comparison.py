"""Plain classifiers on the same latents, and the verdict over all of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, recall_score
from sklearn.neighbors import KNeighborsClassifier

from models.arrays import BoolArray, Float32Array, Float64Array, IntArray
from models.methods import GRAPH, LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS
from models.scaling import standardise

_PLAIN = (NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION)
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predicted class and its probability for each held-out sample, shape=(n_held_out,)."""

    codes: IntArray
    probability: Float64Array


def comparison_predictions(
    features: Float32Array, train_mask: BoolArray, held_out_mask: BoolArray, codes: IntArray
) -> dict[str, Prediction]:
    """Predict one label of the held-out samples by methods that a graph network has to beat.

    Parameters
    ----------
    features : ndarray, shape=(n, d), dtype=float32
        Concatenated latents, standardised here by the training samples.
    train_mask, held_out_mask : ndarray, shape=(n,), dtype=bool
        Samples to learn from, and to predict.
    codes : ndarray, shape=(n,), dtype=int64
        Class of each sample, -1 where missing; only those of training samples are read.

    Returns
    -------
    dict of str to Prediction
        By method: the commonest class, 5 nearest neighbours (or as many as there are), logistic regression (L2, C = 1).
        Empty when no training sample has the label or no sample is held out.
    """
    learnt = train_mask & (codes >= 0)
    if not learnt.any() or not held_out_mask.any():
        return {}
    scaled = standardise(features, train_mask).astype(np.float64)
    known, truth, asked = scaled[learnt], codes[learnt], scaled[held_out_mask]
    classes, counts = np.unique(truth, return_counts=True)
    share = np.tile(counts / counts.sum(), (len(asked), 1))
    predictions = {MAJORITY: _strongest(classes, share)}
    neighbours = KNeighborsClassifier(n_neighbors=min(_NEIGHBOURS, len(truth))).fit(known, truth)
    predictions[NEAREST_NEIGHBOURS] = _strongest(classes, neighbours.predict_proba(asked))
    if len(classes) == 1:
        predictions[LOGISTIC_REGRESSION] = predictions[MAJORITY]
    else:
        regression = LogisticRegression(C=1.0, max_iter=10_000).fit(known, truth)
        predictions[LOGISTIC_REGRESSION] = _strongest(classes, regression.predict_proba(asked))
    return predictions


def _strongest(classes: IntArray, probabilities: npt.NDArray[np.float64]) -> Prediction:
    best = probabilities.argmax(axis=1)
    return Prediction(classes[best].astype(np.int64), probabilities[np.arange(len(best)), best].astype(np.float64))


def validation_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Score held-out predictions, pooled over the folds.

    Parameters
    ----------
    predictions : DataFrame
        Table of the contract `predictions`.

    Returns
    -------
    DataFrame
        Table of the contract `validation`: accuracy, balanced accuracy (mean recall over the true classes) and
        macro F1.
    """
    rows = [
        {"label": label, "method": method, **_scores(part["truth"].to_numpy(str), part["predicted"].to_numpy(str))}
        for (label, method), part in predictions.groupby(["label", "method"], sort=True)
    ]
    columns = {"label": "str", "method": "str", "n_samples": "int64", "n_classes": "int64"}
    columns |= dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1"), "float64")
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _scores(truth: npt.NDArray[np.str_], predicted: npt.NDArray[np.str_]) -> dict[str, float | int]:
    classes = np.unique(truth)
    return {
        "n_samples": len(truth),
        "n_classes": len(classes),
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(recall_score(truth, predicted, labels=classes, average="macro", zero_division=0)),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
    }


def beats_chance(validation: pd.DataFrame, label: str) -> bool:
    """Say whether any method but the majority's predicts `label` better than chance, by the yardstick of `verdict`."""
    rows = validation[(validation["label"] == label) & (validation["method"] != MAJORITY)]
    n_samples, n_classes = rows["n_samples"].max(), rows["n_classes"].max()
    return bool(n_classes > 1 and rows["balanced_accuracy"].max() > 1 / n_classes + 2 * _error(n_classes, n_samples))


def _error(n_classes: int, n_samples: int) -> float:
    """Return the standard error of the share of samples that are right by chance."""
    return float(np.sqrt((1 - 1 / n_classes) / n_classes / n_samples))


def verdict(validation: pd.DataFrame, label: str) -> str:
    """Say in one sentence whether the latents carry `label`, and whether the graph adds to plain classifiers.

    The yardstick is the standard error of a share, sqrt(c (1 - c) / n) with chance c = 1 / classes and n held-out
    samples: the best method must exceed chance by two of it, the graph the best plain classifier by one. Replicates are
    not independent, so that the true uncertainty is larger.

    Parameters
    ----------
    validation : DataFrame
        Table of the contract `validation`.
    label : str
        Label to judge.
    """
    rows = validation[validation["label"] == label].set_index("method")
    scores = rows["balanced_accuracy"].drop(MAJORITY, errors="ignore")
    if scores.empty:
        return f"{label}: no sample with this label was held out, so nothing can be said about it."
    n_samples, n_classes = int(rows["n_samples"].max()), int(rows["n_classes"].max())
    if n_classes < 2:
        return f"{label}: all {n_samples} held-out samples have the same class, so nothing can be said about it."
    chance = 1 / n_classes
    error = _error(n_classes, n_samples)
    best = str(scores.idxmax())
    carried = "carry" if beats_chance(validation, label) else "do not demonstrably carry"
    return (
        f"{label}: the latents {carried} it, the best method ({best}) reaching a held-out balanced accuracy of "
        f"{scores[best]:.2f} where chance is {chance:.2f} (n = {n_samples} samples, "
        f"standard error at least {error:.2f}){_graph_clause(scores, error)}."
    )


def _graph_clause(scores: "pd.Series[float]", error: float) -> str:
    plain = scores[scores.index.isin(_PLAIN)]
    if GRAPH not in scores.index or plain.empty:
        return ""
    graph, other = float(scores[GRAPH]), float(plain.max())
    if graph > other + error:
        comparison = "adds something over"
    elif graph < other - error:
        comparison = "does worse than"
    else:
        comparison = "cannot be told apart from"
    return (
        f"; the graph ({graph:.2f}) {comparison} the better of logistic regression and nearest neighbours ({other:.2f})"
    )
