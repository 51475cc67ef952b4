"""What the page says of gene families, from a run's tables and figures."""

from collections.abc import Mapping
from pathlib import PurePath

from configs.errors import counted
from configs.homology import FamilyConfig
from configs.study import StudyConfig
from models.report import FamilyReport, ReportFigure
from tasks.records import Homology, SearchFacts
from tasks.store import Store

_TOP = 25
_PROFILE_SEARCH = "hmmsearch"


def family_figure(family: str) -> str:
    """Return the name of the figure of a family."""
    return f"family_{family}"


def family_reports(
    homology: Homology, study: StudyConfig, figures: Mapping[str, ReportFigure], store: Store
) -> list[FamilyReport]:
    """Return what was found for each family, in the order of the study.

    Parameters
    ----------
    homology : Homology
        Graded families.
    study : StudyConfig
        Names the search tables and the thresholds.
    figures : mapping of str to ReportFigure
        Figures of the run by name.
    store : Store
        Has the tables.
    """
    best = store.get_table(homology.gene_families)["family"].value_counts()
    reports = []
    for name, artifact in homology.hits.items():
        hits = store.get_table(artifact)
        searches = [facts for facts in homology.searches if facts.family == name]
        drawn = figures.get(family_figure(name))
        reports.append(
            FamilyReport(
                name=name,
                hits=[{str(key): value for key, value in row.items()} for row in hits.head(_TOP).to_dict("records")],
                n_genes=len(hits),
                n_best=int(best.get(name, 0)),
                targets=[target for target, families in homology.serving.items() if name in families],
                searches=_search_sentences(searches, study.families[name], study),
                commands=[command for facts in searches for command in facts.commands],
                figures=[drawn] if drawn else [],
            )
        )
    return reports


def _search_sentences(searches: list[SearchFacts], config: FamilyConfig, study: StudyConfig) -> list[str]:
    """Say with what the family was searched, how much, and what passed as a hit."""
    said = [_searched(facts, config, study) for facts in searches]
    if tables := config.table_paths():
        names = ", ".join(PurePath(table).name for table in tables)
        said.append(f"Search made elsewhere: {names}. Threshold: E-value at most {config.max_evalue:g}.")
    return said


def _searched(facts: SearchFacts, config: FamilyConfig, study: StudyConfig) -> str:
    profiles = facts.program == _PROFILE_SEARCH
    queries = "profile" if profiles else "reference protein"
    kept = f"E-value at most {config.max_evalue:g}"
    if profiles and study.homology.thresholds == "gathering":
        kept = f"a profile's own (gathering) threshold, or {kept} where it has none"
    counts = f"{counted(facts.n_queries, queries)} against {counted(facts.n_sequences, 'sequence')}"
    note = f" {facts.note}" if facts.note else ""
    return f"{facts.program} {facts.version}: {counts}, {counted(facts.n_hits, 'hit')}. Threshold: {kept}.{note}"
