import numpy as np
import pandas as pd
import pytest

from configs.errors import UnknownIdError
from configs.study import FamilyConfig
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


def _family(grade: float, *targets: str) -> FamilyConfig:
    return FamilyConfig(tables=("hits.tsv",), bait_grade=grade, targets=targets)


HITS = pd.DataFrame({"gene_id": ["g1", "g2", "g3", "constant"], "grade": [0.5, 0.9, 0.4, 1.0]})
GENES = ("g0", "g1", "g2", "g3")


def test_family_baits_are_the_varying_genes_graded_high_enough() -> None:
    baits, notes = family_baits({}, {"P450": _family(0.5)}, {"P450": HITS}, ("acids", "sugars"), GENES)
    assert baits == {"acids": ("g1", "g2"), "sugars": ("g1", "g2")}
    assert notes == ("Family P450: 2 genes graded at least 0.5 count as baits of acids, sugars.",)


def test_family_baits_join_those_of_the_study_file_once_and_serve_their_own_targets() -> None:
    families = {"P450": _family(0.9, "acids"), "BAHD": _family(0.4, "acids")}
    given = {"acids": ("g3", "g2"), "sugars": ("g0",)}
    baits, notes = family_baits(given, families, dict.fromkeys(families, HITS), ("acids", "sugars"), GENES)
    assert baits == {"acids": ("g3", "g2", "g1"), "sugars": ("g0",)}
    assert notes[0] == "Family P450: 1 gene graded at least 0.9 counts as bait of acids."
    assert given["acids"] == ("g3", "g2")


def test_a_family_without_a_good_hit_adds_no_bait_and_says_so() -> None:
    none = HITS[HITS["grade"] > 2]
    baits, notes = family_baits({}, {"P450": _family(1.0)}, {"P450": none}, ("acids",), GENES)
    assert baits == {}
    assert notes == ("Family P450: no gene is graded at least 1, so it adds no bait to acids.",)
