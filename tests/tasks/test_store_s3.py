"""The store on S3, against a server that speaks S3 over HTTP."""

import sys
import urllib.request
from collections.abc import Iterator

import boto3
import pandas as pd
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from s3fs import S3FileSystem

from configs.artifact import Artifact
from configs.errors import CorruptObjectError, OutputError
from models.layer import Layer
from tasks.store import Store

BUCKET = "cairn-test"
URL = f"s3://{BUCKET}/lab/store"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Start the server; yields its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            environment.delenv(name, raising=False)
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        S3FileSystem.clear_instance_cache()
        yield f"http://{host}:{port}"
    S3FileSystem.clear_instance_cache()
    server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Iterator[object]:
    """Return a client that is not the store's."""
    made = boto3.client("s3", endpoint_url=endpoint)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def s3(endpoint: str, client) -> object:
    """Return the other client, with an empty bucket."""
    tell(endpoint, "reset")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def new_client() -> Iterator[None]:
    """Let the store read its credentials and address anew."""
    S3FileSystem.clear_instance_cache()
    yield
    S3FileSystem.clear_instance_cache()


def tell(endpoint: str, what: str, content: bytes = b"") -> None:
    request = urllib.request.Request(  # noqa: S310 - the server of this test
        f"{endpoint}/moto-api/{what}", data=content, method="POST", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - the server of this test


@pytest.fixture
def store() -> Store:
    return Store(URL)


def key_of(artifact: Artifact) -> str:
    return f"lab/store/{artifact.uri}"


def keys(s3) -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_an_object_lies_under_its_hash_and_comes_back(store: Store, s3) -> None:
    artifact = store.put(b"cairn", kind="page", extension="html")
    assert store.put(b"cairn", kind="page", extension="html") == artifact
    assert keys(s3) == [key_of(artifact)]
    assert store.has(artifact)
    assert store.get(artifact) == b"cairn"


def test_tables_and_layers_are_the_same_bytes_as_in_a_folder(store: Store, s3, layer: Layer, tmp_path) -> None:
    folder = Store(str(tmp_path))
    frame = pd.DataFrame({"layer": ["a", "b"], "feature_id": ["x", "y"], "reason": ["r", "s"]})
    assert store.put_layer(layer) == folder.put_layer(layer)
    artifact = store.put_tables(iter([frame[:1], frame[1:]]), "dropped")
    assert artifact == folder.put_tables(iter([frame[:1], frame[1:]]), "dropped")
    pd.testing.assert_frame_equal(store.get_table(artifact), folder.get_table(artifact))
    pd.testing.assert_frame_equal(store.get_layer(store.put_layer(layer), "l").to_frame(), layer.to_frame())
    assert len(keys(s3)) == 2


def test_what_another_client_writes_or_removes_is_seen_at_once(store: Store, s3) -> None:
    artifact = store.put(b"cairn", kind="page", extension="html")
    assert store.has(artifact)
    store._filesystem.ls(f"{BUCKET}/{key_of(artifact).rsplit('/', 1)[0]}")
    s3.delete_object(Bucket=BUCKET, Key=key_of(artifact))
    assert not store.has(artifact)
    s3.put_object(Bucket=BUCKET, Key=key_of(artifact), Body=b"cairn")
    assert store.has(artifact)
    s3.put_object(Bucket=BUCKET, Key=key_of(artifact), Body=b"cai")
    assert not store.has(artifact)


def test_a_corrupt_object_is_removed_and_made_anew(store: Store, s3) -> None:
    artifact = store.put(b"right", kind="page", extension="html")
    s3.put_object(Bucket=BUCKET, Key=key_of(artifact), Body=b"wrong")
    with pytest.raises(CorruptObjectError, match="it was removed, run again to make it anew"):
        store.get(artifact)
    assert keys(s3) == []
    assert store.get(store.put(b"right", kind="page", extension="html")) == b"right"


def test_an_absent_bucket_is_said_and_not_made(s3) -> None:
    store = Store("s3://no-such-bucket/store")
    with pytest.raises(OutputError, match=r"s3://no-such-bucket/store: wanted a bucket that is there"):
        store.put(b"x", kind="page", extension="html")
    with pytest.raises(OutputError, match="wanted a bucket that is there"):
        store.put_tables([pd.DataFrame({"layer": ["a"], "feature_id": ["x"], "reason": ["r"]})], "dropped")
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [BUCKET]


def test_wrong_credentials_are_a_sentence(endpoint: str, store: Store) -> None:
    artifact = store.put(b"x", kind="page", extension="html")
    tell(endpoint, "reset-auth", b"0")
    try:
        for action in (lambda: store.has(artifact), lambda: store.get(artifact)):
            with pytest.raises(OutputError, match=r"that may be read and written.*Check the credentials"):
                action()
        with pytest.raises(OutputError, match="Check the credentials"):
            store.put(b"y", kind="page", extension="html")
    finally:
        tell(endpoint, "reset-auth", b"inf")


@pytest.mark.usefixtures("new_client")
def test_no_credentials_are_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(OutputError, match="Check the credentials"):
        Store(URL).put(b"x", kind="page", extension="html")


@pytest.mark.usefixtures("new_client")
def test_a_server_that_does_not_answer_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ConnectionError, match=f"the store {URL} cannot be reached"):
        Store(URL).put(b"x", kind="page", extension="html")


def test_a_missing_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(OutputError, match=r"it is not installed.*Install it: pip install --editable '\.\[s3\]'"):
        Store(URL)


@pytest.mark.parametrize(("url", "said"), [("s3://", "Write store.url as"), ("nosuch://a/b", "of an unknown kind")])
def test_an_address_that_is_none_is_a_sentence(url: str, said: str) -> None:
    with pytest.raises(OutputError, match=said):
        Store(url)
