"""Names of flow runs whose parameter is a long path: short ones that say the study."""

from pathlib import PurePosixPath

from prefect.runtime import flow_run

from configs.watch import WatchConfig
from tasks.versions import VERSIONS


def discover_file_name() -> str:
    """Return `discover-file-<study folder>`, with the number of a version behind it."""
    return f"discover-file-{_study_folder(str(flow_run.parameters['study_file']))}"


def watch_name() -> str:
    """Return `watch-<study folder>`."""
    return f"watch-{_study_folder(WatchConfig.model_validate(flow_run.parameters['config']).study_file)}"


def name_of_ranking(word: str) -> str:
    """Return `<word>-<study>-<run>` from a run folder `runs/<study>/<run>`."""
    return "-".join((word, *PurePosixPath(str(flow_run.parameters["run_folder"])).parts[-2:]))


def _study_folder(study_file: str) -> str:
    parts = PurePosixPath(study_file).parent.parts[-3:]
    return f"{parts[0]}-{parts[2]}" if len(parts) == 3 and parts[1] == VERSIONS else (parts or ("study",))[-1]
