"""A small correlation matrix for a figure."""

import numpy as np
import numpy.typing as npt
import pandas as pd


def correlation_matrix(genes: npt.NDArray[np.float32], metabolites: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return Spearman correlations, shape=(n_genes, n_metabolites), pairwise complete; for tens of rows each."""
    table = pd.DataFrame(np.concatenate([genes, metabolites]).T.astype(np.float64))
    matrix: npt.NDArray[np.float64] = table.corr(method="spearman").to_numpy()
    return matrix[: len(genes), len(genes) :]
