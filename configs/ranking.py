"""How evidence becomes a ranking: its weights, their fusion, the baits, and how sure the result is."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from configs.section import Section

Fusion = Literal["log_tail", "linear", "reciprocal", "rra"]
Direction = Literal["both", "positive", "negative"]
CALIBRATED = "calibrated"
"""Weights that are fitted to the baits."""
MIN_CALIBRATION_BAITS = 3
"""Fewest baits of a target by which evidence is judged."""


class WeightsConfig(Section):
    """Weight of each evidence; renormalised over the evidence that a study has."""

    correlation: float = Field(0.4, ge=0, le=1, description="Correlation with the target's metabolites.")
    autoencoder: float = Field(0.3, ge=0, le=1, description="Importance to the autoencoder; the same for all targets.")
    graph: float = Field(0.2, ge=0, le=1, description="Importance to the graph network; the same for all targets.")
    homology: float = Field(0.1, ge=0, le=1, description="Likeness to the families that serve the target.")
    bait: float = Field(0.6, ge=0, le=1, description="Closeness to known genes; joins only where a target has baits.")

    @model_validator(mode="after")
    def _not_all_zero(self) -> Self:
        if not any(self.model_dump().values()):
            message = "at least one weight must be above zero"
            raise ValueError(message)
        return self


def _kind_of_weights(value: object) -> str:
    return "<text>" if isinstance(value, str) else "<weights>"


Weights = Annotated[
    Annotated[WeightsConfig, Tag("<weights>")] | Annotated[Literal["calibrated"], Tag("<text>")],
    Discriminator(_kind_of_weights),
]
"""Weights by evidence, or a text; a message on one of them says nothing of the other."""


class BaitConfig(Section):
    """Co-expression with known genes."""

    decays: tuple[Annotated[float, Field(ge=1, le=10_000)], ...] = Field(
        (5.0, 10.0, 25.0, 50.0),
        min_length=1,
        max_length=10,
        description="Mutual ranks at which closeness to a bait has fallen to 1/e; the mean over all of them counts.",
    )
    ridge: float = Field(
        0.1,
        ge=1e-4,
        le=100,
        description="Added to the variances when the sample space is whitened, in units of their mean.",
    )
    neighbours: int = Field(50, ge=5, le=500, description="Partners of each gene that the gene graph looks at.")
    restart: float = Field(
        0.5, gt=0, lt=1, description="Chance of going back to the baits at each step over the gene graph."
    )


class RankingConfig(Section):
    """Fusion of the evidence into one ranking per target."""

    weights: Weights = Field(
        WeightsConfig(),
        description="Weight by evidence, or `calibrated`: fitted to the baits of each target that has at least three.",
    )
    fusion: Fusion = Field(
        "log_tail",
        description="With r the within-study rank in [0, 1): `log_tail` adds -ln(1 - r) of evidence on the target and "
        "r of evidence on genes in general, `linear` adds r, `reciprocal` 1 / (60 + place), `rra` is robust rank "
        "aggregation.",
    )
    direction: Direction = Field(
        "both", description="Whether genes may rise with the target's metabolites, fall, or either."
    )
    permutations: int = Field(1_000, ge=20, le=100_000, description="Permutations of whole replicate groups behind p.")
    weight_draws: int = Field(
        200, ge=20, le=10_000, description="Perturbed weights behind weight_stability: each times 1/2 to 2."
    )
    negative_controls: bool = Field(
        True, description="Also rank a random target of matched variance and a shuffled set of baits."
    )
    cards: int = Field(100, ge=0, le=10_000, description="Genes of each target for which the why is written down.")
    bait: BaitConfig = BaitConfig()
