"""A planted study: expression and metabolite tables in which the genes of each pathway are known."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.simulation import SimulationConfig

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DETECTION_LIMIT = 0.05
"""Expression below which a gene counts as silent, FPKM."""
BACKGROUND = 0.5
"""Standard deviation of a pathway's activity over the groups in which it is not active."""
ACTIVE = 3.0
"""Rise of a pathway's activity in the groups in which it is active, same units."""
MODULE_MIX = (6.5, 3.5, 0.2)
"""Dirichlet weights of tissue, geography and the group's own level in the variance of a module."""
OUTLIER = 10.0
"""Standard deviations beyond which a heavy tail is cut: no instrument reads 2^50."""
REFERENCE_LENGTH = 420
"""Length of the reference proteins, residues."""
SEARCH_SPACE = 4e7
"""Size of the search behind the E-values, residues squared."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """A planted study.

    Attributes
    ----------
    expression : DataFrame
        ``gene_id`` and one float64 column a sample: FPKM, at least 0, three decimals.
    metabolites : DataFrame
        ``metabolite_id`` and one float64 column a sample: intensity above 0, one decimal; NaN where missing.
    samples : DataFrame
        ``sample_id``, ``group``, ``tissue``, ``geography``, ``batch``; one row a sample.
    truth : DataFrame
        ``gene_id``, ``target``, ``role`` ('bait' or 'hidden'); all planted genes.
    targets, baits : dict of str to list of str
        Metabolite ids and known genes by pathway.
    homology : dict of str to str
        Search tables by family, as text of BLAST outfmt 6: genes are queries. Empty text where nothing was found.
    family_targets : dict of str to str
        The pathway that each family serves.
    seed : int
        Seed of all of it.
    """

    expression: pd.DataFrame
    metabolites: pd.DataFrame
    samples: pd.DataFrame
    truth: pd.DataFrame
    targets: dict[str, list[str]]
    baits: dict[str, list[str]]
    homology: dict[str, str]
    family_targets: dict[str, str]
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """Samples in group order: positions of their group, tissue, geography and batch, shape=(n_samples,)."""

    group: Integers
    batch: Integers
    tissue_of_group: Integers
    geography_of_group: Integers
    config: SimulationConfig


def simulate(config: SimulationConfig, *, seed: int | None = None) -> Simulation:
    """Simulate a study in which the genes of each pathway are known.

    On the log2 scale, a feature is a base level, plus an amplitude times the activity that it follows, plus noise of
    its own, plus a shift of its batch. Activities and noise have a part that the replicates of a group share
    (`replicate_icc` of the variance, `module_icc` for modules) and a part of each sample. Module activities mix an
    effect of tissue, of geography and of the group; a pathway is active in a few groups of its own. Target metabolites
    follow their pathway's activity, and so do its genes, but `lag_share` of them show in one group what the
    metabolites show in the next (the last group leads the first). Intensities are the likelier missing the lower they
    are.

    Parameters
    ----------
    config : SimulationConfig
        Size and make-up.
    seed : int, optional
        Replaces the seed of `config`.

    Returns
    -------
    Simulation
        The same for the same config and seed.
    """
    seed = config.seed if seed is None else seed
    rng = np.random.default_rng(seed)
    design = _design(config)
    modules = _activities(rng, _module_levels(rng, design), design, icc=config.module_icc)
    pathways = _activities(rng, _pathway_levels(rng, config), design, icc=config.replicate_icc)
    gene_ids, metabolite_ids = _ids("G", config.genes), _ids("M", config.metabolites)
    chosen = _choose(rng, config.genes, config.pathway_genes, config)
    measured = _choose(rng, config.metabolites, config.target_metabolites, config)
    samples = _sample_sheet(design)
    sample_ids = samples["sample_id"].tolist()
    expression = _expression(rng, modules, pathways, chosen, design)
    intensities = _intensities(rng, modules, pathways, measured, design)
    return Simulation(
        expression=_table("gene_id", gene_ids, sample_ids, expression),
        metabolites=_table("metabolite_id", metabolite_ids, sample_ids, intensities),
        samples=samples,
        truth=_truth(gene_ids, chosen, config),
        targets={
            name: sorted(metabolite_ids[row].tolist()) for name, row in zip(config.pathways, measured, strict=True)
        },
        baits=_baits(gene_ids, chosen, config),
        homology=_homology(rng, gene_ids, chosen, config),
        family_targets={f"{name}_enzymes": name for name in config.pathways},
        seed=seed,
    )


def study_document(simulation: Simulation, config: SimulationConfig) -> dict[str, object]:
    """Return the content of the study file of a simulated study.

    Parameters
    ----------
    simulation : Simulation
        The study.
    config : SimulationConfig
        What it was made from.

    Returns
    -------
    dict
        Valid as a StudyConfig. It names the files ``expression.tsv``, ``metabolites.tsv``, ``samples.tsv`` and, as
        `homology_file` says, one search table a family, all beside the study file.
    """
    families = {
        family: {"tables": [homology_file(family)], "targets": [simulation.family_targets[family]]}
        for family in simulation.homology
    }
    baits = {name: ids for name, ids in simulation.baits.items() if ids}
    labels = {"tissue": config.tissues, "geography": config.geographies}
    return {
        "study": "simulated",
        "layers": {
            "transcriptome": {"path": "expression.tsv", "unit": "fpkm"},
            "metabolome": {"path": "metabolites.tsv", "unit": "intensity"},
        },
        "samples": {"path": "samples.tsv", "labels": [label for label, values in labels.items() if len(values) > 1]},
        "targets": simulation.targets,
        **({"baits": baits} if baits else {}),
        **({"families": families} if families else {}),
        "seed": simulation.seed,
    }


def homology_file(family: str) -> str:
    """Return the name of the search table of `family`."""
    return f"{family}.outfmt6.tsv"


# Samples


def _design(config: SimulationConfig) -> _Design:
    groups = np.arange(config.groups)
    n_tissues, n_geographies = len(config.tissues), len(config.geographies)
    crossed = groups // n_tissues if config.groups >= n_tissues * n_geographies else groups
    return _Design(
        group=np.repeat(groups, config.replicates),
        batch=np.tile(np.arange(config.replicates), config.groups) % config.batches,
        tissue_of_group=groups % n_tissues,
        geography_of_group=crossed % n_geographies,
        config=config,
    )


def _sample_sheet(design: _Design) -> pd.DataFrame:
    config, group = design.config, design.group
    tissues = np.array(config.tissues)[design.tissue_of_group[group]]
    geographies = np.array(config.geographies)[design.geography_of_group[group]]
    replicate = np.tile(np.arange(config.replicates), config.groups)
    width = len(str(config.groups))
    groups = [f"group_{index + 1:0{width}d}" for index in group]
    return pd.DataFrame(
        {
            "sample_id": [f"{name}_{index + 1}" for name, index in zip(groups, replicate, strict=True)],
            "group": groups,
            "tissue": tissues.tolist(),
            "geography": geographies.tolist(),
            "batch": [f"batch_{index + 1}" for index in design.batch],
        }
    )


# Activities


def _standardised(levels: Floats) -> Floats:
    """Give each row mean 0 and standard deviation 1 over the groups."""
    centred: Floats = levels - levels.mean(axis=1, keepdims=True)
    centred /= centred.std(axis=1, keepdims=True)
    return centred


def _module_levels(rng: np.random.Generator, design: _Design) -> Floats:
    """Return the level of each module in each group, shape=(modules, groups): tissue, geography and the group's own."""
    config = design.config
    tissue = rng.normal(size=(config.modules, len(config.tissues)))[:, design.tissue_of_group]
    geography = rng.normal(size=(config.modules, len(config.geographies)))[:, design.geography_of_group]
    own = rng.normal(size=(config.modules, config.groups))
    shares = np.sqrt(rng.dirichlet(MODULE_MIX, size=config.modules))
    return _standardised(shares[:, [0]] * tissue + shares[:, [1]] * geography + shares[:, [2]] * own)


