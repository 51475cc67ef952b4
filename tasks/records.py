"""What tasks return: small frozen records of artifact references and facts worth saying."""

from collections.abc import Callable
from typing import Self

from pydantic import BaseModel, ConfigDict

from configs.artifact import Artifact, SourceFile
from configs.homology import FamilyConfig, Program, Thresholds
from configs.ranking import Direction
from configs.study import AutoencoderConfig, CorrelationMethod, Engine, GraphConfig, StudyConfig


class Record(BaseModel):
    """Base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LayerRead(Record):
    """A table as the user gave it; `levels` are the MSI annotation levels of its features, as far as they are told."""

    layer: Artifact
    notes: tuple[str, ...]
    levels: dict[str, int] = {}


class SampleMap(Record):
    """Sample ids by names in the tables of layers, as the user gave them."""

    samples: dict[str, str] = {}
    notes: tuple[str, ...] = ()


class SamplesDerived(Record):
    """A sample sheet made from sample names, and the layers under its ids."""

    table: Artifact
    layers: dict[str, Artifact]
    notes: tuple[str, ...]


class TableRead(Record):
    """A sample sheet or an annotation as the user gave it."""

    table: Artifact
    notes: tuple[str, ...]


class PreparedStudy(Record):
    """All layers, ready for use, features and samples ordered by their ids.

    `trainable` are the layers as the networks learn from them, with the features that are missing too often: each fold
    decides about those by its own training samples. `shared` are the samples that every layer has, `labels` the label
    columns of the sheet, and `design` the sheet that tells all groups where `sheet` itself holds small ones back.
    """

    sheet: Artifact
    raw: dict[str, Artifact]
    prepared: dict[str, Artifact]
    trainable: dict[str, Artifact]
    quality: Artifact
    dropped: Artifact
    shared: tuple[str, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]
    design: Artifact | None = None


class References(Record):
    """The metabolites of each target and the baits of each target, as far as they can be used.

    `target_levels` are MSI annotation levels, 1 to 5, by target and metabolite, as far as they are told.
    """

    targets: dict[str, tuple[str, ...]]
    baits: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    target_levels: dict[str, dict[str, int]] = {}


class FoldPlan(Record):
    """Which sample plays which role in which fold, and which labels held-out samples can tell anything about.

    `folds` hold whole groups out, all repeats together; `split` hold single replicates out; neither has the final fit.
    """

    table: Artifact
    labels: Artifact
    folds: tuple[str, ...]
    split: tuple[str, ...]
    notes: tuple[str, ...]


class Fold(Record):
    """One fold of a plan; a feature missing in more than `max_missing` of its training samples is not used in it."""

    name: str
    plan: Artifact
    max_missing: float


class PairedLayers(Record):
    """The prepared gene and metabolite layers, with the samples that every layer has."""

    genes: Artifact
    metabolites: Artifact
    sheet: Artifact
    shared: tuple[str, ...]


class NamedLayer(Record):
    """A prepared layer under its name in the study."""

    name: str
    layer: Artifact


class LayerPair(Record):
    """The prepared gene and metabolite layers, each with all of its samples."""

    genes: NamedLayer
    metabolites: NamedLayer


class LayerTraining(Record):
    """The autoencoder of one layer in one fold."""

    layer: str
    weights: Artifact
    latents: Artifact
    principal: Artifact
    history: Artifact
    widths: tuple[int, ...]
    parameters: int
    engine: Engine
    note: str
    epochs: int
    device: str


class GraphTraining(Record):
    """The graph network of one fold; `latent_importance` runs over the concatenated latents."""

    weights: Artifact
    predictions: Artifact
    attention: Artifact
    history: Artifact
    latent_importance: tuple[float, ...]


class FoldJob(Record):
    """All that the training of one fold needs."""

    fold: Fold
    layers: dict[str, Artifact]
    sheet: Artifact
    labels: tuple[str, ...]
    widths: dict[str, tuple[int, ...]]
    autoencoder: AutoencoderConfig
    graph: GraphConfig
    seed: int


class FoldTraining(Record):
    """Everything that one fold learnt; `graph` is null where the study has no label to predict."""

    fold: str
    layers: dict[str, LayerTraining]
    graph: GraphTraining | None


class Explained(Record):
    """Importance of every gene in one fold, and its reconstruction in the held-out samples."""

    importance: Artifact
    reconstructed: Artifact


class ImportanceSummary(Record):
    """Importance of every gene over all folds."""

    table: Artifact
    notes: tuple[str, ...]


class TargetFold(Record):
    """Target-aware scores of every gene in one fold, and how well held-out samples were predicted."""

    importance: Artifact
    fits: Artifact


class TargetSummary(Record):
    """Target-aware scores over all folds, whether they may speak, and the evidence by method."""

    table: Artifact
    gates: Artifact
    evidence: dict[str, Artifact]
    notes: tuple[str, ...]


class Correlations(Record):
    """Gene-metabolite correlation: `pairs` are the strongest that pass, `listed` all that are to be listed."""

    pairs: Artifact
    listed: Artifact
    top: Artifact
    conditions: Artifact
    notes: tuple[str, ...]


class TargetQuestion(Record):
    """How genes are correlated with targets: by which method, in which direction, and how many permutations."""

    method: CorrelationMethod
    direction: Direction
    permutations: int


class CorrelationEvidence(Record):
    """Correlation of each gene with the metabolites of each target; `best` is that with its best metabolite."""

    evidence: Artifact
    best: Artifact


class GeneGraphTables(Record):
    """Genes that are among each other's closest partners, and how far each gene looks."""

    edges: Artifact
    reach: Artifact


