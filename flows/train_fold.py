"""The child flow of one fold, and the cached task that stands for it in the parent."""

from typing import Any

from prefect import flow

from configs.artifact import Runtime
from tasks.records import FoldJob, FoldTraining
from tasks.stage import stage
from tasks.train import train_graph_on_fold, train_layer


@flow(name="train-fold", flow_run_name="train-fold-{job.fold.name}", persist_result=False)
def train_fold(job: FoldJob, runtime: Runtime) -> dict[str, Any]:
    """Train one autoencoder per layer and, where the study has labels, the graph network over their latents.

    Returns
    -------
    dict
        Fields of `tasks.records.FoldTraining`: plain JSON, since a pydantic result of a flow does not come back as one.
    """
    layers = {
        name: train_layer(name, job.fold, layer, job.widths[name], job.autoencoder, job.seed, runtime)
        for name, layer in job.layers.items()
    }
    graph = None
    if job.labels:
        latents = {name: training.latents for name, training in layers.items()}
        principal = {name: training.principal for name, training in layers.items()}
        graph = train_graph_on_fold(job.fold, latents, principal, job.sheet, job.graph, job.seed, runtime)
    done = FoldTraining(fold=job.fold.name, layers=layers, graph=graph)
    return done.model_dump(mode="json")


@stage("fold", run_name="fold-{job.fold.name}")
def fold(job: FoldJob, runtime: Runtime) -> FoldTraining:
    """Train one fold in its own flow run; a finished fold is never trained again."""
    return FoldTraining.model_validate(train_fold(job, runtime))
