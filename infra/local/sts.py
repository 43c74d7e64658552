"""The two operations of STS that speak of our own callers: moto would answer them with constants."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from xml.sax.saxutils import escape

from infra.local.http import LocalResponse
from infra.local.protocol_errors import error_response
from infra.local.sessions import Sessions
from service.caller import Caller, PrincipalType

_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
_MIN_SECONDS = 900
_MAX_SECONDS = 129_600
_MAX_ROOT_SECONDS = 3600
_DEFAULT_SECONDS = 43_200


def get_caller_identity(caller: Caller) -> LocalResponse:
    """Who the caller is. Nobody needs a permission for it."""
    members = {"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account}
    return _answer("GetCallerIdentity", "".join(_element(name, value) for name, value in members.items()))


def get_session_token(caller: Caller, parameters: Mapping[str, str], sessions: Sessions) -> LocalResponse:
    """Temporary credentials for a root user or an IAM user who signs with long-term ones."""
    if caller.type not in (PrincipalType.ROOT, PrincipalType.USER) or caller.session_expires is not None:
        message = "Cannot call GetSessionToken with session credentials"
        return error_response("sts", 403, "AccessDenied", message, str(uuid.uuid4()))
    if "SerialNumber" in parameters or "TokenCode" in parameters:
        message = "MultiFactorAuthentication failed: this account has no MFA devices."
        return error_response("sts", 403, "AccessDenied", message, str(uuid.uuid4()))
    text = parameters.get("DurationSeconds", str(_DEFAULT_SECONDS))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and _MIN_SECONDS <= int(text) <= _MAX_SECONDS):
        message = (
            f"1 validation error detected: Value '{text[:20]}' at 'durationSeconds' failed to satisfy constraint: "
            f"Member must be a number from {_MIN_SECONDS} to {_MAX_SECONDS}"
        )
        return error_response("sts", 400, "ValidationError", message, str(uuid.uuid4()))
    seconds = min(int(text), _MAX_ROOT_SECONDS) if caller.is_root else int(text)
    issued = sessions.issue(caller.arn, caller.user_id, caller.type, timedelta(seconds=seconds))
    members = {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": issued.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    credentials = "".join(_element(name, value) for name, value in members.items())
    return _answer("GetSessionToken", f"<Credentials>{credentials}</Credentials>")


def _answer(operation: str, result: str) -> LocalResponse:
    request_id = str(uuid.uuid4())
    body = (
        f'<{operation}Response xmlns="{_NAMESPACE}"><{operation}Result>{result}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return LocalResponse(200, (("content-type", "text/xml"), ("x-amzn-requestid", request_id)), body.encode())


def _element(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"
