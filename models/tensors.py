"""Named tensors to bytes and back."""

from collections.abc import Mapping

import torch
from safetensors.torch import load, save


def encode_tensors(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Encode tensors as safetensors; `metadata` are plain strings."""
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    encoded: bytes = save(content, metadata=None if metadata is None else dict(metadata))
    return encoded


def decode_tensors(content: bytes) -> dict[str, torch.Tensor]:
    """Decode safetensors."""
    decoded: dict[str, torch.Tensor] = load(content)
    return decoded
