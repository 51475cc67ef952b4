"""What chance can do: labels that are permuted, and held-out samples predicted by whoever learnt these."""

from configs.artifact import Artifact, Runtime
from configs.study import GraphConfig
from models.seeds import derived_seed
from tasks.records import Fold, FoldPlan, FoldTraining, LabelDraws
from tasks.stage import stage
from tasks.store import Store
from tasks.train import graph_nodes


@stage("permute-labels")
def permute_labels(sheet: Artifact, plan: FoldPlan, count: int, seed: int, runtime: Runtime) -> LabelDraws:
    """Draw labels by chance, with the groups and the balance of the first repeat's folds kept."""
    from models.label_null import label_draws

    store = Store(runtime.store)
    samples = store.get_table(sheet).sort_values("sample_id", ignore_index=True)
    folds = store.get_table(plan.table)
    first = folds[(folds["repeat"] == 1) & folds["fold"].isin(plan.folds) & (folds["role"] == "held_out")]
    drawn, arrangements = label_draws(samples, first, count=count, seed=derived_seed(seed, "labels"))
    return LabelDraws(table=store.put_table(drawn, "label_draws"), arrangements=arrangements)


@stage("predict-permuted", run_name="predict-permuted-fold-{fold.name}")
def predict_permuted(
    fold: Fold,
    training: FoldTraining,
    sheet: Artifact,
    draws: LabelDraws,
    config: GraphConfig,
    seed: int,
    runtime: Runtime,
) -> Artifact:
    """Train every method on permuted labels, and predict the held-out samples: what chance can do in this fold."""
    from models.device import choose_device
    from models.graph_tables import drawn_codes
    from models.null_predictions import null_predictions

    store = Store(runtime.store)
    latents = {name: layer.latents for name, layer in training.layers.items()}
    principal = {name: layer.principal for name, layer in training.layers.items()}
    data, samples = graph_nodes(fold, latents, principal, sheet, store)
    found = null_predictions(
        data,
        drawn_codes(store.get_table(draws.table), data, samples),
        samples,
        config=config,
        seed=derived_seed(seed, "permuted", fold.name),
        device=choose_device(runtime.device),
    )
    found.insert(0, "fold", fold.name)
    return store.put_table(found, "null_predictions")
