"""Our own boto3 clients reach the local AWS here, without a socket.

`Dispatch.session` is an ordinary boto3 Session; its clients carry botocore event handlers that answer each request:

- DynamoDB's operations on items at `before-call`, which is before signing, HTTP and parsing: ten times faster;
- everything else at `before-send`, when the request is complete and signed: Lambda by the function host, the
  services that moto plays by MotoHost, and any other service is refused.

Nothing is patched: a client of any other session goes where it always went.
"""

import json
import os
import re
import uuid
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.httpchecksum import AwsChunkedWrapper
from botocore.model import OperationModel
from botocore.parsers import create_parser

from infra.local.http import LocalRequest, LocalResponse
from infra.local.moto_host import MOTO_SERVICES, MotoHost

# The service in botocore's event names, where it is not the service in the credential scope.
_SERVICE_NAMES = {"cloudwatch-logs": "logs"}

_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-][^/]*amazonaws\.com(:\d+)?")
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/")

# Operations on items: their parameters are plain JSON, so that moto's handler can take them as they are.
_DIRECT_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)

# Session variables that a user's environment or ~/.aws must not set for the service's own clients.
_ISOLATED_VARIABLES = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
    "ignore_configured_endpoint_urls": (None, None, True, None),
}


ServiceAnswer = Callable[[LocalRequest], LocalResponse]


class Dispatch:
    """The way of our own clients to a hosted account."""

    def __init__(self, host: MotoHost) -> None:
        self._host = host
        self._others: dict[str, ServiceAnswer] = {}

    def add(self, service: str, answer: ServiceAnswer) -> None:
        """Have `answer` answer the requests to a service that moto does not play."""
        self._others[service] = answer

    def session(self, credentials: Credentials) -> boto3.Session:
        """A session of the service itself: its clients act with these credentials on the hosted account."""
        core: Any = botocore.session.Session(session_vars=_ISOLATED_VARIABLES)
        core._credentials = credentials  # botocore's own setter takes static keys only
        core.set_config_variable("region", self._host.region)
        session = boto3.Session(botocore_session=core)
        events: Any = session.events  # botocore's stubs know no handler that answers
        events.register("before-call.dynamodb", _DynamoDirect(self._host))
        events.register("before-send", self._send)
        return session

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Answers a complete request at `before-send`, instead of a connection."""
        name, operation_name = event_name.split(".")[1:]
        service = _SERVICE_NAMES.get(name, name)
        local = _local_request(request)
        if service in MOTO_SERVICES:
            signed_for = _CREDENTIAL_SCOPE.search(local.headers.get("authorization", ""))
            region = signed_for["region"] if signed_for else None
            answer = self._host.handle(service, local, operation=operation_name, region=region)
        elif service in self._others:
            answer = self._others[service](local)
        else:
            raise LookupError(f"the local AWS has no service named {service}")
        return _aws_response(request.url, answer.status, dict(answer.headers), answer.body)


class _DynamoDirect:
    """Answers operations on items at `before-call`, in the shape in which botocore would have parsed the answer."""

    def __init__(self, host: MotoHost) -> None:
        self._host = host
        self._parser = create_parser("json")

    def __call__(
        self, model: OperationModel, params: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> tuple[AWSResponse, dict[str, Any]] | None:
        if model.name not in _DIRECT_OPERATIONS or context["client_region"] != self._host.region:
            return None
        answer = self._host.dynamodb(model.name, xform_name(model.name), _parse_items(params["body"]))
        if answer.error is not None:
            return self._error(model, params["url"], answer.error)
        assert model.output_shape is not None  # every operation on items has one
        known = model.output_shape.members
        parsed = {name: value for name, value in answer.members.items() if name in known and value is not None}
        request_id = str(uuid.uuid4())
        parsed["ResponseMetadata"] = {
            "RequestId": request_id,
            "HTTPStatusCode": 200,
            "HTTPHeaders": {"x-amzn-requestid": request_id},
            "RetryAttempts": 0,
        }
        return _aws_response(params["url"], 200, {}, b""), parsed

    def _error(self, model: OperationModel, url: str, error: LocalResponse) -> tuple[AWSResponse, dict[str, Any]]:
        headers = {name.lower(): value for name, value in error.headers}
        headers.setdefault("x-amzn-requestid", str(uuid.uuid4()))
        response = {"status_code": error.status, "headers": headers, "body": error.body}
        assert model.output_shape is not None
        parsed = self._parser.parse(response, model.output_shape)
        shape = model.service_model.shape_for_error_code(parsed["Error"]["Code"])
        if shape is not None:
            parsed.update(self._parser.parse(response, shape))
        parsed["ResponseMetadata"]["RetryAttempts"] = 0
        return _aws_response(url, error.status, headers, error.body), parsed


def _aws_response(url: str, status: int, headers: Any, body: bytes) -> AWSResponse:
    return AWSResponse(url, status, headers, _RawBody(body))


class _RawBody(BytesIO):
    """A body as AWSResponse and StreamingBody read it."""

    def stream(self, amt: int = 1 << 16, decode_content: bool | None = None) -> Any:
        while chunk := self.read(amt):
            yield chunk


def _parse_items(body: bytes) -> dict[str, Any]:
    """The operation's parameters out of the JSON that botocore made of them, binary values decoded."""
    if b'"B"' in body or b'"BS"' in body:
        return json.loads(body, object_hook=_decode_binary)
    return json.loads(body)


def _decode_binary(value: dict[str, Any]) -> dict[str, Any]:
    # Only an attribute value can have a string at "B" or a list at "BS": in a map of attributes they are objects.
    if isinstance(value.get("B"), str):
        return {"B": b64decode(value["B"])}
    if isinstance(value.get("BS"), list):
        return {"BS": [b64decode(element) for element in value["BS"]]}
    return value


def _local_request(request: AWSPreparedRequest) -> LocalRequest:
    """The request as the gateway would have parsed it off the wire, S3 always addressed by path."""
    url = urlsplit(request.url)
    virtual = _VIRTUAL_HOST.fullmatch(url.netloc)
    path = f"/{virtual['bucket']}{url.path}" if virtual else url.path
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    return LocalRequest(request.method, path or "/", url.query, headers, _body_bytes(request.body))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if not isinstance(body, AwsChunkedWrapper) and hasattr(body, "seek"):
        body.seek(0)
    return body.read()
