"""Exchanges with an ASGI application as a server would make them, signed as botocore does."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

HOST = "127.0.0.1:4242"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    pieces: int  # messages that the body came in

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HungUpError(Exception):
    """The application had nothing to say to a client that went away."""


def call(
    application,
    method="GET",
    target="/",
    headers=(),
    body=b"",
    pieces: Iterable[bytes] | None = None,
    host=HOST,
    *,
    hang_up_after: int | None = None,
) -> Answer:
    """One exchange. A body in `pieces` has no announced length, but where the headers have one.

    The client hangs up after so many pieces of its own body; if it has none, of the answer's. Raises HungUpError when
    nothing was answered.
    """
    path, _, query = target.partition("?")
    pairs = [(b"host", host.encode())] if host else []
    pairs += [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    named = {name for name, _ in pairs}
    if body and b"content-length" not in named:
        pairs.append((b"content-length", str(len(body)).encode()))
    if pieces is not None and b"content-length" not in named:
        pairs.append((b"transfer-encoding", b"chunked"))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode(),
        "headers": pairs,
    }
    return asyncio.run(_exchange(application, scope, [body] if pieces is None else pieces, hang_up_after))


async def _exchange(application, scope, pieces: Iterable[bytes], hang_up_after: int | None) -> Answer:
    sent: list[dict[str, Any]] = []
    hung_up = asyncio.Event()
    parts = iter(pieces)
    upcoming = [next(parts, b"")]
    given = 0

    async def receive():
        nonlocal given
        if upcoming and (hang_up_after is None or given < hang_up_after):
            piece = upcoming.pop()
            upcoming.extend([part for part in [next(parts, None)] if part is not None])
            given += 1
            return {"type": "http.request", "body": piece, "more_body": bool(upcoming)}
        if not upcoming:
            await hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) - 1 == hang_up_after:
            hung_up.set()
        await asyncio.sleep(0)

    await application(scope, receive, send)
    if not sent:
        raise HungUpError
    received = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], received, body, len(sent) - 1)


def signed(
    account, service, method="GET", target="/", headers=None, body=b"", credentials=None, host=HOST, query=False
):
    """The target and the headers of a signed request."""
    request = AWSRequest(method, f"http://{host}{target}", headers=headers or {}, data=body)
    keys = credentials or Credentials(account.access_key_id, account.secret_access_key)
    if query:
        signer = S3SigV4QueryAuth if service == "s3" else SigV4QueryAuth
        signer(keys, service, account.region).add_auth(request)
    else:
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(keys, service, account.region).add_auth(request)
    parts = urlsplit(request.url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path, list(request.headers.items())


def send(application, account, service, method="GET", target="/", headers=None, body=b"", **options):
    target, signed_headers = signed(account, service, method, target, headers, body, **options)
    return call(application, method, target, signed_headers, body, host=options.get("host", HOST))
