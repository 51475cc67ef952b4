"""A whole run on ions of compounds under names of injections: it is the run of the compounds under sample ids."""

from pathlib import Path

import pandas as pd
import pytest

from configs.study import CompoundsConfig, StudyConfig
from flows.discover import Discovered
from tests.flows.conftest import copy_study, run_study

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("prefect_server")]


def _write(source: Path, folder: Path, doubtful: str) -> None:
    """Copy the simulated study; each metabolite comes as two ions, of which the second is a fifth as intense.

    All compounds are at level 1 but for `doubtful`, which is at level 3.
    """
    copy_study(source, folder, {"metabolites.tsv"})
    table = pd.read_csv(source / "metabolites.tsv", sep="\t")
    compound, *samples = table.columns
    injections = [f"inj{number:02}" for number in range(len(samples))]
    weak = table.assign(**{compound: table[compound] + "_Na"})
    weak[samples] = weak[samples] / 5
    ions = pd.concat([table.assign(**{compound: table[compound] + "_H"}), weak])
    ions.rename(columns=dict(zip(samples, injections, strict=True))).to_csv(
        folder / "metabolites.tsv", sep="\t", index=False
    )
    pd.DataFrame({"name": injections, "sample": samples}).to_csv(folder / "names.tsv", sep="\t", index=False)
    told = pd.DataFrame({"ion": ions[compound], "compound": ions[compound].str.rpartition("_")[0]})
    told["level"] = told["compound"].map({doubtful: 3}).fillna(1).astype(int)
    told.to_csv(folder / "ions.tsv", sep="\t", index=False)


def test_the_ranking_is_that_of_the_compounds(
    first: Discovered, tiny_study: StudyConfig, simulated: Path, store: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "ions"
    target, (doubtful, *_) = next(iter(tiny_study.targets.items()))
    _write(simulated, folder, doubtful)
    compounds = CompoundsConfig(
        table="ions.tsv", feature_column="ion", compound_column="compound", level_column="level"
    )
    metabolome = tiny_study.layers["metabolome"].model_copy(update={"compounds": compounds})
    done = run_study(
        tiny_study,
        folder,
        tmp_path / "run",
        store,
        layers={**tiny_study.layers, "metabolome": metabolome},
        samples=tiny_study.samples.model_copy(update={"map": "names.tsv"}),
    )
    rankings = [(Path(run.run_folder) / "ranking.parquet").read_bytes() for run in (first, done)]
    assert rankings[0] == rankings[1]
    trained = [timing.state for timing in done.content.timings if timing.name.startswith("fold-")]
    assert set(trained) == {"Cached"}
    page = (Path(done.run_folder) / "report.html").read_text("utf-8")
    assert f"Target {target} rests on metabolites annotated at level 3 or worse" in page
    assert f"{doubtful}&#39; (level 3)" in page
