"""Between tables and the graph network: labels as codes, predictions and attention as tables."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.comparison import Prediction, comparison_predictions
from models.conditions import label_columns
from models.graph import GraphData, GraphResult
from models.latents import joint_features
from models.methods import GRAPH


def graph_data(
    latents: Mapping[str, pd.DataFrame],
    principal: Mapping[str, pd.DataFrame],
    sheet: pd.DataFrame,
    roles: Mapping[str, str],
) -> GraphData:
    """Build the nodes: one per row of `sheet`, with the latents and principal components of all layers side by side.

    A sample may lack layers, but not all of them; what it lacks is filled in from training samples.
    """
    samples = [str(sample) for sample in sheet["sample_id"]]
    classes: dict[str, tuple[str, ...]] = {}
    codes: dict[str, npt.NDArray[np.int64]] = {}
    for label in label_columns(sheet):
        found, names = pd.factorize(sheet[label], sort=True)
        codes[label], classes[label] = found.astype(np.int64), tuple(str(name) for name in names)
    role = np.array([roles[sample] for sample in samples])
    return GraphData(
        features=joint_features(latents, samples, role == "train", standardised=True),
        principal=joint_features(principal, samples, role == "train", standardised=False),
        train=role == "train",
        inner=role == "inner",
        held_out=role == "held_out",
        labels=codes,
        classes=classes,
    )


def prediction_table(data: GraphData, result: GraphResult, sample_ids: Sequence[str]) -> pd.DataFrame:
    """Return held-out predictions of the graph network and its rivals: the contract `predictions` without the fold."""
    tables = [
        _predictions(data, label, method, prediction, sample_ids)
        for label in data.labels
        for method, prediction in _methods(data, result, label).items()
    ]
    return pd.concat(tables, ignore_index=True)


def drawn_codes(draws: pd.DataFrame, data: GraphData, sample_ids: Sequence[str]) -> dict[str, npt.NDArray[np.int64]]:
    """Return the codes of permuted labels, shape=(n_draws, n_samples), from a table of the contract `label_draws`."""
    codes = {}
    for label, names in data.classes.items():
        wide = draws[draws["label"] == label].set_index(["draw", "sample_id"])["class"].unstack()  # noqa: PD010
        found = [pd.Categorical(wide[sample], categories=list(names)).codes for sample in sample_ids]
        codes[label] = np.stack(found, axis=1).astype(np.int64)
    return codes


def attention_table(result: GraphResult, sample_ids: Sequence[str], fold: str) -> pd.DataFrame:
    """Return the attention of the first layer as the contract `attention`."""
    names = np.array(sample_ids, dtype=object)
    return pd.DataFrame(
        {
            "fold": fold,
            "source_sample": pd.Series(names[result.attention.source], dtype="str"),
            "target_sample": pd.Series(names[result.attention.target], dtype="str"),
            "attention": result.attention.weight,
        }
    )


def _methods(data: GraphData, result: GraphResult, label: str) -> dict[str, Prediction]:
    """Return predictions for the held-out nodes, by method; the rivals learn from the early-stopping nodes too."""
    probability = result.probabilities[label][data.held_out]
    rivals = rival_predictions(data, data.labels[label])
    return {GRAPH: Prediction(probability.argmax(axis=1), probability.max(axis=1)), **rivals}


def rival_predictions(data: GraphData, codes: npt.NDArray[np.int64]) -> dict[str, Prediction]:
    """Predict one label of the held-out nodes by plain methods, which learn from the early-stopping nodes too."""
    return comparison_predictions(data.features, data.principal, data.train | data.inner, data.held_out, codes)


def _predictions(
    data: GraphData,
    label: str,
    method: str,
    prediction: Prediction,
    sample_ids: Sequence[str],
) -> pd.DataFrame:
    names = np.array(data.classes[label], dtype=object)
    truth = data.labels[label][data.held_out]
    known = truth >= 0
    samples = np.array(sample_ids, dtype=object)[data.held_out]
    return pd.DataFrame(
        {
            "label": label,
            "method": method,
            "sample_id": pd.Series(samples[known], dtype="str"),
            "truth": pd.Series(names[truth[known]], dtype="str"),
            "predicted": pd.Series(names[prediction.codes[known]], dtype="str"),
            "probability": prediction.probability[known],
        }
    )
