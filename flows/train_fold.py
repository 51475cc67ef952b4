"""The child flow of one fold, and the cached task that stands for it in the parent."""

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from configs.artifact import Runtime
from configs.errors import CairnError
from flows.cancelling import end_at_once_when_terminated
from flows.fold_ways import train_by_deployment, train_in_process
from flows.outcomes import Complaint, Outcome, tell
from tasks.live import let_loggers_speak
from tasks.records import FoldJob, FoldTraining
from tasks.stage import stage
from tasks.train import train_graph_on_fold, train_layer


@flow(name="train-fold", flow_run_name="{runtime.study}-fold-{job.fold.name}", persist_result=False)
def train_fold(job: FoldJob, runtime: Runtime) -> dict[str, Any]:
    """Train one autoencoder per layer and, where the study has labels, the graph network over their latents.

    Returns
    -------
    dict
        Fields of `tasks.records.FoldTraining`: plain JSON, since a pydantic result of a flow does not come back as one.
    """
    let_loggers_speak()
    if runtime.folds not in {"subprocess", "deployment"}:
        return _trained(job, runtime).model_dump(mode="json")
    end_at_once_when_terminated()
    try:
        done = _trained(job, runtime)
    except CairnError as error:
        tell(_own_run(), Outcome(complaint=Complaint.of(error)))
        raise
    tell(_own_run(), Outcome(training=done))
    return done.model_dump(mode="json")


@stage("fold", run_name="fold-{job.fold.name}")
def fold(job: FoldJob, runtime: Runtime) -> FoldTraining:
    """Train one fold in its own flow run, wherever the study wants it; a finished fold is never trained again."""
    if runtime.folds == "subprocess":
        return train_in_process(train_fold, job, runtime)
    if runtime.folds == "deployment":
        return train_by_deployment(job, runtime)
    return FoldTraining.model_validate(train_fold(job, runtime))


def _own_run() -> FlowRun:
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        message = "a fold is trained in a flow run only"
        raise RuntimeError(message)
    return context.flow_run


def _trained(job: FoldJob, runtime: Runtime) -> FoldTraining:
    layers = {
        name: train_layer(name, job.fold, layer, job.widths[name], job.autoencoder, job.seed, runtime)
        for name, layer in job.layers.items()
    }
    graph = None
    if job.labels:
        latents = {name: training.latents for name, training in layers.items()}
        principal = {name: training.principal for name, training in layers.items()}
        graph = train_graph_on_fold(job.fold, latents, principal, job.sheet, job.graph, job.seed, runtime)
    return FoldTraining(fold=job.fold.name, layers=layers, graph=graph)
