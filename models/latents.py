"""Tables of latents: one row a sample, one column a dimension."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import KNNImputer

from models.arrays import BoolArray, Float32Array
from models.scaling import standardise

_FIRST_DIMENSION = 4
"""Columns before the dimensions: fold, layer, sample_id, held_out."""
_DONORS = 5
"""Training samples that a missing layer is filled in from."""


def latent_table(
    latents: npt.NDArray[np.float32],
    *,
    fold: str,
    layer: str,
    sample_ids: Sequence[str],
    held_out: Sequence[bool],
) -> pd.DataFrame:
    """Return latents, shape=(n_samples, n_latents), as the contract `latents`."""
    frame = pd.DataFrame(latents, columns=[f"z{index:03d}" for index in range(latents.shape[1])])
    frame.insert(0, "fold", fold)
    frame.insert(1, "layer", layer)
    frame.insert(2, "sample_id", pd.Series(list(sample_ids), dtype="str"))
    frame.insert(3, "held_out", np.array(held_out, dtype=bool))
    return frame


def concatenated_latents(tables: Mapping[str, pd.DataFrame], sample_ids: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return the latents of all layers side by side, shape=(len(sample_ids), sum of latents); layers by name."""
    blocks = [
        tables[name].set_index("sample_id").loc[list(sample_ids)].iloc[:, _FIRST_DIMENSION - 1 :].to_numpy(np.float32)
        for name in sorted(tables)
    ]
    return np.concatenate(blocks, axis=1)


def joint_features(
    tables: Mapping[str, pd.DataFrame], sample_ids: Sequence[str], train: BoolArray, *, standardised: bool
) -> Float32Array:
    """Return the latents, or other scores, of all layers side by side, filled in where a sample lacks a layer.

    What a sample lacks is the mean over the 5 training samples that are nearest to it in what it has (Euclidean
    distance over the common dimensions; Troyanskaya et al. 2001, https://doi.org/10.1093/bioinformatics/17.6.520), and
    0, the training mean, where no training sample has the layer.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of the contract `latents` by layer.
    sample_ids : sequence of str
        Samples wanted; each is in at least one layer.
    train : ndarray, shape=(n_samples,), dtype=bool
        Samples that means, standard deviations and neighbours are taken from.
    standardised : bool
        Give every dimension mean 0 and standard deviation 1 over the training samples first.

    Returns
    -------
    ndarray, shape=(n_samples, sum of latents), dtype=float32
        Layers by name.
    """
    blocks = [
        tables[name].set_index("sample_id").reindex(list(sample_ids)).iloc[:, _FIRST_DIMENSION - 1 :]
        for name in sorted(tables)
    ]
    features: Float32Array = np.concatenate([block.to_numpy(np.float32) for block in blocks], axis=1)
    features = standardise(features, train) if standardised else features
    if not np.isnan(features).any():
        return features
    imputer = KNNImputer(n_neighbors=_DONORS, keep_empty_features=True).fit(features[train])
    filled: Float32Array = imputer.transform(features).astype(np.float32)
    return filled


def latent_scale(table: pd.DataFrame, roles: Mapping[str, str]) -> npt.NDArray[np.float64]:
    """Return the standard deviation of each dimension over the training samples, 1 for a constant one."""
    train = [roles.get(sample) == "train" for sample in table["sample_id"]]
    scale: npt.NDArray[np.float64] = table.loc[train].iloc[:, _FIRST_DIMENSION:].to_numpy(np.float64).std(axis=0)
    return np.where(scale > 0, scale, 1.0)
