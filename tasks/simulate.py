"""Writing a planted study to a folder."""

import shutil
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from configs.simulation import SimulationConfig
from models.simulation import homology_file, simulate, study_document
from tasks.publish import check_output_folder
from tasks.store import output_error

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
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".simulating.", dir=target) as temporary:
            for name, table in tables.items():
                table.to_csv(Path(temporary) / name, sep="\t", index=False, lineterminator="\n")
            for family, text in study.homology.items():
                (Path(temporary) / homology_file(family)).write_text(text, "utf-8")
            document = yaml.safe_dump(study_document(study, config), sort_keys=False, allow_unicode=True)
            (Path(temporary) / STUDY_FILE).write_text(document, "utf-8")
            for file in sorted(Path(temporary).iterdir()):
                shutil.move(file, target / file.name)
    except OSError as error:
        raise output_error(error, str(target)) from error
    return target / STUDY_FILE
