"""What a run shows in the Prefect UI: small tables and one page with the answer."""

import base64
from pathlib import Path

import pandas as pd
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from tasks.records import FigureFiles, RunContent
from tasks.score import with_rank_range
from tasks.store import Store

_TOP = 20
_MAX_INLINE_BYTES = 300_000
_SHOWN = {
    "target": "target",
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
_WORDS = (
    "Rank range: best and worst rank when one replicate group at a time is left out; stability: the share "
    "of these rankings with the gene in the top 1% (25 genes at least); weight stability: the same with other weights."
)


def show_in_ui(content: RunContent, store: Store, study: str, place: Path) -> None:
    """Create the artifacts of one run: quality, validation and top genes as tables, and a page that says the answer."""
    key = study.lower().replace("_", "-")
    quality = store.get_table(content.prepared.quality)
    create_table_artifact(key=f"{key}-quality", table=_rows(quality), description="Quality of each sample")
    page = [f"# {study}", f"Run folder: `{place}`"]
    if content.validated:
        validation = store.get_table(content.validated.validation)
        create_table_artifact(
            key=f"{key}-validation",
            table=_rows(validation),
            description=" ".join(content.validated.sentences),
        )
        page += ["## How sure", *(f"- {sentence}" for sentence in content.validated.sentences)]
    if content.ranked:
        ranking = store.get_table(content.ranked.ranking)
        top = with_rank_range(ranking[ranking["rank"] <= _TOP]).dropna(axis="columns", how="all")
        shown = top[[name for name in _SHOWN if name in top]].rename(columns=_SHOWN)
        create_table_artifact(
            key=f"{key}-top-genes", table=_rows(shown), description=f"Top {_TOP} genes of each target. {_WORDS}"
        )
        page += [f"## Top genes\n\n{_markdown(shown)}\n\n{_WORDS}"]
        page += [f"- {said}" for said in _sure(content)]
    page += ["## Notes", *(f"- {note}" for note in content.notes)]
    page += [f"## {figure.title}\n\n![{figure.title}]({_data_uri(figure, store)})" for figure in _small(content)]
    create_markdown_artifact(key=f"{key}-summary", markdown="\n\n".join(page), description="The answer in short")


def _small(content: RunContent) -> list[FigureFiles]:
    """Return the ranking's figures that are small enough to live in Prefect's database."""
    ranked = [figure for figure in content.figures if figure.name.startswith("ranking")]
    return [figure for figure in ranked if figure.png.n_bytes <= _MAX_INLINE_BYTES][:2]


def _data_uri(figure: FigureFiles, store: Store) -> str:
    return "data:image/png;base64," + base64.b64encode(store.get(figure.png)).decode("ascii")


def _rows(frame: pd.DataFrame) -> list[dict[str, str]]:
    """Return rows with rounded numbers: the UI prints raw floats."""
    return [{str(name): _text(value) for name, value in row.items()} for row in frame.to_dict("records")]


def _text(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.4g}"  # noqa: PLR0124 - NaN
    return "" if value is None or value is pd.NA else str(value)


def _sure(content: RunContent) -> tuple[str, ...]:
    """Return what negative controls say, target by target."""
    return tuple(content.controls.sentences.values()) if content.controls else ()


def _markdown(top: pd.DataFrame) -> str:
    columns = [str(name) for name in top]
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    cells = [[cell.replace("|", "\\|") for cell in row.values()] for row in _rows(top[columns])]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])
