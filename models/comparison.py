"""Plain classifiers that a graph network has to beat."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from models.arrays import BoolArray, Float32Array, Float64Array, IntArray
from models.methods import LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS, PRINCIPAL_COMPONENTS
from models.scaling import standardise

_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predicted class and its probability for each held-out sample, shape=(n_held_out,)."""

    codes: IntArray
    probability: Float64Array


def comparison_predictions(
    features: Float32Array, principal: Float32Array, train_mask: BoolArray, held_out_mask: BoolArray, codes: IntArray
) -> dict[str, Prediction]:
    """Predict one label of the held-out samples by methods that a graph network has to beat.

    Parameters
    ----------
    features : ndarray, shape=(n, d), dtype=float32
        Latents of all layers, standardised here by the training samples.
    principal : ndarray, shape=(n, c), dtype=float32
        Principal component scores of the inputs of all layers, taken as they are: with every component, the penalised
        regression on them is that on the scaled inputs themselves.
    train_mask, held_out_mask : ndarray, shape=(n,), dtype=bool
        Samples to learn from, and to predict.
    codes : ndarray, shape=(n,), dtype=int64
        Class of each sample, -1 where missing; only those of training samples are read.

    Returns
    -------
    dict of str to Prediction
        By method: the commonest class, 5 nearest neighbours (or as many as there are), logistic regression (L2, C = 1)
        on the latents, and on the principal components.
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
    for method, space in ((LOGISTIC_REGRESSION, scaled), (PRINCIPAL_COMPONENTS, principal.astype(np.float64))):
        if len(classes) == 1:
            predictions[method] = predictions[MAJORITY]
        else:
            regression = LogisticRegression(C=1.0, max_iter=10_000).fit(space[learnt], truth)
            predictions[method] = _strongest(classes, regression.predict_proba(space[held_out_mask]))
    return predictions


def _strongest(classes: IntArray, probabilities: npt.NDArray[np.float64]) -> Prediction:
    best = probabilities.argmax(axis=1)
    return Prediction(classes[best].astype(np.int64), probabilities[np.arange(len(best)), best].astype(np.float64))
