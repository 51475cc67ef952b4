"""What is asked of a ranking, by which rankings it is answered, and how well they do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt

from configs.ranking import Fusion, WeightsConfig
from configs.ranking_tables import TARGET_EVIDENCES
from models.fusion import filled_part, fuse, normalised_weights, rank01
from models.weight_fit import fitted_weights
from tests.benchmarks.scoreboard_metrics import Performance, Standing, performances, standing

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)
DEFAULT = "log_tail, default weights"
OF_ALL = "log_tail of all evidence"
HARMONIC = "harmonic tail, default weights"
CALIBRATED = "log_tail, calibrated weights"
POSITIVE = "log_tail, direction positive"
WEIGHTS = WeightsConfig().model_dump()
BAIT_WEIGHTS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Weights of the bait evidence that are tried beside the others' defaults."""
FEWEST_KNOWN = 2
BAIT_WEIGHT = "log_tail, bait weight {:g}"


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """True genes of a pathway, or of several that are asked after by the same evidence.

    Attributes
    ----------
    units : sequence of tuple of str
        By pathway, what each true gene is counted under: see `performances`.
    true : sequence of ndarray, dtype=int64
        By pathway, the rows of the genes to find.
    left_out : ndarray, dtype=int64
        Rows of known genes, which do not compete.
    evidence : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        What is fused, by name of the evidence; larger is stronger.
    alone : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        Further rankings that are shown by themselves.
    variants : mapping of str to mapping
        Other versions of some evidence, by the name under which their fusion by log_tail is shown.
    known : ndarray, dtype=int64
        Baits by which weights are calibrated: none of the genes to find. No weights are calibrated by fewer than two.
    """

    units: Sequence[tuple[str, ...]]
    true: Sequence[Integers]
    evidence: Mapping[str, Floats]
    left_out: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    alone: Mapping[str, Floats] = field(default_factory=dict)
    variants: Mapping[str, Mapping[str, Floats]] = field(default_factory=dict)
    known: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """How well each ranking does in a study.

    `standings` holds by ranking one Standing a pathway, `units` the units of its true genes.
    """

    title: str
    about: str
    performances: Mapping[str, Performance]
    standings: Mapping[str, list[Standing]]
    units: list[tuple[str, ...]]
    evidence: tuple[str, ...]


def board(title: str, about: str, questions: Iterable[Question]) -> Board:
    """Answer all questions of a study by every ranking."""
    standings: dict[str, list[Standing]] = {}
    units: list[tuple[str, ...]] = []
    evidence: tuple[str, ...] = ()
    for question in questions:
        units += question.units
        evidence = tuple(question.evidence)
        for name, score in rankings(question).items():
            found = (standing(score, true, question.left_out) for true in question.true)
            standings.setdefault(name, []).extend(found)
    return Board(title, about, performances(standings, units), standings, units, evidence)


def rankings(question: Question) -> dict[str, Floats]:
    """Return the score of every gene by each evidence alone, each fusion, and what else the question brings."""
    ranks = {name: rank01(values) for name, values in question.evidence.items()}
    found = {**question.alone, **question.evidence}
    for fusion in FUSIONS:
        found[f"{fusion}, default weights"] = fuse(ranks, WEIGHTS, fusion)
    found |= {OF_ALL: _log_tail_of_all(ranks), HARMONIC: harmonic_tail(ranks, WEIGHTS)}
    for name, changed in question.variants.items():
        found[name] = fuse({**ranks, **{key: rank01(values) for key, values in changed.items()}}, WEIGHTS, "log_tail")
    if len(question.known) >= FEWEST_KNOWN:
        found[CALIBRATED] = fuse(ranks, calibrated_weights(ranks, question.known), "log_tail")
    if "bait" in ranks:
        tried = ((BAIT_WEIGHT.format(weight), {**WEIGHTS, "bait": weight}) for weight in BAIT_WEIGHTS)
        found |= {name: fuse(ranks, weights, "log_tail") for name, weights in tried}
    return found


def calibrated_weights(ranks: Mapping[str, Floats], known: Integers) -> dict[str, float]:
    """Fit weights to known genes, as `weights: calibrated` does."""
    given = normalised_weights(WEIGHTS, ranks)
    parts = [filled_part(ranks[name], "log_tail", specific=name in TARGET_EVIDENCES) for name in given]
    return dict(zip(given, fitted_weights(np.stack(parts), known, np.array(list(given.values()))), strict=True))


def _log_tail_of_all(ranks: Mapping[str, Floats]) -> Floats:
    """Add -ln(1 - r) of all evidence, also of evidence that never saw the target: what was tried first."""
    tails = {name: -np.log1p(-rank) for name, rank in ranks.items()}
    shares = normalised_weights(WEIGHTS, tails)
    return np.sum([shares[name] * np.where(np.isnan(t), np.nanmean(t), t) for name, t in tails.items()], axis=0)


def harmonic_tail(ranks: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    """Fuse evidence on the target by the harmonic mean of 1 - r, so that one evidence alone can carry a gene.

    ``W ln(sum of w_e / (1 - r_e) / W)`` over evidence on the target, W the sum of its weights, plus ``w_e r_e`` of
    evidence on genes in general. It differs from log_tail where there are several evidences on the target: that is the
    geometric mean (harmonic mean p: Wilson 2019, https://doi.org/10.1073/pnas.1814092116).
    """
    shares = normalised_weights(weights, ranks)
    specific = [name for name in shares if name in TARGET_EVIDENCES]
    total = sum(shares[name] for name in specific)
    tails = {name: filled_part(ranks[name], "log_tail", specific=name in specific) for name in shares}
    mean = np.sum([shares[name] / total * np.exp(tails[name]) for name in specific], axis=0)
    return total * np.log(mean) + np.sum(
        [shares[name] * tails[name] for name in shares if name not in specific], axis=0
    )


def shown_parts(parts: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return the parts of the bait evidence under the names that the page shows."""
    return {f"bait, {name}": values for name, values in parts.items()}
