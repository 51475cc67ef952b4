"""What a training needs in memory, said before it starts."""

from configs.errors import UserError
from configs.study import Precision
from models.device import free_memory
from models.precision import uses_bfloat16

_BYTES = 20
"""Bytes a parameter: weight, gradient, two moments of Adam and the best weight so far, float32 each."""
_BFLOAT16_BYTES = 2
"""Bytes a parameter of the copies that bfloat16 products are taken from."""
_SAMPLE_COPIES = 6
"""Copies of the samples at a time: as rows, as columns, reconstructed, and what the loss makes of them."""
GIB = 2**30


def dense_training_bytes(
    parameters: int, *, n_features: int, n_samples: int, device: str, precision: Precision = "auto"
) -> int:
    """Predict the memory of training a dense autoencoder.

    Parameters
    ----------
    parameters : int
        Weights and biases.
    n_features, n_samples : int
        Size of the layer.
    device : str
        Torch device.
    precision : Precision
        Number format of the products.

    Returns
    -------
    int
        Bytes: 20 a parameter, or 22 with bfloat16 products, and 24 a value of the layer.
    """
    each = _BYTES + (_BFLOAT16_BYTES if uses_bfloat16(device, precision) else 0)
    return parameters * each + 4 * _SAMPLE_COPIES * n_features * n_samples


def require_memory(needed: int, *, parameters: int, device: str) -> None:
    """Raise UserError where `needed` bytes are more than the device has free."""
    free = free_memory(device)
    if needed > free:
        raise UserError(
            wanted=f"{needed / GIB:.1f} GiB of memory to train a dense autoencoder of {parameters:,} parameters",
            found=f"{free / GIB:.1f} GiB free on {device}",
            where="autoencoder.engine",
            remedy="Set autoencoder.engine to auto or span, which trains the same network in a fraction of the memory, "
            "take a smaller preset, set execution.parallel_folds to 1, or run on a larger machine.",
        )