class BaitEvidence(Record):
    """Closeness to each target's known genes; `closeness` is by target and measure, a column a bait."""

    evidence: Artifact
    parts: Artifact
    closeness: dict[str, dict[str, Artifact]]
    notes: tuple[str, ...]


class Refits(Record):
    """Strengths without each replicate group; `bait` is null where no target has baits."""

    correlation: Artifact
    bait: Artifact | None


class NullEvidence(Record):
    """Evidence under the null by target, and the correlation of each gene with its best metabolite, with its p."""

    tables: dict[str, Artifact]
    best: Artifact


class TargetInquiry(Record):
    """Everything on the targets that needs no network."""

    correlation: CorrelationEvidence
    graph: GeneGraphTables | None
    bait: BaitEvidence | None


class SequencesRead(Record):
    """The proteins of the genes; `left_out` are transcripts whose longest reading frame is too short."""

    proteins: Artifact
    file: str
    left_out: int
    notes: tuple[str, ...]


class FamiliesRead(Record):
    """Families with their members, as far as a table of members names them."""

    families: dict[str, FamilyConfig]
    notes: tuple[str, ...]


class FamilyFiles(Record):
    """Files of profiles and of reference proteins that a family is searched with."""

    profiles: tuple[SourceFile, ...]
    references: tuple[SourceFile, ...]

    @classmethod
    def of(cls, family: FamilyConfig, file: Callable[[str], SourceFile]) -> Self:
        """Return the files of a family, found by `file` from their paths."""
        return cls(profiles=tuple(map(file, family.profiles)), references=tuple(map(file, family.references)))


class SearchQuestion(Record):
    """What is searched for, and what counts as a hit; no member stands for all of the files."""

    members: tuple[str, ...]
    max_evalue: float
    thresholds: Thresholds
    program: Program


class SearchFacts(Record):
    """How a family was searched: by which program, and the exact commands where it is no part of this process."""

    family: str
    program: str
    version: str
    commands: tuple[str, ...]
    n_queries: int
    n_sequences: int
    n_hits: int
    note: str


class Search(Record):
    """One search of one family: its hits, a row an alignment or domain, and the names that it searched for."""

    hits: Artifact
    members: tuple[str, ...]
    facts: SearchFacts


class FamilyEvidence(Record):
    """All that tells the members of one family: search tables that were given, and searches that were run.

    `listed` says whether the study file itself lists the members, and not a table of members.
    """

    config: FamilyConfig
    listed: bool
    tables: tuple[SourceFile, ...]
    searches: tuple[Search, ...]


