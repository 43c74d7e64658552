"""Requests to S3 that were let in: their bodies are received, a large upload straight into a file, and then answered.

An upload that would come to nothing is refused before its body is sent, and one that fails on its way leaves nothing:
the file belongs to nobody until the host, answering the request, adopts it.
"""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from infra.local.aws_chunked import ChunkedBodyError
from infra.local.checksums import ChecksumError
from infra.local.durable.errors import WriteRefusedError
from infra.local.durable.s3.bodies import INLINE_BYTES, Bodies
from infra.local.exchange import Exchange
from infra.local.http import BodyTooLargeError, LocalRequest, LocalResponse, StagedBody
from infra.local.protocol_errors import error_response
from infra.local.pump import in_thread, pour
from infra.local.s3_bodies import BodyReceiver, announced_length
from infra.local.spool import Spool
from service.caller import Caller
from service.sigv4 import Verified

_UPLOADS = ("PutObject", "UploadPart")
_UPLOAD_LIMIT = 5 << 30  # bytes, as AWS has it
_OTHER_LIMIT = 8 << 20  # XML: the ten thousand parts of an upload that is completed have the longest


class ServiceHost(Protocol):
    """What plays the other AWS services."""

    def handle(
        self,
        service: str,
        request: LocalRequest,
        *,
        operation: str,
        region: str | None = None,
        caller: Caller | None = None,
    ) -> LocalResponse: ...


@dataclass(frozen=True, slots=True)
class S3Call:
    """A request that its caller may make: the operation, and `request` addressed by path, still without its body."""

    operation: str
    request: LocalRequest
    verified: Verified
    caller: Caller

    @property
    def uploads(self) -> bool:
        """Whether the body is an object or a part of one."""
        return self.operation in _UPLOADS


class S3Entrance:
    """The way of S3's requests to the host, with the bodies of large uploads in files."""

    def __init__(self, host: ServiceHost, bodies: Bodies, threads: Executor) -> None:
        self._host = host
        self._bodies = bodies
        self._threads = threads

    async def carry_out(self, exchange: Exchange, call: S3Call) -> LocalResponse:
        """Read the body and answer. Raises SignatureError, BodyTooLargeError and ClientGoneError."""
        length = announced_length(call.request.headers)
        limit = _UPLOAD_LIMIT if call.uploads else _OTHER_LIMIT
        if length is not None and length > limit:
            raise BodyTooLargeError(limit)
        with Spool(limit, self._bodies if call.uploads else None) as spool:
            try:
                receiver = BodyReceiver(call.request.headers, call.verified, spool)
                if not call.uploads or (length is not None and length <= INLINE_BYTES):
                    return await self._receive_small(exchange, call, receiver)
                return await self._receive_large(exchange, call, receiver)
            except (ChunkedBodyError, ChecksumError) as error:
                return error_response("s3", 400, error.code, str(error), exchange.request_id)
            except WriteRefusedError as error:
                message = f"The upload could not be stored: {error}."
                return error_response("s3", 503, "ServiceUnavailable", message, exchange.request_id)

    async def _receive_small(self, exchange: Exchange, call: S3Call, receiver: BodyReceiver) -> LocalResponse:
        body = await exchange.read_body(_OTHER_LIMIT)
        return await in_thread(self._threads, self._answer, call, receiver, body)

    async def _receive_large(self, exchange: Exchange, call: S3Call, receiver: BodyReceiver) -> LocalResponse:
        refusal = await in_thread(self._threads, self._ask_ahead, call)
        if refusal is not None:
            return refusal
        await pour(exchange.body_pieces(), receiver.feed, self._threads)
        return await in_thread(self._threads, self._answer, call, receiver, b"")

    def _ask_ahead(self, call: S3Call) -> LocalResponse | None:
        """Runs in a thread: why an upload would come to nothing, for want of its bucket or of what it is a part of."""
        path, query = call.request.path, call.request.query
        if call.operation == "UploadPart":
            upload = dict(parse_qsl(query))["uploadId"]
            asked = urlencode({"uploadId": upload, "max-parts": 1})
            question, operation = LocalRequest("GET", path, asked, {}, b""), "ListParts"
        else:
            question, operation = (
                LocalRequest("GET", "/" + path.split("/")[1], "location", {}, b""),
                "GetBucketLocation",
            )
        answer = self._handle(call, question, operation)
        return answer if answer.status >= 400 else None

    def _answer(self, call: S3Call, receiver: BodyReceiver, rest: bytes) -> LocalResponse:
        """Runs in a thread: what is left of the body, and what the host answers to the request."""
        receiver.feed(rest)
        received = receiver.finish()
        request = replace(call.request, headers=received.headers, body=received.body, staged=received.staged)
        response = None
        try:
            response = self._handle(call, request, call.operation)
        finally:
            if received.staged is not None:
                self._settle(received.staged, response)
        return response

    def _settle(self, staged: StagedBody, response: LocalResponse | None) -> None:
        """Remove the file of a body that nobody keeps.

        After a fault of ours a row may still refer to an adopted one (a disk that failed may have taken the write): it
        is left to the sweep at the next start.
        """
        refused = response is not None and 400 <= response.status < 500
        if refused or not staged.adopted:
            self._bodies.remove(staged.stored.name)

    def _handle(self, call: S3Call, request: LocalRequest, operation: str) -> LocalResponse:
        region = call.verified.claim.region
        return self._host.handle("s3", request, operation=operation, region=region, caller=call.caller)
