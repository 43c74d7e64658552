"""The aws-chunked content encoding: a body in chunks, each signed or not, with checksums in a trailer.

    HEX-LENGTH[;chunk-signature=SIGNATURE]\\r\\n DATA \\r\\n … 0[;chunk-signature=SIGNATURE]\\r\\n
    [NAME:VALUE\\r\\n … [x-amz-trailer-signature:SIGNATURE\\r\\n]] \\r\\n

Every signature of a chunk covers the one before it, the first the signature of the request.
"""

import hashlib
import hmac
from dataclasses import dataclass

from infra.local.checksums import CHECKSUMS
from service.sigv4 import (
    EMPTY_SHA256,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    Reason,
    SignatureError,
    Verified,
)

STREAMING_PAYLOADS = frozenset({STREAMING_SIGNED, STREAMING_SIGNED_TRAILER, STREAMING_UNSIGNED_TRAILER})

_MAX_LINE = 8192
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class ChunkedBodyError(Exception):
    """The body is not in the aws-chunked encoding that its headers announce."""


@dataclass(frozen=True, slots=True)
class DecodedBody:
    """The body itself, and the headers of its trailer (names in lower case)."""

    body: bytes
    trailers: dict[str, str]


def decode(encoded: bytes, verified: Verified, announced_length: str | None) -> DecodedBody:
    """Take the chunks apart and prove their signatures.

    `announced_length` is the x-amz-decoded-content-length header. Raises ChunkedBodyError for a malformed body and
    SignatureError for a wrong signature.
    """
    signed = verified.payload != STREAMING_UNSIGNED_TRAILER
    chain = _SignatureChain(verified)
    pieces: list[bytes] = []
    position = 0
    while True:
        line, position = _line(encoded, position)
        size, signature = _chunk_header(line, signed)
        chunk = encoded[position : position + size]
        if len(chunk) != size:
            raise ChunkedBodyError("The body ends in the middle of a chunk.")
        position += size
        if signed:
            chain.check_chunk(chunk, signature)
        if size == 0:
            break
        pieces.append(chunk)
        if encoded[position : position + 2] != b"\r\n":
            raise ChunkedBodyError("A chunk is longer than its header says.")
        position += 2
    trailers = _trailers(encoded, position)
    if verified.payload == STREAMING_SIGNED_TRAILER:
        chain.check_trailers(trailers, trailers.pop(_TRAILER_SIGNATURE, ""))
    body = b"".join(pieces)
    if announced_length is None or announced_length != str(len(body)):
        raise ChunkedBodyError("You did not provide the number of bytes specified by x-amz-decoded-content-length.")
    return DecodedBody(body, trailers)


class _SignatureChain:
    def __init__(self, verified: Verified) -> None:
        self._key = verified.signing_key
        self._prefix = f"{verified.claim.timestamp}\n{verified.claim.scope}"
        self._previous = verified.claim.signature

    def check_chunk(self, chunk: bytes, signature: str) -> None:
        covered = f"{EMPTY_SHA256}\n{hashlib.sha256(chunk).hexdigest()}"
        self._check("AWS4-HMAC-SHA256-PAYLOAD", covered, signature)

    def check_trailers(self, trailers: dict[str, str], signature: str) -> None:
        text = "".join(f"{name}:{value}\n" for name, value in trailers.items() if name != _TRAILER_SIGNATURE)
        self._check("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(text.encode("latin-1")).hexdigest(), signature)

    def _check(self, algorithm: str, covered: str, signature: str) -> None:
        to_sign = f"{algorithm}\n{self._prefix}\n{self._previous}\n{covered}"
        expected = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            message = "The signature of a chunk does not match the signature that we calculated for it."
            raise SignatureError(Reason.MISMATCH, message)
        self._previous = signature


def _line(encoded: bytes, position: int) -> tuple[str, int]:
    end = encoded.find(b"\r\n", position, position + _MAX_LINE)
    if end < 0:
        raise ChunkedBodyError("The body ends in the middle of a line.")
    return encoded[position:end].decode("latin-1"), end + 2


def _chunk_header(line: str, signed: bool) -> tuple[int, str]:
    length, _, extension = line.partition(";")
    if not length or len(length) > 16 or not all(digit in "0123456789abcdefABCDEF" for digit in length):
        raise ChunkedBodyError("A chunk must begin with its length in hexadecimal.")
    name, _, signature = extension.partition("=")
    if signed and name != "chunk-signature":
        raise ChunkedBodyError("A chunk has no signature.")
    return int(length, 16), signature


def _trailers(encoded: bytes, position: int) -> dict[str, str]:
    """The trailing headers up to the empty line, or to the end of the body, where some clients leave it out."""
    found: dict[str, str] = {}
    while position < len(encoded):
        line, position = _line(encoded, position)
        if not line:
            break
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or (name not in CHECKSUMS and name != _TRAILER_SIGNATURE) or name in found:
            raise ChunkedBodyError("The trailer may hold one of each checksum and its signature only.")
        found[name] = value.strip()
    if position != len(encoded):
        raise ChunkedBodyError("Something follows the end of the chunks.")
    return found
