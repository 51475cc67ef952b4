import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef

from configs.study import ValidationConfig
from models.folds import plan_folds
from models.label_design import label_designs
from models.label_null import label_draws
from models.methods import GRAPH, LOGISTIC_REGRESSION, MAJORITY, NEAREST_NEIGHBOURS, PRINCIPAL_COMPONENTS
from models.validation import BEST_OF_LATENTS, OPTIMISTIC, null_table, validate_predictions

GROUPS = [f"g{number}" for number in range(8)]


def _sheet(replicates: int = 2, **labels: list[str | None]) -> pd.DataFrame:
    groups = [group for group in GROUPS for _ in range(replicates)]
    ids = [f"s{number:02d}" for number in range(len(groups))]
    sheet = pd.DataFrame({"sample_id": ids, "group": groups, "batch": None, "time": np.nan})
    spread = {name: [value for value in values for _ in range(replicates)] for name, values in labels.items()}
    return sheet.assign(**{name: pd.Series(values, dtype="str") for name, values in spread.items()})


def _predictions(
    sheet: pd.DataFrame, label: str, predicted: list[str], method: str = GRAPH, **more: object
) -> pd.DataFrame:
    frame = pd.DataFrame({"sample_id": sheet["sample_id"], "truth": sheet[label], "predicted": predicted})
    frame = frame.assign(fold="0", repeat=1, scheme="grouped", label=label, method=method, probability=1.0)
    return frame.assign(**more)


def _null(*accuracies: float, label: str = "tissue", methods: tuple[str, ...] = (GRAPH,)) -> pd.DataFrame:
    """Two classes of ten samples each in every draw, of which the wanted share is right."""
    rows = []
    for draw, accuracy in enumerate(accuracies):
        for truth, other in (("root", "leaf"), ("leaf", "root")):
            right = round(10 * accuracy)
            predicted = [truth] * right + [other] * (10 - right)
            rows += [(label, method, draw, truth, one) for one in predicted for method in methods]
    frame = pd.DataFrame(rows, columns=["label", "method", "draw", "truth", "predicted"])
    return frame.assign(fold="0", sample_id="s")


TISSUE = ["root", "leaf"] * 4
NO_NULL = _null().reindex(columns=["label", "method", "draw", "truth", "predicted", "fold", "sample_id"])


def _validate(predictions: pd.DataFrame, sheet: pd.DataFrame, null: pd.DataFrame, arrangements: float = 1e6):
    return validate_predictions(predictions, null, sheet, dict.fromkeys(["tissue", "stage"], arrangements), seed=1)


def test_scores_are_those_of_sklearn_and_the_mean_over_repeats() -> None:
    sheet = _sheet(tissue=TISSUE)
    rng = np.random.default_rng(0)
    drawn = [rng.choice(["root", "leaf"], 16).tolist() for _ in range(2)]
    predictions = pd.concat([_predictions(sheet, "tissue", one, repeat=r + 1) for r, one in enumerate(drawn)])
    row = _validate(predictions, sheet, _null(0.5)).scores.iloc[0]
    truth = sheet["tissue"].tolist()
    for name, score in {
        "balanced_accuracy": balanced_accuracy_score,
        "macro_f1": lambda t, p: f1_score(t, p, average="macro"),
        "mcc": matthews_corrcoef,
    }.items():
        assert row[name] == pytest.approx(np.mean([score(truth, one) for one in drawn])), name
    assert (row["n_samples"], row["n_groups"], row["n_classes"], row["n_repeats"]) == (16, 8, 2, 2)
    assert row["low"] <= row["balanced_accuracy"] <= row["high"]


def test_confusion_is_the_mean_over_repeats() -> None:
    sheet = _sheet(tissue=TISSUE)
    right = sheet["tissue"].tolist()
    wrong = ["leaf"] * 16
    predictions = pd.concat([_predictions(sheet, "tissue", right), _predictions(sheet, "tissue", wrong, repeat=2)])
    confusion = _validate(predictions, sheet, _null(0.5)).confusion.set_index(["truth", "predicted"])["n_samples"]
    assert confusion.to_dict() == {("leaf", "leaf"): 8.0, ("root", "leaf"): 4.0, ("root", "root"): 4.0}


def test_interval_by_hand_where_groups_are_all_right_or_all_wrong() -> None:
    """Seven of eight groups right: a resample of groups has 8 - Binomial(8, 1/8) right, class by class."""
    sheet = _sheet(tissue=TISSUE)
    predicted = sheet["tissue"].where(sheet["group"] != "g0", "leaf").tolist()
    row = _validate(_predictions(sheet, "tissue", predicted), sheet, _null(0.5)).scores.iloc[0]
    assert row["balanced_accuracy"] == pytest.approx((3 / 4 + 1) / 2)
    assert row["high"] == 1
    assert 0.5 <= row["low"] <= 0.75
    perfect = _validate(_predictions(sheet, "tissue", sheet["tissue"].tolist()), sheet, _null(0.5)).scores.iloc[0]
    assert (perfect["low"], perfect["high"]) == (1, 1)


