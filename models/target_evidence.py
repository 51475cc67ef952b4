"""What the networks say of one target: which genes its prediction rests on, and which follow when it is shifted.

Importances that never see the target are priors. Here the target is predicted from the gene latents, and the gene
latents from the metabolome's, by ridge regressions that are fitted and judged inside each fold. Latents are defined up
to rotation only: they are centred and divided by one number, so that a rotation changes nothing, and everything is
carried to genes within the fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self, cast

import numpy as np

from models.arrays import BoolArray, Float32Array, Float64Array, FloatArray, IntArray
from models.dense_engine import jacobian
from models.engine import FittedAutoencoder
from models.ridge import LinearMap

ATTRIBUTION, PERTURBATION = "attribution", "perturbation"
METHODS = (ATTRIBUTION, PERTURBATION)
_FEWEST_TRAINING = 4
"""Training samples with both layers below which nothing is fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerFit:
    """One layer in one fold: its network, and the samples that have both layers.

    Attributes
    ----------
    fitted : FittedAutoencoder
    scaled : ndarray, shape=(n_features, n_samples), dtype=float32
        Scaled by the training samples; NaN where missing.
    """

    fitted: FittedAutoencoder
    scaled: Float32Array


@dataclass(frozen=True, slots=True)
class Fit:
    """How well held-out samples were predicted: squared errors, and those of guessing the training mean."""

    n_samples: int = 0
    squared_error: float = 0.0
    total_square: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class TargetScores:
    """Scores of all genes for one target in one fold, shape=(n_genes,), by method, and what they rest on."""

    scores: Mapping[str, Float64Array]
    fits: Mapping[str, Fit]


def target_axis(values: Float32Array) -> Float64Array:
    """Return the weights with which a target's metabolites become one number.

    They are the first principal component of the training samples, times the root of the number of metabolites. So
    metabolites that go together are averaged, one that falls while the others rise (a precursor) counts against them
    instead of cancelling them, and a target of thousands costs no more than a target of one. Its direction is that in
    which the metabolites rise on the whole.

    Parameters
    ----------
    values : ndarray, shape=(n_metabolites, n_train), dtype=float32
        Scaled values without missing ones.

    Returns
    -------
    ndarray, shape=(n_metabolites,), dtype=float64
        1 for a single metabolite; 0 where nothing varies.
    """
    exact = values.astype(np.float64)
    exact -= exact.mean(axis=1, keepdims=True)
    eigenvalues, axes = np.linalg.eigh(exact.T @ exact)
    if not eigenvalues[-1] > 0:
        return np.zeros(len(values))
    axis = exact @ axes[:, -1] / np.sqrt(eigenvalues[-1])
    weights: Float64Array = axis * np.sqrt(len(axis)) * (1.0 if axis.sum() >= 0 else -1.0)
    return weights


def explain_targets(
    genes: LayerFit,
    metabolites: LayerFit,
    targets: Mapping[str, IntArray],
    *,
    held_out: BoolArray,
    groups: Sequence[str],
) -> dict[str, TargetScores]:
    """Score every gene for every target on the held-out samples of a fold.

    Parameters
    ----------
    genes, metabolites : LayerFit
        Both layers, the same samples.
    targets : mapping of str to ndarray, shape=(n_metabolites,), dtype=int64
        Rows of the metabolites by target.
    held_out : ndarray, shape=(n_samples,), dtype=bool
        Samples to judge by; all others are learnt from.
    groups : sequence of str, length n_samples
        Replicate group of each sample; penalties are chosen by leaving out one group of the learnt ones at a time.

    Returns
    -------
    dict of str to TargetScores
        `attribution` of gene j is the mean over held-out samples of dyhat/dx_j, with yhat the target in training
        standard deviations as the gene latents predict it. `perturbation` is the mean change of reconstructed gene j
        when the target's metabolites are shifted along `target_axis`, one standard deviation each for a target that
        goes together: encode, map to the gene latents, decode. Both are signed, and NaN without the samples for it.
        What they rest on is judged on the held-out samples too: the prediction of the target, and the genes as the
        metabolome reconstructs them. (That the gene latents are predicted well is not enough for the latter: those of
        a decoder that has learnt nothing are.)
    """
    if held_out.any() and np.count_nonzero(~held_out) >= _FEWEST_TRAINING:
        fold = _Fold(genes, metabolites, held_out, groups)
        return {name: fold.explain(rows) for name, rows in targets.items()}
    nothing = TargetScores({method: _absent(genes) for method in METHODS}, {method: Fit() for method in METHODS})
    return dict.fromkeys(targets, nothing)


