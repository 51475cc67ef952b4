"""What a training needs in memory, said before it starts."""

from collections.abc import Sequence

from configs.errors import UserError
from configs.study import AutoencoderConfig
from models.device import memory_of
from models.precision import uses_bfloat16
from models.presets import parameter_count

_BYTES = 20
"""Bytes a parameter: weight, gradient, two moments of Adam and the best weight so far, float32 each."""
_BFLOAT16_BYTES = 2
"""Bytes a parameter of the copies that bfloat16 products are taken from."""
_SAMPLE_COPIES = 6
"""Copies of the samples at a time: as rows, as columns, reconstructed, and what the loss makes of them."""
GIB = 2**30


def dense_training_bytes(
    n_features: int, n_samples: int, widths: Sequence[int], config: AutoencoderConfig, device: str
) -> int:
    """Predict the memory of training a dense autoencoder, in bytes.

    It is 20 bytes a parameter, or 22 with bfloat16 products, and 24 a value of the layer.

    Parameters
    ----------
    n_features, n_samples : int
        Size of the layer.
    widths : sequence of int
        Hidden widths from the input side to the latent.
    config : AutoencoderConfig
        Latent width and number format.
    device : str
        Torch device.
    """
    each = _BYTES + (_BFLOAT16_BYTES if uses_bfloat16(device, config.precision) else 0)
    return parameter_count(n_features, widths, config.latent) * each + 4 * _SAMPLE_COPIES * n_features * n_samples


def require_memory(needed: int, device: str, *, trainings: int) -> None:
    """Raise UserError where a device has less free than one training needs, or less in all than all of them.

    Parameters
    ----------
    needed : int
        Bytes that one training of a dense autoencoder needs.
    device : str
        Torch device.
    trainings : int
        Trainings that run at the same time.
    """
    free, total = memory_of(device)
    remedy = (
        "Set autoencoder.engine to auto or span, which trains the same network in a fraction of the memory, take a "
        "smaller preset{}, or run on a larger machine."
    )
    if needed > free:
        raise UserError(
            wanted=f"{needed / GIB:.1f} GiB of memory to train a dense autoencoder",
            found=f"{free / GIB:.1f} GiB free on {device}",
            where="autoencoder.engine",
            remedy=remedy.format(""),
        )
    if needed * trainings > total:
        raise UserError(
            wanted=f"{needed / GIB:.1f} GiB of memory for each of {trainings} dense autoencoders trained at a time",
            found=f"{total / GIB:.1f} GiB on {device}",
            where="autoencoder.engine",
            remedy=remedy.format(", set execution.parallel_folds to 1"),
        )
