"""What a client is told of a refused signature, in the literal names of AWS's own services."""

import pytest

from infra.local.signature_errors import NAMES, signature_error_response
from service.sigv4 import Reason, SignatureError

# By a service of each protocol: reason → status and error code.
EXPECTED = {
    "deepcomposer": {
        Reason.MISSING: (403, "MissingAuthenticationTokenException"),
        Reason.UNKNOWN_KEY: (403, "UnrecognizedClientException"),
        Reason.MISMATCH: (403, "InvalidSignatureException"),
        Reason.SKEWED: (403, "InvalidSignatureException"),
        Reason.TOKEN_EXPIRED: (403, "ExpiredTokenException"),
        Reason.INCOMPLETE: (400, "IncompleteSignatureException"),
    },
    "dynamodb": {
        Reason.MISSING: (400, "MissingAuthenticationTokenException"),
        Reason.UNKNOWN_KEY: (400, "UnrecognizedClientException"),
        Reason.MISMATCH: (400, "InvalidSignatureException"),
        Reason.SKEWED: (400, "InvalidSignatureException"),
        Reason.TOKEN_EXPIRED: (400, "ExpiredTokenException"),
    },
    "iam": {
        Reason.MISSING: (403, "MissingAuthenticationToken"),
        Reason.UNKNOWN_KEY: (403, "InvalidClientTokenId"),
        Reason.MISMATCH: (403, "SignatureDoesNotMatch"),
        Reason.SKEWED: (403, "SignatureDoesNotMatch"),
        Reason.TOKEN_EXPIRED: (403, "ExpiredToken"),
    },
    "s3": {
        Reason.MISSING: (403, "AccessDenied"),
        Reason.UNKNOWN_KEY: (403, "InvalidAccessKeyId"),
        Reason.MISMATCH: (403, "SignatureDoesNotMatch"),
        Reason.SKEWED: (403, "RequestTimeTooSkewed"),
        Reason.INCOMPLETE: (400, "AuthorizationHeaderMalformed"),
        Reason.INCOMPLETE_QUERY: (400, "AuthorizationQueryParametersError"),
        Reason.TOKEN_EXPIRED: (403, "ExpiredToken"),
        Reason.URL_EXPIRED: (403, "AccessDenied"),
        Reason.BODY_MISMATCH: (400, "XAmzContentSHA256Mismatch"),
    },
}
CASES = [(service, reason, *answer) for service, answers in EXPECTED.items() for reason, answer in answers.items()]


@pytest.mark.parametrize(("service", "reason", "status", "code"), CASES)
def test_each_protocol_has_its_own_name_for_a_refusal(service, reason, status, code):
    answer = signature_error_response(service, SignatureError(reason, "No."), "request-1")
    headers = dict(answer.headers)
    assert (answer.status, headers["x-amzn-errortype"]) == (status, code)
    assert headers["x-amzn-requestid"] == "request-1"
    assert b"No." in answer.body
    if service in ("iam", "s3"):
        assert f"<Code>{code}</Code>".encode() in answer.body


def test_every_protocol_names_every_reason():
    for names in NAMES.values():
        assert set(names) == set(Reason)


def test_a_skewed_request_to_s3_is_told_both_times():
    error = SignatureError(Reason.SKEWED, "No.", RequestTime="20260101T000000Z", ServerTime="2026-01-02T00:00:00Z")
    body = signature_error_response("s3", error, "request-1").body
    assert b"<RequestTime>20260101T000000Z</RequestTime><ServerTime>2026-01-02T00:00:00Z</ServerTime>" in body
