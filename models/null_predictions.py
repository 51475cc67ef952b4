"""Held-out predictions of permuted labels, by every method."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from configs.study import GraphConfig
from models.arrays import IntArray
from models.batched_graph import predict_held_out
from models.device import one_thread
from models.graph import GraphData
from models.graph_tables import rival_predictions
from models.methods import GRAPH, MAJORITY


def null_predictions(
    data: GraphData,
    draws: Mapping[str, IntArray],
    sample_ids: Sequence[str],
    *,
    config: GraphConfig,
    seed: int,
    device: str,
) -> pd.DataFrame:
    """Train every method on every draw of permuted labels, and predict the held-out samples.

    Parameters
    ----------
    data : GraphData
        Samples of one fold; of its labels only the classes are read.
    draws : mapping of str to ndarray, shape=(n_draws, n), dtype=int64
        Permuted codes by label, -1 where missing.
    sample_ids : sequence of str, length n
        Samples in the order of `data`.
    config, seed, device
        As for `models.graph.train_graph`.

    Returns
    -------
    DataFrame
        Table of the contract `null_predictions` without its column `fold`; the majority class is left out.
    """
    codes = [draws[label] for label in data.labels]
    by_graph = predict_held_out(data, codes, config=config, seed=seed, device=device)
    tables = []
    for label, code, graph in zip(data.labels, codes, by_graph, strict=True):
        predicted = {GRAPH: list(graph)}
        with one_thread():
            rivals = [rival_predictions(data, row) for row in code]
        for method in (name for name in rivals[0] if name != MAJORITY):
            predicted[method] = [found[method].codes for found in rivals if method in found]
        names = np.array(data.classes[label], dtype=object)
        samples = np.array(sample_ids, dtype=object)[data.held_out]
        tables += [
            _table(label, method, samples, names, code[:, data.held_out], np.stack(rows))
            for method, rows in predicted.items()
            if len(rows) == len(code)
        ]
    return pd.concat(tables, ignore_index=True)


def _table(
    label: str,
    method: str,
    samples: np.ndarray,
    names: np.ndarray,
    truth: IntArray,
    predicted: IntArray,
) -> pd.DataFrame:
    draw, sample = np.nonzero(truth >= 0)
    return pd.DataFrame(
        {
            "label": pd.Series([label] * len(draw), dtype="str"),
            "method": pd.Series([method] * len(draw), dtype="str"),
            "draw": draw.astype(np.int64),
            "sample_id": pd.Series(samples[sample], dtype="str"),
            "truth": pd.Series(names[truth[draw, sample]], dtype="str"),
            "predicted": pd.Series(names[predicted[draw, sample]], dtype="str"),
        }
    )
