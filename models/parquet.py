"""Frames to Parquet bytes and back, checked against the table contract.

The bytes depend on the values alone, so that equal tables have equal hashes.
"""

import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from configs.columns import TableContract
from configs.errors import CairnError
from configs.tables import CONTRACTS

_TYPES = {
    "string": pa.string(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
}


_FORMAT = {"compression": "zstd", "version": "2.6"}
ROW_GROUP = 2**18
"""Rows that a row group of a table written piece by piece has at least."""


class ContractError(CairnError):
    """A table does not hold what its contract promises."""


def encode_frame(frame: pd.DataFrame, kind: str, *, held_back: bool = False) -> bytes:
    """Encode `frame` as Parquet of the contract `kind`; raises ContractError where it does not fit.

    With `held_back`, a value may be absent in any column, as in tables for others.
    """
    sink = io.BytesIO()
    pq.write_table(_table(frame, kind, held_back=held_back), sink, **_FORMAT)
    return sink.getvalue()


def write_frames(frames: Iterable[pd.DataFrame], kind: str, sink: BinaryIO) -> int:
    """Write frames, at least one, as the row groups of one Parquet file of the contract `kind`; returns its rows.

    Small frames share a row group, so that no more than `ROW_GROUP` rows and one frame are held.
    """
    groups = _row_groups(frames)
    first = _table(next(groups), kind)
    rows = len(first)
    with pq.ParquetWriter(sink, first.schema, **_FORMAT) as writer:
        writer.write_table(first)
        for frame in groups:
            writer.write_table(_table(frame, kind))
            rows += len(frame)
    return rows


def decode_frame(content: bytes, kind: str) -> pd.DataFrame:
    """Decode Parquet bytes of the contract `kind`; raises ContractError for another kind or version."""
    table = pq.read_table(pa.BufferReader(content))
    _check_kind(table.schema, kind)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def iterate_frames(content: bytes, kind: str, rows: int) -> Iterator[pd.DataFrame]:
    """Decode Parquet bytes of the contract `kind` in pieces of at most `rows` rows, without holding all of them."""
    file = pq.ParquetFile(pa.BufferReader(content))
    _check_kind(file.schema_arrow, kind)
    for batch in file.iter_batches(rows):
        yield batch.to_pandas()


def _check_kind(schema: pa.Schema, kind: str) -> None:
    contract, metadata = CONTRACTS[kind], schema.metadata or {}
    found = (metadata.get(b"kind", b"").decode(), metadata.get(b"schema_version", b"").decode())
    if found != (kind, str(contract.schema_version)):
        message = f"wanted a table {kind!r} version {contract.schema_version}, found {found[0]!r} version {found[1]!r}"
        raise ContractError(message)


def _table(frame: pd.DataFrame, kind: str, *, held_back: bool = False) -> pa.Table:
    schema = _schema(frame, CONTRACTS[kind])
    if held_back:
        schema = pa.schema([field.with_nullable(True) for field in schema], metadata=schema.metadata)
    try:
        return pa.Table.from_pandas(frame, schema=schema, preserve_index=False, safe=True)
    except (ValueError, pa.ArrowTypeError) as error:  # ArrowInvalid is a ValueError
        message = f"table {kind!r}: {error}"
        raise ContractError(message) from error


def _row_groups(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    waiting: list[pd.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= ROW_GROUP:
            yield pd.concat(waiting, ignore_index=True)
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)


def _schema(frame: pd.DataFrame, contract: TableContract) -> pa.Schema:
    named = {column.name: column for column in contract.columns}
    missing = [name for name in named if name not in frame.columns]
    further = [str(name) for name in frame.columns if name not in named]
    if missing or (further and contract.further is None):
        message = f"table {contract.kind!r}: columns missing {missing}, columns too many {further[:5]}"
        raise ContractError(message)
    fields = [pa.field(column.name, _TYPES[column.dtype], nullable=column.nullable) for column in contract.columns]
    if contract.further is not None:
        fields += [pa.field(name, _TYPES[contract.further]) for name in further]
    metadata = {"kind": contract.kind, "schema_version": str(contract.schema_version)}
    return pa.schema(fields, metadata=metadata)
