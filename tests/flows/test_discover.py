"""The whole pipeline on a tiny study: what is made, what is made again, and what is not."""

import html
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey

from configs.errors import OutputError, UserError
from configs.study import StudyConfig
from flows.discover import Discovered
from flows.embedded import run_embedded
from models.autoencoder import decode_weights
from models.parquet import decode_frame
from tasks.check import check_study
from tasks.store import Store
from tasks.weights import write_weights
from tests.flows.conftest import run_study as run

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


def states(done: Discovered) -> dict[str, str]:
    return {timing.name: timing.state for timing in done.content.timings}


def ranking_of(done: Discovered) -> pd.DataFrame:
    return decode_frame((Path(done.run_folder) / "ranking.parquet").read_bytes(), "ranking")


def test_every_gene_is_ranked_for_every_target(first: Discovered, simulated: Path) -> None:
    genes = pd.read_csv(simulated / "expression.tsv", sep="\t", usecols=["gene_id"])["gene_id"]
    ranking = ranking_of(first)
    assert set(ranking["target"]) == {"capsaicinoids", "flavonoids"}
    for _, rows in ranking.groupby("target"):
        assert sorted(rows["gene_id"]) == sorted(genes)
        assert rows["rank"].tolist() == list(range(1, len(genes) + 1))


def test_a_family_is_searched_and_its_table_read(first: Discovered, simulated: Path) -> None:
    genes = pd.read_csv(simulated / "expression.tsv", sep="\t", usecols=["gene_id"])["gene_id"]
    folder = Path(first.run_folder)
    table = pd.read_csv(folder / "tables" / "family_flavonoids_enzymes.csv")
    found = table[table["best_member"] == "known"]
    assert found["gene_id"].tolist() == [genes[7]]
    assert found["sequence_id"].tolist() == [f"{genes[7]}.p1"]
    assert len(table) > 1  # the others come from the search table
    searches = json.loads((folder / "manifest.json").read_text("utf-8"))["searches"]
    assert [(one["family"], one["program"], one["n_hits"]) for one in searches] == [("flavonoids_enzymes", "phmmer", 1)]
    assert (folder / "figures" / "family_flavonoids_enzymes.png").is_file()
    assert "flavonoids_enzymes" in (folder / "report.html").read_text("utf-8")


def test_the_run_folder_holds_what_the_readme_lists(first: Discovered) -> None:
    folder = Path(first.run_folder)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"ranking.csv", "ranking.xlsx", "ranking.parquet", "report.html", "manifest.json"} <= files
    assert {
        "tables/quality.csv",
        "tables/fold_plan.csv",
        "tables/validation.csv",
        "tables/correlated_pairs.csv",
        "tables/target_correlation.csv",
        "tables/importance.csv",
        "tables/target_importance.csv",
        "tables/target_gates.csv",
        "tables/gene_families.csv",
        "tables/domains_flavonoids_enzymes.csv",
    } <= files
    assert {"figures/training_curves.png", "figures/training_curves.svg", "figures/latents_tissue.png"} <= files
    assert {"figures/explain_top.png", "figures/explain_top.pdf"} <= files
    csv, parquet = pd.read_csv(folder / "ranking.csv"), ranking_of(first)
    assert csv["gene_id"].tolist() == parquet["gene_id"].tolist()
    np.testing.assert_allclose(csv["score"], parquet["score"])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert {item["path"] for item in manifest["inputs"]} >= {"expression.tsv", "metabolites.tsv", "samples.tsv"}


def test_the_report_says_what_the_groups_can_show_as_a_check_does(
    first: Discovered, tiny_study: StudyConfig, simulated: Path
) -> None:
    page = html.unescape((Path(first.run_folder) / "report.html").read_text("utf-8"))
    told = [fact for fact in check_study(tiny_study, simulated).facts if "replicate" in fact]
    assert len(told) == 4
    for fact in told:
        assert page.count(fact) == 1, fact


def test_weights_are_written_as_an_ordinary_dense_network(first: Discovered, store: Path, tmp_path: Path) -> None:
    run_folder, target = Path(first.run_folder), tmp_path / "dense.safetensors"
    n_bytes = write_weights(run_folder, Store(str(store)), target, layer="transcriptome", fold="all")
    assert target.stat().st_size == n_bytes
    training = first.content.folds["all"].layers["transcriptome"]
    assert training.engine == "span"
    own, dense = decode_weights(Store(str(store)).get(training.weights)), decode_weights(target.read_bytes())
    assert dense.engine == "dense"
    assert sum(value.numel() for value in dense.state().values()) == training.parameters
    genes = Store(str(store)).get_layer(first.content.prepared.prepared["transcriptome"], "transcriptome").values
    np.testing.assert_allclose(dense.encode(genes), own.encode(genes), rtol=1e-4, atol=1e-4)
    with pytest.raises(OutputError, match="wanted a file, found a folder"):
        write_weights(run_folder, Store(str(store)), tmp_path, layer="transcriptome", fold="all")
    with pytest.raises(OutputError, match="nowhere: wanted a folder for the file, found no folder"):
        write_weights(run_folder, Store(str(store)), tmp_path / "nowhere" / "w", layer="transcriptome", fold="all")
    assert [path.name for path in tmp_path.iterdir()] == ["dense.safetensors"]


