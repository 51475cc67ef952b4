"""Robust rank aggregation: whether a gene is higher in its lists than chance puts it."""

import numpy as np
from scipy.special import betainc

from models.arrays import Float64Array


def rank_aggregation_p(ranks: Float64Array) -> Float64Array:
    """Test each gene for normalised ranks that are smaller than those of a gene placed at random.

    Parameters
    ----------
    ranks : ndarray, shape=(n_lists, n_genes), dtype=float64
        Place over length of the list, in (0, 1], small is strong; NaN where a list lacks the gene.

    Returns
    -------
    ndarray, shape=(n_genes,), dtype=float64
        With the `k` known ranks of a gene in ascending order, ``p = min(1, k rho)`` and ``rho = min over j of
        P(Beta(j, k - j + 1) <= u_(j))``: the chance that at least `j` of `k` uniform ranks are as small as the j-th
        smallest. The factor is the Bonferroni correction for taking the best `j`. A gene in no list gets NaN.

    Notes
    -----
    A few uninformative lists do little harm, since only the best `j` counts. Where lists go together, as evidence
    from the same samples does, the p-values are too small; they order genes, but are no significance of a gene.

    References
    ----------
    Kolde et al. 2012, doi:10.1093/bioinformatics/btr709.
    """
    ordered = np.sort(ranks, axis=0)  # NaN last
    known = np.count_nonzero(~np.isnan(ranks), axis=0)
    p = np.full(ranks.shape[1], np.nan)
    for count in np.unique(known[known > 0]):
        genes = known == count
        p[genes] = _corrected(ordered[:count, genes])
    return p


def _corrected(ordered: Float64Array) -> Float64Array:
    """Return p of genes that all have the same number of ranks, ascending, shape=(n_known, n_genes)."""
    count = len(ordered)
    smallest = np.ones(ordered.shape[1])
    for number, ranks in enumerate(ordered, start=1):
        np.minimum(smallest, betainc(number, count - number + 1, ranks), out=smallest)
    return np.minimum(1.0, count * smallest)
