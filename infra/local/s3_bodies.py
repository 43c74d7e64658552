"""The body of an S3 request as it is to be stored: proven against its signature, taken out of its chunks, checked.

It comes in piece by piece and is never needed whole; a large one is on the disk, encrypted, when it has been received.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.aws_chunked import STREAMING_PAYLOADS, ChunkDecoder, MalformedTrailerError
from infra.local.checksums import CHECKSUMS, Checksums
from infra.local.durable.s3.bodies import Bytes
from infra.local.http import StagedBody
from infra.local.spool import Spool
from service.sigv4 import Reason, SignatureError, Verified

# Describe the encoding of the transfer, not the body that is left when it is decoded.
_TRANSFER_HEADERS = frozenset(
    {"expect", "transfer-encoding", "x-amz-content-sha256", "x-amz-decoded-content-length", "x-amz-trailer"}
)
# Here the checksum headers speak of the whole object that is being put together, not of this request's body.
_ABOUT_WHOLE_OBJECT = ("uploads", "uploadId")
_ALGORITHM_HEADERS = ("x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm")


@dataclass(frozen=True, slots=True)
class ReceivedBody:
    """A whole body, in memory or staged, and the headers that go with it, those of a trailer among them."""

    body: bytes
    staged: StagedBody | None
    headers: dict[str, str]


class BodyReceiver:
    """Receives the body of one request into a spool, which its owner aborts when this fails.

    `feed` and `finish` raise SignatureError for a body that was not the one signed, ChunkedBodyError for broken chunks,
    ChecksumError for a body that has another checksum than its sender took, BodyTooLargeError and WriteRefusedError.
    """

    def __init__(self, headers: Mapping[str, str], verified: Verified, spool: Spool) -> None:
        """Raises ChunkedBodyError for a body in chunks whose length is not announced."""
        self._headers = headers
        self._spool = spool
        self._sha256 = verified.body_sha256
        self._hash = hashlib.sha256()
        self._announced = _names(headers.get("x-amz-trailer", ""))
        self._checksums = Checksums(_checksums_to_take(headers, self._announced, verified))
        self._decoder: ChunkDecoder | None = None
        if verified.payload in STREAMING_PAYLOADS:
            self._decoder = ChunkDecoder(verified, headers.get("x-amz-decoded-content-length"), self._keep)

    def feed(self, piece: bytes) -> None:
        """Go on with the next bytes as they came."""
        if self._decoder is not None:
            self._decoder.feed(piece)
            return
        if self._sha256 is not None:
            self._hash.update(piece)
        self._keep(piece)

    def finish(self) -> ReceivedBody:
        """Nothing more comes: the body is what it should be, and a large one is on the disk."""
        kept = {name: value for name, value in self._headers.items() if name not in _TRANSFER_HEADERS}
        if self._decoder is not None:
            kept |= self._trailers(self._decoder)
            _drop_chunked_encoding(kept)
        elif self._sha256 is not None and self._hash.hexdigest() != self._sha256:
            raise SignatureError(
                Reason.BODY_MISMATCH, "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
        self._checksums.check(kept)
        kept["content-length"] = str(self._spool.size)
        body = self._spool.finish()
        if isinstance(body, bytes):
            return ReceivedBody(body, None, kept)
        return ReceivedBody(b"", StagedBody(body, self._spool.md5, self._checksums.values()), kept)

    def _keep(self, piece: Bytes) -> None:
        self._spool.write(piece)
        self._checksums.update(piece)

    def _trailers(self, decoder: ChunkDecoder) -> dict[str, str]:
        trailers = decoder.finish()
        if trailers.keys() != self._announced:
            raise MalformedTrailerError("The trailer does not hold what x-amz-trailer announces.")
        return trailers


def announced_length(headers: Mapping[str, str]) -> int | None:
    """How long the body is when it is decoded, by its headers; None where they do not say."""
    told = headers.get("x-amz-decoded-content-length", headers.get("content-length", ""))
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else None


def _checksums_to_take(headers: Mapping[str, str], announced: set[str], verified: Verified) -> set[str]:
    asked_with = {name for name, _ in verified.claim.query}
    if "partNumber" not in asked_with and not asked_with.isdisjoint(_ABOUT_WHOLE_OBJECT):
        return set()
    algorithms = {f"x-amz-checksum-{headers.get(name, '').lower()}" for name in _ALGORITHM_HEADERS}
    return CHECKSUMS.keys() & (headers.keys() | announced | algorithms)


def _names(listed: str) -> set[str]:
    return {name.strip().lower() for name in listed.split(",")} - {""}


def _drop_chunked_encoding(headers: dict[str, str]) -> None:
    encodings = [name.strip() for name in headers.pop("content-encoding", "").split(",")]
    remaining = [name for name in encodings if name and name != "aws-chunked"]
    if remaining:
        headers["content-encoding"] = ",".join(remaining)
