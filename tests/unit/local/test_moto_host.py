import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hosting import hosted_account

from infra.local import moto_host, turns
from infra.local.durable.folder import DataFolder
from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import AlreadyHostedError, MotoHost
from infra.local.operations import operation_of

ACCOUNT = "123456789012"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[MotoHost]:
    with hosted_account(tmp_path / "data") as host:
        yield host


def query(host: MotoHost, service: str, action: str, **parameters: str) -> LocalResponse:
    body = urlencode({"Action": action, "Version": "2010-05-08", **parameters}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return host.handle(service, LocalRequest("POST", "/", "", headers, body), operation=action)


def dynamodb(host: MotoHost, operation: str, parameters: dict[str, Any], **options: Any) -> LocalResponse:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    request = LocalRequest("POST", "/", "", headers, json.dumps(parameters).encode())
    return host.handle("dynamodb", request, operation=operation, **options)


def s3(hosted: MotoHost, method: str, path: str, body: bytes = b"", **headers: str) -> LocalResponse:
    request = LocalRequest(method, path, "", {"authorization": "AWS4-HMAC-SHA256", **headers}, body)
    return hosted.handle("s3", request, operation=operation_of("s3", request))


def test_a_process_hosts_one_account_at_a_time(host: MotoHost, tmp_path: Path) -> None:
    other = DataFolder.open(tmp_path / "other", account_id="210987654321")
    with pytest.raises(AlreadyHostedError):
        MotoHost(other)
    host.close()
    MotoHost(other).close()
    other.close()


def test_an_account_in_a_new_folder_begins_empty(host: MotoHost, tmp_path: Path) -> None:
    s3(host, "PUT", "/left-over")
    host.close()
    with hosted_account(tmp_path / "other") as with_nothing:
        assert b"left-over" not in s3(with_nothing, "GET", "/").body
        assert s3(with_nothing, "PUT", "/left-over").status == 200


def test_nothing_is_answered_after_closing(host: MotoHost) -> None:
    host.close()
    assert query(host, "iam", "ListUsers").status == 503


def test_a_client_cannot_choose_the_account(host: MotoHost) -> None:
    headers = {"x-moto-account-id": "999999999999", "content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"Action": "CreateUser", "UserName": "eve", "Version": "2010-05-08"}).encode()
    answer = host.handle("iam", LocalRequest("POST", "/", "", headers, body), operation="CreateUser")
    assert f"arn:aws:iam::{ACCOUNT}:user/eve".encode() in answer.body


def test_a_client_cannot_choose_the_host_it_reaches(host: MotoHost) -> None:
    s3(host, "PUT", "/plain")
    s3(host, "PUT", "/plain/key", b"body", host="secret.s3.amazonaws.com")
    answer = s3(host, "GET", "/plain/key", host="iam.amazonaws.com")
    assert answer.stream is not None
    assert b"".join(answer.stream) == b"body"


@pytest.mark.parametrize(
    "path", ["/moto-api", "/moto-api/data.json", "/moto-api/reset", "/cloudformation_us-east-1/cfnresponse"]
)
@pytest.mark.parametrize("service", ["iam", "dynamodb", "cloudformation", "kms", "logs", "sts"])
def test_only_a_services_own_path_is_answered(host: MotoHost, service: str, path: str) -> None:
    assert host.handle(service, LocalRequest("POST", path, "", {}, b""), operation="Any").status in (400, 501)


def test_motos_own_api_is_but_a_bucket_that_is_not_there(host: MotoHost) -> None:
    assert b"NoSuchBucket" in s3(host, "GET", "/moto-api").body
    assert b"NoSuchBucket" in s3(host, "GET", "/moto-api/data.json").body


def test_a_path_without_a_bucket_is_no_uri(host: MotoHost) -> None:
    answer = host.handle("s3", LocalRequest("GET", "//key", "", {}, b""), operation="GetObject")
    assert answer.status == 400
    assert b"<Code>InvalidURI</Code>" in answer.body


def test_a_region_that_does_not_exist_is_no_scope_of_a_credential(host: MotoHost) -> None:
    answer = dynamodb(host, "ListTables", {}, region="eu-atlantis-1")
    assert (answer.status, json.loads(answer.body)["__type"]) == (403, "InvalidSignatureException")


def test_the_answer_to_head_tells_the_length_of_what_it_does_not_send(host: MotoHost) -> None:
    s3(host, "PUT", "/bucket")
    s3(host, "PUT", "/bucket/key", b"12345")
    answer = s3(host, "HEAD", "/bucket/key")
    assert (dict(answer.headers)["content-length"], answer.body) == ("5", b"")
    assert all(name == name.lower() for name, _ in answer.headers)


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("dynamodb", "ListTables", b'"__type": "InternalServerError"'),
        ("kms", "ListKeys", b'"__type": "KMSInternalException"'),
        ("iam", "ListUsers", b"<Code>InternalFailure</Code>"),
        ("s3", "ListBuckets", b"<Code>InternalError</Code>"),
    ],
)
def test_a_fault_is_told_in_the_services_form_and_kept_in_the_log(
    host: MotoHost,
    service: str,
    operation: str,
    expected: bytes,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret of moto's")

    monkeypatch.setattr(moto_host, "_call", fail)
    answer = host.handle(service, LocalRequest("POST", "/", "", {}, b""), operation=operation)
    assert answer.status == 500
    assert expected in answer.body
    assert b"secret" not in answer.body
    assert "a secret of moto's" in caplog.text


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("PutItem", b"null", b"SerializationException"),
        ("PutItem", b'{"TableName": "t"}', b"ValidationException"),
        ("Query", b'{"TableName": 1}', b"SerializationException"),
        ("Query", b'{"TableName": "t", "Limit": "x"}', b"SerializationException"),
    ],
)
def test_an_unreadable_body_is_the_clients_mistake(host: MotoHost, operation: str, body: bytes, code: bytes) -> None:
    headers = {"x-amz-target": f"DynamoDB_20120810.{operation}", "content-type": "application/x-amz-json-1.0"}
    answer = host.handle("dynamodb", LocalRequest("POST", "/", "", headers, body), operation=operation)
    assert answer.status == 400
    assert code in answer.body


