"""Named tensors to bytes."""

from collections.abc import Mapping

import torch
from safetensors.torch import save


def encode_tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Encode tensors as safetensors."""
    encoded: bytes = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    return encoded
