"""Bait evidence as tables, and back."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from models.arrays import Float32Array, FloatArray, IntArray
from models.baits import BaitCloseness
from models.gene_graph import GeneGraph

MUTUAL_RANK = "mutual_rank"
"""Name of the matrix of mutual ranks beside those of the parts."""


def closeness_tables(close: BaitCloseness, gene_ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return tables of the contract `bait_closeness` by part, and that of mutual ranks."""
    names = [gene_ids[bait] for bait in close.baits]
    genes = pd.Series(list(gene_ids), dtype="str", name="gene_id")
    matrices = {**close.parts, MUTUAL_RANK: close.mutual_rank}
    return {part: pd.concat([genes, pd.DataFrame(matrix, columns=names)], axis=1) for part, matrix in matrices.items()}


def closeness_from(tables: Mapping[str, pd.DataFrame]) -> BaitCloseness:
    """Undo `closeness_tables`."""
    first = tables[MUTUAL_RANK]
    baits = pd.Index(first["gene_id"]).get_indexer(first.columns[1:]).astype(np.int64)
    matrices: dict[str, Float32Array] = {name: table.iloc[:, 1:].to_numpy(np.float32) for name, table in tables.items()}
    mutual_rank = matrices.pop(MUTUAL_RANK)
    return BaitCloseness(baits, matrices, mutual_rank)


def parts_table(close: BaitCloseness, gene_ids: Sequence[str], target: str) -> pd.DataFrame:
    """Return the table of the contract `bait_parts` of one target."""
    known = ~np.isnan(close.mutual_rank).all(axis=1)
    nearest = np.argmin(np.where(np.isnan(close.mutual_rank), np.inf, close.mutual_rank), axis=1)
    names = np.array(gene_ids, dtype=object)[close.baits][nearest]
    return pd.DataFrame(
        {
            "target": target,
            "gene_id": pd.Series(list(gene_ids), dtype="str"),
            **close.values(),
            "nearest_bait": pd.Series(np.where(known, names, None), dtype="str"),
            "nearest_mutual_rank": _nearest(close.mutual_rank, nearest),
        }
    ).astype({"target": "str"})


def _nearest(mutual_rank: FloatArray, nearest: IntArray) -> FloatArray:
    return np.take_along_axis(mutual_rank, nearest[:, None], axis=1)[:, 0].astype(np.float64)


def graph_tables(graph: GeneGraph, gene_ids: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of the contracts `gene_graph` and `gene_reach`."""
    names = np.array(gene_ids, dtype=object)
    edges = {"gene_id": names[graph.first], "partner_id": names[graph.second], "mutual_rank": graph.mutual_rank}
    reach = np.where(np.isinf(graph.reach), np.float32(np.nan), graph.reach)
    return (
        pd.DataFrame(edges).astype({"gene_id": "str", "partner_id": "str"}),
        pd.DataFrame({"gene_id": pd.Series(list(gene_ids), dtype="str"), "reach": reach}),
    )


def graph_from(edges: pd.DataFrame, reach: pd.DataFrame) -> GeneGraph:
    """Undo `graph_tables`."""
    index = pd.Index(reach["gene_id"])
    first, second = (index.get_indexer(edges[name]).astype(np.int64) for name in ("gene_id", "partner_id"))
    values = reach["reach"].to_numpy(np.float32)
    return GeneGraph(
        len(index),
        first,
        second,
        edges["mutual_rank"].to_numpy(np.float32),
        np.where(np.isnan(values), np.float32(np.inf), values),
    )
