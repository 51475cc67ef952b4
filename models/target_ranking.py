"""All that is decided about one target: its weights, the score of every gene, and how sure it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from configs.ranking import MIN_CALIBRATION_BAITS, RankingConfig, WeightsConfig
from configs.ranking_tables import NULL_PARTS, TARGET_EVIDENCES
from models.arrays import Float32Array, Float64Array, IntArray
from models.baits import BaitCloseness
from models.calibration import Calibration, leave_one_out
from models.fusion import additive, filled_part, fuse, normalised_weights, rank01, shares_above_zero, transform
from models.rank_aggregation import rank_aggregation_p
from models.ranking import Judgement, TargetEvidence
from models.refits import rank_stability
from models.seeds import derived_seed
from models.sensitivity import weight_stability
from models.target_null import TargetNull, expected_false, null_ranks


@dataclass(frozen=True, slots=True, eq=False)
class NullValues:
    """Evidence on the target under the null.

    Attributes
    ----------
    genes : ndarray, shape=(n_null,), dtype=int64
        Places, among all genes of the study, of the genes that it was drawn for.
    parts : mapping of str to ndarray, shape=(n_draws, n_null), dtype=float32
        Strength of the correlation and, where the target has baits, the bait evidence.
    stratum : ndarray, shape=(n_genes,), dtype=int64
        Genes of like expression; -1 for genes without any.
    groups : tuple of str, length n_samples
        Replicate groups that were permuted.
    """

    genes: IntArray
    parts: Mapping[str, Float32Array]
    stratum: IntArray
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TargetInputs:
    """What one target is judged by.

    Attributes
    ----------
    evidence : TargetEvidence
    null : NullValues
    refits : sequence of mapping of str to ndarray, shape=(n_genes,)
        By left-out replicate group, the strengths that change without it.
    baits : BaitCloseness or None
        By gene of the prepared layer; None without baits.
    prepared : ndarray, shape=(n_prepared,), dtype=int64
        Places of the genes of the prepared layer among all genes of the study.
    """

    evidence: TargetEvidence
    null: NullValues
    refits: Sequence[Mapping[str, Float64Array]]
    baits: BaitCloseness | None
    prepared: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The judgement on one target.

    Attributes
    ----------
    judgement : Judgement
    weights : dict of str to float
        Over the evidence that is present, summing to 1.
    false_in_top : DataFrame
        Contract `false_in_top`.
    calibration : Calibration or None
        What left-out baits tell; None with fewer than three.
    sentences : tuple of str
    """

    judgement: Judgement
    weights: dict[str, float]
    false_in_top: pd.DataFrame
    calibration: Calibration | None
    sentences: tuple[str, ...]


def judge_target(inputs: TargetInputs, config: RankingConfig, *, seed: int) -> Judged:
    """Choose the weights, fuse, and say how sure the result is.

    Parameters
    ----------
    inputs : TargetInputs
    config : RankingConfig
    seed : int
        Of the study.

    Raises
    ------
    UserError
        If every evidence that is present weighs 0.
    """
    evidence = inputs.evidence
    ranks, size = evidence.ranks(), len(evidence.direction)
    calibration = _calibrated(inputs, config, seed)
    weights, said = _weights(evidence, config, calibration)
    score = fuse(ranks, weights, config.fusion)
    target_part = _target_part(ranks, weights, config)
    null = _target_null(inputs, weights, config)
    rest = score - target_part if additive(config.fusion) else np.zeros(size)
    stability = rank_stability(_refit_scores(inputs, weights, config))
    draws, perturbed = config.weight_draws, derived_seed(seed, "weights", evidence.target)
    judgement = Judgement(
        score=score,
        p=null.p(target_part),
        rra_p=rank_aggregation_p(1 - np.stack([ranks[name] for name in shares_above_zero(ranks, weights)])),
        stability=stability.top_share,
        rank_low=stability.low.astype(np.float64),
        rank_high=stability.high.astype(np.float64),
        weight_stability=weight_stability(ranks, weights, config.fusion, draws=draws, seed=perturbed),
    )
    sentence = null.sentence(evidence.target)
    return Judged(
        judgement=judgement,
        weights=normalised_weights(weights, list(evidence.strengths)),
        false_in_top=expected_false(null, score, rest, target=evidence.target),
        calibration=calibration,
        sentences=(*said, *((sentence,) if sentence else ())),
    )


