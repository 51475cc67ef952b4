import pytest
import torch

from configs.study import Preset, Role
from models.networks import MirroredAutoencoder
from models.presets import hidden_widths, parameter_count


@pytest.mark.parametrize(
    ("preset", "role", "n_features", "millions"),
    [
        ("stated", "genes", 132_129, 2182.008161),
        ("stated", "metabolites", 6_980, 14.861700),
        ("counted", "genes", 132_129, 543.6),
        ("counted", "metabolites", 6_980, 30.8),
    ],
)
def test_counts_of_the_design(preset: Preset, role: Role, n_features: int, millions: float) -> None:
    count = parameter_count(n_features, hidden_widths(preset, role), 64)
    digits = 6 if preset == "stated" else 1
    assert round(count / 1e6, digits) == millions


def test_count_is_that_of_the_network() -> None:
    sizes = (30, *hidden_widths("compact", "genes"), 5)
    network = MirroredAutoencoder(sizes, dropout=0.1, generator=torch.Generator())
    counted = sum(value.numel() for value in network.parameters())
    assert counted == parameter_count(30, hidden_widths("compact", "genes"), 5)


def test_compact_widths() -> None:
    assert hidden_widths("compact", "genes") == (128, 96)
    assert hidden_widths("compact", "features") == hidden_widths("compact", "metabolites") == (128, 96)