def test_p_counts_the_draws_that_reach_the_score() -> None:
    sheet = _sheet(tissue=TISSUE)
    predicted = sheet["tissue"].where(sheet["group"] != "g0", "leaf").tolist()  # balanced accuracy 0.875
    found = _validate(_predictions(sheet, "tissue", predicted), sheet, _null(0.3, 0.5, 0.9, 1.0))
    assert found.scores["p"].tolist() == [(1 + 2) / (1 + 4)]
    assert found.null.loc[found.null["method"] == GRAPH, "balanced_accuracy"].tolist() == [0.3, 0.5, 0.9, 1.0]


def test_the_best_of_several_methods_is_held_against_the_best_of_chance() -> None:
    sheet = _sheet(tissue=TISSUE)
    weak, strong = ["leaf"] * 16, sheet["tissue"].where(sheet["group"] != "g0", "leaf").tolist()
    predictions = pd.concat(
        [_predictions(sheet, "tissue", weak), _predictions(sheet, "tissue", strong, method=NEAREST_NEIGHBOURS)]
    )
    null = pd.concat([_null(0.9, 0.2, 0.2), _null(0.2, 0.9, 0.2, methods=(NEAREST_NEIGHBOURS,))], ignore_index=True)
    found = _validate(predictions, sheet, null)
    assert found.null.loc[found.null["method"] == BEST_OF_LATENTS, "balanced_accuracy"].tolist() == [0.9, 0.9, 0.2]
    assert found.scores.set_index("method")["p"].to_dict() == {GRAPH: 2 / 4, NEAREST_NEIGHBOURS: 2 / 4}
    assert found.verdicts["p"].tolist() == [3 / 4]


def test_classes_of_one_group_do_not_count() -> None:
    sheet = _sheet(tissue=["root", "leaf", "root", "leaf", "root", "leaf", "root", "rare"])
    predicted = sheet["tissue"].tolist()
    row = _validate(_predictions(sheet, "tissue", predicted), sheet, _null(0.5)).scores.iloc[0]
    assert (row["n_samples"], row["n_classes"]) == (14, 2)


def test_replicate_split_scores_only_labels_that_groups_cannot_tell_about() -> None:
    sheet = _sheet(tissue=TISSUE, stage=[f"stage {number}" for number in range(8)])
    parts = [
        _predictions(sheet, label, sheet[label].tolist(), scheme=scheme)
        for label in ("tissue", "stage")
        for scheme in ("grouped", OPTIMISTIC)
    ]
    found = _validate(pd.concat(parts), sheet, _null(0.5))
    rows = found.scores.set_index("label")
    assert rows["scheme"].to_dict() == {"stage": OPTIMISTIC, "tissue": "grouped"}
    assert rows["optimistic"].to_dict() == {"stage": True, "tissue": False}
    assert np.isnan(rows.loc["stage", "p"])
    verdict = found.verdicts.set_index("label").loc["stage"]
    assert not verdict["carried"]
    assert verdict["sentence"].startswith("stage (optimistic: replicates of held-out samples were learnt from)")


def _many(sheet: pd.DataFrame, wrong: dict[str, int]) -> pd.DataFrame:
    """Predictions by method, wrong in the first so many groups."""
    other = {"root": "leaf", "leaf": "root"}
    parts = []
    for method, count in wrong.items():
        missed = sheet["group"].isin(GROUPS[:count])
        predicted = sheet["tissue"].where(~missed, sheet["tissue"].map(other)).tolist()
        parts.append(_predictions(sheet, "tissue", predicted, method=method))
    return pd.concat(parts)


def _sentence(wrong: dict[str, int], *null: float, arrangements: float = 1e6) -> str:
    sheet = _sheet(tissue=TISSUE)
    drawn = _null(*null, methods=(GRAPH, LOGISTIC_REGRESSION, NEAREST_NEIGHBOURS))
    return str(_validate(_many(sheet, wrong), sheet, drawn, arrangements).verdicts["sentence"][0])


def test_verdict_on_a_label_that_is_carried() -> None:
    wrong = {GRAPH: 0, NEAREST_NEIGHBOURS: 1, LOGISTIC_REGRESSION: 2, PRINCIPAL_COMPONENTS: 2, MAJORITY: 4}
    sentence = _sentence(wrong, *[0.5] * 39)
    start = (
        "tissue: the latents carry it, the best method on them (graph attention) reaches a held-out balanced accuracy "
        "of 1.00 [1.00, 1.00] where chance is 0.50, permuted-label p 0.025, 16 samples in 8 groups; the graph (1.00) "
        "cannot be told apart from nearest neighbours on the same latents (0.88; difference +0.12 ["
    )
    assert sentence.startswith(start)
    assert sentence.endswith("; logistic regression on principal components of the inputs reaches 0.75.")


