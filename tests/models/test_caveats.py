"""What the reader is told first."""

import pandas as pd

from configs.ranking_tables import EVIDENCES
from models.caveats import caveats
from models.design import Power

ALL = {"t": dict.fromkeys(EVIDENCES, 0.2)}
MANY = [f"g{place // 2}" for place in range(20)]
ENOUGH, TOO_FEW = Power(10, 1_000, 0.05), Power(4, 1_000, 0.05)


def _verdicts(*, carried: bool, optimistic: bool = False) -> pd.DataFrame:
    return pd.DataFrame({"label": ["tissue"], "carried": [carried], "optimistic": [optimistic]})


def test_a_sound_study_has_none():
    assert caveats(MANY, ENOUGH, _verdicts(carried=True), ALL) == ()
    assert caveats(MANY, ENOUGH, None, ALL) == ()


def test_groups_too_few_for_a_single_gene():
    assert caveats(["a", "a", "b", "c", "d", "d"], TOO_FEW, None, ALL) == (TOO_FEW.sentence(),)


def test_samples_that_are_their_own_groups():
    (sentence,) = caveats([str(place) for place in range(12)], ENOUGH, None, ALL)
    assert "own replicate group" in sentence
    assert len(caveats(["a", "b"], TOO_FEW, None, ALL)) == 2


def test_labels_at_chance():
    (sentence,) = caveats(MANY, ENOUGH, _verdicts(carried=False), ALL)
    assert sentence.startswith("No method predicts tissue of held-out samples demonstrably better than chance")


def test_optimistic_labels():
    (sentence,) = caveats(MANY, ENOUGH, _verdicts(carried=False, optimistic=True), ALL)
    assert sentence.startswith("The classes of tissue lie in single replicate groups")
    assert "do not say that a new group would be recognised" in sentence


def test_absent_evidence_by_target():
    weights = {"a": {"correlation": 0.7, "graph": 0.3}, "b": ALL["t"], "c": {"correlation": 0.7, "graph": 0.3}}
    (sentence,) = caveats(MANY, ENOUGH, None, weights)
    assert sentence.startswith("a, c: there is no autoencoder and no homology and no bait evidence")
    assert sentence.endswith("rests on correlation and graph.")
