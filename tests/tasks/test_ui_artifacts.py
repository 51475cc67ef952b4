"""What the pages of the Prefect UI say."""

import numpy as np
import pandas as pd
import pytest

from configs.artifact import Artifact
from tasks.lineage import input_asset, ranking_asset
from tasks.records import FigureFiles
from tasks.ui_artifacts import MAX_PICTURE_BYTES, REPORTS_URL, quality_rows, report_url, small_enough, top_genes


def ranking() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "target": ["a", "a", "a", "b", "b", "b"],
            "rank": [1, 2, 3, 1, 2, 3],
            "rank_low": pd.array([1, 1, 3, 1, 2, pd.NA], dtype="Int64"),
            "rank_high": pd.array([2, 1200, 3, 1, 2, pd.NA], dtype="Int64"),
            "gene_id": ["G1", "G2", "G3", "G2", "G3", "G1"],
            "score": [2.123456, 1.0, 0.1, 3.0, np.nan, 0.0],
            "p": [0.00041666, 0.5, 1.0, 0.1, 0.2, 0.3],
            "best_metabolite": ["M1", "M2", "M1", None, None, None],
        }
    )


def test_each_target_has_its_own_table_with_rounded_numbers() -> None:
    tables = top_genes(ranking(), 2)
    assert list(tables) == ["a", "b"]
    assert tables["a"][0] == {
        "rank": "1",
        "rank range": "1-2",
        "gene": "G1",
        "score": "2.12",
        "p": "0.000417",
        "best metabolite": "M1",
    }
    assert [row["gene"] for row in tables["b"]] == ["G2", "G3"]
    assert "best metabolite" not in tables["b"][0]
    assert tables["b"][1]["score"] == ""


def test_of_very_many_samples_the_oddest_are_shown() -> None:
    count = 2_000
    quality = pd.DataFrame(
        {
            "layer": "transcriptome",
            "sample_id": [f"S{number}" for number in range(count)],
            "library_size": 12_345_678.9,
            "mean_correlation": np.linspace(1.0, 0.0, count),
        }
    )
    rows, words = quality_rows(quality)
    assert len(rows) == 500
    assert rows[0] == {
        "layer": "transcriptome",
        "sample": "S1999",
        "library size": "12,345,679",
        "mean correlation": "0",
    }
    assert "500 samples that are least like the others" in words
    assert len(quality_rows(quality.head(3))[0]) == 3


def figure(name: str, n_bytes: int) -> FigureFiles:
    digest = f"{abs(hash(name)):064x}"[-64:]
    png, svg = (
        Artifact(uri=f"objects/{digest[:2]}/{digest}.{kind}", sha256=digest, kind="figure", n_bytes=n_bytes)
        for kind in ("png", "svg")
    )
    return FigureFiles(name=name, title=name, caption="", png=png, svg=svg)


def test_the_pictures_of_a_page_fit_into_the_database() -> None:
    figures = [
        figure("quality_pca_x", 200_000),
        figure("latents_x", 1_000),
        figure("validation", 150_000),
        figure("ranking_top_a", 300_000),
        figure("ranking_top_b", 300_000),
    ]
    chosen = small_enough(figures)
    assert [one.name for one in chosen] == ["ranking_top_a", "ranking_top_b"]
    assert sum(one.png.n_bytes for one in chosen) <= MAX_PICTURE_BYTES
    assert [one.name for one in small_enough(figures[:4])] == ["ranking_top_a", "validation", "quality_pca_x"]


def test_the_report_is_linked_where_run_folders_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "/data/runs/leaf/2026 01"
    monkeypatch.delenv(REPORTS_URL, raising=False)
    assert report_url(place) is None
    monkeypatch.setenv(REPORTS_URL, "https://lab.example/runs/")
    assert report_url(place) == "https://lab.example/runs/leaf/2026%2001/report.html"
    properties = ranking_asset("leaf", place).properties
    assert properties is not None
    assert properties.url == "https://lab.example/runs/leaf/2026%2001/report.html"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("expression.tsv", "cairn://leaf/inputs/expression.tsv"),
        ("/data/my tables/β #1.csv", "cairn://leaf/inputs/data/my-tables/---1.csv"),
    ],
)
def test_assets_have_keys_that_prefect_takes(path: str, key: str) -> None:
    assert input_asset("leaf", path, "0" * 64).key == key
