import pytest

from configs.homology import HomologyConfig
from configs.study import StudyConfig
from models.report import FamilyReport, ReportFigure
from tasks.records import SearchFacts
from tasks.report_families import family_reports
from tasks.store import Store
from tests.tasks.small_homology import GENES, small_homology

STUDY = StudyConfig.model_validate(
    {
        "study": "s",
        "layers": {"transcriptome": {"path": "g.tsv"}, "metabolome": {"path": "m.tsv"}},
        "targets": {"acids": ["m1"], "sugars": ["m2"]},
        "families": {
            "CHS": {"profiles": "chs.hmm", "references": "chs.faa", "targets": ["acids"], "max_evalue": 1e-10},
            "plain": {"tables": ["tables/a.tblout", {"path": "b.tsv", "columns": ["q", "s", "e", "b"]}]},
            "none": {"references": "none.faa"},
        },
        "homology": {"proteins": "p.faa"},
    }
)
SEARCHES = (
    SearchFacts(
        family="CHS",
        program="hmmsearch",
        version="3.4 (pyhmmer 0.12.3)",
        commands=(),
        n_queries=2,
        n_sequences=40_123,
        n_hits=1,
        note="One <b> note.",
    ),
    SearchFacts(
        family="CHS",
        program="blastp",
        version="2.12.0+",
        commands=("makeblastdb -in p.faa", "blastp -query chs.faa"),
        n_queries=1,
        n_sequences=40_123,
        n_hits=1_000,
        note="",
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(str(tmp_path_factory.mktemp("families")))


def _reports(store: Store, study: StudyConfig = STUDY) -> dict[str, FamilyReport]:
    figures = {"family_CHS": ReportFigure("Domains, CHS", "To scale.", b"png")}
    reports = family_reports(small_homology(store, SEARCHES), study, figures, store)
    return {report.name: report for report in reports}


def test_each_family_is_told_with_its_best_genes_and_its_picture(store: Store) -> None:
    reports = _reports(store)
    assert list(reports) == ["CHS", "plain", "none"]
    chs = reports["CHS"]
    assert [row["gene_id"] for row in chs.hits] == list(GENES[:25])
    assert (chs.n_genes, chs.n_best) == (30, 30)
    assert (reports["plain"].n_genes, reports["plain"].n_best) == (2, 0)
    assert [figure.title for figure in chs.figures] == ["Domains, CHS"]
    assert (list(chs.targets), list(reports["plain"].targets)) == (["acids"], ["acids", "sugars"])
    assert (reports["plain"].figures, reports["none"].hits) == ([], [])


def test_searches_say_with_what_how_much_and_which_threshold(store: Store) -> None:
    reports = _reports(store)
    threshold = "Threshold: a profile's own (gathering) threshold, or E-value at most 1e-10 where it has none."
    assert reports["CHS"].searches == [
        f"hmmsearch 3.4 (pyhmmer 0.12.3): 2 profiles against 40,123 sequences, 1 hit. {threshold} One <b> note.",
        "blastp 2.12.0+: 1 reference protein against 40,123 sequences, 1,000 hits. Threshold: E-value at most 1e-10.",
    ]
    assert reports["CHS"].commands == ["makeblastdb -in p.faa", "blastp -query chs.faa"]
    assert reports["plain"].searches == ["Search made elsewhere: a.tblout, b.tsv. Threshold: E-value at most 1e-05."]


def test_profiles_are_held_to_the_e_value_where_the_study_asks_for_it(store: Store) -> None:
    config = HomologyConfig(proteins="p.faa", thresholds="evalue")
    searches = _reports(store, STUDY.model_copy(update={"homology": config}))["CHS"].searches
    assert "1 hit. Threshold: E-value at most 1e-10. One <b> note." in searches[0]
