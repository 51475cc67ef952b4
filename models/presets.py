"""Hidden widths of the autoencoder presets, and what they cost in parameters."""

from collections.abc import Sequence
from itertools import pairwise

from configs.preset_widths import load_widths
from configs.study import Preset, Role


def hidden_widths(preset: Preset, role: Role) -> tuple[int, ...]:
    """Return the hidden widths of `preset` for a layer of `role`, from the input side to the latent."""
    return load_widths(preset)[role]


def parameter_count(n_features: int, widths: Sequence[int], latent: int) -> int:
    """Count weights and biases of the mirrored autoencoder d - w1 .. wk - latent - wk .. w1 - d.

    Parameters
    ----------
    n_features : int
        Input width d.
    widths : sequence of int
        Hidden widths from the input side to the latent.
    latent : int
        Width of the latent.

    Returns
    -------
    int
        Sum of (inputs + 1) * outputs over all layers.
    """
    encoder = (n_features, *widths, latent)
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise((*encoder, *encoder[-2::-1])))
