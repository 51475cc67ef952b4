import networkx as nx
import numpy as np
import pytest

from models.arithmetic import Workers
from models.coexpression import unit_rows
from models.gene_graph import gene_graph, propagation


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.mark.parametrize("workers", [Workers(), Workers(threads=2)])
def test_edges_are_those_of_the_sorted_full_matrix(rng, workers):
    unit = unit_rows(rng.normal(size=(200, 10)))
    graph = gene_graph(unit, neighbours=7, workers=workers)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, -2)
    place = np.argsort(np.argsort(-likeness, axis=1), axis=1) + 1
    expected = {
        (a, b): np.sqrt(place[a, b] * place[b, a])
        for a in range(200)
        for b in range(a + 1, 200)
        if max(place[a, b], place[b, a]) <= 7
    }
    found = dict(zip(zip(graph.first, graph.second, strict=True), graph.mutual_rank, strict=True))
    assert found.keys() == expected.keys()
    np.testing.assert_allclose([found[pair] for pair in expected], list(expected.values()), rtol=1e-6)
    np.testing.assert_allclose(graph.reach, -np.sort(-likeness, axis=1)[:, 6], rtol=1e-6)


def test_a_constant_gene_has_no_partner_and_no_reach(rng):
    expression = rng.normal(size=(30, 6))
    expression[11] = 5.0
    graph = gene_graph(unit_rows(expression), neighbours=5)
    assert 11 not in {*graph.first, *graph.second}
    assert np.isinf(graph.reach[11])


def test_fewer_genes_than_neighbours_are_all_joined(rng):
    graph = gene_graph(unit_rows(rng.normal(size=(4, 6))), neighbours=50)
    assert list(zip(graph.first, graph.second, strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_a_lone_gene_has_an_empty_graph():
    graph = gene_graph(unit_rows(np.array([[1.0, 2.0, 4.0]])), neighbours=5)
    assert len(graph.first) == 0


def test_walks_are_the_personalised_pagerank_of_networkx(rng):
    graph = gene_graph(unit_rows(rng.normal(size=(60, 8))), neighbours=12)
    walks = propagation(graph, np.array([3, 17]), restart=0.4)
    plain = nx.Graph(list(zip(graph.first.tolist(), graph.second.tolist(), strict=True)))
    for column, seed in enumerate((3, 17)):
        expected = nx.pagerank(plain, alpha=0.6, personalization={seed: 1}, tol=1e-12, max_iter=500)
        genes = list(expected)
        np.testing.assert_allclose(walks[genes, column], [expected[gene] for gene in genes], atol=2e-4)


def test_a_walk_from_a_gene_without_partners_stays_there(rng):
    expression = rng.normal(size=(20, 6))
    expression[4] = 1.0
    walks = propagation(gene_graph(unit_rows(expression), neighbours=3), np.array([4]), restart=0.5)
    assert np.flatnonzero(walks[:, 0]).tolist() == [4]
