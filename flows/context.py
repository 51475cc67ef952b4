"""What every stage of a run needs: the study, where it lies, where it is kept, and the steps so far."""

from pathlib import Path

from configs.artifact import Runtime, SourceFile
from configs.study import StudyConfig
from flows.steps import Step, Steps
from tasks.records import FigureFiles, PairedLayers, RunContent


def runtime_of(study: StudyConfig, folder: Path) -> Runtime:
    """Return where a study keeps its artifacts, and its checkpoints, which need a folder of this machine."""
    home = str(folder / ".cairn")
    url = study.store.url or home
    return Runtime(
        store=url,
        checkpoints=f"{home if '://' in url else url}/checkpoints",
        study=study.study,
        device=study.execution.device,
        folds=study.execution.folds,
        deployment=study.execution.deployment,
        parallel_folds=study.execution.parallel_folds,
        timeout_seconds=study.homology.timeout_minutes * 60,
    )


class Context:
    """One run of a study, as its stages see it."""

    def __init__(self, study: StudyConfig, folder: Path) -> None:
        self.study, self.folder = study, folder
        self.runtime = runtime_of(study, folder)
        self.steps = Steps()
        self.genes, self.metabolites = study.layer_with("genes"), study.layer_with("metabolites")
        self.pictures: list[Step[tuple[FigureFiles, ...]]] = []

    def paired(self, content: RunContent) -> PairedLayers:
        """Return the prepared gene and metabolite layers with the samples that every layer has."""
        prepared = content.prepared
        return PairedLayers(
            genes=prepared.prepared[self.genes],
            metabolites=prepared.prepared[self.metabolites],
            sheet=prepared.sheet,
            shared=prepared.shared,
        )

    def file(self, path: str) -> SourceFile:
        """Return a file of the study."""
        return SourceFile(path=str(self.folder / path))

    def optional_file(self, path: str | None) -> SourceFile | None:
        """Return a file of the study, if it is named."""
        return None if path is None else self.file(path)
