"""The study file: everything that may be asked for, with units, bounds and defaults."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from configs.homology import FamilyConfig, HomologyConfig
from configs.ranking import RankingConfig
from configs.section import Name, Section

Unit = Literal["fpkm", "tpm", "counts", "log2", "intensity"]
Role = Literal["genes", "metabolites", "features"]
Preset = Literal["stated", "counted", "compact"]
Engine = Literal["span", "dense"]
Precision = Literal["auto", "float32", "bfloat16"]
FoldsWay = Literal["inline", "subprocess", "deployment", "dask", "ray"]
FoldScheme = Literal["auto", "grouped", "leave_one_group_out"]
CorrelationMethod = Literal["spearman", "pearson", "bicor"]
Ids = Annotated[tuple[str, ...], Field(min_length=1)]

DEFAULT_ROLES: dict[str, Role] = {"transcriptome": "genes", "metabolome": "metabolites"}
DEFAULT_UNITS: dict[Role, Unit] = {"genes": "fpkm", "metabolites": "intensity", "features": "intensity"}
FINAL = "all"
"""Name of the fold that fits every sample and holds none out."""
EVERYTHING = "all"
"""Name of the one target that is made when a study names none: every metabolite."""


class CompoundsConfig(Section):
    """Which features are ions of one compound, and how surely each is known."""

    table: str | None = Field(
        None, description="Table of its own, relative to the study file; columns of the layer's table when not given."
    )
    feature_column: str | None = Field(
        None, description="Header of the feature ids; that of the layer's ids, or the first column of the own table."
    )
    compound_column: str | None = Field(
        None, description="Header of what ions of one compound have in common; features without it stay as they are."
    )
    level_column: str | None = Field(
        None, description="Header of the annotation level of the Metabolomics Standards Initiative, 1 to 5."
    )
    take: Literal["most_intense", "sum"] = Field(
        "most_intense",
        description="What stands for a compound: its most intense ion, by the mean over samples, or their sum.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.compound_column is None and self.level_column is None:
            message = "name a compound_column, a level_column or both"
            raise ValueError(message)
        return self


class LayerConfig(Section):
    """One omics table: features x samples."""

    path: str = Field(
        description="CSV, TSV, XLSX, Parquet or .h5ad file (also .gz), relative to the study file; a pattern such as "
        "quant/*/quant.sf for one file a sample."
    )
    value: str | None = Field(
        None,
        description="Kind of values of a program that writes several, such as TPM or LFQ intensity, or layer of an "
        ".h5ad file; the kind with the unit, else the usual one, when not given.",
    )
    role: Role | None = Field(
        None, description="What the features are; known from the name for transcriptome and metabolome."
    )
    unit: Unit | None = Field(None, description="Unit of the values; fpkm for genes and intensity for all else.")
    zeros: Literal["real", "missing"] = Field(
        "real", description="What a zero means: measured as none, or not measured."
    )
    orientation: Literal["auto", "features_in_rows", "samples_in_rows"] = Field(
        "auto", description="How the table lies; `auto` finds it from the sample sheet and says so."
    )
    id_column: str | None = Field(None, description="Header of the id column; the first column when not given.")
    sheet: str | None = Field(
        None, description="Worksheet of an XLSX file or modality of an .h5mu file; the first when not given."
    )
    compounds: CompoundsConfig | None = Field(
        None, description="Which features are ions of one compound, and the level of their annotation."
    )


class SamplesConfig(Section):
    """The sample sheet and the meaning of its columns."""

    path: str | None = Field(None, description="Sample sheet; made from the sample names when not given.")
    map: str | None = Field(
        None,
        description="Table of two columns, a name in a layer's table and the sample id, where no rule matches them.",
    )
    sample_column: str = Field("sample_id", description="Header of the sample id.")
    group_by: tuple[str, ...] = Field(
        ("group",), description="Columns that together name the biological replicate group of a sample."
    )
    labels: tuple[str, ...] | None = Field(
        None, description="Label columns to predict and to colour by; every text column that repeats when not given."
    )
    batch_column: str = Field("batch", description="Header of the batch, if there is one.")
    time_column: str = Field("time", description="Header of the time, if there is one.")
    series_by: tuple[str, ...] = Field(
        (),
        description="Columns that together name the time series of a sample, such as its treatment; all samples are "
        "one series when empty.",
    )

    @model_validator(mode="after")
    def _series_need_a_sheet(self) -> Self:
        if self.series_by and self.path is None:
            message = "series_by names columns of a sample sheet, and there is none; name its file in path"
            raise ValueError(message)
        return self


class BaitSource(Section):
    """Where the baits of a target come from, when not from a plain list of genes."""

    genes: tuple[str, ...] = Field((), description="Gene ids.")
    from_families: tuple[Name, ...] = Field((), description="Families whose best genes are baits.")
    top: int = Field(3, ge=1, le=1_000, description="Best-graded genes of each of these families.")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.genes and not self.from_families:
            message = "name at least one gene or one family"
            raise ValueError(message)
        return self


def _kind_of_baits(value: object) -> str:
    return "<source>" if isinstance(value, dict | BaitSource) else "<list>"


Baits = Annotated[Annotated[Ids, Tag("<list>")] | Annotated[BaitSource, Tag("<source>")], Discriminator(_kind_of_baits)]


class PreprocessConfig(Section):
    """From raw tables to prepared layers."""

    count_normalisation: Literal["cpm", "tmm"] = Field(
        "tmm", description="How counts become comparable between samples."
    )
    metabolite_normalisation: Literal["none", "total", "median", "pqn"] = Field(
        "none", description="Per-sample dilution correction of metabolite tables."
    )
    max_missing: float = Field(
        0.5, ge=0, lt=1, description="Features missing in a larger share of samples are dropped and listed."
    )


class NetworkConfig(Section):
    """How an autoencoder is computed and trained, whatever its widths."""

    engine: Literal["auto", "span", "dense"] = Field(
        "auto",
        description="How the network is computed: `span` trains its widest layers in the span of the samples, `dense` "
        "as written; `auto` takes `span` where it can and where it pays, and says why.",
    )
    precision: Precision = Field(
        "auto", description="Number format of matrix products; `auto` takes bfloat16 on CUDA and float32 elsewhere."
    )
    latent: int = Field(64, ge=1, le=1024, description="Width of the latent.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Share of hidden units dropped while training.")
    input_dropout: float = Field(
        0.0, ge=0, lt=1, description="Share of features dropped while training; only the `dense` engine can do it."
    )
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Step size of Adam.")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="Decoupled weight decay of AdamW.")
    max_epochs: int = Field(
        200, ge=1, le=100_000, description="Epochs at most; an epoch is one step over all training samples."
    )
    patience: int = Field(
        10,
        ge=1,
        le=10_000,
        description="Epochs without a better inner validation loss before training stops, once the training loss has "
        "fallen by a tenth.",
    )
    inner_share: float = Field(
        0.2,
        gt=0,
        lt=0.5,
        description="Share of the training groups that early stopping of both networks looks at.",
    )
    checkpoint_seconds: float = Field(
        20.0,
        ge=0,
        le=86_400,
        description="Seconds between two checkpoints at least; more where writing one takes long.",
    )

    @model_validator(mode="after")
    def _span_drops_no_input(self) -> Self:
        if self.engine == "span" and self.input_dropout > 0:
            message = "input_dropout works with engine dense only; set input_dropout to 0, or engine to auto or dense"
            raise ValueError(message)
        return self


class AutoencoderConfig(NetworkConfig):
    """One mirrored multilayer perceptron per layer."""

    preset: Preset = Field("compact", description="Hidden widths; `cairn check` prints the parameter count of each.")
    widths: dict[
        str, Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1, max_length=6)]
    ] = Field(default_factory=dict, description="Hidden widths by layer name; replaces the preset's.")


class GraphConfig(Section):
    """Graph attention network over the samples."""

    neighbours: int = Field(5, ge=1, le=100, description="Nearest training samples that each sample listens to.")
    heads: int = Field(4, ge=1, le=64, description="Attention heads of the first layer.")
    hidden: int = Field(16, ge=1, le=1024, description="Width of each head.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Share of node features dropped while training.")
    learning_rate: float = Field(5e-3, gt=0, le=1, description="Step size of Adam.")
    weight_decay: float = Field(5e-4, ge=0, le=1, description="Weight decay of Adam.")
    max_epochs: int = Field(200, ge=1, le=100_000, description="Epochs at most.")
    patience: int = Field(
        20, ge=1, le=10_000, description="Epochs without a better inner validation loss before training stops."
    )


class ValidationConfig(Section):
    """Cross-validation over replicate groups."""

    folds: int = Field(
        5, ge=2, le=100, description="Folds of each repeat; replicate groups are never divided between folds."
    )
    scheme: FoldScheme = Field(
        "auto",
        description="`grouped` deals whole groups to the folds, `leave_one_group_out` makes each group a fold; `auto` "
        "takes the second where there are fewer groups than folds, and says so.",
    )
    repeats: int = Field(
        3, ge=1, le=100, description="How often the groups are dealt anew and everything is learnt again."
    )
    replicate_split: bool = Field(
        True,
        description="Where no class of a label can be predicted with whole groups held out, also hold out single "
        "replicates; these scores are marked optimistic.",
    )
    permutations: int = Field(
        99, ge=19, le=10_000, description="Permuted labels behind the p of held-out scores; smallest p is 1 / (1 + it)."
    )


class ExplainConfig(Section):
    """Which genes matter to the networks."""

    attribution: Literal["gradient", "integrated_gradients"] = Field(
        "gradient",
        description="`gradient` is the slope of the latents at the held-out samples; `integrated_gradients` (Captum) "
        "averages it on the way from the training mean and takes it times the gene's value.",
    )
    steps: int = Field(50, ge=2, le=10_000, description="Points on the way of the integrated gradients.")
    permutations: int = Field(
        200, ge=20, le=100_000, description="Permutations of whole replicate groups behind the null of reconstruction."
    )


class CorrelationConfig(Section):
    """Gene-metabolite correlation."""

    method: CorrelationMethod = Field(
        "spearman", description="`bicor` is the biweight midcorrelation; the target's evidence uses the same."
    )

    alpha: float = Field(
        0.05, gt=0, lt=1, description="False discovery rate (Benjamini-Hochberg over all pairs) of the listed pairs."
    )
    per_condition: bool = Field(True, description="Also within each label value that has enough samples.")
    min_condition_samples: int = Field(
        6, ge=4, le=10_000, description="Samples that a condition needs for its own correlation."
    )
    max_listed_pairs: int | None = Field(
        100_000,
        ge=1,
        le=100_000_000,
        description="Strongest passing pairs of each condition that are listed; null lists all.",
    )
    top_per_gene: int = Field(
        3, ge=0, le=1_000, description="Strongest metabolites listed for each gene, whether they pass or not."
    )
    top_per_metabolite: int = Field(
        25, ge=0, le=10_000, description="Strongest genes listed for each metabolite, whether they pass or not."
    )


class ExecutionConfig(Section):
    """How the work is done; no part of what it means, so no part of any cache key."""

    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="`auto` takes CUDA, then MPS, then the CPU."
    )
    folds: FoldsWay = Field(
        "inline",
        description="Where folds are trained: `inline` in threads of this process, `subprocess` in a process each, "
        "`deployment` as runs of a Prefect work pool, `dask` or `ray` on such a cluster with all other steps.",
    )
    parallel_folds: int = Field(2, ge=1, le=64, description="Folds trained at the same time on this machine.")
    deployment: str = Field(
        "train-fold/train-fold", description="Deployment that trains a fold, as flow/deployment, for `deployment`."
    )
    cluster: str | None = Field(
        None, description="Address of a running Dask scheduler or Ray head; one of its own on this machine if none."
    )


class StoreConfig(Section):
    """Where artifacts are kept."""

    url: str | None = Field(None, description="Any fsspec URL; `.cairn` beside the study file when not given.")


class StudyConfig(Section):
    """One question on one data set."""

    study: Name = Field(description="Short name of the study; names the run folder.")
    layers: dict[Name, LayerConfig] = Field(min_length=2, description="Tables by layer name.")
    samples: SamplesConfig = SamplesConfig()
    targets: dict[Name, Ids] = Field(
        default_factory=dict, description="Metabolite ids by pathway; one target `all` when empty."
    )
    baits: dict[Name, Baits] = Field(
        default_factory=dict,
        description="Known genes of a target's pathway, by target: a list, or `from_families` and `top`.",
    )
    families: dict[Name, FamilyConfig] = Field(
        default_factory=dict, description="Gene families, by search tables, profiles or reference proteins."
    )
    homology: HomologyConfig = HomologyConfig()
    annotation: str | None = Field(None, description="Table with gene_id and description columns, for display.")
    preprocess: PreprocessConfig = PreprocessConfig()
    autoencoder: AutoencoderConfig = AutoencoderConfig()
    graph: GraphConfig = GraphConfig()
    validation: ValidationConfig = ValidationConfig()
    explain: ExplainConfig = ExplainConfig()
    correlation: CorrelationConfig = CorrelationConfig()
    ranking: RankingConfig = RankingConfig()
    execution: ExecutionConfig = ExecutionConfig()
    store: StoreConfig = StoreConfig()
    seed: int = Field(1, ge=0, le=2**32 - 1, description="Seed of everything random.")

    @model_validator(mode="after")
    def _one_gene_and_one_metabolite_layer(self) -> Self:
        for role in ("genes", "metabolites"):
            layers = [name for name in self.layers if self.role(name) == role]
            if len(layers) != 1:
                message = (
                    f"exactly one layer must have the role {role!r}, found {layers or 'none'}; "
                    "name the layers 'transcriptome' and 'metabolome', or give each a role"
                )
                raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        targets = set(self.targets) or {EVERYTHING}
        for place, names in self._target_references():
            if unknown := sorted(set(names) - targets):
                message = f"{place} names the targets {unknown}, which are not among {sorted(targets)}"
                raise ValueError(message)
        for target, source in self.bait_sources().items():
            if unknown := sorted(set(source.from_families) - set(self.families)):
                message = f"baits.{target} names the families {unknown}, which are not among {sorted(self.families)}"
                raise ValueError(message)
        if unknown := sorted(set(self.autoencoder.widths) - set(self.layers)):
            message = f"autoencoder.widths names the layers {unknown}, which are not among {sorted(self.layers)}"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _families_have_sequences(self) -> Self:
        searched = [name for name, family in self.families.items() if family.is_searched]
        if searched and self.homology.sequences is None:
            message = (
                f"the families {searched} have profiles or references to search with, and no sequences to search; "
                "name a FASTA file in homology.proteins or homology.transcripts"
            )
            raise ValueError(message)
        return self

    def _target_references(self) -> list[tuple[str, tuple[str, ...]]]:
        families = [(f"families.{name}.targets", family.targets) for name, family in self.families.items()]
        return [("baits", tuple(self.baits)), *families]

    def named_baits(self) -> dict[str, tuple[str, ...]]:
        """Return the baits that are named by their ids, by target; targets without any are left out."""
        ids = {name: baits.genes if isinstance(baits, BaitSource) else baits for name, baits in self.baits.items()}
        return {name: genes for name, genes in ids.items() if genes}

    def bait_sources(self) -> dict[str, BaitSource]:
        """Return what families give baits to each target that asks for it."""
        sources = {name: baits for name, baits in self.baits.items() if isinstance(baits, BaitSource)}
        return {name: source for name, source in sources.items() if source.from_families}

    def role(self, layer: str) -> Role:
        """Return what the features of `layer` are."""
        return self.layers[layer].role or DEFAULT_ROLES.get(layer, "features")

    def unit(self, layer: str) -> Unit:
        """Return the unit of `layer`, its role's default when the study file gives none."""
        return self.layers[layer].unit or DEFAULT_UNITS[self.role(layer)]

    def layer_with(self, role: Role) -> str:
        """Return the name of the layer with `role`; genes and metabolites have exactly one."""
        return next(name for name in self.layers if self.role(name) == role)
