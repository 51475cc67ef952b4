"""Planted studies of the scoreboard: where correlation alone is right, where baits are, where all is, and nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import numpy.typing as npt

from configs.homology import FamilyConfig
from configs.ranking import BaitConfig
from configs.simulation import SimulationConfig
from models.baits import bait_closeness
from models.correlation import best_partner
from models.gene_ids import GeneIds
from models.homology import grade_family, homology_evidence
from models.homology_tables import read_hits
from models.layer import Layer
from models.simulation import Simulation, simulate
from tests.benchmarks.scoreboard_methods import Board, Question, board, shown_parts
from tests.benchmarks.studies import Floats, Study, prior_evidence, study_of

Integers = npt.NDArray[np.int64]
SEEDS = (3, 4, 5, 6)
"""Not those (1 and 2) on which the weight of the baits was chosen."""
SIZES = ((7, 2), (12, 3))
"""Groups, and those in which a pathway is active."""
PATHWAY, RANDOM_BAITS = 50, 5
ROLES = ("bait", "hidden")
WRONG_BAITS = "Planted: baits are wrong"


@dataclass(frozen=True, slots=True)
class Design:
    """What is planted, beyond 5,000 genes and 300 metabolites, and what is spoilt afterwards."""

    title: str
    about: str
    config: Mapping[str, object]
    silent: bool = False
    random: bool = False
    strangers: bool = False
    homology: bool = False


DESIGNS = (
    Design(
        "Planted: correlation alone is right",
        "No bait is known and no family; the genes of the pathway do not lag behind its metabolites.",
        {"baits": 0, "family_genes": 0, "lag_share": 0.0, "noise": 0.6},
    ),
    Design(
        "Planted: baits are right",
        "Five genes of each pathway are known; the target's metabolites are dealt to other groups, whole groups at a "
        "time, so that they tell nothing.",
        {"baits": 5, "family_genes": 0},
        silent=True,
    ),
    Design(
        "Planted: nothing is right",
        f"Five random baits, and every other gene belongs to a random pathway of {PATHWAY}: recall in 100 places is "
        "what chance gives with any ranking, unless it leaves genes out or ties them.",
        {"baits": 5, "family_genes": 0},
        random=True,
    ),
    Design(
        "Planted: as `cairn simulate` does it",
        "Three baits, five of 15 pathway genes in a family with 15 paralogs, a fifth of the genes ahead of their "
        "metabolites: every evidence knows something.",
        {},
        homology=True,
    ),
    Design(
        WRONG_BAITS,
        "Correlation is right, and five random genes are taken for baits: not among the designs that the bar speaks "
        "of, but what a trusted bait costs where it is none.",
        {"baits": 0, "family_genes": 0, "lag_share": 0.0, "noise": 0.6},
        strangers=True,
    ),
)


def planted_board(design: Design) -> Board:
    """Return the board of a planted design."""
    sizes = " and ".join(f"{groups}" for groups, _ in SIZES)
    about = f"{design.about} {sizes} groups of 3 samples, {len(SEEDS)} seeds each, 2 pathways a study."
    studies = ((size, seed) for size in SIZES for seed in SEEDS)
    return board(design.title, about, chain.from_iterable(_questions(design, *one) for one in studies))


def _questions(design: Design, size: tuple[int, int], seed: int) -> Iterator[Question]:
    groups, active = size
    config = SimulationConfig(genes=5000, metabolites=300, groups=groups, active_groups=active, **design.config)
    made = simulate(config, seed=seed)
    study = study_of(made)
    if design.silent:
        study = _silenced(study, np.random.default_rng(seed))
    priors = prior_evidence(study)
    for target, members in study.targets.items():
        rng = np.random.default_rng([seed, groups])
        values = study.metabolites.values[study.metabolites.positions_of(members)]
        evidence = {"correlation": best_partner(study.genes.values, values).strength, **priors}
        if design.homology:
            evidence["homology"] = _homology(made, study, target)
        baits, truths = _asked(design, made, study, target, rng)
        alone: Mapping[str, Floats] = {}
        if len(baits):
            closeness = bait_closeness(study.genes.values, baits, config=BaitConfig())
            evidence["bait"], alone = closeness.evidence(), shown_parts(closeness.values())
        name = f"{groups} {seed} {target}"
        yield Question(_units(design, name, truths), truths, evidence, left_out=baits, alone=alone, known=baits)


def _units(design: Design, name: str, truths: list[Integers]) -> list[tuple[str, ...]]:
    """Count genes one by one, random pathways as a whole."""
    if design.random:
        return [(f"{name} {number}",) * len(true) for number, true in enumerate(truths)]
    return [tuple(f"{name} {gene}" for gene in true) for true in truths]


def _asked(
    design: Design, made: Simulation, study: Study, target: str, rng: np.random.Generator
) -> tuple[Integers, list[Integers]]:
    """Return the rows of the baits, and of the genes to find, pathway by pathway."""
    if design.random:
        dealt = rng.permutation(len(study.genes.feature_ids))
        baits, others = dealt[:RANDOM_BAITS], dealt[RANDOM_BAITS:]
        return baits, np.array_split(others, len(others) // PATHWAY)
    rows = made.truth[(made.truth["target"] == target) & made.truth["gene_id"].isin(study.genes.feature_ids)]
    baits, hidden = (study.genes.positions_of(list(rows.loc[rows["role"] == role, "gene_id"])) for role in ROLES)
    if design.strangers:
        baits = rng.choice(np.setdiff1d(np.arange(len(study.genes.feature_ids)), hidden), RANDOM_BAITS, replace=False)
    return np.sort(baits), [hidden]


def _silenced(study: Study, rng: np.random.Generator) -> Study:
    """Deal the metabolites of each target to other groups, whole groups at a time; no group keeps its own."""
    layer = study.metabolites
    values, places = layer.values.copy(), np.asarray(study.groups, dtype=object)
    names = list(dict.fromkeys(study.groups))
    for members in study.targets.values():
        rows = layer.positions_of(members)
        order = rng.permutation(len(names))
        for own, other in zip(order, np.roll(order, 1), strict=True):
            values[np.ix_(rows, places == names[own])] = layer.values[np.ix_(rows, places == names[other])]
    return replace(study, metabolites=Layer(layer.name, values, layer.feature_ids, layer.sample_ids))


def _homology(made: Simulation, study: Study, target: str) -> Floats:
    """Return the grade of each gene in the families that serve the target."""
    serving = [family for family, served in made.family_targets.items() if served == target]
    genes, graded = GeneIds.of(study.genes.feature_ids), {}
    for family in serving:
        hits = read_hits(made.homology[family].encode(), family)
        graded[family] = grade_family([hits], genes, family=family, config=FamilyConfig(tables=(family,))).table
    return homology_evidence(graded, study.genes.feature_ids, families=serving)[0]
