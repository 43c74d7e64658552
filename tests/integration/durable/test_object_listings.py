"""Listings of buckets as boto3 sees them, and what they cost."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.http import LocalRequest
from tests.integration.durable.object_host import ObjectHost, opened

KEYS = ["a", "a/1", "a/2", "b+c d%", "b/\x01/é", "z"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ObjectHost]:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        yield host


@pytest.fixture
def client(host: ObjectHost) -> Any:
    client = host.client()
    for key in KEYS:
        client.put_object(Bucket="bucket", Key=key, Body=key.encode())
    return client


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
@pytest.mark.parametrize("size", [1, 2, 1000])
@pytest.mark.parametrize("delimiter", ["", "/", "1"])
def test_pages_add_up_to_the_bucket(client: Any, operation: str, size: int, delimiter: str) -> None:
    members = "Versions" if operation == "list_object_versions" else "Contents"
    asked: dict[str, Any] = {"Delimiter": delimiter} if delimiter else {}
    found, prefixes = [], []
    for page in client.get_paginator(operation).paginate(Bucket="bucket", PaginationConfig={"PageSize": size}, **asked):
        entries = [entry["Key"] for entry in page.get(members, ())]
        rolled = [entry["Prefix"] for entry in page.get("CommonPrefixes", ())]
        assert len(entries) + len(rolled) <= size
        found += entries
        prefixes += rolled
    assert found == [key for key in KEYS if not delimiter or delimiter not in key]
    assert prefixes == {"": [], "/": ["a/", "b/"], "1": ["a/1"]}[delimiter]


def test_a_common_prefix_of_deleted_objects_is_none(client: Any) -> None:
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for key in ("a/1", "a/2", "z"):
        client.delete_object(Bucket="bucket", Key=key)
    listed = client.list_objects_v2(Bucket="bucket", Delimiter="/")
    assert [entry["Prefix"] for entry in listed["CommonPrefixes"]] == ["b/"]
    assert [entry["Key"] for entry in listed["Contents"]] == ["a", "b+c d%"]
    markers = client.list_object_versions(Bucket="bucket")["DeleteMarkers"]
    assert [(marker["Key"], marker["IsLatest"]) for marker in markers] == [(key, True) for key in ("a/1", "a/2", "z")]


def test_a_bucket_is_emptied_page_by_page(client: Any) -> None:
    client.delete_object(Bucket="bucket", Key="b/\x01/é")  # which XML, and so DeleteObjects, cannot name
    client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(3):
        client.put_object(Bucket="bucket", Key="a/1", Body=b"x")
        client.delete_object(Bucket="bucket", Key="a/1")
    for page in client.get_paginator("list_object_versions").paginate(
        Bucket="bucket", PaginationConfig={"PageSize": 2}
    ):
        versions = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": version["Key"], "VersionId": version["VersionId"]} for version in versions]
        client.delete_objects(Bucket="bucket", Delete={"Objects": objects})
    client.delete_bucket(Bucket="bucket")


def test_a_page_has_a_thousand_entries_at_most(host: ObjectHost) -> None:
    fill(host, 1003)
    client = host.client()
    page = client.list_objects_v2(Bucket="bucket", MaxKeys=5000)
    assert (len(page["Contents"]), page["MaxKeys"], page["IsTruncated"]) == (1000, 1000, True)
    rest = client.list_objects_v2(Bucket="bucket", ContinuationToken=page["NextContinuationToken"])
    assert (rest["KeyCount"], rest["IsTruncated"]) == (3, False)


@pytest.mark.parametrize(
    "asked",
    [
        {"ContinuationToken": "no token"},
        {"ContinuationToken": "_w=="},
        {"ContinuationToken": ""},
        {"MaxKeys": -1},
        {"EncodingType": "base64"},
    ],
)
def test_a_listing_that_cannot_be_read_is_refused(client: Any, asked: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="InvalidArgument"):
        client.list_objects_v2(Bucket="bucket", **asked)


def test_owner_and_storage_class_are_told(client: Any) -> None:
    listed = client.list_objects_v2(Bucket="bucket", FetchOwner=True, StartAfter="b/")
    assert [entry["Key"] for entry in listed["Contents"]] == ["b/\x01/é", "z"]
    assert listed["Contents"][0]["Owner"]["ID"] == client.list_objects(Bucket="bucket")["Contents"][0]["Owner"]["ID"]
    assert "Owner" not in client.list_objects_v2(Bucket="bucket")["Contents"][0]
    assert listed["Contents"][1]["StorageClass"] == "STANDARD"


def fill(host: ObjectHost, count: int) -> None:
    """Small objects in folders of a hundred, all in one commit."""
    with host.store.writing():
        for number in range(count):
            path = f"/bucket/folder/{number // 100:05}/{number:07}"
            answer = host.handle("s3", LocalRequest("PUT", path, "", {}, b"content"), "PutObject")
            assert answer.status == 200


def _resident() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux to tell the memory in use")
def test_thousands_of_objects_are_not_in_memory_and_a_page_costs_what_is_on_it(host: ObjectHost) -> None:
    host.store._writer.execute("PRAGMA cache_size=-2000")  # KiB; what SQLite itself may use is not the point
    fill(host, 3_000)
    before = _resident()
    fill(host, 30_000)
    assert _resident() - before < 8 << 20
    for query in ("list-type=2&max-keys=20", "list-type=2&max-keys=20&prefix=folder/&delimiter=/"):
        request = LocalRequest("GET", "/bucket", query, {}, b"")
        times = []
        for _ in range(20):
            began = time.perf_counter()
            assert host.handle("s3", request, "ListObjectsV2").status == 200
            times.append(time.perf_counter() - began)
        assert sorted(times)[len(times) // 2] < 0.02
