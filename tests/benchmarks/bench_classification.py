"""Labels of held-out samples on two real data sets: the graph network beside plain methods."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from configs.study import AutoencoderConfig, GraphConfig, PreprocessConfig, ValidationConfig
from models.autoencoder import train_autoencoder
from models.basis import principal_scores
from models.folds import plan_folds
from models.graph import GraphData, train_graph
from models.graph_tables import drawn_codes, graph_data, prediction_table
from models.label_null import label_draws
from models.latents import latent_table
from models.layer import Layer
from models.methods import GRAPH
from models.null_predictions import null_predictions
from models.preprocess import prepare_layer
from models.presets import hidden_widths
from models.scaling import Scaler
from models.seeds import derived_seed
from models.validation import METHODS, validate_predictions
from tests.benchmarks.tables import Table

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
INPUTS = "logistic regression on mRNA + miRNA"
REFITS = 5
RESAMPLES = 2000
CONFIG, GRAPH_CONFIG = AutoencoderConfig(), GraphConfig()


def breast() -> Table:
    """Subtypes of 70 test samples that lack the third layer, learnt from 150 samples of three layers."""
    layers, sheet = _breast_data()
    test = sheet.loc[sheet["split"] == "test", "sample_id"].tolist()
    sheet = sheet.drop(columns="split")
    refits = []
    for seed in range(REFITS):
        roles = _roles(sheet, test, seed)
        data = _nodes(layers, sheet, roles, seed)
        result = train_graph(data, config=GRAPH_CONFIG, seed=seed, device="cpu")
        refits.append(prediction_table(data, result, sheet["sample_id"].tolist()).assign(refit=seed))
    predictions = pd.concat([*refits, _on_inputs(layers, sheet, test)])
    right = _right(predictions, test)
    truth = sheet.set_index("sample_id").loc[test, "subtype"].to_numpy()
    resampled = {method: _resampled(rows, truth) for method, rows in right.items()}
    rows = []
    for method in (*METHODS, INPUTS):
        accuracy, balanced = right[method].mean(), _balanced(right[method], truth)
        gap = resampled[method] - resampled[GRAPH]
        low, high = np.quantile(gap, [0.025, 0.975])
        difference = (
            "" if method == GRAPH else f"{balanced - _balanced(right[GRAPH], truth):+.3f} [{low:+.3f}, {high:+.3f}]"
        )
        rows.append((method, f"{accuracy:.3f}", f"{balanced:.3f}", difference))
    low, high = np.quantile(resampled[INPUTS] - resampled[GRAPH], [0.025, 0.975])
    told = "cannot be told apart from" if low <= 0 <= high else "is worse than" if low > 0 else "is better than"
    return Table(
        "Subtypes of breast tumours, fixed test set without proteins",
        f"150 training samples of mRNA, miRNA and protein, 70 test samples of mRNA and miRNA; the missing latents are "
        f"filled in from training samples. Means over {REFITS} refits of autoencoders and graph network; the last "
        f"column is a paired bootstrap of {RESAMPLES:,} resamples of test samples and refits, balanced accuracy, 95%.",
        ("method", "accuracy", "balanced accuracy", "above the graph network"),
        tuple(rows),
        (f"The graph network on latents {told} {INPUTS}, which saw no protein at all.",),
    )


def arabidopsis() -> Table:
    """Organ, ecotype and temperature of 60 samples in 20 replicate groups, whole groups held out."""
    layers, sheet = _arabidopsis_data()
    samples = sheet["sample_id"].tolist()
    config = ValidationConfig()
    plan = plan_folds(sheet, samples, config=config, inner_share=CONFIG.inner_share, seed=1, shared_ids=samples)
    first = plan.table[(plan.table["repeat"] == 1) & (plan.table["role"] == "held_out")]
    draws, arrangements = label_draws(sheet, first, count=config.permutations, seed=1)
    made, permuted = [], []
    for name in plan.folds:
        rows = plan.table[plan.table["fold"] == name]
        seed = derived_seed(1, name)
        data = _nodes(layers, sheet, dict(zip(rows["sample_id"], rows["role"], strict=True)), seed)
        result = train_graph(data, config=GRAPH_CONFIG, seed=seed, device="cpu")
        repeat, scheme = int(rows["repeat"].iloc[0]), str(rows["scheme"].iloc[0])
        made.append(prediction_table(data, result, samples).assign(fold=name, repeat=repeat, scheme=scheme))
        if repeat == 1:
            codes = drawn_codes(draws, data, samples)
            found = null_predictions(data, codes, samples, config=GRAPH_CONFIG, seed=seed, device="cpu")
            permuted.append(found.assign(fold=name))
    found = validate_predictions(pd.concat(made), pd.concat(permuted), sheet, arrangements, seed=1)
    rows = tuple(
        (
            row.label,
            row.method,
            f"{row.accuracy:.3f}",
            f"{row.balanced_accuracy:.3f} [{row.low:.3f}, {row.high:.3f}]",
            f"{row.macro_f1:.3f}",
            f"{row.mcc:.3f}",
            "" if np.isnan(row.p) else f"{row.p:.2f}",
        )
        for row in found.scores.itertuples()
    )
    return Table(
        "Organ, ecotype and temperature of Arabidopsis, whole replicate groups held out",
        f"60 samples of transcripts, cell-wall proteins and polysaccharides in 20 groups of organ, ecotype and "
        f"temperature; {config.folds} folds, dealt {config.repeats} times, {config.permutations} permuted labels.",
        ("label", "method", "accuracy", "balanced accuracy", "macro F1", "MCC", "p"),
        rows,
        tuple(found.verdicts["sentence"]),
    )


def _nodes(layers: Mapping[str, Layer], sheet: pd.DataFrame, roles: Mapping[str, str], seed: int) -> GraphData:
    """Learn one fold: scale, filter, train and encode every layer."""
    latents, principal = {}, {}
    for name, layer in layers.items():
        train, inner = (tuple(one for one in layer.sample_ids if roles[one] == role) for role in ("train", "inner"))
        scaler = Scaler.fit(layer.columns_of(train), max_missing=PreprocessConfig().max_missing)
        scaled_train = scaler.apply(layer.columns_of(train))
        fitted, _ = train_autoencoder(
            scaled_train,
            scaler.apply(layer.columns_of(inner)),
            widths=hidden_widths(CONFIG.preset, "genes" if len(layer.feature_ids) > 1000 else "features"),
            config=CONFIG,
            seed=derived_seed(seed, name),
            device="cpu",
        )
        scaled = scaler.apply(layer.values)
        held_out = [roles[sample] == "held_out" for sample in layer.sample_ids]
        for kept, scores in ((latents, fitted.encode(scaled)), (principal, principal_scores(scaled_train, scaled))):
            kept[name] = latent_table(scores, fold="", layer=name, sample_ids=layer.sample_ids, held_out=held_out)
    return graph_data(latents, principal, sheet, roles)


def _roles(sheet: pd.DataFrame, test: list[str], seed: int) -> dict[str, str]:
    """Hold the test samples out, and a fifth of each class for early stopping."""
    training = sheet[~sheet["sample_id"].isin(test)]
    inner = training.groupby("subtype").sample(frac=CONFIG.inner_share, random_state=seed)["sample_id"]
    roles = dict.fromkeys(training["sample_id"], "train") | dict.fromkeys(inner, "inner")
    return roles | dict.fromkeys(test, "held_out")


def _on_inputs(layers: Mapping[str, Layer], sheet: pd.DataFrame, test: list[str]) -> pd.DataFrame:
    """Predict by logistic regression on the scaled inputs of the two layers that every sample has."""
    training = tuple(sample for sample in sheet["sample_id"] if sample not in test)
    parts = []
    for name in ("mrna", "mirna"):
        scaler = Scaler.fit(layers[name].columns_of(training))
        parts.append([scaler.apply(layers[name].columns_of(some)).T for some in (training, tuple(test))])
    learnt, asked = (np.hstack(part) for part in zip(*parts, strict=True))
    truth = sheet.set_index("sample_id")["subtype"]
    model = LogisticRegression(C=1.0, max_iter=10_000).fit(learnt, truth[list(training)])
    frame = pd.DataFrame({"sample_id": test, "truth": truth[test].to_numpy(), "predicted": model.predict(asked)})
    return frame.assign(method=INPUTS, refit=0)


def _right(predictions: pd.DataFrame, test: list[str]) -> dict[str, np.ndarray]:
    """Return by method which test samples were right, shape=(n_refits, n_test)."""
    hits = predictions.assign(right=predictions["truth"] == predictions["predicted"])
    return {
        str(method): rows.set_index(["refit", "sample_id"])["right"].unstack()[test].to_numpy(float)  # noqa: PD010
        for method, rows in hits.groupby("method")
    }


def _balanced(right: np.ndarray, truth: np.ndarray) -> float:
    return float(np.mean([right[:, truth == name].mean() for name in np.unique(truth)]))


def _resampled(right: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return balanced accuracies of resamples; every method gets the same ones, so that differences are paired."""
    rng = np.random.default_rng(1)
    weights = rng.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=RESAMPLES)
    refit = rng.integers(REFITS, size=RESAMPLES) % len(right)
    recalls = []
    for name in np.unique(truth):
        members = truth == name
        hits = (weights[:, members] * right[refit][:, members]).sum(axis=1)
        recalls.append(hits / np.maximum(weights[:, members].sum(axis=1), 1))
    return np.mean(recalls, axis=0)


