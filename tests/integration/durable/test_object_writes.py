"""Writes of objects that are refused, that come at once, or from the gateway; and the keys that objects may have."""

import threading
import time
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.durable.errors import DiskFullError
from infra.local.http import LocalRequest, StagedBody
from tests.integration.durable.object_host import ObjectHost, body_of, error_of, opened

LARGE = bytes(range(256)) * 1200  # beyond what is kept in a row
KEYS = ["/lead", "//two", "trail/", "a//b", "..", "../x", "a?b", "a#b", "%41", "a%2Fb", "+", "a b", "bucket/bucket"]
KEYS += ["\x01", "\r\n", "a\\b", "a=b&c", "\ufeff", "\u2028", "/", "\U0010ffff"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ObjectHost]:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        yield host


def test_a_write_that_the_disk_refuses_leaves_nothing(host: ObjectHost, monkeypatch: pytest.MonkeyPatch) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=LARGE)
    kept = host.bodies.names()

    def refuse(group: Any) -> None:
        host.store._take_back(group, DiskFullError("there is no room"))

    monkeypatch.setattr(host.store, "_end_turn", refuse)
    for call in (
        lambda: client.put_object(Bucket="bucket", Key="key", Body=LARGE[::-1]),
        lambda: client.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/key"),
        lambda: client.delete_object(Bucket="bucket", Key="key"),
    ):
        with pytest.raises(DiskFullError):
            call()
    monkeypatch.undo()
    assert host.bodies.names() == kept
    assert body_of(client, "key") == LARGE
    assert [found["Key"] for found in client.list_objects_v2(Bucket="bucket")["Contents"]] == ["key"]


def test_of_two_writers_of_a_key_one_wins_whole(host: ObjectHost) -> None:
    bodies = [bytes((number,)) * 100_000 for number in range(4)]
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=bodies[0])

    def put(body: bytes) -> None:
        client = host.client()
        for _ in range(10):
            client.put_object(Bucket="bucket", Key="key", Body=body)

    threads = [threading.Thread(target=put, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert body_of(client, "key") in bodies
    for thread in threads:
        thread.join()
    assert body_of(client, "key") in bodies
    assert len(host.bodies.names()) == 1


def test_rows_and_files_agree_after_many_requests_at_once(host: ObjectHost) -> None:
    ends = time.monotonic() + 2
    surprises: list[BaseException] = []

    def work(seed: int) -> None:
        client, random = host.client(), Random(seed)
        while time.monotonic() < ends and not surprises:
            place = {"Bucket": "bucket", "Key": random.choice("abc")}
            source = {"Bucket": "bucket", "Key": random.choice("abc")}
            calls = (
                lambda place=place: client.put_object(**place, Body=bytes(random.choice([10, 100_000]))),
                lambda place=place: client.get_object(**place)["Body"].read(),
                lambda place=place, source=source: client.copy_object(
                    **place, CopySource=source, MetadataDirective="REPLACE"
                ),
                lambda place=place: client.delete_object(**place),
            )
            try:
                random.choice(calls)()
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchKey":
                    surprises.append(error)
            except Exception as error:
                surprises.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert surprises == []
    with host.store.reading() as connection:
        assert {name for (name,) in connection.execute("SELECT name FROM body_file")} == host.bodies.names()
        (objects,) = connection.execute("SELECT count(*) FROM object").fetchone()
        assert connection.execute("SELECT count(*) FROM object_body").fetchone() == (objects,)


def staged(host: ObjectHost, body: bytes) -> StagedBody:
    """A body as the gateway hands it over: in its file."""
    with host.bodies.writer() as writer:
        writer.write(body)
        stored = writer.finish()
    return StagedBody(stored, writer.md5, {"content-md5": "of no concern"})


def test_a_body_that_is_in_its_file_is_adopted(host: ObjectHost) -> None:
    given = staged(host, LARGE)
    headers = {"x-amz-sdk-checksum-algorithm": "CRC32"}
    answer = host.handle("s3", LocalRequest("PUT", "/bucket/key", "", headers, b"", given), "PutObject")
    assert dict(answer.headers)["x-amz-checksum-crc32"] == b64encode(zlib.crc32(LARGE).to_bytes(4)).decode()
    assert given.adopted
    assert host.bodies.names() == {given.stored.name}
    assert body_of(host.client(), "key") == LARGE


@pytest.mark.parametrize(
    ("path", "query", "headers"),
    [
        ("/none/key", "", {}),
        ("/bucket/key", "", {"x-amz-server-side-encryption": "rot13"}),
        ("/bucket/key", "", {"x-amz-storage-class": "no such class"}),
        ("/bucket/key", "partNumber=1&uploadId=none", {}),
    ],
)
def test_a_body_whose_request_is_refused_is_not_adopted(
    host: ObjectHost, path: str, query: str, headers: dict[str, str]
) -> None:
    given = staged(host, LARGE)
    operation = "UploadPart" if query else "PutObject"
    answer = host.handle("s3", LocalRequest("PUT", path, query, headers, b"", given), operation)
    assert answer.status in (400, 404)
    assert not given.adopted  # whoever received it removes it
    with host.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM body_file").fetchone() == (0,)


def test_a_key_has_1024_bytes_at_most(host: ObjectHost) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="é" * 512, Body=b"x")
    too_long = {"Bucket": "bucket", "Key": "é" * 513}
    assert error_of(client.put_object, **too_long, Body=b"x") == ("KeyTooLongError", 400)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/bucket/%ff", "InvalidURI"),
        ("/bucket/%ed%a0%80", "InvalidURI"),  # half of a surrogate pair
        ("/bucket%2fkey", "InvalidBucketName"),
        ("/%62ucket/key", "InvalidBucketName"),
    ],
)
def test_a_path_that_could_be_taken_for_another_is_refused(host: ObjectHost, path: str, code: str) -> None:
    for operation, method in (("PutObject", "PUT"), ("CreateBucket", "PUT"), ("GetObject", "GET")):
        answer = host.handle("s3", LocalRequest(method, path, "", {}, b""), operation)
        assert answer.status == 400
        assert code.encode() in answer.body
    assert "Contents" not in host.client().list_objects_v2(Bucket="bucket")


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_any_text(host: ObjectHost, key: str) -> None:
    client = host.client()
    place = {"Bucket": "bucket", "Key": key}
    client.put_object(**place, Body=key.encode())
    assert body_of(client, key) == key.encode()
    assert client.head_object(**place)["ContentLength"] == len(key.encode())
    client.copy_object(Bucket="bucket", Key=f"copy/{key}", CopySource=place)
    assert [found["Key"] for found in client.list_objects_v2(Bucket="bucket", Prefix=key)["Contents"]] == [key]
    client.delete_object(**place)
    assert [found["Key"] for found in client.list_objects_v2(Bucket="bucket")["Contents"]] == [f"copy/{key}"]