def _pathway_levels(rng: np.random.Generator, config: SimulationConfig) -> Floats:
    """Return the level of each pathway in each group, shape=(pathways, groups): high in a few."""
    levels = rng.normal(scale=BACKGROUND, size=(len(config.pathways), config.groups))
    for row in levels:
        row[rng.choice(config.groups, config.active_groups, replace=False)] += ACTIVE
    return _standardised(levels)


def _activities(rng: np.random.Generator, levels: Floats, design: _Design, *, icc: float) -> Floats:
    """Return activities of samples, shape=(n, n_samples), variance 1: what replicates share, and what is a sample's."""
    own = rng.normal(size=(len(levels), len(design.group)))
    activity: Floats = np.sqrt(icc) * levels[:, design.group] + np.sqrt(1 - icc) * own
    return activity


# Features


def _ids(prefix: str, count: int) -> npt.NDArray[np.str_]:
    width = len(str(count))
    return np.array([f"{prefix}{number:0{width}d}" for number in range(1, count + 1)])


def _choose(rng: np.random.Generator, total: int, each: int, config: SimulationConfig) -> Integers:
    """Choose features for each pathway, none twice, shape=(pathways, each)."""
    return rng.choice(total, size=(len(config.pathways), each), replace=False)


def _own(rng: np.random.Generator, count: int, design: _Design) -> Floats:
    """Return noise and batch shifts of features, shape=(count, n_samples), log2 units."""
    config = design.config
    tails = rng.standard_t(config.tail_degrees, size=(count, len(design.group)))
    tails /= np.sqrt(config.tail_degrees / (config.tail_degrees - 2))
    tails = np.clip(tails, -OUTLIER, OUTLIER)
    shared = rng.normal(size=(count, config.groups))[:, design.group]
    noise = np.sqrt(config.replicate_icc) * shared + np.sqrt(1 - config.replicate_icc) * tails
    shifts = rng.normal(scale=config.batch_sd, size=(count, config.batches))[:, design.batch]
    own: Floats = config.noise * noise + shifts
    return own


