"""What held-out predictions are worth: scores with intervals, a null of permuted labels, and one sentence a label."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef, recall_score

from models.arrays import Float64Array
from models.label_design import LabelDesign, label_designs
from models.methods import GRAPH, LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS, PRINCIPAL_COMPONENTS
from models.verdict import Gain, Verdict

OPTIMISTIC = "replicate_split"
"""Scheme whose held-out samples have replicates among the training samples."""
BEST_OF_LATENTS = "best of the methods on latents"
"""Name of the largest score among `ON_LATENTS` in the null: choosing the best method has to be paid for."""
PLAIN = (NEAREST_NEIGHBOURS, LOGISTIC_REGRESSION)
"""Plain classifiers on the same latents as the graph network."""
ON_LATENTS = (GRAPH, *PLAIN)
METHODS = (*ON_LATENTS, PRINCIPAL_COMPONENTS, MAJORITY)
"""All methods, in the order of tables and figures."""
RESAMPLES = 2000
"""Resamples of whole groups behind an interval."""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Held-out scores.

    Attributes
    ----------
    scores : DataFrame
        Table of the contract `validation`, one row a label and method.
    confusion : DataFrame
        Table of the contract `confusion`.
    null : DataFrame
        Table of the contract `label_null`: balanced accuracy by draw of permuted labels.
    verdicts : DataFrame
        Table of the contract `verdicts`, one row a label.
    """

    scores: pd.DataFrame
    confusion: pd.DataFrame
    null: pd.DataFrame
    verdicts: pd.DataFrame


def validate_predictions(
    predictions: pd.DataFrame,
    permuted: pd.DataFrame,
    sheet: pd.DataFrame,
    arrangements: Mapping[str, float],
    *,
    seed: int,
) -> Validation:
    """Score held-out predictions.

    Folds of whole groups score the labels that they can tell anything about, and of those the samples of classes that
    lie in at least two groups; the replicate split scores the other labels. A score is that of all folds of a repeat
    pooled, and the mean over the repeats. Balanced accuracy is the mean recall over the true classes, macro F1 the mean
    over the classes that are true or predicted, MCC the correlation of truth and prediction (Gorodkin 2004,
    https://doi.org/10.1016/j.compbiolchem.2004.09.006).

    `low` and `high` bound 95% of the balanced accuracies of 2,000 resamples, each of whole replicate groups with
    replacement in a repeat chosen at random. `p` is (1 + draws of permuted labels that reach the score) / (1 + draws),
    of the first repeat; there is none for the replicate split, where exchanging the labels of groups renames the
    classes and changes nothing.

    Parameters
    ----------
    predictions : DataFrame
        Table of the contract `predictions`.
    permuted : DataFrame
        Table of the contract `null_predictions`, of the folds of the first repeat.
    sheet : DataFrame
        Table of the contract `samples`.
    arrangements : mapping of str to float
        By label, how many different arrangements of its classes permuting can make.
    seed : int
        Seed of the resamples.

    Returns
    -------
    Validation
    """
    designs = label_designs(sheet)
    group_of_sample = sheet.set_index("sample_id")["group"]
    null = null_table(permuted, designs)
    questions = [
        _Question(label, scheme, rows.assign(group=group_of_sample[rows["sample_id"]].to_numpy()))
        for (label, scheme), rows in _scored(predictions, designs).groupby(["label", "scheme"], sort=True)
    ]
    scores, confusion, verdicts = [], [], []
    for question in questions:
        resampled = _Resampled(question, np.random.default_rng(seed))
        table = _score_table(question, resampled, null)
        scores.append(table)
        confusion.append(question.confusion())
        verdicts.append(_row(_judged(question, table, resampled, null, arrangements.get(question.label, np.inf))))
    return Validation(
        scores=_typed(scores, _SCORE_TYPES),
        confusion=_typed(confusion, _CONFUSION_TYPES),
        null=null,
        verdicts=_typed([pd.DataFrame(verdicts)], _VERDICT_TYPES),
    )


_SCORE_TYPES = {
    **dict.fromkeys(("label", "method", "scheme"), "str"),
    "optimistic": "bool",
    **dict.fromkeys(("n_samples", "n_groups", "n_classes", "n_repeats"), "int64"),
    **dict.fromkeys(("balanced_accuracy", "low", "high", "p", "accuracy", "macro_f1", "mcc"), "float64"),
}
_CONFUSION_TYPES = {**dict.fromkeys(("label", "scheme", "method", "truth", "predicted"), "str"), "n_samples": "float64"}
_VERDICT_TYPES = {
    **dict.fromkeys(("label", "scheme"), "str"),
    **dict.fromkeys(("optimistic", "carried"), "bool"),
    **dict.fromkeys(("best_method", "plain_method"), "str"),
    **dict.fromkeys(("chance", "balanced_accuracy", "low", "high", "p", "smallest_p"), "float64"),
    **dict.fromkeys(("graph_gain", "graph_gain_low", "graph_gain_high"), "float64"),
    "sentence": "str",
}


