"""A study with the gaps that studies have, and the same study with every table in another order."""

from pathlib import Path

import pandas as pd
import pytest

from configs.study import StudyConfig
from flows.discover import Discovered
from flows.embedded import run_embedded
from tests.flows.conftest import copy_study

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]

NO_METABOLOME, NO_TRANSCRIPTOME, NO_LABEL = ("group_1_1", "group_4_2"), "group_6_3", "group_2_1"


def _write(source: Path, folder: Path, *, shuffled: bool) -> None:
    """Copy the simulated study with gaps; shuffle rows and columns of all tables where asked."""
    copy_study(source, folder, {"expression.tsv", "metabolites.tsv", "samples.tsv"})
    tables = {name: pd.read_csv(source / f"{name}.tsv", sep="\t", dtype=str) for name in ("expression", "metabolites")}
    tables["expression"] = tables["expression"].drop(columns=NO_TRANSCRIPTOME)
    tables["metabolites"] = tables["metabolites"].drop(columns=list(NO_METABOLOME))
    tables["samples"] = pd.read_csv(source / "samples.tsv", sep="\t", dtype=str)
    tables["samples"].loc[tables["samples"]["sample_id"] == NO_LABEL, "tissue"] = ""
    for name, table in tables.items():
        if shuffled:
            first, *others = table.columns
            order = others if name == "samples" else pd.Series(others).sample(frac=1, random_state=1).tolist()
            table = table.sample(frac=1, random_state=2)[[first, *order]]  # noqa: PLW2901
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False, na_rep="")


@pytest.fixture(scope="module")
def runs(
    tiny_study: StudyConfig, simulated: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Discovered, Discovered]:
    """Run the study with gaps as it is, and shuffled, up to the ranking, each with a store of its own."""
    root = tmp_path_factory.mktemp("gaps")
    done = []
    for name in ("plain", "shuffled"):
        _write(simulated, root / name, shuffled=name == "shuffled")
        done.append(run_embedded(tiny_study, root / name, str(root / f"{name}-run"), ("train", "rank")))
    return done[0], done[1]


def _table(done: Discovered, name: str) -> pd.DataFrame:
    return pd.read_csv(Path(done.run_folder) / f"{name}.csv", keep_default_na=False)


def test_partial_samples_are_predicted_and_missing_labels_are_not(
    runs: tuple[Discovered, Discovered],
) -> None:
    predictions = _table(runs[0], "tables/predictions")
    graph = predictions[predictions["method"] == "graph attention"]
    tissue, geography = (set(graph.loc[graph["label"] == label, "sample_id"]) for label in ("tissue", "geography"))
    assert {*NO_METABOLOME, NO_TRANSCRIPTOME} <= tissue
    assert len(geography) == 21
    assert geography - tissue == {NO_LABEL}
    latents = [set(_table(runs[0], f"tables/latents_{name}")["sample_id"]) for name in ("transcriptome", "metabolome")]
    assert [len(samples) for samples in latents] == [20, 19]


def test_the_order_of_genes_and_samples_changes_nothing(runs: tuple[Discovered, Discovered]) -> None:
    for name in (
        "ranking",
        "tables/fold_plan",
        "tables/predictions",
        "tables/validation",
        "tables/verdicts",
        "tables/label_null",
        "tables/latents_transcriptome",
        "tables/attention",
    ):
        one, other = (_table(done, name) for done in runs)
        pd.testing.assert_frame_equal(one, other, obj=name)


def test_every_gene_of_the_table_is_ranked_all_the_same(runs: tuple[Discovered, Discovered], simulated: Path) -> None:
    genes = pd.read_csv(simulated / "expression.tsv", sep="\t", usecols=["gene_id"])["gene_id"]
    for _, rows in _table(runs[1], "ranking").groupby("target"):
        assert sorted(rows["gene_id"]) == sorted(genes)
