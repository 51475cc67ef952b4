"""The planted study: same seed same bytes, the sizes asked for, and a truth that can be found but not for free."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import stats

from configs.simulation import SimulationConfig
from configs.study import StudyConfig
from models.homology_tables import read_hits
from models.simulation import Simulation, homology_file, simulate, study_document

SMALL = SimulationConfig(genes=60, metabolites=12)
MIDDLE = SimulationConfig(genes=3_000, metabolites=200)


def as_text(simulation: Simulation) -> str:
    frames = (simulation.expression, simulation.metabolites, simulation.samples, simulation.truth)
    tables = [frame.to_csv(index=False) for frame in frames]
    return "\n".join([*tables, *simulation.homology.values(), str(study_document(simulation, SMALL))])


def mean_correlation(simulation: Simulation, target: str) -> pd.Series:
    """Mean Spearman of each gene that varies with the target's metabolites, from scipy's ranks."""
    genes = simulation.expression.set_index("gene_id")
    genes = genes[genes.max(axis=1) > genes.min(axis=1)]
    chosen = simulation.metabolites.set_index("metabolite_id").loc[simulation.targets[target]]
    filled = chosen.apply(lambda row: row.fillna(row.min() / 2), axis=1)
    ranks = stats.zscore(stats.rankdata(genes, axis=1), axis=1)
    rho = ranks @ stats.zscore(stats.rankdata(filled, axis=1), axis=1).T / ranks.shape[1]
    return pd.Series(rho.mean(axis=1), index=genes.index)


def test_one_seed_gives_the_same_bytes_and_another_seed_others():
    first, second, other = simulate(SMALL, seed=7), simulate(SMALL, seed=7), simulate(SMALL, seed=8)
    assert as_text(first) == as_text(second)
    assert as_text(first) != as_text(other)


def test_seed_of_the_config_is_used_unless_one_is_given():
    seeded = SMALL.model_copy(update={"seed": 7})
    assert as_text(simulate(seeded)) == as_text(simulate(SMALL, seed=7))
    assert study_document(simulate(SMALL, seed=7), SMALL)["seed"] == 7


def test_default_sample_sheet_has_seven_groups_of_three_in_every_tissue_and_geography():
    samples = simulate(SMALL).samples
    assert samples.columns.tolist() == ["sample_id", "group", "tissue", "geography", "batch"]
    assert samples["sample_id"].is_unique
    assert samples["group"].value_counts().tolist() == [3] * 7
    groups = samples.drop_duplicates("group")
    # groups 1 to 7 take tissues 1 2 3 1 2 3 1 and geographies 1 1 1 2 2 2 1
    assert groups["tissue"].value_counts().to_dict() == {"fruit": 3, "leaf": 2, "root": 2}
    assert groups["geography"].value_counts().to_dict() == {"coast": 4, "highland": 3}
    assert (samples.groupby("group")["batch"].nunique() == 2).all()


def test_tables_have_the_sizes_units_and_decimals_asked_for():
    config = SimulationConfig(genes=60, metabolites=12, groups=5, replicates=2, missing_share=0.0)
    simulation = simulate(config)
    samples = simulation.samples["sample_id"].tolist()
    assert simulation.expression.columns.tolist() == ["gene_id", *samples]
    assert simulation.metabolites.columns.tolist() == ["metabolite_id", *samples]
    assert simulation.expression.shape == (60, 11)
    assert simulation.metabolites.shape == (12, 11)
    fpkm = simulation.expression[samples].to_numpy()
    assert (fpkm >= 0).all()
    assert np.array_equal(fpkm, fpkm.round(3))
    assert (simulation.metabolites[samples].to_numpy() > 0).all()


def test_the_stated_share_of_intensities_is_missing_and_low_ones_more_often():
    simulation = simulate(MIDDLE.model_copy(update={"metabolites": 2_000, "missing_share": 0.1}))
    complete = simulate(MIDDLE.model_copy(update={"metabolites": 2_000, "missing_share": 0.0}))
    missing = simulation.metabolites.iloc[:, 1:].isna().to_numpy()
    # 42,000 draws: the standard error of the share is below 0.0015
    assert missing.mean() == pytest.approx(0.1, abs=0.006)
    rank = complete.metabolites.iloc[:, 1:].rank(axis=1, pct=True).to_numpy()
    assert rank[missing].mean() < 0.4 < rank[~missing].mean()


def test_truth_names_genes_of_the_table_each_once_with_its_role():
    simulation = simulate(MIDDLE)
    truth = simulation.truth
    assert truth["gene_id"].is_unique
    assert truth["gene_id"].isin(simulation.expression["gene_id"]).all()
    assert truth.groupby("target").size().to_dict() == {"capsaicinoids": 15, "flavonoids": 15}
    for target, baits in simulation.baits.items():
        named = truth[(truth["target"] == target) & (truth["role"] == "bait")]["gene_id"].tolist()
        assert named == baits
        assert len(baits) == 3
    metabolites = [name for names in simulation.targets.values() for name in names]
    assert len(set(metabolites)) == 8
    assert set(metabolites) <= set(simulation.metabolites["metabolite_id"])


def test_planted_genes_follow_their_metabolites_and_lag_hides_some():
    in_step, lagged = [], []
    for seed in (1, 2, 3):
        simulation = simulate(MIDDLE.model_copy(update={"lag_share": 0.0}), seed=seed)
        late = simulate(MIDDLE.model_copy(update={"lag_share": 1.0}), seed=seed)
        for target in simulation.targets:
            for study, found in ((simulation, in_step), (late, lagged)):
                planted = study.truth.loc[study.truth["target"] == target, "gene_id"]
                found.append(mean_correlation(study, target)[planted].median())
    assert 0.45 < np.mean(in_step) < 0.85
    assert abs(np.mean(lagged)) < 0.3


def test_correlation_alone_finds_some_planted_genes_but_not_all():
    found = []
    for seed in (1, 2, 3):
        simulation = simulate(MIDDLE, seed=seed)
        for target in simulation.targets:
            planted = simulation.truth.loc[simulation.truth["target"] == target, "gene_id"]
            rank = mean_correlation(simulation, target).rank(ascending=False)
            # 15 of 3,000: the top half percent
            found.append((rank[planted] <= 15).mean())
    # chance puts 15/3,000 = 0.005 there
    assert 0.2 < np.mean(found) < 0.8


def test_replicates_of_a_group_agree_as_far_as_the_icc_says():
    def within_share(icc: float) -> float:
        config = SimulationConfig(
            genes=2_000, metabolites=12, module_share=0.0, batch_sd=0.0, replicate_icc=icc, tail_degrees=1_000.0
        )
        simulation = simulate(config)
        logs = np.log2(simulation.expression.iloc[:, 1:].to_numpy() + 1e-3).reshape(2_000, 7, 3)
        logs = logs[simulation.expression.iloc[:, 1:].min(axis=1).to_numpy() > 1]
        return float(logs.var(axis=2, ddof=1).mean() / logs.reshape(len(logs), -1).var(axis=1, ddof=1).mean())

    assert within_share(0.0) == pytest.approx(1.0, abs=0.03)
    # total variance of 21 samples in 7 groups: (1 - icc) + icc * 18/20 / (6/7 * 7/6) -> within/total near 0.2/0.92
    assert within_share(0.8) == pytest.approx(0.2 / 0.92, abs=0.03)


def test_study_document_is_a_valid_study():
    simulation = simulate(SMALL)
    study = StudyConfig.model_validate(study_document(simulation, SMALL))
    assert study.layers["transcriptome"].path == "expression.tsv"
    assert study.unit("transcriptome") == "fpkm"
    assert study.layers["metabolome"].path == "metabolites.tsv"
    assert {name: list(ids) for name, ids in study.targets.items()} == simulation.targets
    assert {name: list(ids) for name, ids in study.baits.items()} == simulation.baits
    assert study.families["flavonoids_enzymes"].tables == (homology_file("flavonoids_enzymes"),)
    assert study.families["flavonoids_enzymes"].targets == ("flavonoids",)
    assert study.samples.labels == ("tissue", "geography")


def test_study_without_baits_is_valid_too():
    config = SMALL.model_copy(update={"baits": 0, "geographies": ("coast",)})
    study = StudyConfig.model_validate(study_document(simulate(config), config))
    assert study.baits == {}
    assert study.samples.labels == ("tissue",)


def test_search_tables_hold_pathway_genes_and_paralogs():
    simulation = simulate(MIDDLE)
    for family, text in simulation.homology.items():
        hits = read_hits(text.encode(), homology_file(family)).frame
        assert len(hits) == 3 * (5 + 15)
        planted = simulation.truth[simulation.truth["target"] == simulation.family_targets[family]]["gene_id"]
        inside = hits["query"].isin(planted)
        assert hits.loc[inside, "query"].nunique() == 5
        assert hits.loc[~inside, "query"].nunique() == 15
        assert hits.loc[~inside, "query"].isin(simulation.expression["gene_id"]).all()
        # informative, not decisive: the means differ, the ranges overlap
        assert hits.loc[inside, "bit_score"].mean() > hits.loc[~inside, "bit_score"].mean()
        assert hits.loc[inside, "bit_score"].min() < hits.loc[~inside, "bit_score"].max()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"genes": 29}, "30 pathway genes do not fit into 29 genes"),
        ({"metabolites": 7}, "8 target metabolites do not fit into 7 metabolites"),
        ({"baits": 15}, "15 baits of a pathway do not fit into 14 pathway_genes"),
        ({"family_genes": 16}, "16 family_genes do not fit into 15 pathway_genes"),
        ({"active_groups": 7}, "7 active_groups do not fit into 6 groups less one"),
        ({"groups": 2, "active_groups": 1}, "3 tissues do not fit into 2 groups"),
        ({"pathways": ("one", "one")}, "pathways names one twice"),
        ({"genez": 30}, "genez"),
        ({"tail_degrees": 2.0}, "greater than 2"),
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        SimulationConfig(**sizes)
