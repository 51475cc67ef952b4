"""What changed between two rankings of the same study, and which samples came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.change_tables import TOP
from configs.errors import counted

PERSISTENCE = 0.98
"""How far down rank-biased overlap looks: the mean depth is 1 / (1 - persistence) genes."""

_SMALL, _LARGE = TOP
_NAMED = 5


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """What changed.

    Attributes
    ----------
    table : DataFrame
        Contract `changes`.
    agreement : DataFrame
        Contract `agreement`.
    sentences : dict of str to str
        A sentence a target.
    """

    table: pd.DataFrame
    agreement: pd.DataFrame
    sentences: dict[str, str]


def compare_rankings(ranking: pd.DataFrame, previous: pd.DataFrame) -> Changes:
    """Compare the ranking of each target with that of the last version.

    Parameters
    ----------
    ranking, previous : DataFrame
        Columns target, gene_id, rank (from 1) and stability of the contract `ranking`. Targets that only one of them
        has are left out.

    Returns
    -------
    Changes
        Genes among the 100 best now or before, measures of agreement over all genes, and a sentence a target.
    """
    before = {str(name): rows for name, rows in previous.groupby("target", sort=False)}
    both = [(str(name), rows) for name, rows in ranking.groupby("target", sort=False) if str(name) in before]
    tables = [_changes_of(target, rows, before[target]) for target, rows in both]
    agreement = [_agreement_of(target, rows, before[target]) for target, rows in both]
    table = pd.concat([_empty_table(), *tables], ignore_index=True) if tables else _empty_table()
    columns = ["target", "n_genes", "n_previous", "n_both", *(f"jaccard_{top}" for top in TOP), "spearman"]
    measures = pd.DataFrame(agreement, columns=[*columns, "rank_biased_overlap"])
    said = {str(row["target"]): _sentence(table[table["target"] == row["target"]], row) for row in agreement}
    return Changes(table, measures, said)


def samples_sentence(samples: Sequence[str], previous: Sequence[str]) -> str:
    """Say which samples came since the last version, and which went."""
    added, gone = sorted(set(samples) - set(previous)), sorted(set(previous) - set(samples))
    said = f"{counted(len(added), 'sample')} came: {', '.join(added)}" if added else "No sample came"
    return f"{said}; {len(gone)} went: {', '.join(gone)}." if gone else f"{said}; none went."


def jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    """Return genes in both over genes in either; 1 for two empty sets."""
    either = set(one) | set(other)
    return len(set(one) & set(other)) / len(either) if either else 1.0


def rank_biased_overlap(one: Sequence[str], other: Sequence[str], persistence: float = PERSISTENCE) -> float:
    """Return the extrapolated rank-biased overlap of two rankings, down to the length of the shorter one.

    With A_d the share of the first d genes that both have, it is ``A_k p^k + (1 - p) / p * sum_d A_d p^d`` (equation 32
    of Webber, Moffat and Zobel 2010, doi:10.1145/1852102.1852106).

    Parameters
    ----------
    one, other : sequence of str
        Genes, the best first.
    persistence : float
        p, above 0 and below 1: the larger, the more the lower ranks count.
    """
    depth = min(len(one), len(other))
    if not depth:
        return 0.0
    place = {gene: rank for rank, gene in enumerate(other[:depth], start=1)}
    met = np.zeros(depth + 1)  # how many genes both have from this depth on
    for rank, gene in enumerate(one[:depth], start=1):
        if gene in place:
            met[max(rank, place[gene])] += 1
    depths = np.arange(1, depth + 1)
    shares = np.cumsum(met)[1:] / depths
    weights = persistence**depths
    return float(shares[-1] * weights[-1] + (1 - persistence) / persistence * (shares * weights).sum())


def _changes_of(target: str, rows: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    columns = ["gene_id", "rank", "stability"]
    joined = rows[columns].merge(previous[columns], on="gene_id", how="outer", suffixes=("", "_before"))
    shown = joined[(joined["rank"] <= _LARGE) | (joined["rank_before"] <= _LARGE)]
    rank, before = shown["rank"].astype("Int64"), shown["rank_before"].astype("Int64")
    table = pd.DataFrame(
        {
            "target": pd.Series(target, index=shown.index, dtype="str"),
            "gene_id": shown["gene_id"].astype("str"),
            "change": _kinds(rank, before),
            "rank": rank,
            "previous_rank": before,
            "shift": before - rank,
            "stability": shown["stability"].astype("float64"),
            "previous_stability": shown["stability_before"].astype("float64"),
        }
    )
    return table.sort_values(["rank", "previous_rank", "gene_id"], ignore_index=True)


def _kinds(rank: pd.Series, before: pd.Series) -> pd.Series:
    """Name the change of each gene; entering or leaving the smaller top counts before the larger."""
    now_in, was_in = ({top: (places <= top).fillna(False).astype(bool) for top in TOP} for places in (rank, before))
    conditions = {
        f"new_in_{_SMALL}": now_in[_SMALL] & ~was_in[_SMALL],
        f"left_{_SMALL}": was_in[_SMALL] & ~now_in[_SMALL],
        f"new_in_{_LARGE}": now_in[_LARGE] & ~was_in[_LARGE],
        f"left_{_LARGE}": was_in[_LARGE] & ~now_in[_LARGE],
        "stayed": (rank == before).fillna(False).astype(bool),
    }
    kinds = np.select([mask.to_numpy() for mask in conditions.values()], list(conditions), default="moved")
    return pd.Series(kinds, index=rank.index, dtype="str")


def _agreement_of(target: str, rows: pd.DataFrame, previous: pd.DataFrame) -> dict[str, object]:
    now, before = (list(frame.sort_values("rank")["gene_id"]) for frame in (rows, previous))
    both = set(now) & set(before)
    return {
        "target": target,
        "n_genes": len(now),
        "n_previous": len(before),
        "n_both": len(both),
        **{f"jaccard_{top}": jaccard(now[:top], before[:top]) for top in TOP},
        "spearman": _spearman([gene for gene in now if gene in both], [gene for gene in before if gene in both]),
        "rank_biased_overlap": rank_biased_overlap(now, before),
    }


def _spearman(one: Sequence[str], other: Sequence[str]) -> float:
    """Return Spearman's correlation of two orders of the same genes, ``1 - 6 sum d^2 / (n (n^2 - 1))``."""
    count = len(one)
    if count < 2:
        return float("nan")
    place = {gene: rank for rank, gene in enumerate(other)}
    differences: npt.NDArray[np.float64] = np.array([rank - place[gene] for rank, gene in enumerate(one)], np.float64)
    return float(1 - 6 * (differences**2).sum() / (count * (count**2 - 1)))


