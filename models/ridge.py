"""Ridge regression whose penalty is chosen by leaving out whole replicate groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from models.arrays import Float64Array

PENALTIES = np.logspace(-2, 4, 13)
"""Penalties to choose from, for inputs whose squares add up to about 1 a sample."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearMap:
    """The map ``yhat = x @ weights.T + offset``.

    Attributes
    ----------
    weights : ndarray, shape=(n_outputs, n_inputs), dtype=float64
    offset : ndarray, shape=(n_outputs,), dtype=float64
    """

    weights: Float64Array
    offset: Float64Array

    @classmethod
    def fit(cls, inputs: Float64Array, outputs: Float64Array, groups: Sequence[str]) -> Self:
        """Fit a ridge regression, one penalty for all outputs.

        Parameters
        ----------
        inputs, outputs : ndarray, shape=(n_samples, n_inputs), shape=(n_samples, n_outputs), dtype=float64
        groups : sequence of str, length n_samples
            Replicate group of each sample; where there is only one, single samples are left out.
        """
        errors = left_out_errors(inputs, outputs, groups)
        model = Ridge(alpha=PENALTIES[np.argmin(errors)]).fit(inputs, outputs)
        return cls(model.coef_.reshape(outputs.shape[1], -1), np.atleast_1d(model.intercept_))

    def predict(self, inputs: Float64Array) -> Float64Array:
        """Return predictions, shape=(n_samples, n_outputs)."""
        predicted: Float64Array = inputs @ self.weights.T + self.offset
        return predicted


def left_out_errors(inputs: Float64Array, outputs: Float64Array, groups: Sequence[str]) -> Float64Array:
    """Return the squared error of each penalty over groups left out one at a time, shape=(len(PENALTIES),).

    With H the hat matrix of all samples, intercept included, the residuals of the samples G predicted without
    themselves are (I - H_GG)^-1 (y - H y)_G, so that nothing is fitted anew.
    """
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    if codes.max() == 0:
        codes = np.arange(len(codes))
    centred = inputs - inputs.mean(axis=0)
    eigenvalues, axes = np.linalg.eigh(centred @ centred.T)
    eigenvalues = np.maximum(eigenvalues, 0)
    errors = np.zeros(len(PENALTIES))
    for place, penalty in enumerate(PENALTIES):
        hat = (axes * (eigenvalues / (eigenvalues + penalty))) @ axes.T + 1 / len(inputs)
        own = np.eye(len(hat)) - hat
        residual = own @ outputs
        for group in range(codes.max() + 1):
            rows = np.flatnonzero(codes == group)
            errors[place] += np.square(np.linalg.solve(own[np.ix_(rows, rows)], residual[rows])).sum()
    return errors
