"""Starting the embedded Prefect server early; imports no more than that takes."""

from prefect.client.orchestration import get_client


def start_server() -> None:
    """Start the embedded server, unless the environment names one; it serves this process until it ends."""
    with get_client(sync_client=True) as client:
        client.api_version()
