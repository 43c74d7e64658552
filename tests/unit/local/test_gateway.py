"""The gateway by itself, over ASGI, with a host and an API that write down what reaches them."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgi_driver import HOST, call, send, signed
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.account import Account
from infra.local.authentication import Authenticator
from infra.local.authorization import Authorizer, service_grants
from infra.local.durable.s3.bodies import Bodies
from infra.local.exchange import access_log
from infra.local.gateway import Gateway
from infra.local.hosts import HostNames
from infra.local.http import LocalRequest, LocalResponse
from infra.local.sessions import Sessions
from infra.local.signature_errors import NAMES
from service import errors
from service.caller import PrincipalType
from service.sigv4 import Reason

PLAIN_ANSWER = LocalResponse(200, (("content-type", "text/plain"),), b"from the host")


@dataclass
class Recorder:
    """Stands for moto, and for the API behind the gateway."""

    seen: list[tuple[str, LocalRequest, dict[str, Any]]] = field(default_factory=list)
    scopes: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    response: LocalResponse = PLAIN_ANSWER

    def handle(self, service: str, request: LocalRequest, **facts: Any) -> LocalResponse:
        self.seen.append((service, request, facts))
        return self.response

    async def api(self, scope, receive, send):
        self.scopes.append(scope)
        self.bodies.append((await receive())["body"])
        headers = [(b"content-type", b"application/json"), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


@dataclass(frozen=True)
class IamKey:
    secret_access_key: str
    user_arn: str
    user_id: str


IAM_KEYS = {"AKIAIAMUSER000000000": IamKey("iam secret", "arn:aws:iam::123456789012:user/bob", "AIDABOB")}


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    return Account.create(tmp_path_factory.mktemp("account"))


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def gateway(account, recorder, tmp_path):
    sessions = Sessions(account)
    made = Gateway(
        account,
        Authenticator(account, sessions, IAM_KEYS.get, lambda user_id: user_id == "AIDABOB"),
        Authorizer(service_grants(account, "chorale", "chorale-music")),
        sessions,
        recorder,
        recorder.api,
        HostNames(["music.example"]),
        Bodies(tmp_path / "bodies"),
    )
    yield made
    made.close()


def test_health_is_answered_to_anyone_who_speaks_to_us(gateway):
    answer = call(gateway, target="/healthz")
    assert (answer.status, answer.json) == (200, {"status": "ready"})
    assert answer.headers["x-amzn-requestid"]
    assert call(gateway, "HEAD", "/healthz").body == b""


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "s3.amazonaws.com"])
def test_a_request_for_another_host_gets_nowhere(gateway, account, recorder, host):
    assert send(gateway, account, "deepcomposer", target="/compositions", host=host).status == 421
    assert call(gateway, target="/healthz", host=host).status == 421
    assert recorder.scopes == []


def test_a_request_without_a_host_gets_nowhere(gateway):
    assert call(gateway, target="/healthz", host=None).status == 421


@pytest.mark.parametrize("host", ["deepcomposer.us-east-1.amazonaws.com", "music.example:4242", "localhost"])
def test_the_retired_services_own_name_and_the_owners_are_answered(gateway, account, recorder, host):
    assert send(gateway, account, "deepcomposer", target="/compositions", host=host).status == 200
    assert len(recorder.scopes) == 1


@pytest.mark.parametrize("query", [False, True])
def test_our_api_finds_the_caller_in_the_scope_and_the_whole_body(gateway, account, recorder, query):
    body = b"" if query else b'{"name": "Ode"}'
    answer = send(
        gateway, account, "deepcomposer", "GET" if query else "POST", "/tags/arn%3Aaws", body=body, query=query
    )
    assert (answer.status, answer.body) == (200, b"{}")
    (scope,) = recorder.scopes
    assert scope["chorale.caller"] == account.root
    assert scope["raw_path"] == b"/tags/arn%3Aaws"
    assert recorder.bodies == [body]


def test_no_header_can_name_a_caller(gateway, account, recorder):
    headers = {"X-Amzn-Caller": "root", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "evil.example"}
    iam_user = Credentials("AKIAIAMUSER000000000", "iam secret")
    send(gateway, account, "deepcomposer", target="/compositions", headers=headers, credentials=iam_user)
    (scope,) = recorder.scopes
    assert scope["chorale.caller"].arn == "arn:aws:iam::123456789012:user/bob"
    assert scope["chorale.caller"].type is PrincipalType.USER


def test_other_origins_are_never_allowed(gateway, account, recorder):
    answer = send(gateway, account, "deepcomposer", target="/compositions", headers={"Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    recorder.response = LocalResponse(200, (("access-control-allow-origin", "*"),), b"")
    answer = send(gateway, account, "s3", target="/b/k")
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_request_is_routed_by_the_scope_of_its_signature(gateway, account, recorder):
    send(gateway, account, "s3", target="/compositions/x?versionId=1")
    target = {"X-Amz-Target": "DynamoDB_20120810.GetItem"}
    send(gateway, account, "dynamodb", "POST", headers=target, body=b'{"TableName": "t"}')
    send(gateway, account, "iam", "POST", body=b"Action=ListUsers&Version=2010-05-08")
    assert recorder.scopes == []
    assert [(service, facts["operation"]) for service, _, facts in recorder.seen] == [
        ("s3", "GetObject"),
        ("dynamodb", "GetItem"),
        ("iam", "ListUsers"),
    ]
    assert all(facts["caller"] == account.root for _, _, facts in recorder.seen)
    assert recorder.seen[0][1].path == "/compositions/x"
    assert recorder.seen[0][1].query == "versionId=1"
    assert recorder.seen[1][1].body == b'{"TableName": "t"}'


def test_forwarded_headers_stop_at_the_gateway(gateway, account, recorder):
    headers = {"X-Forwarded-Proto": "https", "Forwarded": "for=10.0.0.1", "x-amz-meta-kept": "1"}
    send(gateway, account, "s3", "PUT", "/b/k", headers=headers, body=b"x")
    (_, request, _) = recorder.seen[0]
    assert request.headers["x-amz-meta-kept"] == "1"
    assert not [name for name in request.headers if "forwarded" in name]


@pytest.mark.parametrize(
    ("service", "headers", "body", "status", "code"),
    [
        ("s3", {}, b"", 501, "NotImplemented"),
        ("dynamodb", {"X-Amz-Target": "DynamoDB_20120810.CreateBackup"}, b"{}", 400, "UnknownOperationException"),
        ("iam", {}, b"Action=SimulateCustomPolicy", 400, "InvalidAction"),
        ("sqs", {"X-Amz-Target": "AmazonSQS.SendMessage"}, b"{}", 400, "UnknownOperationException"),
        ("execute-api", {}, b"", 404, "UnknownOperationException"),
    ],
)
def test_what_is_not_supported_is_refused_in_the_clients_protocol(
    gateway, account, recorder, service, headers, body, status, code
):
    target = "/bucket?cors" if service == "s3" else "/"
    answer = send(gateway, account, service, "POST" if body else "GET", target, headers, body)
    assert answer.status == status
    assert code in answer.body.decode() or answer.headers["x-amzn-errortype"] == code
    assert recorder.seen == []
    assert recorder.scopes == []


@pytest.mark.parametrize(
    ("service", "method", "target", "headers", "body", "status", "told"),
    [
        ("s3", "GET", "/b/k", {}, b"", 403, "<Code>AccessDenied</Code>"),
        ("dynamodb", "POST", "/", {"X-Amz-Target": "DynamoDB_20120810.GetItem"}, b"{}", 400, '"AccessDeniedException"'),
        ("iam", "POST", "/", {}, b"Action=CreateUser", 403, "<Code>AccessDenied</Code>"),
    ],
)
def test_an_iam_user_is_denied_in_the_protocol_of_the_service(
    gateway, account, recorder, service, method, target, headers, body, status, told
):
    iam_user = Credentials("AKIAIAMUSER000000000", "iam secret")
    answer = send(gateway, account, service, method, target, headers, body, credentials=iam_user)
    assert answer.status == status
    assert told in answer.body.decode()
    assert "User: arn:aws:iam::123456789012:user/bob is not authorized to perform" in answer.body.decode()
    assert recorder.seen == []


@pytest.mark.parametrize(
    ("service", "protocol"), [("deepcomposer", "rest-json"), ("dynamodb", "json"), ("iam", "query"), ("s3", "s3")]
)
@pytest.mark.parametrize(
    ("case", "reason"),
    [("key", Reason.UNKNOWN_KEY), ("secret", Reason.MISMATCH), ("session", Reason.TOKEN_EXPIRED)],
)
def test_refused_signatures_have_the_names_of_each_protocol(
    gateway, account, recorder, service, protocol, case, reason
):
    ended = Sessions(account, lambda: datetime.now(UTC) - timedelta(hours=2)).issue(
        account.root.arn, account.id, PrincipalType.ROOT, timedelta(hours=1)
    )
    credentials = {
        "key": Credentials("AKIANOBODY0000000000", account.secret_access_key),
        "secret": Credentials(account.access_key_id, "guessed"),
        "session": Credentials(ended.access_key_id, ended.secret_access_key, ended.session_token),
    }[case]
    answer = send(gateway, account, service, target="/b/k", credentials=credentials)
    status, code = NAMES[protocol][reason]
    assert answer.status == status
    assert answer.headers["x-amzn-errortype"] == code
    assert recorder.seen == []
    assert recorder.scopes == []


def test_our_own_api_has_an_error_class_for_every_refused_signature():
    for status, code in NAMES["rest-json"].values():
        assert issubclass(getattr(errors, code), errors.AuthenticationError)
        assert getattr(errors, code).status == status


@pytest.mark.parametrize(
    ("target", "headers", "status", "code"),
    [
        ("/compositions", [], 403, "MissingAuthenticationTokenException"),
        ("/", [("x-amz-target", "DynamoDB_20120810.GetItem")], 400, "MissingAuthenticationTokenException"),
        ("/", [("x-amz-target", "DeepComposer.ListModels")], 403, "MissingAuthenticationTokenException"),
        ("/", [("content-type", "application/x-www-form-urlencoded")], 403, "MissingAuthenticationToken"),
        ("/b/k?AWSAccessKeyId=A&Signature=s&Expires=1", [], 400, "InvalidRequest"),
        ("/b/k", [("authorization", "AWS AKID:signature")], 400, "InvalidRequest"),
        ("/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256", [], 400, "AuthorizationQueryParametersError"),
        ("/b/k", [("authorization", "Bearer token")], 400, "IncompleteSignatureException"),
        ("/healthz", [("authorization", "Bearer token")], 400, "IncompleteSignatureException"),
        ("/moto-api/reset", [], 403, "MissingAuthenticationTokenException"),
    ],
)
def test_an_unsigned_request_is_refused_in_the_likeliest_protocol(
    gateway, account, recorder, target, headers, status, code
):
    answer = call(gateway, target=target, headers=headers)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (status, code)
    assert recorder.seen == []
    assert recorder.scopes == []


def test_the_old_signature_in_a_query_is_told_what_to_use(gateway):
    answer = call(gateway, target="/b/k?AWSAccessKeyId=A&Signature=s&Expires=1")
    assert b"Please use AWS4-HMAC-SHA256" in answer.body


def test_another_region_is_not_ours(gateway, account):
    elsewhere = Account(account.id, "eu-west-1", account.access_key_id, account.secret_access_key, b"")
    answer = send(gateway, elsewhere, "s3", target="/b")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "AuthorizationHeaderMalformed")
    assert b"<Region>us-east-1</Region>" in answer.body
    assert send(gateway, elsewhere, "deepcomposer").status == 403


def test_a_body_beyond_the_limit_is_refused_before_it_is_kept(gateway, account, recorder):
    too_long = b"x" * ((1 << 20) + 1)
    answer = send(gateway, account, "deepcomposer", "POST", "/compositions", body=too_long)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (413, "RequestEntityTooLargeException")
    target, headers = signed(account, "deepcomposer", "POST", "/compositions")
    answer = call(gateway, "POST", target, headers, pieces=[b"x" * 700_000, b"x" * 700_000])
    assert answer.status == 413
    assert "connection" not in answer.headers  # all of it was read, and forgotten
    answer = call(gateway, "POST", target, headers, pieces=[b"x" * (1 << 20)] * 20)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert recorder.scopes == []


def test_a_body_of_exactly_the_limit_is_taken(gateway, account, recorder):
    body = b"x" * (1 << 20)
    assert send(gateway, account, "deepcomposer", "POST", "/compositions", body=body).status == 200
    assert recorder.bodies == [body]


def test_a_body_that_is_not_the_one_signed_is_refused(gateway, account, recorder):
    target, headers = signed(account, "s3", "PUT", "/b/k", body=b"signed")
    answer = call(gateway, "PUT", target, headers, b"forged")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "XAmzContentSHA256Mismatch")
    target, headers = signed(account, "deepcomposer", "POST", "/compositions", body=b"signed")
    answer = call(gateway, "POST", target, headers, b"forged")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "InvalidSignatureException")
    assert recorder.seen == []
    assert recorder.scopes == []


def test_a_body_with_another_checksum_is_refused(gateway, account, recorder):
    wrong = {"x-amz-checksum-sha256": "AAAA"}
    answer = send(gateway, account, "s3", "PUT", "/b/k", wrong, b"body")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "BadDigest")
    # When an upload is completed the checksum is the whole object's.
    assert send(gateway, account, "s3", "POST", "/b/k?uploadId=1", wrong, b"<a/>").status == 200
    assert [facts["operation"] for _, _, facts in recorder.seen] == ["CompleteMultipartUpload"]


def test_chunks_are_taken_apart_before_they_reach_the_host(gateway, account, recorder):
    headers = {
        "content-encoding": "gzip,aws-chunked",
        "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    encoded = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    request = AWSRequest("PUT", f"http://{HOST}/b/k", headers=headers, data=encoded)
    request.context["checksum"] = {"request_algorithm": {"in": "trailer"}}
    S3SigV4Auth(Credentials(account.access_key_id, account.secret_access_key), "s3", account.region).add_auth(request)
    answer = call(gateway, "PUT", "/b/k", list(request.headers.items()), encoded)
    assert answer.status == 200
    (_, stored, _) = recorder.seen[0]
    assert stored.body == b"hello"
    assert stored.headers["content-encoding"] == "gzip"
    assert stored.headers["content-length"] == "5"
    assert stored.headers["x-amz-checksum-crc32"] == "NhCmhg=="
    assert not {"x-amz-trailer", "x-amz-decoded-content-length", "x-amz-content-sha256"} & stored.headers.keys()
    broken = encoded.replace(b"NhCmhg==", b"AAAAAA==")
    answer = call(gateway, "PUT", "/b/k", list(request.headers.items()), broken)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "BadDigest")


def test_a_bucket_in_the_host_name_goes_into_the_path(gateway, account, recorder):
    send(gateway, account, "s3", target="/a%20key", host="my-music.localhost:4242")
    assert recorder.seen[0][1].path == "/my-music/a%20key"


def test_an_object_cannot_run_as_a_page_of_ours(gateway, account, recorder):
    recorder.response = LocalResponse(200, (("content-type", "text/html"), ("x-amz-request-id", "moto's")), b"<script>")
    answer = send(gateway, account, "s3", target="/b/k")
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-amz-request-id"] == answer.headers["x-amzn-requestid"] != "moto's"


def test_the_answer_to_head_has_headers_and_no_body(gateway, account, recorder):
    recorder.response = LocalResponse(200, (("content-length", "12"), ("etag", '"x"')), b"")
    answer = send(gateway, account, "s3", "HEAD", "/b/k")
    assert (answer.headers["content-length"], answer.body) == ("12", b"")
    denied = send(gateway, account, "s3", "HEAD", "/b/k", credentials=Credentials("AKIAIAMUSER000000000", "iam secret"))
    assert (denied.status, denied.body) == (403, b"")


def test_a_large_answer_is_sent_whole(gateway, account, recorder):
    recorder.response = LocalResponse(200, (), bytes(range(256)) * 20_000)
    answer = send(gateway, account, "s3", target="/b/k")
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(recorder.response.body).digest()
    assert answer.headers["content-length"] == str(len(recorder.response.body))


def test_sts_speaks_of_our_own_callers(gateway, account, recorder):
    answer = send(gateway, account, "sts", "POST", body=b"Action=GetCallerIdentity&Version=2011-06-15")
    assert b"<Arn>arn:aws:iam::123456789012:root</Arn>" in answer.body
    iam_user = Credentials("AKIAIAMUSER000000000", "iam secret")
    answer = send(gateway, account, "sts", "POST", body=b"Action=GetCallerIdentity", credentials=iam_user)
    assert b"<Arn>arn:aws:iam::123456789012:user/bob</Arn><UserId>AIDABOB</UserId>" in answer.body
    assert recorder.seen == []


@pytest.mark.parametrize("seconds", ["899", "129601", "x", "-1", "00000000000900", "٣٦٠٠"])
def test_a_session_has_a_sensible_length(gateway, account, seconds):
    body = f"Action=GetSessionToken&DurationSeconds={seconds}".encode()
    answer = send(gateway, account, "sts", "POST", body=body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationError")


def test_a_session_cannot_be_had_for_a_device_that_nobody_has(gateway, account):
    body = b"Action=GetSessionToken&SerialNumber=arn%3Aaws%3Aiam%3A%3A123456789012%3Amfa%2Fada&TokenCode=123456"
    answer = send(gateway, account, "sts", "POST", body=body)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDenied")


def test_a_session_cannot_beget_a_session(gateway, account):
    session = Sessions(account).issue(account.root.arn, account.id, PrincipalType.ROOT, timedelta(hours=1))
    credentials = Credentials(session.access_key_id, session.secret_access_key, session.session_token)
    answer = send(gateway, account, "sts", "POST", body=b"Action=GetSessionToken", credentials=credentials)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDenied")


def test_a_fault_of_ours_says_nothing_of_its_cause(gateway, account, recorder, caplog):
    def fail(*_arguments, **_keywords):
        raise RuntimeError("inner secret")

    recorder.handle = fail
    answer = send(gateway, account, "s3", target="/b/k")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (500, "InternalError")
    assert b"inner secret" not in answer.body
    assert "inner secret" in caplog.text


def test_a_client_that_goes_away_is_nobodys_fault(gateway, account, recorder, caplog):
    target, headers = signed(account, "s3", "PUT", "/b/k", body=b"whole")
    pairs = [(name.lower().encode(), value.encode()) for name, value in headers]
    scope = {
        "type": "http",
        "method": "PUT",
        "path": "/b/k",
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": [(b"host", HOST.encode()), (b"content-length", b"5"), *pairs],
    }
    messages = [{"type": "http.request", "body": b"wh", "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return messages.pop(0)

    async def send_nothing(_message):
        raise AssertionError("there is nobody to answer")

    asyncio.run(gateway(scope, receive, send_nothing))
    assert recorder.seen == []
    assert "failed" not in caplog.text


def test_the_log_has_one_line_a_request_and_no_secret(gateway, account, caplog):
    with caplog.at_level(logging.INFO, logger=access_log.name):
        send(gateway, account, "s3", target="/b/k", query=True)
    (line,) = [record.getMessage() for record in caplog.records if record.name == access_log.name]
    assert " GET /b/k 200 " in line
    assert "s3:GetObject arn:aws:iam::123456789012:root" in line
    assert "X-Amz" not in line
    assert account.secret_access_key not in caplog.text


def test_an_answer_that_may_have_no_body_is_sent_without_one(gateway, account, recorder):
    recorder.response = LocalResponse(304, (("etag", '"tag"'),), b"moto's own words")
    target, headers = signed(account, "s3", target="/music/key")
    answer = call(gateway, target=target, headers=headers)
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"tag"')
