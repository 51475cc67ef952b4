"""Studies that the benchmarks judge rankings on, planted and real, and what the networks learn from them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.simulation import SimulationConfig
from configs.study import AutoencoderConfig, GraphConfig, PreprocessConfig, Role, Unit
from models.autoencoder import train_autoencoder
from models.basis import principal_scores
from models.graph import train_graph
from models.graph_tables import graph_data
from models.importance import autoencoder_value, graph_importance, mean_rank, reconstruction_importance
from models.latents import latent_table
from models.layer import Layer
from models.preprocess import prepare_layer
from models.presets import hidden_widths
from models.scaling import Scaler
from models.simulation import Simulation, simulate
from models.target_evidence import LayerFit
from tests.conftest import DATA

FOLDS, SEED = 5, 1
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """Paired layers, the replicate group of each sample, metabolites by target, and the genes that are true.

    `labels` has one row a sample, in order, and one column a label; no column where the study has none.
    """

    genes: Layer
    metabolites: Layer
    groups: tuple[str, ...]
    targets: Mapping[str, list[str]]
    truth: pd.DataFrame
    labels: pd.DataFrame


@dataclass(frozen=True, slots=True, eq=False)
class FoldFit:
    """Both layers in one fold, and who is held out and who stops the training, shape=(n_samples,)."""

    genes: LayerFit
    metabolites: LayerFit
    held_out: Booleans
    inner: Booleans


def planted(config: SimulationConfig, seed: int) -> Study:
    """Return a simulated study."""
    return study_of(simulate(config, seed=seed))


def study_of(made: Simulation) -> Study:
    """Prepare the tables of a simulation."""
    genes = prepared(made.expression, "fpkm", "genes")
    metabolites = prepared(made.metabolites, "intensity", "metabolites")
    sheet = made.samples.set_index("sample_id").loc[list(genes.sample_ids)]
    labels = sheet[["tissue", "geography"]].reset_index(drop=True)
    truth = made.truth[["gene_id", "target"]]
    return Study(genes, metabolites, tuple(sheet["group"]), made.targets, truth, labels)


def ecoli() -> Study:
    """Return the growth series of E. coli: enzymes of the metabolites that they convert."""
    folder = DATA / "ecoli_growth29"
    genes = prepared(_read(folder, "expression"), "tpm", "genes")
    table = _read(folder, "metabolites").set_index("metabolite_id").replace(0, np.nan)
    metabolites = prepared(table.reset_index(), "intensity", "metabolites")
    targets, truth = _links(folder, genes, metabolites)
    return Study(genes, metabolites, genes.sample_ids, targets, truth, _unlabelled(genes))


def nci60() -> Study:
    """Return 20 human cell lines: enzymes of the metabolites that they convert."""
    folder = DATA / "nci60_intlim20"
    genes = prepared(_read(folder, "expression"), "log2", "genes")
    metabolites = prepared(_read(folder, "metabolites"), "log2", "metabolites").restricted_to(genes.sample_ids)
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t", dtype=str).set_index("sample_id")
    labels = sheet.loc[list(genes.sample_ids), ["PBO_vs_Leukemia"]].reset_index(drop=True)
    targets, truth = _links(folder, genes, metabolites)
    return Study(genes, metabolites, genes.sample_ids, targets, truth, labels)


def tomato() -> Study:
    """Return tomato leaves after elicitation: the samples that both layers have, and the genes of one cluster."""
    folder = DATA / "tomato_falcarindiol"
    genes = prepared(_read(folder, "expression"), "fpkm", "genes")
    metabolites = prepared(_read(folder, "metabolites"), "intensity", "metabolites").restricted_to(genes.sample_ids)
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t", dtype=str).set_index("sample_id").loc[list(genes.sample_ids)]
    truth = pd.read_csv(folder / "truth.tsv", sep="\t")
    members = truth.loc[truth["relation"] == "pathway_member", ["gene_id"]].assign(target="falcarindiol")
    labels = sheet[["treatment", "hours"]].reset_index(drop=True)
    return Study(genes, metabolites, tuple(sheet["treatment"] + " " + sheet["hours"]), {}, members, labels)


def arabidopsis(organ: str) -> Study:
    """Return one organ of Arabidopsis, with its proteins as metabolites: the own transcript of each protein."""
    folder = DATA / "arabidopsis_wallomics"
    genes = prepared(_read(folder, f"expression_{organ}"), "fpkm", "genes")
    proteins = prepared(_read(folder, f"proteins_{organ}"), "log2", "metabolites").restricted_to(genes.sample_ids)
    sheet = pd.read_csv(folder / "samples.tsv", sep="\t").query("organ == @organ").set_index("sample_id")
    labels = sheet.loc[list(genes.sample_ids), ["ecotype", "temperature"]].astype(str).reset_index(drop=True)
    shared = sorted(set(proteins.feature_ids) & set(genes.feature_ids))
    truth = pd.DataFrame({"gene_id": shared, "target": shared})
    targets = {name: [name] for name in shared}
    return Study(genes, proteins, tuple(labels.agg(" ".join, axis=1)), targets, truth, labels)


def prepared(table: pd.DataFrame, unit: Unit, role: Role) -> Layer:
    """Return a table, ids in its first column, as a prepared layer."""
    ids, samples = tuple(table.iloc[:, 0].astype(str)), tuple(map(str, table.columns[1:]))
    layer = Layer(role, table.iloc[:, 1:].to_numpy(np.float32), ids, samples)
    return prepare_layer(layer, unit=unit, role=role, config=PreprocessConfig()).layer


def fold_fits(study: Study) -> Iterator[FoldFit]:
    """Train the networks of both layers with the preset `compact`, fold by fold."""
    for held_out, inner in _splits(study.groups):
        genes, metabolites = (_fit(layer, held_out, inner) for layer in (study.genes, study.metabolites))
        yield FoldFit(genes, metabolites, held_out, inner)


def autoencoder_importance(fold: FoldFit) -> tuple[Floats, Floats]:
    """Return reconstruction and gradient importance of every gene on the held-out samples."""
    genes = fold.genes
    judged, latents = genes.scaled[:, fold.held_out], genes.fitted.encode(genes.scaled)[~fold.held_out & ~fold.inner]
    reconstruction = reconstruction_importance(genes.fitted.squared_error(judged), judged)
    return reconstruction, genes.fitted.latent_gradient(judged, latents.std(axis=0).astype(np.float64))


def prior_evidence(study: Study) -> dict[str, Floats]:
    """Return what the networks say of genes in general: `autoencoder`, and `graph` where the study has labels."""
    measures = []
    for fold in fold_fits(study):
        graph = _graph_importance(study, fold) if len(study.labels.columns) else np.full(len(fold.genes.scaled), np.nan)
        measures.append((*autoencoder_importance(fold), graph))
    reconstruction, gradient, graph = (np.stack(rows) for rows in zip(*measures, strict=True))
    found = {"autoencoder": autoencoder_value(reconstruction, gradient)}
    return found if np.isnan(graph).all() else {**found, "graph": mean_rank(graph)}


def _graph_importance(study: Study, fold: FoldFit) -> Floats:
    """Carry what the graph network's held-out prediction of the labels rests on to the genes."""
    samples = study.genes.sample_ids
    train = ~fold.held_out & ~fold.inner
    latents, principal = {}, {}
    for name, fit in (("genes", fold.genes), ("metabolites", fold.metabolites)):
        filled = np.nan_to_num(fit.scaled)
        scores = {"latents": fit.fitted.encode(filled), "principal": principal_scores(filled[:, train], filled)}
        table = {
            key: latent_table(found, fold="", layer=name, sample_ids=samples, held_out=list(fold.held_out))
            for key, found in scores.items()
        }
        latents[name], principal[name] = table["latents"], table["principal"]
    roles = np.where(fold.held_out, "held_out", np.where(fold.inner, "inner", "train"))
    sheet = study.labels.assign(sample_id=list(samples), group=list(study.groups), batch=None, time=np.nan)
    data = graph_data(latents, principal, sheet, dict(zip(samples, map(str, roles), strict=True)))
    result = train_graph(data, config=GraphConfig(), seed=SEED, device="cpu")
    joint = np.concatenate([fit.fitted.encode(np.nan_to_num(fit.scaled)) for fit in (fold.genes, fold.metabolites)], 1)
    return graph_importance(np.nan_to_num(fold.genes.scaled), joint, result.latent_importance)


