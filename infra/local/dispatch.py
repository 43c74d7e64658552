"""Our own boto3 clients reach the local AWS here, without a socket.

`Dispatch.session` is an ordinary boto3 Session, but for two things:

- its DynamoDB clients carry out operations on items at once (direct_dynamodb.py): twenty times faster;
- a botocore event handler answers everything else at `before-send`, when the request is complete and signed: Lambda
  by the function host, the services that moto plays by MotoHost, and any other service is refused.

Nothing is patched: a client of any other session goes where it always went.
"""

import os
import re
from collections.abc import Callable
from io import BufferedReader, BytesIO, RawIOBase
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials
from botocore.httpchecksum import AwsChunkedWrapper

from infra.local.direct_dynamodb import direct_clients
from infra.local.http import BodyStream, LocalRequest, LocalResponse
from infra.local.moto_host import MOTO_SERVICES, MotoHost

# The service in botocore's event names, where it is not the service in the credential scope.
_SERVICE_NAMES = {"cloudwatch-logs": "logs"}

_VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-][^/]*amazonaws\.com(:\d+)?")
_CREDENTIAL_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[a-z0-9-]+)/")

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
        events.register("creating-client-class.dynamodb", direct_clients(self._host))
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
        raw = _RawBody(BytesIO(answer.body) if answer.stream is None else _StreamFile(answer.stream))
        headers: Any = dict(answer.headers)  # which it makes its own of
        return AWSResponse(request.url, answer.status, headers, raw)


class _StreamFile(RawIOBase):
    """A stream as a file, for whoever reads it in pieces of another size."""

    def __init__(self, stream: BodyStream) -> None:
        super().__init__()
        self._stream = stream
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._stream, b""))
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


class _RawBody(BufferedReader):
    """A body as AWSResponse and StreamingBody read it."""

    def stream(self, amt: int = 1 << 16, decode_content: bool | None = None) -> Any:
        while chunk := self.read(amt):
            yield chunk


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
