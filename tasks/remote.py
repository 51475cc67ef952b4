"""Where a store lies: opening it by its URL, and what its errors mean to a person."""

from typing import Any

import fsspec

from configs.errors import OutputError
from tasks.places import output_error
from tasks.transient import is_transient

_EXTRAS = {"s3": "s3", "s3a": "s3"}


def open_place(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it; raises OutputError where there can be none."""
    scheme = url.partition("://")[0]
    try:
        # A listing kept in memory would hide what other machines wrote or removed.
        filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        extra = _EXTRAS.get(scheme)
        install = f"pip install --editable '.[{extra}]'" if extra else "the package that the message names"
        raise OutputError(
            wanted=f"the package that reads {scheme}:// addresses",
            found=f"it is not installed ({error})",
            where=url,
            remedy=f"Install it: {install}." if extra else f"Install {install}.",
        ) from error
    except ValueError as error:
        raise OutputError(
            wanted="a folder or an address such as s3://bucket/folder",
            found=f"an address of an unknown kind ({error})",
            where=url,
            remedy="Correct store.url in the study file.",
        ) from error
    if "://" in url and not root.strip("/"):
        raise OutputError(
            wanted="a bucket or a folder in the address of the store",
            found="none",
            where=url,
            remedy="Write store.url as s3://bucket/folder.",
        )
    return filesystem, root


def is_object_store(filesystem: Any) -> bool:  # noqa: ANN401 - fsspec has no types
    """Say whether there are no folders to make; s3fs would make the bucket instead."""
    return bool(set(protocols(filesystem)) & set(_EXTRAS))


def protocols(filesystem: Any) -> tuple[str, ...]:  # noqa: ANN401 - fsspec has no types
    """Return the schemes of a file system."""
    protocol = filesystem.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def faults_of(filesystem: Any) -> tuple[type[Exception], ...]:  # noqa: ANN401 - fsspec has no types
    """Return what a file system raises: OSError, and for S3 errors that have nothing to do with it."""
    if not is_object_store(filesystem):
        return (OSError,)
    from aiohttp import ClientError as HttpError
    from botocore.exceptions import BotoCoreError, ClientError

    return OSError, BotoCoreError, ClientError, HttpError


def place_error(error: Exception, url: str) -> Exception:
    """Turn an error of a store into a ConnectionError when it may pass, or into one that says what to do."""
    if isinstance(error, OSError):
        if error.errno is not None or isinstance(error, FileNotFoundError | TimeoutError | ConnectionError):
            return output_error(error, url)
        if is_transient(error):
            return ConnectionError(f"the store {url} cannot be reached: {error}")
        if isinstance(error, PermissionError):
            return _refused(error, url)
        return error
    if is_transient(error):
        return ConnectionError(f"the store {url} cannot be reached: {error}")
    return _refused(error, url)


def no_bucket(url: str) -> OutputError:
    """Return the error for a write into a bucket that is not there."""
    return OutputError(
        wanted="a bucket that is there",
        found="none of this name",
        where=url,
        remedy="Make the bucket, or correct store.url in the study file.",
    )


def _refused(error: Exception, url: str) -> OutputError:
    return OutputError(
        wanted="a store that may be read and written",
        found=f"a refusal ({error})",
        where=url,
        remedy="Check the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or AWS_PROFILE) and their permissions.",
    )
