"""What deployments start: a study from the form of the Prefect UI, or from a study file at a path or URL."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger

from configs.form import StudyForm
from configs.loading import load_study
from configs.study import StudyConfig
from flows.cancelling import cancel_descendants
from flows.discover import discover
from flows.run_names import discover_file_name
from flows.steps import runner_of
from tasks.allowed import absolute, allowed_roots, check_allowed, is_url, place_at
from tasks.fetch import fetch_files, fetched_home, folder_of, move_to, read_text
from tasks.places import check_run_inputs, source_paths


@flow(
    name="discover-form",
    flow_run_name="discover-form-{study.name}",
    result_serializer="json",
    on_cancellation=[cancel_descendants],
    on_crashed=[cancel_descendants],
    on_failure=[cancel_descendants],
)
def discover_form(study: StudyForm, out: str | None = None) -> dict[str, Any]:
    """Find the genes of a pathway, from a study as a form.

    Parameters
    ----------
    study : StudyForm
        The study.
    out : str, optional
        Run folder, a path or URL; `<folder>/runs/<study>/<timestamp>` when not given.

    Returns
    -------
    dict
        Fields of `flows.discover.Discovered`; `run_folder` is a URL where the run folder lies at one.
    """
    return _discover(study.to_study(), absolute(study.folder), out)


@flow(
    name="discover-file",
    flow_run_name=discover_file_name,
    result_serializer="json",
    on_cancellation=[cancel_descendants],
    on_crashed=[cancel_descendants],
    on_failure=[cancel_descendants],
)
def discover_file(
    study_file: str, settings: tuple[str, ...] = (), out: str | None = None, previous: str | None = None
) -> dict[str, Any]:
    """Find the genes of a pathway, from a study file.

    Parameters
    ----------
    study_file : str
        Path on the worker, or URL such as s3://bucket/study/study.yaml; its tables lie below its folder.
    settings : tuple of str
        `key=value` settings that replace what the file says, for example `ranking.fusion=linear`.
    out : str, optional
        Run folder, a path or URL; `<folder of the study file>/runs/<study>/<timestamp>` when not given.
    previous : str, optional
        Run folder of an earlier version of the study, to say what has changed since.

    Returns
    -------
    dict
        Fields of `flows.discover.Discovered`; `run_folder` is a URL where the run folder lies at one.
    """
    place = absolute(study_file)
    base = folder_of(place)
    check_allowed([("study_file", place)], allowed_roots(os.environ, base))
    study = load_study(read_text(place), file=place, overrides=settings)
    return _discover(study, base, out, previous or None)


def _places(base: str, paths: list[str]) -> list[tuple[str, str]]:
    return [("a file of the study", place_at(base, path)) for path in paths]


def _discover(study: StudyConfig, base: str, out: str | None, previous: str | None = None) -> dict[str, Any]:
    """Check what a study names against the allowed roots, bring it here, run it, and leave the run folder at `out`."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    target = place_at(base, out or f"runs/{study.study}/{stamp}")
    study = _with_own_store(study, base)
    named = {"folder": base, "out": target, "store.url": str(study.store.url)}
    if previous:
        named["previous"] = place_at(base, previous)
    paths = list(source_paths(study))
    check_allowed([*named.items(), *_places(base, paths)], allowed_roots(os.environ, base))
    if not is_url(base):
        paths = list(source_paths(study, Path(base)))
        check_allowed(_places(base, paths), allowed_roots(os.environ, base))
    folder = fetch_files(base, paths, fetched_home()) if is_url(base) else Path(base)
    local = str(folder / "runs" / study.study / stamp) if is_url(target) else target
    check_run_inputs(study, folder, Path(local))
    earlier = named.get("previous")
    parallel = discover.with_options(task_runner=runner_of(study.execution))
    done: dict[str, Any] = parallel(study, str(folder), local, previous=earlier)
    if not is_url(target):
        return done
    move_to(Path(done["run_folder"]), target)
    get_run_logger().info("Run folder: %s", target)
    return {**done, "run_folder": target}


def _with_own_store(study: StudyConfig, base: str) -> StudyConfig:
    """Name the store as seen from the study's folder, so that a worker's current folder means nothing."""
    url = place_at(base, study.store.url or ".cairn")
    if study.store.url is None and is_url(base):
        get_run_logger().info("The study names no store: finished work is kept beside it, at %s.", url)
    return study.model_copy(update={"store": study.store.model_copy(update={"url": url})})
