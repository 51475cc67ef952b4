"""What the design of a study can show, in the words of `cairn check` and of the report."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.study import StudyConfig
from tasks.records import PreparedStudy
from tasks.store import Store

if TYPE_CHECKING:
    from models.design import Design, Power


@dataclass(frozen=True, slots=True)
class DesignFacts:
    """Sentences on groups and replicates, the power that they leave, and how small the p of the ranking can be."""

    design: "Design"
    facts: tuple[str, ...]
    power: "Power"
    permutations: str


def design_facts(prepared: PreparedStudy, study: StudyConfig, store: Store) -> DesignFacts:
    """Look at the samples that every layer has."""
    from models.design import Design, Power, design_sentences
    from models.target_null import permutation_sentence

    sheet = store.get_table(prepared.design or prepared.sheet)
    design = Design.of_samples(sheet, prepared.shared)
    layers = {name: store.get_layer(kept, name) for name, kept in prepared.prepared.items()}
    genes = layers[study.layer_with("genes")]
    n_genes, permuted = len(genes.feature_ids), Design.of_samples(sheet, genes.sample_ids).groups
    return DesignFacts(
        design=design,
        facts=design_sentences(design, {name: layer.columns_of(prepared.shared) for name, layer in layers.items()}),
        power=Power(design.n_groups, n_genes, study.correlation.alpha),
        permutations=permutation_sentence(permuted, n_genes=n_genes, draws=study.ranking.permutations),
    )