def _typed(frames: Sequence[pd.DataFrame], types: Mapping[str, str]) -> pd.DataFrame:
    """Return the frames one below the other, with all columns even where there is no row."""
    empty = pd.DataFrame(columns=list(types))
    filled = [frame for frame in frames if len(frame)]
    frame = pd.concat(filled, ignore_index=True) if filled else empty
    return frame.reindex(columns=list(types)).astype(dict(types))


def _scored(predictions: pd.DataFrame, designs: Mapping[str, LabelDesign]) -> pd.DataFrame:
    """Return the rows that count: of labels that their scheme can tell anything about, and of learnable classes."""
    kept = np.zeros(len(predictions), dtype=bool)
    for label, design in designs.items():
        optimistic = predictions["scheme"] == OPTIMISTIC
        learnable = ~optimistic & predictions["truth"].isin(list(design.learnable))
        fair = learnable if design.predictable else optimistic
        kept |= ((predictions["label"] == label) & fair).to_numpy()
    return predictions[kept]


def null_table(permuted: pd.DataFrame, designs: Mapping[str, LabelDesign]) -> pd.DataFrame:
    """Return the balanced accuracy of each draw of permuted labels, by label and method, contract `label_null`.

    Parameters
    ----------
    permuted : DataFrame
        Table of the contract `null_predictions`.
    designs : mapping of str to LabelDesign
        Only samples whose permuted class is learnable count.

    Returns
    -------
    DataFrame
        With the method `BEST_OF_LATENTS` besides.
    """
    scored = _scored(permuted.assign(scheme="grouped"), designs)
    right = scored.assign(right=scored["truth"] == scored["predicted"])
    recall = right.groupby(["label", "method", "draw", "truth"], sort=True)["right"].mean()
    table = recall.groupby(level=["label", "method", "draw"]).mean().rename("balanced_accuracy").reset_index()
    latent = table[table["method"].isin(ON_LATENTS)]
    best = latent.groupby(["label", "draw"], sort=True)["balanced_accuracy"].max().reset_index()
    best.insert(1, "method", BEST_OF_LATENTS)
    types = {"label": "str", "method": "str", "draw": "int64", "balanced_accuracy": "float64"}
    return _typed([table, best], types)


class _Question:
    """Held-out predictions of one label under one scheme, with the group of each sample."""

    def __init__(self, label: object, scheme: object, rows: pd.DataFrame) -> None:
        self.label, self.scheme, self.rows = str(label), str(scheme), rows
        self.classes = sorted(rows["truth"].unique())
        self.groups = sorted(rows["group"].unique())
        self.repeats = sorted(rows["repeat"].unique())
        self.methods = [method for method in METHODS if (rows["method"] == method).any()]
        self.n_samples = int(rows["sample_id"].nunique())

    @property
    def optimistic(self) -> bool:
        return self.scheme == OPTIMISTIC

    def of(self, method: str) -> Iterator[tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]]:
        """Yield truth and prediction of each repeat."""
        rows = self.rows[self.rows["method"] == method]
        for _, part in rows.groupby("repeat", sort=True):
            yield part["truth"].to_numpy(dtype=str), part["predicted"].to_numpy(dtype=str)

    def counts(self, method: str) -> tuple[Float64Array, Float64Array]:
        """Return samples and right ones, each of shape=(n_repeats, n_groups, n_classes)."""
        rows = self.rows[self.rows["method"] == method]
        place = (
            pd.Index(self.repeats).get_indexer(rows["repeat"]),
            pd.Index(self.groups).get_indexer(rows["group"]),
            pd.Index(self.classes).get_indexer(rows["truth"]),
        )
        total = np.zeros((len(self.repeats), len(self.groups), len(self.classes)))
        right = np.zeros_like(total)
        np.add.at(total, place, 1.0)
        np.add.at(right, place, (rows["truth"] == rows["predicted"]).to_numpy(dtype=float))
        return total, right

    def confusion(self) -> pd.DataFrame:
        """Return how many samples of each class were given each class, mean over the repeats."""
        keys = ["method", "truth", "predicted"]
        counted = self.rows.groupby(keys, sort=True).size().div(len(self.repeats)).rename("n_samples").reset_index()
        counted.insert(0, "label", self.label)
        counted.insert(1, "scheme", self.scheme)
        return counted


class _Resampled:
    """Balanced accuracy of each method in the same resamples of whole groups, so that differences are paired."""

    def __init__(self, question: _Question, rng: np.random.Generator) -> None:
        n_groups = len(question.groups)
        weights = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=RESAMPLES).astype(np.float64)
        repeat = rng.integers(len(question.repeats), size=RESAMPLES)
        self._accuracy = {method: _balanced(weights, repeat, *question.counts(method)) for method in question.methods}

    def interval(self, method: str, other: str | None = None) -> tuple[float, float]:
        """Return the bounds of 95% of the balanced accuracies of `method`, or of its differences to `other`."""
        values = self._accuracy[method] - (self._accuracy[other] if other else 0.0)
        low, high = np.quantile(values, [0.025, 0.975])
        return float(low), float(high)