def mean_gradient(fitted: FittedAutoencoder, scaled: Float32Array) -> Float32Array:
    """Return the mean over samples of dz_k/dx_j, shape=(latent, n_features), at `scaled`, (n_features, n_samples)."""
    latent = cast("int", fitted.network.encoder[-1].out_features)
    rows, _ = jacobian(fitted.network, fitted.inputs(scaled), np.ones(latent))
    mean = rows.reshape(scaled.shape[1], latent, -1).mean(dim=0)
    gradient = np.empty((latent, len(scaled)), dtype=np.float32)
    for block, part in fitted.carried(mean):
        gradient[:, block] = part
    return gradient


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """Latents centred by the training samples and divided by one number, their training root mean square."""

    mean: Float64Array
    scale: float

    @classmethod
    def fit(cls, train: FloatArray) -> Self:
        """Learn from latents, shape=(n_train, latent)."""
        mean = train.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(np.square(train - mean).sum(axis=1).mean()))
        return cls(mean, scale if scale > 0 else 1.0)

    def of(self, latents: FloatArray) -> Float64Array:
        """Return latents in this space."""
        return (latents - self.mean) / self.scale

    def back(self, points: Float64Array) -> Float32Array:
        """Return the latents of points of this space."""
        return (points * self.scale + self.mean).astype(np.float32)


class _Fold:
    """What all targets of a fold share: both layers' latents, the map from one to the other, and its judgement."""

    def __init__(self, genes: LayerFit, metabolites: LayerFit, held_out: BoolArray, groups: Sequence[str]) -> None:
        self._genes, self._held_out, self._groups = genes, held_out, list(groups)
        self._metabolites, self._network = np.nan_to_num(metabolites.scaled, nan=0.0), metabolites.fitted
        self._known = ~np.isnan(metabolites.scaled)
        latents, sources = genes.fitted.encode(genes.scaled), self._network.encode(self._metabolites)
        self._space, self._source_space = _Space.fit(latents[~held_out]), _Space.fit(sources[~held_out])
        self._points = self._space.of(latents)
        self._gradient = mean_gradient(genes.fitted, genes.scaled[:, held_out])
        inputs = self._source_space.of(sources)
        self._bridge = LinearMap.fit(inputs[~held_out], self._points[~held_out], self._groups_of(~held_out))
        unshifted = self._reconstructed(inputs[held_out])
        self._unshifted = unshifted.mean(axis=1, dtype=np.float64)
        self._bridge_fit = _judged(unshifted.T, genes.scaled[:, held_out].T)

    def explain(self, rows: IntArray) -> TargetScores:
        """Score every gene for the target with the metabolites `rows`."""
        axis = target_axis(self._metabolites[rows][:, ~self._held_out])
        if not axis.any():
            nothing = dict.fromkeys(METHODS, Fit())
            return TargetScores({method: _absent(self._genes) for method in METHODS}, nothing)
        attribution, fit = self._attribute(axis, rows)
        scores = {ATTRIBUTION: attribution, PERTURBATION: self._perturb(axis, rows)}
        return TargetScores(scores, {ATTRIBUTION: fit, PERTURBATION: self._bridge_fit})

    def _attribute(self, axis: Float64Array, rows: IntArray) -> tuple[Float64Array, Fit]:
        """Predict the target from the gene latents and differentiate the prediction by the genes."""
        value, known = axis @ self._metabolites[rows], self._known[rows].any(axis=0)
        learnt, judged = ~self._held_out & known, self._held_out & known
        if np.count_nonzero(learnt) < _FEWEST_TRAINING or np.ptp(value[learnt]) == 0:
            return _absent(self._genes), Fit()
        value = (value - value[learnt].mean()) / value[learnt].std()
        model = LinearMap.fit(self._points[learnt], value[learnt][:, None], self._groups_of(learnt))
        fit = _judged(model.predict(self._points[judged]), value[judged][:, None])
        slope: Float64Array = (model.weights[0] / self._space.scale) @ self._gradient.astype(np.float64)
        return slope, fit

    def _perturb(self, axis: Float64Array, rows: IntArray) -> Float64Array:
        """Shift the target's metabolites in the held-out samples and follow the change to the genes."""
        shifted = self._metabolites[:, self._held_out]
        shifted[rows] += axis[:, None].astype(np.float32)
        inputs = self._source_space.of(self._network.encode(shifted))
        change: Float64Array = self._reconstructed(inputs).mean(axis=1, dtype=np.float64) - self._unshifted
        return change

    def _reconstructed(self, inputs: Float64Array) -> Float32Array:
        """Return the genes, shape=(n_genes, n_samples), as the metabolome's latents reconstruct them."""
        return self._genes.fitted.decode(self._space.back(self._bridge.predict(inputs)))

    def _groups_of(self, chosen: BoolArray) -> list[str]:
        return [group for group, wanted in zip(self._groups, chosen, strict=True) if wanted]


def _judged(predicted: FloatArray, truth: FloatArray) -> Fit:
    """Return the squared errors of predictions, shape=(n_samples, n_outputs), of what has training mean 0."""
    error, total = np.nansum(np.square(predicted - truth)), np.nansum(np.square(truth))
    return Fit(len(truth), float(error), float(total))


def _absent(genes: LayerFit) -> Float64Array:
    return np.full(len(genes.scaled), np.nan)
