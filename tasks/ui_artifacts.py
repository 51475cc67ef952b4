"""What a run shows in the Prefect UI: tables as soon as their stage is done, and a page with the answer."""

import base64
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from urllib.parse import quote

import httpx
import pandas as pd
from prefect import task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from configs.artifact import Runtime
from tasks.keys import artifact_key
from tasks.records import FigureFiles, PreparedStudy, Ranked, RunContent, Validated
from tasks.score import with_rank_range
from tasks.store import Store

logger = logging.getLogger("cairn.ui")

REPORTS_URL = "CAIRN_REPORTS_URL"
"""Variable with the URL at which the folder that holds `<study>/<run>` is served; then reports are linked."""
_TOP = 20
_TOP_ON_PAGE = 10
_MAX_SAMPLES = 500
MAX_PICTURE_BYTES = 700_000
"""All pictures of a page together, before base64 makes them a third larger: all of it lies in Prefect's database."""
_PICTURES = ("ranking_top", "validation", "quality_pca", "ranking_intervals", "training_curves")
"""Pictures on the page by the start of their names, the most telling first."""
_RANKING = {
    "rank": "rank",
    "rank_range": "rank range",
    "gene_id": "gene",
    "score": "score",
    "p": "p",
    "q": "q",
    "stability": "stability",
    "weight_stability": "weight stability",
    "best_metabolite": "best metabolite",
    "description": "description",
}
"""Columns of the ranking in the UI, and what they are called there."""
_VALIDATION = {
    "label": "label",
    "method": "method",
    "scheme": "scheme",
    "balanced_accuracy": "balanced accuracy",
    "low": "95% from",
    "high": "95% to",
    "p": "p",
    "macro_f1": "macro F1",
    "mcc": "MCC",
    "n_samples": "samples",
    "n_groups": "groups",
}
_QUALITY = {
    "layer": "layer",
    "sample_id": "sample",
    "library_size": "library size",
    "features_detected": "features detected",
    "missing_share": "missing share",
    "zero_share": "zero share",
    "median": "median",
    "mean_correlation": "mean correlation",
}
_WORDS = (
    "Rank range: best and worst rank when one replicate group at a time is left out; stability: the share "
    "of these rankings with the gene in the top 1% (25 genes at least); weight stability: the same with other weights."
)

Rows = list[dict[str, str]]


@task(name="show-quality", task_run_name="show-quality", persist_result=False, cache_policy=NO_CACHE)
def show_quality(prepared: PreparedStudy, runtime: Runtime) -> None:
    """Show the quality of each sample, as soon as the tables are read."""
    rows, words = quality_rows(Store(runtime.store).get_table(prepared.quality))
    _show_table(artifact_key(runtime.study, "quality"), rows, words)


@task(name="show-validation", task_run_name="show-validation", persist_result=False, cache_policy=NO_CACHE)
def show_validation(validated: Validated, runtime: Runtime) -> None:
    """Show what held-out predictions reached, with the verdict in words."""
    table = Store(runtime.store).get_table(validated.validation)
    words = "\n".join(f"- {sentence}" for sentence in validated.sentences)
    _show_table(artifact_key(runtime.study, "validation"), _rows(_chosen(table, _VALIDATION)), words)


@task(name="show-ranking", task_run_name="show-ranking", persist_result=False, cache_policy=NO_CACHE)
def show_ranking(ranked: Ranked, runtime: Runtime) -> None:
    """Show the top genes, a table a target."""
    ranking = Store(runtime.store).get_table(ranked.ranking)
    for target, rows in top_genes(ranking, _TOP).items():
        words = [f"Top {_TOP} genes of {target}. {_WORDS}", *ranked.verdicts.get(target, ())]
        _show_table(artifact_key(runtime.study, "top-genes", target), rows, "\n\n".join(words))


def show_summary(content: RunContent, run_folder: str, runtime: Runtime) -> None:
    """Show a page that says the answer, and link the report where its URL is known; called by the flow itself."""
    url = report_url(run_folder) if content.reported else None
    page = "\n\n".join(summary_page(content, Store(runtime.store), runtime.study, run_folder))
    key = artifact_key(runtime.study, "summary")
    _unless_away(key, lambda: create_markdown_artifact(key=key, markdown=page, description="The answer in short"))
    if url:
        key = artifact_key(runtime.study, "report")
        _unless_away(key, lambda: create_link_artifact(link=url, key=key, description=f"Report in {run_folder}"))


