"""What changed between two rankings, by hand."""

import numpy as np
import pandas as pd
import pytest

from configs.tables import CONTRACTS
from models.card_records import Card
from models.changes import compare_rankings, jaccard, rank_biased_overlap, samples_sentence
from models.parquet import decode_frame, encode_frame
from models.report import ChangeReport, ReportContent, TargetReport, render_report


def ranking(genes: list[str], target: str = "acids", stability: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame(
        {"target": target, "gene_id": genes, "rank": range(1, len(genes) + 1), "stability": stability}
    ).astype({"target": "str", "gene_id": "str"})


GENES = [f"g{number:03}" for number in range(1, 121)]
# g026 goes up to 3, g002 out of both tops to the end; all between move by one.
NOW = ["g001", "g003", "g026", *(gene for gene in GENES[3:] if gene != "g026"), "g002"]


def test_genes_that_come_and_go_are_named_and_all_others_moved_or_stayed() -> None:
    found = compare_rankings(ranking(NOW, stability=0.8), ranking(GENES))
    table = found.table.set_index("gene_id")
    assert table.loc["g001", ["change", "rank", "previous_rank", "shift"]].tolist() == ["stayed", 1, 1, 0]
    assert table.loc["g026", ["change", "rank", "previous_rank", "shift"]].tolist() == ["new_in_25", 3, 26, 23]
    assert table.loc["g002", ["change", "rank", "previous_rank", "shift"]].tolist() == ["left_25", 120, 2, -118]
    assert table.loc["g101", ["change", "rank", "previous_rank", "shift"]].tolist() == ["new_in_100", 100, 101, 1]
    assert table.loc["g004", "change"] == "stayed"  # two left above it, and one came
    assert table.loc["g027", ["change", "shift"]].tolist() == ["moved", 1]
    assert len(table) == 101
    assert found.sentences == {
        "acids": "acids: 1 of the top 25 is new (g026), 1 left it (g002); overlap of the top 100 (Jaccard) 0.98, "
        "Spearman over all genes 0.95. Their median stability is 0.80."
    }
    row = found.agreement.iloc[0]
    assert (row["n_genes"], row["n_previous"], row["n_both"]) == (120, 120, 120)
    assert (row["jaccard_25"], row["jaccard_100"]) == (24 / 26, 99 / 101)


def test_a_gene_of_one_ranking_alone_has_no_rank_in_the_other() -> None:
    found = compare_rankings(ranking(["a", "new"]), ranking(["gone", "a"]))
    assert found.table["gene_id"].tolist() == ["a", "new", "gone"]
    assert found.table["change"].tolist() == ["moved", "new_in_25", "left_25"]
    assert found.table["rank"].tolist() == [1, 2, pd.NA]
    assert found.table["previous_rank"].tolist() == [2, pd.NA, 1]
    assert np.isnan(found.agreement["spearman"].iloc[0])


def test_targets_of_one_run_alone_are_left_out_and_tables_keep_their_contract() -> None:
    found = compare_rankings(ranking(["a", "b"], "new"), ranking(["a", "b"], "old"))
    assert (len(found.table), len(found.agreement), found.sentences) == (0, 0, {})
    for pair in (
        (ranking(NOW), ranking(GENES)),
        (ranking(["a", "n"]), ranking(["a", "o"])),
        (ranking([]), ranking([])),
    ):
        changes = compare_rankings(*pair)
        for kind, frame in (("changes", changes.table), ("agreement", changes.agreement)):
            assert list(decode_frame(encode_frame(frame, kind), kind)) == [one.name for one in CONTRACTS[kind].columns]


def test_overlaps() -> None:
    assert jaccard(["a", "b"], ["b", "c"]) == pytest.approx(1 / 3)
    assert rank_biased_overlap(["a", "b", "c"], ["a", "b", "c"]) == pytest.approx(1)
    assert rank_biased_overlap(["a", "b"], ["c", "d"]) == 0
    # A_1 = 0, A_2 = 1: 1 * 0.5^2 + (0.5 / 0.5) * (0 * 0.5 + 1 * 0.25)
    assert rank_biased_overlap(["a", "b"], ["b", "a"], 0.5) == pytest.approx(0.5)
    # A_1 = 1, A_2 = 1/2, A_3 = 2/3: 2/3 * 0.125 + 0.5 + 0.125 + 2/3 * 0.125
    assert rank_biased_overlap(["a", "b", "c"], ["a", "c", "d"], 0.5) == pytest.approx(0.791667, abs=1e-6)


def test_samples_that_came_and_went_are_named() -> None:
    assert samples_sentence(["a", "b", "c"], ["a"]) == "2 samples came: b, c; none went."
    assert samples_sentence(["a"], ["a", "b"]) == "No sample came; 1 went: b."


def test_the_page_says_what_changed() -> None:
    found = compare_rankings(ranking(NOW), ranking(GENES))
    rows = {"acids": found.table.to_dict("records")}
    newcomer = next(str(row["gene_id"]) for row in rows["acids"] if row["change"] == "new_in_25")
    top = [{"rank": 1, "gene_id": "g001", "score": 1.0}]
    target = TargetReport(name="acids", top=top, n_genes=120, cards=[Card(newcomer, 1)])
    changes = ChangeReport("1 sample came: <s9>; none went.", found.sentences, rows)
    page = render_report(ReportContent("small", [target], changes=changes))
    assert "What changed since the last version" in page
    assert "1 sample came: &lt;s9&gt;; none went." in page
    assert found.sentences["acids"] in page
    assert "new in the top 25" in page
    assert f'<a href="#card-1-1">{newcomer}</a>' in page.partition('id="changes"')[2]
    assert "What changed" not in render_report(ReportContent("small", [target]))
