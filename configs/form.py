"""The study as a form that a person fills in: every mapping is a list of named entries, and empty means not given."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import Field

from configs.errors import StudyFileError
from configs.homology import FamilyConfig, HomologyConfig
from configs.loading import study_from
from configs.ranking import CALIBRATED, Direction, Fusion, RankingConfig, WeightsConfig
from configs.section import Name, Section
from configs.study import (
    CorrelationConfig,
    ExecutionConfig,
    ExplainConfig,
    GraphConfig,
    Ids,
    NetworkConfig,
    PreprocessConfig,
    Preset,
    SamplesConfig,
    StoreConfig,
    StudyConfig,
    Unit,
    ValidationConfig,
)

Effort = Literal["quick look", "standard", "thorough"]

TRANSCRIPTOME, METABOLOME = "transcriptome", "metabolome"
EFFORTS: dict[Effort, dict[str, dict[str, object]]] = {
    "quick look": {
        "autoencoder": {"preset": "compact"},
        "validation": {"repeats": 1, "permutations": 19},
        "explain": {"permutations": 50},
        "ranking": {"permutations": 100, "weight_draws": 50},
    },
    "standard": {},
    "thorough": {
        "autoencoder": {"preset": "stated"},
        "validation": {"repeats": 10, "permutations": 999},
        "explain": {"permutations": 1_000},
        "ranking": {"permutations": 10_000, "weight_draws": 1_000},
    },
}
"""What each preset of the form sets, by section; `standard` is every section's own default."""
_WHERE = "the form"
_REMEDY = "Correct it in the form and start the run again."


def _effort_words() -> str:
    """Say what each preset sets, from the one place that defines it."""
    said = []
    for effort, sections in EFFORTS.items():
        values = [f"{section}.{name} {value}" for section, part in sections.items() for name, value in part.items()]
        said.append(f"{effort}: {', '.join(values) or 'the defaults below'}")
    return "; ".join(said)


class Named(Section):
    """Something with a name of its own."""

    name: Name = Field(description="Short name of letters, digits, underscores and hyphens.")


class TableForm(Section):
    """One table of a layer."""

    path: str = Field(
        min_length=1, title="File", description="CSV, TSV, XLSX or Parquet file (also .gz), relative to the folder."
    )
    unit: Unit = Field("intensity", description="Unit of the values.")
    zeros: Literal["real", "missing"] = Field(
        "real", description="What a zero means: measured as none (real), or not measured (missing)."
    )
    orientation: Literal["auto", "features_in_rows", "samples_in_rows"] = Field(
        "auto", description="How the table lies; auto finds it from the sample sheet and says so."
    )
    id_column: str = Field("", description="Header of the id column; the first column when empty.")
    sheet: str = Field("", description="Worksheet of an XLSX file; the first when empty.")


class ExpressionForm(TableForm):
    """The expression table: genes x samples."""

    unit: Literal["fpkm", "tpm", "counts", "log2"] = Field("fpkm", description="Unit of the expression values.")


class MetaboliteForm(TableForm):
    """The metabolite table: metabolites x samples."""

    unit: Literal["intensity", "log2"] = Field("intensity", description="Unit of the metabolite values.")


class FurtherLayerForm(TableForm, Named):
    """A further omics table, such as a proteome."""

    unit: Literal["intensity", "log2", "counts"] = Field("intensity", description="Unit of the values.")


class SamplesForm(SamplesConfig):
    """The sample sheet and the meaning of its columns."""

    path: str = Field(
        "", title="File", description="Sample sheet, relative to the folder; made from the sample names when empty."
    )
    labels: tuple[str, ...] = Field(
        (), description="Label columns to predict and to colour by; every text column that repeats when empty."
    )


class TargetForm(Named):
    """The metabolites that stand for one pathway."""

    metabolites: Ids = Field(description="Metabolite ids as they stand in the metabolite table.")


class BaitsForm(Section):
    """What is known of a target's pathway already."""

    target: Name = Field(description="Name of the target; `all` where no target is given.")
    genes: tuple[str, ...] = Field((), description="Ids of known genes, as they stand in the expression table.")
    from_families: tuple[Name, ...] = Field((), description="Names of families whose best genes are baits.")
    top: int = Field(3, ge=1, le=1_000, description="Best-graded genes of each of these families.")


