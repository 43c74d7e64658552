"""Requests signed by botocore, whatever their paths, queries, headers and bodies, are verified by us."""

import hashlib
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from service.sigv4 import SecretKey, SignedRequest, presign, verify

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
KEY = SecretKey("AKIDEXAMPLE000000000", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION_KEY = SecretKey("ASIAEXAMPLE000000000", "another/secret", session_token="tok+en/with=signs==")
KEYS = {key.access_key_id: key for key in (KEY, SESSION_KEY)}

text = st.text(st.characters(codec="utf-8"), max_size=12)
segments = st.lists(st.one_of(text, st.sampled_from(["", ".", "..", "a b", "ü", "%2F", "arn:aws:x"])), max_size=5)
encoded_paths = segments.map(lambda found: "/" + "/".join(quote(segment, safe="~") for segment in found))
raw_paths = st.one_of(encoded_paths, st.sampled_from(["/", "/tags/arn:aws:deepcomposer:us-east-1:1:model/x", "/a//b/"]))
pairs = st.lists(st.tuples(text, text), max_size=6)
queries = pairs.map(lambda found: "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in found))
header_values = st.text(st.sampled_from("ab, \t;=x"), max_size=12)
extra_headers = st.dictionaries(
    st.sampled_from(["x-amz-meta-a", "X-Custom", "content-type"]), header_values, max_size=3
)
bodies = st.binary(max_size=64)
methods = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])
keys = st.sampled_from([KEY, SESSION_KEY])


def find_key(access_key_id: str, _token: str | None) -> SecretKey | None:
    return KEYS.get(access_key_id)


def sign_with(signer: auth.SigV4Auth, request: AWSRequest) -> None:
    with mock.patch("botocore.auth.get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        signer.add_auth(request)


def as_received(request: AWSRequest, body: bytes) -> SignedRequest:
    parts = urlsplit(request.url)
    headers = {name.lower(): ",".join(request.headers.get_all(name)) for name in request.headers}
    headers["host"] = parts.netloc
    return SignedRequest(request.method, parts.path, parts.query, headers, body)


def credentials_of(key: SecretKey) -> Credentials:
    return Credentials(key.access_key_id, key.secret, key.session_token)


@given(methods, raw_paths, queries, extra_headers, bodies, keys, st.sampled_from(["deepcomposer", "iam", "dynamodb"]))
def test_what_botocore_signs_in_headers_is_verified(method, path, query, headers, body, key, service):
    url = f"http://127.0.0.1:4242{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, headers=headers, data=body)
    sign_with(auth.SigV4Auth(credentials_of(key), service, "eu-west-1"), request)
    verified = verify(as_received(request, body), find_key, NOW)
    assert verified.key is key
    assert (verified.claim.service, verified.claim.region) == (service, "eu-west-1")
    assert verified.expires is None


@given(methods, raw_paths, queries, extra_headers, bodies, keys)
def test_what_botocore_signs_for_s3_is_verified_and_so_is_its_body(method, path, query, headers, body, key):
    url = f"http://127.0.0.1:4242{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url, headers=headers, data=body)
    sign_with(auth.S3SigV4Auth(credentials_of(key), "s3", "us-east-1"), request)
    verified = verify(as_received(request, body), find_key, NOW)
    assert verified.key is key
    assert verified.body_sha256 == hashlib.sha256(body).hexdigest()


@given(st.dictionaries(text.filter(bool), text.filter(bool), max_size=4), raw_paths, keys, st.integers(1, 604800))
def test_what_botocore_presigns_is_verified(query, path, key, seconds):
    for signer, service in ((auth.SigV4QueryAuth, "deepcomposer"), (auth.S3SigV4QueryAuth, "s3")):
        request = AWSRequest("GET", f"http://localhost:4242{path}", params=dict(query))
        sign_with(signer(credentials_of(key), service, "us-east-1", expires=seconds), request)
        verified = verify(as_received(request, b""), find_key, NOW)
        assert verified.key is key
        assert (verified.expires - NOW).total_seconds() == seconds


@given(
    st.sampled_from(["http://127.0.0.1:4242", "https://s3.us-east-1.amazonaws.com", "http://[::1]:80", "http://h:443"]),
    encoded_paths,
    st.dictionaries(text.filter(bool), text.filter(bool), max_size=4),
    keys,
    st.integers(1, 604800),
    st.booleans(),
)
def test_presign_writes_the_url_that_botocore_writes(origin, path, query, key, seconds, in_url):
    request = AWSRequest("GET", origin + path, params=dict(query))
    sign_with(auth.S3SigV4QueryAuth(credentials_of(key), "s3", "us-east-1", expires=seconds), request)
    encoded = "&".join(f"{quote(k, safe='-._~')}={quote(v, safe='-._~')}" for k, v in query.items())
    ours = presign(
        "GET",
        origin + path + (f"?{encoded}" if in_url and encoded else ""),
        access_key_id=key.access_key_id,
        secret_key=key.secret,
        session_token=key.session_token,
        region="us-east-1",
        now=NOW,
        expires_seconds=seconds,
        query=None if in_url else query,
    )
    assert ours == request.url


@settings(max_examples=20)
@given(st.sampled_from(["GET", "PUT"]), keys)
def test_presign_for_another_service_is_botocores_too(method, key):
    request = AWSRequest(method, "http://127.0.0.1:4242/compositions/a%20b")
    sign_with(auth.SigV4QueryAuth(credentials_of(key), "deepcomposer", "us-east-1", expires=60), request)
    ours = presign(
        method,
        "http://127.0.0.1:4242/compositions/a%20b",
        access_key_id=key.access_key_id,
        secret_key=key.secret,
        session_token=key.session_token,
        region="us-east-1",
        service="deepcomposer",
        now=NOW,
        expires_seconds=60,
    )
    assert ours == request.url


@pytest.mark.parametrize("seconds", [0, -1, 604801])
def test_presign_refuses_a_lifetime_that_no_server_would_accept(seconds):
    with pytest.raises(ValueError, match="expires_seconds"):
        presign("GET", "http://h/", access_key_id="A", secret_key="s", region="r", now=NOW, expires_seconds=seconds)


def test_a_date_header_may_stand_for_x_amz_date():
    request = AWSRequest("GET", "http://127.0.0.1:4242/models", headers={"Date": "x"})
    sign_with(auth.SigV4Auth(credentials_of(KEY), "deepcomposer", "us-east-1"), request)
    assert "X-Amz-Date" not in request.headers
    assert verify(as_received(request, b""), find_key, NOW).key is KEY
