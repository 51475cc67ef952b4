"""The page and the workbook that people read."""

from collections.abc import Mapping, Sequence

import pandas as pd

from configs.artifact import Runtime
from configs.errors import CairnError
from configs.ranking_tables import EVIDENCES
from configs.study import ExecutionConfig, StoreConfig, StudyConfig
from models.card_records import Card, CardTables, target_cards
from models.plotted import plotted_genes
from models.report import (
    ChangeReport,
    LatentMaps,
    Provenance,
    ReportContent,
    ReportFigure,
    Section,
    TargetReport,
    render_report,
)
from tasks.design import DesignFacts, design_facts
from tasks.records import FigureFiles, Ranked, Reported, RunContent
from tasks.report_families import family_figure, family_reports
from tasks.stage import stage
from tasks.store import Store

_TOP = 100
_LISTED_BAITS = 10
_SECTIONS: dict[str, Section] = {
    "ranking": "answer",
    "correlation": "answer",
    "family": "answer",
    "training": "trust",
    "validation": "trust",
    "latents": "trust",
    "sample": "trust",
    "explain": "trust",
    "quality": "data",
}
"""Part of the page by the first word of a figure's name."""


@stage("report", further_libraries=("bokeh", "jinja2", "openpyxl", "pillow"))
def write_report(content: RunContent, study: StudyConfig, runtime: Runtime) -> Reported:
    """Write `report.html` and `ranking.xlsx` from a run's tables and figures."""
    store = Store(runtime.store)
    html = render_report(_page(content, study, store))
    return Reported(
        html=store.put(html.encode("utf-8"), kind="page", extension="html"),
        workbook=store.put(_workbook(content, study, store), kind="workbook", extension="xlsx"),
    )


def without_execution(study: StudyConfig) -> StudyConfig:
    """Return the study without how and where it is computed, which no report depends on."""
    return study.model_copy(update={"execution": ExecutionConfig(), "store": StoreConfig()})


def _page(content: RunContent, study: StudyConfig, store: Store) -> ReportContent:
    ranked = _ranked(content)
    validated = content.validated
    design = design_facts(content.prepared, study, store)
    figures = {figure.name: _figure(figure, store) for figure in content.figures}
    shown = {name for target in ranked.weights for name in _target_figures(target)}
    families = family_reports(content.homology, study, figures, store) if content.homology else []
    shown |= {family_figure(family.name) for family in families}
    return ReportContent(
        study=study.study,
        targets=_targets(content, ranked, figures, store),
        fusion=study.ranking.fusion,
        verdicts=(*_design_sentences(design), *(validated.sentences if validated else ())),
        validation=_records(store.get_table(validated.validation)) if validated else (),
        qc=_records(store.get_table(content.prepared.quality)),
        figures=[figure for name, figure in figures.items() if name not in shown],
        families=families,
        settings=study.model_dump(mode="json", exclude={"execution", "store"}),
        provenance=_provenance(content, ranked),
        warnings=_warnings(content, ranked, design, store),
        notes=_said_once(content),
        changes=_changes(content, store),
        maps=_maps(content, store),
    )


def _maps(content: RunContent, store: Store) -> LatentMaps | None:
    if content.embedding is None:
        return None
    label = content.prepared.labels[0] if content.prepared.labels else "group"
    return LatentMaps(store.get_table(content.embedding), store.get_table(content.prepared.sheet), label)


def _changes(content: RunContent, store: Store) -> ChangeReport | None:
    changed = content.changes
    if changed is None:
        return None
    rows = {str(target): _records(own) for target, own in store.get_table(changed.table).groupby("target", sort=False)}
    return ChangeReport(changed.samples, changed.sentences, rows)


def _design_sentences(design: DesignFacts) -> tuple[str, ...]:
    """Return what the design can show; what it cannot stands among the warnings."""
    power = (design.power.sentence(),) if design.power.one_gene_can_pass else ()
    return (*design.facts, *power, design.permutations)


def _warnings(content: RunContent, ranked: Ranked, design: DesignFacts, store: Store) -> tuple[str, ...]:
    from models.caveats import caveats

    verdicts = store.get_table(content.validated.verdicts) if content.validated else None
    return caveats(design.design.groups, design.power, verdicts, ranked.weights)


def _said_once(content: RunContent) -> tuple[str, ...]:
    """Return the notes that the page does not say elsewhere, as verdicts or beside a target."""
    said = {
        *(content.validated.sentences if content.validated else ()),
        *(content.controls.sentences.values() if content.controls else ()),
        *(content.changes.sentences.values() if content.changes else ()),
        *(note for target in content.references.target_levels for note in _level_notes(content, target)),
    }
    return tuple(note for note in content.notes if note not in said)


def _targets(
    content: RunContent, ranked: Ranked, figures: Mapping[str, ReportFigure], store: Store
) -> list[TargetReport]:
    ranking = store.get_table(ranked.ranking)
    sure = _Sure(content, ranked, store)
    return [
        TargetReport(
            name=target,
            top=_records(rows.head(_TOP)),
            n_genes=len(rows),
            weights={name: ranked.weights[target][name] for name in EVIDENCES if name in ranked.weights[target]},
            notes=(
                *_level_notes(content, target),
                *_bait_notes(rows, content.references.baits.get(target, ())),
                *sure.notes(target),
            ),
            verdicts=ranked.verdicts.get(target, ()),
            evidence_scores=sure.evidence_scores(target),
            false_in_top=sure.false_in_top(target),
            cards=sure.cards(target, rows),
            plotted=plotted_genes(rows),
            figures=[figures[name] for name in _target_figures(target) if name in figures],
        )
        for target, rows in ((str(name), rows) for name, rows in ranking.groupby("target", sort=False))
    ]