class FamilyForm(FamilyConfig, Named):
    """A gene family, and what tells its members."""

    tables: tuple[str, ...] = Field(
        (), description="BLAST or DIAMOND outfmt 6 or 7, HMMER --tblout or --domtblout files (also .gz)."
    )
    columns: tuple[str, ...] = Field(
        (), description="Names of the columns of these tables in order, where the files do not say them themselves."
    )


class SequencesForm(HomologyConfig):
    """The sequences of the genes, and how they are searched."""

    proteins: str = Field("", description="Protein FASTA of the genes (also .gz).")
    transcripts: str = Field(
        "", description="Transcript FASTA (also .gz) in place of proteins; the longest reading frame is searched."
    )
    gene_map: str = Field(
        "",
        description="Table of two columns (sequence id, gene id), or GFF3 or GTF, for ids that do not join by "
        "themselves.",
    )
    member_table: str = Field(
        "", description="Table of member id and family, for families that share one file of profiles or references."
    )


class WidthsForm(Section):
    """Hidden widths of one layer's autoencoder."""

    layer: Name = Field(description="Name of the layer; transcriptome, metabolome or that of a further layer.")
    widths: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = Field(
        min_length=1, max_length=6, description="Units of each hidden level, from the input side."
    )


class AutoencoderForm(NetworkConfig):
    """One mirrored multilayer perceptron per layer."""

    preset: Preset = Field("compact", description="Hidden widths of all layers.")
    widths: tuple[WidthsForm, ...] = Field((), description="Hidden widths of single layers; replace the preset's.")


class RankingChoice(Section):
    """What a person most often changes in a ranking."""

    weights: WeightsConfig = Field(WeightsConfig(), description="Weight of each kind of evidence.")
    calibrated: bool = Field(
        False, description="Fit the weights to the baits of each target that has at least three; needs baits."
    )
    fusion: Fusion = Field("log_tail", description=str(RankingConfig.model_fields["fusion"].description))
    direction: Direction = Field("both", description=str(RankingConfig.model_fields["direction"].description))

    def settings(self) -> dict[str, Any]:
        """Return the settings of a ranking that are chosen here."""
        weights = CALIBRATED if self.calibrated else self.weights.model_dump()
        return {"weights": weights, "fusion": self.fusion, "direction": self.direction}


class RankingForm(RankingConfig):
    """Fusion of the evidence into one ranking per target."""

    weights: WeightsConfig = Field(WeightsConfig(), description="Weight of each kind of evidence.")
    calibrated: bool = Field(
        False, description="Fit the weights to the baits of each target that has at least three; needs baits."
    )


class ExecutionForm(ExecutionConfig):
    """How the work is done; no part of what it means."""

    cluster: str = Field(
        "", description="Address of a running Dask scheduler or Ray head; one of its own on this machine if empty."
    )


class StoreForm(StoreConfig):
    """Where artifacts are kept."""

    url: str = Field("", description="Folder or fsspec URL; `.cairn` in the folder of the tables when empty.")


