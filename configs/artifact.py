"""What travels between tasks in place of tables and tensors: references to files, and where to work."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Extension = Literal["parquet", "safetensors", "json", "png", "svg", "pdf", "xlsx", "html"]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Artifact(BaseModel):
    """An immutable file, named by the SHA-256 of its content.

    `uri` is relative to the store, so that a reference stays good when the store moves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: Annotated[str, StringConstraints(pattern=r"^objects/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z]+$")]
    sha256: Sha256
    kind: str
    n_bytes: Annotated[int, Field(ge=0)]
    rows: Annotated[int, Field(ge=0)] | None = None
    schema_version: Annotated[int, Field(ge=1)] = 1


class SourceFile(BaseModel):
    """A file that the user named; for caching it counts by its content alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str

    @property
    def name(self) -> str:
        """Name of the file without its folder, for messages."""
        return Path(self.path).name


class Runtime(BaseModel):
    """Where to work: no part of what is computed, so no part of any cache key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: Annotated[str, Field(description="URL of the artifact store.")]
    checkpoints: Annotated[str, Field(description="Folder of training checkpoints.")]
    study: Annotated[str, Field(description="Name of the study, for names of runs and keys in the Prefect UI.")] = ""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    folds: Annotated[
        Literal["inline", "subprocess", "deployment", "dask", "ray"], Field(description="Where folds are trained.")
    ] = "inline"
    deployment: Annotated[str, Field(description="Deployment that trains a fold, as flow/deployment.")] = ""
    parallel_folds: Annotated[int, Field(ge=1, description="Folds that are trained at the same time.")] = 1
    timeout_seconds: Annotated[float, Field(gt=0, description="Longest that another program may take.")] = 3600.0
