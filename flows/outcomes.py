"""What a fold that is trained in another process tells its parent: its record, or the error that ended it.

It travels through the Prefect server, as an input of the fold's flow run, so that parent and child need no more in
common than the server and the artifact store.
"""

from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from pydantic import BaseModel, ConfigDict

from configs import errors
from configs.errors import CairnError, FoldError, LostWorkError, UserError
from tasks.records import FoldTraining
from tasks.transient import is_transient

_KEY = "outcome"
_MOST = 100


class Complaint(BaseModel):
    """An error as plain JSON; `parts` are those of a user error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    message: str
    parts: dict[str, str] | None = None
    transient: bool = False

    @classmethod
    def of(cls, error: Exception) -> "Complaint":
        """Return what is worth telling about an error."""
        parts = None
        if isinstance(error, UserError):
            parts = {"wanted": error.wanted, "found": error.found, "where": error.where, "remedy": error.remedy}
        return cls(kind=type(error).__name__, message=str(error), parts=parts, transient=is_transient(error))

    def error(self, fold: str) -> CairnError:
        """Return the error again: a user error as it was, another one with the name of the fold."""
        kind = getattr(errors, self.kind, None)
        if self.parts is not None and isinstance(kind, type) and issubclass(kind, UserError):
            return kind(**self.parts)
        message = f"fold {fold}: {self.message}"
        return LostWorkError(message) if self.transient else FoldError(message)


class Outcome(BaseModel):
    """How the training of a fold ended: one of the two is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: FoldTraining | None = None
    complaint: Complaint | None = None


def tell(flow_run: FlowRun, outcome: Outcome) -> None:
    """Leave the outcome of a flow run for its parent; a run that is started again leaves another one."""
    with get_client(sync_client=True) as client:
        client.create_flow_run_input(flow_run.id, f"{_KEY}-{flow_run.run_count}", outcome.model_dump_json())


def ask(client: SyncPrefectClient, flow_run: UUID) -> Outcome | None:
    """Return the last outcome that a flow run has left, if there is one."""
    told = client.filter_flow_run_input(flow_run, key_prefix=_KEY, limit=_MOST, exclude_keys=set())
    return Outcome.model_validate_json(told[-1].value) if told else None
