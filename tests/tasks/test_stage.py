import errno

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, NoCredentialsError, SSLError

from configs.errors import TableError
from tasks.caching import ContentKey
from tasks.prepare import prepare
from tasks.stage import RETRY_DELAYS
from tasks.transient import is_transient


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ConnectionResetError("gone"), True),
        (TimeoutError("slow"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (EndpointConnectionError(endpoint_url="http://localhost:1"), True),
        (ConnectionClosedError(endpoint_url="http://localhost:1"), True),
        (OSError(errno.EREMOTEIO, "InternalError"), True),
        (SSLError(endpoint_url="https://localhost:1", error="self-signed certificate"), False),
        (NoCredentialsError(), False),
        (OSError(errno.ENOSPC, "no space"), False),
        (TableError(wanted="numbers", found="text", where="a.tsv", remedy="Correct it."), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, *, helps: bool) -> None:
    assert is_transient(error) == helps


def test_a_stage_is_cached_by_content_and_keeps_json() -> None:
    assert isinstance(prepare.cache_policy, ContentKey)
    assert (prepare.persist_result, prepare.result_serializer) == (True, "json")


def test_tries_outlast_a_minute_without_the_store() -> None:
    assert prepare.retries == len(RETRY_DELAYS)
    assert prepare.retry_delay_seconds == list(RETRY_DELAYS)
    assert 60 < sum(RETRY_DELAYS) < 90
