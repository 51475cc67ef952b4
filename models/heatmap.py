"""A small correlation matrix for a figure."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.study import CorrelationMethod
from models.arrays import FloatArray
from models.measures import MIN_SAMPLES
from models.pearson import biweighted


def correlation_matrix(
    genes: npt.NDArray[np.float32], metabolites: npt.NDArray[np.float32], *, method: CorrelationMethod = "spearman"
) -> npt.NDArray[np.float64]:
    """Correlate tens of genes with tens of metabolites.

    Parameters
    ----------
    genes, metabolites : ndarray, shape=(n_genes, n_samples) and (n_metabolites, n_samples), dtype=float32
        The same samples on both sides; NaN where missing.
    method : {'spearman', 'pearson', 'bicor'}
        As in the study.

    Returns
    -------
    ndarray, shape=(n_genes, n_metabolites), dtype=float64
        Each over the samples that have both values; NaN below 4 of them, and where a side does not vary.
    """
    table = pd.DataFrame(np.concatenate([genes, metabolites]).T.astype(np.float64))
    measure: Any = _bicor if method == "bicor" else method  # the stubs of pandas know no callable
    matrix: npt.NDArray[np.float64] = table.corr(method=measure, min_periods=MIN_SAMPLES).to_numpy()
    return matrix[: len(genes), len(genes) :]


def _bicor(first: FloatArray, second: FloatArray) -> float:
    pair = np.stack([first, second])
    left, right = biweighted(pair)
    return float(left @ right) if (np.ptp(pair, axis=1) > 0).all() else np.nan
