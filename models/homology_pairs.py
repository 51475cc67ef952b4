"""What alignments of one protein add up to: those that do not overlap, their scores, and what they cover."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.arrays import BoolArray, Float64Array, IntArray

Stretches = tuple[Float64Array, Float64Array]
"""First and last residue of each row, NaN where unknown."""

OVERLAP = 0.1
"""Two stretches of which more than this share of the shorter is common are one stretch aligned twice."""
INCLUDED_DOMAIN_EVALUE = 0.01
"""HMMER's own threshold (--incdomE) for a domain that counts."""


def choose_apart(groups: IntArray, units: IntArray, sides: Sequence[Stretches]) -> BoolArray:
    """Choose, in each group and from the first on, every unit that overlaps no chosen one.

    Parameters
    ----------
    groups : ndarray, shape=(n_units,), dtype=int64
        Group of each unit, never falling; within a group the best unit stands first.
    units : ndarray, shape=(n_rows,), dtype=int64
        Unit of each row, never falling; every unit has a row.
    sides : sequence of (start, end), each an ndarray, shape=(n_rows,), dtype=float64
        Stretch of each row on the protein, on the member or on both.

    Returns
    -------
    ndarray, shape=(n_units,), dtype=bool
        Two units overlap where two of their rows do on any side, or stand nowhere that is known.
    """
    first_row = np.searchsorted(units, np.arange(len(groups)))
    n_rows = np.diff(np.append(first_row, len(units)))
    chosen, left = np.zeros(len(groups), dtype=bool), np.ones(len(groups), dtype=bool)
    while left.any():
        index = np.flatnonzero(left)
        leaders = index[np.append(True, np.diff(groups[index]) > 0)]
        chosen[leaders], left[leaders] = True, False
        rows = np.flatnonzero(left[units])
        leader = leaders[np.searchsorted(groups[leaders], groups[units[rows]])]
        for turn in range(n_rows[leader].max(initial=0)):
            other = first_row[leader] + np.minimum(turn, n_rows[leader] - 1)
            left[units[rows[_overlap(rows, other, sides)]]] = False
    return chosen