def _features(rng: np.random.Generator, count: int, modules: Floats, design: _Design) -> Floats:
    """Return features of which `module_share` follow a module, up or down, shape=(count, n_samples), log2 units."""
    follows = rng.random(count) < design.config.module_share
    sign = np.where(rng.random(count) < 0.75, 1.0, -1.0)
    loading = follows * sign * rng.lognormal(mean=-0.2, sigma=0.5, size=count)
    module = rng.integers(len(modules), size=count)
    return loading[:, None] * modules[module] + _own(rng, count, design)


def _followers(rng: np.random.Generator, activity: Floats, design: _Design, *, count: int, lag_share: float) -> Floats:
    """Return features that follow a pathway, shape=(count, n_samples); the first of a random order lead it."""
    config = design.config
    leading = np.roll(activity.reshape(config.groups, config.replicates), -1, axis=0).ravel()
    leads = rng.permutation(count) < round(lag_share * count)
    amplitude = rng.lognormal(mean=0.0, sigma=0.3, size=count)
    signal = np.where(leads[:, None], leading, activity)
    return amplitude[:, None] * signal + _own(rng, count, design)


def _expression(
    rng: np.random.Generator, modules: Floats, pathways: Floats, chosen: Integers, design: _Design
) -> Floats:
    """Return FPKM of all genes, shape=(genes, n_samples)."""
    config = design.config
    levels = _features(rng, config.genes, modules, design)
    base = rng.normal(2.0, 2.0, config.genes)
    base[chosen] = rng.normal(3.5, 1.0, chosen.shape)
    for rows, activity in zip(chosen, pathways, strict=True):
        levels[rows] = _followers(rng, activity, design, count=len(rows), lag_share=config.lag_share)
    fpkm = np.exp2(levels + base[:, None])
    return np.where(fpkm < DETECTION_LIMIT, 0.0, fpkm).round(3)


