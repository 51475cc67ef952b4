"""One omics table in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One omics table, features down and samples across.

    Attributes
    ----------
    name : str
        Layer name of the study file.
    values : ndarray, shape=(n_features, n_samples), dtype=float32
        Values; missing ones are NaN.
    feature_ids, sample_ids : tuple of str
        Row and column ids, each without duplicates.
    """

    name: str
    values: npt.NDArray[np.float32]
    feature_ids: tuple[str, ...]
    sample_ids: tuple[str, ...]

    def columns_of(self, sample_ids: tuple[str, ...]) -> npt.NDArray[np.float32]:
        """Return the columns of `sample_ids`, shape=(n_features, len(sample_ids)); raises KeyError for unknown ones."""
        position = {sample: index for index, sample in enumerate(self.sample_ids)}
        return self.values[:, [position[sample] for sample in sample_ids]]

    def positions_of(self, feature_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the rows of `feature_ids`; raises KeyError for an unknown one."""
        position = {feature: index for index, feature in enumerate(self.feature_ids)}
        return np.array([position[feature] for feature in feature_ids], dtype=np.int64)

    def measured(self, max_missing: float) -> npt.NDArray[np.bool_]:
        """Say which features are missing in at most a share of `max_missing` of the samples."""
        few: npt.NDArray[np.bool_] = np.isnan(self.values).mean(axis=1) <= max_missing
        return few

    def to_frame(self) -> pd.DataFrame:
        """Return the table of the contract `layer`."""
        frame = pd.DataFrame(self.values, columns=list(self.sample_ids))
        frame.insert(0, "feature_id", pd.Series(self.feature_ids, dtype="str"))
        return frame

    @classmethod
    def from_frame(cls, name: str, frame: pd.DataFrame) -> "Layer":
        """Build a layer from a table of the contract `layer`."""
        samples = tuple(str(column) for column in frame.columns[1:])
        values = np.ascontiguousarray(frame[list(samples)].to_numpy(dtype=np.float32))
        return cls(name, values, tuple(frame["feature_id"].tolist()), samples)

    def ordered(self) -> "Layer":
        """Return the layer with features and samples ordered by their ids."""
        samples = tuple(sorted(self.sample_ids))
        order = np.argsort(np.array(self.feature_ids, dtype=object), kind="stable")
        values = np.ascontiguousarray(self.columns_of(samples)[order])
        return Layer(self.name, values, tuple(self.feature_ids[row] for row in order), samples)

    def restricted_to(self, sample_ids: tuple[str, ...]) -> "Layer":
        """Return the layer with the columns `sample_ids`, in that order."""
        return Layer(self.name, np.ascontiguousarray(self.columns_of(sample_ids)), self.feature_ids, sample_ids)
