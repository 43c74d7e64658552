"""An error in the form that a service's clients understand: rest-json, AWS JSON, query XML or S3 XML."""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

from infra.local.http import LocalResponse

# What is not listed speaks rest-json, as our own API does.
_PROTOCOLS = {
    "cloudformation": "query",
    "dynamodb": "json",
    "iam": "query",
    "kms": "json",
    "logs": "json",
    "s3": "s3",
    "sts": "query",
}


def protocol_of(service: str) -> str:
    """`json`, `query`, `s3` or `rest-json`."""
    return _PROTOCOLS.get(service, "rest-json")


def error_response(
    service: str, status: int, code: str, message: str, request_id: str = "", details: Mapping[str, str] | None = None
) -> LocalResponse:
    """The answer by which the service's clients learn of an error `code` with this message.

    `details` are further members of the error, told by S3 only.
    """
    match protocol_of(service):
        case "json":
            content_type, body = "application/x-amz-json-1.0", json.dumps({"__type": code, "message": message})
        case "query":
            fault = "Sender" if status < 500 else "Receiver"
            error = f"<Type>{fault}</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            content_type = "text/xml"
            body = f"<ErrorResponse><Error>{error}</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
        case "s3":
            error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
            error += "".join(f"<{name}>{escape(value)}</{name}>" for name, value in (details or {}).items())
            content_type = "application/xml"
            prolog = '<?xml version="1.0" encoding="UTF-8"?>'
            body = f"{prolog}\n<Error>{error}<RequestId>{escape(request_id)}</RequestId></Error>"
        case _:
            content_type, body = "application/json", json.dumps({"message": message})
    headers = (("content-type", content_type), ("x-amzn-errortype", code), ("x-amzn-requestid", request_id))
    return LocalResponse(status, headers, body.encode())
