"""Raw layers to prepared ones: comparable samples, log2 scale, features that can tell something.

Nothing here is learnt across samples but the reference of the normalisation; means and scales belong to the folds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.errors import TableError, first_of
from configs.study import PreprocessConfig, Role, Unit
from models.layer import Layer
from models.normalise import counts_per_million, scale_intensities


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A prepared layer.

    Attributes
    ----------
    layer : Layer
        Log2 values; missing ones are NaN.
    trainable : Layer
        The same with the features that are missing in too many samples: each fold decides about those by its own
        training samples, since a held-out score may depend on it.
    dropped : DataFrame
        Contract `dropped`: the features left out, each with the reason.
    notes : tuple of str
        Plain sentences.
    """

    layer: Layer
    trainable: Layer
    dropped: pd.DataFrame
    notes: tuple[str, ...]


def prepare_layer(layer: Layer, *, unit: Unit, role: Role, config: PreprocessConfig) -> Prepared:
    """Normalise the samples of `layer`, take log2(x + 1) and drop features that tell nothing.

    Parameters
    ----------
    layer : Layer
        Values as given.
    unit : Unit
        `counts` become counts per million; `log2` stays as it is; all but `log2` become log2(x + 1).
    role : Role
        Layers of `metabolites` are corrected for dilution.
    config : PreprocessConfig
        Normalisations and the largest share of missing samples.

    Returns
    -------
    Prepared

    Raises
    ------
    TableError
        Where a sample is zero throughout, or no feature is left.
    """
    values, notes = _normalised(layer, unit, role, config)
    scaled = (values if unit == "log2" else np.log2(values + 1)).astype(np.float32)
    reasons = _reasons(scaled, config.max_missing)
    kept = reasons == ""
    if not kept.any():
        raise _nothing_left(layer.name, reasons)
    ids = np.asarray(layer.feature_ids, dtype=object)
    dropped = pd.DataFrame({"layer": layer.name, "feature_id": ids[~kept], "reason": reasons[~kept]}, dtype="str")
    if len(dropped):
        counts = ", ".join(f"{count} {reason}" for reason, count in dropped["reason"].value_counts().items())
        names = first_of(dropped["feature_id"])
        notes = (*notes, f"{layer.name}: {len(dropped)} of {len(kept)} features were dropped ({counts}): {names}.")

    def part(rows: npt.NDArray[np.bool_]) -> Layer:
        return Layer(layer.name, scaled[rows], tuple(ids[rows]), layer.sample_ids)

    return Prepared(part(kept), part(_varied(scaled)), dropped, notes)


def _normalised(
    layer: Layer, unit: Unit, role: Role, config: PreprocessConfig
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    values = np.asarray(layer.values, dtype=np.float64)
    method = config.metabolite_normalisation if role == "metabolites" else "none"
    notes: list[str] = []
    if unit == "counts":
        values = counts_per_million(values, layer.sample_ids, tmm=config.count_normalisation == "tmm")
        factors = " with TMM factors" if config.count_normalisation == "tmm" else ""
        notes.append(f"{layer.name}: counts were scaled to counts per million{factors}.")
    if method != "none" and unit == "log2":
        notes.append(f"{layer.name} is on a log2 scale already, so the normalisation {method} was not applied.")
    elif method != "none":
        values = scale_intensities(values, layer.sample_ids, method=method)
        notes.append(f"{layer.name}: samples were normalised ({method}).")
    return values, tuple(notes)


def _reasons(values: npt.NDArray[np.float32], max_missing: float) -> npt.NDArray[np.object_]:
    """Say for each feature why it is dropped; '' where it stays."""
    share = np.isnan(values).mean(axis=1)
    reasons = np.full(len(values), "", dtype=object)
    reasons[~_varied(values)] = "constant"
    reasons[share > max_missing] = f"missing in more than {max_missing:.0%} of the samples"
    reasons[share == 1] = "missing in every sample"
    return reasons


def _varied(values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Say which features have at least two different values."""
    missing = np.isnan(values)
    highest = np.where(missing, -np.inf, values).max(axis=1)
    varied: npt.NDArray[np.bool_] = highest > np.where(missing, np.inf, values).min(axis=1)
    return varied


def _nothing_left(name: str, reasons: npt.NDArray[np.object_]) -> TableError:
    counts = pd.Series(reasons).value_counts()
    return TableError(
        wanted="at least one feature that varies between samples",
        found="none: " + ", ".join(f"{count} {reason}" for reason, count in counts.items()),
        where=f"layer {name}",
        remedy="Check that the right table was given and what `zeros` and preprocess.max_missing say.",
    )
