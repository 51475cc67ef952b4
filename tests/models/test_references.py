import numpy as np
import pandas as pd
import pytest

from configs.errors import UnknownIdError
from configs.study import BaitSource
from models.layer import Layer
from models.references import family_baits, usable_baits, usable_targets

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


@pytest.mark.parametrize(
    ("named", "remaining"),
    [
        (("Capsaicine",), "no baits would remain."),
        (("Capsaicine", "Luteolin"), "1 of the baits would remain."),
        (("Capsaicine", "Luteolin", "Flat"), "2 of the baits would remain."),
    ],
)
def test_an_unknown_bait_says_how_many_would_remain_without_it(named: tuple[str, ...], remaining: str) -> None:
    with pytest.raises(UnknownIdError) as caught:
        usable_baits({"acids": named}, RAW, PREPARED)
    message = str(caught.value)
    assert f"found 1 of {len(named)} baits that it does not hold: 'Capsaicine' (nearest: 'Capsaicin')" in message
    assert message.endswith(remaining)


HITS = pd.DataFrame({"gene_id": ["constant", "g2", "g1", "g3"], "grade": [1.0, 0.9, 0.5, 0.4]})
GENES = ("g0", "g1", "g2", "g3")


def test_family_baits_are_the_best_varying_genes() -> None:
    baits, notes = family_baits({}, {"acids": BaitSource(from_families=("P450",), top=2)}, {"P450": HITS}, GENES)
    assert baits == {"acids": ("g2", "g1")}
    assert notes == ("baits.acids: the family P450 gives 'g2', 'g1'.",)


def test_family_baits_join_those_that_are_named_once() -> None:
    sources = {"acids": BaitSource(genes=("g1",), from_families=("P450", "BAHD"), top=1)}
    given = {"acids": ("g1",), "sugars": ("g0",)}
    baits, _ = family_baits(given, sources, {"P450": HITS, "BAHD": HITS[HITS["gene_id"] == "g1"]}, GENES)
    assert baits == {"acids": ("g1", "g2"), "sugars": ("g0",)}
    assert given["acids"] == ("g1",)


def test_a_family_without_a_hit_adds_no_bait_and_says_so() -> None:
    baits, notes = family_baits({}, {"acids": BaitSource(from_families=("P450",))}, {"P450": HITS.head(1)}, GENES)
    assert baits == {}
    assert notes == ("baits.acids: the family P450 gives no gene whose expression varies.",)
