"""Stage 3: maps of the latents, gene-metabolite correlation, and what held-out predictions say."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.study import CorrelationConfig
from models.conditions import conditions_of, label_columns
from models.latents import concatenated_latents
from models.seeds import derived_seed
from tasks.records import Correlations, PairedLayers, Validated
from tasks.stage import stage
from tasks.store import Store

if TYPE_CHECKING:
    from models.correlation import PairTable


@stage("embed-latents")
def embed_latents(latents: dict[str, Artifact], shared: tuple[str, ...], seed: int, runtime: Runtime) -> Artifact:
    """Map the latents of the final fit to the plane, each layer alone and all together."""
    from models.embedding import embed

    store = Store(runtime.store)
    tables = {name: store.get_table(artifact) for name, artifact in latents.items()}
    spaces = {"all layers": tables, **{name: {name: table} for name, table in tables.items()}}
    frames = [
        pd.DataFrame(
            {
                "method": method,
                "space": space,
                "sample_id": pd.Series(list(shared), dtype="str"),
                "x": points[:, 0].astype(np.float64),
                "y": points[:, 1].astype(np.float64),
            }
        )
        for space, members in spaces.items()
        for method, points in embed(
            concatenated_latents(members, shared), seed=derived_seed(seed, "embed", space)
        ).items()
    ]
    return store.put_table(pd.concat(frames, ignore_index=True), "embedding")


@stage("correlate")
def correlate(layers: PairedLayers, config: CorrelationConfig, runtime: Runtime) -> Correlations:
    """Correlate every gene with every metabolite, over all samples and within each large enough condition."""
    from models.correlation import passing_pairs

    store = Store(runtime.store)
    gene_layer, metabolite_layer = (
        store.get_layer(layers.genes, "genes"),
        store.get_layer(layers.metabolites, "metabolites"),
    )
    conditions = {"all samples": layers.shared}
    if config.per_condition:
        samples = store.get_table(layers.sheet)
        usable = samples[samples["sample_id"].isin(layers.shared)]
        conditions |= conditions_of(usable, label_columns(samples), minimum=config.min_condition_samples)
    listed, tested = [], []
    for condition, members in conditions.items():
        pairs = passing_pairs(
            gene_layer.columns_of(members),
            metabolite_layer.columns_of(members),
            alpha=config.alpha,
            max_listed=config.max_listed_pairs,
        )
        listed.append(_pair_rows(pairs, condition, gene_layer.feature_ids, metabolite_layer.feature_ids))
        tested.append(
            {
                "condition": condition,
                "n_samples": len(members),
                "n_pairs": pairs.n_pairs,
                "n_passing": pairs.n_passing,
                "smallest_p": pairs.smallest_p,
            }
        )
    notes = tuple(
        f"{row['condition']}: {row['n_passing']:,} of {row['n_pairs']:,} pairs pass q <= {config.alpha:g}."
        for row in tested
    )
    return Correlations(
        pairs=store.put_table(pd.concat(listed, ignore_index=True), "pairs"),
        conditions=store.put_table(pd.DataFrame(tested), "conditions"),
        notes=notes,
    )


@stage("validate")
def validate(predictions: tuple[Artifact, ...], runtime: Runtime) -> Validated:
    """Score held-out predictions, pooled over folds, and say in a sentence what they mean."""
    from models.comparison import validation_table, verdict

    store = Store(runtime.store)
    pooled = pd.concat([store.get_table(artifact) for artifact in predictions], ignore_index=True)
    scores = validation_table(pooled)
    return Validated(
        validation=store.put_table(scores, "validation"),
        predictions=store.put_table(pooled, "predictions"),
        verdicts=tuple(verdict(scores, str(label)) for label in scores["label"].unique()),
    )


def _pair_rows(
    pairs: "PairTable", condition: str, gene_ids: tuple[str, ...], metabolite_ids: tuple[str, ...]
) -> pd.DataFrame:
    names = {"gene_id": ("gene", gene_ids), "metabolite_id": ("metabolite", metabolite_ids)}
    texts = {
        column: pd.Series(np.array(ids, dtype=object)[pairs.frame[index].to_numpy()], dtype="str")
        for column, (index, ids) in names.items()
    }
    condition_column = pd.Series([condition] * len(pairs.frame), dtype="str")
    numbers = pairs.frame[["n_samples", "rho", "p", "q"]].reset_index(drop=True)
    return pd.DataFrame({"condition": condition_column, **texts, **numbers})
