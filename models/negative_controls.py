"""Negative controls: the same ranking for a target of random metabolites and for baits that are no baits.

What is drawn at random resembles what it stands for, so that a control has the same chances as the real thing but for
being about the pathway.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.arrays import Float64Array, FloatArray, IntArray

NEAREST_METABOLITES = 20
NEAREST_GENES = 50
"""Look-alikes of which one is drawn."""
PLACES = 100
"""First genes of each ranking whose scores are kept."""

CONTROL_WORDS: dict[str, str] = {
    "random_target": "random metabolites",
    "shuffled_baits": "random genes as baits",
    "both": "random metabolites and random genes as baits",
}
"""What stands in the place of the real thing."""
_SPEAKS_NOT = {
    "random_target": "its height does not speak for the metabolites",
    "shuffled_baits": "its height does not speak for the baits",
}


def random_target(values: FloatArray, member_rows: IntArray, *, seed: int) -> IntArray | None:
    """Draw metabolites outside a target that vary as much as its members do.

    Parameters
    ----------
    values : ndarray, shape=(n_metabolites, n_samples)
        Prepared (log2) values of all metabolites; NaN where missing.
    member_rows : ndarray, shape=(n_members,), dtype=int64
        Rows of the metabolites of the target.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, dtype=int64, or None
        As many rows outside the target as it has members that vary, without repeats. For one member after the other,
        those metabolites outside the target that are still free are ordered by ``|ln s^2 - ln s_member^2|``, with s^2
        the variance (n - 1) over the samples with a value, and one of the first 20 is drawn with equal chances. A
        metabolite that does not vary is neither matched nor drawn. Fewer rows where fewer metabolites are left; None
        where none is, as for a target of all metabolites.
    """
    _, log_variance = _moments(values)
    return _matched(log_variance[:, None], member_rows, nearest=NEAREST_METABOLITES, seed=seed)


def shuffled_baits(expression: FloatArray, bait_rows: IntArray, *, seed: int) -> IntArray | None:
    """Draw genes that are no baits and are expressed as much and as variably as the baits.

    Parameters
    ----------
    expression : ndarray, shape=(n_genes, n_samples)
        Prepared (log2) expression; NaN where missing.
    bait_rows : ndarray, shape=(n_baits,), dtype=int64
        Rows of the baits of the target.
    seed : int
        Seed of the draw.

    Returns
    -------
    ndarray, dtype=int64, or None
        As many rows as there are baits that vary, none of them a bait, without repeats. For one bait after the other,
        the genes that are still free are ordered by their Euclidean distance from it in mean and ln of the variance,
        each divided by its standard deviation over the genes that vary, and one of the first 50 is drawn with equal
        chances. Fewer where fewer genes are left, None where none is.
    """
    mean, log_variance = _moments(expression)
    varied = ~np.isnan(log_variance)
    if not varied.any():
        return None
    points = np.column_stack([np.where(varied, mean, np.nan), log_variance])
    spread = np.nanstd(points, axis=0)
    return _matched(points / np.where(spread > 0, spread, 1.0), bait_rows, nearest=NEAREST_GENES, seed=seed)


def control_table(target: str, scores: Mapping[str, FloatArray]) -> pd.DataFrame:
    """List the best scores of a target and of its controls.

    Parameters
    ----------
    target : str
        Name of the target.
    scores : mapping of str to ndarray, shape=(n_genes,)
        Fused score of every gene, by `real`, `random_target`, `shuffled_baits` (with the real target) and `both`; NaN
        where a gene has none. Controls that could not be run are absent.

    Returns
    -------
    DataFrame
        Contract `negative_controls`: the 100 best scores of each at most, place 1 the best.
    """
    blocks = []
    for control, values in scores.items():
        best = _best_first(values)[:PLACES]
        places = np.arange(1, len(best) + 1, dtype=np.int64)
        blocks.append(pd.DataFrame({"target": target, "control": control, "place": places, "score": best}))
    table = pd.concat(blocks, ignore_index=True)
    return table.astype({"target": "str", "control": "str", "score": np.float64})


def control_sentence(target: str, scores: Mapping[str, FloatArray]) -> str:
    """Say how the best score of a target compares with those of its controls.

    Parameters
    ----------
    target, scores
        As for `control_table`.

    Returns
    -------
    str
        The target is held against the control in which nothing is real: `both` where it was run, else the only one.
        Where that reaches the best real score, a top as high comes up by chance as well. A control is drawn once, and
        the best scores of rankings are alike by construction, so the sentence says no more.
    """
    real = _best_first(scores["real"])
    best = {name: values[0] for name in CONTROL_WORDS if len(values := _best_first(scores.get(name, np.empty(0))))}
    if not len(real):
        return f"No gene could be ranked for {target}, so there is nothing to hold against a negative control."
    if not best:
        return (
            f"There is no negative control for {target}: no other metabolite could take the place of its metabolites, "
            "and no other gene that of its baits."
        )
    judged = "both" if "both" in best else max(best, key=lambda name: best[name])
    above = int(np.count_nonzero(real > best[judged]))
    facts = (
        f"Negative control: the best score of {target} is {real[0]:#.4g}; with {CONTROL_WORDS[judged]} of like "
        f"variance it is {best[judged]:#.4g}"
    )
    parts = "".join(_part(name, best[name], float(real[0])) for name in best if name != judged)
    if not above:
        return f"{facts}: a top as high as this comes up by chance as well.{parts}"
    genes = "1 gene scores" if above == 1 else f"{above:,} genes score"
    return f"{facts}: {genes} above the best gene of the control.{parts}"


def _part(control: str, best: float, real: float) -> str:
    """Say what a control shows in which only one of two things is drawn at random."""
    verdict = f", as high as the real one: {_SPEAKS_NOT[control]}" if best >= real else ""
    return f" With {CONTROL_WORDS[control]} alone it is {best:#.4g}{verdict}."


def _best_first(scores: FloatArray) -> Float64Array:
    known = np.asarray(scores, dtype=np.float64)
    return np.sort(known[~np.isnan(known)])[::-1]


def _moments(values: FloatArray) -> tuple[Float64Array, Float64Array]:
    """Return mean and ln of the variance of each row, shape=(n_rows,); NaN for the variance of a row that is constant.

    Constant is what has no two different values, since rounding gives a variance to equal ones.
    """
    known = ~np.isnan(values)
    size = known.sum(axis=1)
    exact = np.where(known, values, 0).astype(np.float64)
    mean = np.where(size > 0, exact.sum(axis=1) / np.maximum(size, 1), np.nan)
    squares = np.square(np.where(known, exact - mean[:, None], 0.0)).sum(axis=1)
    varied = (size > 1) & (np.fmax.reduce(values, axis=1) > np.fmin.reduce(values, axis=1)) & (squares > 0)
    variance = np.where(varied, squares, 1.0) / np.maximum(size - 1, 1)
    return mean, np.where(varied, np.log(variance), np.nan)


def _matched(points: Float64Array, rows: IntArray, *, nearest: int, seed: int) -> IntArray | None:
    """Draw one of the `nearest` free rows for each of `rows`; a row with a NaN is neither matched nor drawn."""
    rng = np.random.default_rng(seed)
    usable = np.asarray(~np.isnan(points).any(axis=1))
    free = usable.copy()
    free[rows] = False
    drawn: list[int] = []
    for row in rows[usable[rows]]:
        left = np.flatnonzero(free)
        if not len(left):
            break
        distance = np.square(points[left] - points[row]).sum(axis=1)
        chosen = int(rng.choice(left[np.argsort(distance, kind="stable")[:nearest]]))
        free[chosen] = False
        drawn.append(chosen)
    return np.array(drawn, dtype=np.int64) if drawn else None
