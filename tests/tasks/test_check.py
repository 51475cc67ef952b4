"""What `cairn check` says of a small study."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.study import StudyConfig
from models.run_estimate import RunSize, bytes_of, seconds_of
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


def test_samples_stages_time_and_memory_are_said(folder: Path) -> None:
    layers = {name: {"path": f"{name}.tsv"} for name in ("transcriptome", "metabolome")}
    samples = {"path": "samples.tsv"}
    facts = check_study(StudyConfig.model_validate({"study": "s", "layers": layers, "samples": samples}), folder).facts
    assert facts[0] == "Samples by layer: transcriptome 12, metabolome 12; in every layer 12."
    # Five folds dealt three times and the final fit.
    stages = "Stages: prepare, train, analyse, explain, rank, report; 16 times 2 autoencoders and a graph network"
    assert f"{stages} are trained (2 at a time, inline)." in facts
    said = (
        "A first run takes about 60 seconds to 4 minutes and about 1.4 to 2.1 GiB of memory, as measured on two cores"
    )
    assert [fact for fact in facts if fact.startswith(said)]


@pytest.mark.parametrize(
    ("size", "seconds", "gib"),
    [
        # Both of `python -m tests.benchmarks pipeline` (tests/benchmarks/RESULTS.md), cold runs of 132,129 genes.
        (RunSize(132_129, 21, 6, 2, 2, 8, 495, 1_000, "stated", 0, 2), 357, 2.38),
        (RunSize(132_129, 21, 16, 2, 2, 8, 495, 1_000, "stated", 0, 2), 357 + 288, 2.38),
        # `cairn run` on what `cairn init` writes for tomato_falcarindiol: 407 s of processor time.
        (RunSize(1_090, 24, 16, 1, 0, 362, 495, 1_000, "compact", 0, 2), 407 / 2, 1.2),
    ],
)
def test_the_estimate_holds_what_was_measured(size: RunSize, seconds: float, gib: float) -> None:
    assert seconds / 1.5 < seconds_of(size) < seconds * 1.5
    assert gib / 1.3 < bytes_of(size) / 2**30 < gib * 1.3
    assert seconds_of(replace(size, cores=1)) == 2 * seconds_of(size)


def test_compounds_and_levels_of_targets_are_told(folder: Path) -> None:
    annotation = "metabolome0\tsugar\t2\nmetabolome1\tsugar\t\nmetabolome2\tacid\t4\n"
    (folder / "ions.tsv").write_text(f"id\tcompound\tlevel\n{annotation}", "utf-8")
    compounds = {"table": "ions.tsv", "compound_column": "compound", "level_column": "level"}
    layers = {
        "transcriptome": {"path": "transcriptome.tsv"},
        "metabolome": {"path": "metabolome.tsv", "compounds": compounds},
    }
    study = {"study": "s", "layers": layers, "samples": {"path": "samples.tsv"}, "targets": {"acids": ["acid"]}}
    notes = check_study(StudyConfig.model_validate(study), folder).notes
    assert "metabolome: annotation levels: 1 of level 2, 1 of level 4, 0 without one." in notes
    flagged = [note for note in notes if note.startswith("Target acids rests only on metabolites annotated at level 3")]
    assert len(flagged) == 1
    assert flagged[0].endswith("'acid' (level 4).")
