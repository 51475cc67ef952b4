"""The study as a form: complete in what it says, and the same study as the file."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import StudyFileError
from configs.form import EFFORTS, RankingChoice, StudyForm
from configs.loading import load_study
from configs.study import StudyConfig

SHORT: dict[str, Any] = {
    "name": "pepper",
    "folder": "/data/pepper",
    "expression": {"path": "expression.tsv"},
    "metabolites": {"path": "metabolites.tsv"},
}
FULL: dict[str, Any] = {
    **SHORT,
    "expression": {"path": "expression.tsv", "unit": "counts", "zeros": "missing", "id_column": "gene"},
    "further_layers": [{"name": "proteome", "path": "proteins.xlsx", "sheet": "all"}],
    "samples": {"path": "samples.tsv", "group_by": ["tissue", "place"], "labels": ["tissue"]},
    "targets": [
        {"name": "capsaicinoids", "metabolites": ["Capsaicin", "123"]},
        {"name": "luteolin", "metabolites": ["M2"]},
    ],
    "baits": [
        {"target": "capsaicinoids", "genes": ["CS", "KasIIIa"]},
        {"target": "luteolin", "genes": ["CHS"], "from_families": ["CHS"], "top": 5},
    ],
    "families": [
        {"name": "CHS", "profiles": ["PF00195.hmm"], "max_evalue": 1e-20},
        {"name": "BAHD", "tables": ["bahd.tsv"], "columns": ["qseqid", "sseqid", "evalue", "bitscore"]},
    ],
    "sequences": {"proteins": "proteins.faa"},
    "annotation": "annotation.tsv",
    "autoencoder": {"widths": [{"layer": "proteome", "widths": [64, 32]}], "latent": 32},
    "ranking": {"calibrated": True, "fusion": "rra"},
    "store": {"url": "s3://lab/store"},
    "seed": 7,
}
FILE = """
study: pepper
layers:
  transcriptome: {path: expression.tsv, unit: counts, zeros: missing, id_column: gene}
  metabolome: {path: metabolites.tsv, unit: intensity}
  proteome: {path: proteins.xlsx, unit: intensity, sheet: all}
samples: {path: samples.tsv, group_by: [tissue, place], labels: [tissue]}
targets: {capsaicinoids: [Capsaicin, '123'], luteolin: [M2]}
baits:
  capsaicinoids: [CS, KasIIIa]
  luteolin: {genes: [CHS], from_families: [CHS], top: 5}
families:
  CHS: {profiles: PF00195.hmm, max_evalue: 1.0e-20}
  BAHD: {tables: {path: bahd.tsv, columns: [qseqid, sseqid, evalue, bitscore]}}
