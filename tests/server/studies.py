"""A simulated study that a whole run takes seconds for."""

from pathlib import Path
from typing import Any

import yaml

from configs.simulation import SimulationConfig
from tasks.simulate import write_simulation

SIZE = SimulationConfig(genes=120, metabolites=24, modules=4, pathway_genes=8, paralogs=4)
FOLDS = ("0", "1", "2", "all")
SETTINGS: dict[str, dict[str, Any]] = {
    "autoencoder": {"widths": {"transcriptome": [12], "metabolome": [8]}, "latent": 6, "max_epochs": 8},
    "graph": {"max_epochs": 8},
    "ranking": {"permutations": 20},
    "validation": {"folds": 3, "repeats": 1, "permutations": 19},
}


def write_study(folder: Path, **more: Any) -> Path:
    """Write the tables and the study file of the simulated study.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    **more
        Further sections of the study file.

    Returns
    -------
    Path
        The study file.
    """
    write_simulation(SIZE, folder)
    file = folder / "study.yaml"
    document = yaml.safe_load(file.read_text("utf-8")) | SETTINGS | more
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    return file
