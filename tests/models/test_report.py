"""The report page, parsed again."""

import base64
import dataclasses
import functools
import hashlib
import io
import re
from html.parser import HTMLParser
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from configs.ranking import Fusion
from configs.ranking_tables import EVIDENCES
from models.card_records import Card
from models.figures import encode_figure, library_sizes
from models.fusion import SCORE_WORDS
from models.report import FamilyReport, Provenance, ReportContent, ReportFigure, TargetReport, render_report
from models.report_families import rival_sentences
from models.report_tables import expected_sentence, false_table, ranking_table

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects tags, attributes, and the text of cells, headings and everything."""

    VOID = frozenset({"meta", "img", "input", "br", "link"})

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.by_tag: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)
            self.by_tag.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self._open:
            self.by_tag[self._open[-1]][-1] += data

    def attributes(self, name: str) -> list[str]:
        return [value or "" for _, attrs in self.tags for key, value in attrs.items() if key == name]

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@functools.cache
def _png() -> bytes:
    qc = pd.DataFrame({"layer": "t", "sample_id": ["a", "b"], "library_size": [1.0, 2.0]})
    return encode_figure(library_sizes(qc, "t"), format="png", dpi=60)


def _top(genes: list[str]) -> list[dict[str, object]]:
    present = ("correlation", "graph")
    return [
        {
            "target": "glucosinolates",
            "rank": place,
            "gene_id": gene,
            "score": 4.0 / place,
            "p": 0.0004 * place,
            "q": float("nan"),
            "stability": 0.5,
            **{name: 0.9 if name in present else np.nan for name in EVIDENCES},
            **{f"{name}_rank01": 0.987 if name in present else np.nan for name in EVIDENCES},
            "direction": pd.NA if place == 3 else -1,
            "best_metabolite": "Glucoraphanin & co",
            "family": None,
            "description": None,
        }
        for place, gene in enumerate(genes, 1)
    ]


def _content() -> ReportContent:
    genes = ["AT1G01010", EVIL, '" onmouseover="x', "SEPT2", "=1+1"]
    target = TargetReport(
        "glucosinolates",
        top=_top(genes),
        n_genes=132_129,
        weights={"correlation": 2 / 3, "graph": 1 / 3},
        notes=["One bait of two is known."],
        figures=[ReportFigure("Best genes", "Stacked evidence.", _png(), "answer")],
    )
    return ReportContent(
        study="cress",
        created="2 May 2031",
        targets=[target, TargetReport("empty", top=[], n_genes=0)],
        verdicts=["tissue: no better than chance."],
        validation=[
            {
                "label": "tissue",
                "method": "graph attention",
                "n_samples": np.int64(21_000),
                "balanced_accuracy": np.float32(0.71234),
            }
        ],
        qc=[{"layer": "t", "sample_id": "<i>s1", "library_size": 1_234_567.8, "median": float("nan")}],
        figures=[ReportFigure(f"In {part}", "Seen.", _png(), part) for part in ("answer", "trust", "data", "methods")],
        settings={
            "seed": 1,
            "layers": {"t": {"path": EVIL, "sheet": None}},
            "baits": {},
            "labels": ("a", "b"),
            "x": (),
        },
        provenance=[Provenance("transcriptome", "ab" * 32, 132_129), Provenance("model", "cd" * 32)],
        warnings=["Folds could not keep groups together."],
        notes=["Counts became TMM."],
    )


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render_report(_content()))


def test_nothing_is_fetched(page: Page):
    sources = page.attributes("src")
    assert len(sources) == 5
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert all(link.startswith("#") for link in page.attributes("href"))
    assert not {"link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    style = "".join(page.by_tag["style"])
    assert "url(" not in style
    assert "@import" not in style


def test_only_the_pages_own_script_may_run(page: Page):
    (script,) = page.by_tag["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [attrs["content"] for attrs in page.of("meta") if attrs.get("http-equiv")]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_ids_are_inert(page: Page):
    assert not any(key.startswith("on") for _, attrs in page.tags for key in attrs)
    assert {EVIL, '" onmouseover="x', "=1+1"} <= {text.strip() for text in page.by_tag["th"]}
    assert "<i>s1" in page.by_tag["td"]
    assert EVIL in page.by_tag["td"]
    assert "i" not in page.by_tag


def test_all_top_genes_stand_in_order_with_their_numbers(page: Page):
    names = [text for text in page.by_tag["th"] if text in {row["gene_id"] for row in _content().targets[0].top}]
    assert names == [row["gene_id"] for row in _content().targets[0].top]
    assert {"4.000", "4.0e-04", "0.002", "98.7", "falls"} <= set(page.by_tag["td"])
    bars = [attrs for attrs in page.of("td") if "bar" in (attrs.get("class") or "")]
    assert len(bars) == 10
    assert {attrs["style"] for attrs in bars} == {"--fill:98.7%"}


def test_columns_without_a_value_are_left_out(page: Page):
    headers = [text.strip() for text in page.by_tag["th"]]
    assert {"Rank", "Gene", "Score", "Correlation percentile", "Direction", "Best metabolite"} <= set(headers)
    assert not {"q", "Homology percentile", "Bait percentile", "Shape", "Family", "Description", "Median"} & set(
        headers
    )


def test_parts_come_in_order_and_links_lead_somewhere(page: Page):
    text = " ".join(page.by_tag["h2"])
    parts = ["Top genes", "How sure", "Data", "Methods and settings", "Provenance"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    ids = page.attributes("id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in page.attributes("href")} <= set(ids)
    assert set(page.attributes("aria-labelledby")) <= set(ids)


def test_every_sentence_is_there(page: Page):
    text = "".join(page.text)
    for sentence in (
        "tissue: no better than chance.",
        "Folds could not keep groups together.",
        "Counts became TMM.",
        "One bait of two is known.",
        "No gene could be ranked.",
        "132,129",
        "1,234,568",
        "0.712",
        "21,000",
        "ab" * 32,
        "correlation 0.67",
        "2 May 2031",
    ):
        assert sentence in text


def test_pictures_have_words_and_survive_the_way(page: Page):
    images = page.of("img")
    assert [image["alt"] for image in images][:2] == ["Best genes. Stacked evidence.", "In answer. Seen."]
    encoded = images[0]["src"].partition(",")[2]
    # Drawn at 300 DPI, kept at 220 and shown at 110 pixels an inch.
    original, kept = (imread(io.BytesIO(png)) for png in (_png(), base64.b64decode(encoded)))
    assert int(images[0]["width"]) == round(original.shape[1] * 110 / 300)
    assert kept.shape[1] == round(original.shape[1] * 220 / 300)
    assert np.abs(kept[..., :3].mean(axis=(0, 1)) - original[..., :3].mean(axis=(0, 1))).max() < 0.01


def test_settings_are_flat_and_complete(page: Page):
    keys = page.by_tag["code"]
    assert keys[:6] == ["seed", "layers.t.path", "layers.t.sheet", "baits", "labels", "x"]
    assert {"1", EVIL, "not given", "a, b", "none"} <= set(page.by_tag["td"])


def test_tables_can_be_reached_by_keyboard(page: Page):
    regions = [attrs for attrs in page.of("div") if attrs.get("role") == "region"]
    assert len(regions) == 5
    assert all(region["tabindex"] == "0" for region in regions)
    assert all(attrs.get("scope") in {"col", "row"} for attrs in page.of("th"))


def test_light_dark_and_paper_are_thought_of(page: Page):
    style = "".join(page.by_tag["style"])
    assert re.search(r"@media \(prefers-color-scheme: dark\)", style)
    assert "@media print" in style


def _card(**changes) -> Card:
    parts = {
        "description": f"kinase {EVIL}",
        "evidence": [
            {"target": "t", "gene_id": "g", "evidence": "correlation", "value": -0.87654, "rank01": 0.75,
             "null_percentile": 0.999, "contribution": 1.25},
            {"target": "t", "gene_id": "g", "evidence": "bait", "value": np.nan, "rank01": np.nan,
             "null_percentile": np.nan, "contribution": np.nan},
        ],
        "partners": [
            {"kind": "metabolite", "place": 1, "partner": EVIL, "value": -0.9, "detail": "rate"},
            {"kind": "bait", "place": 1, "partner": "AT1G1", "value": 117.0, "detail": None},
            {"kind": "homolog", "place": 1, "partner": "CYP79", "value": 1.0, "detail": EVIL},
        ],
        "expression": [
            {"group": "<b>leaf", "n_samples": 3, "mean": 4.0, "sd": 0.5},
            {"group": "root", "n_samples": 1, "mean": 1.0, "sd": np.nan},
            {"group": "seed", "n_samples": 1, "mean": -1.0, "sd": np.nan},
        ],
    }  # fmt: skip
    return Card("AT1G01010" if not changes else EVIL, 1_234, **(parts | changes))


def _told() -> ReportContent:
    worth = {"target": "t", "kind": "evidence", "n_baits": 4, "auc": 0.9, "auc_low": 0.8, "median_rank": 17.5}
    target = dataclasses.replace(
        _content().targets[0],
        top=[row | {"rank_low": 1.0, "rank_high": 1_317.0, "weight_stability": 0.125} for row in _top(["g1", "g2"])],
        verdicts=[f"graph: adds nothing {EVIL}"],
        evidence_scores=[
            worth | {"method": "graph", "verdict": "unseen"},
            worth | {"method": EVIL, "kind": "calibrated"},
        ],
        false_in_top=[
            {"target": "t", "top": 10, "expected_false": 0.04, "share": 0.004},
            {"target": "t", "top": 1_000, "expected_false": 812.34, "share": 0.812},
            {"target": "t", "top": 5_000, "expected_false": np.nan, "share": np.nan},
        ],
        cards=[_card(), _card(evidence=[], partners=[], expression=[], description=None)],
    )
    return ReportContent(study="cress", targets=[target, dataclasses.replace(target, name="again")])


@pytest.fixture(scope="module")
def told() -> Page:
    return Page(render_report(_told()))


def test_how_sure_a_target_is_stands_with_it(told: Page):
    assert told.by_tag["h4"][:3] == [
        "How many of the top are false", "What each evidence is worth here", "Why these genes",
    ]  # fmt: skip
    text = "".join(told.text)
    assert f"graph: adds nothing {EVIL}" in text
    assert "unseen" not in text
    headers = {text.strip() for text in told.by_tag["th"]}
    assert {"Rank from", "Rank to", "Weight stability", "Best genes", "Expected false", "Known genes", "AUC"} <= headers
    assert {"10", "1,000", "graph", EVIL} <= headers
    assert "5,000" not in headers
    assert {"1", "1,317", "0.125", "0.04", "812.3", "0%", "81%", "17.5", "fitted weights"} <= set(told.by_tag["td"])


def test_cards_open_by_keyboard_and_say_why(told: Page):
    assert len(told.of("details")) == 4  # two targets with two cards each
    assert not any("open" in attrs for attrs in told.of("details"))
    text = "".join(told.text)
    assert f"AT1G01010, rank 1,234: kinase {EVIL}" in text
    assert "Nothing more is known of this gene." in text
    cells = {text.strip() for tag in ("td", "th") for text in told.by_tag[tag]}
    assert {
        "-0.8765",
        "75.0",
        "99.9",
        "1.250",
        "117",
        "mutual rank",
        "grade, 0 to 1",
        "4.00",
        "rate",
        "<b>leaf",
        EVIL,
    } <= cells


def test_bars_of_a_card_take_the_colour_of_the_evidence_and_start_at_zero_or_below(told: Page):
    bars = [attrs for attrs in told.of("td") if "bar" in (attrs.get("class") or "").split()]
    own = [(attrs["class"], attrs["style"]) for attrs in bars if "98.7" not in (attrs["style"] or "")]
    assert own[:5] == [
        ("number bar correlation", "--fill:75.0%"),
        ("number bar correlation", "--fill:99.9%"),
        ("number bar other", "--fill:100.0%"),
        ("number bar other", "--fill:40.0%"),
        ("number bar other", "--fill:0.0%"),
    ]


def test_cards_leave_the_page_safe_and_its_ids_unique(told: Page):
    assert len(told.by_tag["script"]) == 1
    assert "b" not in told.by_tag
    ids = told.attributes("id")
    assert len(set(ids)) == len(ids)
    assert set(told.attributes("aria-labelledby")) <= set(ids)


@pytest.mark.parametrize("part", ["verdicts", "evidence_scores", "false_in_top", "cards"])
def test_each_part_of_a_target_may_be_missing(part: str):
    target = dataclasses.replace(_told().targets[0], **{part: ()})
    page = Page(render_report(ReportContent(study="s", targets=[target])))
    # Verdicts and scores share a heading.
    assert len(page.by_tag["h4"]) == (3 if part in ("verdicts", "evidence_scores") else 2)


def test_expression_of_zero_everywhere_has_empty_bars():
    card = _card(expression=[{"group": "leaf", "n_samples": 3, "mean": 0.0, "sd": 0.0}], evidence=[])
    target = TargetReport("t", top=[], n_genes=0, cards=[card])
    bars = [attrs for attrs in Page(render_report(ReportContent("s", [target]))).of("td") if "style" in attrs]
    assert [bar["style"] for bar in bars] == ["--fill:0.0%"]


def test_same_content_same_page_and_no_date_of_its_own():
    content = dataclasses.replace(_content(), created=None)
    assert render_report(content) == render_report(content)
    assert "2 May 2031" not in render_report(content)


@pytest.mark.parametrize("fusion", get_args(Fusion))
def test_the_score_is_told_as_it_was_made(fusion: Fusion):
    text = "".join(Page(render_report(dataclasses.replace(_content(), fusion=fusion))).text)
    assert SCORE_WORDS[fusion] in text
    assert ("correlation 0.67" in text) == ("Weights:" in text) == (fusion != "rra")
    assert ("between half and twice" in text) == (fusion != "rra")


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0.0"), (0.5, "50.0"), (0.9994, "99.9"), (0.9999924, "99.999"), (1 - 1e-9, "100.0000")]
)
def test_no_percentile_below_the_best_is_rounded_up_to_it(share: float, text: str):
    table = ranking_table("t", "c", [{"rank": 1, "gene_id": "g", "bait_rank01": share}])
    assert table.rows[0][-1].text == text


def test_the_answer_says_how_much_of_it_chance_would_bring():
    rows = [{"top": top, "expected_false": false, "share": 0.5} for top, false in ((10, 0.123), (25, 2.0), (50, 9.0))]
    said = "By chance alone one would expect as high: 0.12 of the first 10, 2 of the first 25, all of the first 100."
    assert expected_sentence([*rows, {"top": 100, "expected_false": 104.2, "share": 1.0}]) == said
    assert expected_sentence([{"top": 10, "expected_false": np.nan, "share": np.nan}]) == expected_sentence([]) == ""
    target = TargetReport("t", _top(["g1"]), 1, false_in_top=rows)
    page = Page(render_report(ReportContent("s", [target])))
    assert "#false-1-caption" in page.attributes("href")
    assert "false-1-caption" in page.attributes("id")


def test_a_top_with_more_false_genes_than_genes_is_all_false():
    table = false_table("t", "c", [{"top": 10, "expected_false": 10.8, "share": 1.0}])
    assert [cell.text for cell in table.rows[0]] == ["10", "all", "100%"]


def _hit(gene: str, grade: float, margin: float, rival: object = None, **changes: object) -> dict[str, object]:
    hit = {
        "family": "ANS",
        "gene_id": gene,
        "sequence_id": gene,
        "best_member": "Q1<b>",
        "n_members": 1,
        "evalue": 0.0,
        "bit_score": 1_710.25,
        "member_coverage": 0.876,
        "protein_coverage": np.nan,
        "reciprocal": None,
        "grade": grade,
        "margin": margin,
        "rival": rival,
    }
    return hit | changes


def _families() -> ReportContent:
    ans = FamilyReport(
        "ANS",
        hits=[_hit("g<b>1", 0.9, 0.05, "FLS"), _hit("g2", 0.5, -0.25, "FLS"), _hit("g3", 0.4, 0.4, np.nan)],
        n_genes=1_234,
        n_best=2,
        targets=["reds", "blues"],
        searches=["blastp <b>2.12.0+: 7 reference proteins."],
        commands=["blastp -query 'a<b>.faa'"],
        figures=[ReportFigure("Domains, ANS", "To scale <b>.", _png())],
    )
    fls = FamilyReport("FLS", hits=[_hit("g2", 0.75, 0.25, "ANS")], n_genes=1, n_best=1)
    target = dataclasses.replace(_content().targets[0], top=[row | {"family": "FLS"} for row in _top(["g2"])])
    return ReportContent("s", [target], families=[ans, fls, FamilyReport("none", hits=[], n_genes=0, n_best=0)])


def test_genes_of_families_lead_to_their_cards():
    """The overview names its best gene, each table its members; g2 is in both tables and best of one."""
    content = _families()
    target = dataclasses.replace(content.targets[0], cards=[Card("g2", 1), Card("elsewhere", 2)])
    later = dataclasses.replace(target, name="later", cards=[Card("g2", 5), Card("g3", 6)])
    page = render_report(dataclasses.replace(content, targets=[target, later]))
    families = page.partition('id="families"')[2].partition('id="trust"')[0]
    assert families.count('<a href="#card-1-1">g2</a>') == 3
    assert families.count('<a href="#card-2-2">g3</a>') == 1
    assert "#card-2-1" not in families


@pytest.fixture(scope="module")
def families() -> Page:
    return Page(render_report(_families()))


def test_families_stand_between_the_answer_and_how_sure_it_is_and_only_where_there_are_any(families: Page, page: Page):
    assert families.by_tag["h2"][:3] == ["Top genes", "Gene families", "How sure"]
    assert "#families" in families.attributes("href")
    assert "#families" not in page.attributes("href")
    assert "Gene families" not in page.by_tag["h2"]


def test_families_are_listed_first_and_then_told_one_by_one(families: Page):
    text = "".join(families.text)
    for sentence in (
        "1,234 genes with a hit, best g<b>1",
        "1 gene with a hit, best g2",
        "none: no gene has a hit",
        "blastp <b>2.12.0+: 7 reference proteins.",
        "blastp -query 'a<b>.faa'",
        "1 of the 3 fits another family better: g2 (FLS).",
        "1 of the 3 fits another family nearly as well, by a margin below 0.1: g<b>1 (FLS).",
        "ANS: the 3 best of 1,234 genes with a hit",
        "reds, blues",
    ):
        assert sentence in text
    assert [title for title in families.by_tag["h3"] if title != "glucosinolates"] == ["ANS", "FLS", "none"]
    headers = {text.strip() for text in families.by_tag["th"]}
    assert {"Genes with a hit", "Best grade", "Best member", "Member coverage", "g<b>1", "g3"} <= headers
    assert not {"Protein coverage", "Reciprocal", "Sequence", "Members"} & headers
    assert {"1,234", "1,710.2", "0", "88%", "0.050", "-0.250", "0.400"} <= set(families.by_tag["td"])


def test_the_grade_of_a_family_is_a_bar_in_the_colour_of_homology(families: Page):
    bars = [attrs["style"] for attrs in families.of("td") if attrs.get("class") == "number bar homology"]
    assert bars == [f"--fill:{share}%" for share in (90.0, 75.0, 90.0, 50.0, 40.0, 75.0)]


def test_what_tells_of_a_family_leads_to_its_section(families: Page):
    links = [attrs["href"] for attrs in families.of("a") if (attrs["href"] or "").startswith("#family-")]
    # The family of the ranked gene, three families in the overview, rivals: FLS twice of ANS, ANS of FLS.
    assert links == [f"#family-{place}" for place in (2, 1, 2, 3, 2, 2, 1)]
    ids = families.attributes("id")
    assert len(set(ids)) == len(ids)
    assert {link[1:] for link in families.attributes("href")} <= set(ids)
    assert set(families.attributes("aria-labelledby")) <= set(ids)


def test_nothing_of_a_family_is_markup(families: Page):
    assert "b" not in families.by_tag
    assert families.of("img")[-1]["alt"] == "Domains, ANS. To scale <b>."


def test_a_family_without_positions_says_so(families: Page):
    assert "".join(families.text).count("there is no picture of where the members lie") == 1


def test_many_families_are_closed_until_asked_for():
    many = [FamilyReport(f"f{place}", [_hit("g", 0.5, 0.5)], 1, 1) for place in range(34)]
    page = Page(render_report(ReportContent("s", [], families=many)))
    details = [attrs for attrs in page.of("details") if (attrs.get("id") or "").startswith("family-")]
    assert len(details) == 34
    assert not any("open" in attrs for attrs in details)
    assert any(attrs.get("data-filters") == "families-table" for attrs in page.of("input"))


def test_sequences_and_added_members_are_shown_where_they_say_more_than_the_gene():
    hits = [_hit("g1", 0.9, 0.9), _hit("g2", 0.8, 0.8, sequence_id="g2.2", n_members=2)]
    page = Page(render_report(ReportContent("s", [], families=[FamilyReport("CHS", hits, 2, 2)])))
    assert {"Sequence", "Members"} <= {text.strip() for text in page.by_tag["th"]}
    assert {"g2.2", "2"} <= set(page.by_tag["td"])
    assert "CHS: all genes with a hit" in page.by_tag["caption"]


def test_rivals_of_genes_that_fit_nothing_well_are_not_told_and_long_lists_are_cut():
    weak = [_hit("weak", 0.05, 0.01, "FLS")]
    better = [_hit(f"g{place}", 0.3, -0.1, "FLS") for place in range(7)]
    assert rival_sentences(weak) == ()
    names = ", ".join(f"g{place} (FLS)" for place in range(5))
    assert rival_sentences(weak + better) == (f"7 of the 8 fit another family better: {names} and 2 more.",)


def test_the_least_content_is_a_page():
    page = Page(render_report(ReportContent(study="s", targets=[])))
    assert page.by_tag["h1"] == ["s"]
    assert page.of("img") == []


def test_half_a_surrogate_pair_does_not_break_the_page():
    render_report(ReportContent(study="a\ud800", targets=[])).encode("utf-8")


def test_a_picture_that_is_no_png_is_refused():
    content = ReportContent(study="s", targets=[], figures=[ReportFigure("t", "c", b"<svg/>", "data")])
    with pytest.raises(ValueError, match=r"must be a PNG, found bytes that begin with b'<svg/>'"):
        render_report(content)
