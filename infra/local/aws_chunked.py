"""The aws-chunked content encoding: a body in chunks, each signed or not, with checksums in a trailer.

    HEX-LENGTH[;chunk-signature=SIGNATURE]\\r\\n DATA \\r\\n … 0[;chunk-signature=SIGNATURE]\\r\\n
    [NAME:VALUE\\r\\n … [x-amz-trailer-signature:SIGNATURE\\r\\n]] \\r\\n

Every signature of a chunk covers the one before it, the first the signature of the request.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from enum import Enum, auto

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

_LENGTH = re.compile(r"[0-9]{1,16}")
_MAX_LINE = 8192
_TRAILER_SIGNATURE = "x-amz-trailer-signature"
_WRONG_LENGTH = "You did not provide the number of bytes specified by x-amz-decoded-content-length."


class ChunkedBodyError(Exception):
    """The body is not in the aws-chunked encoding that its headers announce; `code` is S3's name for it."""

    code = "IncompleteBody"


class MalformedTrailerError(ChunkedBodyError):
    """The trailer is not the one that x-amz-trailer announces."""

    code = "MalformedTrailerError"


class _At(Enum):
    """What comes next in the encoded body."""

    HEADER = auto()  # the line before a chunk
    DATA = auto()
    DATA_END = auto()  # the line end after a chunk
    TRAILER = auto()
    NOTHING = auto()


class ChunkDecoder:
    """Takes an encoded body apart as it comes in, and proves the signatures of its chunks.

    What is decoded goes to `write` at once; a chunk's signature is known to be right only when the chunk has ended, so
    that all of it is to be forgotten when `feed` or `finish` raise ChunkedBodyError or SignatureError.
    """

    def __init__(self, verified: Verified, announced_length: str | None, write: Callable[[memoryview], None]) -> None:
        """`announced_length` is the x-amz-decoded-content-length header."""
        if announced_length is None or _LENGTH.fullmatch(announced_length) is None:
            raise ChunkedBodyError(_WRONG_LENGTH)
        self._signed = verified.payload != STREAMING_UNSIGNED_TRAILER
        self._trailer_signed = verified.payload == STREAMING_SIGNED_TRAILER
        self._chain = _SignatureChain(verified)
        self._write = write
        self._announced = int(announced_length)
        self._size = 0
        self._at = _At.HEADER
        self._line = b""  # what has come of a line
        self._left = 0  # bytes of the chunk that are still to come
        self._chunk_hash = hashlib.sha256()
        self._chunk_signature = ""
        self._trailers: dict[str, str] = {}

    def feed(self, encoded: bytes) -> None:
        """Go on with the next bytes as they came."""
        rest = memoryview(encoded)
        while rest:
            if self._at is _At.DATA:
                rest = self._take_data(rest)
            elif self._at is _At.NOTHING:
                raise ChunkedBodyError("Something follows the end of the chunks.")
            else:
                rest = self._take_line(rest)

    def finish(self) -> dict[str, str]:
        """Nothing more comes: the headers of the trailer, names in lower case."""
        if self._at in (_At.DATA, _At.DATA_END):
            raise ChunkedBodyError("The body ends in the middle of a chunk.")
        # Some clients leave out the empty line at the end.
        if self._at is _At.HEADER or self._line:
            raise ChunkedBodyError("The body ends in the middle of a line.")
        if self._trailer_signed:
            self._chain.check_trailers(self._trailers, self._trailers.pop(_TRAILER_SIGNATURE, ""))
        if self._size != self._announced:
            raise ChunkedBodyError(_WRONG_LENGTH)
        return self._trailers

    def _take_data(self, rest: memoryview) -> memoryview:
        data = rest[: self._left]
        self._left -= len(data)
        self._size += len(data)
        if self._size > self._announced:
            raise ChunkedBodyError(_WRONG_LENGTH)
        if self._signed:
            self._chunk_hash.update(data)
        self._write(data)
        if self._left == 0:
            self._end_chunk()
            self._at = _At.DATA_END
        return rest[len(data) :]

    def _take_line(self, rest: memoryview) -> memoryview:
        known = len(self._line)
        line = self._line + bytes(rest[: _MAX_LINE - known])
        end = line.find(b"\r\n")
        if self._at is _At.DATA_END and line[:2] not in (b"\r", b"\r\n"):
            raise ChunkedBodyError("A chunk is longer than its header says.")
        if end < 0:
            if len(line) == _MAX_LINE:
                raise ChunkedBodyError("A line between the chunks is too long.")
            self._line = line
            return rest[len(rest) :]
        self._line = b""
        self._read_line(line[:end].decode("latin-1"))
        return rest[end + 2 - known :]

    def _read_line(self, line: str) -> None:
        if self._at is _At.DATA_END:
            self._at = _At.HEADER
        elif self._at is _At.TRAILER:
            self._read_trailer(line)
        else:
            self._left, self._chunk_signature = _chunk_header(line, self._signed)
            self._chunk_hash = hashlib.sha256()
            if self._left:
                self._at = _At.DATA
            else:
                self._end_chunk()
                self._at = _At.TRAILER

    def _end_chunk(self) -> None:
        if self._signed:
            self._chain.check_chunk(self._chunk_hash.hexdigest(), self._chunk_signature)

    def _read_trailer(self, line: str) -> None:
        if not line:
            self._at = _At.NOTHING
            return
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or (name not in CHECKSUMS and name != _TRAILER_SIGNATURE) or name in self._trailers:
            raise MalformedTrailerError("The trailer may hold one of each checksum and its signature only.")
        self._trailers[name] = value.strip()


class _SignatureChain:
    def __init__(self, verified: Verified) -> None:
        self._key = verified.signing_key
        self._prefix = f"{verified.claim.timestamp}\n{verified.claim.scope}"
        self._previous = verified.claim.signature

    def check_chunk(self, sha256: str, signature: str) -> None:
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{EMPTY_SHA256}\n{sha256}", signature)

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


def _chunk_header(line: str, signed: bool) -> tuple[int, str]:
    length, _, extension = line.partition(";")
    if not length or len(length) > 16 or not all(digit in "0123456789abcdefABCDEF" for digit in length):
        raise ChunkedBodyError("A chunk must begin with its length in hexadecimal.")
    name, _, signature = extension.partition("=")
    if signed and name != "chunk-signature":
        raise ChunkedBodyError("A chunk has no signature.")
    return int(length, 16), signature
