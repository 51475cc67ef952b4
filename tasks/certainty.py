"""How sure the evidence on targets is: without each replicate group, and with whole groups permuted."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from configs.artifact import Artifact, Runtime
from configs.errors import CairnError
from configs.ranking import BaitConfig
from models.arrays import Float32Array, Float64Array, FloatArray, IntArray
from models.baits import BaitCloseness
from models.gene_graph import GeneGraph
from models.layer import Layer
from models.measures import MIN_SAMPLES
from models.seeds import derived_seed
from tasks.records import (
    BaitEvidence,
    NullEvidence,
    PairedLayers,
    TargetInquiry,
    TargetQuestion,
)
from tasks.stage import stage
from tasks.store import Store
from tasks.target_values import TargetValues, groups_without, target_values
from tasks.workers import correlation_workers, usable_cores

_PIECE = 500_000
"""Rows of a table that are read in one go."""


@stage("refit-correlation")
def refit_correlation(
    layers: PairedLayers, targets: dict[str, tuple[str, ...]], question: TargetQuestion, runtime: Runtime
) -> Artifact:
    """Correlate every gene with each target again without each replicate group."""
    from models.correlation import best_partner
    from models.design import Design

    store, workers = Store(runtime.store), correlation_workers(runtime)
    study = target_values(layers, store)
    groups = groups_without(Design.of_samples(study.sheet, layers.shared).groups, fewest=MIN_SAMPLES)
    tables = []
    for target, members in targets.items():
        values, refits = study.members(members), {}
        for group, keep in groups.items():
            rows = study.course.taken(keep).shaped(values[:, keep])
            best = best_partner(
                study.genes.values[:, keep],
                rows.values,
                method=question.method,
                direction=question.direction,
                workers=workers,
            )
            refits[group] = best.strength
        tables.append(_refit_table(target, study.genes, refits))
    return store.put_table(pd.concat(tables, ignore_index=True), "refits")


@stage("refit-baits")
def refit_baits(genes: Artifact, sheet: Artifact, bait: BaitEvidence, config: BaitConfig, runtime: Runtime) -> Artifact:
    """Find mutual ranks with the baits again without each replicate group; the gene graph stays as it is."""
    from models.arithmetic import Workers
    from models.design import Design

    store, workers = Store(runtime.store), Workers(threads=usable_cores())
    layer = store.get_layer(genes, "genes")
    groups = groups_without(Design.of_samples(store.get_table(sheet), layer.sample_ids).groups, fewest=MIN_SAMPLES)
    tables = []
    for target in bait.closeness:
        close = closeness_of(bait, target, store)
        refits = {
            group: close.with_whitened(layer.values[:, keep], config, workers).evidence()
            for group, keep in groups.items()
        }
        tables.append(_refit_table(target, layer, refits))
    return store.put_table(pd.concat(tables, ignore_index=True), "refits")


@stage("permute-groups")
def permute_groups(
    layers: PairedLayers,
    inquiry: TargetInquiry,
    targets: dict[str, tuple[str, ...]],
    question: TargetQuestion,
    config: BaitConfig,
    seed: int,
    runtime: Runtime,
) -> NullEvidence:
    """Draw the evidence on each of some targets anew with whole replicate groups permuted."""
    store = Store(runtime.store)
    permuting = _Permuting(layers, inquiry, targets, question, config, seed, runtime)
    tables, best = {}, []
    for target, members in targets.items():
        null, p = permuting.target(target, members)
        tables[target] = store.put_table(null, "null_evidence")
        best.append(permuting.best(target, p))
    return NullEvidence(tables=tables, best=store.put_table(pd.concat(best, ignore_index=True), "target_correlation"))


@stage("gather-nulls")
def gather_nulls(nulls: tuple[NullEvidence, ...], runtime: Runtime) -> NullEvidence:
    """Put the nulls of targets that were drawn apart together, in their order."""
    store = Store(runtime.store)
    best = pd.concat([store.get_table(null.best) for null in nulls], ignore_index=True)
    return NullEvidence(
        tables={target: table for null in nulls for target, table in null.tables.items()},
        best=store.put_table(best, "target_correlation"),
    )


def closeness_of(bait: BaitEvidence, target: str, store: Store) -> BaitCloseness:
    """Read the closeness of all genes to the baits of a target."""
    from models.bait_tables import closeness_from

    return closeness_from({part: store.get_table(table) for part, table in bait.closeness[target].items()})


class _Permuting:
    """What the permutations of some targets share."""

    def __init__(
        self,
        layers: PairedLayers,
        inquiry: TargetInquiry,
        targets: Collection[str],
        question: TargetQuestion,
        config: BaitConfig,
        seed: int,
        runtime: Runtime,
    ) -> None:
        from models.bait_tables import graph_from
        from models.design import Design

        self._store = store = Store(runtime.store)
        self._question, self._config, self._seed = question, config, seed
        self._inquiry, self._runtime = inquiry, runtime
        self._study: TargetValues = target_values(layers, store)
        self._genes = store.get_layer(layers.genes, "genes")
        self._groups = Design.of_samples(self._study.sheet, self._genes.sample_ids).groups
        self._evidence = _of_targets(targets, inquiry.correlation.evidence, store)
        self._best = _of_targets(targets, inquiry.correlation.best, store)
        tables = inquiry.graph
        self._graph: GeneGraph | None = None
        if tables is not None:
            self._graph = graph_from(store.get_table(tables.edges), store.get_table(tables.reach))

    def target(self, target: str, members: tuple[str, ...]) -> tuple[pd.DataFrame, Float64Array]:
        """Return the table of null values of one target, and p of the correlation alone."""
        from models.correlation_null import correlation_null
        from models.significance import expression_strata, group_permutations
        from models.target_null import correlation_p, null_genes, null_table

        bait, draws = self._closeness(target), self._question.permutations
        rows = self._study.spread(self._study.course.shaped(self._study.members(members)), self._genes.sample_ids)
        strength = self._evidence.loc[self._evidence["target"] == target, "strength"].to_numpy(np.float64)
        absent = np.isnan(strength) if bait is None else np.isnan(strength) & np.isnan(bait.evidence())
        stratum = expression_strata(self._genes.values, self._groups, absent)
        seed, excluded = derived_seed(self._seed, "permutation", target), () if bait is None else bait.baits
        chosen = null_genes(stratum, draws=draws, rows=len(rows), seed=seed, excluded=excluded)
        order = group_permutations(self._groups, count=draws, seed=seed)
        parts = {
            "correlation": correlation_null(
                self._genes.values[chosen],
                rows,
                order,
                method=self._question.method,
                direction=self._question.direction,
                workers=correlation_workers(self._runtime),
            )
        }
        if bait is not None:
            parts["bait"] = self._bait_null(bait, chosen, order)
        p = correlation_p(strength, parts["correlation"], chosen, stratum, self._groups)
        return null_table(parts, chosen, stratum), p

    def best(self, target: str, p: Float64Array) -> pd.DataFrame:
        """Return the correlation of each gene with its best metabolite, with its p."""
        rows = self._best[self._best["target"] == target].reset_index(drop=True)
        place = pd.Index(self._genes.feature_ids).get_indexer(pd.Index(rows["gene_id"]))
        return rows.assign(p=p[place])

    def _closeness(self, target: str) -> BaitCloseness | None:
        bait = self._inquiry.bait
        return closeness_of(bait, target, self._store) if bait is not None and target in bait.closeness else None

    def _bait_null(self, bait: BaitCloseness, chosen: IntArray, order: IntArray) -> Float32Array:
        from models.arithmetic import Workers
        from models.bait_null import bait_null

        if self._graph is None:
            message = "bait evidence without a gene graph"
            raise CairnError(message)
        workers = Workers(threads=usable_cores())
        return bait_null(
            self._genes.values, bait, chosen, order, graph=self._graph, config=self._config, workers=workers
        )


def _of_targets(targets: Collection[str], artifact: Artifact, store: Store) -> pd.DataFrame:
    """Read the rows of some targets: a study may have many, and each is permuted apart."""
    pieces = [piece[piece["target"].isin(targets)] for piece in store.iterate_table(artifact, _PIECE)]
    return pd.concat(pieces, ignore_index=True) if pieces else store.get_table(artifact)


def _refit_table(target: str, layer: Layer, refits: Mapping[str, FloatArray]) -> pd.DataFrame:
    from models.refits import refit_columns

    names = pd.Series(list(layer.feature_ids), dtype="str")
    fixed = {"target": pd.Series([target] * len(names), dtype="str"), "gene_id": names}
    return pd.DataFrame({**fixed, **refit_columns(refits)})
