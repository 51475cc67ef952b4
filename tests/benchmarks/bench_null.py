"""The gene graph, closeness to baits, and the null of a target, at the size of two real studies."""

import time
from collections.abc import Callable

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
from tests.benchmarks.measuring import Measured, measured
from tests.benchmarks.tables import Table

THREADS, DRAWS, METABOLITES, SEED = 2, 1_000, 4, 1
SIZES = ((132_129, 5), (22_570, 78))
"""Genes and baits."""
STEPS = ("gene graph", "closeness to baits", "strata and genes of the null", "null of baits", "null of correlation")


def permuted(n_genes: int, n_baits: int) -> Callable[[], object]:
    """Return all steps up to the null values of one target; it returns the seconds of each, and genes of the null."""
    size = {"genes": n_genes, "metabolites": 20, "target_metabolites": METABOLITES, "missing_share": 0.0}
    study = simulate(SimulationConfig.model_validate({**size, "pathway_genes": n_baits + 10, "baits": n_baits}))
    genes = np.log2(study.expression.iloc[:, 1:].to_numpy() + 1).astype(np.float32)
    (name, ids), *_ = study.targets.items()
    metabolites = np.log2(study.metabolites.set_index(study.metabolites.columns[0]).loc[ids].to_numpy() + 1)
    baits = np.flatnonzero(study.expression.iloc[:, 0].isin(study.baits[name]))
    groups = study.samples["group"].tolist()
    config, workers = BaitConfig(), Workers(THREADS)

    def run() -> tuple[dict[str, float], int]:
        times = [time.perf_counter()]
        graph = whitened_graph(genes, config, workers)
        times.append(time.perf_counter())
        close = bait_closeness(genes, baits, config=config, graph=graph, workers=workers)
        times.append(time.perf_counter())
        absent = np.isnan(best_partner(genes, metabolites, workers=workers).strength)
        stratum = expression_strata(genes, groups, absent)
        chosen = null_genes(stratum, draws=DRAWS, rows=len(metabolites), seed=SEED, excluded=close.baits)
        order = group_permutations(groups, count=DRAWS, seed=SEED)
        times.append(time.perf_counter())
        bait_null(genes, close, chosen, order, graph=graph, config=config, workers=workers)
        times.append(time.perf_counter())
        correlation_null(genes[chosen], metabolites, order, workers=workers)
        times.append(time.perf_counter())
        return dict(zip(STEPS, np.diff(times).tolist(), strict=True)), len(chosen)

    return run
