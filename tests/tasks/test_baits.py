"""Baits from the study file and from families, to evidence and ranking."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.ranking_tables import BAIT_PARTS
from configs.study import BaitSource
from models.bait_tables import graph_from
from models.baits import bait_closeness, whitened_graph
from tasks.baits import add_family_baits, score_baits
from tasks.certainty import closeness_of
from tasks.records import References
from tests.tasks.small_study import BAIT_CONFIG, BAITS, CONFIG, GENES, TARGETS, SmallStudy


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> SmallStudy:
    """Return a study in which each target has one bait."""
    return SmallStudy(tmp_path_factory.mktemp("single"), baits={"acids": ("g02",), "sugars": ("g30",)})


def test_the_stored_graph_is_that_of_the_layer(small_study: SmallStudy) -> None:
    graph = whitened_graph(small_study.genes.values, BAIT_CONFIG)
    stored = graph_from(small_study.table(small_study.graph.edges), small_study.table(small_study.graph.reach))
    np.testing.assert_array_equal(stored.first, graph.first)
    np.testing.assert_array_equal(stored.second, graph.second)
    np.testing.assert_array_equal(stored.reach, graph.reach)


def test_bait_evidence_is_that_of_the_layer_and_ranks_the_pathway_first(small_study: SmallStudy) -> None:
    bait = small_study.bait
    assert bait is not None
    close = bait_closeness(small_study.genes.values, np.arange(3), config=BAIT_CONFIG)
    evidence = small_study.table(bait.evidence)
    assert evidence["target"].unique().tolist() == ["acids"]
    assert evidence["gene_id"].tolist() == list(GENES)
    np.testing.assert_array_equal(evidence["strength"], close.evidence())
    np.testing.assert_array_equal(evidence["value"], evidence["strength"])
    assert set(evidence.nlargest(6, "strength")["gene_id"]) == set(GENES[:6])
    stored = closeness_of(bait, "acids", small_study.store)
    np.testing.assert_array_equal(stored.baits, close.baits)
    np.testing.assert_array_equal(stored.evidence(without=1), close.evidence(without=1))
    assert bait.notes == ("acids: 3 baits; each is scored by the others alone.",)


def test_parts_name_the_nearest_other_bait(small_study: SmallStudy) -> None:
    assert small_study.bait is not None
    parts = small_study.table(small_study.bait.parts).set_index("gene_id")
    assert parts[list(BAIT_PARTS)].notna().all(axis=None)
    assert set(parts["nearest_bait"]) == set(BAITS["acids"])
    assert (parts["nearest_bait"] != parts.index).all()
    assert (parts["nearest_mutual_rank"] >= 1).all()


def test_a_single_bait_has_no_evidence_itself_and_the_ranking_takes_it(single: SmallStudy) -> None:
    assert single.bait is not None
    assert single.bait.notes[0] == "acids: one bait, which therefore has no bait evidence itself."
    evidence = single.table(single.bait.evidence).set_index(["target", "gene_id"])["strength"]
    for target, (own,) in single.baits.items():
        assert evidence[target].isna().to_numpy().nonzero()[0].tolist() == [GENES.index(own)]
    ranking = single.table(single.ranked.ranking).set_index(["target", "gene_id"])
    assert pd.isna(ranking.loc[("acids", "g02"), "bait"])
    assert ranking.loc[("acids", "g02"), "score"] > ranking.loc["acids", "score"].median()
    assert not np.isnan(ranking.loc[("acids", "g02"), "p"])  # by its correlation
    assert single.ranked.leave_one_out is None


def _with_families(study: SmallStudy, baits: dict[str, tuple[str, ...]], top: int) -> References:
    references = References(targets=TARGETS, baits=baits, notes=("kept elsewhere",))
    sources = {"acids": BaitSource(from_families=("P450",), top=top)}
    return add_family_baits.fn(references, sources, study.homology, study.layers.genes, study.runtime)


def test_family_baits_end_to_end(small_study: SmallStudy, tmp_path: Path) -> None:
    found = _with_families(small_study, {"acids": ("gene_id", "target")}, top=2)
    assert found.baits == {"acids": ("gene_id", "target", "g05", "g02")}
    assert found.targets == TARGETS
    assert found.notes == ("baits.acids: the family P450 gives 'g05', 'g02'.",)
    study = SmallStudy(tmp_path, baits=found.baits)
    assert study.table(study.bait.evidence if study.bait else None)["strength"].notna().all()
    tried = study.table(study.ranked.leave_one_out)
    assert tried["n_baits"].unique().tolist() == [4]
    assert list(study.ranked.verdicts) == ["acids"]
    acids = study.table(study.ranked.ranking)
    acids = acids[acids["target"] == "acids"]
    assert set(acids["gene_id"].head(6)) == set(GENES[:6])


def test_families_alone_make_baits(small_study: SmallStudy) -> None:
    assert _with_families(small_study, {}, top=1).baits == {"acids": ("g05",)}


def test_weights_are_said_to_be_calibrated_only_where_they_are(small_study: SmallStudy) -> None:
    ranked = small_study.rank(CONFIG.model_copy(update={"weights": "calibrated"}))
    acids, *_, sugars, why, _ = [note for note in ranked.notes if "permutations" not in note] + [""]
    assert acids.startswith("acids: calibrated weights autoencoder ")
    assert sugars.startswith("sugars: weights autoencoder 0.300, correlation 0.400")
    assert sugars.endswith("; it has no bait evidence, so the others were renormalised.")
    assert why.startswith("sugars: weights cannot be calibrated with fewer than 3 baits")


def test_baits_are_scored_in_the_same_way_again(small_study: SmallStudy) -> None:
    again = score_baits.fn(small_study.layers.genes, small_study.graph, BAITS, BAIT_CONFIG, small_study.runtime)
    assert again == small_study.bait