def starting_weights(config: RankingConfig) -> dict[str, float]:
    """Return the weights given, or the default ones where they are to be calibrated."""
    given = config.weights if isinstance(config.weights, WeightsConfig) else WeightsConfig()
    return dict(given.model_dump())


def _weights(
    evidence: TargetEvidence, config: RankingConfig, calibration: Calibration | None
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the weights to use, and what is to be said where they could not be calibrated."""
    if isinstance(config.weights, WeightsConfig):
        return starting_weights(config), ()
    if calibration is not None:
        return calibration.weights, ()
    note = (
        f"{evidence.target}: weights cannot be calibrated with fewer than {MIN_CALIBRATION_BAITS} baits; the default "
        "weights are used."
    )
    return starting_weights(config), (note,)


def _calibrated(inputs: TargetInputs, config: RankingConfig, seed: int) -> Calibration | None:
    close, evidence = inputs.baits, inputs.evidence
    if close is None or len(close.baits) < MIN_CALIBRATION_BAITS:
        return None
    size = len(evidence.direction)

    def without(bait: int) -> Float64Array:
        spread = np.full(size, np.nan)
        spread[inputs.prepared] = close.evidence(without=bait)
        return spread

    return leave_one_out(
        evidence.target,
        evidence.strengths,
        without,
        baits=inputs.prepared[close.baits],
        weights=starting_weights(config),
        seed=seed,
    )


def _target_part(
    ranks: Mapping[str, Float64Array], weights: Mapping[str, float], config: RankingConfig
) -> Float64Array:
    """Return what the score takes from evidence that the null draws anew; NaN where a gene has none of it."""
    shares = {name: share for name, share in shares_above_zero(ranks, weights).items() if name in NULL_PARTS}
    size = len(next(iter(ranks.values())))
    if not shares:
        return np.full(size, np.nan)
    if not additive(config.fusion):
        return fuse({name: ranks[name] for name in shares}, shares, config.fusion)
    parts = {name: filled_part(ranks[name], config.fusion, specific=name in TARGET_EVIDENCES) for name in shares}
    total = np.sum([share * parts[name] for name, share in shares.items()], axis=0)
    total[np.all([np.isnan(ranks[name]) for name in shares], axis=0)] = np.nan
    return np.asarray(total, dtype=np.float64)


def _target_null(inputs: TargetInputs, weights: Mapping[str, float], config: RankingConfig) -> TargetNull:
    """Fuse the null values as the score fuses the observed ones, with the ranks that they have in the study."""
    evidence, null = inputs.evidence, inputs.null
    ranks = evidence.ranks()
    shares = {name: share for name, share in shares_above_zero(ranks, weights).items() if name in null.parts}
    drawn = null_ranks({name: evidence.strengths[name] for name in shares}, {n: null.parts[n] for n in shares})
    values = _fused_null(drawn, ranks, shares, config)
    return TargetNull.of(values, null.genes, null.stratum, null.groups)


def _fused_null(
    drawn: Mapping[str, Float64Array],
    ranks: Mapping[str, Float64Array],
    shares: Mapping[str, float],
    config: RankingConfig,
) -> Float64Array:
    """Return the target part of null values given as ranks, shape=(n_draws, n_null)."""
    if not shares:
        return np.empty((0, 0))
    if not additive(config.fusion):
        flat = {name: values.ravel() for name, values in drawn.items()}
        return fuse(flat, dict(shares), config.fusion).reshape(next(iter(drawn.values())).shape)
    total = np.zeros(next(iter(drawn.values())).shape)
    for name, share in shares.items():
        specific, known = name in TARGET_EVIDENCES, int(np.count_nonzero(~np.isnan(ranks[name])))
        part = transform(drawn[name], config.fusion, specific=specific, n_genes=known)
        absent = transform(ranks[name], config.fusion, specific=specific)
        total += share * np.where(np.isnan(part), np.nanmean(absent), part)
    return total


def _refit_scores(inputs: TargetInputs, weights: Mapping[str, float], config: RankingConfig) -> Float64Array:
    """Return the fused score without each replicate group, shape=(n_groups, n_genes)."""
    strengths = inputs.evidence.strengths
    scores = [_refit_score({**strengths, **changed}, weights, config) for changed in inputs.refits]
    return np.stack(scores)


def _refit_score(
    strengths: Mapping[str, Float64Array], weights: Mapping[str, float], config: RankingConfig
) -> Float64Array:
    usable = {name: values for name, values in strengths.items() if not np.isnan(values).all()}
    return fuse({name: rank01(values) for name, values in usable.items()}, weights, config.fusion)