def test_the_run_says_which_engine_trained_what(first: Discovered) -> None:
    assert any("transcriptome: autoencoder of" in note and "engine span" in note for note in first.content.notes)


def test_the_run_says_where_target_aware_scores_add_nothing(first: Discovered) -> None:
    gates = pd.read_csv(Path(first.run_folder) / "tables" / "target_gates.csv")
    assert set(gates["target"]) == {"capsaicinoids", "flavonoids"}
    for target in ("capsaicinoids", "flavonoids"):
        opened = bool(gates.query("target == @target and method == 'attribution'")["opened"].item())
        said = "attribution may add something" if opened else "attribution adds nothing here"
        assert any(note.startswith(f"{target}: ") and said in note for note in first.content.notes)
    assert any(note.startswith("Reconstruction: ") for note in first.content.notes)
    report = (Path(first.run_folder) / "report.html").read_text("utf-8")
    assert "Genes that matter most to the networks" in report
    assert "adds nothing here" in report or "may add something" in report


def test_the_ui_shows_each_stage_and_the_answer(first: Discovered) -> None:
    with get_client(sync_client=True) as client:
        summaries = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["simulated-summary"]))
        )
        own = next(one for one in summaries if f"{first.run_folder}/report.html" in one.data)
        of_the_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[own.flow_run_id]))
        shown = {one.key: one for one in client.read_artifacts(artifact_filter=of_the_run, limit=200)}
    tables = [f"simulated-{name}" for name in ("quality", "validation", "top-genes-capsaicinoids")]
    for key in tables:
        assert shown[key].type == "table"
        assert shown[key].task_run_id is not None
        assert len(json.loads(shown[key].data)) > 1
    assert len(json.loads(shown["simulated-top-genes-flavonoids"].data)) == 20
    summary = shown["simulated-summary"]
    assert summary.task_run_id is None  # the run itself shows it, so that it comes first
    assert "## Top genes of capsaicinoids" in summary.data
    assert "](data:image/png;base64," in summary.data
    assert len(summary.data) < 1_000_000


def test_the_server_hears_from_which_tables_the_ranking_came(first: Discovered) -> None:
    wanted = {"filter": {"resource": {"id": ["cairn://simulated/ranking"]}}}
    until = time.monotonic() + 20
    told: list[dict[str, Any]] = []
    with get_client(sync_client=True) as client:
        while not told and time.monotonic() < until:
            events = client.request("POST", "/events/filter", json=wanted).json()["events"]
            sha256 = first.content.ranked.ranking.sha256
            told = [one for one in events if one["payload"]["sha256"] == sha256]
            time.sleep(0 if told else 0.2)
    event = told[-1]
    assert event["event"] == "prefect.asset.materialization.succeeded"
    upstream = {one["prefect.resource.id"] for one in event["related"] if one["prefect.resource.role"] == "asset"}
    tables = ("expression.tsv", "metabolites.tsv", "samples.tsv", "proteins.faa", "known.faa")
    assert upstream >= {f"cairn://simulated/inputs/{name}" for name in tables}


def test_a_second_run_does_no_work(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    again = run(tiny_study, simulated, tmp_path / "again", store)
    assert set(states(again).values()) == {"Cached"}
    assert again.content.ranked == first.content.ranked


def test_a_changed_weight_ranks_and_reports_alone(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    weights = tiny_study.ranking.weights.model_copy(update={"correlation": 0.9})
    ranking = tiny_study.ranking.model_copy(update={"weights": weights})
    done = run(tiny_study, simulated, tmp_path / "weights", store, ranking=ranking)
    worked = {name for name, state in states(done).items() if state != "Cached"}
    assert worked == {"rank", "score-controls", "cards", "draw-ranking", "report"}
    assert done.content.ranked != first.content.ranked


def test_a_deleted_object_is_made_again(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    quality = first.content.prepared.quality
    (store / quality.uri).unlink()
    done = run(tiny_study, simulated, tmp_path / "healed", store)
    worked = {name for name, state in states(done).items() if state != "Cached"}
    assert worked == {"prepare"}
    assert (store / quality.uri).is_file()


def test_two_runs_with_one_seed_give_the_same_bytes(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, tmp_path: Path
) -> None:
    other = run(tiny_study, simulated, tmp_path / "other", tmp_path / "another-store")
    again = states(other)
    assert {again[name] for name in ("prepare", "fold-0", "fold-all", "explain-fold-0", "rank")} == {"Completed"}
    one, two = (Path(done.run_folder) / "ranking.parquet" for done in (first, other))
    assert one.read_bytes() == two.read_bytes()


def test_one_stage_alone_leaves_out_the_rest(
    tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    study = tiny_study.model_copy(update={"store": tiny_study.store.model_copy(update={"url": str(store)})})
    done = run_embedded(study, simulated, str(tmp_path / "prepared"), ("prepare",))
    assert done.content.ranked is None
    assert not (tmp_path / "prepared" / "ranking.csv").exists()
    assert (tmp_path / "prepared" / "tables" / "quality.csv").is_file()


def test_a_user_error_comes_out_as_it_is(tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"targets.acids: wanted metabolites.*M9999"):
        run(tiny_study, simulated, tmp_path / "bad", store, targets={"acids": ("M9999",)}, baits={}, families={})
    assert not (tmp_path / "bad").exists()
