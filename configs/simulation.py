"""A planted study: how large, how noisy, and what is hidden in it."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from configs.section import Name, Section

Labels = Annotated[tuple[Name, ...], Field(min_length=1, max_length=26)]

PathwayName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,39}$")]


class SimulationConfig(Section):
    """Size and make-up of a simulated study with known truth."""

    genes: int = Field(20_000, ge=20, le=1_000_000, description="Genes of the expression table.")
    metabolites: int = Field(1_000, ge=2, le=100_000, description="Metabolites of the intensity table.")
    groups: int = Field(7, ge=2, le=1_000, description="Biological groups; each has one tissue and one geography.")
    replicates: int = Field(3, ge=1, le=100, description="Samples of each group.")
    tissues: Labels = Field(("fruit", "leaf", "root"), description="Tissues, given to the groups in turn.")
    geographies: Labels = Field(("coast", "highland"), description="Geographies, crossed with the tissues.")
    batches: int = Field(2, ge=1, le=100, description="Batches; replicates of a group are spread over them.")
    modules: int = Field(40, ge=1, le=10_000, description="Co-expression modules that share an activity.")
    module_share: float = Field(0.6, ge=0, le=1, description="Share of genes and metabolites that follow a module.")
    pathways: Annotated[tuple[PathwayName, ...], Field(min_length=1, max_length=100)] = Field(
        ("capsaicinoids", "flavonoids"), description="Planted pathways; each is a target of the study."
    )
    pathway_genes: int = Field(15, ge=2, le=10_000, description="Genes of each pathway, baits among them.")
    target_metabolites: int = Field(4, ge=1, le=1_000, description="Metabolites of each pathway that are measured.")
    baits: int = Field(3, ge=0, le=1_000, description="Genes of each pathway that count as known.")
    active_groups: int = Field(2, ge=1, le=1_000, description="Groups in which a pathway is strongly active.")
    lag_share: float = Field(
        0.2, ge=0, le=1, description="Share of pathway genes that lead their metabolites by one step in group order."
    )
    noise: float = Field(
        0.8, ge=0, le=100, description="Standard deviation of what a gene or metabolite does by itself, log2 units."
    )
    tail_degrees: float = Field(
        3.0, gt=2, le=1_000, description="Degrees of freedom of Student's t behind that noise; small means heavy tails."
    )
    replicate_icc: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Share of the variance of pathways and of noise that the replicates of a group have in common.",
    )
    module_icc: float = Field(
        0.85, ge=0, le=1, description="Share of a module's variance that the replicates of a group have in common."
    )
    batch_sd: float = Field(0.3, ge=0, le=100, description="Standard deviation of a feature's batch shift, log2 units.")
    missing_share: float = Field(0.05, ge=0, le=0.5, description="Share of metabolite intensities that are missing.")
    family_genes: int = Field(
        5, ge=0, le=10_000, description="Genes of each pathway that belong to its one enzyme family."
    )
    paralogs: int = Field(
        15, ge=0, le=100_000, description="Genes outside all pathways that belong to that family, at most."
    )
    references: int = Field(3, ge=1, le=100, description="Reference proteins of each family.")
    seed: int = Field(1, ge=0, le=2**32 - 1, description="Seed of everything random, and of the study file.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        count = len(self.pathways)
        limits = (
            (count * self.pathway_genes, self.genes, "pathway genes", "genes"),
            (count * self.target_metabolites, self.metabolites, "target metabolites", "metabolites"),
            (self.baits, self.pathway_genes - 1, "baits of a pathway", "pathway_genes less one that stays hidden"),
            (self.family_genes, self.pathway_genes, "family_genes", "pathway_genes"),
            (self.active_groups, self.groups - 1, "active_groups", "groups less one"),
            (len(self.tissues), self.groups, "tissues", "groups"),
            (len(self.geographies), self.groups, "geographies", "groups"),
        )
        for wanted, limit, what, within in limits:
            if wanted > limit:
                message = f"{wanted} {what} do not fit into {limit} {within}"
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what in ("tissues", "geographies", "pathways"):
            names = getattr(self, what)
            if len(set(names)) < len(names):
                message = f"{what} names {', '.join(sorted({n for n in names if names.count(n) > 1}))} twice"
                raise ValueError(message)
        return self
