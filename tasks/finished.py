"""Finished runs: what a new ranking of one is made from, and whether it is still there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from configs.artifact import Artifact
from configs.errors import StudyFileError
from configs.form import RankingChoice
from configs.loading import study_from
from configs.study import StudyConfig
from tasks.allowed import is_url, place_at
from tasks.fetch import folder_of, read_text
from tasks.places import CONTENT, no_finished_run
from tasks.records import FinishedRun
from tasks.store import Store


def home_of(run_folder: str) -> str:
    """Return the folder or URL of the study, where a run folder lies as by default, or else what it lies in."""
    parts = run_folder.rstrip("/").rsplit("/", 3)
    return parts[0] if len(parts) == 4 and parts[1] == "runs" and parts[0] else folder_of(run_folder)


def read_finished(run_folder: str) -> FinishedRun:
    """Read what a run left for a new ranking.

    Parameters
    ----------
    run_folder : str
        Absolute path or URL.

    Raises
    ------
    StudyFileError
        It is not the folder of a finished run with a ranking, or was written by a version that kept other things.
    """
    if not is_url(run_folder) and not (Path(run_folder) / CONTENT).is_file():
        raise no_finished_run(Path(run_folder), CONTENT)
    where = place_at(run_folder, CONTENT)
    try:
        finished = FinishedRun.model_validate_json(read_text(where))
    except ValidationError as error:
        raise StudyFileError(
            wanted="what a run of this version of Cairn leaves",
            found=f"{error.error_count()} of its entries missing or wrong",
            where=where,
            remedy="Run the study again; what has not changed is not computed again.",
        ) from error
    if finished.content.ranked is None or finished.content.evidence is None:
        raise StudyFileError(
            wanted="a run with a ranking",
            found="one that ended before it",
            where=run_folder,
            remedy="Run the study without --only first.",
        )
    return finished


def study_again(finished: FinishedRun, choice: RankingChoice | None, settings: Sequence[str]) -> StudyConfig:
    """Return the study of a run with another ranking; raises StudyFileError for a setting of anything else."""
    document = finished.study.model_dump(mode="json")
    document["ranking"] |= choice.settings() if choice else {}
    study = study_from(document, file="the finished run", overrides=settings)
    if study.model_copy(update={"ranking": finished.study.ranking}) != finished.study:
        raise StudyFileError(
            wanted="settings of the ranking, such as ranking.weights.correlation=0.6",
            found=" ".join(settings),
            where="the settings of a new ranking",
            remedy="Run the study again to change anything else.",
        )
    return study.model_copy(update={"store": study.store.model_copy(update={"url": finished.store})})


def check_objects(finished: FinishedRun) -> None:
    """Raise StudyFileError where objects that a ranking or its report is made from are gone from the store."""
    store, needed = Store(finished.store), {artifact.uri: artifact for artifact in _needed(finished)}
    gone = [artifact.kind for artifact in needed.values() if not store.has(artifact)]
    if gone:
        raise StudyFileError(
            wanted=f"the {len(needed)} objects that a ranking is made from",
            found=f"{len(gone)} of them gone, such as a {gone[0]}",
            where=finished.store,
            remedy="Run the study again: only what is gone is made anew; then rank again.",
        )


def _needed(finished: FinishedRun) -> Iterator[Artifact]:
    """Yield what is read again; the weights of networks are not."""
    from tasks.caching import artifacts_in
    from tasks.publish import tables_of

    content = finished.content
    kept = content.model_copy(update={"folds": {}, "ranked": None, "controls": None, "cards": None, "reported": None})
    yield from artifacts_in(kept)
    yield from (artifact for _, artifact in tables_of(kept.model_copy(update={"folds": content.folds})))
