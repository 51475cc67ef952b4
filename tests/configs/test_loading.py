import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from configs.errors import StudyFileError, first_of, nearest
from configs.loading import load_simulation, load_study
from configs.stages import STAGES, with_dependencies
from configs.study import StudyConfig

SHORT = """
study: pepper
layers:
  transcriptome: {path: expression.tsv}
  metabolome: {path: metabolites.tsv}
"""


def message_of(text: str, *overrides: str) -> str:
    with pytest.raises(StudyFileError) as caught:
        load_study(text, file="study.yaml", overrides=overrides)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_short_file_has_defaults_for_all_else() -> None:
    study = load_study(SHORT, file="study.yaml")
    assert study.ranking.weights.model_dump() == {
        "correlation": 0.4,
        "autoencoder": 0.3,
        "graph": 0.2,
        "homology": 0.1,
        "bait": 0.6,
    }
    assert (study.unit("transcriptome"), study.unit("metabolome")) == ("fpkm", "intensity")
    assert (study.layer_with("genes"), study.layer_with("metabolites")) == ("transcriptome", "metabolome")


def test_a_study_is_frozen() -> None:
    study = load_study(SHORT, file="study.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        study.seed = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("line", "wrong", "right"),
    [
        ("laeyrs: {}", "laeyrs", "layers"),
        ("autoencoder: {learning_rat: 0.1}", "autoencoder.learning_rat", "learning_rate"),
        ("ranking: {weights: {corelation: 0.1}}", "ranking.weights.corelation", "correlation"),
        ("families: {BAHD: {tables: [a.tsv], max_evalu: 1}}", "families.BAHD.max_evalu", "max_evalue"),
    ],
)
def test_a_misspelt_key_is_named_with_the_nearest_right_one(line: str, wrong: str, right: str) -> None:
    message = message_of(SHORT + line)
    assert f"the key {wrong!r} does not exist (nearest: {right!r}" in message


def test_the_span_engine_cannot_drop_inputs() -> None:
    message = message_of(SHORT, "autoencoder.engine=span", "autoencoder.input_dropout=0.1")
    assert "input_dropout works with engine dense only; set input_dropout to 0, or engine to auto or dense" in message
    assert (
        load_study(SHORT, file="study.yaml", overrides=["autoencoder.input_dropout=0.1"]).autoencoder.engine == "auto"
    )


def test_a_misspelt_key_of_a_layer_is_named() -> None:
    message = message_of(SHORT.replace("path: expression.tsv", "path: expression.tsv, units: tpm"))
    assert "the key 'layers.transcriptome.units' does not exist (nearest: 'unit'" in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "found an empty file"),
        ("- a list", "found a list"),
        ("study: [", "study.yaml: wanted YAML"),
        (SHORT + "study: again", "the key 'study' stands there twice"),
        (SHORT + "autoencoder: {dropout: 1.0}", "autoencoder.dropout: Input should be less than 1"),
        (SHORT + "ranking: {weights: {correlation: -1}}", "ranking.weights.correlation"),
        (
            SHORT + "ranking: {weights: {correlation: 0, autoencoder: 0, graph: 0, homology: 0, bait: 0}}",
            "at least one weight must be above zero",
        ),
        (SHORT + "targets: {acid: [1234]}", "put ids that look like numbers or yes/no in quotes"),
        (SHORT + "targets: {acid: [a]}\nbaits: {acids: [g]}", "names the targets ['acids']"),
        (SHORT + "autoencoder: {widths: {proteome: [8]}}", "names the layers ['proteome']"),
        (SHORT.replace("metabolome", "proteome"), "exactly one layer must have the role 'metabolites', found none"),
        (SHORT.replace("pepper", "a/b"), "study: String should match pattern"),
    ],
)
def test_what_cannot_be_used_is_said(text: str, part: str) -> None:
    assert part in message_of(text)


def test_a_setting_replaces_what_the_file_says() -> None:
    study = load_study(SHORT, file="f", overrides=["ranking.weights.graph=0", "autoencoder.widths.metabolome=[8, 4]"])
    assert study.ranking.weights.graph == 0
    assert study.autoencoder.widths == {"metabolome": (8, 4)}


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("seed", "wanted key=value"),
        ("seed=[", "--set seed: wanted a YAML value"),
        ("study.name=x", "--set study.name: wanted a section, found the value 'pepper'"),
        ("ranking.fusio=linear", "nearest: 'fusion'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said(override: str, part: str) -> None:
    assert part in message_of(SHORT, override)


def test_simulation_settings_are_checked_alike() -> None:
    assert load_simulation(["genes=100", "metabolites=20"]).genes == 100
    with pytest.raises(StudyFileError, match="nearest: 'genes'"):
        load_simulation(["gene=100"])


def test_stages_bring_what_they_need() -> None:
    assert with_dependencies(["prepare"]) == ("prepare",)
    assert with_dependencies(["explain"]) == ("prepare", "train", "explain")
    assert with_dependencies(["report"]) == STAGES


@given(st.lists(st.text(min_size=1, max_size=8), max_size=9))
def test_a_list_of_names_says_how_many_more(names: list[str]) -> None:
    text = first_of(names, 5)
    assert all(repr(name) in text for name in names[:5])
    assert (f"and {len(names) - 5} more" in text) == (len(names) > 5)


def test_the_nearest_name_ignores_case() -> None:
    assert nearest("CAPSAICIN", ["capsaicin", "luteolin"]) == "'capsaicin'"
    assert nearest("zzz", ["capsaicin"]) == "nothing similar"


def test_every_field_of_the_study_says_what_it_is() -> None:
    schema = StudyConfig.model_json_schema()
    bare = [
        f"{name}.{field}"
        for name, section in schema["$defs"].items()
        for field, content in section["properties"].items()
        if "description" not in content and "$ref" not in content and name != "WeightsConfig"
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            "families={CHS: {targets: [all]}}",
            "found families.CHS: the family is empty; name search tables, profiles or references",
        ),
        ("families={CHS: {profiles: pfam.hmm}}", "the families ['CHS'] have profiles or references to search with"),
        ("homology={proteins: a.faa, transcripts: b.fna}", "give proteins or transcripts, not both"),
    ],
)
def test_families_without_anything_to_go_by_are_refused(setting: str, message: str) -> None:
    assert message in message_of(SHORT, setting)


def test_one_file_needs_no_list_and_a_table_may_name_its_columns() -> None:
    setting = "families={CHS: {tables: {path: hits.tsv, columns: [qseqid, sseqid, evalue, bitscore]}, profiles: p.hmm}}"
    study = load_study(SHORT, file="study.yaml", overrides=(setting, "homology.proteins=p.faa"))
    family = study.families["CHS"]
    assert family.paths() == ("hits.tsv", "p.hmm")
    assert family.is_searched
    assert study.homology.paths() == ("p.faa",)
