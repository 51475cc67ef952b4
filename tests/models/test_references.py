import numpy as np
import pytest

from configs.errors import UnknownIdError
from models.layer import Layer
from models.references import usable_baits, usable_targets

RAW = Layer("m", np.zeros((3, 2), dtype=np.float32), ("Capsaicin", "Luteolin", "Flat"), ("a", "b"))
PREPARED = Layer("m", np.zeros((2, 2), dtype=np.float32), ("Capsaicin", "Luteolin"), ("a", "b"))


def test_without_targets_every_metabolite_counts() -> None:
    targets, notes = usable_targets({}, RAW, PREPARED)
    assert targets == {"all": ("Capsaicin", "Luteolin")}
    assert "every metabolite counts" in notes[0]


def test_what_was_dropped_is_left_out_and_said() -> None:
    targets, notes = usable_targets({"acids": ("Flat", "Capsaicin")}, RAW, PREPARED)
    assert targets == {"acids": ("Capsaicin",)}
    assert "targets.acids: 1 of 2 cannot be used" in notes[0]


def test_a_target_of_which_nothing_varies_is_an_error() -> None:
    with pytest.raises(UnknownIdError, match=r"targets\.acids: .*'Flat'"):
        usable_targets({"acids": ("Flat",)}, RAW, PREPARED)


def test_an_unknown_bait_names_what_is_near() -> None:
    with pytest.raises(UnknownIdError, match=r"baits\.acids: (.|\n)*capsaicine(.|\n)*Capsaicin"):
        usable_baits({"acids": ("capsaicine",)}, RAW, PREPARED)
