"""Tables of bait evidence: what is written comes back, whatever genes are called."""

import numpy as np
import pandas as pd
import pytest

from configs.ranking import BaitConfig
from configs.ranking_tables import BAIT_PARTS
from models.bait_tables import MUTUAL_RANK, closeness_from, closeness_tables, graph_from, graph_tables, parts_table
from models.baits import BaitCloseness, bait_closeness, whitened_graph
from models.gene_graph import GeneGraph
from models.parquet import decode_frame, encode_frame

ODD = ("gene_id", "target", "β-gal, {old}", "bait gene_id", "bait ", "1", "nan", "None", "", "a\nb", "mutual_rank")
CONFIG = BaitConfig(neighbours=5)


@pytest.fixture
def expression():
    values = np.random.default_rng(2).normal(size=(len(ODD), 12)).astype(np.float32)
    values[9] = 1.0  # constant: close to nothing
    return values


def kept(table, kind):
    return decode_frame(encode_frame(table, kind), kind)


@pytest.mark.parametrize("baits", [[0, 1, 2, 3, 4, 5, 6, 7, 8], [0], [10, 1, 1]])
def test_closeness_comes_back(expression, baits):
    close = bait_closeness(expression, np.array(baits), config=CONFIG)
    tables = closeness_tables(close, ODD)
    assert sorted(tables) == sorted([*BAIT_PARTS, MUTUAL_RANK])
    found = closeness_from({part: kept(table, "bait_closeness") for part, table in tables.items()})
    assert found.baits.dtype == np.int64
    np.testing.assert_array_equal(found.baits, close.baits)
    assert list(found.parts) == list(close.parts)
    for part, matrix in close.parts.items():
        np.testing.assert_array_equal(found.parts[part], matrix)
    np.testing.assert_array_equal(found.mutual_rank, close.mutual_rank)
    np.testing.assert_array_equal(found.evidence(), close.evidence())


def test_a_graph_comes_back(expression):
    graph = whitened_graph(expression, CONFIG)
    edges, reach = graph_tables(graph, ODD)
    assert len(edges)
    assert reach["reach"].isna().tolist() == [number == 9 for number in range(len(ODD))]
    found = graph_from(kept(edges, "gene_graph"), kept(reach, "gene_reach"))
    assert found.n_genes == graph.n_genes
    for name in ("first", "second", "mutual_rank", "reach"):
        np.testing.assert_array_equal(getattr(found, name), getattr(graph, name))
        assert getattr(found, name).dtype == getattr(graph, name).dtype


def test_a_graph_without_edges_comes_back():
    none = np.empty(0, np.int64)
    graph = GeneGraph(2, none, none, np.empty(0, np.float32), np.full(2, np.inf, np.float32))
    edges, reach = graph_tables(graph, ["a", "b"])
    found = graph_from(kept(edges, "gene_graph"), kept(reach, "gene_reach"))
    assert found.n_genes == 2
    assert len(found.first) == 0
    np.testing.assert_array_equal(found.reach, graph.reach)


def test_parts_and_the_nearest_bait_by_hand():
    # Baits are genes 0 and 2. Gene 1 is as close to both, gene 3 closer to gene 2, gene 4 constant.
    nan = np.nan
    ranks = np.array([[nan, 3], [2, 2], [3, nan], [7, 1.5], [nan, nan]], dtype=np.float32)
    close = BaitCloseness(np.array([0, 2]), dict.fromkeys(BAIT_PARTS, 1 / ranks), ranks)
    table = kept(parts_table(close, list("abcde"), "acids"), "bait_parts")
    assert table["gene_id"].tolist() == list("abcde")
    assert table["target"].unique().tolist() == ["acids"]
    assert table["nearest_bait"].tolist()[:4] == ["c", "a", "a", "c"]
    assert pd.isna(table["nearest_bait"][4])
    np.testing.assert_array_equal(table["nearest_mutual_rank"], [3, 2, 3, 1.5, nan])
    by_hand = [1 / 3, 1 / 2, 1 / 3, (1 / 7 + 1 / 1.5) / 2, nan]
    for part in BAIT_PARTS:
        np.testing.assert_allclose(table[part], by_hand, rtol=1e-6)


def test_a_single_bait_has_no_nearest_bait_itself(expression):
    close = bait_closeness(expression, np.array([1]), config=CONFIG)
    table = parts_table(close, ODD, "acids")
    assert pd.isna(table["nearest_bait"][1])
    assert table["nearest_bait"].drop([1, 9]).eq("target").all()
    assert table.loc[1, list(BAIT_PARTS)].isna().all()
