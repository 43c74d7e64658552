"""Bodies in chunks, made here as the specification of Signature Version 4 for streams describes them."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.aws_chunked import ChunkDecoder, ChunkedBodyError, MalformedTrailerError
from service.sigv4 import (
    EMPTY_SHA256,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
    Claim,
    SecretKey,
    SignatureError,
    Verified,
)

KEY = bytes(range(32))
NOW = datetime(2026, 3, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Decoded:
    body: bytes
    trailers: dict[str, str]


def decode(encoded: bytes, proof: Verified, announced: str | None, *, step: int | None = None) -> Decoded:
    """The body out of its chunks, fed `step` bytes at a time, or all at once."""
    pieces: list[bytes] = []
    decoder = ChunkDecoder(proof, announced, lambda piece: pieces.append(bytes(piece)))
    for start in range(0, len(encoded), step or len(encoded) or 1):
        decoder.feed(encoded[start : start + (step or len(encoded))])
    return Decoded(b"".join(pieces), decoder.finish())


def verified(payload: str) -> Verified:
    claim = Claim("AKID", "20260314", "us-east-1", "s3", "20260314T000000Z", NOW, ("host",), "0" * 64, None, None, ())
    return Verified(claim, SecretKey("AKID", "secret"), payload, None, KEY)


def signature(algorithm: str, previous: str, covered: str) -> str:
    scope = "20260314/us-east-1/s3/aws4_request"
    to_sign = f"{algorithm}\n20260314T000000Z\n{scope}\n{previous}\n{covered}"
    return hmac.new(KEY, to_sign.encode(), "sha256").hexdigest()


def signed_stream(chunks: list[bytes], trailer: bytes = b"") -> bytes:
    previous = "0" * 64
    encoded = b""
    for chunk in [*chunks, b""]:
        covered = f"{EMPTY_SHA256}\n{hashlib.sha256(chunk).hexdigest()}"
        previous = signature("AWS4-HMAC-SHA256-PAYLOAD", previous, covered)
        encoded += f"{len(chunk):x};chunk-signature={previous}\r\n".encode() + chunk
        encoded += b"\r\n" if chunk or not trailer else b""
    if trailer:
        hashed = hashlib.sha256(trailer + b"\n").hexdigest()
        last = signature("AWS4-HMAC-SHA256-TRAILER", previous, hashed)
        encoded += trailer + b"\r\nx-amz-trailer-signature:" + last.encode() + b"\r\n\r\n"
    return encoded


def unsigned_stream(chunks: list[bytes], trailer: bytes = b"") -> bytes:
    pieces = [f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    return b"".join(pieces) + b"0\r\n" + trailer + b"\r\n"


chunk_lists = st.lists(st.binary(min_size=1, max_size=40), max_size=5)
steps = st.none() | st.integers(1, 60)


@given(chunk_lists, steps)
def test_signed_chunks_are_put_together(chunks, step):
    body = b"".join(chunks)
    decoded = decode(signed_stream(chunks), verified(STREAMING_SIGNED), str(len(body)), step=step)
    assert decoded.body == body
    assert decoded.trailers == {}


@given(chunk_lists, steps)
def test_a_trailer_comes_with_its_signature(chunks, step):
    body = b"".join(chunks)
    encoded = signed_stream(chunks, b"x-amz-checksum-crc32:AAAAAA==")
    decoded = decode(encoded, verified(STREAMING_SIGNED_TRAILER), str(len(body)), step=step)
    assert decoded.body == body
    assert decoded.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


@given(chunk_lists, steps)
def test_unsigned_chunks_may_have_a_trailer(chunks, step):
    body = b"".join(chunks)
    encoded = unsigned_stream(chunks, b"x-amz-checksum-crc32:AAAAAA==\r\n")
    decoded = decode(encoded, verified(STREAMING_UNSIGNED_TRAILER), str(len(body)), step=step)
    assert decoded.body == body
    assert decoded.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


@given(chunk_lists.filter(bool), st.integers(min_value=0), st.integers(1, 255), steps)
def test_no_byte_of_a_signed_stream_can_be_changed(chunks, position, change, step):
    body = b"".join(chunks)
    encoded = bytearray(signed_stream(chunks, b"x-amz-checksum-crc32:AAAAAA=="))
    encoded[position % len(encoded)] ^= change
    try:
        decoded = decode(bytes(encoded), verified(STREAMING_SIGNED_TRAILER), str(len(body)), step=step)
    except (ChunkedBodyError, SignatureError):
        return
    # What may be changed is how a length or a name is spelled, never what it says.
    assert decoded.body == body
    assert decoded.trailers == {"x-amz-checksum-crc32": "AAAAAA=="}


def test_chunks_cannot_change_places():
    one, two = signed_stream([b"one"]), signed_stream([b"one", b"two"])
    last = two.index(b"3;", 3)
    with pytest.raises(SignatureError):
        decode(two[last:], verified(STREAMING_SIGNED), "3")
    with pytest.raises((SignatureError, ChunkedBodyError)):
        decode(one[: one.index(b"0;")] + one, verified(STREAMING_SIGNED), "6")


@given(st.binary(max_size=60), st.sampled_from([STREAMING_SIGNED, STREAMING_UNSIGNED_TRAILER]))
def test_noise_is_refused_in_words(noise, payload):
    with pytest.raises((ChunkedBodyError, SignatureError)):
        decode(b"zz" + noise, verified(payload), "1")


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhelloXX0\r\n\r\n",
        b"-1\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n",
        b"0\r\nhost:evil\r\n\r\n",
        b"0\r\nx-amz-checksum-crc32:a\r\nx-amz-checksum-crc32:b\r\n\r\n",
        b"0\r\n\r\nmore",
        b"0" * 9000,
    ],
)
@pytest.mark.parametrize("step", [None, 1, 7])
def test_broken_chunks_are_refused(encoded, step):
    with pytest.raises(ChunkedBodyError):
        decode(encoded, verified(STREAMING_UNSIGNED_TRAILER), "5", step=step)


def test_the_empty_line_after_the_chunks_may_be_left_out():
    for end in (b"", b"\r\n"):
        assert decode(b"5\r\nhello\r\n0\r\n" + end, verified(STREAMING_UNSIGNED_TRAILER), "5").body == b"hello"


def test_a_trailer_of_something_else_is_malformed():
    with pytest.raises(MalformedTrailerError):
        decode(b"0\r\nhost:evil\r\n\r\n", verified(STREAMING_UNSIGNED_TRAILER), "0")


def test_more_than_was_announced_is_refused_as_soon_as_it_comes():
    decoder = ChunkDecoder(verified(STREAMING_UNSIGNED_TRAILER), "3", lambda piece: None)
    decoder.feed(b"ffffffff\r\nabc")
    with pytest.raises(ChunkedBodyError, match="x-amz-decoded-content-length"):
        decoder.feed(b"d")


@pytest.mark.parametrize("announced", [None, "", "4", "6", "five", "-5", "٥", "5" * 5000])
def test_the_announced_length_must_be_true(announced):
    with pytest.raises(ChunkedBodyError, match="x-amz-decoded-content-length"):
        decode(unsigned_stream([b"hello"]), verified(STREAMING_UNSIGNED_TRAILER), announced)
