"""Everything that can be wrong with a signature, and the reason that is given for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest import mock
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from service.sigv4 import Reason, SecretKey, SignatureError, SignedRequest, presign, read_claim, verify

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
KEY = SecretKey("AKIDEXAMPLE000000000", "a/secret+key")
SESSION = SecretKey("ASIAEXAMPLE000000000", "another/secret", "the token", expires=NOW + timedelta(minutes=30))
KEYS = {key.access_key_id: key for key in (KEY, SESSION)}


def find_key(access_key_id: str, _token: str | None) -> SecretKey | None:
    return KEYS.get(access_key_id)


def signed(
    method: str = "POST",
    url: str = "http://127.0.0.1:4242/compositions?b=2&a=1&a=0&c=",
    body: bytes = b'{"name": "Ode"}',
    headers: dict[str, str] | None = None,
    key: SecretKey = KEY,
    service: str = "deepcomposer",
    when: datetime = NOW,
) -> SignedRequest:
    request = AWSRequest(method, url, headers=headers or {}, data=body)
    signer = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
    credentials = Credentials(key.access_key_id, key.secret, key.session_token)
    with mock.patch("botocore.auth.get_current_datetime", return_value=when.replace(tzinfo=None)):
        signer(credentials, service, "us-east-1").add_auth(request)
    parts = urlsplit(url)
    received = {name.lower(): value for name, value in request.headers.items()} | {"host": parts.netloc}
    return SignedRequest(method, parts.path, parts.query, received, body)


def presigned(key: SecretKey = KEY, seconds: int = 900, when: datetime = NOW, service: str = "s3") -> SignedRequest:
    url = presign(
        "GET",
        "http://127.0.0.1:4242/music/a%20b.mid",
        access_key_id=key.access_key_id,
        secret_key=key.secret,
        session_token=key.session_token,
        region="us-east-1",
        service=service,
        now=when,
        expires_seconds=seconds,
    )
    parts = urlsplit(url)
    return SignedRequest("GET", parts.path, parts.query, {"host": parts.netloc})


def reason(request: SignedRequest, now: datetime = NOW) -> Reason:
    return refusal(request, now).reason


def refusal(request: SignedRequest, now: datetime = NOW) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        verify(request, find_key, now)
    return caught.value


def with_header(request: SignedRequest, name: str, value: str | None) -> SignedRequest:
    headers = {key: old for key, old in request.headers.items() if key != name}
    return replace(request, headers=headers if value is None else headers | {name: value})


def with_authorization(request: SignedRequest, old: str, new: str) -> SignedRequest:
    changed = request.headers["authorization"].replace(old, new)
    assert changed != request.headers["authorization"]
    return with_header(request, "authorization", changed)


@pytest.mark.parametrize(
    "tampered",
    [
        replace(signed(), method="PUT"),
        replace(signed(), path="/compositions/x"),
        replace(signed(), path="/composition%73"),
        replace(signed(), query="b=2&a=1&c="),
        replace(signed(), query="b=2&a=1&a=1&c="),
        replace(signed(), query="b=2&a=1&a=0&c=&d="),
        replace(signed(), query="b=3&a=1&a=0&c="),
        replace(signed(), body=b'{"name": "Odf"}'),
        replace(signed(), body=b""),
        with_header(signed(), "host", "127.0.0.1:4243"),
        with_header(signed(headers={"content-type": "a/b"}), "content-type", "a/c"),
        with_header(signed(headers={"content-type": "a/b"}), "content-type", None),
        with_authorization(signed(), "us-east-1", "us-east-2"),
        with_authorization(signed(), "/deepcomposer/", "/dynamodb/"),
        with_authorization(signed(), "AKIDEXAMPLE000000000", "ASIAEXAMPLE000000000"),
    ],
)
def test_any_tampering_with_what_was_signed_is_a_mismatch(tampered):
    assert reason(tampered) in (Reason.MISMATCH, Reason.INVALID_TOKEN)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_a_signature_with_any_other_digit_is_a_mismatch(position, digit):
    request = signed()
    signature = request.headers["authorization"][-64:]
    forged = signature[:position] + digit + signature[position + 1 :]
    if forged == signature:
        assert verify(request, find_key, NOW).key is KEY
    else:
        assert reason(with_authorization(request, signature, forged)) is Reason.MISMATCH


def test_the_order_of_the_query_does_not_matter_and_its_repetitions_do():
    assert verify(replace(signed(), query="a=0&a=1&c=&b=2"), find_key, NOW).key is KEY
    assert verify(replace(signed(), query="a=0&a=1&c&b=2"), find_key, NOW).key is KEY
    assert reason(replace(signed(), query="a=0&c=&b=2")) is Reason.MISMATCH


def test_a_query_is_compared_by_what_it_means_not_by_how_it_is_escaped():
    request = signed(url="http://h/tags?k=a%3Ab%2Fc%20d")
    assert verify(replace(request, query="k=a:b/c+d"), find_key, NOW).key is KEY
    assert verify(replace(request, query="%6B=a%3ab%2fc%20d"), find_key, NOW).key is KEY


def test_white_space_in_signed_headers_is_folded():
    request = signed(headers={"x-amz-meta-a": "one   two"})
    assert verify(with_header(request, "x-amz-meta-a", " one \t two "), find_key, NOW).key is KEY


def test_an_unsigned_request_is_missing_its_signature():
    assert reason(SignedRequest("GET", "/", "", {"host": "h"})) is Reason.MISSING


def test_other_schemes_are_outdated_and_told_what_to_use():
    for request in (
        SignedRequest("GET", "/b/k", "AWSAccessKeyId=A&Expires=1&Signature=x", {"host": "h"}),
        SignedRequest("GET", "/b/k", "", {"host": "h", "authorization": "AWS AKID:signature"}),
        SignedRequest("GET", "/b/k", "", {"host": "h", "authorization": "Bearer token"}),
    ):
        error = refusal(request)
        assert error.reason is Reason.OUTDATED
        assert "Please use AWS4-HMAC-SHA256" in error.message


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/20260314/us-east-1/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=A/20260314/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=xyz",
        "AWS4-HMAC-SHA256 Credential=A/20260314/us-east-1/s3/aws4, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=A/20260314/../s3/aws4_request, SignedHeaders=host, Signature=" + "0" * 64,
        "AWS4-HMAC-SHA256 Credential=A/1/r/s/aws4_request,Credential=B/1/r/s/aws4_request,SignedHeaders=h,Signature=0",
    ],
)
def test_an_authorization_header_without_all_its_parts_is_incomplete(authorization):
    request = with_header(signed(), "authorization", authorization)
    assert reason(request) is Reason.INCOMPLETE


@given(st.text(st.characters(max_codepoint=255), max_size=80), st.booleans())
def test_no_authorization_header_raises_anything_but_a_refusal(text, in_scheme):
    value = f"AWS4-HMAC-SHA256 {text}" if in_scheme else text
    with pytest.raises(SignatureError):
        verify(with_header(signed(), "authorization", value), find_key, NOW)


@given(st.text(st.characters(max_codepoint=255, exclude_characters="&"), max_size=30), st.integers(0, 6))
def test_no_presigned_query_raises_anything_but_a_refusal(text, index):
    request = presigned()
    pairs = request.query.split("&")
    name = pairs[index % len(pairs)].partition("=")[0]
    pairs[index % len(pairs)] = f"{name}={text}"
    with pytest.raises(SignatureError):
        verify(replace(request, query="&".join(pairs)), find_key, NOW)


@pytest.mark.parametrize("date", ["yesterday", "20261314T000000Z", "20260314T250000Z", "2026-03-14T15:09:26Z", ""])
def test_an_unreadable_date_is_incomplete(date):
    assert reason(with_header(signed(), "x-amz-date", date)) is Reason.INCOMPLETE


def test_a_missing_date_is_incomplete():
    assert reason(with_header(signed(), "x-amz-date", None)) is Reason.INCOMPLETE


def test_the_scope_must_name_the_day_of_the_request():
    request = with_authorization(signed(), "/20260314/", "/20260313/")
    assert reason(request) is Reason.WRONG_SCOPE


def test_an_unknown_key_is_told_apart():
    assert reason(with_authorization(signed(), "AKIDEXAMPLE000000000", "AKIDNOBODY0000000000")) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize("token", ["another token", "", None])
def test_a_session_key_needs_its_own_token(token):
    request = with_header(signed(key=SESSION), "x-amz-security-token", token)
    assert reason(request) in (Reason.INVALID_TOKEN, Reason.MISMATCH)


def test_a_long_term_key_has_no_token():
    smuggled = SecretKey(KEY.access_key_id, KEY.secret, "made up")
    assert reason(signed(key=smuggled)) is Reason.INVALID_TOKEN


def test_a_session_ends():
    ended = SESSION.expires
    assert verify(signed(key=SESSION, when=ended), find_key, ended - timedelta(seconds=1)).key is SESSION
    assert reason(signed(key=SESSION, when=ended), ended) is Reason.TOKEN_EXPIRED


def test_a_wrong_signature_does_not_learn_that_the_session_is_over():
    request = replace(signed(key=SESSION, when=SESSION.expires), body=b"x")
    assert reason(request, SESSION.expires) is Reason.MISMATCH


@pytest.mark.parametrize(("service", "minutes"), [("deepcomposer", 5), ("dynamodb", 5), ("s3", 15)])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_clock_may_differ_by_so_much_and_no_more(service, minutes, sign):
    allowed = timedelta(minutes=minutes)
    request = signed(service=service)
    assert verify(request, find_key, NOW + sign * allowed).key is KEY
    error = refusal(request, NOW + sign * (allowed + timedelta(seconds=1)))
    assert error.reason is Reason.SKEWED
    told = f"{error.message} {error.details}"
    assert "20260314T150926Z" in told, "the request's time"
    server_time = NOW + sign * (allowed + timedelta(seconds=1))
    assert server_time.strftime("%H%M%S") in told or server_time.strftime("%H:%M:%S") in told, "the server's time"


def test_host_must_be_signed():
    request = with_authorization(signed(), "SignedHeaders=host;", "SignedHeaders=")
    assert reason(request) is Reason.UNSIGNED_HEADERS


def test_the_date_must_be_signed():
    request = with_authorization(signed(), ";x-amz-date", "")
    assert reason(request) is Reason.UNSIGNED_HEADERS


@pytest.mark.parametrize("name", ["x-amz-security-token", "x-amz-acl", "x-amz-copy-source", "x-amz-target"])
def test_headers_of_aws_that_were_added_after_signing_are_refused(name):
    error = refusal(with_header(signed(service="s3"), name, "value"))
    assert error.reason in (Reason.UNSIGNED_HEADERS, Reason.INVALID_TOKEN)


def test_a_presigned_request_may_not_gain_headers_either():
    assert reason(with_header(presigned(), "x-amz-copy-source", "/b/k")) is Reason.UNSIGNED_HEADERS


def test_a_signed_header_that_is_gone_is_a_mismatch():
    assert reason(with_header(signed(headers={"x-custom": "1"}), "x-custom", None)) is Reason.MISMATCH


def test_s3_wants_the_hash_of_the_body_in_a_header():
    request = signed(service="s3")
    assert reason(with_header(request, "x-amz-content-sha256", None)) in (Reason.NO_PAYLOAD_HASH, Reason.MISMATCH)
    assert reason(with_header(request, "x-amz-content-sha256", "nonsense")) is Reason.BAD_PAYLOAD_HASH


def test_a_presigned_url_lives_as_long_as_it_says():
    request = presigned(seconds=60)
    assert verify(request, find_key, NOW + timedelta(seconds=60)).expires == NOW + timedelta(seconds=60)
    error = refusal(request, NOW + timedelta(seconds=61))
    assert error.reason is Reason.URL_EXPIRED
    assert error.details["Expires"] == "2026-03-14T15:10:26Z"
    assert error.details["ServerTime"] == "2026-03-14T15:10:27Z"


def test_a_presigned_url_of_the_future_is_not_valid_yet():
    request = presigned()
    assert verify(request, find_key, NOW - timedelta(minutes=15)).key is KEY
    assert reason(request, NOW - timedelta(minutes=16)) is Reason.URL_NOT_YET_VALID


def test_a_presigned_url_never_outlives_the_session_of_its_signer():
    request = presigned(SESSION, seconds=3600)
    assert verify(request, find_key, NOW).expires == SESSION.expires
    assert reason(request, SESSION.expires) is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize("lifetime", ["0", "-1", "604801", "1e3", "", "%D9%A3", "9999999999999"])
def test_a_lifetime_must_be_a_number_of_seconds_within_a_week(lifetime):
    request = presigned()
    query = request.query.replace("Expires=900", f"Expires={lifetime}")
    assert reason(replace(request, query=query)) is Reason.INCOMPLETE_QUERY


@pytest.mark.parametrize("name", ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-Expires", "X-Amz-Date"])
def test_a_presigned_parameter_may_not_come_twice_or_be_gone(name):
    request = presigned()
    pairs = request.query.split("&")
    (own,) = [pair for pair in pairs if pair.startswith(name + "=")]
    assert reason(replace(request, query="&".join([*pairs, own]))) is Reason.INCOMPLETE_QUERY
    remaining = "&".join(pair for pair in pairs if pair != own)
    assert reason(replace(request, query=remaining)) is Reason.INCOMPLETE_QUERY


def test_a_signature_may_stand_in_the_header_or_in_the_query_but_not_in_both():
    both = with_header(presigned(), "authorization", signed().headers["authorization"])
    assert reason(both) is Reason.INCOMPLETE


def test_a_presigned_url_is_for_its_own_object_only():
    assert reason(replace(presigned(), path="/music/other.mid")) is Reason.MISMATCH
    assert reason(replace(presigned(), query=presigned().query + "&versionId=1")) is Reason.MISMATCH


def test_nothing_secret_is_in_a_repr():
    request = presigned(SESSION)
    verified = verify(request, find_key, NOW)
    shown = repr(verified) + repr(read_claim(request)) + repr(SESSION)
    assert SESSION.secret not in shown
    assert SESSION.session_token not in shown
    assert "the%20token" not in shown
    assert repr(verified.signing_key) not in shown