def _sentence(table: pd.DataFrame, agreement: dict[str, object]) -> str:
    small = table[table["rank"].fillna(_LARGE + 1) <= _SMALL]
    came, went = (table[table["change"] == f"{kind}_{_SMALL}"]["gene_id"].tolist() for kind in ("new_in", "left"))
    stable = small["stability"].dropna()
    steady = f" Their median stability is {stable.median():.2f}." if len(stable) else ""
    are = "is" if len(came) == 1 else "are"
    return (
        f"{agreement['target']}: {len(came)} of the top {_SMALL} {are} new{_names(came)}, "
        f"{len(went)} left it{_names(went)}; overlap of the top {_LARGE} (Jaccard) "
        f"{agreement[f'jaccard_{_LARGE}']:.2f}, Spearman over all genes {agreement['spearman']:.2f}.{steady}"
    )


def _names(genes: Sequence[str]) -> str:
    if not genes:
        return ""
    further = f" and {len(genes) - _NAMED} more" if len(genes) > _NAMED else ""
    return f" ({', '.join(genes[:_NAMED])}{further})"


def _empty_table() -> pd.DataFrame:
    kinds = {"target": "str", "gene_id": "str", "change": "str", "rank": "Int64", "previous_rank": "Int64"}
    kinds |= {"shift": "Int64", "stability": "float64", "previous_stability": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})
