"""What `cairn check` says of a small study."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.study import StudyConfig
from tasks.check import check_study

SAMPLES = [f"s{number:02}" for number in range(12)]
TIMES, TREATMENTS = np.tile(np.repeat([0, 2, 6], 2), 2), np.repeat(["wet", "dry"], 6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for name, size in (("transcriptome", 20), ("metabolome", 3)):
        table = pd.DataFrame(rng.gamma(2, 50, (size, 12)), [f"{name}{row}" for row in range(size)], SAMPLES)
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t", index_label="id")
    groups = [f"{treatment}{time}" for treatment, time in zip(TREATMENTS, TIMES, strict=True)]
    sheet = pd.DataFrame({"sample_id": SAMPLES, "group": groups, "treatment": TREATMENTS, "time": TIMES})
    sheet.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
    sheet.drop(columns="time").to_csv(tmp_path / "timeless.tsv", sep="\t", index=False)
    return tmp_path


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ({"path": "timeless.tsv"}, []),
        ({"path": "samples.tsv"}, ["Times: metabolites are looked at as level, rate and lag over 1 series."]),
        (
            {"path": "samples.tsv", "series_by": ["treatment"]},
            ["Times: metabolites are looked at as level, rate and lag over 2 series."],
        ),
    ],
)
def test_one_fact_says_how_times_are_used(folder: Path, samples: dict[str, object], said: list[str]) -> None:
    layers = {name: {"path": f"{name}.tsv"} for name in ("transcriptome", "metabolome")}
    study = StudyConfig.model_validate({"study": "small", "layers": layers, "samples": samples})
    report = check_study(study, folder)
    assert [fact for fact in report.facts if fact.startswith("Times")] == said
    warned = any("samples.series_by" in note for note in report.notes)
    assert warned == (samples == {"path": "samples.tsv"})
