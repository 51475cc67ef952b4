"""One fold of a small study, which trains in a second or two."""

from pathlib import Path

import numpy as np

from configs.artifact import Runtime
from configs.study import AutoencoderConfig, GraphConfig, ValidationConfig
from tasks import prepare
from tasks.records import Fold, FoldJob
from tests.tasks.small_study import SmallStudy

AUTOENCODER = AutoencoderConfig(latent=4, max_epochs=6)
GRAPH = GraphConfig(max_epochs=6)


def small_job(folder: Path) -> tuple[FoldJob, Runtime]:
    """Return a fold of a study whose store is in `folder`, and where to work on it."""
    study = SmallStudy(folder)
    layers, store = study.layers, study.store
    samples = store.get_table(layers.sheet)
    sheet = store.put_table(samples.assign(treatment=np.where(samples.index % 4 < 2, "dry", "wet")), "samples")
    config = ValidationConfig(folds=3, repeats=1)
    plan = prepare.plan.fn(sheet, layers.shared, config, AUTOENCODER.inner_share, 1, study.runtime)
    job = FoldJob(
        fold=Fold(name=plan.folds[0], plan=plan.table, max_missing=0.5),
        layers={"transcriptome": layers.genes, "metabolome": layers.metabolites},
        sheet=sheet,
        labels=("treatment",),
        widths={"transcriptome": (8,), "metabolome": (6,)},
        autoencoder=AUTOENCODER,
        graph=GRAPH,
        seed=1,
    )
    return job, study.runtime.model_copy(update={"study": "small"})