homology: {proteins: proteins.faa}
annotation: annotation.tsv
autoencoder: {widths: {proteome: [64, 32]}, latent: 32}
ranking: {weights: calibrated, fusion: rra}
store: {url: 's3://lab/store'}
seed: 7
"""
names = st.text("abcXYZ019", min_size=1, max_size=9)


def form(**changes: object) -> StudyForm:
    return StudyForm.model_validate({**SHORT, **changes})


def fields_of(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any], bool]]:
    sections = {"form": schema, **schema["$defs"]}
    return [
        (
            f"{section}.{name}",
            {**sections.get(field.get("$ref", "").split("/")[-1], {}), **field},
            name in content.get("required", ()),
        )
        for section, content in sections.items()
        for name, field in content["properties"].items()
    ]


def numbers_in(field: dict[str, Any]) -> list[dict[str, Any]]:
    found = [field] if field.get("type") in {"number", "integer"} else []
    inner = [*field.get("anyOf", ()), *([field["items"]] if "items" in field else ())]
    return found + [number for one in inner for number in numbers_in(one)]


@pytest.mark.parametrize("model", [StudyForm, RankingChoice])
def test_every_field_of_the_form_says_what_it_is(model: type[StudyForm | RankingChoice]) -> None:
    fields = fields_of(model.model_json_schema())
    assert [name for name, field, _ in fields if not field.get("description", "").endswith(".")] == []
    assert [name for name, field, _ in fields if not field.get("title")] == []
    assert [name for name, field, required in fields if not required and "default" not in field] == []
    bounds = [({"minimum", "exclusiveMinimum"}), ({"maximum", "exclusiveMaximum"})]
    unbound = [
        name
        for name, field, _ in fields
        for number in numbers_in(field)
        if not all(end & set(number) for end in bounds)
    ]
    assert unbound == []


def test_no_field_of_the_form_is_a_mapping_that_must_be_typed_as_json() -> None:
    fields = fields_of(StudyForm.model_json_schema())
    assert [name for name, field, _ in fields if "properties" not in field and field.get("type") == "object"] == []


def test_a_form_is_the_study_of_the_equivalent_file() -> None:
    assert StudyForm.model_validate(FULL).to_study() == load_study(FILE, file="study.yaml")


def test_a_form_that_the_server_sends_back_is_the_same_form() -> None:
    filled = StudyForm.model_validate(FULL)
    assert StudyForm.model_validate(filled.model_dump(mode="json")) == filled


def test_a_short_form_has_the_defaults_of_a_short_file() -> None:
    layers = "{transcriptome: {path: expression.tsv, unit: fpkm}, metabolome: {path: metabolites.tsv, unit: intensity}}"
    assert form().to_study() == load_study(f"study: pepper\nlayers: {layers}", file="study.yaml")


@given(st.dictionaries(names, st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=4), max_size=4))
def test_targets_keep_their_names_ids_and_order(targets: dict[str, list[str]]) -> None:
    entries = [{"name": name, "metabolites": ids} for name, ids in targets.items()]
    study = form(targets=entries).to_study()
    assert list(study.targets.items()) == [(name, tuple(ids)) for name, ids in targets.items()]
    again = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False)
    assert load_study(again, file="study.yaml") == study


@pytest.mark.parametrize("effort", list(EFFORTS))
def test_a_preset_sets_what_it_says_and_no_more(effort: str) -> None:
    study, description = form(preset=effort).to_study(), str(StudyForm.model_fields["preset"].description)
    plain: StudyConfig = form().to_study()
    changes: dict[str, dict[str, object]] = {}
    for section, values in EFFORTS[effort].items():  # type: ignore[index]
        for name, value in values.items():
            assert getattr(getattr(study, section), name) == value
            assert f"{section}.{name} {value}" in description
        changes[section] = values
    updated = {section: getattr(plain, section).model_copy(update=values) for section, values in changes.items()}
    assert study == plain.model_copy(update=updated)


def test_a_value_of_ones_own_wins_over_the_preset() -> None:
    study = form(preset="thorough", validation={"repeats": 2}).to_study()
    assert (study.validation.repeats, study.validation.permutations) == (2, 999)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"targets": [{"name": "acids", "metabolites": [one]} for one in ("M1", "M2")]},
            "the form, targets: wanted each name once, found two targets named 'acids'",
        ),
        (
            {"further_layers": [{"name": "metabolome", "path": "more.tsv"}]},
            "the form, further_layers: wanted each name once, found two layers named 'metabolome'",
        ),
        (
            {"baits": [{"target": "all", "genes": [gene]} for gene in ("G1", "G2")]},
            "the form, baits: wanted each name once, found two entries for the target named 'all'",
        ),
        ({"baits": [{"target": "acids", "genes": ["G1"]}]}, "baits names the targets ['acids']"),
        ({"baits": [{"target": "all"}]}, "baits.all: name at least one gene or one family"),
        ({"autoencoder": {"widths": [{"layer": "proteome", "widths": [8]}]}}, "which are not among"),
        ({"autoencoder": {"widths": [{"layer": "metabolome", "widths": [8], "latent": 2}]}}, "Extra inputs"),
        ({"families": [{"name": "CHS", "profiles": ["p.hmm"]}]}, "no sequences to search"),
        ({"validation": {"folds": 1}}, "greater than or equal to 2"),
        ({"name": "no spaces"}, "should match pattern"),
    ],
)
def test_what_does_not_fit_together_is_said_plainly(changes: dict[str, Any], message: str) -> None:
    with pytest.raises((StudyFileError, ValidationError)) as caught:
        form(**changes).to_study()
    assert message in str(caught.value)


def test_a_choice_of_ranking_is_plain_settings() -> None:
    assert RankingChoice(calibrated=True).settings() == {
        "weights": "calibrated",
        "fusion": "log_tail",
        "direction": "both",
    }
    assert RankingChoice().settings()["weights"]["correlation"] == 0.4
