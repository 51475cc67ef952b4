"""Writing a planted study to a folder."""

from pathlib import Path

import pandas as pd
import yaml

from configs.simulation import SimulationConfig
from models.simulation import homology_file, simulate, study_document
from tasks.folders import put_files
from tasks.places import check_output_folder

STUDY_FILE = "study.yaml"


def write_simulation(config: SimulationConfig, target: Path) -> Path:
    """Simulate a study and write its tables, truth and study file; returns the study file.

    The folder appears whole or not at all; an earlier simulation in it is replaced file by file, its store stays.

    Raises
    ------
    OutputError
        The folder cannot be written, or holds something other than a study.
    """
    check_output_folder(target, marker=STUDY_FILE, what="simulated study")
    study = simulate(config)
    tables: dict[str, pd.DataFrame] = {
        "expression.tsv": study.expression,
        "metabolites.tsv": study.metabolites,
        "samples.tsv": study.samples,
        "truth.tsv": study.truth,
    }

    def write(temporary: Path) -> None:
        for name, table in tables.items():
            table.to_csv(temporary / name, sep="\t", index=False, lineterminator="\n")
        for family, text in study.homology.items():
            (temporary / homology_file(family)).write_text(text, "utf-8")
        document = yaml.safe_dump(study_document(study, config), sort_keys=False, allow_unicode=True)
        (temporary / STUDY_FILE).write_text(document, "utf-8")

    put_files(target, write)
    return target / STUDY_FILE
