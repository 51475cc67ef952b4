"""Tables with one row a gene and sample, spread to one row a gene."""

import numpy as np
import pandas as pd
import pyarrow as pa

from configs.errors import TableError, counted, first_of
from models.raw_table import RawTable

_GENE, _PARTS = "tracking_id", ("condition", "replicate")
_VALUES = ("FPKM", "raw_frags", "internal_scaled_frags", "external_scaled_frags")
READ_GROUPS = "tracking_id of read groups"
"""Header of the ids of a spread table of Cuffdiff's read groups."""


def widened(raw: RawTable) -> RawTable:
    """Return Cuffdiff's `read_group_tracking` with one row a gene and one column a kind and sample; others stay.

    Raises
    ------
    TableError
        Where a gene has two rows of one sample.
    """
    if not {_GENE, *_PARTS, *_VALUES[:2]} <= set(raw.header):
        return raw
    columns = {name: raw.text(raw.header.index(name)) for name in raw.header}
    frame = pd.DataFrame(columns, dtype="str")
    frame["sample"] = frame[_PARTS[0]] + "_" + frame[_PARTS[1]]
    repeated = frame.duplicated([_GENE, "sample"])
    if repeated.any():
        raise TableError(
            wanted="one row for each gene and replicate",
            found=f"{counted(int(repeated.sum()), 'repeated row')}, of {first_of(frame.loc[repeated, _GENE].unique())}",
            where=raw.file,
            remedy="Give the file as Cuffdiff wrote it.",
        )
    kinds = [name for name in _VALUES if name in frame]
    status = frame["status"] if "status" in frame else pd.Series("OK", index=frame.index)
    failed = status.isin(["FAIL", "HIDATA"])
    frame.loc[failed, kinds] = None
    wide = frame.pivot(index=_GENE, columns="sample", values=kinds)  # noqa: PD010 - pairs are unique
    wide = wide.reindex(index=frame[_GENE].unique())
    header = (READ_GROUPS, *(" ".join(column) for column in wide.columns))
    arrays = [pa.array(wide.index, pa.large_string())]
    arrays += [pa.array(wide[column], pa.large_string(), from_pandas=True) for column in wide.columns]
    first = np.unique(frame[_GENE].to_numpy(dtype=object), return_index=True)[1]
    notes = (*raw.notes, f"{raw.file} has one row a gene and replicate; it was spread to one row a gene.")
    if failed.any():
        notes = (
            *notes,
            f"{raw.file}: {counted(int(failed.sum()), 'row')} of status FAIL or HIDATA are missing values.",
        )
    return RawTable(raw.file, header, tuple(arrays), raw.rows[np.sort(first)], notes, raw.form)
