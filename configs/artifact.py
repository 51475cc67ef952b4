"""References to immutable files: what travels between tasks in place of tables and tensors."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Extension = Literal["parquet", "safetensors", "json", "png", "svg", "xlsx", "html", "csv"]


class Artifact(BaseModel):
    """An immutable file, named by the SHA-256 of its content.

    `uri` is relative to the store, so that a reference stays good when the store moves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    kind: str
    n_bytes: Annotated[int, Field(ge=0)]
    rows: Annotated[int, Field(ge=0)] | None = None
    schema_version: Annotated[int, Field(ge=1)] = 1
