"""Where a deployed run may read and write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import StudyFileError
from configs.loading import load_study
from tasks.allowed import SETTING, ForbiddenPathError, absolute, allowed_roots, check_allowed, is_url, place_at


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Return a study's folder, with a secret beside it and a link to that."""
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "secret.tsv").write_text("secret", "utf-8")
    (folder / "link.tsv").symlink_to(tmp_path / "secret.tsv")
    (folder / "out").symlink_to(tmp_path)
    return folder


def refused(base: Path | str, path: str, roots: tuple[str, ...]) -> str:
    with pytest.raises(ForbiddenPathError) as caught:
        check_allowed([("a file of the study", place_at(str(base), path))], roots)
    return str(caught.value)


@pytest.mark.parametrize("path", ["../secret.tsv", "/etc/passwd", "link.tsv", "out/new/run", "file:///etc/passwd"])
def test_no_way_leads_out_of_the_folder(study: Path, path: str) -> None:
    message = refused(study, path, (str(study),))
    assert message.startswith(f"a file of the study: wanted a place in '{study}', found '")
    assert SETTING in message
    if "secret" in path or "link" in path:
        assert f"which is '{study.parent / 'secret.tsv'}'" in message


def test_what_lies_inside_is_allowed_whatever_it_is_called(study: Path) -> None:
    (study / "inside.tsv").symlink_to(study / "real.tsv")
    inside = ("inside.tsv", "new/run", "new/../table.tsv", "..table", f"file://{study}/table.tsv", str(study), "~/x")
    check_allowed([("file", place_at(str(study), path)) for path in inside], (str(study),))


def test_a_folder_that_begins_alike_is_another_folder(study: Path) -> None:
    assert "study-evil" in refused(f"{study}-evil", "table.tsv", (str(study),))


def test_any_of_several_roots_will_do(study: Path) -> None:
    roots = allowed_roots({SETTING: f"/nowhere:{study}:s3://lab/data:memory://tests"}, "unused")
    assert roots == ("/nowhere", str(study), "s3://lab/data", "memory://tests")
    places = [str(study / "a"), "s3://lab/data/pepper/a.tsv", "s3://lab/data", "memory://tests/a"]
    check_allowed([("file", place) for place in places], roots)


@pytest.mark.parametrize("value", ["", " ", ":"])
def test_without_the_setting_only_the_study_itself_is_allowed(value: str) -> None:
    assert allowed_roots({SETTING: value}, "/data/pepper") == ("/data/pepper",)
    assert allowed_roots({}, "/data/pepper") == ("/data/pepper",)


@pytest.mark.parametrize(
    "url",
    [
        "s3://lab-evil/data/a",
        "s3://lab.evil/data/a",
        "s3://lab/data-evil/a",
        "s3://lab/data/../other/a",
        "s3://lab/data/./a",
        "s3://lab//data/a",
        "s3://other/lab/data/a",
        "s3a://lab/data/a",
        "S3://lab/data/a",
        "memory://lab/data/a",
        "https://lab/data/a",
        "s3://lab@evil/data/a",
        "s3://lab",
        "simplecache::s3://lab/data/a",
        "s3://lab/data/a::file:///etc/passwd",
        "zip://a::s3://lab/data/b",
        "/lab/data/a",
        "file://lab/data/a",
    ],
)
def test_a_url_that_only_looks_alike_is_refused(url: str) -> None:
    assert repr(url) in refused("s3://lab/data", url, ("s3://lab/data",)) or not is_url(url)


def test_a_store_that_chains_file_systems_is_refused(study: Path) -> None:
    assert "::" in refused(study, "zip::file:///etc/passwd", (str(study),))
    assert "::" in refused(study, "a/zip::b", (str(study),))


@given(st.lists(st.sampled_from(["a", "b", "..", ".", "", "a-evil"]), max_size=6))
def test_a_path_below_a_url_is_allowed_exactly_where_it_cannot_climb(parts: list[str]) -> None:
    url = "/".join(["s3://lab", *parts]).rstrip("/")
    inner = url.removeprefix("s3://").split("/")
    inside = inner[:2] == ["lab", "a"] and not {"", ".", ".."} & set(inner)
    if inside:
        check_allowed([("file", url)], ("s3://lab/a/",))
    else:
        refused("s3://lab", url, ("s3://lab/a/",))


def test_places_are_absolute_so_that_a_current_folder_means_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("data") == absolute("file://data") == str(tmp_path / "data")
    assert place_at("s3://lab/pepper/", "a.tsv") == "s3://lab/pepper/a.tsv"
    assert place_at("/data/pepper", "local:///data/a.tsv") == "/data/a.tsv"


def test_a_study_file_cannot_run_code(tmp_path: Path) -> None:
    sign = tmp_path / "ran"
    text = f"study: !!python/object/apply:os.system ['touch {sign}']\nlayers: {{}}\n"
    with pytest.raises(
        StudyFileError, match="wanted YAML, found could not determine a constructor for the tag"
    ) as said:
        load_study(text, file="study.yaml")
    assert "python/object/apply:os.system" in str(said.value)
    with pytest.raises(StudyFileError, match="wanted a YAML value"):
        load_study(
            "study: a\n", file="study.yaml", overrides=[f"seed=!!python/object/apply:os.system ['touch {sign}']"]
        )
    assert not sign.exists()
