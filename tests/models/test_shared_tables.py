"""Tables for others: every column declared, names replaced, small classes pooled, order forgotten."""

from typing import cast, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import CairnError
from configs.sharing import SHARING, NameKind
from configs.study import StudyConfig
from configs.tables import CONTRACTS
from models.parquet import decode_frame, encode_frame
from models.pseudonyms import Pseudonyms
from models.shared_tables import Sharing, SmallClasses, names_in_table, share_table, unreplaced

SECRET = b"s" * 32
FEATURES: dict[str, NameKind] = {"transcriptome": "gene", "metabolome": "metabolite"}
OWN = frozenset(FEATURES)


def _sharing(**changes: object) -> Sharing:
    settings = {"pseudonyms": Pseudonyms(SECRET), "features": FEATURES, "own_layers": OWN} | changes
    return Sharing(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", sorted(CONTRACTS))
def test_every_column_of_every_contract_is_declared(kind: str) -> None:
    contract, declared = CONTRACTS[kind], SHARING[kind]
    assert set(declared.columns) == {column.name for column in contract.columns}
    assert (declared.further is None) == (contract.further is None) == (declared.further_names is None)
    numbers = {"order", "cell", "measure", "likeness", "sequence_fact"}
    for column in contract.columns:
        # No text may pass as a number, or the other way round.
        assert (declared.columns[column.name] in numbers) == (column.dtype != "string")
    assert {name.removeprefix("-") for name in declared.order} <= set(declared.columns)


def _example(kind: str) -> pd.DataFrame:
    """Return three rows of a contract with a name of its own in each cell of text."""
    contract = CONTRACTS[kind]
    words = {"layer": ["transcriptome", "metabolome", "transcriptome"], "kind": ["metabolite", "bait", "homolog"]}
    words |= {"condition": ["all samples", "Organ=Blatt", "Organ=Wurzel"], "evidence": ["bait", "homology", "graph"]}
    texts = {column.name: [f"{column.name} {place} Q7" for place in range(3)] for column in contract.columns}
    columns = {
        column.name: pd.Series(words.get(column.name, texts[column.name]), dtype="str")
        if column.dtype == "string"
        else pd.Series([1, 0, 1] if column.dtype == "bool" else [7, 3, 9]).astype(column.dtype)
        for column in contract.columns
    }
    if contract.further:
        text = contract.further == "string"
        columns["Organ"] = pd.Series(
            ["Blatt", "Wurzel", "Blatt"] if text else [0.1, 0.2, 0.3], dtype=contract.further if not text else "str"
        )
    return pd.DataFrame(columns)


@pytest.mark.parametrize("kind", sorted(CONTRACTS))
def test_no_name_of_any_table_stays(kind: str) -> None:
    frame, sharing = _example(kind), _sharing(small=SmallClasses({"Organ": frozenset()}))
    shared = share_table(frame, kind, sharing, layer="transcriptome")
    before, after = names_in_table(frame, kind), names_in_table(shared, kind)
    assert before & after <= {"transcriptome", "metabolome"}
    assert unreplaced(shared, kind, OWN | {"withheld"}) == 0
    kept = {name for name, meaning in SHARING[kind].columns.items() if meaning == "word"}
    for column in kept:
        assert sorted(shared[column]) == sorted(frame[column])
    again = decode_frame(encode_frame(shared, kind, held_back=True), kind)
    assert list(again.columns[: len(CONTRACTS[kind].columns)]) == [column.name for column in CONTRACTS[kind].columns]
    if before - OWN and kind not in ("pairs", "conditions"):
        assert unreplaced(frame, kind, OWN) > 0


def test_a_column_that_nobody_declared_is_refused() -> None:
    with pytest.raises(CairnError, match="'notes' of 'ranking' is not declared"):
        share_table(_example("ranking").assign(notes="x"), "ranking", _sharing())


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 8))
def test_no_class_of_a_sheet_is_small(codes: list[int], smallest: int) -> None:
    count = len(codes)
    classes = [f"c{code}" for code in codes]
    sheet = pd.DataFrame(
        {"sample_id": [f"s{row}" for row in range(count)], "group": classes, "Organ": classes}, dtype="str"
    )
    sheet = sheet.assign(batch=pd.Series([None] * count, dtype="str"), series=pd.Series(classes, dtype="str"), time=1.0)
    small = SmallClasses.of_sheet(sheet, smallest)
    shared = share_table(sheet, "samples", _sharing(small=small, smallest=smallest))
    label = next(column for column in shared if str(column).startswith("label-"))
    for column in ("group", "series", label):
        sizes = shared[column].value_counts()
        assert (sizes >= smallest).all() or len(sizes) == 1
        assert sizes.sum() == count
    assert shared["sample_id"].is_monotonic_increasing
    assert shared["batch"].isna().all()