def _balanced(
    weights: Float64Array, repeat: npt.NDArray[np.int64], total: Float64Array, right: Float64Array
) -> Float64Array:
    """Return the mean recall over the classes that a resample has, shape=(n_resamples,)."""
    accuracy = np.empty(len(weights))
    for number in range(len(total)):
        chosen = repeat == number
        count, hits = weights[chosen] @ total[number], weights[chosen] @ right[number]
        recall = np.divide(hits, count, out=np.zeros_like(hits), where=count > 0)
        accuracy[chosen] = recall.sum(axis=1) / (count > 0).sum(axis=1)
    return accuracy


def _score_table(question: _Question, resampled: _Resampled, null: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for method in question.methods:
        by_repeat = [_scores(truth, predicted) for truth, predicted in question.of(method)]
        low, high = resampled.interval(method)
        first = by_repeat[0]["balanced_accuracy"]
        rows.append(
            {
                "label": question.label,
                "method": method,
                "scheme": question.scheme,
                "optimistic": question.optimistic,
                "n_samples": question.n_samples,
                "n_groups": len(question.groups),
                "n_classes": len(question.classes),
                "n_repeats": len(question.repeats),
                "low": low,
                "high": high,
                "p": np.nan if question.optimistic else _p(null, question.label, method, first),
                **{name: float(np.mean([score[name] for score in by_repeat])) for name in by_repeat[0]},
            }
        )
    return pd.DataFrame(rows)


def _scores(truth: npt.NDArray[np.str_], predicted: npt.NDArray[np.str_]) -> dict[str, float]:
    classes = np.unique(truth)
    varied = len(np.unique(np.concatenate([truth, predicted]))) > 1
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(recall_score(truth, predicted, labels=classes, average="macro", zero_division=0)),
        "macro_f1": float(f1_score(truth, predicted, average="macro", zero_division=0)),
        "mcc": float(matthews_corrcoef(truth, predicted)) if varied else 0.0,
    }


def _p(null: pd.DataFrame, label: str, method: str, observed: float) -> float:
    """Return the p of a balanced accuracy; NaN for a method that no null was drawn for."""
    rows = null[(null["label"] == label) & (null["method"] == method)]
    reached = int((rows["balanced_accuracy"] >= observed - 1e-9).sum())
    return (1 + reached) / (1 + len(rows)) if len(rows) else float("nan")


def _judged(
    question: _Question, table: pd.DataFrame, resampled: _Resampled, null: pd.DataFrame, arrangements: float
) -> Verdict:
    """Put together what is known of one label."""
    scores = table.set_index("method")["balanced_accuracy"]
    latent = scores[scores.index.isin(ON_LATENTS)]
    best = str(latent.idxmax())
    first = max(_scores(*next(question.of(method)))["balanced_accuracy"] for method in latent.index)
    n_draws = int(null[null["label"] == question.label]["draw"].nunique())
    low, high = resampled.interval(best)
    return Verdict(
        label=question.label,
        scheme=question.scheme,
        optimistic=question.optimistic,
        n_samples=question.n_samples,
        n_groups=len(question.groups),
        n_classes=len(question.classes),
        best_method=best,
        balanced_accuracy=float(scores[best]),
        low=low,
        high=high,
        p=np.nan if question.optimistic else _p(null, question.label, BEST_OF_LATENTS, first),
        smallest_p=np.nan if question.optimistic else max(1 / (1 + n_draws), 1 / arrangements),
        gain=_gain(scores, resampled),
        components=float(scores[PRINCIPAL_COMPONENTS]) if PRINCIPAL_COMPONENTS in scores.index else None,
    )


def _gain(scores: "pd.Series[float]", resampled: _Resampled) -> Gain | None:
    """Hold the graph network against the better plain method on the same latents."""
    plain = scores[scores.index.isin(PLAIN)]
    if GRAPH not in scores.index or plain.empty:
        return None
    other = str(plain.idxmax())
    low, high = resampled.interval(GRAPH, other)
    return Gain(other, float(scores[GRAPH]), float(scores[other]), low, high)


def _row(verdict: Verdict) -> dict[str, object]:
    """Return one row of the contract `verdicts`."""
    names = ("label", "scheme", "optimistic", "carried", "best_method", "chance", "balanced_accuracy", "low", "high")
    row: dict[str, object] = {name: getattr(verdict, name) for name in (*names, "p", "smallest_p")}
    if gain := verdict.gain:
        row |= {"plain_method": gain.plain_method, "graph_gain": gain.difference}
        row |= {"graph_gain_low": gain.low, "graph_gain_high": gain.high}
    return {**row, "sentence": verdict.sentence()}
