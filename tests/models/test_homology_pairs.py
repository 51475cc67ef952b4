"""Alignments that add up: against a plain loop, sets of residues, and BLAST's own coverage."""

from collections import defaultdict
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from models.homology_pairs import choose_apart, covered
from models.homology_tables import read_hits

stretch = st.tuples(st.integers(1, 40), st.integers(1, 20)).map(lambda one: (one[0], one[0] + one[1] - 1))
units = st.lists(st.tuples(st.integers(0, 2), st.lists(stretch, min_size=1, max_size=3)), min_size=1, max_size=12)


def arrays(stretches: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    start, end = np.array(stretches, dtype=np.float64).T
    return start, end


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    common = min(one[1], other[1]) - max(one[0], other[0]) + 1
    return common > 0.1 * (min(one[1] - one[0], other[1] - other[0]) + 1)


@settings(deadline=None, max_examples=60)
@given(units)
def test_units_are_chosen_as_a_plain_loop_chooses_them(made):
    made = sorted(made, key=lambda one: one[0])
    chosen: dict[int, list[tuple[int, int]]] = defaultdict(list)
    expected = []
    for group, rows in made:
        apart = not any(overlap(one, other) for one in rows for other in chosen[group])
        expected.append(apart)
        chosen[group] += rows if apart else []
    groups = np.array([group for group, _ in made])
    unit_of_row = np.repeat(np.arange(len(made)), [len(rows) for _, rows in made])
    sides = [arrays([row for _, rows in made for row in rows])]
    assert choose_apart(groups, unit_of_row, sides).tolist() == expected


def test_a_tenth_of_the_shorter_may_overlap_on_either_side():
    one_group, each = np.zeros(2, dtype=np.int64), np.arange(2)
    apart = arrays([(1, 10), (51, 60)])
    tenth, more = arrays([(1, 100), (100, 109)]), arrays([(1, 100), (99, 108)])
    assert choose_apart(one_group, each, [tenth, apart]).tolist() == [True, True]
    assert choose_apart(one_group, each, [more, apart]).tolist() == [True, False]
    assert choose_apart(one_group, each, [apart, more]).tolist() == [True, False]


def test_a_side_that_is_unknown_says_nothing_and_two_say_no():
    one_group, each = np.zeros(2, dtype=np.int64), np.arange(2)
    apart, unknown = arrays([(1, 10), (51, 60)]), (np.full(2, np.nan), np.full(2, np.nan))
    assert choose_apart(one_group, each, [apart, unknown]).tolist() == [True, True]
    assert choose_apart(one_group, each, [unknown, unknown]).tolist() == [True, False]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), stretch), max_size=15))
def test_covered_counts_residues_once(made):
    residues: dict[int, set[int]] = defaultdict(set)
    for group, (start, end) in made:
        residues[group] |= set(range(start, end + 1))
    stretches = arrays([row for _, row in made]) if made else (np.array([]), np.array([]))
    found = covered(np.array([group for group, _ in made], dtype=np.int64), stretches, 5)
    expected = [float(len(residues[group])) if residues[group] else np.nan for group in range(5)]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.golden
def test_coverage_is_that_of_blast(shared_data: Path):
    # blastp 2.12.0 -outfmt '6 qseqid sseqid pident length evalue bitscore qcovs stitle'
    folder = shared_data / "homology_flavonoid"
    raw = pd.read_csv(folder / "blastp.outfmt6_qcov.tsv.gz", sep="\t", header=None, usecols=[0, 1, 6])
    qcovs = raw.drop_duplicates().set_index([0, 1])[6].sort_index()
    lengths: dict[str, int] = {}
    for record in (folder / "queries.faa").read_text().split(">")[1:]:
        header, *lines = record.split("\n")
        lengths[header.split()[0]] = sum(map(len, lines))
    hits = read_hits((folder / "blastp.outfmt6.tsv").read_bytes(), "blastp").frame
    pairs = hits.groupby(["query", "subject"])
    places = hits["query_start"].to_numpy(), hits["query_end"].to_numpy()
    residues = covered(pairs.ngroup().to_numpy(), places, pairs.ngroups)
    names = pairs.size().index
    coverage = pd.Series(100 * residues / names.get_level_values("query").map(lengths), index=names)
    assert names.equals(qcovs.index.set_names(names.names))
    assert len(names) > 3000
    # printed as a whole number
    assert (coverage - qcovs.to_numpy()).abs().max() <= 1.0