@pytest.mark.parametrize(
    ("operation", "method", "target", "body", "status", "code"),
    [
        ("UploadPart", "PUT", "/music/key?partNumber=1&uploadId=none", b"x", 404, "NoSuchUpload"),
        ("CompleteMultipartUpload", "POST", "/music/key?uploadId=none", b"", 404, "NoSuchUpload"),
        ("DeleteObjects", "POST", "/music?delete=", b"<a/>", 400, "MalformedXML"),
        ("PutBucketTagging", "PUT", "/music?tagging=", b"<Tagging/>", 400, "MalformedXML"),
        ("CreateBucket", "PUT", "/other", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 400, "MalformedXML"),
        ("PutBucketVersioning", "PUT", "/music?versioning=", b"\xff", 400, "MalformedXML"),
        ("ListObjectsV2", "GET", "/music?list-type=2&continuation-token=none", b"", 400, "InvalidArgument"),
    ],
)
def test_a_request_that_moto_cannot_read_is_the_clients_mistake(
    host: MotoHost, operation: str, method: str, target: str, body: bytes, status: int, code: str
) -> None:
    s3(host, "PUT", "/music")
    s3(host, "PUT", "/music/key", b"body")
    path, _, asked = target.partition("?")
    request = LocalRequest(method, path, asked, {"authorization": "AWS4-HMAC-SHA256"}, body)
    answer = host.handle("s3", request, operation=operation)
    assert (answer.status, f"<Code>{code}</Code>".encode() in answer.body) == (status, True)


def test_a_page_size_that_is_no_number_is_the_clients_mistake(host: MotoHost) -> None:
    answer = query(host, "iam", "ListUsers", MaxItems="many")
    assert answer.status == 400
    assert b"<Code>ValidationError</Code>" in answer.body


def test_what_moto_cannot_do_is_not_implemented(host: MotoHost) -> None:
    assert dynamodb(host, "NoSuchOperation", {}).status == 501


def test_a_mistake_on_the_direct_path_is_an_answer_too(host: MotoHost) -> None:
    answer = host.dynamodb("GetItem", "get_item", {})
    assert answer.error is not None
    assert answer.error.status == 400


def test_a_fault_of_the_direct_path_is_an_answer_too(host: MotoHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret of moto's")

    monkeypatch.setattr(moto_host.DynamoHandler, "get_item", fail)
    answer = host.dynamodb("GetItem", "get_item", {})
    assert answer.error is not None
    assert answer.error.status == 500


def test_the_key_of_an_iam_user_is_found_while_it_is_active(host: MotoHost) -> None:
    query(host, "iam", "CreateUser", UserName="ada")
    created = query(host, "iam", "CreateAccessKey", UserName="ada").body.decode()
    key_id = created.split("<AccessKeyId>")[1].split("<")[0]
    secret = created.split("<SecretAccessKey>")[1].split("<")[0]
    found = host.find_iam_access_key(key_id)
    assert found is not None
    assert (found.secret_access_key, found.user_arn) == (secret, f"arn:aws:iam::{ACCOUNT}:user/ada")
    assert len(found.user_id) == 20
    assert secret not in repr(found)
    query(host, "iam", "UpdateAccessKey", UserName="ada", AccessKeyId=key_id, Status="Inactive")
    assert host.find_iam_access_key(key_id) is None
    query(host, "iam", "UpdateAccessKey", UserName="ada", AccessKeyId=key_id, Status="Active")
    assert host.find_iam_access_key(key_id) is not None
    query(host, "iam", "DeleteAccessKey", UserName="ada", AccessKeyId=key_id)
    assert host.find_iam_access_key(key_id) is None
    assert host.find_iam_access_key("AKIAUNKNOWN") is None


def test_requests_take_turns(host: MotoHost, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[str] = []
    overlaps: list[str] = []

    def call(entrance: Any, request: Any) -> Any:
        overlaps.extend(inside)
        inside.append(request.path)
        threading.Event().wait(0.01)
        inside.remove(request.path)
        return 200, {}, b""

    monkeypatch.setattr(moto_host, "_call", call)
    threads = [threading.Thread(target=s3, args=(host, "GET", f"/bucket-{number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == []


def test_a_turn_that_takes_long_is_in_the_log(
    host: MotoHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(turns, "LONG_TURN_SECONDS", 0.0)
    with caplog.at_level(logging.WARNING):
        dynamodb(host, "ListTables", {})
    assert "dynamodb ListTables by the service took 0.0 s" in caplog.text


def test_a_front_answers_for_its_service(host: MotoHost) -> None:
    def front(request: LocalRequest, region: str, answer: Any) -> LocalResponse:
        if b"CreateUser" in request.body:
            return LocalResponse(418, (), b"refused")
        response: LocalResponse = answer(request)
        return response

    host.put_in_front("iam", front)
    assert query(host, "iam", "CreateUser", UserName="ada").status == 418
    assert query(host, "iam", "ListUsers").status == 200
