"""Uploads in parts: they outlive a restart, and the object they become is made of their files."""

import hashlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.http import LocalRequest
from tests.integration.durable.object_host import ObjectHost, opened

FIRST = bytes(range(256)) * 20_480  # 5 MiB: all parts but the last are at least so large
LAST = b"the end"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ObjectHost]:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        yield host


class Upload:
    """An upload of the object `key`, by boto3."""

    def __init__(self, client: Any, key: str = "key", **settings: Any) -> None:
        self.client = client
        self.place = {"Bucket": "bucket", "Key": key}
        self.place["UploadId"] = client.create_multipart_upload(**self.place, **settings)["UploadId"]
        self.parts: list[dict[str, Any]] = []

    def put(self, number: int, body: bytes, **settings: Any) -> None:
        answer = self.client.upload_part(**self.place, PartNumber=number, Body=body, **settings)
        self.parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def complete(self, **settings: Any) -> dict[str, Any]:
        return self.client.complete_multipart_upload(**self.place, MultipartUpload={"Parts": self.parts}, **settings)


def error_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def test_an_upload_is_completed_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        upload = Upload(host.client(), Metadata={"a": "1"}, ContentType="audio/wav", Tagging="t=1")
        upload.put(1, FIRST)
        upload.put(7, b"replaced")
        upload.parts.pop()
    with opened(tmp_path) as host:
        upload.client = client = host.client()
        upload.put(7, LAST)
        completed = upload.complete()
        md5 = hashlib.md5(hashlib.md5(FIRST).digest() + hashlib.md5(LAST).digest()).hexdigest()
        assert completed["ETag"] == f'"{md5}-2"'
        assert upload.complete()["ETag"] == completed["ETag"]  # whoever asks again is told the same
        before = host.bodies.names()
    with opened(tmp_path) as host:
        client = host.client()
        found = client.get_object(Bucket="bucket", Key="key")
        assert found["Body"].read() == FIRST + LAST
        assert (found["Metadata"], found["ContentType"], found["TagCount"]) == ({"a": "1"}, "audio/wav", 1)
        assert "Uploads" not in client.list_multipart_uploads(Bucket="bucket")
        assert host.bodies.names() == before
        assert len(before) == 2


def test_a_part_of_an_object_and_ranges_across_parts(host: ObjectHost) -> None:
    upload = Upload(host.client())
    upload.put(1, FIRST)
    upload.put(2, LAST)
    upload.complete()
    place = {"Bucket": "bucket", "Key": "key"}
    part = upload.client.get_object(**place, PartNumber=2)
    assert (part["Body"].read(), part["PartsCount"]) == (LAST, 2)
    assert part["ContentRange"] == f"bytes {len(FIRST)}-{len(FIRST + LAST) - 1}/{len(FIRST + LAST)}"
    assert upload.client.head_object(**place, PartNumber=1)["ContentLength"] == len(FIRST)
    across = upload.client.get_object(**place, Range=f"bytes={len(FIRST) - 3}-{len(FIRST) + 2}")
    assert across["Body"].read() == FIRST[-3:] + LAST[:3]
    assert error_of(upload.client.get_object, **place, PartNumber=3) == "InvalidPartNumber"


def test_parts_that_are_not_asked_for_are_removed(host: ObjectHost) -> None:
    upload = Upload(host.client())
    for number, body in ((1, b"unused"), (2, FIRST), (3, b"unused"), (4, LAST)):
        upload.put(number, body)
    upload.parts = [upload.parts[1], upload.parts[3]]
    assert len(host.bodies.names()) == 4
    upload.complete()
    assert len(host.bodies.names()) == 2
    host.client().delete_object(Bucket="bucket", Key="key")
    assert host.bodies.names() == set()


def test_an_aborted_upload_leaves_nothing(host: ObjectHost) -> None:
    upload = Upload(host.client())
    upload.put(1, FIRST)
    upload.client.abort_multipart_upload(**upload.place)
    assert host.bodies.names() == set()
    assert error_of(upload.client.upload_part, **upload.place, PartNumber=1, Body=FIRST) == "NoSuchUpload"
    assert error_of(upload.client.list_parts, **upload.place) == "NoSuchUpload"
    assert error_of(upload.complete) == "NoSuchUpload"
    assert host.bodies.names() == set()


