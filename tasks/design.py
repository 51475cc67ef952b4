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

    design = Design.of_samples(store.get_table(prepared.sheet), prepared.shared)
    layers = {name: store.get_layer(kept, name).columns_of(prepared.shared) for name, kept in prepared.prepared.items()}
    n_genes = len(layers[study.layer_with("genes")])
    power = Power(design.n_groups, n_genes, study.correlation.alpha)
    replicated = design.n_groups < len(design.groups)
    return DesignFacts(
        design=design,
        facts=design_sentences(design, layers),
        power=power,
        permutations=power.permutation_sentence(study.ranking.permutations, replicated=replicated),
    )
