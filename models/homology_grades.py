"""The grade of a gene in a family, from what its alignments with each member add up to."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.arrays import BoolArray, Float64Array, IntArray
from models.homology_pairs import choose_apart, covered, stretches

WEAKEST = 0.01
"""Grade below which no hit falls, so that any hit stands above none."""
PROTEIN_EXPONENT = 0.25
"""A profile of one domain fits well where it covers part of the protein, so that coverage counts for less."""
HALF_SIGNIFICANCE = 5.0
"""-log10 of the E-value at which significance is one half: the customary 1e-5."""
NOT_RECIPROCAL = 0.8
"""Factor where both directions were searched and the gene and the member are not each other's best."""


def significance(evalue: npt.ArrayLike) -> Float64Array:
    """Return L / (L + 5), L = -log10 of the E-value: 1/2 at 1e-5, 1 at 0, 0 from 1 upwards.

    Parameters
    ----------
    evalue : array_like of float, shape=(n,)
        At least 0.

    Returns
    -------
    ndarray, shape=(n,), dtype=float64
    """
    values = np.asarray(evalue, dtype=np.float64)
    positive = np.where(values > 0, np.minimum(values, 1.0), 1.0)
    magnitude = -np.log10(positive)
    return np.where(values > 0, magnitude / (magnitude + HALF_SIGNIFICANCE), 1.0)


def grade_sets(sets: pd.DataFrame) -> pd.DataFrame:
    """Grade sets of members whose scores add up.

    ``0.01 + 0.99 * sqrt(b / b_members * b / b_family) * c_members * c_protein ** 0.25 * L / (L + 5)``

    with b the bit score of the set, b_members the best scores of its members in the study added up, b_family the
    highest score of the other genes or b itself if that is higher, c_members the share of the members that is
    aligned, c_protein that of the protein, and L = -log10 of the smallest E-value; a coverage that is unknown is 1.

    Parameters
    ----------
    sets : DataFrame
        ``bit_score``, ``best_bits`` : b_members, ``family_bits`` : b_family, ``member_coverage``,
        ``protein_coverage`` and ``evalue``.

    Returns
    -------
    DataFrame
        With ``grade``, 0.01 to 1.
    """
    best = (sets["best_bits"] * sets["family_bits"]) ** 0.5
    relative = sets["bit_score"] / best.where(best > 0, 1.0)
    coverage = sets["member_coverage"].fillna(1.0) * sets["protein_coverage"].fillna(1.0) ** PROTEIN_EXPONENT
    fit = relative * coverage * significance(sets["evalue"])
    return sets.assign(grade=WEAKEST + (1 - WEAKEST) * fit.clip(0.0, 1.0))


