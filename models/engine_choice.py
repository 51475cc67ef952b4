"""Which engine trains an autoencoder, and why."""

from dataclasses import dataclass

from configs.study import AutoencoderConfig, Engine

_FAR_BELOW = 4
"""The span pays where the features are at least this many times the rank."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which engine trains a layer, and why; `rank` is that of the training samples."""

    engine: Engine
    reason: str
    rank: int


def choose_engine(config: AutoencoderConfig, *, n_features: int, rank: int) -> EngineChoice:
    """Choose the engine: as asked for, else `span` where the options commute with it and the rank is far below p.

    Parameters
    ----------
    config : AutoencoderConfig
        Engine asked for and options.
    n_features : int
        Width p of the layer.
    rank : int
        Rank of the training samples.
    """
    if config.engine != "auto":
        return EngineChoice(config.engine, "asked for", rank)
    if config.input_dropout > 0:
        return EngineChoice("dense", "input dropout takes samples out of their span", rank)
    if not 0 < rank * _FAR_BELOW <= n_features:
        reason = f"the rank {rank} of the training samples is not far below the {n_features:,} features"
        return EngineChoice("dense", reason, rank)
    return EngineChoice("span", f"the training samples span {rank} of {n_features:,} dimensions", rank)


def engine_note(choice: EngineChoice, *, latent: int) -> str:
    """Say in words which engine trains a layer, and whether its latent is wider than the samples can fill."""
    said = f"engine {choice.engine} ({choice.reason})"
    if latent <= choice.rank:
        return said
    return f"{said}; its latent of {latent} is wider than the {choice.rank} dimensions that the samples can tell apart"