class _Sure:
    """What is known about how sure the ranking is, by target."""

    def __init__(self, content: RunContent, ranked: Ranked, store: Store) -> None:
        self._controls = content.controls
        self._false = store.get_table(ranked.false_in_top)
        self._scores = store.get_table(ranked.leave_one_out) if ranked.leave_one_out else None
        self._tables = _card_tables(content, store)

    def notes(self, target: str) -> tuple[str, ...]:
        """Say how the best scores compare with those of the negative controls."""
        sentence = self._controls.sentences.get(target) if self._controls else None
        return (sentence,) if sentence else ()

    def evidence_scores(self, target: str) -> list[dict[str, object]]:
        """Return what each method is worth by left-out baits."""
        if self._scores is None:
            return []
        own = self._scores[self._scores["target"] == target]
        return _records(own.drop(columns=["target", "verdict"]))

    def false_in_top(self, target: str) -> list[dict[str, object]]:
        """Return how many of the best genes are expected to be false."""
        return _records(self._false[self._false["target"] == target].drop(columns="target"))

    def cards(self, target: str, rows: pd.DataFrame) -> Sequence[Card]:
        """Return the cards of the first genes."""
        return target_cards(rows, self._tables[target], count=_TOP) if target in self._tables else ()


def _card_tables(content: RunContent, store: Store) -> dict[str, CardTables]:
    """Return what the cards of each target are put together from; nothing where there are no cards."""
    written, homology = content.cards, content.homology
    if written is None or content.ranked is None:
        return {}
    evidence, partners, expression = (
        store.get_table(table) for table in (written.evidence, written.partners, written.expression)
    )
    samples, chance = (store.get_table(table) if table else None for table in (written.samples, written.chance))
    domains = {family: store.get_table(table) for family, table in homology.domains.items()} if homology else {}
    serving = homology.serving if homology else {}
    return {
        target: CardTables(
            evidence, partners, expression, samples, [domains[family] for family in serving.get(target, ())], chance
        )
        for target in content.ranked.weights
    }


def _level_notes(content: RunContent, target: str) -> tuple[str, ...]:
    """Say how well the metabolites of a target are annotated, and warn where that is not well."""
    from models.compounds import level_notes, level_words

    levels = content.references.target_levels.get(target)
    if not levels:
        return ()
    return level_words(levels), *level_notes({target: content.references.targets[target]}, levels)


def _bait_notes(rows: pd.DataFrame, baits: tuple[str, ...]) -> tuple[str, ...]:
    """Say where the genes stand that are known already."""
    known = rows[rows["gene_id"].isin(baits)].head(_LISTED_BAITS)
    places = [f"{gene} ({rank:,})" for gene, rank in zip(known["gene_id"], known["rank"], strict=True)]
    further = f" and {len(baits) - len(places)} more below" if len(baits) > len(places) else ""
    return (f"The known genes (baits) are ranked with the rest: {', '.join(places)}{further}.",) if places else ()


def _target_figures(target: str) -> tuple[str, ...]:
    kinds = ("top", "intervals", "false", "controls", "scores")
    return tuple(f"ranking_{kind}_{target}" for kind in kinds)


def _figure(figure: FigureFiles, store: Store) -> ReportFigure:
    section = _SECTIONS[figure.name.split("_")[0]]
    return ReportFigure(figure.title, figure.caption, store.get(figure.png), section)


def _provenance(content: RunContent, ranked: Ranked) -> list[Provenance]:
    layers = {f"{name}, as read": artifact for name, artifact in content.prepared.raw.items()}
    prepared = {f"{name}, prepared": artifact for name, artifact in content.prepared.prepared.items()}
    tables = {**layers, **prepared, "sample sheet": content.prepared.sheet, "fold plan": content.plan.table}
    tables["ranking"] = ranked.ranking
    return [Provenance(name, artifact.sha256, artifact.rows) for name, artifact in tables.items()]


def _workbook(content: RunContent, study: StudyConfig, store: Store) -> bytes:
    from models.workbook import build_workbook

    ranked, correlations, homology = _ranked(content), content.correlations, content.homology
    return build_workbook(
        rankings=store.get_table(ranked.ranking),
        families={name: store.get_table(table) for name, table in homology.hits.items()} if homology else {},
        pairs=store.get_table(correlations.pairs) if correlations else pd.DataFrame(),
        samples=store.get_table(content.prepared.sheet),
        qc=store.get_table(content.prepared.quality),
        settings=_flat(study.model_dump(mode="json", exclude={"execution", "store"})),
        false_in_top=store.get_table(ranked.false_in_top),
        leave_one_out=store.get_table(ranked.leave_one_out) if ranked.leave_one_out else None,
        cards=store.get_table(content.cards.evidence) if content.cards else None,
        partners=store.get_table(content.cards.partners) if content.cards else None,
        target_pairs=store.get_table(content.target_correlation) if content.target_correlation else None,
        gene_families=store.get_table(homology.gene_families) if homology else None,
        notes=content.notes,
    )


def _ranked(content: RunContent) -> Ranked:
    if content.ranked is None:
        message = "a report needs a ranking"
        raise CairnError(message)
    return content.ranked


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Return settings by dotted key, as text."""
    flat: dict[str, str] = {}
    for name, value in settings.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{key}.")
        else:
            flat[key] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat
