"""The page that tells what a study found: one HTML file that needs nothing beside it."""

import base64
import hashlib
import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Literal

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

from configs.ranking import Fusion
from models.card_records import Card, Record
from models.card_views import CardView, card_anchors, card_views
from models.fusion import SCORE_WORDS, additive
from models.plotted import InteractivePlot
from models.report_families import CLOSE, families_table, members_table, rival_sentences
from models.report_tables import (
    Table,
    change_table,
    evidence_table,
    expected_sentence,
    false_table,
    ranking_table,
    table_of,
)

Section = Literal["answer", "trust", "data", "methods"]

_TEMPLATE = "report_template.html.j2"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FIGURE_DPI = 300
_PAGE_DPI = 110  # above the 96 of CSS, so that 6 pt text reads well, and so that two figures share a row


@dataclass(frozen=True, slots=True)
class ReportFigure:
    """One picture of the page.

    Attributes
    ----------
    title, caption : str
        Shown above and below; together they are the text for those who cannot see the picture.
    png : bytes
        PNG at 300 DPI.
    section : {'answer', 'trust', 'data', 'methods'}
        Part of the page that it belongs to; those of a target or a family stand with it whatever is said here.
    """

    title: str
    caption: str
    png: bytes
    section: Section = "data"


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What was found for one target.

    Attributes
    ----------
    name : str
        Target.
    top : sequence of mapping
        Best rows of the contract `ranking`, best first.
    n_genes : int
        Genes in the whole ranking.
    weights : mapping of str to float
        Weight of each evidence, over what is present.
    notes : sequence of str
        What to know about this target.
    figures : sequence of ReportFigure
        Pictures of this target.
    verdicts : sequence of str
        What each evidence is worth for this target, a sentence each.
    evidence_scores : sequence of mapping
        Rows of the contract `leave_one_out` of this target.
    false_in_top : sequence of mapping
        Rows of the contract `false_in_top` of this target.
    cards : sequence of Card
        Why the first genes are where they are.
    plotted : DataFrame or None
        Rows of the contract `ranking` that the interactive plots show.
    """

    name: str
    top: Sequence[Record]
    n_genes: int
    weights: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    verdicts: Sequence[str] = ()
    evidence_scores: Sequence[Record] = ()
    false_in_top: Sequence[Record] = ()
    cards: Sequence[Card] = ()
    plotted: pd.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class FamilyReport:
    """What was found for one gene family.

    Attributes
    ----------
    name : str
        Family.
    hits : sequence of mapping
        Best rows of the contract `homology_hits`, best first.
    n_genes, n_best : int
        Genes with a hit, and those of them that no other family fits better.
    targets : sequence of str
        Targets that the family serves.
    searches : sequence of str
        How its members were searched for, a sentence each.
    commands : sequence of str
        Commands that were run for it.
    figures : sequence of ReportFigure
        Pictures of this family; none where no hit has a position.
    """

    name: str
    hits: Sequence[Record]
    n_genes: int
    n_best: int
    targets: Sequence[str] = ()
    searches: Sequence[str] = ()
    commands: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """What changed since the last version of the study.

    Attributes
    ----------
    samples : str
        Which samples came.
    sentences : mapping of str to str
        A sentence a target.
    rows : mapping of str to sequence of mapping
        By target, rows of the contract `changes`.
    """

    samples: str
    sentences: Mapping[str, str]
    rows: Mapping[str, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Provenance:
    """A table that went into the study or came out of it; `rows` is None for what has no rows."""

    name: str
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LatentMaps:
    """Maps of the latents.

    Attributes
    ----------
    embedding, samples : DataFrame
        Contracts `embedding` and `samples`.
    label : str
        Column of the samples to colour by.
    """

    embedding: pd.DataFrame
    samples: pd.DataFrame
    label: str


@dataclass(frozen=True, slots=True)
class ReportContent:
    """All that the page says.

    Attributes
    ----------
    study : str
        Name of the study.
    targets : sequence of TargetReport
        The answer.
    fusion : str
        How evidence became a score, as `ranking.fusion` has it.
    created : str or None
        When, as it shall be shown; left out when None, so that equal content gives an equal page.
    verdicts : sequence of str
        Sentences on how far the results carry.
    validation, qc : sequence of mapping
        Rows of the contracts `validation` and `qc`.
    figures : sequence of ReportFigure
        Pictures that belong to no single target or family.
    families : sequence of FamilyReport
        The gene families, in the order of the study; the page has no part about them when there are none.
    settings : mapping
        The study file, nested.
    provenance : sequence of Provenance
        Tables with their hashes.
    warnings, notes : sequence of str
        What the reader must know first, and what was done.
    changes : ChangeReport or None
        What changed since the last version; the page has no part about it when there is none.
    maps : LatentMaps or None
        Maps of the latents; the page has none to zoom when there is none.
    """

    study: str
    targets: Sequence[TargetReport]
    fusion: Fusion = "log_tail"
    created: str | None = None
    verdicts: Sequence[str] = ()
    validation: Sequence[Record] = ()
    qc: Sequence[Record] = ()
    figures: Sequence[ReportFigure] = ()
    families: Sequence[FamilyReport] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    provenance: Sequence[Provenance] = ()
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    changes: ChangeReport | None = None
    maps: LatentMaps | None = None


@dataclass(frozen=True, slots=True)
class TargetView:
    """A target as shown: what was found, and its tables; None where there is nothing to show.

    Attributes
    ----------
    found : TargetReport
    ranking, false, worth : Table or None
        The best genes, how many of them are expected to be false, and what each evidence is worth.
    cards : tuple of CardView
        Why the first genes are where they are.
    plots : tuple of InteractivePlot
        Its evidence, to zoom.
    """

    found: TargetReport
    ranking: Table | None
    expected: str
    false: Table | None
    worth: Table | None
    cards: tuple[CardView, ...]
    plots: tuple[InteractivePlot, ...]


@dataclass(frozen=True, slots=True)
class FamilyView:
    """A family as shown: the id of its section, what was found, its best genes, and those that fit another family too.

    `members` is None where no gene has a hit.
    """

    anchor: str
    found: FamilyReport
    members: Table | None
    rivals: tuple[str, ...]


def render_report(content: ReportContent) -> str:
    """Write the page of a study.

    Parameters
    ----------
    content : ReportContent
        All that the page says.

    Returns
    -------
    str
        HTML with its style, script and pictures inside. Everything from `content` is escaped, and the page's own policy
        lets no other script run and nothing be fetched.

    Raises
    ------
    ValueError
        If a picture is no PNG.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"data_uri": _data_uri, "script_hash": _script_hash, "size": _size}
    anchors = {family.name: f"family-{place}" for place, family in enumerate(content.families, 1)}
    source = files("models").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    from models.interactive import library_script, map_plots  # noqa: PLC0415 - Bokeh takes its time to load

    genes = {target.name: card_anchors(place, target.cards) for place, target in enumerate(content.targets, 1)}
    carded = {gene: anchor for own in reversed(genes.values()) for gene, anchor in own.items()}
    targets = [
        _target_view(place, target, anchors, genes[target.name]) for place, target in enumerate(content.targets, 1)
    ]
    maps = map_plots("map", content.maps.embedding, content.maps.samples, content.maps.label) if content.maps else []
    page = environment.from_string(source).render(
        content=content,
        library=library_script() if maps or any(view.plots for view in targets) else Markup(),
        maps=maps,
        score_words=SCORE_WORDS[content.fusion],
        weighed=additive(content.fusion),
        targets=targets,
        families=[_family_view(family, anchors, carded) for family in content.families],
        overview=families_table(
            "families-table", [_family_row(family) for family in content.families], anchors, genes=carded
        ),
        close=CLOSE,
        changes=_change_views(content.changes, genes),
        validation=table_of("validation", "Held-out predictions by label and method", content.validation),
        qc=table_of("qc", "Samples of each layer as they came in", content.qc),
        settings=_flat(content.settings),
    )
    return page.encode("utf-8", "replace").decode("utf-8")


def _target_view(place: int, target: TargetReport, anchors: Mapping[str, str], genes: Mapping[str, str]) -> TargetView:
    caption = f"{target.name}: the {len(target.top):,} best of {target.n_genes:,} genes"
    return TargetView(
        target,
        ranking=ranking_table(f"ranking-{place}", caption, target.top, families=anchors, genes=genes),
        expected=expected_sentence(target.false_in_top),
        false=false_table(f"false-{place}", f"{target.name}: expected false among the best", target.false_in_top),
        worth=evidence_table(
            f"worth-{place}", f"{target.name}: how well known genes are found", target.evidence_scores
        ),
        cards=card_views(target.cards, genes, target.n_genes),
        plots=_target_plots(place, target, genes),
    )


def _target_plots(place: int, target: TargetReport, genes: Mapping[str, str]) -> tuple[InteractivePlot, ...]:
    if target.plotted is None:
        return ()
    from models.interactive import evidence_plots  # noqa: PLC0415 - Bokeh takes its time to load

    return tuple(evidence_plots(f"plot-{place}", target.plotted, target.n_genes, genes, target.weights))


def _change_views(
    changes: ChangeReport | None, genes: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, Table | None]]:
    """Return the sentence and the table of each target."""
    if changes is None:
        return []
    return [
        (
            sentence,
            change_table(
                f"changes-{place}", f"{target}: what moved", changes.rows.get(target, ()), genes=genes.get(target)
            ),
        )
        for place, (target, sentence) in enumerate(changes.sentences.items(), 1)
    ]


def _family_view(family: FamilyReport, anchors: Mapping[str, str], genes: Mapping[str, str]) -> FamilyView:
    anchor = anchors[family.name]
    shown = len(family.hits)
    best = "all" if shown == family.n_genes else f"the {shown:,} best of {family.n_genes:,}"
    caption = f"{family.name}: {best} genes with a hit"
    members = members_table(f"{anchor}-members", caption, family.hits, anchors, genes=genes)
    return FamilyView(anchor, family, members, rival_sentences(family.hits))


def _family_row(family: FamilyReport) -> Record:
    best = family.hits[0] if family.hits else {}
    return {
        "family": family.name,
        "n_genes": family.n_genes,
        "n_best": family.n_best,
        "best_gene": best.get("gene_id"),
        "best_grade": best.get("grade"),
        "targets": ", ".join(family.targets) or None,
    }


def _flat(settings: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    return list(_walk(settings, prefix))


def _walk(settings: Mapping[str, object], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _walk(value, f"{name}.")
        elif isinstance(value, list | tuple):
            yield name, ", ".join(map(str, value)) or "none"
        else:
            yield name, "not given" if value is None or value == {} else str(value)


def _data_uri(png: bytes) -> str:
    """Return a picture at twice the size it is shown at and in 256 colours: a third of the bytes, and as sharp."""
    with Image.open(io.BytesIO(png)) as picture:
        width, height = (round(side * 2 * _PAGE_DPI / _FIGURE_DPI) for side in picture.size)
        smaller = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    smaller.quantize(colors=256, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(written.getvalue()).decode('ascii')}"


def _size(png: bytes) -> tuple[int, int]:
    """Return width and height in CSS pixels at which the text of a figure reads well."""
    if not png.startswith(_PNG_SIGNATURE):
        message = f"a picture of the report must be a PNG, found bytes that begin with {png[:8]!r}"
        raise ValueError(message)
    width, height = struct.unpack(">II", png[16:24])
    return round(width * _PAGE_DPI / _FIGURE_DPI), round(height * _PAGE_DPI / _FIGURE_DPI)


def _script_hash(script: Markup) -> str:
    """Return the hash by which the page's policy knows a script of its own."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(str(script).encode()).digest()).decode('ascii')}'"
