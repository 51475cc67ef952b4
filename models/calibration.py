"""What each evidence, each fusion and fitted weights are worth: baits are left out and looked for."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from scipy.stats import t as student

from configs.errors import UserError
from configs.ranking import CALIBRATED, MIN_CALIBRATION_BAITS, Fusion
from configs.ranking_tables import EVIDENCES, TARGET_EVIDENCES
from configs.tables import CONTRACTS
from models.arrays import Float64Array, IntArray
from models.bait_standing import Standing, chance_limit, mean_place, standing_of
from models.fusion import filled_part, fuse, normalised_weights, rank01
from models.seeds import derived_seed
from models.weight_fit import fitted_weights

BAIT = "bait"
FIT_FUSION: Fusion = "log_tail"
"""Weights are fitted to, and judged by, this fusion."""
FEW_BAITS = 10
"""With fewer, the report warns."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What leaving out the baits of one target tells.

    Attributes
    ----------
    table : DataFrame
        Table of the contract `leave_one_out`: a row for each evidence alone, each fusion with the weights given, and
        the calibrated weights.
    weights : dict of str to float
        Calibrated weights, fitted to all baits, summing to 1; 0 for evidence that does not help. For
        ``fuse(ranks, weights, 'log_tail')``.
    sentences : tuple of str
        The verdict on each evidence and on the calibrated weights.
    """

    table: pd.DataFrame
    weights: dict[str, float]
    sentences: tuple[str, ...]


def leave_one_out(
    target: str,
    strengths: Mapping[str, Float64Array],
    bait_without: Callable[[int], Float64Array],
    *,
    baits: IntArray,
    weights: Mapping[str, float],
    seed: int,
) -> Calibration:
    """Leave out each bait of a target in turn and look where each method puts it.

    Parameters
    ----------
    target : str
    strengths : mapping of str to ndarray, shape=(n_genes,), dtype=float64
        What is ranked, by evidence, larger is stronger; NaN where a gene has none. `bait` is that of all baits.
    bait_without : callable
        Position of a bait in `baits` -> bait evidence of all genes without that bait, shape=(n_genes,). The other baits
        must not rest on themselves in it either.
    baits : ndarray, shape=(n_baits,), dtype=int64
        Genes that are the baits, at least three, each once.
    weights : mapping of str to float
        Weights given, which the fusions are tried with and which calibrated weights keep near while baits are few.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Calibration
        The place of a left-out bait is that among all genes, known baits included. Evidence other than `bait` does
        not rest on baits and stays. The figure of the calibrated weights is nested: each bait is placed by weights
        fitted to the others, from bait evidence that does not know it.

    Raises
    ------
    UserError
        If there are fewer than three baits, or every evidence that is present weighs 0.

    Notes
    -----
    An evidence finds left-out baits if the 95% interval of its AUC is above 0.5 and its AUC above what as many random
    genes reach in 97.5% of cases; otherwise it adds nothing on its own. It may still weigh something: next to other
    evidence, or as the weights given while baits are few. The baits stand for the pathway only as far as they were
    not chosen by the evidence that is judged: homologs of each other make homology look good.
    """
    if len(baits) < MIN_CALIBRATION_BAITS:
        raise _too_few(target, len(baits))
    study = _Study.of(strengths, weights)
    places = _places(study, strengths, bait_without, baits)
    n_genes = len(next(iter(strengths.values())))
    resampling = derived_seed(seed, "leave one out", target)
    standings = {method: standing_of(each, n_genes, seed=resampling) for method, each in places.items()}
    calibrated = study.fit(baits)
    gain = np.log(places[FIT_FUSION] / places[CALIBRATED])
    return Calibration(
        table=_table(target, standings, calibrated, _gain_verdict(gain)),
        weights=calibrated,
        sentences=(
            *(_evidence_sentence(name, standings[name]) for name in study.names),
            _weights_sentence(calibrated),
            _gain_sentence(standings[CALIBRATED], standings[FIT_FUSION], _gain_verdict(gain)),
        ),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """Ranks of the evidences present, in the order of the ranking's columns, and what fusion adds of them."""

    ranks: dict[str, Float64Array]
    weights: Mapping[str, float]
    features: Float64Array

    @classmethod
    def of(cls, strengths: Mapping[str, Float64Array], weights: Mapping[str, float]) -> "_Study":
        ranks = {name: rank01(strengths[name]) for name in EVIDENCES if name in strengths}
        ranks = {name: rank for name, rank in ranks.items() if not np.isnan(rank).all()}
        normalised_weights(weights, list(ranks))
        return cls(ranks, weights, np.stack([_feature(name, rank) for name, rank in ranks.items()]))

    @property
    def names(self) -> list[str]:
        return list(self.ranks)

    def with_bait(self, strength: Float64Array) -> "_Study":
        """Return the study with another bait evidence."""
        rank = rank01(strength)
        if np.isnan(rank).all():
            return self
        features = self.features.copy()
        features[self.names.index(BAIT)] = _feature(BAIT, rank)
        return _Study({**self.ranks, BAIT: rank}, self.weights, features)

    def fit(self, baits: IntArray) -> dict[str, float]:
        """Return weights fitted to baits."""
        given = normalised_weights(self.weights, self.names)
        fitted = fitted_weights(self.features, baits, np.array([given[name] for name in self.names]))
        return {name: float(weight) for name, weight in zip(self.names, fitted, strict=True)}


