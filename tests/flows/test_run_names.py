"""Names of runs that are started with a path."""

import pytest
from prefect.runtime import flow_run

from flows.run_names import discover_file_name, name_of_ranking, watch_name


@pytest.mark.parametrize(
    ("study_file", "name"),
    [
        ("/srv/studies/tomato/study.yaml", "discover-file-tomato"),
        ("/srv/studies/tomato/versions/0002/study.yaml", "discover-file-tomato-0002"),
        ("s3://lab/pepper/study.yaml", "discover-file-pepper"),
        ("study.yaml", "discover-file-study"),
    ],
)
def test_a_study_file_gives_its_folder_and_version(study_file: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_run, "parameters", {"study_file": study_file}, raising=False)
    assert discover_file_name() == name


def test_an_inbox_is_named_by_its_study(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"study_file": "/srv/studies/tomato/study.yaml", "inbox": "s3://lab/inbox"}
    monkeypatch.setattr(flow_run, "parameters", {"config": config}, raising=False)
    assert watch_name() == "watch-tomato"


def test_a_ranking_is_named_by_study_and_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_run, "parameters", {"run_folder": "/srv/runs/tomato/20261125T101500Z/"}, raising=False)
    assert name_of_ranking("rerank") == "rerank-tomato-20261125T101500Z"
