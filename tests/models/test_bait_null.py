from dataclasses import replace

import numpy as np
import pytest

from configs.ranking import BaitConfig
from models import bait_null as module
from models.arithmetic import Workers
from models.bait_null import bait_null
from models.baits import bait_closeness, whitened_graph
from models.coexpression import Whitening, unit_rows
from models.significance import group_permutations

CONFIG = BaitConfig(neighbours=6, decays=(3.0, 12.0), restart=0.4)
GROUPS = [f"group {number // 3}" for number in range(12)]
DRAWS = group_permutations(GROUPS, count=6, seed=3)
ROWS = np.array([3, 8, 20, 21, 40, 59])
BAITS = np.array([0, 2, 50])
ROUNDING = 1e-6


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)


@pytest.fixture
def expression(rng):
    """Sixty genes, one of them constant and some alike, without two that are equally close to any."""
    values = rng.normal(size=(60, 12))
    values[:15] += 1.5 * rng.normal(size=12)
    values[30] = 4.0
    return values


def null_of(expression, baits=BAITS, *, draws=DRAWS, rows=ROWS, workers=Workers()):  # noqa: B008 (frozen)
    graph = whitened_graph(expression, CONFIG)
    close = bait_closeness(expression, baits, config=CONFIG, graph=graph)
    return bait_null(expression, close, rows, draws, graph=graph, config=CONFIG, workers=workers)


def by_the_definition(expression, baits, draws, rows):
    """Do for each draw, bait and gene what the text says, with full matrices and no block."""
    graph = whitened_graph(expression, CONFIG)
    close = bait_closeness(expression, baits, config=CONFIG, graph=graph)
    parts = {"whitened": np.empty((len(draws), len(rows))), "propagation": np.empty((len(draws), len(rows)))}
    unit = unit_rows(expression)
    space = Whitening.of(unit, CONFIG.ridge)
    genes = space.apply(unit)
    for number, draw in enumerate(draws):
        moved = [space.apply(unit[[bait]][:, draw])[0] for bait in close.baits]
        near = [[mean_closeness(genes, bait, gene) for gene in rows] for bait in moved]
        walks = [walk_from(genes, graph, bait)[rows] for bait in moved]
        parts["whitened"][number], parts["propagation"][number] = np.mean(near, axis=0), np.mean(walks, axis=0)
    tails = []
    for name, values in parts.items():
        observed = close.values()[name]
        observed = observed[~np.isnan(observed)]
        # The study has these in float32; what is equal there is no lower.
        below = [[sum(observed < value * (1 - ROUNDING)) for value in row] for row in values]
        tails.append(-np.log(1 - np.minimum(below, len(observed) - 1) / len(observed)))
    return (tails[0] + tails[1]) / 2


def mean_closeness(genes, bait, gene):
    likeness = float(genes[gene] @ bait) + ROUNDING
    others = [other for other in range(len(genes)) if genes[other].any()]
    rank_of_gene = 1 + sum(genes[other] @ bait > likeness for other in others if other != gene)
    rank_of_bait = 1 + sum(genes[other] @ genes[gene] > likeness for other in others if other != gene)
    mutual_rank = np.sqrt(rank_of_gene * rank_of_bait)
    return np.mean([np.exp(-(mutual_rank - 1) / decay) for decay in CONFIG.decays])


def walk_from(genes, graph, bait):
    """Step to a neighbour of the moved bait, then walk as from there, with the chance of being anywhere by solving."""
    n = len(genes)
    likeness = genes @ bait
    last = np.sort(likeness[genes.any(axis=1)])[-CONFIG.neighbours]
    neighbours = [gene for gene in range(n) if likeness[gene] >= last and likeness[gene] >= graph.reach[gene]]
    start = np.zeros(n)
    start[neighbours] = 1 / max(len(neighbours), 1)
    joined = np.zeros((n, n))
    joined[graph.first, graph.second] = joined[graph.second, graph.first] = 1
    steps = joined / np.maximum(joined.sum(axis=0), 1)
    walk = np.linalg.solve(np.eye(n) - (1 - CONFIG.restart) * steps, CONFIG.restart * start)
    return (1 - CONFIG.restart) * walk


