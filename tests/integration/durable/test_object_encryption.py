"""Server-side encryption that is really carried out: without the key there is no object."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.durable.errors import DamagedError
from tests.integration.durable.object_host import ACCOUNT, REGION, ObjectHost, error_of, opened

LARGE = b"large " * 20_000


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ObjectHost]:
    with opened(tmp_path) as host:
        host.client().create_bucket(Bucket="bucket")
        yield host


def put(client: Any, key: str, body: bytes, **settings: Any) -> dict[str, Any]:
    return client.put_object(Bucket="bucket", Key=key, Body=body, **settings)


def get(client: Any, key: str) -> bytes:
    return client.get_object(Bucket="bucket", Key=key)["Body"].read()


def test_every_object_says_that_it_is_encrypted(host: ObjectHost) -> None:
    client = host.client()
    assert put(client, "key", b"x")["ServerSideEncryption"] == "AES256"
    assert client.head_object(Bucket="bucket", Key="key")["ServerSideEncryption"] == "AES256"
    upload = client.create_multipart_upload(Bucket="bucket", Key="upload")
    assert upload["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("body", [b"small", LARGE])
def test_an_object_under_a_kms_key_needs_that_key(host: ObjectHost, body: bytes) -> None:
    client, kms = host.client(), host.client("kms")
    key = kms.create_key()["KeyMetadata"]
    settings = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"]}
    told = put(client, "key", body, **settings)
    assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    client.copy_object(Bucket="bucket", Key="free", CopySource="bucket/key")
    assert get(client, "key") == body
    kms.disable_key(KeyId=key["KeyId"])
    place = {"Bucket": "bucket", "Key": "key"}
    assert error_of(client.get_object, **place) == ("KMS.DisabledException", 400)
    assert error_of(client.copy_object, Bucket="bucket", Key="copy", CopySource="bucket/key")[0] == (
        "KMS.DisabledException"
    )
    assert error_of(client.put_object, **place, Body=body, **settings) == ("KMS.DisabledException", 400)
    assert client.head_object(**place)["SSEKMSKeyId"] == key["Arn"]
    assert get(client, "free") == body
    kms.enable_key(KeyId=key["KeyId"])
    assert get(client, "key") == body
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    assert error_of(client.get_object, **place) == ("KMS.KMSInvalidStateException", 400)
    client.delete_object(**place)
    assert len(host.bodies.names()) == (1 if body is LARGE else 0)


def test_an_object_under_a_kms_key_is_read_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as host:
        client = host.client()
        client.create_bucket(Bucket="bucket")
        put(client, "managed", LARGE, ServerSideEncryption="aws:kms")
        upload = {"Bucket": "bucket", "Key": "upload"}
        begun = client.create_multipart_upload(**upload, ServerSideEncryption="aws:kms")
        upload["UploadId"] = begun["UploadId"]
        part = client.upload_part(**upload, PartNumber=1, Body=LARGE)
    with opened(tmp_path) as host:
        client = host.client()
        parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
        told = client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert told["SSEKMSKeyId"] == begun["SSEKMSKeyId"] == part["SSEKMSKeyId"]
        assert get(client, "managed") == get(client, "upload") == LARGE
        aliases = host.client("kms").list_aliases(KeyId=told["SSEKMSKeyId"].rpartition("/")[2])["Aliases"]
        assert [alias["AliasName"] for alias in aliases] == ["alias/aws/s3"]


def test_the_managed_key_is_gone_again_with_the_write_that_made_it(host: ObjectHost) -> None:
    client = host.client()
    put(client, "key", b"x")
    settings = {"ServerSideEncryption": "aws:kms", "StorageClass": "no such class"}
    assert error_of(client.put_object, Bucket="bucket", Key="key", Body=b"y", **settings)[0] == "InvalidStorageClass"
    missing = {"Bucket": "bucket", "Key": "none", "IfMatch": '"x"', "ServerSideEncryption": "aws:kms"}
    error_of(client.put_object, **missing, Body=b"y")
    assert host.client("kms").list_keys()["Keys"] == []


def test_the_default_of_the_bucket_is_what_objects_get(host: ObjectHost) -> None:
    client = host.client()
    key = host.client("kms").create_key()["KeyMetadata"]
    host.client("kms").create_alias(AliasName="alias/music", TargetKeyId=key["KeyId"])
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/music"}
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}]
    client.put_bucket_encryption(Bucket="bucket", ServerSideEncryptionConfiguration={"Rules": rules})
    told = put(client, "key", LARGE)
    assert (told["SSEKMSKeyId"], told["BucketKeyEnabled"]) == (key["Arn"], True)
    assert client.create_multipart_upload(Bucket="bucket", Key="upload")["SSEKMSKeyId"] == key["Arn"]
    own = put(client, "own", b"x", ServerSideEncryption="AES256")
    assert own["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in client.head_object(Bucket="bucket", Key="own")
    client.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/own")
    assert client.head_object(Bucket="bucket", Key="copy")["SSEKMSKeyId"] == key["Arn"]


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/none"}, ("KMS.NotFoundException", 400)),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "no-key"}, ("KMS.NotFoundException", 400)),
        (
            {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
            },
            ("KMS.NotFoundException", 400),
        ),
        ({"SSEKMSKeyId": "alias/aws/s3"}, ("InvalidArgument", 400)),
        ({"ServerSideEncryption": "rot13"}, ("InvalidArgument", 400)),
        ({"ServerSideEncryption": "aws:kms:dsse"}, ("NotImplemented", 501)),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSEncryptionContext": "e30="}, ("NotImplemented", 501)),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, ("NotImplemented", 501)),
    ],
)
def test_what_cannot_be_carried_out_is_refused(
    host: ObjectHost, settings: dict[str, str], error: tuple[str, int]
) -> None:
    assert error_of(host.client().put_object, Bucket="bucket", Key="key", Body=LARGE, **settings) == error
    assert host.bodies.names() == set()


def test_a_key_for_signatures_encrypts_nothing(host: ObjectHost) -> None:
    key = host.client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    settings = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    assert error_of(host.client().put_object, Bucket="bucket", Key="key", Body=b"x", **settings) == (
        "KMS.InvalidKeyUsageException",
        400,
    )


def test_a_bucket_default_that_would_not_be_carried_out_is_refused(host: ObjectHost) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms:dsse"}}]
    asked = {"Bucket": "bucket", "ServerSideEncryptionConfiguration": {"Rules": rules}}
    assert error_of(host.client().put_bucket_encryption, **asked) == ("NotImplemented", 501)


def test_bodies_that_changed_places_are_noticed(host: ObjectHost) -> None:
    client = host.client()
    put(client, "one", b"body of one")
    put(client, "two", b"body of two")
    with host.store.writing() as connection:
        (one, first), (two, second) = connection.execute("SELECT id, content FROM object_body ORDER BY id").fetchall()
        connection.execute("UPDATE object_body SET content = ? WHERE id = ?", (second, one))
        connection.execute("UPDATE object_body SET content = ? WHERE id = ?", (first, two))
    with pytest.raises(DamagedError):
        get(client, "one")


def test_the_kms_of_the_region_of_the_bucket_is_asked(host: ObjectHost) -> None:
    key = host.client("kms").create_key()["KeyMetadata"]
    assert key["Arn"].split(":")[3] == REGION
    client = host.client()
    client.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    asked = {"Bucket": "far", "Key": "key", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    assert error_of(client.put_object, **asked, SSEKMSKeyId=key["Arn"])[0] == "KMS.NotFoundException"
    assert ":eu-west-1:" in client.put_object(**asked)["SSEKMSKeyId"]