def _intensities(
    rng: np.random.Generator, modules: Floats, pathways: Floats, measured: Integers, design: _Design
) -> Floats:
    """Return intensities of all metabolites, shape=(metabolites, n_samples), NaN where missing."""
    config = design.config
    levels = _features(rng, config.metabolites, modules, design)
    for rows, activity in zip(measured, pathways, strict=True):
        levels[rows] = _followers(rng, activity, design, count=len(rows), lag_share=0.0)
    rank = levels.argsort(axis=1).argsort(axis=1)
    chance = 2 * config.missing_share * (1 - (rank + 0.5) / levels.shape[1])
    missing = rng.random(levels.shape) < chance
    intensity = np.exp2(levels + rng.normal(16.0, 2.0, config.metabolites)[:, None])
    return np.where(missing, np.nan, np.maximum(intensity.round(1), 0.1))


# Tables


def _table(id_column: str, ids: npt.NDArray[np.str_], sample_ids: list[str], values: Floats) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=sample_ids)
    frame.insert(0, id_column, pd.Series(ids.tolist(), dtype="str"))
    return frame


def _truth(gene_ids: npt.NDArray[np.str_], chosen: Integers, config: SimulationConfig) -> pd.DataFrame:
    n_pathways, each = chosen.shape
    roles = ["bait"] * config.baits + ["hidden"] * (each - config.baits)
    frame = pd.DataFrame(
        {
            "gene_id": gene_ids[chosen.ravel()].tolist(),
            "target": np.repeat(np.array(config.pathways), each).tolist(),
            "role": roles * n_pathways,
        }
    )
    return frame.sort_values(["target", "role", "gene_id"]).reset_index(drop=True)


def _baits(gene_ids: npt.NDArray[np.str_], chosen: Integers, config: SimulationConfig) -> dict[str, list[str]]:
    known = gene_ids[chosen[:, : config.baits]].tolist()
    return {name: sorted(ids) for name, ids in zip(config.pathways, known, strict=True)}


# Homology


def _homology(
    rng: np.random.Generator, gene_ids: npt.NDArray[np.str_], chosen: Integers, config: SimulationConfig
) -> dict[str, str]:
    """Return each family's search table: pathway genes fit the references better than paralogs do, on the whole."""
    outside = rng.permutation(np.setdiff1d(np.arange(config.genes), chosen))
    n_paralogs = min(config.paralogs, len(outside) // len(config.pathways))
    tables = {}
    for index, (pathway, genes) in enumerate(zip(config.pathways, chosen, strict=True)):
        inside = rng.permutation(genes)[: config.family_genes]
        paralogs = outside[index * n_paralogs : (index + 1) * n_paralogs]
        identity = np.concatenate([rng.normal(62, 9, len(inside)), rng.normal(50, 9, len(paralogs))])
        coverage = np.concatenate([rng.uniform(0.85, 1, len(inside)), rng.uniform(0.5, 1, len(paralogs))])
        members = gene_ids[np.concatenate([inside, paralogs])]
        family = [
            _hits(rng, members, f"{pathway}_reference_{number}", identity=identity, coverage=coverage)
            for number in range(1, config.references + 1)
        ]
        tables[f"{pathway}_enzymes"] = "".join(family)
    return tables


def _hits(
    rng: np.random.Generator,
    genes: npt.NDArray[np.str_],
    reference: str,
    *,
    identity: Floats,
    coverage: Floats,
) -> str:
    """Return one alignment of each gene with a reference, as lines of outfmt 6; identity in percent."""
    percent = np.clip(identity + rng.normal(0, 3, len(genes)), 25, 98)
    length = np.rint(coverage * REFERENCE_LENGTH).astype(np.int64)
    start = rng.integers(1, REFERENCE_LENGTH - length + 2)
    bits = 2.05 * length * (percent / 100) ** 1.6
    lines = []
    for gene, same, aligned, first, score in zip(genes, percent, length, start, bits, strict=True):
        mismatches = round(aligned * (1 - same / 100))
        evalue = _evalue(float(score))
        span = f"1\t{aligned}\t{first}\t{first + aligned - 1}"
        lines.append(f"{gene}\t{reference}\t{same:.3f}\t{aligned}\t{mismatches}\t0\t{span}\t{evalue}\t{score:.1f}\n")
    return "".join(lines)


def _evalue(bits: float) -> str:
    """Return E = search space * 2^-bits as BLAST prints it."""
    value = SEARCH_SPACE * 2.0**-bits
    return "0.0" if value < 1e-180 else f"{value:.2e}"