def test_uploads_of_a_bucket_go_with_it(host: ObjectHost) -> None:
    upload = Upload(host.client())
    upload.put(1, FIRST)
    upload.client.delete_bucket(Bucket="bucket")
    assert host.bodies.names() == set()
    upload.client.create_bucket(Bucket="bucket")
    assert "Uploads" not in upload.client.list_multipart_uploads(Bucket="bucket")


def test_what_cannot_be_completed_stays_as_it_is(host: ObjectHost) -> None:
    upload = Upload(host.client())
    upload.put(1, b"too small for a first part")
    upload.put(2, LAST)
    parts = upload.parts
    for wrong, code in (
        (parts, "EntityTooSmall"),
        (parts[::-1], "InvalidPartOrder"),
        ([parts[1], parts[1]], "InvalidPartOrder"),
        ([{"PartNumber": 3, "ETag": parts[1]["ETag"]}], "InvalidPart"),
        ([{"PartNumber": 2, "ETag": parts[0]["ETag"]}], "InvalidPart"),
        ([], "MalformedXML"),
    ):
        upload.parts = wrong
        assert error_of(upload.complete) == code
    assert [part["PartNumber"] for part in upload.client.list_parts(**upload.place)["Parts"]] == [1, 2]
    upload.parts = [parts[1]]
    upload.complete()
    assert upload.client.get_object(Bucket="bucket", Key="key")["Body"].read() == LAST


def test_an_upload_is_of_the_key_it_was_begun_for(host: ObjectHost) -> None:
    upload = Upload(host.client())
    upload.put(1, LAST)
    upload.place["Key"] = "another"
    assert error_of(upload.client.upload_part, **upload.place, PartNumber=2, Body=LAST) == "NoSuchUpload"
    assert error_of(upload.complete) == "NoSuchUpload"
    assert error_of(upload.client.abort_multipart_upload, **upload.place) == "NoSuchUpload"
    assert len(host.bodies.names()) == 1


@pytest.mark.parametrize("number", [0, 10_001])
def test_parts_have_numbers_up_to_ten_thousand(host: ObjectHost, number: int) -> None:
    upload = Upload(host.client())
    assert error_of(upload.client.upload_part, **upload.place, PartNumber=number, Body=b"x") == "InvalidArgument"
    assert host.bodies.names() == set()


def test_parts_are_listed_in_pages(host: ObjectHost) -> None:
    upload = Upload(host.client())
    for number in (2, 3, 5, 9_000):
        upload.put(number, b"%d" % number)
    first = upload.client.list_parts(**upload.place, MaxParts=2)
    assert [(part["PartNumber"], part["Size"]) for part in first["Parts"]] == [(2, 1), (3, 1)]
    assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 3)
    rest = upload.client.list_parts(**upload.place, PartNumberMarker=3)
    assert ([part["PartNumber"] for part in rest["Parts"]], rest["IsTruncated"]) == ([5, 9_000], False)


def test_uploads_are_listed_by_key_in_pages(host: ObjectHost) -> None:
    client = host.client()
    ids = {key: Upload(client, key).place["UploadId"] for key in ("b", "a/2", "a/1", "ü+ %")}
    listed = client.list_multipart_uploads(Bucket="bucket")["Uploads"]
    assert [(upload["Key"], upload["UploadId"]) for upload in listed] == [
        (key, ids[key]) for key in ("a/1", "a/2", "b", "ü+ %")
    ]
    assert listed[0]["Initiated"].year > 2025
    page = client.list_multipart_uploads(Bucket="bucket", MaxUploads=3)
    assert (page["IsTruncated"], page["NextKeyMarker"], page["NextUploadIdMarker"]) == (True, "b", ids["b"])
    markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    assert [upload["Key"] for upload in client.list_multipart_uploads(Bucket="bucket", **markers)["Uploads"]] == [
        "ü+ %"
    ]
    rolled = client.list_multipart_uploads(Bucket="bucket", Delimiter="/", EncodingType="url")
    assert [prefix["Prefix"] for prefix in rolled["CommonPrefixes"]] == ["a/"]
    assert [upload["Key"] for upload in rolled["Uploads"]] == ["b", "%C3%BC%2B%20%25"]


