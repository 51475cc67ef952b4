import errno

import pytest

from configs.errors import TableError
from tasks.caching import ContentKey
from tasks.prepare import prepare
from tasks.stage import is_transient


@pytest.mark.parametrize(
    ("error", "helps"),
    [
        (ConnectionResetError("gone"), True),
        (TimeoutError("slow"), True),
        (OSError(errno.ESTALE, "stale file handle"), True),
        (OSError(errno.ENOSPC, "no space"), False),
        (TableError(wanted="numbers", found="text", where="a.tsv", remedy="Correct it."), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, *, helps: bool) -> None:
    assert is_transient(error) == helps


def test_a_stage_is_cached_by_content_and_keeps_json() -> None:
    assert isinstance(prepare.cache_policy, ContentKey)
    assert (prepare.persist_result, prepare.result_serializer, prepare.retries) == (True, "json", 2)
