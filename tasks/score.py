"""Scoring a finished run against known genes."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from configs.errors import StudyFileError
from configs.study import StudyConfig
from models.parquet import decode_frame
from models.reading import read_text_table
from models.scoring import score_ranking
from tasks.places import MANIFEST, no_finished_run

Row = dict[str, Any]

_SHOWN = ["rank", "rank_range", "gene_id", "score", "p", "q", "stability", "best_metabolite"]


def score_run(run_folder: Path, truth_file: Path) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows of the contract `scores`, one a target, and notes on truth that could not be used.

    Raises
    ------
    StudyFileError
        The folder holds no ranking, or the truth table cannot be read.
    UserError
        No gene of the truth table is in the ranking.
    """
    study, ranking = _finished_run(run_folder)
    if not truth_file.is_file():
        raise StudyFileError(
            wanted="a table with gene_id and target or metabolite_id",
            found="no such file",
            where=str(truth_file),
            remedy="Correct the path.",
        )
    truth = read_text_table(truth_file.read_bytes(), truth_file.name)
    members = {target: tuple(ids) for target, ids in study.targets.items()}
    scores = score_ranking(ranking, truth, members=members, where=truth_file.name)
    return _rows(scores.table), scores.notes


def top_of_ranking(run_folder: Path, count: int) -> dict[str, list[Row]]:
    """Return the first `count` genes by target, with the columns that matter most.

    `rank_range` has the best and the worst rank without one replicate group, `stability` the share of these rankings
    with the gene in the top 1%.
    """
    _, ranking = _finished_run(run_folder)
    top = with_rank_range(ranking[ranking["rank"] <= count])
    return {str(target): _rows(rows[_SHOWN]) for target, rows in top.groupby("target", sort=False)}


def with_rank_range(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return a ranking with a column `rank_range`: best and worst rank without one replicate group, as 2-15."""
    spans = [
        "" if low is pd.NA or high is pd.NA else f"{low:,}-{high:,}"
        for low, high in zip(ranking["rank_low"], ranking["rank_high"], strict=True)
    ]
    return ranking.assign(rank_range=pd.Series(spans, index=ranking.index, dtype="str"))


def _rows(frame: pd.DataFrame) -> list[Row]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _finished_run(run_folder: Path) -> tuple[StudyConfig, pd.DataFrame]:
    ranking, manifest = run_folder / "ranking.parquet", run_folder / MANIFEST
    if not ranking.is_file() or not manifest.is_file():
        raise no_finished_run(run_folder, f"ranking.parquet and {MANIFEST}")
    study = StudyConfig.model_validate(json.loads(manifest.read_text("utf-8"))["study"])
    return study, decode_frame(ranking.read_bytes(), "ranking")
