"""Cards: for the best genes of each target, why they are there."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from configs.artifact import Runtime
from configs.ranking import RankingConfig
from configs.study import CorrelationMethod
from models.arrays import Float64Array
from models.cards import Partner
from tasks.certainty import closeness_of
from tasks.records import BaitEvidence, Cards, EvidenceArtifacts, Homology, PairedLayers, Ranked
from tasks.stage import stage
from tasks.store import Store
from tasks.target_values import target_values


@stage("cards")
def write_cards(
    layers: PairedLayers,
    targets: dict[str, tuple[str, ...]],
    evidence: EvidenceArtifacts,
    ranked: Ranked,
    homology: Homology | None,
    question: tuple[RankingConfig, CorrelationMethod],
    runtime: Runtime,
) -> Cards:
    """Write down evidence, partners and expression of the best genes of each target."""
    from models.cards import card_expression, card_samples, partner_table
    from models.design import Design

    store, (config, method) = Store(runtime.store), question
    ranking = store.get_table(ranked.ranking)
    blocks = {str(target): rows for target, rows in ranking.groupby("target", sort=False)}
    partners = _Partners(layers, targets, evidence.bait, homology, store)
    rows, chance = zip(
        *(_evidence(block, evidence, ranked.weights[target], config, store) for target, block in blocks.items()),
        strict=True,
    )
    found = [one for target, block in blocks.items() for one in partners.of(target, block, config, method)]
    genes = store.get_layer(layers.genes, "genes")
    listed = [gene for target, block in blocks.items() for gene in _carded_ids(block, config.cards, genes.feature_ids)]
    groups = Design.of_samples(store.get_table(layers.sheet), genes.sample_ids).groups
    chosen = list(dict.fromkeys(listed))
    expression = card_expression(chosen, genes.values[genes.positions_of(chosen)], groups)
    table = partner_table(found)
    metabolites = store.get_layer(layers.metabolites, "metabolites")
    by_sample = [
        card_samples(table[table["target"] == target], genes, metabolites, groups) for target in dict.fromkeys(blocks)
    ]
    return Cards(
        evidence=store.put_table(pd.concat(rows, ignore_index=True), "card_evidence"),
        partners=store.put_table(table, "card_partners"),
        expression=store.put_table(expression, "card_expression"),
        samples=store.put_table(pd.concat(by_sample, ignore_index=True), "card_samples"),
        chance=store.put_table(pd.concat(chance, ignore_index=True), "card_chance"),
    )


def _evidence(
    block: pd.DataFrame, evidence: EvidenceArtifacts, weights: Mapping[str, float], config: RankingConfig, store: Store
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the evidence of one target's best genes, with where it stands among the values of chance, and these.

    The values of chance are millions, and those of one target are held at a time.
    """
    from models.assembly import contributions
    from models.card_records import carded
    from models.cards import card_chance, card_evidence, share_below
    from models.fusion import additive
    from models.target_null import null_parts

    rows, target = carded(block, config.cards), str(block["target"].iloc[0])
    _, null = null_parts(store.get_table(evidence.null.tables[target]))
    strengths = _strengths(evidence, rows, store)
    percentiles = {name: share_below(strengths[name], values.ravel()) for name, values in null.items()}
    parts = contributions(block, weights, config.fusion) if additive(config.fusion) else block[["gene_id"]]
    return card_evidence(block, parts, percentiles, strengths, count=config.cards), card_chance(target, null)


def _strengths(evidence: EvidenceArtifacts, rows: pd.DataFrame, store: Store) -> dict[str, Float64Array]:
    """Return what is ranked of the evidence that has a null, for genes of one target."""
    tables = {"correlation": evidence.correlation, **({"bait": evidence.bait.evidence} if evidence.bait else {})}
    found = {}
    for name, artifact in tables.items():
        table = store.get_table(artifact)
        own = table[table["target"].isin(rows["target"])].set_index("gene_id")["strength"]
        found[name] = own.reindex(rows["gene_id"]).to_numpy(np.float64)
    return found


def _carded_ids(block: pd.DataFrame, count: int, known: tuple[str, ...]) -> list[str]:
    """Return the best genes of a target that are in the prepared layer."""
    from models.card_records import carded

    prepared = frozenset(known)
    return [gene for gene in carded(block, count)["gene_id"] if gene in prepared]


class _Partners:
    """What the best genes of each target go with."""

    def __init__(
        self,
        layers: PairedLayers,
        targets: dict[str, tuple[str, ...]],
        bait: BaitEvidence | None,
        homology: Homology | None,
        store: Store,
    ) -> None:
        self._study, self._targets, self._bait, self._store = target_values(layers, store), targets, bait, store
        self._hits = {name: store.get_table(table) for name, table in homology.hits.items()} if homology else {}
        self._serving = homology.serving if homology else {}
        self._gene_ids = self._study.genes.feature_ids

    def of(self, target: str, block: pd.DataFrame, config: RankingConfig, method: CorrelationMethod) -> list[Partner]:
        """Return metabolites, baits and homologs of the best genes of one target."""
        from models.card_records import carded
        from models.cards import Members, best_homologs, best_metabolites, nearest_baits

        genes = _carded_ids(block, config.cards, self._gene_ids)
        place, members = self._study.genes.positions_of(genes), self._targets[target]
        rows = self._study.course.shaped(self._study.members(members))
        found = best_metabolites(
            target,
            genes,
            self._study.genes.values[place],
            Members([members[row] for row in rows.member], rows.values, rows.shape),
            method=method,
            direction=config.direction,
        )
        if self._bait is not None and target in self._bait.closeness:
            close = closeness_of(self._bait, target, self._store)
            found += nearest_baits(
                target, genes, close.mutual_rank[place], [self._gene_ids[bait] for bait in close.baits]
            )
        hits = {name: self._hits[name] for name in self._serving.get(target, ())}
        return found + best_homologs(target, list(carded(block, config.cards)["gene_id"]), hits)