def test_small_counts_are_held_back_and_rows_about_small_classes_are_not_there() -> None:
    small = SmallClasses({"group": frozenset({"a"}), "Organ": frozenset({"Wurzel"})})
    sharing = _sharing(small=small)
    card = pd.DataFrame(
        {"gene_id": ["g", "g"], "group": ["a", "b"], "n_samples": [3, 6], "mean": [1.0, 2.0], "sd": [0.5, 0.6]}
    )
    assert share_table(card, "card_expression", sharing)["mean"].tolist() == [2.0]
    design = pd.DataFrame({"label": "Organ", "class": ["Wurzel", "Blatt"], "n_samples": [2, 9], "n_groups": [1, 3]})
    shared = share_table(design.assign(within_groups=False, predictable=True), "label_design", sharing)
    assert shared["n_samples"].tolist() == [9]
    assert shared["n_groups"].isna().all()
    conditions = share_table(_example("conditions"), "conditions", sharing)
    assert conditions["condition"].str.startswith("label-").sum() == 1
    assert conditions["n_samples"].isna().sum() == 1


def test_order_says_nothing_of_names() -> None:
    genes = [f"AT1G{number:05}" for number in range(200)]
    frame = pd.DataFrame({"feature_id": genes, "s1": np.arange(200, dtype=np.float32), "s2": np.float32(1)})
    sharing = _sharing()
    shared = share_table(frame, "layer", sharing, layer="transcriptome")
    assert shared["feature_id"].is_monotonic_increasing
    names = [sharing.pseudonyms.names[one] for one in shared["feature_id"]]
    assert sorted(names) == genes
    assert names != genes
    first = sharing.pseudonyms.of("sample", "s1")
    np.testing.assert_array_equal(shared[first], [float(name[4:]) for name in names])


def test_genes_of_equal_score_are_not_in_the_order_of_their_ids() -> None:
    genes = [f"g{number:02}" for number in range(30)]
    rows = pd.concat([_example("ranking").head(1)] * 30, ignore_index=True)
    frame = rows.assign(target="t", gene_id=genes, rank=range(1, 31), score=[9.0, *[np.nan] * 29])
    sharing = _sharing()
    shared = share_table(frame, "ranking", sharing)
    assert shared["rank"].tolist() == list(range(1, 31))
    names = [sharing.pseudonyms.names[one] for one in shared["gene_id"]]
    assert names[0] == "g00"
    assert names[1:] != genes[1:]
    assert shared["gene_id"][1:].is_monotonic_increasing


@given(st.lists(st.floats(-1e290, 1e290), min_size=1, max_size=20))
def test_rounded_numbers_have_three_digits_and_keep_their_order(values: list[float]) -> None:
    frame = pd.DataFrame({"label": "Organ", "method": "x", "draw": range(len(values)), "balanced_accuracy": values})
    shared = share_table(frame, "label_null", _sharing())["balanced_accuracy"].to_numpy()
    normal = np.abs(values) > 1e-290
    np.testing.assert_allclose(shared[normal], np.array(values)[normal], rtol=5.1e-3)
    assert [float(f"{value:.3g}") for value in shared[normal]] == pytest.approx(list(shared[normal]), rel=1e-12)
    assert (np.diff(shared[np.argsort(values, kind="stable")]) >= 0).all()
    exact = share_table(frame, "label_null", _sharing(values="exact"))["balanced_accuracy"]
    assert exact.tolist() == values


def test_likeness_is_told_in_tenths_wherever_it_stands() -> None:
    hits = share_table(
        _example("homology_hits").assign(grade=[0.99, 0.21, 0.25], margin=-0.37), "homology_hits", _sharing()
    )
    assert hits["grade"].tolist() == [0.9, 0.2, 0.2]
    assert hits["margin"].tolist() == [-0.3] * 3
    assert hits[["evalue", "bit_score", "member_coverage", "protein_coverage"]].isna().all(axis=None)
    cards = _example("card_evidence").assign(rank01=0.987, value=0.4567)
    shared = share_table(cards, "card_evidence", _sharing())
    assert shared["rank01"].tolist() == [0.987, 0.9, 0.987]
    assert shared["value"].tolist() == [0.457, 0.4, 0.457]


def test_settings_that_are_kept_hold_no_words_of_the_user() -> None:
    renewed = {
        "study",
        "layers",
        "samples",
        "targets",
        "baits",
        "families",
        "homology",
        "annotation",
        "execution",
        "store",
    }
    kept = set(StudyConfig.model_fields) - renewed
    assert kept == {
        *("preprocess", "autoencoder", "graph", "validation", "explain", "correlation", "ranking", "seed"),
    }
    schema = StudyConfig.model_json_schema()
    for name in kept:
        free = list(_free_texts(schema["properties"][name], schema["$defs"]))
        assert free == [], name


def _free_texts(schema: object, known: dict[str, object]) -> list[object]:
    """Return the parts of a JSON schema that any text satisfies; keys of `widths` are layers, which are replaced."""
    if isinstance(schema, list):
        return [text for part in schema for text in _free_texts(part, known)]
    if not isinstance(schema, dict):
        return []
    if "$ref" in schema:
        return _free_texts(known[cast("str", schema["$ref"]).rsplit("/", 1)[1]], known)
    if schema.get("type") == "string" and not {"enum", "const"} & set(schema):
        return [schema]
    inside = {
        key: value for key, value in schema.items() if key not in ("description", "default", "enum", "propertyNames")
    }
    return [text for value in inside.values() for text in _free_texts(value, known)]


def test_the_kinds_of_names_are_those_of_the_columns() -> None:
    used = {meaning for table in SHARING.values() for meaning in (*table.columns.values(), table.further_names)}
    assert set(get_args(NameKind)) - used == {"study"}