def _feature(name: str, rank: Float64Array) -> Float64Array:
    return filled_part(rank, FIT_FUSION, specific=name in TARGET_EVIDENCES)


def _places(
    study: _Study,
    strengths: Mapping[str, Float64Array],
    bait_without: Callable[[int], Float64Array],
    baits: IntArray,
) -> dict[str, Float64Array]:
    """Return the place of each left-out bait by method, shape=(n_baits,)."""
    rows = []
    for number, bait in enumerate(baits):
        values, left_out = dict(strengths), study
        if BAIT in study.ranks:
            values[BAIT] = bait_without(number)
            left_out = study.with_bait(values[BAIT])
        fitted = left_out.fit(np.delete(baits, number))
        scores = {
            **{name: values[name] for name in study.names},
            **{fusion: fuse(left_out.ranks, study.weights, fusion) for fusion in get_args(Fusion)},
            CALIBRATED: fuse(left_out.ranks, fitted, FIT_FUSION),
        }
        rows.append({method: mean_place(score, bait) for method, score in scores.items()})
    return {method: np.array([row[method] for row in rows]) for method in rows[0]}


def _table(target: str, standings: Mapping[str, Standing], weights: Mapping[str, float], gain: str) -> pd.DataFrame:
    """Return the contract `leave_one_out`."""
    rows = []
    for method, standing in standings.items():
        kind = CALIBRATED if method == CALIBRATED else "evidence" if method in weights else "fusion"
        verdicts = {"evidence": _verdict(standing), CALIBRATED: gain}
        rows.append(
            {
                "target": target,
                "method": method,
                "kind": kind,
                "n_baits": standing.n_baits,
                "auc": standing.auc,
                "auc_low": standing.auc_interval[0],
                "auc_high": standing.auc_interval[1],
                "recall_100": standing.recall_100,
                "top_1_percent": standing.top_1_percent,
                "top_low": standing.top_interval[0],
                "top_high": standing.top_interval[1],
                "median_rank": standing.median_rank,
                "weight": weights.get(method, math.nan),
                "verdict": verdicts.get(kind),
            }
        )
    table = pd.DataFrame(rows, columns=[column.name for column in CONTRACTS["leave_one_out"].columns])
    return table.astype(dict.fromkeys(("target", "method", "kind", "verdict"), "str"))


def _verdict(standing: Standing) -> str:
    if standing.above_chance:
        return "finds left-out baits"
    return "puts left-out baits last" if standing.below_chance else "adds nothing on its own"


def _gain_verdict(gain: Float64Array) -> str:
    """Judge ``ln(place by the weights given / place by calibrated weights)`` of each bait by Student's interval."""
    error = float(student.ppf(0.975, len(gain) - 1)) * float(gain.std(ddof=1)) / math.sqrt(len(gain))
    if abs(gain.mean()) <= error:
        return "no different from the weights given"
    return "better than the weights given" if gain.mean() > 0 else "worse than the weights given"


def _evidence_sentence(name: str, standing: Standing) -> str:
    limit = chance_limit(standing.n_baits)
    chance = ""
    if standing.auc_interval[0] > 0.5 and not standing.above_chance:
        chance = f"; {standing.n_baits} random genes come to {limit:.2f} by chance"
    unsure = not standing.above_chance and not standing.below_chance
    shown = f" that {standing.n_baits} baits can show" if unsure else ""
    return f"{name}: {_verdict(standing)}{shown} ({_auc(standing)}{chance})"


def _auc(standing: Standing) -> str:
    low, high = standing.auc_interval
    return f"AUC {standing.auc:.2f}, 95% {low:.2f}-{high:.2f}"


def _weights_sentence(weights: Mapping[str, float]) -> str:
    used = ", ".join(f"{name} {weight:.2f}" for name, weight in weights.items() if weight > 0)
    idle = ", ".join(name for name, weight in weights.items() if weight == 0)
    return f"calibrated weights: {used}" + (f"; 0 for {idle}" if idle else "")


def _gain_sentence(calibrated: Standing, given: Standing, verdict: str) -> str:
    few = f"; {given.n_baits} baits are few, so they lean on the weights given" if given.n_baits < FEW_BAITS else ""
    return f"calibrated weights: {verdict} ({_auc(calibrated)}, against {_auc(given)}){few}"


def _too_few(target: str, found: int) -> UserError:
    return UserError(
        wanted=f"at least {MIN_CALIBRATION_BAITS} baits of the target {target!r} to calibrate by",
        found=f"{found}",
        where="baits",
        remedy="Name more baits, or give the weights by hand under ranking.weights.",
    )
