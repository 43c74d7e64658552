"""Objects on disk, as boto3 sees them: what is put comes back after a restart, and nothing is left of what is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.http import LocalRequest
from tests.integration.durable.object_host import ObjectHost, body_of, error_of, opened

LARGE = bytes(range(256)) * 1200  # beyond what is kept in a row


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ObjectHost]:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        yield host


def answers(client: Any) -> dict[str, Any]:
    """Everything that is told about the objects of the bucket."""
    told: dict[str, Any] = {}
    versions = client.list_object_versions(Bucket="bucket")
    for version in versions["Versions"]:
        place = {"Bucket": "bucket", "Key": version["Key"], "VersionId": version["VersionId"]}
        found = client.get_object(**place, ChecksumMode="ENABLED")
        content = found.pop("Body").read()
        acl, tags = client.get_object_acl(**place), client.get_object_tagging(**place)
        for answer in (found, acl, tags):
            answer.pop("ResponseMetadata")
        told[f"{version['Key']} {version['VersionId']}"] = (found, content, acl, tags)
    told["versions"] = [versions["Versions"], versions.get("DeleteMarkers")]
    told["objects"] = client.list_objects_v2(Bucket="bucket")["Contents"]
    return told


def test_objects_are_the_same_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="before", Body=b"without a version")
        versioning = {"Status": "Enabled"}
        client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration=versioning)
        client.put_object(Bucket="bucket", Key="ü/😀", Body=b"small", Metadata={"A": "1"}, Tagging="t=1&u=2")
        client.put_object(Bucket="bucket", Key="ü/😀", Body=LARGE, ACL="public-read", ContentType="audio/midi")
        client.put_object(Bucket="bucket", Key="gone", Body=LARGE, ChecksumAlgorithm="SHA256")
        client.delete_object(Bucket="bucket", Key="gone")
        client.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": "ü/😀"})
        before = answers(client)
    with opened(tmp_path) as host:
        assert answers(host.client()) == before


def test_a_deleted_body_is_gone_from_the_disk(host: ObjectHost) -> None:
    client = host.client()
    for key in ("one", "two", "three"):
        client.put_object(Bucket="bucket", Key=key, Body=LARGE)
    client.put_object(Bucket="bucket", Key="one", Body=b"small now")
    client.delete_object(Bucket="bucket", Key="two")
    assert len(host.bodies.names()) == 1
    client.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "three"}, {"Key": "one"}]})
    assert host.bodies.names() == set()
    with host.store.reading() as connection:
        for table in ("object", "object_body", "body_file"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_download_is_not_cut_by_a_delete(host: ObjectHost) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=LARGE * 4)
    stream = client.get_object(Bucket="bucket", Key="key")["Body"]
    begun = stream.read(10)
    client.delete_object(Bucket="bucket", Key="key")
    assert begun + stream.read() == LARGE * 4
    assert host.bodies.names() == set()


@pytest.mark.parametrize("body", [b"0123456789", LARGE])
def test_ranges_of_an_object(host: ObjectHost, body: bytes) -> None:
    client = host.client()
    etag = client.put_object(Bucket="bucket", Key="key", Body=body)["ETag"]
    found = client.get_object(Bucket="bucket", Key="key", Range="bytes=2-5", ChecksumMode="ENABLED")
    assert found["Body"].read() == body[2:6]
    assert found["ContentRange"] == f"bytes 2-5/{len(body)}"
    assert (found["ContentLength"], found["ResponseMetadata"]["HTTPStatusCode"]) == (4, 206)
    assert "ChecksumCRC32" not in found
    assert body_of(client, "key", Range="bytes=-3") == body[-3:]
    assert body_of(client, "key", Range="bytes=0-1,3-4") == body
    head = client.head_object(Bucket="bucket", Key="key", Range="bytes=0-0")
    assert (head["ContentLength"], head["ContentRange"]) == (1, f"bytes 0-0/{len(body)}")
    assert error_of(client.get_object, Bucket="bucket", Key="key", Range=f"bytes={len(body)}-") == ("InvalidRange", 416)
    assert error_of(client.get_object, Bucket="bucket", Key="key", PartNumber=2) == ("InvalidPartNumber", 416)
    assert body_of(client, "key", PartNumber=1) == body
    for if_range, expected in ((etag, body[:2]), ('"another"', body)):
        request = LocalRequest("GET", "/bucket/key", "", {"range": "bytes=0-1", "if-range": if_range}, b"")
        answer = host.handle("s3", request, "GetObject")
        assert b"".join(answer.stream or ()) == expected


def test_requests_on_condition(host: ObjectHost) -> None:
    client = host.client()
    etag = client.put_object(Bucket="bucket", Key="key", Body=LARGE)["ETag"]
    place = {"Bucket": "bucket", "Key": "key"}
    assert error_of(client.put_object, **place, Body=LARGE, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert error_of(client.put_object, **place, Body=LARGE, IfMatch='"other"') == ("PreconditionFailed", 412)
    assert error_of(client.get_object, **place, IfMatch='"other"') == ("PreconditionFailed", 412)
    assert error_of(client.get_object, **place, IfNoneMatch=etag)[1] == 304
    assert len(host.bodies.names()) == 1
    client.put_object(**place, Body=b"new", IfMatch=etag)
    assert body_of(client, "key") == b"new"


@pytest.mark.parametrize(
    ("condition", "refused"),
    [
        ({"CopySourceIfMatch": '"other"'}, True),
        ({"CopySourceIfNoneMatch": "the tag"}, True),
        ({"CopySourceIfModifiedSince": "2999-01-01"}, True),
        ({"CopySourceIfUnmodifiedSince": "1999-01-01"}, True),
        ({"CopySourceIfMatch": "the tag", "CopySourceIfUnmodifiedSince": "1999-01-01"}, False),
        ({"CopySourceIfNoneMatch": '"other"', "CopySourceIfModifiedSince": "2999-01-01"}, False),
    ],
)
def test_a_copy_on_condition(host: ObjectHost, condition: dict[str, str], refused: bool) -> None:
    client = host.client()
    etag = client.put_object(Bucket="bucket", Key="key", Body=LARGE)["ETag"]
    asked = {name: etag if value == "the tag" else value for name, value in condition.items()}
    asked |= {"Bucket": "bucket", "Key": "copy", "CopySource": "bucket/key"}
    if refused:
        assert error_of(client.copy_object, **asked) == ("PreconditionFailed", 412)
        assert len(host.bodies.names()) == 1
    else:
        client.copy_object(**asked)
        assert body_of(client, "copy") == LARGE


@pytest.mark.parametrize("body", [b"small", LARGE])
def test_a_copy_stands_by_itself(host: ObjectHost, body: bytes) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=body, Metadata={"a": "1"}, Tagging="t=1")
    source = {"Bucket": "bucket", "Key": "key"}
    copied = client.copy_object(Bucket="bucket", Key="copy", CopySource=source, ChecksumAlgorithm="SHA256")
    client.delete_object(**source)
    found = client.get_object(Bucket="bucket", Key="copy", ChecksumMode="ENABLED")
    assert (found["Body"].read(), found["Metadata"]) == (body, {"a": "1"})
    assert found["ChecksumSHA256"] == copied["CopyObjectResult"]["ChecksumSHA256"]
    assert client.get_object_tagging(Bucket="bucket", Key="copy")["TagSet"] == [{"Key": "t", "Value": "1"}]


def test_a_copy_of_an_object_onto_itself_replaces_its_metadata(host: ObjectHost) -> None:
    client = host.client()
    place = {"Bucket": "bucket", "Key": "key"}
    client.put_object(**place, Body=LARGE, Metadata={"a": "1"})
    assert error_of(client.copy_object, **place, CopySource=place)[0] == "InvalidRequest"
    client.copy_object(**place, CopySource=place, MetadataDirective="REPLACE", Metadata={"b": "2"})
    assert client.head_object(**place)["Metadata"] == {"b": "2"}
    assert body_of(client, "key") == LARGE
    assert len(host.bodies.names()) == 1


def test_tags_are_of_the_version_they_were_put_on(host: ObjectHost) -> None:
    client = host.client()
    place = {"Bucket": "bucket", "Key": "key"}
    client.put_object(**place, Body=b"1", Tagging="t=1")
    client.put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": [{"Key": "of", "Value": "bucket"}]})
    client.put_object(**place, Body=b"2")
    assert client.get_object_tagging(**place)["TagSet"] == []
    client.put_object_tagging(**place, Tagging={"TagSet": [{"Key": "t", "Value": "2"}]})
    assert client.head_object(**place)["TagCount"] == 1
    client.delete_object_tagging(**place)
    assert client.get_object_tagging(**place)["TagSet"] == []
    assert client.get_bucket_tagging(Bucket="bucket")["TagSet"] == [{"Key": "of", "Value": "bucket"}]
    assert error_of(client.delete_object_tagging, Bucket="bucket", Key="none") == ("NoSuchKey", 404)


def test_suspended_versioning_keeps_the_versions_that_are_there(host: ObjectHost) -> None:
    client = host.client()
    place = {"Bucket": "bucket", "Key": "key"}

    def versioning(status: str) -> None:
        client.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": status})

    def versions() -> list[bytes]:
        listed = client.list_object_versions(Bucket="bucket")
        return [body_of(client, "key", VersionId=version["VersionId"]) for version in listed.get("Versions", [])]

    versioning("Enabled")
    client.put_object(**place, Body=b"1")
    client.put_object(**place, Body=b"2")
    versioning("Suspended")
    client.put_object(**place, Body=LARGE)
    client.put_object(**place, Body=b"without")
    assert versions() == [b"without", b"2", b"1"]
    assert client.head_object(**place, VersionId="null")["ContentLength"] == len(b"without")
    deleted = client.delete_object(**place)
    assert (deleted["DeleteMarker"], deleted["VersionId"]) == (True, "null")
    assert versions() == [b"2", b"1"]
    assert error_of(client.get_object, **place) == ("NoSuchKey", 404)
    client.delete_object(**place, VersionId="null")
    assert body_of(client, "key") == b"2"
    assert host.bodies.names() == set()


def test_deleting_a_version_that_is_not_there_deletes_nothing(host: ObjectHost) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=b"kept")
    client.delete_object(Bucket="bucket", Key="key", VersionId="another")
    assert body_of(client, "key") == b"kept"


def test_a_bucket_goes_when_it_is_empty(host: ObjectHost) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="key", Body=b"1")
    assert error_of(client.delete_bucket, Bucket="bucket") == ("BucketNotEmpty", 409)
    client.delete_object(Bucket="bucket", Key="key")
    client.delete_bucket(Bucket="bucket")
    assert error_of(client.put_object, Bucket="bucket", Key="key", Body=LARGE) == ("NoSuchBucket", 404)
    assert error_of(client.list_objects_v2, Bucket="bucket") == ("NoSuchBucket", 404)
    assert host.bodies.names() == set()


def test_nothing_of_an_object_is_in_the_folder_in_the_clear(tmp_path: Path) -> None:
    marker = b"plain text marker "
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="small", Body=marker, Metadata={"m": marker.decode()})
        client.put_object(Bucket="bucket", Key="large", Body=marker * 10_000, Tagging="t=plain text marker")
        upload = client.create_multipart_upload(Bucket="bucket", Key="parts")["UploadId"]
        client.upload_part(Bucket="bucket", Key="parts", UploadId=upload, PartNumber=1, Body=marker)
        found = [path for path in tmp_path.rglob("*") if path.is_file() and marker.strip() in path.read_bytes()]
    assert found == []
    assert not any(marker.strip() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
