"""Figures of data that are hard to draw: long names, many samples and groups, gaps, single folds, extreme values."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from models import figures

EVIDENCES = ("correlation", "autoencoder", "graph", "homology", "bait")
MANY = [f"2021-03-14_LeafBlade_treatment-high_nitrogen_replicate_{place:03d}.mzML" for place in range(100)]
GROUPS = [f"genotype {'ABCDEF'[place % 6]} x nitrogen level {place:02d} in the greenhouse" for place in range(30)]
GENES = [
    f"TRINITY_DN{7919 * place}_c{place % 3}_g{place % 7}_i{place}.p1 cytochrome P450 71D{place}" for place in range(60)
]
METABOLITES = [
    f"M{place}T{37 * place} kaempferol 3-O-[6-O-(p-coumaroyl)-beta-D-glucoside] isomer {place}" for place in range(40)
]
TARGET = "phenylpropanoid amides of the hydroxycinnamic acids (MSI level 3)"
LABEL = "genotype_by_treatment_by_collection_site"


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)


def _labels(samples: list[str], classes: list[str]) -> pd.Series:
    values = [classes[place % len(classes)] if place % 11 else None for place in range(len(samples))]
    return pd.Series(values, index=samples, dtype="str", name=LABEL)


def _qc(samples: list[str], sizes: np.ndarray) -> pd.DataFrame:
    count = len(samples)
    rows = {"layer": "metabolome_positive_mode_HILIC", "sample_id": samples, "library_size": sizes}
    return pd.DataFrame(rows).assign(missing_share=np.linspace(0, 1, count))


def _points(count: int) -> np.ndarray:
    return _rng().normal(size=(count, 2))


def _plane(samples: list[str], points: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"sample_id": samples, "x": points[:, 0], "y": points[:, 1]})


def _embedding(samples: list[str], points: np.ndarray) -> pd.DataFrame:
    return pd.concat(
        [
            _plane(samples, points).assign(method=method, space=space)
            for space in ("all layers", "transcriptome of the whole plant", "metabolome_positive_mode")
            for method in ("PCA", "t-SNE", "UMAP")
        ],
        ignore_index=True,
    )


def _attention(samples: list[str]) -> pd.DataFrame:
    count = len(samples)
    first, second = np.triu_indices(count, 1)
    ids = np.array(samples, dtype=object)
    frame = pd.DataFrame({"fold": "all", "source_sample": ids[first], "target_sample": ids[second]})
    return frame.assign(attention=_rng().exponential(size=len(frame)) ** 3)


def _history(folds: list[str], parts: list[str], epochs: int) -> pd.DataFrame:
    steps = np.arange(1, epochs + 1)
    rows = [
        pd.DataFrame({"fold": fold, "part": part, "epoch": steps, "train_loss": 3 * np.exp(-steps / 40)}).assign(
            inner_loss=np.exp(-steps / 30) + 0.2 + 0.01 * place + (steps / 400) ** 2
        )
        for part in parts
        for place, fold in enumerate(folds)
    ]
    return pd.concat(rows, ignore_index=True)


def _validation(labels: list[str]) -> pd.DataFrame:
    methods = ["graph attention", "majority", "random forest on principal components of both layers", "nearest group"]
    rows = [
        {"label": label, "method": method, "balanced_accuracy": (place + 1) / 5, "low": place / 5, "high": 1.0}
        for label in labels
        for place, method in enumerate(methods)
    ]
    frame = pd.DataFrame(rows).assign(optimistic=True, n_samples=100, n_groups=30, n_classes=12, p=1.2345e-7)
    frame.loc[1, ["balanced_accuracy", "low", "high", "p"]] = np.nan
    return frame


def _confusion(classes: list[str]) -> pd.DataFrame:
    rows = [(truth, classes[(place * 3) % len(classes)], 12.5) for place, truth in enumerate(classes)]
    return pd.DataFrame(rows, columns=["truth", "predicted", "n_samples"]).assign(label=LABEL, method="graph attention")


def _ranking(genes: list[str], *, extreme: bool = False) -> pd.DataFrame:
    count = len(genes)
    score = np.geomspace(1e300, 1e-300, count) if extreme else np.linspace(5, -1, count)
    frame = pd.DataFrame({"target": TARGET, "rank": np.arange(1, count + 1), "gene_id": genes, "score": score})
    low = pd.array([None if place % 4 == 3 else 1 + place // 2 for place in range(count)], dtype="Int64")
    high = pd.array([None if place % 4 == 3 else (place + 1) * 2_000 for place in range(count)], dtype="Int64")
    return frame.assign(rank_low=low, rank_high=high)


def _contributions(genes: list[str]) -> pd.DataFrame:
    parts = {name: _rng().exponential(size=len(genes)) for name in EVIDENCES}
    return pd.DataFrame({"gene_id": genes, **parts})


def _controls() -> pd.DataFrame:
    controls = ("real", "random_target", "shuffled_baits", "both")
    rows = [("real" and TARGET, name, place, 2.0 / place) for name in controls for place in range(1, 101)]
    return pd.DataFrame(rows, columns=["target", "control", "place", "score"])


def _false() -> pd.DataFrame:
    tops = [10, 25, 100, 1_000, 13_000]
    frame = pd.DataFrame({"target": TARGET, "top": tops, "expected_false": [1e-12, 24.999, 250.0, 999.6, 13_000.0]})
    return frame.assign(share=np.minimum(1, frame["expected_false"] / frame["top"]))


def _summary(genes: list[str], scale: float) -> pd.DataFrame:
    columns: dict[str, object] = {"gene_id": genes, "reconstruction_null": -0.1 * scale}
    for name in ("reconstruction", "gradient", "graph"):
        mean = _rng().normal(size=len(genes)) * scale
        columns |= {name: mean, f"{name}_sd": abs(mean) / 3, f"{name}_top": 0.5}
    return pd.DataFrame(columns)


def _family(members: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        (
            gene,
            f"{gene}_isoform_X{place % 4}",
            member,
            1.0 + 60 * number,
            55.0 + 60 * number,
            34_350.0,
            120.0,
            number < 3,
        )
        for place, gene in enumerate(GENES[:20])
        for number, member in enumerate(members)
    ]
    columns = ["gene_id", "sequence_id", "member", "start", "end", "length", "bit_score", "counted"]
    domains = pd.DataFrame(rows, columns=columns).assign(family="BAHD acyltransferases of clades I to V, reviewed")
    hits = domains.drop_duplicates("gene_id")[["gene_id", "sequence_id", "family"]]
    return hits.assign(grade=0.5, bit_score=123_456.7, best_member=members[0]), domains


def hard_figures() -> dict[str, Callable[[], Figure]]:
    """Return builders of figures by what is hard about them."""
    rng = _rng()
    matrix = np.corrcoef(rng.normal(size=(100, 20)))
    gaps = rng.uniform(-1, 1, size=(40, 30))
    gaps[::3, ::4] = np.nan
    one = _points(6)
    far = np.vstack([_points(99), [[1e9, -1e9]]])
    sheet = pd.DataFrame({"sample_id": MANY, LABEL: _labels(MANY, GROUPS).to_numpy()})
    few = pd.DataFrame({"sample_id": MANY[:6], LABEL: "control"})
    cloud = pd.DataFrame(rng.standard_cauchy(size=(5_000, 3)), columns=["reconstruction", "gradient", "graph"])
    return {
        "library_sizes-many": lambda: figures.library_sizes(
            _qc(MANY, rng.uniform(1, 9, 100)), "metabolome_positive_mode_HILIC"
        ),
        "library_sizes-extreme": lambda: figures.library_sizes(
            _qc(MANY[:12], np.geomspace(1e-12, 1e12, 12)), "metabolome_positive_mode_HILIC"
        ),
        "library_sizes-one": lambda: figures.library_sizes(_qc(MANY[:1], np.ones(1)), "metabolome_positive_mode_HILIC"),
        "missing_by_sample-many": lambda: figures.missing_by_sample(_qc(MANY, np.ones(100))),
        "missing_by_sample-one": lambda: figures.missing_by_sample(_qc(MANY[:1], np.ones(1)).assign(missing_share=1.0)),
        "missing_by_feature-layers": lambda: figures.missing_by_feature(
            {f"layer of the {place}th instrument, HILIC": rng.uniform(0, 1, 500 + place) for place in range(5)}
            | {"transcriptome of the whole plant": np.zeros(3)}
        ),
        "densities-many": lambda: figures.densities(
            [(np.linspace(-5, 1e6, 50), rng.uniform(size=50)) for _ in range(100)],
            [(np.linspace(-5, 20, 50), rng.uniform(size=50)) for _ in range(100)],
            "metabolome_positive_mode_HILIC",
            before_label="as given, log2(x + 1) where no value is negative",
        ),
        "principal_components-many": lambda: figures.principal_components(
            _points(100), [0.5, 0.25], MANY, _labels(MANY, GROUPS), LABEL
        ),
        "principal_components-one_group": lambda: figures.principal_components(
            one, [1.0, 0.0], MANY[:6], pd.Series("control", index=MANY[:6]), LABEL
        ),
        "principal_components-far": lambda: figures.principal_components(
            far, [0.999, 1e-9], MANY, _labels(MANY, GROUPS[:12]), LABEL
        ),
        "sample_correlation-many": lambda: figures.sample_correlation(matrix, MANY),
        "sample_correlation-two": lambda: figures.sample_correlation(np.array([[1, np.nan], [np.nan, 1]]), MANY[:2]),
        "training_curves-single_fold": lambda: figures.training_curves(_history(["all"], ["transcriptome"], 1)),
        "training_curves-folds": lambda: figures.training_curves(
            _history(
                [f"repeat 1 fold {place}" for place in range(1, 6)] + ["all"],
                ["transcriptome", "metabolome", "graph"],
                200,
            )
        ),
        "training_curves-many": lambda: figures.training_curves(
            _history(
                [*map(str, range(30)), "all"], [f"layer {place} of HILIC positive mode" for place in range(5)], 200
            )
        ),
        "training_curves-extreme": lambda: figures.training_curves(
            _history(["1", "2"], ["graph"], 50).assign(train_loss=lambda rows: rows["train_loss"] * 1e12)
        ),
        "validation_bars-labels": lambda: figures.validation_bars(
            _validation([f"{LABEL} {place}" for place in range(5)])
        ),
        "validation_bars-one": lambda: figures.validation_bars(_validation([LABEL])),
        "confusion-many": lambda: figures.confusion(_confusion(GROUPS), LABEL, "graph attention"),
        "confusion-one": lambda: figures.confusion(_confusion(GROUPS[:1]), LABEL, "graph attention"),
        "sample_graph-many": lambda: figures.sample_graph(
            _plane(MANY, _points(100)), _attention(MANY), _labels(MANY, GROUPS)
        ),
        "sample_graph-far": lambda: figures.sample_graph(
            _plane(MANY, far), _attention(MANY), _labels(MANY, GROUPS[:2])
        ),
        "sample_graph-one_group": lambda: figures.sample_graph(
            _plane(MANY[:6], one), _attention(MANY[:6]), pd.Series("control", index=MANY[:6], name=LABEL)
        ),
        "latent_maps-many": lambda: figures.latent_maps(_embedding(MANY, _points(100)), sheet, LABEL),
        "latent_maps-one_group": lambda: figures.latent_maps(_embedding(MANY[:6], one), few, LABEL),
        "strongest_heatmap-gaps": lambda: figures.strongest_heatmap(gaps, GENES[:40], METABOLITES[:30]),
        "strongest_heatmap-one": lambda: figures.strongest_heatmap(np.array([[-1.0]]), GENES[:1], METABOLITES[:1]),
        "strongest_heatmap-wide": lambda: figures.strongest_heatmap(gaps[:2], GENES[:2], METABOLITES[:30]),
        "strongest_heatmap-tall": lambda: figures.strongest_heatmap(gaps[:, :1], GENES[:40], METABOLITES[:1]),
        "importance_scatter-heavy": lambda: figures.importance_scatter(cloud),
        "importance_scatter-two_genes": lambda: figures.importance_scatter(cloud.head(2)),
        "top_importance-long": lambda: figures.top_importance(_summary(GENES, 1.0)),
        "top_importance-extreme": lambda: figures.top_importance(_summary(GENES[:2], 1e9)),
        "top_importance-tiny": lambda: figures.top_importance(_summary(GENES, 3e-5)),
        "top_genes-long": lambda: figures.top_genes(_ranking(GENES), _contributions(GENES)),
        "top_genes-one": lambda: figures.top_genes(_ranking(GENES[:1]), _contributions(GENES[:1])),
        "score_curve-extreme": lambda: figures.score_curve(_ranking(GENES, extreme=True)),
        "score_curve-long": lambda: figures.score_curve(_ranking([*map(str, range(130_000))])),
        "score_curve-one": lambda: figures.score_curve(_ranking(GENES[:1])),
        "negative_controls-alike": lambda: figures.negative_controls(_controls()),
        "false_in_top-extreme": lambda: figures.false_in_top(_false()),
        "rank_intervals-gaps": lambda: figures.rank_intervals(_ranking(GENES)),
        "rank_intervals-one": lambda: figures.rank_intervals(_ranking(GENES[:1])),
        "family_domains-long": lambda: figures.family_domains(
            *_family([f"BAHD_HUMAN_reference_protein_{place}" for place in range(6)])
        ),
        "family_domains-many": lambda: figures.family_domains(
            *_family([f"BAHD_HUMAN_reference_protein_{place}" for place in range(40)])
        ),
    }
