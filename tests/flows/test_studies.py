"""Studies on real data, end to end, and their ids byte for byte."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest

from configs.loading import load_study
from configs.stages import STAGES
from flows.embedded import run_embedded
from models.parquet import decode_frame

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server", "shared_data")]

STUDIES = Path(__file__).resolve().parents[1] / "studies"
QUICK = ("autoencoder.widths.transcriptome=[32]", "autoencoder.widths.metabolome=[16]", "autoencoder.max_epochs=15")
LEAN = (
    "graph.max_epochs=15",
    "ranking.cards=10",
    "ranking.permutations=20",
    "validation.permutations=19",
    "explain.permutations=20",
)


def ids_of(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return [row[0] for row in csv.reader(stream, delimiter="\t")][1:]


@pytest.mark.parametrize(
    ("name", "repeats"),
    [
        ("tomato_falcarindiol", 2),
        pytest.param("ecoli_growth29", 1, marks=pytest.mark.slow),
        pytest.param("nutrimouse40", 1, marks=pytest.mark.slow),
    ],
)
def test_a_real_study_ranks_every_gene_for_every_target(
    name: str, repeats: int, shared_data: Path, tmp_path: Path
) -> None:
    text = (STUDIES / f"{name}.yaml").read_text("utf-8")
    study = load_study(
        text, file=name, overrides=[*QUICK, *LEAN, f"validation.repeats={repeats}", f"store.url={tmp_path / 'store'}"]
    )
    done = run_embedded(study, STUDIES, str(tmp_path / "run"), STAGES)
    ranking = decode_frame((tmp_path / "run" / "ranking.parquet").read_bytes(), "ranking")
    genes = ids_of(shared_data / name / "expression.tsv.gz")
    metabolites = set(ids_of(shared_data / name / "metabolites.tsv.gz"))
    assert list(ranking["target"].unique()) == list(study.targets)
    for _, rows in ranking.groupby("target"):
        assert sorted(rows["gene_id"]) == sorted(genes)
    assert set(ranking["best_metabolite"].dropna()) <= metabolites
    written = pd.read_csv(tmp_path / "run" / "ranking.csv", dtype=str, keep_default_na=False)
    assert sorted(set(written["gene_id"])) == sorted(genes)
    assert done.content.reported is not None