def member_sets(rows: pd.DataFrame, pairs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the sets of members that may be graded: each by itself, and chains of those that complement each other.

    The chain of a sequence begins with the member of the highest score and goes on, by falling score, with every
    member that is aligned to another part of the protein, as N- and C-terminal profiles are. All its beginnings are
    sets, and b_family is at most the best of the other genes, so that a further domain at its end lowers no grade of
    the gene. Where no place on the protein is known there is no chain.

    Parameters
    ----------
    rows, pairs : DataFrame
        From `add_up`.

    Returns
    -------
    sets : DataFrame
        What `grade_sets` takes, and ``pair``, the first one, ``n_members``, ``table``, ``gene``, ``gene_id``,
        ``sequence_id`` and ``best_member``.
    pairs : DataFrame
        With ``turn`` : int64, place in the chain of the sequence from 1; 0 outside.
    """
    order = np.lexsort((pairs["member"], pairs["evalue"], -pairs["bit_score"], pairs["sequence"]))
    counted = rows[rows["counted"]]
    units = np.argsort(order)[counted["pair"].to_numpy()]
    by_unit = np.argsort(units, kind="stable")
    sequence = pairs["sequence"].to_numpy()
    chosen = choose_apart(sequence[order], units[by_unit], [stretches(counted.iloc[by_unit])])
    turn = np.zeros(len(pairs), dtype=np.int64)
    chain = order[chosen]
    first = np.append(True, np.diff(sequence[chain]) > 0)
    turn[chain] = np.arange(len(chain)) - np.maximum.accumulate(np.where(first, np.arange(len(chain)), 0)) + 1
    pairs = pairs.assign(turn=turn)
    sets = [_single(rows, pairs)]
    sets += [_beginning(rows, pairs, length) for length in range(2, int(turn.max(initial=0)) + 1)]
    return _with_family_bits(pd.concat(sets, ignore_index=True)), pairs


def _single(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    return _sets(pairs, rows, np.arange(len(pairs)), np.arange(len(pairs)), 1)


def _beginning(rows: pd.DataFrame, pairs: pd.DataFrame, length: int) -> pd.DataFrame:
    """Return the first `length` members of each chain that is so long."""
    sequence, turn = pairs["sequence"].to_numpy(), pairs["turn"].to_numpy()
    long = np.isin(sequence, sequence[turn == length])
    taken = np.flatnonzero(long & (turn > 0) & (turn <= length))
    taken = taken[np.lexsort((turn[taken], sequence[taken]))]
    return _sets(pairs, rows, taken, np.repeat(np.arange(len(taken) // length), length), length)


def _sets(pairs: pd.DataFrame, rows: pd.DataFrame, taken: IntArray, group: IntArray, length: int) -> pd.DataFrame:
    """Add up the pairs `taken`, of which each `group` of `length` is a set and the first its best."""
    members = pairs.iloc[taken]
    first = members.iloc[::length].reset_index()
    set_of_pair = np.full(len(pairs), -1)
    set_of_pair[taken] = group
    set_of_row = set_of_pair[rows["pair"].to_numpy()]
    inside = rows["counted"].to_numpy() & (set_of_row >= 0)
    added = {
        name: members[name].to_numpy().reshape(-1, length).sum(axis=1)
        for name in ("bit_score", "best_bits", "member_covered", "member_length")
    }
    length_of_protein = members["length"].to_numpy().reshape(-1, length).max(axis=1)
    residues = covered(set_of_row[inside], stretches(rows[inside]), len(first))
    return pd.DataFrame(
        {
            "pair": first["index"],
            "n_members": length,
            **{name: first[name] for name in ("table", "gene", "gene_id", "sequence_id")},
            "best_member": first["member"],
            "evalue": members["evalue"].to_numpy().reshape(-1, length).min(axis=1),
            "bit_score": added["bit_score"],
            "best_bits": added["best_bits"],
            "member_coverage": np.clip(added["member_covered"] / added["member_length"], None, 1.0),
            "protein_coverage": np.clip(residues / length_of_protein, None, 1.0),
        }
    )


def _with_family_bits(sets: pd.DataFrame) -> pd.DataFrame:
    """Add the highest score of the set itself and of all sets of the table's other genes."""
    table, gene, score = (sets[name].to_numpy() for name in ("table", "gene", "bit_score"))
    highest = np.zeros((table.max() + 1, gene.max() + 1))
    np.maximum.at(highest, (table, gene), score)
    first = highest.argmax(axis=1)
    top = highest.max(axis=1)
    highest[np.arange(len(first)), first] = 0.0
    others = np.where(gene == first[table], highest.max(axis=1)[table], top[table])
    return sets.assign(family_bits=np.maximum(score, others))


def counted_rows(rows: pd.DataFrame, pairs: pd.DataFrame, best: pd.DataFrame) -> BoolArray:
    """Tell which rows add to the grades of genes.

    Parameters
    ----------
    rows, pairs : DataFrame
        From `add_up` and `member_sets`.
    best : DataFrame
        Of the sets, one a gene.

    Returns
    -------
    ndarray, shape=(n_rows,), dtype=bool
    """
    n_members = np.zeros(len(pairs), dtype=np.int64)
    n_members[best["pair"].to_numpy()] = best["n_members"].to_numpy()
    chain = pd.Series(np.where(n_members > 1, n_members, 0)).groupby(pairs["sequence"].to_numpy()).transform("max")
    turn = pairs["turn"].to_numpy()
    in_set = (n_members == 1) | ((turn > 0) & (turn <= chain.to_numpy()))
    counted: BoolArray = rows["counted"].to_numpy() & in_set[rows["pair"].to_numpy()]
    return counted
