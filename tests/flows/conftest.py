"""One temporary Prefect server a session, and a tiny study that runs in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from prefect.settings import PREFECT_RESULTS_LOCAL_STORAGE_PATH, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from configs.loading import load_study
from configs.simulation import SimulationConfig
from configs.stages import STAGES
from configs.study import StudyConfig
from flows.discover import Discovered
from flows.embedded import run_embedded
from tasks.simulate import write_simulation

TINY = (
    "autoencoder.widths.transcriptome=[12]",
    "autoencoder.widths.metabolome=[8]",
    "autoencoder.latent=6",
    "autoencoder.max_epochs=8",
    "graph.max_epochs=8",
    "ranking.permutations=20",
    "ranking.cards=10",
    "validation.folds=3",
    "validation.repeats=1",
    "validation.permutations=19",
    "homology.proteins=proteins.faa",
    "families.flavonoids_enzymes.references=known.faa",
)
RESIDUES = np.array(list("ACDEFGHIKLMNPQRSTVWY"))


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run a temporary server; result records go to a folder of the session, never to the user's own."""
    results = tmp_path_factory.mktemp("results")
    with (
        prefect_test_harness(server_startup_timeout=120),
        temporary_settings({PREFECT_RESULTS_LOCAL_STORAGE_PATH: results}),
    ):
        yield


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a simulated study: 120 genes with their proteins, a known protein, 24 metabolites."""
    folder = tmp_path_factory.mktemp("simulated")
    write_simulation(SimulationConfig(genes=120, metabolites=24, modules=4, pathway_genes=8, paralogs=4), folder)
    genes = pd.read_csv(folder / "expression.tsv", sep="\t", usecols=["gene_id"])["gene_id"]
    sequences = ["".join(row) for row in np.random.default_rng(1).choice(RESIDUES, (len(genes), 120))]
    proteins = [f">{gene}.p1\n{sequence}\n" for gene, sequence in zip(genes, sequences, strict=True)]
    (folder / "proteins.faa").write_text("".join(proteins), "utf-8")
    (folder / "known.faa").write_text(f">known\n{sequences[7][:100]}\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_study(simulated: Path) -> StudyConfig:
    """Return the settings of the simulated study, cut down to run in seconds."""
    return load_study((simulated / "study.yaml").read_text("utf-8"), file="study.yaml", overrides=TINY)


@pytest.fixture(scope="session")
def command_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment in which the command line has a Prefect database of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**kept, "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the store that the runs of the session share."""
    return tmp_path_factory.mktemp("store")


def copy_study(source: Path, folder: Path, without: set[str]) -> None:
    """Copy the files of a study but for some, to a new folder; what its runs left stays behind."""
    folder.mkdir()
    for path in source.iterdir():
        if path.is_file() and path.name not in without:
            (folder / path.name).write_bytes(path.read_bytes())


def run_study(study: StudyConfig, simulated: Path, out: Path, store: Path, **changes: object) -> Discovered:
    """Run all stages of a study with changed settings."""
    changed = study.model_copy(update={"store": study.store.model_copy(update={"url": str(store)}), **changes})
    return run_embedded(changed, simulated, str(out), STAGES)


@pytest.fixture(scope="session")
def first(
    prefect_server: None,
    tiny_study: StudyConfig,
    simulated: Path,
    store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Discovered:
    """Run the tiny study once for the session."""
    return run_study(tiny_study, simulated, tmp_path_factory.mktemp("out") / "first", store)
