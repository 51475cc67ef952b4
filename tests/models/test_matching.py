import time

import pytest

from configs.errors import UnknownIdError
from models.matching import resolve_ids


def test_rows_in_the_order_asked_for_without_repeats():
    rows = resolve_ids(["c", "a", "c"], ["a", "b", "c"], what="baits", where="baits.all")
    assert rows.tolist() == [2, 0]
    assert rows.dtype == "int64"


def test_ids_are_taken_letter_by_letter():
    known = ["β-carotene, all-trans", "{x}", "B"]
    assert resolve_ids(["{x}", "β-carotene, all-trans"], known, what="metabolites", where="t").tolist() == [1, 0]
    with pytest.raises(UnknownIdError, match="'b' \\(nearest: 'B'\\)"):
        resolve_ids(["b"], known, what="metabolites", where="t")


def test_message_counts_names_and_suggests():
    known = ["Glucoraphanin", "Glucobrassicin", "Sinigrin", "Glucose"]
    with pytest.raises(UnknownIdError) as caught:
        resolve_ids(["Glucoraphanine", "Sinigrin", "xyzzy"], known, what="metabolites", where="targets.gsl")
    assert str(caught.value) == (
        "targets.gsl: wanted metabolites that the table holds, found 2 of 3 metabolites that it does not hold: "
        "'Glucoraphanine' (nearest: 'Glucoraphanin', 'Glucobrassicin'), 'xyzzy' (nearest: nothing similar). "
        "Correct the spelling, which is compared letter by letter, or leave these ids out; 1 of the metabolites would "
        "remain."
    )
    assert caught.value.exit_status == 2


def test_only_the_first_five_are_named():
    with pytest.raises(UnknownIdError, match=r"7 of 7 baits .* 'u4' .* and 2 more") as caught:
        resolve_ids([f"u{number}" for number in range(7)], ["gene"], what="baits", where="baits.all")
    assert "'u5'" not in str(caught.value)


def test_suggestions_are_quick_and_right_in_a_large_table():
    known = [f"AT{number % 5 + 1}G{number:06d}" for number in range(132_129)]
    before = time.process_time()
    with pytest.raises(UnknownIdError, match="nearest: 'AT2G000006'") as caught:
        resolve_ids(["at2g000006", "AT2G00006", "G099999", "AT9G131999", "u"], known, what="baits", where="baits.all")
    assert time.process_time() - before < 3
    assert "'AT5G131999'" in str(caught.value)