def _breast_data() -> tuple[dict[str, Layer], pd.DataFrame]:
    folder = DATA / "breast_tcga_mixomics"
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t").sort_values("sample_id", ignore_index=True)
    parts = {"mrna": ("train", "test"), "mirna": ("train", "test"), "protein": ("train",)}
    layers = {}
    for name, splits in parts.items():
        tables = [pd.read_csv(folder / f"{name}_{split}.tsv.gz", sep="\t", index_col=0) for split in splits]
        layers[name] = _layer(name, pd.concat(tables, axis=1, join="inner"))
    return layers, sheet.assign(group=sheet["sample_id"], batch=None, time=np.nan)


def _arabidopsis_data() -> tuple[dict[str, Layer], pd.DataFrame]:
    folder = DATA / "arabidopsis_wallomics"
    layers = {}
    for name, unit in (("expression", "fpkm"), ("proteins", "log2"), ("metabolites", "intensity")):
        table = pd.concat(
            [
                pd.read_csv(folder / f"{name}_{organ}.tsv.gz", sep="\t", index_col=0).add_prefix(f"{organ}_")
                for organ in ("rosettes", "stems")
            ],
            axis=1,
            join="inner",
        )
        role = "genes" if name == "expression" else "features"
        layers[name] = prepare_layer(_layer(name, table), unit=unit, role=role, config=PreprocessConfig()).trainable
    return layers, _arabidopsis_sheet(folder)


def _arabidopsis_sheet(folder: Path) -> pd.DataFrame:
    found = pd.read_csv(folder / "samples.tsv", sep="\t", dtype=str)
    sheet = pd.concat(_prefixed(found), ignore_index=True)
    group = sheet[["organ", "ecotype", "temperature"]].agg("|".join, axis=1)
    columns = ["sample_id", "group", "batch", "time", "organ", "ecotype", "temperature"]
    sheet = sheet.assign(group=group, batch=None, time=np.nan)[columns]
    return sheet.sort_values("sample_id", ignore_index=True)


def _prefixed(found: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for organ, rows in found.groupby("organ"):
        yield rows.assign(sample_id=f"{organ}_" + rows["sample_id"])


def _layer(name: str, table: pd.DataFrame) -> Layer:
    return Layer(name, table.to_numpy(np.float32), tuple(map(str, table.index)), tuple(map(str, table.columns)))