@pytest.mark.parametrize(
    ("algorithm", "kind", "composed"),
    [
        ("CRC32", "FULL_OBJECT", False),
        ("CRC32", "COMPOSITE", True),
        ("CRC32C", "FULL_OBJECT", False),
        ("CRC64NVME", "FULL_OBJECT", False),
        ("SHA256", "COMPOSITE", True),
    ],
)
def test_the_checksum_of_an_upload_is_put_together_of_its_parts(
    host: ObjectHost, algorithm: str, kind: str, composed: bool
) -> None:
    client = host.client()
    header, member = f"x-amz-checksum-{algorithm.lower()}", f"Checksum{algorithm}"

    def put(key: str, query: str, body: bytes) -> dict[str, str]:
        # Not by boto3, which takes some of these checksums only with further libraries.
        request = LocalRequest("PUT", f"/bucket/{key}", query, {"x-amz-sdk-checksum-algorithm": algorithm}, body)
        return dict(host.handle("s3", request, "UploadPart" if query else "PutObject").headers)

    upload = Upload(client, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    for number, body in ((1, FIRST), (2, LAST)):
        answer = put("key", f"partNumber={number}&uploadId={upload.place['UploadId']}", body)
        upload.parts.append({"PartNumber": number, "ETag": answer["etag"], member: answer[header]})
    upload.complete()
    found = client.get_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
    assert found["ChecksumType"] == kind
    # The same by another way: the whole in one piece, where it is a checksum of the whole.
    whole = put("whole", "", FIRST + LAST)[header]
    assert (found[member] == whole) == (not composed)
    assert found[member].endswith("-2") == composed
    copied = client.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/key")["CopyObjectResult"]
    assert copied[member] == whole


def test_a_part_without_a_checksum_of_its_own_counts_all_the_same(host: ObjectHost) -> None:
    upload = Upload(host.client(), ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    path, upload_id = "/bucket/key", upload.place["UploadId"]
    for number, body in ((1, FIRST), (2, LAST)):
        request = LocalRequest("PUT", path, f"partNumber={number}&uploadId={upload_id}", {}, body)
        answer = host.handle("s3", request, "UploadPart")
        upload.parts.append({"PartNumber": number, "ETag": dict(answer.headers)["etag"]})
    expected = b64encode(zlib.crc32(FIRST + LAST).to_bytes(4)).decode()
    assert error_of(lambda: upload.complete(ChecksumCRC32="AAAAAA==")) == "BadDigest"
    upload.complete(ChecksumCRC32=expected)
    found = upload.client.head_object(Bucket="bucket", Key="key", ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == expected


def test_checksums_that_cannot_be_put_together_are_refused(host: ObjectHost) -> None:
    client = host.client()
    asked = {"Bucket": "bucket", "Key": "key", "ChecksumAlgorithm": "SHA256", "ChecksumType": "FULL_OBJECT"}
    assert error_of(client.create_multipart_upload, **asked) == "InvalidRequest"


def test_parts_are_copied_from_other_objects(host: ObjectHost) -> None:
    client = host.client()
    client.put_object(Bucket="bucket", Key="source", Body=FIRST + LAST)
    upload = Upload(client)
    for number, copied in ((1, f"bytes=0-{len(FIRST) - 1}"), (2, f"bytes={len(FIRST)}-{len(FIRST + LAST) - 1}")):
        asked = {**upload.place, "PartNumber": number, "CopySource": "bucket/source", "CopySourceRange": copied}
        answer = client.upload_part_copy(**asked)
        upload.parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
    asked = {**upload.place, "PartNumber": 3, "CopySource": "bucket/source"}
    for wrong in ("bytes=0-99999999", "bytes=5-", "bytes=5-4"):
        assert error_of(client.upload_part_copy, **asked, CopySourceRange=wrong) == "InvalidArgument"
    client.delete_object(Bucket="bucket", Key="source")
    assert error_of(client.upload_part_copy, **asked) == "404"
    upload.complete()
    assert client.get_object(Bucket="bucket", Key="key")["Body"].read() == FIRST + LAST
    assert len(host.bodies.names()) == 2


def test_a_bucket_that_goes_with_its_stack_takes_its_uploads_along(host: ObjectHost) -> None:
    template = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "of-the-stack"}}}}
    cloudformation, client = host.client("cloudformation"), host.client()
    cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps(template))
    upload = {"Bucket": "of-the-stack", "Key": "key"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    client.upload_part(**upload, PartNumber=1, Body=LAST)
    cloudformation.delete_stack(StackName="stack")
    client.list_buckets()  # files are removed when S3 is next asked
    assert host.bodies.names() == set()
    with host.store.reading() as connection:
        for table in ("upload", "upload_part", "body_file"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