def test_verdict_on_the_graph() -> None:
    assert "(1.00) adds something over" in _sentence({GRAPH: 0, LOGISTIC_REGRESSION: 5}, *[0.5] * 39)
    assert "does worse than" in _sentence({GRAPH: 6, LOGISTIC_REGRESSION: 0}, *[0.5] * 39)


def test_verdict_is_careful() -> None:
    assert "nothing here shows that the latents carry it" in _sentence({GRAPH: 2}, *[0.5] * 18, *[0.9] * 2)
    few = _sentence({GRAPH: 0}, *[1.0] * 19, arrangements=6)
    assert "(no smaller p than 0.17 is possible with so few groups)" in few


def test_verdict_on_one_class() -> None:
    sheet = _sheet(tissue=TISSUE)
    rows = _predictions(sheet, "tissue", ["root"] * 16)
    found = _validate(rows[rows["truth"] == "root"], sheet, _null(0.5))
    assert found.verdicts["sentence"].tolist() == [
        "tissue: all 8 held-out samples that count have the same class, so nothing can be said about it."
    ]


def test_nothing_to_score_gives_empty_tables() -> None:
    sheet = _sheet(tissue=TISSUE)
    predictions = _predictions(sheet, "tissue", TISSUE * 2).iloc[:0]
    found = _validate(predictions, sheet, NO_NULL)
    assert found.scores.empty
    assert found.verdicts.empty
    assert list(found.confusion.columns) == ["label", "scheme", "method", "truth", "predicted", "n_samples"]


def _nearest_class(features: np.ndarray, known: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Give every sample the class with the nearest mean: a quick method that learns from balance as others do."""
    means = np.stack([features[known & (codes == number)].mean(axis=0) for number in range(2)])
    return np.square(features[:, None] - means).sum(axis=2).argmin(axis=1)


def _p_of_noise(seed: int) -> float:
    """p of a method on noise that the replicates of a group share, with folds dealt by the true labels."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(10), 2)
    tissue = rng.permutation(np.array(["a"] * 4 + ["b"] * 6))[groups]
    ids = np.array([f"s{number:02d}" for number in range(20)])
    sheet = pd.DataFrame({"sample_id": ids, "group": [f"g{group}" for group in groups], "batch": None, "time": np.nan})
    sheet["tissue"] = tissue
    features = rng.normal(size=(10, 6))[groups] + 0.5 * rng.normal(size=(20, 6))
    config = ValidationConfig(folds=5, repeats=1)
    plan = plan_folds(sheet, list(ids), config=config, inner_share=0.2, seed=seed).table
    held_out = plan[plan["role"] == "held_out"]
    draws, arrangements = label_draws(sheet, held_out, count=19, seed=seed)
    labels = np.vstack([tissue, draws["class"].to_numpy(dtype=str).reshape(19, 20)])
    rows = []
    for _, part in held_out.groupby("fold"):
        out = np.isin(ids, part["sample_id"])
        for draw, truth in enumerate(labels):
            predicted = np.where(_nearest_class(features, ~out, (truth == "b").astype(int)) == 1, "b", "a")
            rows += [(draw - 1, *row) for row in zip(ids[out], truth[out], predicted[out], strict=True)]
    table = pd.DataFrame(rows, columns=["draw", "sample_id", "truth", "predicted"])
    table = table.assign(label="tissue", method=NEAREST_NEIGHBOURS, fold="0", repeat=1, scheme="grouped")
    observed, permuted = table[table["draw"] == -1], table[table["draw"] >= 0]
    return float(validate_predictions(observed, permuted, sheet, arrangements, seed=1).verdicts["p"][0])


def test_p_is_uniform_where_features_are_noise() -> None:
    """The folds are dealt by the true labels, so this holds only if permuted labels keep the folds as even."""
    p = np.array([_p_of_noise(seed) for seed in range(60)])
    # p lies on 1/20, 2/20 ...; ties in accuracy make it larger, never smaller, than uniform.
    assert kstest(p, "uniform", alternative="greater").pvalue > 0.01
    assert (p <= 0.2).mean() == pytest.approx(0.2, abs=0.15)
    assert 0.4 < p.mean() < 0.75


def test_null_table_leaves_out_classes_that_cannot_be_learnt() -> None:
    sheet = _sheet(tissue=["root", "leaf"] * 3 + ["root", "rare"])
    null = pd.concat([_null(0.5), _null(1.0).query("truth == 'root'").assign(truth="rare", predicted="root")])
    table = null_table(null, label_designs(sheet))
    assert table.loc[table["method"] == GRAPH, "balanced_accuracy"].tolist() == [0.5]