@pytest.mark.parametrize("baits", [BAITS, BAITS[1:2]])
def test_each_draw_is_what_the_definition_gives(expression, baits, monkeypatch):
    # All of the walk, since what is left out of it may change a place.
    monkeypatch.setattr("models.gene_graph.LEFT", 1e-12)
    null = null_of(expression, baits)
    assert null.dtype == np.float32
    np.testing.assert_allclose(null, by_the_definition(expression, baits, DRAWS, ROWS), rtol=1e-5)


def test_walks_back_from_fewer_genes_are_those_from_fewer_draws(expression):
    together = null_of(expression)
    assert len(DRAWS) <= len(ROWS)
    one_by_one = np.hstack([null_of(expression, rows=ROWS[[place]]) for place in range(len(ROWS))])
    np.testing.assert_allclose(one_by_one, together, rtol=1e-5)


def test_neither_threads_nor_blocks_matter(expression, monkeypatch):
    whole = null_of(expression)
    np.testing.assert_array_equal(null_of(expression, workers=Workers(threads=2)), whole)
    for name, size in (("MOVED", 4), ("SORTED", 5), ("WALKS", 4)):
        monkeypatch.setattr(module, name, size)
    np.testing.assert_allclose(null_of(expression, workers=Workers(threads=3)), whole, rtol=1e-5)


def test_places_beyond_the_closest_are_off_by_less_than_a_step(rng, monkeypatch):
    genes = rng.normal(size=(800, 12))
    rows, moved = np.arange(0, 400, 7), rng.normal(size=(50, 12))
    graph, unit = whitened_graph(genes, CONFIG), unit_rows(genes)
    space = Whitening.of(unit, CONFIG.ridge)
    whitened, moved = space.apply(unit), space.apply(unit_rows(moved))
    likeness = (moved @ whitened.T)[:, rows]
    fine = module._Genes.of(whitened, graph, rows, Workers())
    of_bait = module._ranks_of_baits(fine, likeness, slice(None))
    monkeypatch.setattr(module, "FINE", 40)
    coarse = module._Genes.of(whitened, graph, rows, Workers())
    found = module._ranks_of_baits(coarse, likeness, slice(None))
    near = of_bait <= 40
    assert near.sum() > 50
    assert coarse.likeness.shape[1] < 100
    np.testing.assert_array_equal(found[near], of_bait[near])
    assert (np.abs(found - of_bait) < module.COARSE).all()


def test_with_no_sample_moved_genes_have_about_the_evidence_of_the_study(expression):
    in_place = np.arange(12)[None]
    graph = whitened_graph(expression, CONFIG)
    close = bait_closeness(expression, BAITS, config=CONFIG, graph=graph)
    null = bait_null(expression, close, ROWS, in_place, graph=graph, config=CONFIG)
    assert np.corrcoef(null[0], close.evidence()[ROWS])[0, 1] > 0.9


def test_a_constant_bait_has_no_part_in_it(expression):
    np.testing.assert_array_equal(null_of(expression, np.array([0, 2, 30])), null_of(expression, np.array([0, 2])))


def test_a_bait_that_no_gene_reaches_walks_nowhere(expression):
    graph = whitened_graph(expression, CONFIG)
    close = bait_closeness(expression, BAITS, config=CONFIG, graph=graph)
    unreached = replace(graph, reach=np.full(60, np.inf, dtype=np.float32))
    null, without = (
        bait_null(expression, close, ROWS, DRAWS, graph=joined, config=CONFIG) for joined in (graph, unreached)
    )
    assert (without <= null).all()
    assert (without < null).any()
