"""Everything but items of DynamoDB goes through the dispatch as complete, signed requests."""

import io
import os
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from hosting import hosted_account

from infra.local.dispatch import Dispatch
from infra.local.http import LocalRequest, LocalResponse


@pytest.fixture(scope="module")
def dispatch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dispatch]:
    with hosted_account(tmp_path_factory.mktemp("dispatch")) as host:
        yield Dispatch(host)


@pytest.fixture(scope="module")
def session(dispatch: Dispatch) -> boto3.Session:
    return dispatch.session(Credentials("ASIAEXAMPLE", "secret", "token"))


@pytest.fixture(scope="module")
def s3(session: boto3.Session) -> Any:
    client = session.client("s3")
    client.create_bucket(Bucket="music")
    return client


@pytest.mark.parametrize(
    "key", ["plain", "compositions/01/output.mid", "a b+c", "ü/漢", "%2F", "a//b", "/slash", "x?y=1&z"]
)
def test_an_object_comes_back_under_any_key(s3: Any, key: str) -> None:
    body = b"MThd" + key.encode() + bytes(range(256))
    s3.put_object(Bucket="music", Key=key, Body=body, ContentType="audio/midi", Metadata={"made-by": "a-test"})
    found = s3.get_object(Bucket="music", Key=key)
    assert found["Body"].read() == body
    assert found["ContentType"] == "audio/midi"
    assert found["Metadata"] == {"made-by": "a-test"}
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket="music", Prefix=key)["Contents"]] == [key]
    assert s3.head_object(Bucket="music", Key=key)["ContentLength"] == len(body)
    s3.delete_object(Bucket="music", Key=key)
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket="music", Key=key)


def test_a_body_may_be_a_file_and_is_read_in_pieces(s3: Any) -> None:
    content = os.urandom(300_000)
    s3.put_object(Bucket="music", Key="file", Body=io.BytesIO(content))
    streamed = s3.get_object(Bucket="music", Key="file")["Body"]
    assert b"".join(streamed.iter_chunks(1000)) == content


def test_a_large_file_goes_up_in_parts(s3: Any) -> None:
    content = os.urandom(9 << 20)
    s3.upload_fileobj(io.BytesIO(content), "music", "large")
    received = io.BytesIO()
    s3.download_fileobj("music", "large", received)
    assert received.getvalue() == content


def test_a_part_of_an_object_can_be_read(s3: Any) -> None:
    s3.put_object(Bucket="music", Key="range", Body=b"0123456789")
    found = s3.get_object(Bucket="music", Key="range", Range="bytes=2-4")
    assert (found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]) == (b"234", 206)


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_buckets_may_be_addressed_either_way(session: boto3.Session, s3: Any, style: str) -> None:
    client = session.client("s3", config=Config(s3={"addressing_style": style}))
    client.put_object(Bucket="music", Key="addressed", Body=b"x")
    assert s3.get_object(Bucket="music", Key="addressed")["Body"].read() == b"x"


def test_errors_are_the_services_own(session: boto3.Session) -> None:
    for service, operation, arguments, code in (
        ("s3", "get_object", {"Bucket": "no-such-bucket", "Key": "x"}, "NoSuchBucket"),
        ("iam", "get_user", {"UserName": "nobody"}, "NoSuchEntity"),
        ("kms", "describe_key", {"KeyId": "12345678-1234-1234-1234-123456789012"}, "NotFoundException"),
        ("logs", "get_log_events", {"logGroupName": "none", "logStreamName": "none"}, "ResourceNotFoundException"),
        ("cloudformation", "describe_stacks", {"StackName": "none"}, "ValidationError"),
        ("dynamodb", "describe_table", {"TableName": "none"}, "ResourceNotFoundException"),
    ):
        client: Any = session.client(service)
        with pytest.raises(ClientError) as failure:
            getattr(client, operation)(**arguments)
        assert failure.value.response["Error"]["Code"] == code


def test_the_other_services_keep_what_they_are_given(session: boto3.Session) -> None:
    iam, kms, logs = session.client("iam"), session.client("kms"), session.client("logs")
    assert iam.create_user(UserName="ada")["User"]["Arn"] == "arn:aws:iam::123456789012:user/ada"
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert (
        kms.decrypt(CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=b"\x00\xff")["CiphertextBlob"])["Plaintext"]
        == b"\x00\xff"
    )
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    event: Any = {"timestamp": round(time.time() * 1000), "message": "played"}
    logs.put_log_events(logGroupName="group", logStreamName="stream", logEvents=[event])
    found = logs.get_log_events(logGroupName="group", logStreamName="stream")
    assert [entry["message"] for entry in found["events"]] == ["played"]
    assert session.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_regions_are_kept_apart(session: boto3.Session) -> None:
    session.client("logs", region_name="eu-west-1").create_log_group(logGroupName="only-here")
    groups = session.client("logs").describe_log_groups(logGroupNamePrefix="only-here")["logGroups"]
    assert groups == []


def test_lambda_is_answered_by_whom_was_added(dispatch: Dispatch) -> None:
    asked: list[LocalRequest] = []

    def answer(request: LocalRequest) -> LocalResponse:
        asked.append(request)
        if b"full" in request.body:
            return LocalResponse(429, (("x-amzn-errortype", "TooManyRequestsException"),), b'{"message": "full"}')
        return LocalResponse(202, (), b"")

    dispatch.add("lambda", answer)
    session = dispatch.session(Credentials("ASIAEXAMPLE", "secret", "token"))
    client = session.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    answered = client.invoke(FunctionName="chorale-compose", InvocationType="Event", Payload=b'{"compositionId": "c"}')
    assert (answered["StatusCode"], answered["Payload"].read()) == (202, b"")
    assert asked[0].path == "/2015-03-31/functions/chorale-compose/invocations"
    assert asked[0].headers["x-amz-invocation-type"] == "Event"
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName="chorale-compose", Payload=b'"full"')


def test_a_service_that_is_not_there_is_refused_without_a_connection(session: boto3.Session) -> None:
    client = session.client("sqs", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises((LookupError, HTTPClientError), match="sqs"):
        client.list_queues()


def test_nothing_of_the_users_environment_reaches_these_clients(
    dispatch: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of the user")
    session = dispatch.session(Credentials("ASIAEXAMPLE", "secret", "token"))
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.access_key == "ASIAEXAMPLE"
    client = session.client("s3")
    assert client.meta.region_name == "us-east-1"
    assert "127.0.0.1" not in client.meta.endpoint_url
    client.list_buckets()


def test_other_clients_go_where_they_always_went(session: boto3.Session) -> None:
    session.client("s3").list_buckets()
    elsewhere = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )
    with pytest.raises(EndpointConnectionError):
        elsewhere.list_buckets()
