"""Ordinary boto3 clients of other AWS services against a running server."""

import io
import threading
import urllib.error
import urllib.request
import uuid
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def s3(served_cloud):
    return served_cloud.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"gateway-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response


def fetch(url, **options):
    """Status, headers and body of a plain GET or whatever the options make of it."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, **options), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.mark.parametrize("key", ["plain", "a b/c+d", "ü/ö~*'()", "percent%2Fslash", "arn:aws:s3", "dots/../kept/./x"])
def test_objects_of_any_name_come_back(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"note": "two  spaces"})
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)
    assert fetch(url)[2] == key.encode()
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_verified_and_kept(s3, bucket, algorithm):
    stored = s3.put_object(Bucket=bucket, Key="k", Body=b"Ode to Joy", ChecksumAlgorithm=algorithm)
    assert stored[f"Checksum{algorithm}"]
    wrong = {f"Checksum{algorithm}": "AAAAAA=="}
    error = error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"Ode to Joy", **wrong)
    assert error["Error"]["Code"] == "BadDigest"


def test_a_large_file_goes_up_in_parts_and_comes_down_whole(s3, bucket):
    content = bytes(range(256)) * 4096 * 12  # 12 MiB
    transfer = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_fileobj(io.BytesIO(content), bucket, "large", Config=transfer)
    assert s3.head_object(Bucket=bucket, Key="large")["ContentLength"] == len(content)
    received = io.BytesIO()
    s3.download_fileobj(bucket, "large", received)
    assert received.getvalue() == content
    part = s3.get_object(Bucket=bucket, Key="large", Range="bytes=256-511")
    assert (part["ResponseMetadata"]["HTTPStatusCode"], part["Body"].read()) == (206, bytes(range(256)))


def test_a_large_upload_to_nowhere_is_refused_by_name(s3, bucket):
    large = io.BytesIO(b"x" * (1 << 20))
    error = error_of(s3.put_object, Bucket=f"{bucket}-missing", Key="k", Body=large)
    assert error["Error"]["Code"] == "NoSuchBucket"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = {"Bucket": bucket, "Key": "k", "PartNumber": 1}
    assert s3.upload_part(**part, UploadId=upload, Body=large)["ETag"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    error = error_of(s3.upload_part, **part, UploadId=upload, Body=large)
    assert error["Error"]["Code"] == "NoSuchUpload"


def test_a_presigned_upload_carries_its_body_unsigned(s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    assert fetch(url, data=b"from anyone", method="PUT")[0] == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"from anyone"
    status, _, body = fetch(url.replace("/k?", "/other?"), data=b"x", method="PUT")
    assert status == 403
    assert b"<Code>SignatureDoesNotMatch</Code>" in body


def test_a_presigned_download_of_what_is_gone_is_answered_no_such_key(s3, bucket):
    asked = {
        "Bucket": bucket,
        "Key": "gone",
        "ResponseContentType": "audio/midi",
        "ResponseContentDisposition": "inline",
    }
    status, _, body = fetch(s3.generate_presigned_url("get_object", Params=asked))
    assert status == 404
    assert b"<Code>NoSuchKey</Code>" in body


def test_an_object_that_looks_like_a_form_is_stored_and_never_read_as_parameters(s3, bucket):
    for content_type in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "Multipart/Form-Data"):
        s3.put_object(Bucket=bucket, Key="form", Body=b"tagging=&key=other&acl=", ContentType=content_type)
        stored = s3.get_object(Bucket=bucket, Key="form")
        assert (stored["Body"].read(), stored["ContentType"]) == (b"tagging=&key=other&acl=", content_type)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["form"]


def test_a_presigned_url_with_the_old_signature_is_told_what_to_use(served_cloud, bucket):
    old = served_cloud.session().client(
        "s3", endpoint_url=served_cloud.endpoint, config=Config(signature_version="s3", s3={"addressing_style": "path"})
    )
    status, _, body = fetch(old.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    assert status == 400
    assert b"<Code>InvalidRequest</Code>" in body
    assert b"Please use AWS4-HMAC-SHA256" in body


def test_objects_do_not_run_as_pages_and_open_to_no_other_origin(s3, bucket):
    s3.put_object(Bucket=bucket, Key="page.html", Body=b"<script>", ContentType="text/html")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "page.html"})
    _, headers, _ = fetch(url, headers={"Origin": "http://evil.example"})
    assert headers["content-security-policy"] == "sandbox"
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_s3_errors_are_typed_and_have_request_ids(s3, bucket):
    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket=bucket, Key="missing")
    assert caught.value.response["ResponseMetadata"]["RequestId"]
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket=f"{bucket}-missing")
    assert error_of(s3.head_object, Bucket=bucket, Key="missing")["Error"]["Code"] == "404"
    unsupported = error_of(s3.get_bucket_cors, Bucket=bucket)
    assert unsupported["Error"]["Code"] == "NotImplemented"
    assert unsupported["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_dynamodb_kms_and_logs_do_what_they_should(served_cloud):
    dynamodb = served_cloud.client("dynamodb")
    table = f"gateway-{uuid.uuid4().hex[:12]}"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "ü"}, "data": {"B": b"\x00\xff"}})
    found = dynamodb.get_item(TableName=table, Key={"pk": {"S": "ü"}})["Item"]
    assert found["data"]["B"] == b"\x00\xff"
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.get_item(TableName="missing", Key={"pk": {"S": "x"}})
    assert error_of(dynamodb.list_backups)["Error"]["Code"] == "UnknownOperationException"

    kms = served_cloud.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"

    logs = served_cloud.client("logs")
    logs.create_log_group(logGroupName=table)
    assert [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix=table)["logGroups"]] == [
        table
    ]


def test_sts_speaks_of_the_caller_and_its_sessions_sign(served_cloud):
    sts = served_cloud.client("sts")
    identity = sts.get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{served_cloud.account.id}:root"
    issued = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = served_cloud.session(
        access_key=issued["AccessKeyId"], secret=issued["SecretAccessKey"], token=issued["SessionToken"]
    )
    assert served_cloud.client("sts", session=session).get_caller_identity()["Arn"] == identity["Arn"]
    s3 = served_cloud.client("s3", session=session)
    assert s3.list_buckets()["Buckets"]
    (music, *_) = [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": music})
    assert fetch(url)[0] == 200
    forged = served_cloud.session(
        access_key=issued["AccessKeyId"], secret=issued["SecretAccessKey"], token=issued["SessionToken"][:-4] + "AAAA"
    )
    error = error_of(served_cloud.client("sts", session=forged).get_caller_identity)
    assert error["Error"]["Code"] == "InvalidClientTokenId"
    assert error_of(sts.get_federation_token, Name="x" * 3)["Error"]["Code"] == "InvalidAction"


def test_root_is_told_about_itself_and_no_user_is_invented(served_cloud):
    iam = served_cloud.client("iam")
    root = served_cloud.account.root
    assert iam.get_user()["User"] == {"UserId": root.account, "Arn": root.arn}
    names = [user["UserName"] for page in iam.get_paginator("list_users").paginate() for user in page["Users"]]
    assert "default_user" not in names


def test_the_session_of_a_user_ends_with_the_user(served_cloud):
    iam = served_cloud.client("iam")
    name = f"leaver-{uuid.uuid4().hex[:8]}"

    def make_user():
        iam.create_user(UserName=name)
        return iam.create_access_key(UserName=name)["AccessKey"]

    key = make_user()
    user = served_cloud.session(access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    issued = served_cloud.client("sts", session=user).get_session_token()["Credentials"]
    session = served_cloud.session(
        access_key=issued["AccessKeyId"], secret=issued["SecretAccessKey"], token=issued["SessionToken"]
    )
    sts = served_cloud.client("sts", session=session)
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{name}")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)
    assert error_of(sts.get_caller_identity)["Error"]["Code"] == "InvalidClientTokenId"
    make_user()  # another user, though of the same name
    assert error_of(sts.get_caller_identity)["Error"]["Code"] == "InvalidClientTokenId"


def test_an_iam_user_is_known_by_its_key_and_denied_until_policies_allow(served_cloud, bucket):
    iam = served_cloud.client("iam")
    name = f"student-{uuid.uuid4().hex[:8]}"
    user = iam.create_user(UserName=name)["User"]
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = served_cloud.session(access_key=key["AccessKeyId"], secret=key["SecretAccessKey"])
    assert served_cloud.client("sts", session=session).get_caller_identity()["Arn"] == user["Arn"]
    for service, operation, arguments in (
        ("s3", "get_object", {"Bucket": bucket, "Key": "k"}),
        ("dynamodb", "list_tables", {}),
        ("iam", "list_users", {}),
        ("deepcomposer", "list_compositions", {}),
    ):
        error = error_of(getattr(served_cloud.client(service, session=session), operation), **arguments)
        assert error["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
        assert error["Error"]["Message"].startswith(f"User: {user['Arn']} is not authorized to perform: {service}:")
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    error = error_of(served_cloud.client("sts", session=session).get_caller_identity)
    assert error["Error"]["Code"] == "InvalidClientTokenId"


@pytest.mark.parametrize(
    ("service", "operation", "unknown", "wrong"),
    [
        ("deepcomposer", "list_compositions", "UnrecognizedClientException", "InvalidSignatureException"),
        ("dynamodb", "list_tables", "UnrecognizedClientException", "InvalidSignatureException"),
        ("iam", "list_users", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
    ],
)
def test_boto3_sees_the_authentication_errors_of_each_service(served_cloud, service, operation, unknown, wrong):
    stranger = served_cloud.session(access_key="AKIANOBODY0000000000")
    error = error_of(getattr(served_cloud.client(service, session=stranger), operation))
    assert error["Error"]["Code"] == unknown
    guesser = served_cloud.session(secret="guessed")
    error = error_of(getattr(served_cloud.client(service, session=guesser), operation))
    assert error["Error"]["Code"] == wrong


def test_a_service_that_is_not_there_says_so(served_cloud):
    error = error_of(served_cloud.client("sqs").list_queues)
    assert "no service named sqs" in error["Error"]["Message"]


def test_another_region_is_refused(served_cloud):
    session = served_cloud.session()
    elsewhere = session.client("dynamodb", endpoint_url=served_cloud.endpoint, region_name="eu-west-1")
    assert "one region" in error_of(elsewhere.list_tables)["Error"]["Message"]


def test_a_bucket_may_be_addressed_by_host_name(served_cloud, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b", Body=b"virtual")
    virtual = served_cloud.endpoint.replace("127.0.0.1", "localhost")
    hosted = served_cloud.session().client(
        "s3", endpoint_url=virtual, config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    )
    url = hosted.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"})
    assert url.startswith(f"http://{bucket}.localhost:")
    # Not every resolver knows names below localhost, so the name goes into the header only.
    address = url.replace(f"{bucket}.localhost", "127.0.0.1", 1)
    host = url.split("/")[2]
    assert fetch(address, headers={"Host": host})[2] == b"virtual"


def test_many_clients_at_once_are_all_answered(served_cloud, bucket):
    local = threading.local()

    def put_and_get(number):
        if not hasattr(local, "s3"):
            local.s3 = served_cloud.client("s3")
        local.s3.put_object(Bucket=bucket, Key=str(number), Body=str(number).encode())
        return local.s3.get_object(Bucket=bucket, Key=str(number))["Body"].read()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(put_and_get, range(64))) == [str(number).encode() for number in range(64)]


def test_moto_cannot_be_reached_past_the_gateway(served_cloud):
    for path in ("/moto-api/", "/moto-api/reset", "/_localstack/health"):
        status, _, _ = fetch(served_cloud.endpoint + path, method="POST")
        assert status == 403
    assert isinstance(served_cloud.session(), boto3.Session)
