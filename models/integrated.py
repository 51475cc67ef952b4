"""Integrated gradients of the latents, by Captum: what each feature of a sample adds to them.

Captum is slow to import, so whoever needs this module imports it when it is needed.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from models.arrays import Float32Array, Float64Array
from models.engine import FittedAutoencoder
from models.networks import MirroredAutoencoder

_ROWS = 4096
"""Points of all paths that go through the network at once; bounds the memory."""


def integrated_gradients(
    fitted: FittedAutoencoder, scaled: Float32Array, latent_scale: Float64Array, *, steps: int
) -> Float64Array:
    """Return the root mean square of the integrated gradients of each feature, over samples and latents.

    Parameters
    ----------
    fitted : FittedAutoencoder
        A trained network.
    scaled : ndarray, shape=(n_features, n_samples), dtype=float32
        Samples to explain, at least one; a missing value (NaN) adds nothing.
    latent_scale : ndarray, shape=(latent,), dtype=float64
        Standard deviation of each latent over the training samples; a latent with scale 0 counts as 0.
    steps : int
        Points on the path from the training mean to the sample.

    Returns
    -------
    ndarray, shape=(n_features,), dtype=float64
        In standard deviations of the latents, at least 0.
    """
    usable = np.isfinite(latent_scale) & (latent_scale > 0)
    inverse = np.divide(1.0, latent_scale, out=np.zeros(len(latent_scale)), where=usable).astype(np.float32)
    result = np.empty(len(scaled))
    for block, parts in attributions(fitted, scaled, steps=steps):
        result[block] = np.sqrt(np.square(parts * inverse[:, None], dtype=np.float64).mean(axis=(0, 1)))
    return result


def attributions(
    fitted: FittedAutoencoder, scaled: Float32Array, *, steps: int
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield the integrated gradients of the latents, block of features by block.

    With the training mean, 0, as baseline, feature j of sample x adds ``x_j * mean over a of dz_k/dx_j at a x`` to
    latent k, the mean over a from 0 to 1, and all features together add ``z_k(x) - z_k(0)`` [1]_. The path is a
    straight line, and so is its image before the first hidden layer's rectifier: Captum follows that one, from the
    layer's bias to its sums, and the derivative goes on to the features through the layer's weights, which is exact.

    Parameters
    ----------
    fitted : FittedAutoencoder
        A trained network.
    scaled : ndarray, shape=(n_features, n_samples), dtype=float32
        Samples to explain.
    steps : int
        Points of the Gauss-Legendre rule on the path.

    Yields
    ------
    block : slice
        Features.
    parts : ndarray, shape=(n_samples, latent, size of the block), dtype=float32

    References
    ----------
    .. [1] Sundararajan, Taly, Yan 2017, Axiomatic attribution for deep networks, https://arxiv.org/abs/1703.01365
    """
    gradients = _path_gradients(fitted.network, fitted.inputs(scaled), steps)
    values = np.nan_to_num(scaled.T, nan=0.0)
    for block, rows in fitted.carried(gradients.flatten(0, 1)):
        parts = rows.reshape(*gradients.shape[:2], -1)
        yield block, parts * values[:, None, block]


def _path_gradients(network: MirroredAutoencoder, inputs: Tensor, steps: int) -> Tensor:
    """Return the derivative of the latents by the first layer's sums, averaged over the path from mean to sample.

    Parameters
    ----------
    network : MirroredAutoencoder
        Network in evaluation mode.
    inputs : Tensor, shape=(n_samples, width)
        What the network takes.
    steps : int
        Points on the path.

    Returns
    -------
    Tensor, shape=(n_samples, latent, w1)
    """
    first = network.encoder[0]
    sums = first(inputs).detach()
    start = cast("Tensor", first.bias).detach().expand_as(sums)
    latent = cast("int", network.encoder[-1].out_features)
    method = IntegratedGradients(network.latents_of_sums, multiply_by_inputs=False)
    paths = [
        method.attribute(
            ends.expand(latent, -1).clone().requires_grad_(),
            baselines=origin.expand(latent, -1),
            target=torch.arange(latent, device=sums.device),
            n_steps=steps,
            internal_batch_size=max(_ROWS, latent),
        )
        for ends, origin in zip(sums, start, strict=True)
    ]
    return torch.stack(paths).to(inputs.dtype).detach()