def _overlap(rows: IntArray, others: IntArray, sides: Sequence[Stretches]) -> BoolArray:
    overlaps, unknown = np.zeros(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    for start, end in sides:
        common = np.minimum(end[rows], end[others]) - np.maximum(start[rows], start[others]) + 1
        shorter = np.minimum(end[rows] - start[rows], end[others] - start[others]) + 1
        overlaps |= common > OVERLAP * shorter
        unknown &= np.isnan(common)
    return overlaps | unknown


def covered(groups: IntArray, stretches: Stretches, n_groups: int) -> Float64Array:
    """Count the residues in the union of the stretches of each group.

    Parameters
    ----------
    groups : ndarray, shape=(n_rows,), dtype=int64
        From 0.
    stretches : (start, end), each an ndarray, shape=(n_rows,), dtype=float64
        Whole numbers from 1, inclusive; NaN where unknown.
    n_groups : int

    Returns
    -------
    ndarray, shape=(n_groups,), dtype=float64
        NaN for a group of which no stretch is known.
    """
    known = ~(np.isnan(stretches[0]) | np.isnan(stretches[1]))
    group, start, end = groups[known], stretches[0][known], stretches[1][known]
    residues = np.full(n_groups, np.nan)
    if not len(group):
        return residues
    order = np.lexsort((start, group))
    shift = group[order] * (end.max() + 1)  # so that the groups lie one after the other on a single line
    reached = np.maximum.accumulate(end[order] + shift)
    before = np.append(0.0, reached[:-1])
    new = np.clip(end[order] + shift - np.maximum(start[order] - 1 + shift, before), 0, None)
    total = np.bincount(group[order], weights=new, minlength=n_groups)
    present = np.unique(group)
    residues[present] = total[present]
    return residues


def add_up(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add up the alignments of each pair of a sequence and a member (profile or reference).

    BLAST and DIAMOND score each alignment: taken by falling score, those count that share no more than a tenth of the
    shorter with a counted one, on the protein and on the member, and their scores are added. HMMER's full-sequence
    score already adds up the domains; those count whose independent E-value is at most 0.01, or the best one.

    Parameters
    ----------
    rows : DataFrame
        At least one, each an alignment or domain: ``table`` : int64, ``gene_id``, ``sequence_id``, ``member``,
        ``evalue``, ``bit_score``, ``domain_evalue``, ``start``, ``end``, ``length`` on the protein and
        ``member_start``, ``member_end``, ``member_length``; ``alignments`` : bool, whether the score is that of the
        row and not of the full sequence.

    Returns
    -------
    rows : DataFrame
        The same rows in a fixed order, with ``pair`` : int64, and ``counted`` : bool.
    pairs : DataFrame
        By ``pair``, sorted by table, sequence and member: ``sequence`` : int64, one number a table and sequence;
        ``gene`` : int64, in alphabetical order;
        ``bit_score`` : at least 0; ``evalue`` : the smallest; ``length``, ``member_length``, ``member_covered`` :
        residues; ``best_bits`` : the highest score of that member in its table.
    """
    rows = _in_order(rows)
    pair = rows["pair"].to_numpy()
    rows = rows.assign(counted=_counted(rows, pair))
    counted = rows["counted"].to_numpy()
    first = np.flatnonzero(np.diff(pair, prepend=-1))
    score = np.clip(rows["bit_score"].to_numpy(), 0, None)
    added = np.bincount(pair[counted], weights=score[counted], minlength=len(first))
    pairs = rows.iloc[first][["table", "gene_id", "sequence_id", "member", "sequence"]].reset_index(drop=True)
    bits = np.where(rows["alignments"].to_numpy()[first], added, score[first])
    member = pairs["table"].to_numpy() + (pairs["table"].max() + 1) * pd.factorize(pairs["member"])[0]
    best_bits = np.zeros(member.max() + 1)
    np.maximum.at(best_bits, member, bits)
    pairs = pairs.assign(
        gene=pd.factorize(pairs["gene_id"], sort=True)[0],
        bit_score=bits,
        best_bits=best_bits[member],
        evalue=np.minimum.reduceat(rows["evalue"].to_numpy(), first),
        length=np.fmax.reduceat(rows["length"].to_numpy(), first),
        member_length=np.fmax.reduceat(rows["member_length"].to_numpy(), first),
        member_covered=covered(pair[counted], stretches(rows[counted], "member_"), len(first)),
    )
    return rows, pairs


def stretches(rows: pd.DataFrame, prefix: str = "") -> Stretches:
    """Return the stretches of the rows on the protein, or on the member with the prefix ``member_``."""
    start, end = rows[f"{prefix}start"], rows[f"{prefix}end"]
    return start.to_numpy(dtype=np.float64), end.to_numpy(dtype=np.float64)


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Sort by table, sequence and member, the best alignment first, and number the sequences and the pairs."""
    keys = [rows["table"].to_numpy(), *(pd.factorize(rows[key], sort=True)[0] for key in ("sequence_id", "member"))]
    within = [-rows["bit_score"], rows["evalue"], *(rows[key] for key in _PLACE)]
    order = np.lexsort([np.asarray(key) for key in reversed([*keys, *within])])
    rows = rows.iloc[order].reset_index(drop=True)
    new = [np.diff(key[order], prepend=-1) != 0 for key in keys]
    sequence = np.cumsum(new[0] | new[1]) - 1
    return rows.assign(sequence=sequence, pair=np.cumsum(new[0] | new[1] | new[2]) - 1)


_PLACE = ("domain_evalue", "start", "end", "member_start", "member_end")


def _counted(rows: pd.DataFrame, pair: IntArray) -> BoolArray:
    alignments = rows["alignments"].to_numpy()
    evalue = rows["domain_evalue"]
    best = evalue == evalue.groupby(pair).transform("min")
    counted = (evalue.isna() | (evalue <= INCLUDED_DOMAIN_EVALUE) | best).to_numpy(copy=True)
    chosen = rows[alignments]
    sides = stretches(chosen), stretches(chosen, "member_")
    counted[alignments] = choose_apart(pair[alignments], np.arange(len(chosen)), sides)
    return counted
