"""Cards of a small study: what they list of the first genes of each target."""

import numpy as np
import pandas as pd
import pytest

from configs.ranking import RankingConfig
from tasks.cards import write_cards
from tasks.records import Cards
from tests.tasks.small_study import BAITS, CONFIG, GENES, GROUPS, TARGETS, SmallStudy


def _cards(study: SmallStudy, config: RankingConfig = CONFIG) -> Cards:
    question = (config, "spearman")
    ranked = study.ranked if config is CONFIG else study.rank(config)
    return write_cards.fn(study.layers, TARGETS, study.evidence, ranked, study.homology, question, study.runtime)


@pytest.fixture(scope="module")
def cards(small_study: SmallStudy) -> Cards:
    return _cards(small_study)


def _first(study: SmallStudy, target: str) -> list[str]:
    ranking = study.table(study.ranked.ranking)
    return ranking.loc[ranking["target"] == target, "gene_id"].head(5).tolist()


def test_every_evidence_of_the_first_genes_adds_up_to_their_score(small_study: SmallStudy, cards: Cards) -> None:
    evidence = small_study.table(cards.evidence)
    ranking = small_study.table(small_study.ranked.ranking).set_index(["target", "gene_id"])
    for target, names in (("acids", 5), ("sugars", 4)):
        own = evidence[evidence["target"] == target]
        assert own["gene_id"].unique().tolist() == _first(small_study, target)
        assert len(own) == 5 * names
        added = own.groupby("gene_id")["contribution"].sum()
        np.testing.assert_allclose(added, ranking.loc[target, "score"][added.index])


def test_the_null_percentile_is_the_share_of_drawn_values_below(small_study: SmallStudy, cards: Cards) -> None:
    evidence = small_study.table(cards.evidence)
    known = evidence.dropna(subset="null_percentile")
    assert set(zip(known["target"], known["evidence"], strict=True)) == {
        ("acids", "correlation"),
        ("acids", "bait"),
        ("sugars", "correlation"),
    }
    null = small_study.table(small_study.null.tables["acids"])["bait"].to_numpy()
    bait = known[(known["target"] == "acids") & (known["evidence"] == "bait")]
    by_hand = [(null < value).mean() for value in bait["value"]]
    np.testing.assert_allclose(bait["null_percentile"], by_hand)


def test_every_chance_value_is_in_a_bin(small_study: SmallStudy, cards: Cards) -> None:
    assert cards.chance is not None
    chance, evidence = small_study.table(cards.chance), small_study.table(cards.evidence)
    counted = chance.groupby(["target", "evidence"])["n_values"].sum().to_dict()
    drawn = {
        (target, name): int(table[name].notna().sum())
        for target, artifact in small_study.null.tables.items()
        for table in [small_study.table(artifact)]
        for name in ("bait", "correlation")
        if table[name].notna().any()
    }
    assert counted == drawn
    assert (evidence["strength"].notna() == evidence["null_percentile"].notna()).all()


def test_partners_are_metabolites_of_the_target_other_baits_and_homologs(small_study: SmallStudy, cards: Cards) -> None:
    partners = small_study.table(cards.partners)
    acids, sugars = (partners[partners["target"] == target] for target in ("acids", "sugars"))
    for rows, target in ((acids, "acids"), (sugars, "sugars")):
        metabolites = rows[rows["kind"] == "metabolite"]
        assert metabolites["gene_id"].unique().tolist() == _first(small_study, target)
        assert set(metabolites["partner"]) == set(TARGETS[target])
    near = acids[acids["kind"] == "bait"]
    assert set(near["partner"]) == set(BAITS["acids"])
    assert (near["partner"] != near["gene_id"]).all()
    assert near.groupby("gene_id")["value"].apply(lambda values: values.is_monotonic_increasing).all()
    assert set(acids.loc[acids["kind"] == "homolog", "gene_id"]) == {"g02", "g04", "g05"} & set(acids["gene_id"])
    assert sugars[sugars["kind"] == "bait"].empty


def test_homologs_are_those_of_the_families_that_serve_the_target(small_study: SmallStudy) -> None:
    """P450 serves the acids alone, and BAHD the sugars alone, though all genes have a card for both."""
    partners = small_study.table(_cards(small_study, CONFIG.model_copy(update={"cards": 100})).partners)
    homologs = partners[partners["kind"] == "homolog"]
    found = {target: set(rows["partner"]) for target, rows in homologs.groupby("target")}
    assert found == {"acids": {"P450_1"}, "sugars": {"BAHD_1"}}


def test_expression_is_that_of_all_groups_of_the_gene_layer(small_study: SmallStudy, cards: Cards) -> None:
    expression = small_study.table(cards.expression)
    listed = dict.fromkeys([*_first(small_study, "acids"), *_first(small_study, "sugars")])
    assert expression["gene_id"].unique().tolist() == [gene for gene in listed if gene != "constant"]
    gene = expression["gene_id"].iloc[0]
    own = expression[expression["gene_id"] == gene]
    assert own["group"].tolist() == list(GROUPS)
    assert own["n_samples"].tolist() == [2] * 8
    pairs = small_study.genes.values[GENES.index(gene)].reshape(8, 2)
    np.testing.assert_allclose(own["mean"], pairs.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(own["sd"], pairs.std(axis=1, ddof=1), rtol=1e-5)


def test_more_cards_than_genes_with_a_score_list_those_and_genes_that_do_not_vary_have_no_partners(
    small_study: SmallStudy,
) -> None:
    cards = _cards(small_study, CONFIG.model_copy(update={"cards": 100}))
    evidence, partners = small_study.table(cards.evidence), small_study.table(cards.partners)
    scored = small_study.table(small_study.ranked.ranking).dropna(subset="score")
    assert evidence.groupby("target")["gene_id"].nunique().to_dict() == scored["target"].value_counts().to_dict()
    assert "constant" not in set(partners["gene_id"])
    assert "constant" not in set(small_study.table(cards.expression)["gene_id"])


def test_where_scores_do_not_add_up_cards_have_no_contributions(small_study: SmallStudy) -> None:
    cards = _cards(small_study, CONFIG.model_copy(update={"fusion": "rra"}))
    evidence = small_study.table(cards.evidence)
    assert evidence["contribution"].isna().all()
    assert pd.notna(evidence["null_percentile"]).any()