class StudyForm(Named):
    """One question on one data set."""

    name: Name = Field(
        description="Short name of the study (letters, digits, underscores, hyphens); names the run folder."
    )
    folder: str = Field(
        min_length=1,
        description="Folder on the worker, or URL (such as s3://bucket/study), that all files below are relative to.",
    )
    expression: ExpressionForm = Field(title="Expression table", description="The genes.")
    metabolites: MetaboliteForm = Field(title="Metabolite table", description="The metabolites.")
    further_layers: tuple[FurtherLayerForm, ...] = Field((), description="Further omics tables, such as a proteome.")
    samples: SamplesForm = Field(SamplesForm(), title="Sample sheet", description="One row a sample.")
    targets: tuple[TargetForm, ...] = Field(
        (), description="Pathways and their metabolites; all metabolites are one target when empty."
    )
    baits: tuple[BaitsForm, ...] = Field((), description="Genes that are known to belong to a target's pathway.")
    preset: Effort = Field(
        "standard",
        description="How much is computed. A value that differs from its default in a section below wins over the "
        f"preset. {_effort_words()[:1].upper()}{_effort_words()[1:]}.",
    )
    families: tuple[FamilyForm, ...] = Field((), description="Gene families, for evidence from homology.")
    sequences: SequencesForm = Field(
        SequencesForm(), description="FASTA of the genes; needed where families are to be searched."
    )
    annotation: str = Field("", description="Table with gene_id and description columns, for display.")
    preprocess: PreprocessConfig = Field(
        PreprocessConfig(), title="Preparation (advanced)", description="From raw tables to prepared layers."
    )
    autoencoder: AutoencoderForm = Field(
        AutoencoderForm(), title="Autoencoder (advanced)", description="What learns each layer."
    )
    graph: GraphConfig = Field(
        GraphConfig(), title="Graph network (advanced)", description="What learns the labels of the samples."
    )
    validation: ValidationConfig = Field(
        ValidationConfig(), title="Validation (advanced)", description="Cross-validation over replicate groups."
    )
    explain: ExplainConfig = Field(
        ExplainConfig(), title="Explanation (advanced)", description="Which genes matter to the networks."
    )
    correlation: CorrelationConfig = Field(
        CorrelationConfig(), title="Correlation (advanced)", description="Of genes with metabolites."
    )
    ranking: RankingForm = Field(
        RankingForm(), title="Ranking (advanced)", description="From evidence to one ranking per target."
    )
    execution: ExecutionForm = Field(
        ExecutionForm(), title="Execution (advanced)", description="How the work is done; changes no result."
    )
    store: StoreForm = Field(StoreForm(), title="Store (advanced)", description="Where finished work is kept.")
    seed: int = Field(1, ge=0, le=2**32 - 1, title="Seed (advanced)", description="Seed of everything random.")

    def to_study(self) -> StudyConfig:
        """Return the study that the form describes.

        Raises
        ------
        StudyFileError
            A name is given twice, or what is given does not fit together.
        """
        layers = {
            TRANSCRIPTOME: _given(self.expression),
            METABOLOME: _given(self.metabolites),
            **{layer.name: _given(layer, "name") for layer in self.further_layers},
        }
        self._check_names()
        document = {
            "study": self.name,
            "layers": layers,
            "samples": {**_given(self.samples), "labels": self.samples.labels or None},
            "targets": {target.name: target.metabolites for target in self.targets},
            "baits": {baits.target: _baits(baits) for baits in self.baits},
            "families": {family.name: _family(family) for family in self.families},
            "homology": _given(self.sequences),
            "annotation": self.annotation or None,
            "execution": _given(self.execution),
            "store": _given(self.store),
            "seed": self.seed,
            **self._advanced(),
        }
        return study_from(document, file=_WHERE)

    def _check_names(self) -> None:
        layers = (TRANSCRIPTOME, METABOLOME, *(layer.name for layer in self.further_layers))
        _unique("further_layers", "layers", layers)
        _unique("targets", "targets", (target.name for target in self.targets))
        _unique("baits", "entries for the target", (baits.target for baits in self.baits))
        _unique("families", "families", (family.name for family in self.families))
        _unique("autoencoder.widths", "entries for the layer", (one.layer for one in self.autoencoder.widths))

    def _advanced(self) -> dict[str, dict[str, Any]]:
        """Return the sections of which the preset sets a part."""
        widths = {one.layer: one.widths for one in self.autoencoder.widths}
        ranking = _given(self.ranking, "calibrated")
        sections = {
            "preprocess": _given(self.preprocess),
            "autoencoder": {**_given(self.autoencoder), "widths": widths},
            "graph": _given(self.graph),
            "validation": _given(self.validation),
            "explain": _given(self.explain),
            "correlation": _given(self.correlation),
            "ranking": {**ranking, "weights": CALIBRATED} if self.ranking.calibrated else ranking,
        }
        for section, values in EFFORTS[self.preset].items():
            fields = type(getattr(self, section)).model_fields
            untouched = {
                name: value for name, value in values.items() if sections[section][name] == fields[name].default
            }
            sections[section] |= untouched
        return sections


def _given(section: Section, *without: str) -> dict[str, Any]:
    """Return the settings of a section; an empty text is none."""
    settings = section.model_dump(exclude=set(without))
    return {name: None if value == "" else value for name, value in settings.items()}


def _baits(baits: BaitsForm) -> object:
    listed = baits.genes and not baits.from_families
    return baits.genes if listed else baits.model_dump(exclude={"target"})


def _family(family: FamilyForm) -> dict[str, Any]:
    settings = family.model_dump(exclude={"name", "columns"})
    if family.columns:
        settings["tables"] = [{"path": path, "columns": family.columns} for path in family.tables]
    return settings


def _unique(field: str, what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise StudyFileError(
            wanted="each name once", found=f"two {what} named {twice[0]!r}", where=f"{_WHERE}, {field}", remedy=_REMEDY
        )
