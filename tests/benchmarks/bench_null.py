"""The gene graph, closeness to baits, and the null of a target, at the size of two real studies."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import cast

import numpy as np

from configs.ranking import BaitConfig
from configs.simulation import SimulationConfig
from models.arithmetic import Workers
from models.bait_null import bait_null
from models.baits import bait_closeness, whitened_graph
from models.correlation import best_partner
from models.correlation_null import correlation_null
from models.significance import expression_strata, group_permutations
from models.simulation import simulate
from models.target_null import null_genes
from tests.benchmarks.measuring import measured
from tests.benchmarks.tables import Table

THREADS, DRAWS, METABOLITES, SEED = 2, 1_000, 4, 1
SIZES = ((132_129, 5), (22_570, 78))
"""Genes and baits."""
STEPS = ("gene graph", "closeness to baits", "strata and genes of the null", "null of baits", "null of correlation")


def permuted(n_genes: int, n_baits: int) -> Callable[[], object]:
    """Return all steps up to the null values of one target; it returns their seconds and number of genes."""
    size = {"genes": n_genes, "metabolites": 20, "target_metabolites": METABOLITES, "missing_share": 0.0}
    study = simulate(SimulationConfig.model_validate({**size, "pathway_genes": n_baits + 10, "baits": n_baits}))
    genes = np.log2(study.expression.iloc[:, 1:].to_numpy() + 1).astype(np.float32)
    (name, ids), *_ = study.targets.items()
    metabolites = np.log2(study.metabolites.set_index(study.metabolites.columns[0]).loc[ids].to_numpy() + 1)
    baits = np.flatnonzero(study.expression.iloc[:, 0].isin(study.baits[name]))
    groups = study.samples["group"].tolist()
    config, workers = BaitConfig(), Workers(THREADS)

    def run() -> tuple[list[tuple[float, float]], int]:
        clock = [_now()]
        graph = whitened_graph(genes, config, workers)
        clock.append(_now())
        close = bait_closeness(genes, baits, config=config, graph=graph, workers=workers)
        clock.append(_now())
        absent = np.isnan(best_partner(genes, metabolites, workers=workers).strength)
        stratum = expression_strata(genes, groups, absent)
        chosen = null_genes(stratum, draws=DRAWS, rows=len(metabolites), seed=SEED, excluded=close.baits)
        order = group_permutations(groups, count=DRAWS, seed=SEED)
        clock.append(_now())
        bait_null(genes, close, chosen, order, graph=graph, config=config, workers=workers)
        clock.append(_now())
        correlation_null(genes[chosen], metabolites, order, workers=workers)
        clock.append(_now())
        return [(after[0] - before[0], after[1] - before[1]) for before, after in pairwise(clock)], len(chosen)

    return run


def _now() -> tuple[float, float]:
    """Return the wall clock and what all threads of this process have computed, seconds."""
    return time.perf_counter(), time.process_time()


def _rows(n_genes: int, n_baits: int) -> Iterator[tuple[str, ...]]:
    one = measured(permuted, n_genes=n_genes, n_baits=n_baits)
    seconds, n_null = cast("tuple[list[tuple[float, float]], int]", one.result)
    total = (sum(wall for wall, _ in seconds), sum(processor for _, processor in seconds))
    for step, (wall, processor) in zip((*STEPS, "together"), (*seconds, total), strict=True):
        memory = f"{one.mib:,.0f}" if step == "together" else ""
        yield f"{n_genes:,}", str(n_baits), f"{n_null:,}", step, f"{wall:.1f}", f"{processor:.1f}", memory


def null() -> Table:
    """Time each step from expression to the null values of one target."""
    return Table(
        "Null of a target",
        f"From expression in 21 samples, 7 groups of 3, of a planted study to null values of a target of {METABOLITES} "
        f"metabolites, with {DRAWS:,} permutations of the groups. Two threads, one run; where processor seconds are "
        "fewer than seconds, other programs had the processor.",
        ("genes", "baits", "genes of the null", "step", "seconds", "processor seconds", "MiB"),
        tuple(row for size in SIZES for row in _rows(*size)),
    )
