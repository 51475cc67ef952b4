"""Columns of tables, and what makes a contract of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Dtype = Literal["string", "float32", "float64", "int32", "int64", "bool"]


class Column(BaseModel):
    """One column: `unit` is free text, `nullable` says whether a value may be absent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    dtype: Dtype
    unit: str = ""
    nullable: bool = False


class TableContract(BaseModel):
    """What a Parquet kind holds.

    `further` is the dtype of the columns beyond the named ones (samples of a layer, labels of a sample sheet,
    dimensions of a latent); without it no further column is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    schema_version: int
    columns: tuple[Column, ...]
    further: Dtype | None = None


def text(name: str, *, nullable: bool = False) -> Column:
    """Return a column of text."""
    return Column(name=name, dtype="string", nullable=nullable)


def number(name: str, unit: str = "", *, nullable: bool = False) -> Column:
    """Return a column of float64 numbers."""
    return Column(name=name, dtype="float64", unit=unit, nullable=nullable)


def count(name: str, unit: str = "", *, nullable: bool = False) -> Column:
    """Return a column of whole numbers."""
    return Column(name=name, dtype="int64", unit=unit, nullable=nullable)


def small_count(name: str, unit: str = "") -> Column:
    """Return a column of whole numbers that fit four bytes."""
    return Column(name=name, dtype="int32", unit=unit)


def contract(kind: str, *columns: Column, further: Dtype | None = None, version: int = 1) -> TableContract:
    """Return the contract of a kind."""
    return TableContract(kind=kind, schema_version=version, columns=columns, further=further)
