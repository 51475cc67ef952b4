"""HMMER in process: every figure as the programs print it, whatever the batches and threads."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from configs.errors import TableError
from models.hits import COLUMNS, NUMBERS, Hits
from models.hmmer_search import SearchSettings, search_profiles, search_references
from models.homology_tables import read_hits
from models.profiles import Profile, read_profiles
from models.sequences import Protein, read_proteins

# awk '{print $4,$1,$7,$8,$13,$14,$16,$17,$18,$19,$6,$3}' of a --domtblout, HMMER 3.3.2 (Nov 2020):
# query, target, full sequence: E-value, score; domain: i-Evalue, score; hmm from, to; ali from, to; qlen, tlen

# phmmer -E 1e-3 -o /dev/null --noali --domtblout OUT queries.faa targets.faa; four of the queries
PHMMER = """
BAA93475.1 AT1G03940 1.5e-81 269.4 1.7e-81 269.2 1 444 10 464 446 469
BAA93475.1 NM_113880.2_AT3G29590 9.1e-64 210.8 1.1e-63 210.5 2 444 11 448 446 449
BAA93475.1 AT1G03495 6.3e-59 194.8 7.5e-59 194.6 1 321 10 338 446 346
BAA93475.1 VIT_03s0017g00870 8.4e-10 32.9 7.7e-09 29.7 141 395 130 374 446 427
ABC71336.1 BAD89742.1 6.1e-156 513.2 1.9e-15 52.3 4 47 4 46 302 338
ABC71336.1 BAD89742.1 6.1e-156 513.2 1.4e-139 459.6 45 302 80 338 302 338
ABC71336.1 AAZ82409.1 2.3e-155 511.3 1.9e-15 52.3 4 47 4 46 302 338
ABC71336.1 AAZ82409.1 2.3e-155 511.3 5e-139 457.7 45 302 80 338 302 338
ABC71336.1 NP_001267885.1 2.3e-155 511.3 1.9e-15 52.3 4 47 4 46 302 338
ABC71336.1 NP_001267885.1 2.3e-155 511.3 5e-139 457.7 45 302 80 338 302 338
ABC71336.1 Q9SEV0.2 1.5e-118 390.5 1.3e-12 42.9 10 47 10 47 302 340
ABC71336.1 Q9SEV0.2 1.5e-118 390.5 5.7e-105 346.0 45 301 81 338 302 340
ABC71336.1 NP_199094.1 6.5e-74 244.1 1e-08 30.2 8 46 3 41 302 382
ABC71336.1 NP_199094.1 6.5e-74 244.1 3.9e-64 212.0 45 300 77 325 302 382
ABC71336.1 NP_001268144.1 1.1e-73 243.4 2.3e-07 25.7 11 46 6 41 302 337
ABC71336.1 NP_001268144.1 1.1e-73 243.4 2.8e-65 215.7 45 300 77 325 302 337
ABC71336.1 BAA85261.1 1.3e-73 243.1 1e-08 30.2 8 46 3 41 302 384
ABC71336.1 BAA85261.1 1.3e-73 243.1 7.7e-64 211.0 45 300 77 325 302 384
AAX16491.1 NP_001268144.1 6.2e-195 642.1 7.2e-195 641.9 1 331 1 331 347 337
AAX16491.1 BAA85261.1 1.5e-173 571.8 4e-173 570.4 2 330 2 330 347 384
AAX16491.1 BAA85261.1 1.5e-173 571.8 15 -0.4 96 119 342 366 347 384
AAX16491.1 NP_199094.1 2.2e-173 571.3 2.8e-173 570.9 2 346 2 349 347 382
AAX16491.1 BAD89742.1 4.2e-91 300.7 5e-91 300.5 6 325 10 336 347 338
AAX16491.1 AAZ82409.1 4.2e-91 300.7 5e-91 300.5 6 325 10 336 347 338
AAX16491.1 NP_001267885.1 4.2e-91 300.7 5e-91 300.5 6 325 10 336 347 338
AAX16491.1 Q9SEV0.2 1.7e-82 272.4 2e-82 272.1 5 326 10 338 347 340
sp|P45730.1 XP_002268732.1 0 1399.2 0 1399.0 9 715 7 710 715 710
sp|P45730.1 NP_181241.1 0 1370.4 0 1370.2 15 715 26 725 715 725
sp|P45730.1 NP_190894.1 0 1342.2 0 1341.9 21 715 24 717 715 717
sp|P45730.1 NP_187645.1 0 1272.4 0 1272.2 21 715 14 707 715 707
"""

# hmmsearch --cut_ga -o /dev/null --noali --domtblout OUT families.hmm targets.faa; without UDPGT_2, which has none
GATHERING = """
p450 NP_001268157.1 1.1e-116 385.3 1.4e-116 385.0 1 454 37 487 463 508
p450 NP_180607.1 5.8e-114 376.4 6.6e-114 376.2 1 461 34 497 463 505
p450 BAE47006.1 1.1e-108 359.0 1.3e-108 358.7 1 454 29 488 463 509
p450 Q9SD85.1 4.5e-106 350.4 5.4e-106 350.1 1 452 34 487 463 513
2OG-FeII_Oxy BAE75809.1 1.9e-27 90.9 3.8e-27 89.9 5 101 201 296 101 335
2OG-FeII_Oxy NP_190692.1 7.5e-27 89.0 1.3e-26 88.2 3 100 195 293 101 358
2OG-FeII_Oxy sp|Q96323.1 2.4e-26 87.4 4e-26 86.6 4 101 211 307 101 356
2OG-FeII_Oxy NP_001190266.1 3e-26 87.0 4.8e-26 86.4 2 101 198 296 101 336
2OG-FeII_Oxy NP_001268147.1 5.4e-26 86.2 1e-25 85.3 7 101 216 309 101 355
2OG-FeII_Oxy CAA53579.1 3.5e-25 83.6 6.3e-25 82.8 3 100 196 294 101 364
Epimerase NP_001268144.1 2.1e-29 97.8 2.9e-29 97.3 1 232 8 248 241 337
Epimerase Q9SEV0.2 5e-29 96.5 6.3e-29 96.2 2 229 14 258 241 340
Epimerase NP_199094.1 9.5e-28 92.3 1.3e-27 91.9 1 232 8 248 241 382
Epimerase BAD89742.1 1.3e-27 91.9 1.8e-27 91.4 2 230 13 258 241 338
Epimerase AAZ82409.1 2.3e-27 91.1 3.3e-27 90.6 2 230 13 258 241 338
Epimerase NP_001267885.1 2.3e-27 91.1 3.3e-27 90.6 2 230 13 258 241 338
Epimerase BAA85261.1 2.5e-27 91.0 3.4e-27 90.6 1 232 8 248 241 384
Epimerase CAI26308.1 3.3e-07 25.1 7.2e-07 24.0 4 82 26 112 241 362
Epimerase AAZ82410.1 5.4e-07 24.4 8.7e-07 23.7 1 73 13 92 241 346
Epimerase sp|Q4W2K4 6.4e-07 24.2 1e-06 23.5 1 73 13 92 241 346
Methyltransf_3 tr_F6HGA0_F6HGA0_VIT_01s0010g03490 8.5e-89 291.4 9.8e-89 291.2 2 211 21 239 212 241
Methyltransf_3 tr_F6HGA2_F6HGA2_VIT_01s0010g03510 5.8e-87 285.4 6.6e-87 285.2 2 211 21 233 212 235
Methyltransf_3 938293.PRJEB85.HG003686_802 1.2e-29 98.2 1.4e-29 97.9 15 211 24 207 212 215
MatE GSVIVP00037696001_VIT_216s0050g00900_AM3 1.3e-62 205.3 8.3e-34 111.7 1 156 47 202 161 489
MatE GSVIVP00037696001_VIT_216s0050g00900_AM3 1.3e-62 205.3 5e-30 99.4 2 161 267 429 161 489
MatE GSVIVP00037700001_VIT_216s0050g00930_AM1 6.6e-61 199.8 1.3e-32 107.8 1 157 47 203 161 493
MatE GSVIVP00037700001_VIT_216s0050g00930_AM1 6.6e-61 199.8 1.6e-29 97.8 2 159 267 427 161 493
MatE 938293.PRJEB85.HG003691_54 2.1e-58 191.7 1.7e-36 120.4 1 161 16 176 161 446
MatE 938293.PRJEB85.HG003691_54 2.1e-58 191.7 3.6e-23 77.1 3 159 246 403 161 446
MatE NM_115765.4_AT3G59030 1.5e-53 175.9 4.7e-29 96.2 2 161 62 221 161 507
MatE NM_115765.4_AT3G59030 1.5e-53 175.9 1.2e-25 85.1 2 159 283 443 161 507
MatE XM_002282896.3 5.2e-53 174.1 9e-31 101.8 2 161 59 218 161 504
MatE XM_002282896.3 5.2e-53 174.1 5.1e-26 86.4 2 159 280 440 161 504
MatE CU459235.1 4.9e-49 161.2 6.6e-28 92.5 2 161 60 219 161 488
MatE CU459235.1 4.9e-49 161.2 6.7e-25 82.7 2 159 281 441 161 488
ADH_N 938293.PRJEB85.HG003684_53 2.6e-27 90.0 5.7e-27 88.8 2 102 56 166 109 379
ADH_zinc_N 938293.PRJEB85.HG003684_53 2.7e-13 45.1 4.5e-13 44.4 1 115 217 326 129 379
"""
# grep -v '^#' OUT | awk '{print $4}' | sort | uniq -c | sort -rn
GATHERING_DOMAINS = """
22 ABC_tran
12 MatE
10 Epimerase
8 UDPGT
7 NAD_binding_4
7 3Beta_HSD
6 DIOX_N
6 2OG-FeII_Oxy
4 p450
4 Transferase
4 Lyase_aromatic
4 Chalcone
4 AMP-binding
3 Methyltransf_3
2 Chal_sti_synt_N
2 Chal_sti_synt_C
1 polyprenyl_synt
1 ADH_zinc_N
1 ADH_N
"""

# hmmsearch -E 10 --noali -o /dev/null --domtblout OUT adh_short.hmm copies.faa; Q9SEV0.2 once, and thirty times
ONE_COPY = """
adh_short c00 4.1e-08 19.0 5.6e-07 15.3 1 71 11 82 195 340
adh_short c00 4.1e-08 19.0 0.51 -4.1 161 182 177 199 195 340
"""
THIRTY_COPIES = "".join(
    f"adh_short c{number:02d} 1.2e-06 19.0 1.7e-05 15.3 1 71 11 82 195 340\n" for number in range(30)
)

# hmmsearch -E 1e-3 --noali -o /dev/null --domtblout OUT p450.hmm cut.faa; NP_180607.1, in 'cut' residue 251 is '*'
CUT = """
p450 whole 2.1e-116 376.4 2.4e-116 376.2 1 461 34 497 463 505
p450 cut 3.6e-113 365.7 4.1e-113 365.5 1 461 34 497 463 505
"""

EVALUE = SearchSettings(max_evalue=1e-3, thresholds="evalue")


@cache
def profiles_of(folder: Path) -> tuple[Profile, ...]:
    return read_profiles((folder / "families.hmm.gz").read_bytes(), "families.hmm.gz")


@cache
def proteins_of(folder: Path, name: str = "targets.faa") -> tuple[Protein, ...]:
    return tuple(read_proteins((folder / name).read_bytes(), name))


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "homology_flavonoid"


def named(proteins: Iterable[Protein], name: str) -> Protein:
    return next(protein for protein in proteins if protein.name == name)


def search_few(profile: Profile, proteins: Sequence[Protein], settings: SearchSettings) -> Hits:
    return search_profiles(
        [profile], lambda: iter([proteins]), n_proteins=len(proteins), settings=settings, progress=lambda _: None
    )


def search(folder: Path, settings: SearchSettings, queries: Sequence[Profile] | None = None, part: int = 562) -> Hits:
    proteins = proteins_of(folder)
    parts = [proteins[at : at + part] for at in range(0, len(proteins), part)]
    return search_profiles(
        profiles_of(folder) if queries is None else queries,
        lambda: iter(parts),
        n_proteins=len(proteins),
        settings=settings,
        progress=lambda _: None,
    )


@cache
def default_search(folder: Path) -> Hits:
    return search(folder, EVALUE)


def as_printed(hits: Hits) -> list[list[str]]:
    """Write hits as HMMER does: E-values with %9.2g, scores with %6.1f."""
    frame = hits.frame
    columns = [
        *(
            frame["query"],
            frame["subject"],
            frame["evalue"].map("{:.2g}".format),
            frame["bit_score"].map("{:.1f}".format),
        ),
        *(frame["domain_evalue"].map("{:.2g}".format), frame["domain_score"].map("{:.1f}".format)),
        *(frame[name].astype(int).astype(str) for name in NUMBERS[2:8]),
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.split("\n") if line and line[0] != "#"]


@pytest.mark.golden
def test_hmmsearch_domains_are_reproduced_to_the_printed_digits(folder: Path):
    # hmmsearch -E 1e-3 --cpu 1 families.hmm targets.faa; the command stands at the end of the file
    printed = [
        [row[3], row[0], row[6], row[7], row[12], row[13], *row[15:19], row[5], row[2]]
        for row in rows((folder / "hmmsearch.domtblout").read_text())
    ]
    hits = default_search(folder)
    assert len(printed) == 162
    assert as_printed(hits) == printed
    assert (hits.format, hits.profile_side, hits.thresholds_applied, hits.notes) == ("domtblout", "query", True, ())
    assert hits.frame.columns.tolist() == list(COLUMNS)
    assert hits.frame.dtypes.astype(str).tolist() == ["str", "str", *["float64"] * len(NUMBERS)]


@pytest.mark.golden
def test_hmmsearch_proteins_are_reproduced_to_the_printed_digits(folder: Path):
    printed = [
        [row[2], row[0], row[4], row[5], row[7], row[8]] for row in rows((folder / "hmmsearch.tblout").read_text())
    ]
    best: dict[tuple[str, str], list[str]] = {}
    for row in as_printed(default_search(folder)):
        kept = best.setdefault((row[0], row[1]), row[:6])
        best[row[0], row[1]] = max(kept, row[:6], key=lambda one: float(one[5]))
    assert len(printed) == 125
    assert list(best.values()) == printed


@pytest.mark.golden
def test_a_search_in_process_reads_as_its_table_does(folder: Path):
    table = read_hits((folder / "hmmsearch.domtblout").read_bytes(), "hmmsearch.domtblout").frame
    found = default_search(folder).frame
    assert found[["query", "subject"]].equals(table[["query", "subject"]])
    assert found[list(NUMBERS[2:8])].equals(table[list(NUMBERS[2:8])])
    scores = ["bit_score", "domain_score"]
    np.testing.assert_allclose(found[scores], table[scores], rtol=0, atol=0.0501)  # printed with %6.1f
    evalues = ["evalue", "domain_evalue"]
    np.testing.assert_allclose(found[evalues], table[evalues], rtol=0.0501)  # printed with %9.2g


@pytest.mark.golden
def test_gathering_thresholds_are_those_of_cut_ga(folder: Path):
    queries = [profile for profile in profiles_of(folder) if profile.name != "UDPGT_2"]
    hits = search(folder, SearchSettings(), queries)
    chosen = ("p450", "MatE", "2OG-FeII_Oxy", "ADH_N", "ADH_zinc_N", "Methyltransf_3", "Epimerase")
    assert Counter(hits.frame["query"]) == {name: int(count) for count, name in rows(GATHERING_DOMAINS)}
    assert [row for row in as_printed(hits) if row[0] in chosen] == rows(GATHERING)
    assert "39 of 39 profiles were searched with their own gathering thresholds" in hits.notes[0]


def test_profiles_without_thresholds_of_their_own_take_the_evalue(folder: Path):
    # adh_short: four proteins have an E-value below 1e-4 and none the 26.6 bits that the profile asks for
    names = ("UDPGT_2", "adh_short")
    queries = [profile for profile in profiles_of(folder) if profile.name in names]
    mixed = search(folder, SearchSettings(max_evalue=1e-4), queries).frame
    by_evalue = search(folder, SearchSettings(max_evalue=1e-4, thresholds="evalue"), queries).frame
    assert set(by_evalue["query"]) == set(names)
    assert mixed.equals(by_evalue[by_evalue["query"] == "UDPGT_2"].reset_index(drop=True))
    assert (mixed["evalue"] <= 1e-4).all()


@pytest.mark.golden
def test_phmmer_is_reproduced_to_the_printed_digits(folder: Path):
    names = ("BAA93475.1", "ABC71336.1", "AAX16491.1", "sp|P45730.1")
    references = [protein for protein in proteins_of(folder, "queries.faa") if protein.name in names]
    proteins = proteins_of(folder)
    hits = search_references(
        references, lambda: iter([proteins]), n_proteins=562, settings=EVALUE, progress=lambda _: None
    )
    assert as_printed(hits) == rows(PHMMER)
    assert (hits.format, hits.profile_side, hits.thresholds_applied) == ("domtblout", "query", True)


# Batches and threads. With E-values up to 10 the bound on domains, which needs all hits, decides about some.
LOOSE = SearchSettings(max_evalue=10, thresholds="evalue")


@pytest.mark.parametrize(("part", "residues", "cpus"), [(50, 10**9, 1), (562, 20_000, 2), (1, 1, 3)])
def test_batches_and_threads_change_nothing(folder: Path, part: int, residues: int, cpus: int):
    queries = profiles_of(folder)[:6]
    whole = search(folder, replace(LOOSE, batch_residues=10**9), queries).frame
    assert search(folder, replace(LOOSE, batch_residues=residues, cpus=cpus), queries, part).frame.equals(whole)


def test_references_in_small_batches_are_as_one_batch(folder: Path):
    references = proteins_of(folder, "queries.faa")[::160]
    proteins = proteins_of(folder)[:40]

    def searched(settings: SearchSettings) -> Hits:
        return search_references(references, lambda: iter([proteins]), n_proteins=40, settings=settings, progress=print)

    assert searched(replace(LOOSE, batch_residues=3_000, cpus=2)).frame.equals(searched(LOOSE).frame)


@pytest.mark.golden
@pytest.mark.parametrize("residues", [1, 10**9])
def test_domains_are_bounded_by_the_hits_of_the_whole_search(folder: Path, residues: int):
    # the second domain has p = 0.51: once it passes HMMER's bound on conditional E-values, 10, thirty times it does not
    profile = next(profile for profile in profiles_of(folder) if profile.name == "adh_short")
    sequence = named(proteins_of(folder), "Q9SEV0.2").sequence
    copies = [Protein(f"c{number:02d}", sequence) for number in range(30)]
    settings = replace(LOOSE, batch_residues=residues)
    assert as_printed(search_few(profile, copies[:1], settings)) == rows(ONE_COPY)
    assert as_printed(search_few(profile, copies, settings)) == rows(THIRTY_COPIES)


def test_evalues_grow_with_the_number_of_proteins(folder: Path):
    def searched(n_proteins: int) -> Hits:
        parts = [proteins_of(folder)]
        queries = profiles_of(folder)[:1]
        return search_profiles(
            queries, lambda: iter(parts), n_proteins=n_proteins, settings=EVALUE, progress=lambda _: None
        )

    few, many = searched(562).frame, searched(5_620).frame
    np.testing.assert_allclose(many["evalue"], 10 * few["evalue"], rtol=1e-12)
    assert many["bit_score"].equals(few["bit_score"])


def test_progress_counts_proteins_and_batches_are_read_when_there_is_room(folder: Path):
    proteins = proteins_of(folder)
    taken: list[int] = []
    told: list[tuple[int, int]] = []

    def parts() -> Iterator[list[Protein]]:
        for number, protein in enumerate(proteins[:60]):
            taken.append(number)
            yield [protein]

    search_profiles(
        profiles_of(folder)[:1],
        parts,
        n_proteins=60,
        settings=SearchSettings(batch_residues=1, cpus=2),
        progress=lambda done: told.append((done, len(taken))),
    )
    assert [done for done, _ in told] == list(range(1, 61))
    assert max(read - done for done, read in told) <= 2 * 2  # two batches a thread


def test_faults_of_the_proteins_come_through(folder: Path):
    def damaged() -> Iterator[list[Protein]]:
        return ([one] for one in read_proteins(b">a\nMKLIPEW\n>b\n\n", "p.faa"))

    with pytest.raises(TableError, match="wanted a sequence for 'b'"):
        search_profiles(
            profiles_of(folder)[:1], damaged, n_proteins=2, settings=SearchSettings(), progress=lambda _: None
        )


def test_no_hits_give_an_empty_table_of_the_same_columns(folder: Path):
    found = search(folder, SearchSettings(), ()).frame
    nothing = search_references(
        [Protein("r", "MKLIPEW")], lambda: iter([[Protein("p", "GGGG")]]), n_proteins=1, settings=EVALUE, progress=print
    )
    for frame in (found, nothing.frame):
        assert len(frame) == 0
        assert frame.columns.tolist() == list(COLUMNS)
        assert frame.dtypes.astype(str).tolist() == ["str", "str", *["float64"] * len(NUMBERS)]


@pytest.mark.golden
def test_a_stop_inside_a_protein_is_searched_as_hmmer_does(folder: Path):
    whole = named(proteins_of(folder), "NP_180607.1").sequence
    proteins = [Protein("cut", whole[:250] + "*" + whole[251:]), Protein("whole", whole)]
    assert as_printed(search_few(profiles_of(folder)[0], proteins, EVALUE)) == rows(CUT)


def test_an_empty_sequence_has_no_hits(folder: Path):
    assert len(search_few(profiles_of(folder)[0], [Protein("none", "")], LOOSE).frame) == 0