def report_url(run_folder: str) -> str | None:
    """Return where a browser finds the report of a run folder; None where nobody has said so."""
    base = os.environ.get(REPORTS_URL, "").rstrip("/")
    place = "/".join(PurePath(run_folder).parts[-2:])
    return f"{base}/{quote(place)}/report.html" if base else None


def quality_rows(quality: pd.DataFrame) -> tuple[Rows, str]:
    """Return the quality of each sample and words on it; of very many samples only those least like the others."""
    words = "Quality of each sample"
    if len(quality) > _MAX_SAMPLES:
        quality = quality.nsmallest(_MAX_SAMPLES, "mean_correlation")
        words = f"Quality of the {_MAX_SAMPLES} samples that are least like the others; the run folder has all."
    return _rows(_chosen(quality, _QUALITY)), words


def top_genes(ranking: pd.DataFrame, count: int) -> dict[str, Rows]:
    """Return the first `count` genes by target; columns without any value are left out."""
    top = with_rank_range(ranking[ranking["rank"] <= count])
    return {
        str(target): _rows(_chosen(rows, _RANKING).dropna(axis="columns", how="all"))
        for target, rows in top.groupby("target", sort=False)
    }


def _doubtful_targets(content: RunContent) -> Iterator[str]:
    from models.compounds import level_notes

    told = content.references.target_levels
    yield from level_notes(
        content.references.targets, {one: level for by in told.values() for one, level in by.items()}
    )


def summary_page(content: RunContent, store: Store, study: str, run_folder: str) -> Iterator[str]:
    """Yield the paragraphs of the page with the answer."""
    yield f"# {study}"
    yield from _whereabouts(content, run_folder)
    yield from _doubtful_targets(content)
    if content.ranked:
        controls = content.controls.sentences if content.controls else {}
        for target, rows in top_genes(store.get_table(content.ranked.ranking), _TOP_ON_PAGE).items():
            yield f"## Top genes of {target}\n\n{_markdown(rows)}"
            if target in controls:
                yield controls[target]
        yield _WORDS
    if content.validated:
        yield "## How sure the networks are\n\n" + "\n".join(f"- {said}" for said in content.validated.sentences)
    for figure in small_enough(content.figures):
        yield f"## {figure.title}\n\n![{figure.title}]({_data_uri(figure, store)})\n\n{figure.caption}"
    shown = set(content.validated.sentences if content.validated else ())
    shown |= set(content.controls.sentences.values() if content.controls else ())
    notes = [note for note in content.notes if note not in shown]
    yield "## Notes\n\n" + "\n".join(f"- {note}" for note in notes)


def small_enough(figures: Sequence[FigureFiles]) -> list[FigureFiles]:
    """Return the most telling figures that fit on the page together."""
    chosen, left = [], MAX_PICTURE_BYTES
    for start in _PICTURES:
        for figure in figures:
            if figure.name.startswith(start) and figure not in chosen and figure.png.n_bytes <= left:
                chosen.append(figure)
                left -= figure.png.n_bytes
    return chosen


def _whereabouts(content: RunContent, run_folder: str) -> Iterator[str]:
    url = report_url(run_folder)
    if content.reported and url:
        yield f"[Open the report]({url})"
    elif content.reported:
        yield f"Report: `{run_folder}/report.html`"
    yield f"Run folder: `{run_folder}`"


def _show_table(key: str, rows: Rows, words: str) -> None:
    _unless_away(key, lambda: create_table_artifact(key=key, table=rows, description=words))


def _unless_away(key: str, show: Callable[[], object]) -> None:
    """Show something; a run goes on where the server does not answer."""
    try:
        show()
    except httpx.HTTPError as error:
        logger.warning("%s cannot be shown in the Prefect UI (%s)", key, error)


def _data_uri(figure: FigureFiles, store: Store) -> str:
    return "data:image/png;base64," + base64.b64encode(store.get(figure.png)).decode("ascii")


def _chosen(frame: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the columns that are shown, as far as they are there, under the names that they are shown with."""
    return frame[[name for name in columns if name in frame]].rename(columns=dict(columns))


def _rows(frame: pd.DataFrame) -> Rows:
    """Return rows with rounded numbers: the UI prints raw floats."""
    return [{str(name): _text(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR0124 - NaN
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "" if value is None or value is pd.NA else str(value)


def _markdown(rows: Rows) -> str:
    columns = list(rows[0]) if rows else []
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    cells = [[cell.replace("|", "\\|") for cell in row.values()] for row in rows]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])
