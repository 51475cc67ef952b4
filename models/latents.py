"""Tables of latents: one row a sample, one column a dimension."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

_FIRST_DIMENSION = 4
"""Columns before the dimensions: fold, layer, sample_id, held_out."""


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


def latent_scale(table: pd.DataFrame, roles: Mapping[str, str]) -> npt.NDArray[np.float64]:
    """Return the standard deviation of each dimension over the training samples, 1 for a constant one."""
    train = [roles.get(sample) == "train" for sample in table["sample_id"]]
    scale: npt.NDArray[np.float64] = table.loc[train].iloc[:, _FIRST_DIMENSION:].to_numpy(np.float64).std(axis=0)
    return np.where(scale > 0, scale, 1.0)
