"""Which errors may pass by themselves."""

import errno

_ERRNO = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNRESET,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETUNREACH,
    errno.EREMOTEIO,  # what s3fs makes of the status 500; 503 is EBUSY
    errno.ESTALE,
    errno.ETIMEDOUT,
}
# By name, since they come from optional packages; the connection errors of botocore are none of Python's.
_NAMES = {
    "aiohttp.client_exceptions.ClientConnectionError",
    "aiohttp.client_exceptions.ClientPayloadError",
    "botocore.exceptions.ConnectionError",
    "botocore.exceptions.HTTPClientError",
    "botocore.exceptions.ResponseStreamingError",
    "torch.OutOfMemoryError",
    "torch.cuda.OutOfMemoryError",
}
_NEVER = {"botocore.exceptions.SSLError", "botocore.exceptions.ProxyConnectionError"}


def is_transient(error: BaseException) -> bool:
    """Say whether trying again can help: a network, a shared disk or a busy GPU; never bad input."""
    names = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}
    if names & _NEVER:
        return False
    if isinstance(error, ConnectionError | TimeoutError) or names & _NAMES:
        return True
    return isinstance(error, OSError) and error.errno in _ERRNO
