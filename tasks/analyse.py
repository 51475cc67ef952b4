"""Stage 3: maps of the latents, gene-metabolite correlation, and what held-out predictions say."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.study import CorrelationConfig
from models.conditions import conditions_of, label_columns
from models.latents import concatenated_latents
from models.layer import Layer
from models.seeds import derived_seed
from tasks.records import Correlations, LabelDraws, PairedLayers, Validated
from tasks.stage import stage
from tasks.store import Store
from tasks.workers import correlation_workers

if TYPE_CHECKING:
    from models.arithmetic import Workers
    from models.correlation import PairTable

ALL_SAMPLES = "all samples"
"""Name of the condition that holds every sample of both layers."""
STRONGEST_PAIRS = 100_000
"""Pairs of each condition that figures and workbook choose from where all pairs are listed."""


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
    store, workers = Store(runtime.store), correlation_workers(runtime)
    samples = store.get_table(layers.sheet)
    genes, metabolites = store.get_layer(layers.genes, "genes"), store.get_layer(layers.metabolites, "metabolites")
    members = {ALL_SAMPLES: layers.shared}
    if config.per_condition:
        usable = samples[samples["sample_id"].isin(layers.shared)]
        members |= conditions_of(usable, label_columns(samples), minimum=config.min_condition_samples)
    conditions = {
        name: _Condition(genes.restricted_to(ids), metabolites.restricted_to(ids), samples, config, workers)
        for name, ids in members.items()
    }
    found = {name: condition.strongest() for name, condition in conditions.items()}
    tested = [
        {
            "condition": name,
            "n_samples": len(members[name]),
            "n_pairs": pairs.n_pairs,
            "n_passing": pairs.n_passing,
            "smallest_p": pairs.smallest_p,
        }
        for name, pairs in found.items()
    ]
    strongest = [conditions[name].named(pairs.frame, name) for name, pairs in found.items()]
    kept = store.put_table(pd.concat(strongest, ignore_index=True), "pairs")
    return Correlations(
        pairs=kept,
        listed=kept if config.max_listed_pairs else store.put_tables(_every_pair(conditions), "pairs"),
        top=store.put_table(conditions[ALL_SAMPLES].top(), "top_pairs"),
        conditions=store.put_table(pd.DataFrame(tested), "conditions"),
        notes=tuple(
            f"{row['condition']}: {row['n_passing']:,} of {row['n_pairs']:,} pairs pass q <= {config.alpha:g}."
            for row in tested
        ),
    )


@stage("validate")
def validate(
    predictions: tuple[Artifact, ...],
    permuted: tuple[Artifact, ...],
    draws: LabelDraws,
    sheet: Artifact,
    seed: int,
    runtime: Runtime,
) -> Validated:
    """Score held-out predictions, pooled over folds, against permuted labels, and say in a sentence what they mean."""
    from models.validation import validate_predictions

    store = Store(runtime.store)

    def pooled(artifacts: tuple[Artifact, ...]) -> pd.DataFrame:
        return pd.concat([store.get_table(artifact) for artifact in artifacts], ignore_index=True)

    made = pooled(predictions)
    found = validate_predictions(
        made,
        pooled(permuted),
        store.get_table(sheet),
        draws.arrangements,
        seed=derived_seed(seed, "validate"),
    )
    return Validated(
        validation=store.put_table(found.scores, "validation"),
        predictions=store.put_table(made, "predictions"),
        confusion=store.put_table(found.confusion, "confusion"),
        null=store.put_table(found.null, "label_null"),
        verdicts=store.put_table(found.verdicts, "verdicts"),
        sentences=tuple(found.verdicts["sentence"]),
    )


class _Condition:
    """The genes and metabolites in the samples of one condition, and how they are correlated."""

    def __init__(
        self, genes: Layer, metabolites: Layer, sheet: pd.DataFrame, config: CorrelationConfig, workers: "Workers"
    ) -> None:
        from models.design import Design

        self._genes, self._metabolites, self._config, self._workers = genes, metabolites, config, workers
        self._design = Design.of_samples(sheet, genes.sample_ids)

    def strongest(self) -> "PairTable":
        """Return the strongest pairs that pass."""
        from models.correlation import passing_pairs

        return passing_pairs(
            self._genes.values,
            self._metabolites.values,
            alpha=self._config.alpha,
            max_listed=self._config.max_listed_pairs or STRONGEST_PAIRS,
            method=self._config.method,
            workers=self._workers,
        )

    def every_pair(self) -> Iterator[pd.DataFrame]:
        """Yield all pairs that pass, block by block."""
        from models.correlation import every_passing_pair

        pairs = every_passing_pair(
            self._genes.values,
            self._metabolites.values,
            alpha=self._config.alpha,
            method=self._config.method,
            workers=self._workers,
        )
        yield from pairs.frames

    def top(self) -> pd.DataFrame:
        """Return the strongest partners of each gene and metabolite."""
        from models.top_pairs import top_pairs

        found = top_pairs(
            self._genes.values,
            self._metabolites.values,
            per_gene=self._config.top_per_gene,
            per_metabolite=self._config.top_per_metabolite,
            method=self._config.method,
            workers=self._workers,
        )
        numbers = found[["n_samples", "rho", "p"]]
        return pd.concat([found[["side", "rank"]], self._ids(found), numbers, self._designed(found)], axis=1)

    def named(self, frame: pd.DataFrame, condition: str) -> pd.DataFrame:
        """Return pairs with ids in place of rows, under a condition's name, with the design's coefficients."""
        numbers = frame[["n_samples", "rho", "p", "q"]].reset_index(drop=True).astype({"n_samples": np.int64})
        conditions = pd.DataFrame({"condition": pd.Series([condition] * len(frame), dtype="str")})
        return pd.concat([conditions, self._ids(frame), numbers, self._designed(frame)], axis=1)

    def _ids(self, frame: pd.DataFrame) -> pd.DataFrame:
        ids = {"gene": self._genes.feature_ids, "metabolite": self._metabolites.feature_ids}
        texts = {
            f"{side}_id": pd.Series(np.array(names, dtype=object)[frame[side].to_numpy(np.int64)], dtype="str")
            for side, names in ids.items()
        }
        return pd.DataFrame(texts)

    def _designed(self, frame: pd.DataFrame) -> pd.DataFrame:
        from models.design_correlation import design_correlation

        pairs = frame["gene"].to_numpy(np.int64), frame["metabolite"].to_numpy(np.int64)
        values, method = (self._genes.values, self._metabolites.values), self._config.method
        return design_correlation(*values, pairs, self._design, method=method, workers=self._workers).columns()


def _every_pair(conditions: dict[str, _Condition]) -> Iterator[pd.DataFrame]:
    """Yield all pairs that pass, condition by condition and block by block; the first frame is empty."""
    empty = pd.DataFrame({name: [] for name in ("gene", "metabolite", "n_samples", "rho", "p", "q")})
    yield conditions[ALL_SAMPLES].named(empty, ALL_SAMPLES)
    for name, condition in conditions.items():
        for frame in condition.every_pair():
            yield condition.named(frame, name)
