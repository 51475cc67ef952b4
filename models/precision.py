"""Number formats of a training."""

import torch

from configs.study import Precision


def uses_bfloat16(device: str, precision: Precision) -> bool:
    """Say whether products are taken in bfloat16: where asked for, and by itself on CUDA."""
    return precision == "bfloat16" or (precision == "auto" and torch.device(device).type == "cuda")


def autocast(device: str, precision: Precision) -> torch.autocast:
    """Return a context in which matrix products run in bfloat16 where `precision` says so; weights stay float32."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=uses_bfloat16(device, precision))
