"""A new ranking of a finished run, from its artifacts: other weights, another fusion, another direction."""

import datetime as dt
import os
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from configs.form import RankingChoice
from flows.cancelling import cancel_descendants
from flows.context import Context
from flows.discover import Discovered
from flows.run_names import name_of_ranking
from flows.steps import all_results, threads
from flows.target_stage import rank_targets, start_on_targets, weigh_evidence
from tasks import report
from tasks.allowed import absolute, allowed_roots, check_allowed, is_url, place_at
from tasks.fetch import fetched_home, folder_of, move_to
from tasks.finished import check_objects, home_of, read_finished, study_again
from tasks.lineage import record_lineage
from tasks.live import let_loggers_speak
from tasks.places import check_output_folder
from tasks.publish import publish_run
from tasks.records import FinishedRun, RunContent
from tasks.ui_artifacts import show_summary

_ASKED = ("direction", "permutations", "bait")
"""Settings of a ranking that decide about the evidence on the targets, too."""
_FIGURES = "ranking_"


@flow(
    name="rerank",
    flow_run_name=partial(name_of_ranking, "rerank"),
    result_serializer="json",
    on_cancellation=[cancel_descendants],
    on_crashed=[cancel_descendants],
    on_failure=[cancel_descendants],
)
def rerank(
    run_folder: str, ranking: RankingChoice | None = None, settings: tuple[str, ...] = (), out: str | None = None
) -> dict[str, Any]:
    """Rank the genes of a finished run again, with other weights; nothing is trained.

    Parameters
    ----------
    run_folder : str
        Run folder of the finished run, a path on the worker or a URL.
    ranking : RankingChoice, optional
        Weights, fusion and direction; those of the run when not given.
    settings : tuple of str
        Further settings of the ranking, for example `ranking.permutations=10000`.
    out : str, optional
        New run folder, a path or URL; a folder named by the time, beside that of the run, when not given.

    Returns
    -------
    dict
        Fields of `flows.discover.Discovered`.
    """
    place = absolute(run_folder)
    target = place_at(folder_of(place.rstrip("/")), out or _stamp())
    roots = allowed_roots(os.environ, home_of(place))
    check_allowed([("run_folder", place), ("out", target)], roots)
    check_allowed([("store of the run", read_finished(place).store)], roots)
    return rank_again(place, ranking, settings, target)


@flow(
    name="rank-again",
    flow_run_name=partial(name_of_ranking, "rank-again"),
    result_serializer="json",
    task_runner=threads(2),
)
def rank_again(
    run_folder: str, ranking: RankingChoice | None = None, settings: tuple[str, ...] = (), out: str | None = None
) -> dict[str, Any]:
    """Rank again as `rerank` does, wherever the places lie."""
    let_loggers_speak()
    finished = read_finished(run_folder)
    study = study_again(finished, ranking, settings)
    check_objects(finished)
    target = out or place_at(folder_of(run_folder.rstrip("/")), _stamp())
    local = str(fetched_home() / "runs" / study.study / _stamp()) if is_url(target) else target
    check_output_folder(Path(local))
    run = Context(study, Path(local))
    content = _ranked_again(run, finished)
    written = publish_run(content, study, "", local, run.runtime, finished.inputs)
    record_lineage(written, run.runtime)
    if is_url(target):
        move_to(Path(written), target)
        written = target
    show_summary(content, written, run.runtime)
    for note in content.notes:
        get_run_logger().info(note)
    return Discovered(run_folder=written, content=content).model_dump(mode="json")


def _ranked_again(run: Context, finished: FinishedRun) -> RunContent:
    content, before, now = finished.content, finished.study.ranking, run.study.ranking
    tables = content.evidence
    asked = all(getattr(before, name) == getattr(now, name) for name in _ASKED)
    content = _without_ranking(content, keep_baits=asked)
    if tables is None or not asked:
        content, tables = weigh_evidence(run, content, start_on_targets(run, content))
    content = rank_targets(run, content, tables)
    drawn = tuple(figure for figures in all_results(run.pictures) for figure in figures)
    content = content.model_copy(update={"figures": (*content.figures, *drawn)})
    if finished.content.reported:
        plain = report.without_execution(run.study)
        content = content.model_copy(
            update={"reported": run.steps.run(report.write_report, content, plain, run.runtime)}
        )
    return content.model_copy(update={"timings": tuple(run.steps.timings)})


def _without_ranking(content: RunContent, *, keep_baits: bool) -> RunContent:
    """Take the old ranking out of a run: its figures, what was said of it, and how it had changed."""
    old = {
        *(content.ranked.notes if content.ranked else ()),
        *(content.controls.sentences.values() if content.controls else ()),
        *(content.changes.sentences.values() if content.changes else ()),
        *(content.bait.notes if content.bait and not keep_baits else ()),
    }
    update = {
        "notes": tuple(note for note in content.notes if note not in old),
        "figures": tuple(figure for figure in content.figures if not figure.name.startswith(_FIGURES)),
        "ranked": None,
        "controls": None,
        "cards": None,
        "changes": None,
        "reported": None,
    }
    return content.model_copy(update=update)


def _stamp() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