def _splits(groups: tuple[str, ...]) -> Iterator[tuple[Booleans, Booleans]]:
    """Yield who is held out and who stops the training, fold by fold, over whole groups."""
    codes = pd.factorize(np.asarray(groups, dtype=object))[0]
    n_groups = int(codes.max()) + 1
    dealt = np.random.default_rng(SEED).permutation(n_groups)
    for fold in range(FOLDS):
        held_out = dealt % FOLDS == fold
        learnt = np.flatnonzero(~held_out)
        inner = learnt[np.argsort(dealt[learnt])[: max(1, round(0.2 * len(learnt)))]]
        yield held_out[codes], np.isin(codes, inner)


def _fit(layer: Layer, held_out: Booleans, inner: Booleans) -> LayerFit:
    train = ~held_out & ~inner
    scaler = Scaler.fit(layer.values[:, train])
    scaled = scaler.apply(layer.values)
    widths = hidden_widths("compact", "genes")
    config = AutoencoderConfig()
    fitted, _ = train_autoencoder(
        scaled[:, train], scaled[:, inner], widths=widths, config=config, seed=SEED, device="cpu"
    )
    return LayerFit(fitted, scaler.apply(layer.values, keep_missing=True))


def _read(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.tsv.gz", sep="\t")


def _links(folder: Path, genes: Layer, metabolites: Layer) -> tuple[dict[str, list[str]], pd.DataFrame]:
    """Return each metabolite with a known enzyme as a target, and the genes of its enzymes: grades A and B."""
    truth = pd.read_csv(folder / "truth.tsv", sep="\t").query("grade in ('A', 'B')")
    measured = truth[truth["metabolite_id"].isin(metabolites.feature_ids) & truth["gene_id"].isin(genes.feature_ids)]
    targets = {name: [name] for name in measured["metabolite_id"].unique()}
    return targets, measured.rename(columns={"metabolite_id": "target"})[["gene_id", "target"]].drop_duplicates()


def _unlabelled(genes: Layer) -> pd.DataFrame:
    return pd.DataFrame(index=range(len(genes.sample_ids)))
