"""Refits and permutations of a study whose gene layer has samples without metabolites."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from configs.errors import CairnError
from models.baits import bait_closeness
from models.correlation import best_partner
from models.seeds import derived_seed
from models.significance import group_permutations
from tasks import certainty
from tasks.certainty import closeness_of, permute_groups
from tasks.records import TargetInquiry
from tests.tasks.small_study import (
    BAIT_CONFIG,
    BAITS,
    GENES,
    GROUPS,
    QUESTION,
    SAMPLES,
    SHARED,
    TARGETS,
    SmallStudy,
)


@pytest.fixture(scope="module")
def without_baits(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    return SmallStudy(tmp_path_factory.mktemp("without"), baits={})


def test_refits_have_one_column_a_group_of_the_samples_that_they_rest_on(small_study: SmallStudy) -> None:
    correlation, bait = small_study.table(small_study.refits.correlation), small_study.table(small_study.refits.bait)
    fixed = ["target", "gene_id"]
    assert correlation.columns.tolist() == [*fixed, *(f"without {group}" for group in GROUPS[:-1])]
    assert bait.columns.tolist() == [*fixed, *(f"without {group}" for group in GROUPS)]
    assert correlation["gene_id"].tolist() == [*GENES, *GENES]
    assert correlation["target"].unique().tolist() == ["acids", "sugars"]
    assert bait["target"].unique().tolist() == ["acids"]


def test_a_refit_is_the_correlation_of_the_other_groups(small_study: SmallStudy) -> None:
    refits = small_study.table(small_study.refits.correlation)
    kept = [place for place, group in enumerate(np.repeat(GROUPS, 2)[:14]) if group != "gene_id"]
    expected = best_partner(small_study.genes.values[:, kept], small_study.metabolites.values[[1, 3]][:, kept])
    own = refits[refits["target"] == "acids"]
    np.testing.assert_array_equal(own["without gene_id"], expected.strength)


def test_a_bait_refit_finds_mutual_ranks_in_the_other_groups_on_the_graph_of_all(small_study: SmallStudy) -> None:
    refits, bait = small_study.table(small_study.refits.bait), small_study.bait
    assert bait is not None
    close, kept = closeness_of(bait, "acids", small_study.store), np.repeat(GROUPS, 2) != "no metabolome"
    some = bait_closeness(small_study.genes.values[:, kept], close.baits, config=BAIT_CONFIG)
    refitted = close.with_whitened(small_study.genes.values[:, kept], BAIT_CONFIG)
    np.testing.assert_allclose(refitted.parts["whitened"], some.parts["whitened"], rtol=1e-5)
    np.testing.assert_array_equal(refitted.parts["propagation"], close.parts["propagation"])
    np.testing.assert_array_equal(refits["without no metabolome"], refitted.evidence())


def test_the_best_pairs_get_their_p_and_stay_as_they_are(small_study: SmallStudy) -> None:
    before, after = small_study.table(small_study.correlation.best), small_study.table(small_study.null.best)
    assert before["p"].isna().all()
    assert after["p"].between(1 / (1 + 30 * 40), 1).all()
    assert after.drop(columns="p").equals(before.drop(columns="p"))
    acids = after[after["target"] == "acids"].set_index("gene_id")
    assert acids.loc[list(GENES[:6]), "p"].max() < acids.loc[list(GENES[6:]), "p"].median()


def test_null_tables_have_all_draws_and_no_bait_among_their_genes(small_study: SmallStudy) -> None:
    tables = {target: small_study.table(table) for target, table in small_study.null.tables.items()}
    assert list(tables) == list(TARGETS)
    baits = {GENES.index(bait) for bait in BAITS["acids"]}
    for target, n_null in (("acids", 37), ("sugars", 40)):
        table = tables[target]
        assert len(table) == 30 * n_null
        assert table["draw"].tolist() == np.repeat(np.arange(30), n_null).tolist()
        assert (table["correlation"] >= 0).all()
        assert table["stratum"].between(0, 9).all()
    assert not baits & set(tables["acids"]["gene"])
    assert (tables["acids"]["bait"] >= 0).all()
    assert tables["sugars"]["bait"].isna().all()


def test_a_target_that_is_permuted_alone_and_read_in_pieces_has_the_same_null(
    small_study: SmallStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certainty, "_PIECE", 7)
    inquiry = TargetInquiry(correlation=small_study.correlation, graph=small_study.graph, bait=small_study.bait)
    alone = tuple(
        permute_groups.fn(small_study.layers, inquiry, {target: members}, QUESTION, BAIT_CONFIG, 1, small_study.runtime)
        for target, members in TARGETS.items()
    )
    assert certainty.gather_nulls.fn(alone, small_study.runtime) == small_study.null


def test_a_null_value_is_that_of_the_permuted_groups_of_the_samples_that_have_metabolites(
    small_study: SmallStudy,
) -> None:
    table = small_study.table(small_study.null.tables["sugars"])
    order = group_permutations(np.repeat(GROUPS, 2).tolist(), count=30, seed=derived_seed(1, "permutation", "sugars"))
    metabolite = np.full(len(SAMPLES), np.nan)
    metabolite[: len(SHARED)] = small_study.metabolites.values[0]
    assert (order[:, :14] >= 14).any()  # the group without metabolites changes places too
    for draw in (0, 7, 29):
        moved = metabolite[order[draw]]
        known = ~np.isnan(moved)
        rows = table[table["draw"] == draw]
        rho = [abs(spearmanr(small_study.genes.values[gene, known], moved[known])[0]) for gene in rows["gene"]]
        # Fieller et al. 1957: the Fisher transform of Spearman's rho has variance 1.06 / (n - 3).
        np.testing.assert_allclose(rows["correlation"], np.arctanh(rho) * np.sqrt((14 - 3) / 1.06), rtol=1e-5)


def test_without_baits_there_is_no_bait_null_and_the_correlation_null_is_that_of_more_genes(
    without_baits: SmallStudy, small_study: SmallStudy
) -> None:
    assert without_baits.refits.bait is None
    for target in TARGETS:
        table = without_baits.table(without_baits.null.tables[target])
        assert table["bait"].isna().all()
        assert len(table) == 30 * 40
    same = small_study.table(small_study.null.tables["sugars"])
    assert without_baits.table(without_baits.null.tables["sugars"]).equals(same)


def test_the_ranking_takes_p_of_both_parts_of_the_null(small_study: SmallStudy, without_baits: SmallStudy) -> None:
    for study, names in ((small_study, ("bait", "correlation")), (without_baits, ("correlation",))):
        ranking = study.table(study.ranked.ranking)
        assert len(ranking) == 2 * 41
        acids = ranking[ranking["target"] == "acids"]
        assert np.isnan(acids.set_index("gene_id").loc["constant", "p"])
        planted = acids["gene_id"].isin(GENES[:6])
        assert acids.loc[planted, "p"].max() < acids.loc[~planted, "p"].median()
        assert set(study.ranked.weights["acids"]) == {*names, "autoencoder", "graph", "homology"}
        scored = acids.dropna(subset="score")
        assert (scored["rank_low"] <= scored["rank_high"]).all()
        assert scored["stability"].between(0, 1).all()
        tops = study.table(study.ranked.false_in_top)
        assert tops["target"].unique().tolist() == ["acids", "sugars"]
        assert tops["share"].between(0, 1).all()


def test_a_study_with_one_group_has_neither_refits_nor_a_p_below_one(tmp_path: Path) -> None:
    study = SmallStudy(tmp_path, baits={})
    sheet = study.store.get_table(study.layers.sheet).assign(group="one")
    table = study.store.put_table(sheet.astype({"group": "str"}), "samples")
    study.layers = study.layers.model_copy(update={"sheet": table})
    assert study.table(study.refits.correlation).columns.tolist() == ["target", "gene_id"]
    ranking = study.table(study.ranked.ranking)
    assert ranking[["stability", "rank_low", "rank_high"]].isna().all(axis=None)
    assert (ranking["p"].dropna() == 1).all()


def test_baits_without_a_graph_are_a_fault_of_the_caller(small_study: SmallStudy) -> None:
    inquiry = TargetInquiry(correlation=small_study.correlation, graph=None, bait=small_study.bait)
    with pytest.raises(CairnError, match="bait evidence without a gene graph"):
        permute_groups.fn(small_study.layers, inquiry, TARGETS, QUESTION, BAIT_CONFIG, 1, small_study.runtime)