class Homology(Record):
    """Graded hits and domains by family, the best family of each gene, and the evidence by target."""

    hits: dict[str, Artifact]
    domains: dict[str, Artifact]
    gene_families: Artifact
    serving: dict[str, tuple[str, ...]]
    evidence: Artifact
    searches: tuple[SearchFacts, ...]
    notes: tuple[str, ...]


class EvidenceArtifacts(Record):
    """Everything that the ranking is made from; null where the study has no such evidence."""

    correlation: Artifact
    null: NullEvidence
    refits: Refits
    importance: tuple[Artifact, ...]
    homology: Artifact | None = None
    bait: BaitEvidence | None = None


class Ranked(Record):
    """The ranking, and what is known about it; `weights` are those of each evidence after renormalising.

    `leave_one_out` is null where no target has baits enough, and `verdicts` say by target what left-out baits tell.
    """

    ranking: Artifact
    weights: dict[str, dict[str, float]]
    false_in_top: Artifact
    leave_one_out: Artifact | None
    verdicts: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]


class Controls(Record):
    """By target: metabolites and genes that stand in for its own, drawn at random among those that are like them."""

    targets: dict[str, tuple[str, ...]]
    baits: dict[str, tuple[str, ...]]


class ControlScores(Record):
    """Best scores of each target and of its controls, and what they mean; the table is null without any control."""

    table: Artifact | None
    sentences: dict[str, str]


class Cards(Record):
    """Why the best genes of each target are where they are."""

    evidence: Artifact
    partners: Artifact
    expression: Artifact
    samples: Artifact | None = None
    chance: Artifact | None = None


class FigureFiles(Record):
    """One figure in all formats; runs of earlier versions have no PDF."""

    name: str
    title: str
    caption: str
    png: Artifact
    svg: Artifact
    pdf: Artifact | None = None


class LabelDraws(Record):
    """Permuted labels, and by label how many arrangements permuting could make."""

    table: Artifact
    arrangements: dict[str, float]


class Validated(Record):
    """What the graph network and its rivals reached on held-out samples, and the sentences that say it."""

    validation: Artifact
    predictions: Artifact
    confusion: Artifact
    null: Artifact
    verdicts: Artifact
    sentences: tuple[str, ...]


class Previous(Record):
    """What is compared of an earlier run: its ranking, and the samples that it had."""

    ranking: Artifact
    samples: tuple[str, ...]


class Changed(Record):
    """What changed since an earlier run: a sentence a target, and one on the samples that came and went."""

    table: Artifact
    agreement: Artifact
    sentences: dict[str, str]
    samples: str


class Reported(Record):
    """The pages and files that people read."""

    html: Artifact
    workbook: Artifact


class StepTiming(Record):
    """How one step ended, `Completed` when it ran and `Cached` when its result was there, and when in the run."""

    name: str
    state: str
    ended_after_seconds: float


class InputFile(Record):
    """A file that a run was made from, as it was then."""

    path: str
    sha256: str
    n_bytes: int


class RunContent(Record):
    """What a run has made so far; later stages add to it."""

    prepared: PreparedStudy
    references: References
    plan: FoldPlan
    annotation: Artifact | None = None
    evidence: EvidenceArtifacts | None = None
    figures: tuple[FigureFiles, ...] = ()
    folds: dict[str, FoldTraining] = {}
    validated: Validated | None = None
    embedding: Artifact | None = None
    correlations: Correlations | None = None
    importance: tuple[Artifact, ...] = ()
    target_correlation: Artifact | None = None
    importance_summary: ImportanceSummary | None = None
    targets_explained: TargetSummary | None = None
    homology: Homology | None = None
    bait: BaitEvidence | None = None
    gene_graph: GeneGraphTables | None = None
    ranked: Ranked | None = None
    controls: ControlScores | None = None
    cards: Cards | None = None
    changes: Changed | None = None
    reported: Reported | None = None
    notes: tuple[str, ...] = ()
    timings: tuple[StepTiming, ...] = ()


class FinishedRun(Record):
    """All that a new ranking of a finished run needs; the objects themselves are in `store`."""

    study: StudyConfig
    content: RunContent
    inputs: tuple[InputFile, ...]
    store: str
