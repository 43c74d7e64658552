"""What each protocol calls a refused signature: status and error code, as AWS's own services answer."""

from infra.local.http import LocalResponse
from infra.local.protocol_errors import error_response, protocol_of
from service.sigv4 import Reason, SignatureError

_INVALID_SIGNATURE = (403, "InvalidSignatureException")
_UNRECOGNIZED = (403, "UnrecognizedClientException")

_REST_JSON = {
    Reason.MISSING: (403, "MissingAuthenticationTokenException"),
    Reason.OUTDATED: (400, "IncompleteSignatureException"),
    Reason.INCOMPLETE: (400, "IncompleteSignatureException"),
    Reason.INCOMPLETE_QUERY: (400, "IncompleteSignatureException"),
    Reason.UNKNOWN_KEY: _UNRECOGNIZED,
    Reason.INVALID_TOKEN: _UNRECOGNIZED,
    Reason.MISMATCH: _INVALID_SIGNATURE,
    Reason.SKEWED: _INVALID_SIGNATURE,
    Reason.URL_EXPIRED: _INVALID_SIGNATURE,
    Reason.URL_NOT_YET_VALID: _INVALID_SIGNATURE,
    Reason.TOKEN_EXPIRED: (403, "ExpiredTokenException"),
    Reason.UNSIGNED_HEADERS: _INVALID_SIGNATURE,
    Reason.WRONG_SCOPE: _INVALID_SIGNATURE,
    Reason.NO_PAYLOAD_HASH: _INVALID_SIGNATURE,
    Reason.BAD_PAYLOAD_HASH: _INVALID_SIGNATURE,
    Reason.BODY_MISMATCH: _INVALID_SIGNATURE,
}
_DOES_NOT_MATCH = (403, "SignatureDoesNotMatch")
_QUERY = {
    Reason.MISSING: (403, "MissingAuthenticationToken"),
    Reason.OUTDATED: (400, "IncompleteSignature"),
    Reason.INCOMPLETE: (400, "IncompleteSignature"),
    Reason.INCOMPLETE_QUERY: (400, "IncompleteSignature"),
    Reason.UNKNOWN_KEY: (403, "InvalidClientTokenId"),
    Reason.INVALID_TOKEN: (403, "InvalidClientTokenId"),
    Reason.MISMATCH: _DOES_NOT_MATCH,
    Reason.SKEWED: _DOES_NOT_MATCH,
    Reason.URL_EXPIRED: _DOES_NOT_MATCH,
    Reason.URL_NOT_YET_VALID: _DOES_NOT_MATCH,
    Reason.TOKEN_EXPIRED: (403, "ExpiredToken"),
    Reason.UNSIGNED_HEADERS: _DOES_NOT_MATCH,
    Reason.WRONG_SCOPE: _DOES_NOT_MATCH,
    Reason.NO_PAYLOAD_HASH: _DOES_NOT_MATCH,
    Reason.BAD_PAYLOAD_HASH: _DOES_NOT_MATCH,
    Reason.BODY_MISMATCH: _DOES_NOT_MATCH,
}
_S3 = {
    Reason.MISSING: (403, "AccessDenied"),
    Reason.OUTDATED: (400, "InvalidRequest"),
    Reason.INCOMPLETE: (400, "AuthorizationHeaderMalformed"),
    Reason.INCOMPLETE_QUERY: (400, "AuthorizationQueryParametersError"),
    Reason.UNKNOWN_KEY: (403, "InvalidAccessKeyId"),
    Reason.INVALID_TOKEN: (400, "InvalidToken"),
    Reason.MISMATCH: (403, "SignatureDoesNotMatch"),
    Reason.SKEWED: (403, "RequestTimeTooSkewed"),
    Reason.URL_EXPIRED: (403, "AccessDenied"),
    Reason.URL_NOT_YET_VALID: (403, "AccessDenied"),
    Reason.TOKEN_EXPIRED: (403, "ExpiredToken"),
    Reason.UNSIGNED_HEADERS: (403, "AccessDenied"),
    Reason.WRONG_SCOPE: (400, "AuthorizationHeaderMalformed"),
    Reason.NO_PAYLOAD_HASH: (400, "InvalidRequest"),
    Reason.BAD_PAYLOAD_HASH: (400, "InvalidArgument"),
    Reason.BODY_MISMATCH: (400, "XAmzContentSHA256Mismatch"),
}
NAMES = {
    "rest-json": _REST_JSON,
    # AWS JSON has the names of rest-json, all of them with status 400.
    "json": {reason: (400, code) for reason, (_, code) in _REST_JSON.items()},
    "query": _QUERY,
    "s3": _S3,
}


def signature_error_response(service: str, error: SignatureError, request_id: str) -> LocalResponse:
    """The refusal in the words of the service's protocol."""
    status, code = NAMES[protocol_of(service)][error.reason]
    return error_response(service, status, code, error.message, request_id, error.details)
